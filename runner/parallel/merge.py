"""The events of several processes as those of one run, in the order in which one process would have told them."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from itertools import chain, dropwhile, islice
from typing import TypeAlias

from runner.assemble import State
from runner.errors import RunBroken
from runner.events import Interrupted, IterationFinished, Noted, RunEvent, RunFinished, RunStarted
from runner.parallel.stream import Stream

Told: TypeAlias = Generator[RunEvent, None, list[State | None]]
"""Events, and in the end what each run left; None where its process was lost."""


def by_iteration(streams: Sequence[Stream], iterations: int) -> Told:
    """One run, of which the processes have the iterations by turns; up to the first that ends early."""
    tellers = [Teller(stream) for stream in streams]
    for number in range(iterations):
        teller = tellers[number % len(tellers)]
        told = teller.iteration()
        if 0 < number < len(tellers):
            teller.started = teller.started or tellers[0].started
            told = dropwhile(lambda event: isinstance(event, RunStarted | Noted), told)
        yield from told
        if teller.early:
            break
    ends = [each.end for each in tellers if each.end]
    assert teller.end is not None  # noqa: S101 (its last iteration is over)
    unresolved = dict.fromkeys(name for end in ends for name in end.unresolved)
    yield replace(teller.end, finished=max(end.finished for end in ends), unresolved=tuple(unresolved))
    return [teller.state]


def by_collection(streams: Sequence[Stream]) -> Told:
    """The run of each process as a whole, one after the other, up to the first that ends early."""
    states = []
    for number, stream in enumerate(streams, 1):
        teller = Teller(stream)
        while teller.end is None:
            for event in teller.iteration():
                yield replace(event, number=number, of=len(streams)) if isinstance(event, RunStarted) else event
        yield teller.end
        states.append(teller.state)
        if teller.early:
            break
    return states


class Teller:
    """What one process tells, an iteration at a time. `started` and `end` are its first and last event, None while unknown."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._events = stream.events()
        self._seen: list[RunEvent] = []
        self._interrupted = False
        self.started: RunStarted | None = None
        self.end: RunFinished | None = None

    @property
    def state(self) -> State | None:
        """What the run left, secrets and all."""
        return self._stream.state

    @property
    def early(self) -> bool:
        """Whether the run ended before its time."""
        return self.end is not None and (self._interrupted or self.end.error is not None or self.end.bail is not None)

    def iteration(self) -> Iterator[RunEvent]:
        """The events of the next iteration, and those before it, without the last one of the run.

        Raises:
            RunBroken: the process ended before its first event.
            KeyboardInterrupt: it was interrupted before that.
        """
        seen, self._seen = self._seen, []
        for event in chain(seen, self._events):
            if isinstance(event, RunFinished):
                self.end = event
                return
            if isinstance(event, RunStarted):
                self.started = event
            self._interrupted = self._interrupted or isinstance(event, Interrupted)
            yield event
            if isinstance(event, IterationFinished):
                yield from self._look_ahead()
                return
        yield from self._lost()

    def _look_ahead(self) -> Iterator[RunEvent]:
        """Whether the run goes on is known from what follows the end of an iteration, and that comes at once."""
        self._seen = list(islice(self._events, 1))
        if not self._seen or isinstance(self._seen[0], RunFinished | Interrupted):
            yield from self.iteration()

    def _lost(self) -> Iterator[RunEvent]:
        """The last events of a process that has gone without them."""
        error = None
        if self._stream.interrupted:
            if self.started is None:
                raise KeyboardInterrupt
            self._interrupted = True
            yield Interrupted()
        else:
            error = f"a process of the run ended before its time: {self._stream.how_it_ended}"
            if self.started is None:
                raise RunBroken(error)
        self.end = RunFinished(
            finished=time.time(),
            environment=self.started.environment,
            globals=self.started.globals,
            collection=self.started.collection,
            error=error,
        )
