"""The outcome of a run in Markdown: figures and failures, for a pull request, a wiki or a job's summary."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from runner import events
from runner.events import RunEvent
from runner.reporters import Settings, Surroundings
from runner.reporters.files import TextSink, report_path, whole_file
from runner.reporters.units import duration, size
from runner.result import Failure, Results, RunResult

FAILURES = 100
"""So many failures are listed; of more only the number is told."""

_LONGEST = 500
_MARKUP = re.compile(r"[\\`*_{}\[\]<>()#+!|~&-]")


def make(options: Settings, surroundings: Surroundings) -> MarkdownReporter:
    """The reporter for the option `export`: a file, a folder, or `-` for stdout."""
    export = options.get("export")
    return MarkdownReporter(export if isinstance(export, str) and export else None, surroundings)


class MarkdownReporter:
    """Adds up the run, and writes when it is closed."""

    wants_bodies = False

    def __init__(self, export: str | None, surroundings: Surroundings) -> None:
        self._export, self._surroundings = export, surroundings
        self._path: Path | None = None
        self._results = Results()
        self._names: list[str] = []

    def handle(self, event: RunEvent) -> None:
        """Take in an event.

        Raises:
            UsageError: the run starts and the report has no place to go.
        """
        self._results.add(event)
        if isinstance(event, events.RunStarted):
            if self._export != "-" and not self._names:
                self._path = report_path(self._export, "md", self._surroundings.now())
            self._names.append(event.collection.name)

    def close(self) -> None:
        """Write the report, unless the run has not even begun."""
        if not self._names:
            return
        text = document(self._results, self._names).encode("utf-8", "replace")
        if self._path is None:
            TextSink(self._surroundings.out).write(text)
            return
        with whole_file(self._path) as file:
            file.write(text)


def document(results: Results, names: Iterable[str]) -> str:
    """The whole of it."""
    total = results.total
    outcome = "✅ passed" if results.exit_code == 0 else "❌ failed"
    lines = [f"## {plain(', '.join(names))}: {outcome}", "", *_figures(total), "", *_remarks(total), *_failures(total.failures)]
    return "\n".join(lines).rstrip() + "\n"


def plain(text: str) -> str:
    """A text that Markdown shows as it is, on one line and not endlessly long."""
    cut = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return _MARKUP.sub(r"\\\g<0>", " ".join(cut.split()))


def _figures(result: RunResult) -> Iterator[str]:
    yield "| | executed | failed |"
    yield "|---|--:|--:|"
    for name in ("iterations", "items", "requests", "assertions"):
        count = result.stats[name]
        yield f"| {name} | {count.total} | {count.failed} |"
    yield ""
    percentiles = ", ".join(f"{name} {duration(value)}" for name, value in result.percentiles.usual.items())
    responses = f"; responses: {percentiles}" if result.percentiles.count else ""
    yield f"{duration(result.duration)} in all, {size(result.received)} received{responses}"


def _remarks(result: RunResult) -> Iterator[str]:
    remarks = {
        "The run was interrupted.": result.interrupted,
        f"The run broke off: {plain(result.error or '')}": result.error,
        f"The run stopped early: {plain(result.bail or '')}": result.bail,
        f"Skipped: {result.skipped}": result.skipped,
        f"Variables without a value: {plain(', '.join(result.unresolved))}": result.unresolved,
    }
    for text in (text for text, given in remarks.items() if given):
        yield from (f"> {text}", "")


def _failures(failures: list[Failure]) -> Iterator[str]:
    if not failures:
        return
    yield from ("| | failure | where |", "|--:|---|---|")
    for number, failure in enumerate(failures[:FAILURES], 1):
        iteration = f", iteration {failure.iteration + 1}" if failure.cycles > 1 else ""
        where = f"{plain(failure.full_name)}{iteration}"
        yield f"| {number} | **{plain(failure.test or failure.name)}** {plain(failure.message)} | {where} |"
    if len(failures) > FAILURES:
        yield from ("", f"{len(failures) - FAILURES} more failures are not listed.")
