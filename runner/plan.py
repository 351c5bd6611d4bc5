"""What runs and in which order: the tree flattened, folders selected, and where setNextRequest leads.

Look-up rules follow postman-runtime's extract-runnable-items and waterfall.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from runner.errors import UsageError
from runner.model import Collection, Folder, Item, Json


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
    def title(self) -> str:
        """The item's place in the words of the collection: `Folder › Request`."""
        return " › ".join((*self.path, self.item.name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A selection of items, how often it runs and with which data."""

    collection: Collection
    steps: tuple[Step, ...]
    iterations: int
    rows: Sequence[Json] = ()

    def row(self, iteration: int) -> Json:
        """The data of an iteration; the last row serves all that come after it."""
        return self.rows[min(iteration, len(self.rows) - 1)] if self.rows else {}

    def find(self, wanted: str) -> int | None:
        """Position of the item setNextRequest named, by id first and then by name; of equal names the last."""
        for key in ("id", "name"):
            found = [place for place, step in enumerate(self.steps) if getattr(step.item, key) == wanted]
            if found:
                return found[-1]
        return None


def make_plan(
    collection: Collection, *, folders: Sequence[str] = (), iterations: int | None = None, rows: Sequence[Json] = ()
) -> Plan:
    """The plan of a run. `iterations` None means one for each row of data, or one.

    Raises:
        UsageError: a name in `folders` is that of no folder and no request.
    """
    steps = tuple(_flatten(collection)) if not folders else tuple(_select(collection, folders))
    return Plan(collection=collection, steps=steps, iterations=iterations or len(rows) or 1, rows=rows)


def _flatten(node: Folder | Item, chain: tuple[Folder, ...] = (), named: bool = False) -> Iterator[Step]:
    if isinstance(node, Item):
        yield Step(item=node, chain=chain, named=named)
        return
    for child in node.items:
        yield from _flatten(child, (*chain, node))


def _select(collection: Collection, wanted: Sequence[str]) -> Iterator[Step]:
    if len(wanted) == 1:
        found = _shallowest(collection, wanted[0], ())
        if found is None:
            raise _unknown(collection, wanted[0])
        return _flatten(*found, named=True)
    open_names = dict.fromkeys(wanted)
    picked = list(_pick(collection, (), open_names, covered=False))
    if open_names:
        raise _unknown(collection, next(iter(open_names)))
    return (step for node, chain in picked for step in _flatten(node, chain, named=True))


def _matches(node: Folder | Item, wanted: str) -> bool:
    return wanted in (node.id, node.name)


def _shallowest(folder: Folder, wanted: str, chain: tuple[Folder, ...]) -> tuple[Folder | Item, tuple[Folder, ...]] | None:
    here = (*chain, folder)
    for child in folder.items:
        if _matches(child, wanted):
            return child, here
    for child in folder.items:
        if isinstance(child, Folder) and (found := _shallowest(child, wanted, here)):
            return found
    return None


def _pick(
    folder: Folder, chain: tuple[Folder, ...], open_names: dict[str, None], *, covered: bool
) -> Iterator[tuple[Folder | Item, tuple[Folder, ...]]]:
    """Matches in collection order, one for each name; what lies in a chosen folder counts as found but is not chosen again."""
    here = (*chain, folder)
    for child in folder.items:
        match = child.id if child.id in open_names else child.name if child.name in open_names else None
        if match is not None:
            del open_names[match]
            if not covered:
                yield child, here
        if isinstance(child, Folder):
            yield from _pick(child, here, open_names, covered=covered or match is not None)


def _unknown(collection: Collection, wanted: str) -> UsageError:
    names = sorted(set(_names(collection)))
    close = difflib.get_close_matches(wanted, names, n=3, cutoff=0.5)
    hint = "did you mean " + " or ".join(f'"{name}"' for name in close) + "?" if close else ""
    return UsageError(f'Unable to find a folder or request: "{wanted}"', hint=hint)


def _names(folder: Folder) -> Iterator[str]:
    for child in folder.items:
        yield child.name
        if isinstance(child, Folder):
            yield from _names(child)
