"""A run divided among processes, each with variables, cookies and a script engine of its own; what they tell comes in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Self

from runner.parallel import merge
from runner.parallel.job import Job
from runner.parallel.merge import Told
from runner.parallel.stream import Stream


class Parallel:
    """Jobs, no more than `at_once` of them at a time. Use as a context manager: at its end no process is left.

    `learn` is told the secrets that the processes come to know.
    """

    def __init__(self, jobs: Sequence[Job], at_once: int, learn: Callable[[str], object]) -> None:
        self._streams = [Stream(job, learn) for job in jobs]
        self._pool = ThreadPoolExecutor(at_once)

    def __enter__(self) -> Self:
        for stream in self._streams:
            self._pool.submit(stream.pump)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End all processes at once, and forget what they told."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        for stream in self._streams:
            stream.kill()
        self._pool.shutdown()
        for stream in self._streams:
            stream.close()

    def by_iteration(self, iterations: int) -> Told:
        """One run: the jobs are its shares, which have the iterations by turns."""
        return merge.by_iteration(self._streams, iterations)

    def by_collection(self) -> Told:
        """One run after the other: the jobs are collections."""
        return merge.by_collection(self._streams)

    def interrupt(self) -> None:
        """Have all end their runs early, with the last events of these; for signal handlers."""
        for stream in self._streams:
            stream.interrupt()
