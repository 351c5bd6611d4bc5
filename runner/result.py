"""The outcome of a run: a fold over its events, with Newman's way of counting and pabal's exit code."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from runner import events
from runner.errors import ExitCode
from runner.events import Place, RunEvent

STATS = ("iterations", "items", "scripts", "prerequests", "requests", "tests", "assertions", "testScripts", "prerequestScripts")
SOURCES = ("item", "script", "auth", "extension", "retry")
_CLASS_WIDTH = 1.02
_SCRIPT_STATS = {"test": "testScripts", "prerequest": "prerequestScripts"}


@dataclass(slots=True)
class Count:
    """How often something happened, how often it went wrong, and how many have begun without an end."""

    total: int = 0
    pending: int = 0
    failed: int = 0

    def begin(self) -> None:
        """One more has started."""
        self.pending += 1

    def end(self, failed: bool = False) -> None:
        """One is over, whether or not `begin` was called for it."""
        self.pending = max(0, self.pending - 1)
        self.total += 1
        self.failed += failed


@dataclass(slots=True)
class Spread:
    """Average, extremes and standard deviation of a stream of numbers in constant memory (Welford's method)."""

    count: int = 0
    average: float = 0.0
    min: float = 0.0
    max: float = 0.0
    _squares: float = 0.0

    def add(self, value: float) -> None:
        """Take in one more value."""
        self.min = min(self.min, value) if self.count else value
        self.max = max(self.max, value)
        self.count += 1
        delta = value - self.average
        self.average += delta / self.count
        self._squares += delta * (value - self.average)

    @property
    def sd(self) -> float:
        """The standard deviation of the values as a whole population, 0.0 when there are none."""
        return math.sqrt(max(0.0, self._squares) / self.count) if self.count else 0.0


@dataclass(slots=True)
class Percentiles:
    """Percentiles of a stream of times in ms, each within 1% of a value that is there and the last one exact, in flat memory.

    Times are counted in classes that are 2% wide: from a microsecond to a day those are fewer than 1300.
    """

    count: int = 0
    _edges: tuple[float, float] = (math.inf, 0.0)
    _classes: dict[int, int] = field(default_factory=dict)

    def add(self, value: float) -> None:
        """Take in one more value."""
        self.count += 1
        self._edges = (min(self._edges[0], value), max(self._edges[1], value))
        number = round(math.log(max(value, 0.001), _CLASS_WIDTH))
        self._classes[number] = self._classes.get(number, 0) + 1

    def at(self, percent: float) -> float:
        """The least value that `percent` of all values do not exceed (nearest rank), 0.0 when there are none."""
        rank, reached = math.ceil(self.count * percent / 100), 0
        if rank == self.count:
            return self._edges[1]
        for number in sorted(self._classes):
            reached += self._classes[number]
            if reached >= rank:
                return min(max(_CLASS_WIDTH**number, self._edges[0]), self._edges[1])
        return 0.0

    @property
    def usual(self) -> dict[str, float]:
        """p50, p90, p95 and p99."""
        return {f"p{percent}": self.at(percent) for percent in (50, 90, 95, 99)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One thing that went wrong. `kind` is assertion, script, request or refused; `at` the place in Newman's words.

    `test` and `index` are only set for assertions; `index` counts from 0 within the script.
    """

    kind: str
    name: str
    message: str
    at: str
    item: str
    item_id: str
    path: tuple[str, ...]
    ref: int
    iteration: int
    cycles: int
    position: int
    length: int
    test: str = ""
    index: int | None = None
    stack: str = ""

    @property
    def full_name(self) -> str:
        """Folders and item as the reports show them: `Folder / Request`."""
        return " / ".join((*self.path, self.item))


def _failure(place: Place, **fields: Any) -> Failure:
    return Failure(
        item=place.item.name,
        item_id=place.item.id,
        path=place.path,
        ref=place.ref,
        iteration=place.iteration,
        cycles=place.cycles,
        position=place.position,
        length=place.length,
        **fields,
    )


@dataclass(slots=True)
class RunResult:
    """What a run came to. Feed it every event with `add`; it may be read at any time.

    `stats` counts under Newman's names; its `requests` are all that went out, `sources` splits them by who asked for them
    (retry: attempts that were made once more, of which none is a failure). `refused` are requests that never left, `planned`
    those of a dry run. Times are milliseconds (`percentiles` those of `response`), `started` and `finished` seconds since
    1970, `received` bytes of bodies on the wire, as Newman counts. Apart from `failures` nothing here grows with the length
    of the run. Of several collections in a row it tells the sum.
    """

    collection: str = ""

    stats: dict[str, Count] = field(default_factory=lambda: {name: Count() for name in STATS})
    sources: dict[str, Count] = field(default_factory=lambda: {name: Count() for name in SOURCES})
    refused: int = 0
    planned: int = 0
    skipped: int = 0
    response: Spread = field(default_factory=Spread)
    percentiles: Percentiles = field(default_factory=Percentiles)
    dns: Spread = field(default_factory=Spread)
    first_byte: Spread = field(default_factory=Spread)
    received: int = 0
    failures: list[Failure] = field(default_factory=list)
    unresolved: tuple[str, ...] = ()
    started: float = 0.0
    finished: float = 0.0
    error: str | None = None
    bail: str | None = None
    interrupted: bool = False

    def add(self, event: RunEvent) -> None:
        """Take in the next event of the run."""
        if handler := self._handlers.get(type(event)):
            handler(self, event)

    @property
    def exit_code(self) -> ExitCode:
        """What the command should end with; the gravest thing that happened wins."""
        if self.interrupted:
            return ExitCode.INTERRUPTED
        kinds = {failure.kind for failure in self.failures}
        if "refused" in kinds:
            return ExitCode.REFUSED
        if self.error is not None or kinds & {"request", "script"}:
            return ExitCode.BROKEN
        if kinds:
            return ExitCode.ASSERTION_FAILED
        return ExitCode.OK if self.stats["items"].total else ExitCode.NOTHING_RAN

    @property
    def ok(self) -> bool:
        """Whether everything passed."""
        return self.exit_code is ExitCode.OK

    @property
    def duration(self) -> float:
        """Milliseconds from the first to the last event."""
        return max(0.0, self.finished - self.started) * 1000

    def _run_started(self, event: events.RunStarted) -> None:
        self.collection = event.collection.name
        self.started = self.started or event.started
        self.finished = event.started

    def _iteration_started(self, _: events.IterationStarted) -> None:
        self.stats["iterations"].begin()

    def _iteration_finished(self, _: events.IterationFinished) -> None:
        self.stats["iterations"].end()

    def _item_started(self, _: events.ItemStarted) -> None:
        for name in ("items", "prerequests"):
            self.stats[name].begin()

    def _item_finished(self, event: events.ItemFinished) -> None:
        """Newman's `prerequests` and `tests` count items that went through the phase, not scripts."""
        for name in ("items", "prerequests") if event.skipped else ("items", "prerequests", "tests"):
            self.stats[name].end()

    def _item_skipped(self, _: events.ItemSkipped) -> None:
        self.skipped += 1

    def _request_planned(self, event: events.RequestPlanned) -> None:
        self.planned += 1
        if event.refused:
            self._refuse(event.place, event.objection)

    def _refuse(self, place: Place, reason: str) -> None:
        self.refused += 1
        self.failures.append(_failure(place, kind="refused", name="Refused", message=reason, at="request", index=None))

    def _request_sent(self, event: events.RequestSent) -> None:
        if event.refused:
            self._refuse(event.place, event.error or "")
            return
        failed = event.error is not None and event.source != "retry"
        self.stats["requests"].end(failed)
        self.sources[event.source].end(failed)
        if failed:
            self.failures.append(_failure(event.place, kind="request", name="Error", message=event.error or "", at="request"))
        elif event.response is not None:
            timings = event.response.timings
            self.received += event.response.wire_size
            self.response.add(timings.total)
            self.percentiles.add(timings.total)
            for spread, value in ((self.dns, timings.dns), (self.first_byte, timings.first_byte)):
                if value:
                    spread.add(value)

    def _asserted(self, event: events.Asserted) -> None:
        assertion = event.assertion
        failed = not assertion.passed and not assertion.skipped
        self.stats["assertions"].end(failed)
        if failed:
            error = assertion.error
            self.failures.append(
                _failure(
                    event.place,
                    kind="assertion",
                    name=error.name if error else "AssertionError",
                    message=error.message if error else "",
                    at=f"assertion:{assertion.index} in {event.listen}-script",
                    test=assertion.name,
                    index=assertion.index,
                    stack=error.stack if error else "",
                )
            )

    def _script_failed(self, event: events.ScriptFailed) -> None:
        error = event.error
        place = "".join(f":{number}" for number in (error.line, error.column) if number is not None)
        self.failures.append(
            _failure(
                event.place,
                kind="script",
                name=error.name,
                message=error.message,
                at=f"{event.listen}-script{place}",
                stack=error.stack,
            )
        )

    def _script_finished(self, event: events.ScriptFinished) -> None:
        self.stats["scripts"].end(event.failed)
        if name := _SCRIPT_STATS.get(event.listen):
            self.stats[name].end(event.failed)

    def _interrupted(self, _: events.Interrupted) -> None:
        self.interrupted = True

    def _run_finished(self, event: events.RunFinished) -> None:
        self.finished = event.finished
        self.unresolved = tuple(dict.fromkeys((*self.unresolved, *event.unresolved)))
        self.error, self.bail = self.error or event.error, self.bail or event.bail

    _handlers: ClassVar[dict[type[RunEvent], Callable[[RunResult, Any], None]]] = {
        events.RunStarted: _run_started,
        events.IterationStarted: _iteration_started,
        events.IterationFinished: _iteration_finished,
        events.ItemStarted: _item_started,
        events.ItemFinished: _item_finished,
        events.ItemSkipped: _item_skipped,
        events.RequestSent: _request_sent,
        events.RequestPlanned: _request_planned,
        events.Asserted: _asserted,
        events.ScriptFailed: _script_failed,
        events.ScriptFinished: _script_finished,
        events.Interrupted: _interrupted,
        events.RunFinished: _run_finished,
    }


_GRAVITY = (
    ExitCode.OK,
    ExitCode.NOTHING_RAN,
    ExitCode.ASSERTION_FAILED,
    ExitCode.BROKEN,
    ExitCode.REFUSED,
    ExitCode.INTERRUPTED,
)


class Results:
    """What collections that ran one after the other came to: each by itself in `runs`, and all as one in `total`."""

    def __init__(self) -> None:
        self.runs: list[RunResult] = []
        self.total = RunResult()

    def add(self, event: RunEvent) -> None:
        """Take in the next event."""
        if isinstance(event, events.RunStarted):
            self.runs.append(self.total if event.of == 1 else RunResult())
        if self.runs and self.runs[-1] is not self.total:
            self.runs[-1].add(event)
        self.total.add(event)

    @property
    def current(self) -> RunResult:
        """Of the collection that runs, or ran last."""
        return self.runs[-1] if self.runs else self.total

    @property
    def exit_code(self) -> ExitCode:
        """The gravest of the collections' own: one of which nothing ran counts though others did."""
        return max((run.exit_code for run in self.runs), key=_GRAVITY.index, default=self.total.exit_code)
