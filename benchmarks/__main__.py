"""Command line of the benchmarks. `make bench` installs Newman and calls it."""

from __future__ import annotations

import argparse
import json
import os
import platform
import shlex
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import requests

from benchmarks import report
from benchmarks.measure import Cost, Failed, measure
from benchmarks.workloads import WORKLOADS, Workload, write

HERE = Path(__file__).parent
NEWMAN = HERE / "npm/node_modules/newman/bin/newman.js"
PABAL = Path(sys.executable).parent / "pabal"
SPEED_PROBE = 3_000


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", metavar="W1,W2", help="only these of: " + ", ".join(workload.name for workload in WORKLOADS))
    parser.add_argument("--runs", type=int, metavar="N", help="how often each runner does each workload")
    parser.add_argument("--quick", action="store_true", help="one run each, of a tenth of the iterations and rows")
    parser.add_argument("--no-newman", action="store_true", help="measure pabal only")
    parser.add_argument("--pabal", metavar="COMMAND", default=str(PABAL), help="the command to measure as pabal")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write every single measurement to this file, too")
    return parser.parse_args()


def chosen(options: argparse.Namespace) -> list[Workload]:
    """The workloads to run, as the options want them."""
    names = options.only.split(",") if options.only else [workload.name for workload in WORKLOADS]
    if unknown := set(names) - {workload.name for workload in WORKLOADS}:
        sys.exit(f"no such workload: {', '.join(sorted(unknown))}")
    picked = [workload for workload in WORKLOADS if workload.name in names]
    picked = [workload.shortened() for workload in picked] if options.quick else picked
    return [replace(workload, runs=options.runs or workload.runs) for workload in picked]


@contextmanager
def local_server() -> Iterator[int]:
    """The server in a process of its own; gives its port."""
    command = [sys.executable, "-m", "benchmarks.server"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=HERE.parent) as process:
        assert process.stdout
        yield int(process.stdout.readline())


def server_speed(port: int) -> float:
    """Requests a second that the server answers on one bare socket."""
    request = b"GET /things/1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port)) as connection:
        started = time.perf_counter()
        for _ in range(SPEED_PROBE):
            connection.sendall(request)
            connection.recv(65_536)
        return SPEED_PROBE / (time.perf_counter() - started)


def commands(workload: Workload, arguments: list[str], port: int, options: argparse.Namespace) -> dict[str, list[str]]:
    """What to run for each runner."""
    found = {"newman": ["node", str(NEWMAN), *arguments]} if workload.newman and not options.no_newman else {}
    found["pabal"] = [*shlex.split(options.pabal), *arguments]
    if workload.divided:
        found[report.DIVIDED] = [*found["pabal"], "-j", str(report.JOBS)]
    if workload.kind == "get" and workload.items > 1:
        url = f"http://127.0.0.1:{port}/things"
        found["requests loop"] = [sys.executable, str(HERE / "floor.py"), url, str(workload.requests)]
    return found


def run(workload: Workload, runners: dict[str, list[str]], port: int) -> dict[str, list[Cost]]:
    """All runners by turns, as often as the workload says."""
    costs: dict[str, list[Cost]] = {runner: [] for runner in runners}
    for number in range(workload.runs):
        for runner, command in runners.items():
            count(port)
            costs[runner].append(measure(command))
            check(workload, runner, count(port))
            cost = costs[runner][-1]
            line = f"{workload.name} run {number + 1}/{workload.runs} {runner}"
            print(f"{line}: {cost.wall:.2f} s, cpu {cost.cpu:.2f} s, {cost.peak:.0f} MB", file=sys.stderr, flush=True)
    return costs


def count(port: int) -> dict[str, int]:
    """The requests the server has seen since it was last asked."""
    with requests.Session() as session:
        session.trust_env = False
        counts: dict[str, int] = session.get(f"http://127.0.0.1:{port}/count").json()
    return counts


def check(workload: Workload, runner: str, counts: dict[str, int]) -> None:
    chains = (report.JOBS if runner == report.DIVIDED else 1) if workload.kind == "order" else 0
    if counts != {"good": workload.requests, "bad": 0, "chains": chains}:
        raise Failed(f"{runner} on {workload.name}: the server saw {counts}, not {workload.requests} good requests")


def versions(options: argparse.Namespace) -> str:
    """What is compared, and where."""
    node = [] if options.no_newman else [f"Newman {text('node', str(NEWMAN), '--version')} on Node {text('node', '--version')}"]
    pabal = f"pabal {text(*shlex.split(options.pabal), '--version')} on Python {platform.python_version()}"
    return f"{', '.join([*node, pabal])}; {platform.system()}, {os.cpu_count()} cores"


def text(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError) as error:
        raise Failed(f"{error}; `make bench` installs pabal and Newman") from None


def as_json(results: Sequence[tuple[Workload, report.Costs]]) -> str:
    rows = [
        {**asdict(workload), "costs": {name: [*map(asdict, runs)] for name, runs in costs.items()}} for workload, costs in results
    ]
    return json.dumps(rows, indent=2)


def main() -> None:
    options = parse()
    workloads = chosen(options)
    results = []
    with local_server() as port, tempfile.TemporaryDirectory() as folder:
        print(f"{versions(options)}; the server alone: {server_speed(port):,.0f} requests/s\n", flush=True)
        for workload in workloads:
            arguments = write(workload, Path(folder), port)
            results.append((workload, run(workload, commands(workload, arguments, port, options), port)))
    print(report.tables(results))
    if options.json:
        options.json.write_text(as_json(results))


if __name__ == "__main__":
    try:
        main()
    except Failed as failed:
        sys.exit(f"error: {failed}")
