"""What runs and in which order: the tree flattened, folders selected, and where setNextRequest leads.

The look-up rules of setNextRequest follow postman-runtime's waterfall.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from runner.model import Collection, Event, Folder, Item, Json
from runner.selection import select

_UID = re.compile(r"\d+-(?=[0-9a-f]{8}-)")
"""What stands before the id of a request where Postman shows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a run goes. Times are in ms, 0 for none; `timeout` is kept by the clock among the ports.

    `bail` stops after the item in which something failed; `abort` breaks the run off with an error when a script or a
    request fails (Newman's `--bail folder`). `dry_run` shows each item once, in the order of the plan: what tests would decide
    is not known.
    """

    delay: float = 0
    timeout: float = 0
    request_timeout: float = 0
    script_timeout: float = 0
    bail: bool = False
    abort: bool = False
    fail_on_unresolved: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """An item with what it inherits from: `chain` is the collection and the folders above it, outermost first.

    `named` is true when the user picked this very item by name or id.
    """

    item: Item
    chain: tuple[Folder, ...]
    named: bool = False

    @property
    def path(self) -> tuple[str, ...]:
        """Names of the folders above the item, without the collection."""
        return tuple(folder.name for folder in self.chain[1:])

    @property
    def owners(self) -> tuple[Folder | Item, ...]:
        """All that scripts, auth and behaviour come from: the collection first, the item last."""
        return (*self.chain, self.item)

    @property
    def scripts(self) -> Iterator[tuple[Folder | Item, Event]]:
        """The scripts that have something to run, collection first, each with what it belongs to."""
        for owner in self.owners:
            for event in owner.events:
                if not event.disabled and event.code.strip():
                    yield owner, event

    @property
    def title(self) -> str:
        """The item's place in the words of the collection: `Folder › Request`."""
        return " › ".join((*self.path, self.item.name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The part of a run that one of several processes does: of its iterations every `of`th one, from `number` on."""

    number: int = 0
    of: int = 1


WHOLE = Share()
"""All of a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A selection of items, how often it runs and with which data; `share` says which of its iterations are done here."""

    collection: Collection
    steps: tuple[Step, ...]
    iterations: int
    rows: Sequence[Json] = ()
    share: Share = WHOLE

    @property
    def turns(self) -> range:
        """The iterations of this share."""
        return range(self.share.number, self.iterations, self.share.of)

    @property
    def has_scripts(self) -> bool:
        """Whether any of its items has a script with text."""
        return any(True for step in self.steps for _ in step.scripts)

    def row(self, iteration: int) -> Json:
        """The data of an iteration; the last row serves all that come after it."""
        return self.rows[min(iteration, len(self.rows) - 1)] if self.rows else {}

    def after(self, iteration: int, position: int) -> Iterator[Item]:
        """The items still to come here after one, in this iteration and those that follow, if no script changes the order."""
        later = range(iteration + self.share.of, self.iterations, self.share.of)
        rest = (self.steps[position + 1 :], *(self.steps for _ in later))
        return (step.item for steps in rest for step in steps)

    def request(self, wanted: str) -> Step | None:
        """The request of the collection that a script names: by its id or Postman's UID, else by its path or name."""
        steps = tuple(_flatten(self.collection))
        tests: tuple[Callable[[Step], bool], ...] = (
            lambda step: step.item.id in (wanted, _UID.sub("", wanted)),
            lambda step: "/".join((*step.path, step.item.name)) == wanted,
            lambda step: step.item.name == wanted,
        )
        return next((step for test in tests for step in steps if test(step)), None)

    def find(self, wanted: str) -> int | None:
        """Position of the item setNextRequest named, by id first and then by name; of equal names the last."""
        for key in ("id", "name"):
            found = [place for place, step in enumerate(self.steps) if getattr(step.item, key) == wanted]
            if found:
                return found[-1]
        return None


def make_plan(
    collection: Collection,
    *,
    folders: Sequence[str] = (),
    exclude: Sequence[str] = (),
    as_given: bool = False,
    iterations: int | None = None,
    rows: Sequence[Json] = (),
    share: Share = WHOLE,
) -> Plan:
    """The plan of a run. `iterations` None means one for each row of data, or one; see `selection.select` for the selection.

    Raises:
        UsageError: a name, path or pattern in `folders` or `exclude` is that of no folder and no request.
    """
    steps = tuple(_flatten(collection))
    if folders or exclude:
        picks = select(collection, folders, exclude, as_given=as_given)
        steps = tuple(replace(steps[pick.step], named=pick.named) for pick in picks)
    return Plan(collection=collection, steps=steps, iterations=iterations or len(rows) or 1, rows=rows, share=share)


def _flatten(node: Folder | Item, chain: tuple[Folder, ...] = ()) -> Iterator[Step]:
    if isinstance(node, Item):
        yield Step(item=node, chain=chain)
        return
    for child in node.items:
        yield from _flatten(child, (*chain, node))
