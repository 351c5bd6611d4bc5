"""Run a command and say what it cost, its child processes included."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

FIRST_SECONDS, OFTEN, SELDOM = 2.0, 0.02, 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Seconds by the clock and of CPU, and megabytes at the peak.

    The peak is the most memory that all processes had resident at one time; what several share counts once.
    """

    wall: float
    cpu: float
    peak: float


class Failed(Exception):
    """A runner did not do the work it was given."""


def measure(command: Sequence[str]) -> Cost:
    """Run to the end with output thrown away.

    Raises:
        Failed: the command's exit code is not 0.
    """
    started = time.perf_counter()
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, env=environment())
    watch = Watch(process.pid)
    watch.start()
    _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    watch.stop()
    if process.returncode:
        raise Failed(f"exit code {process.returncode} of: {' '.join(command)}")
    return Cost(wall=wall, cpu=used.ru_utime + used.ru_stime, peak=watch.peak / 1024)


def environment() -> dict[str, str]:
    """The environment without settings for developers of Python: some make every run compile all modules anew."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}


class Watch(threading.Thread):
    """Looks at the memory of a process and its descendants again and again; `peak` is in kilobytes. Needs Linux's /proc."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid = pid
        self.peak = 0
        self.over = threading.Event()

    def run(self) -> None:
        started = time.monotonic()
        while not self.over.wait(OFTEN if time.monotonic() - started < FIRST_SECONDS else SELDOM):
            self.peak = max(self.peak, sum(resident(pid) for pid in tree(self.pid)))

    def stop(self) -> None:
        self.over.set()
        self.join()


def tree(pid: int) -> Iterator[int]:
    """A process and all below it that are alive."""
    yield pid
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in read(children).split():
            yield from tree(int(child))


def resident(pid: int) -> int:
    """The memory a process has resident, its share of what it shares with others, in kilobytes; 0 once it has ended."""
    found = (line for line in read(Path(f"/proc/{pid}/smaps_rollup")).splitlines() if line.startswith("Pss:"))
    return int(next(found, "Pss: 0").split()[1])


def read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
