"""What a run says while it goes: frozen, typed events. Reports, totals, exports and the exit code are folds over them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from runner.model import Collection, Environment, Item, Prepared, Response
from runner.sandbox import Assertion, Console, ScriptError


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in the run something happened.

    `ref` is one number for each time an item runs; `path` the names of the collection's folders down to the item's parent;
    `iteration` and `position` count from 0, `length` is the number of items in the selection.
    """

    ref: int
    iteration: int
    cycles: int
    position: int
    length: int
    item: Item
    path: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """The place in the words of the collection: `Folder › Request`."""
        return " › ".join((*self.path, self.item.name))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """The first event. `started` is seconds since 1970.

    Where `of` is more than 1, several collections are run one after the other, each from its RunStarted to its RunFinished;
    this one has that `number`.
    """

    collection: Collection
    environment: Environment
    globals: Environment
    iterations: int
    items: int
    started: float
    number: int = 1
    of: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class IterationStarted:
    """A new round over the items; `data` is its row."""

    iteration: int
    cycles: int
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemStarted:
    """An item's turn has come."""

    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """Something an extension did or the runner noticed, worth a line in the report. `level` is info or warning."""

    place: Place | None
    text: str
    level: str = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemSkipped:
    """The item's request is not sent: a script or an extension said so."""

    place: Place
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleWritten:
    """A script called `console.*`."""

    place: Place
    listen: str
    console: Console


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSent:
    """A request went out and was answered, or not: then `error` says why.

    `at` is when that was over, in seconds since 1970. `source` tells who asked: item, script (`pm.sendRequest`), auth (a
    replay or token call) or extension (for the sake of another request); it is retry for an attempt that did not count and is
    made once more. `refused` marks a request that a guard held back, which therefore did not go out at all.
    """

    place: Place
    source: str
    prepared: Prepared
    response: Response | None = None
    error: str | None = None
    error_code: str = ""
    refused: bool = False
    at: float = field(default_factory=time.time)


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPlanned:
    """A request that would go out if this were no dry run. `source` is as in RequestSent.

    `objection` is what a guard has against it; it would be `refused` for that, or else stop for another reason.
    """

    place: Place
    source: str
    prepared: Prepared
    objection: str = ""
    refused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Asserted:
    """A `pm.test` (or an extension's check) came out. `index` counts over the whole item, from 0."""

    place: Place
    listen: str
    index: int
    assertion: Assertion


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptFailed:
    """A script threw, ran out of time or memory, or did not parse. `where` names the collection, folder or item it belongs to."""

    place: Place
    listen: str
    where: str
    error: ScriptError


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptFinished:
    """One script is done. `next_request` is what it named, if `named_next`."""

    place: Place
    listen: str
    where: str
    failed: bool
    named_next: bool = False
    next_request: str | None = None
    visualizer: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFinished:
    """All of an item is over."""

    place: Place
    skipped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IterationFinished:
    """A round over the items is over."""

    iteration: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """The user pressed Ctrl-C, or the process was asked to end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """The last event of a collection, whatever happened. `error` is set when it broke off; `bail` when it stopped on purpose."""

    finished: float
    environment: Environment
    globals: Environment
    collection: Collection
    unresolved: tuple[str, ...] = ()
    error: str | None = None
    bail: str | None = None


RunEvent: TypeAlias = (
    RunStarted
    | IterationStarted
    | ItemStarted
    | Noted
    | ItemSkipped
    | ConsoleWritten
    | RequestSent
    | RequestPlanned
    | Asserted
    | ScriptFailed
    | ScriptFinished
    | ItemFinished
    | IterationFinished
    | Interrupted
    | RunFinished
)
