"""The measured costs as tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from benchmarks.measure import Cost
from benchmarks.workloads import Workload

Costs = Mapping[str, Sequence[Cost]]
"""The costs of one workload by runner; runs of the same index were made one after the other."""

MEMORY_TARGET = 0.6
FLAT_TARGET = 1.1
FLAT_TARGET_REPORTED = 1.2
JOBS = 2
DIVIDED = f"pabal -j {JOBS}"
DIVIDED_TARGET = 1.7
"""How many times faster several processes are to be than one."""


def tables(results: Sequence[tuple[Workload, Costs]]) -> str:
    """Medians of all runners, then pabal against Newman, one process against several, and the memory of few rows and many."""
    parts = [absolute(results), against_newman(results), speed_up(results), flatness(results)]
    return "\n\n".join(filter(None, parts))


def absolute(results: Sequence[tuple[Workload, Costs]]) -> str:
    head = ["workload", "", "requests", "runner", "runs", "wall s", "cpu s", "peak MB", "wall ms/request"]
    return table(head, [row for workload, costs in results for row in medians(workload, costs)])


def medians(workload: Workload, costs: Costs) -> Iterable[list[str]]:
    for runner, runs in costs.items():
        wall, cpu, peak = (median(getattr(run, field) for run in runs) for field in ("wall", "cpu", "peak"))
        figures = [f"{wall:.2f}", f"{cpu:.2f}", f"{peak:.0f}", f"{wall / workload.requests * 1000:.2f}"]
        yield [workload.name, workload.about, f"{workload.requests:,}", runner, str(len(runs)), *figures]


def against_newman(results: Sequence[tuple[Workload, Costs]]) -> str:
    head = ["workload", "wall: times faster", "target", "cpu: times less", "memory: share", "target", ""]
    rows = [compared(workload, costs) for workload, costs in results if {"newman", "pabal"} <= costs.keys()]
    return table(head, rows) if rows else ""


def compared(workload: Workload, costs: Costs) -> list[str]:
    """Medians of the ratios of each pair of runs."""
    pairs = list(zip(costs["newman"], costs["pabal"], strict=True))
    wall = median(newman.wall / pabal.wall for newman, pabal in pairs)
    cpu = median(newman.cpu / pabal.cpu for newman, pabal in pairs)
    memory = median(pabal.peak / newman.peak for newman, pabal in pairs)
    verdict = "met" if wall >= workload.target and memory <= MEMORY_TARGET else "MISSED"
    figures = [f"{wall:.1f}", f"≥ {workload.target:g}", f"{cpu:.1f}", f"{memory:.2f}", f"≤ {MEMORY_TARGET:g}"]
    return [workload.name, *figures, verdict]


def speed_up(results: Sequence[tuple[Workload, Costs]]) -> str:
    return "\n".join(sped_up(workload, costs) for workload, costs in results if DIVIDED in costs)


def sped_up(workload: Workload, costs: Costs) -> str:
    """The median of the ratios of each pair of runs."""
    ratio = median(one.wall / several.wall for one, several in zip(costs["pabal"], costs[DIVIDED], strict=True))
    verdict = "met" if ratio >= DIVIDED_TARGET else "MISSED"
    return f"{DIVIDED} does {workload.about} {ratio:.2f} times as fast as pabal (target ≥ {DIVIDED_TARGET}): {verdict}"


def flatness(results: Sequence[tuple[Workload, Costs]]) -> str:
    measured = [(workload, costs["pabal"]) for workload, costs in results if workload.rows and "pabal" in costs]
    groups = ([each for each in measured if each[0].reported == reported] for reported in (False, True))
    return "\n".join(flat(group) for group in groups if len(group) > 1)


def flat(group: Sequence[tuple[Workload, Sequence[Cost]]]) -> str:
    """The memory of the most rows against that of the fewest."""
    ordered = sorted(group, key=lambda each: each[0].rows)
    (few, few_runs), (many, many_runs) = ordered[0], ordered[-1]
    ratio = median(run.peak for run in many_runs) / median(run.peak for run in few_runs)
    target = FLAT_TARGET_REPORTED if many.reported else FLAT_TARGET
    verdict = "flat" if ratio <= target else "NOT FLAT"
    return f"pabal's peak memory: {many.about} take {ratio:.2f} times that of {few.about} (target ≤ {target:g}): {verdict}"


def table(head: list[str], rows: Sequence[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [head, ["-" * width for width in widths], *rows]
    return "\n".join(f"| {' | '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))} |" for line in lines)
