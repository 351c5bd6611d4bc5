"""Which items run: folders and requests picked or left out by name, id, path or pattern.

A name or id alone is looked up as in postman-runtime's extract-runnable-items. Paths and patterns are pabal's own: names
joined by `/` from the top of the collection; `*` and `?` stand for characters of one name, `**` for any number of folders.
A pattern without `/` is for names at any depth.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from runner.errors import UsageError
from runner.model import Folder, Item

_SLASH = "\0"
"""What a `/` within a name is while paths are compared, so that `*` takes it and the `/` between names does not."""

_WILD = re.compile(r"\*\*/|/\*\*$|\*\*|\*|\?|/")
_MEANING = {
    "**/": "(?:.*/)?",
    "/**": "/.*",
    "**": ".*",
    "*": "[^/]*",
    "?": "[^/]",
    "/": f"[/{_SLASH}]",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pick:
    """A step that was picked, by its number in the collection; `named` if the user named this very request."""

    step: int
    named: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spot:
    """A folder or request in its place; `steps` are the numbers of the collection's requests that lie in it."""

    node: Folder | Item
    path: tuple[str, ...]
    steps: range
    inside: tuple[_Spot, ...] = ()

    def is_called(self, wanted: str) -> bool:
        return wanted in (self.node.id, self.node.name)


def select(root: Folder, wanted: Sequence[str], unwanted: Sequence[str] = (), *, as_given: bool = False) -> Iterator[Pick]:
    """The steps of `wanted` (nothing means all) without those of `unwanted`, each once.

    They come in the order of the collection, or with `as_given` in that of `wanted`.

    Raises:
        UsageError: something in `wanted` or `unwanted` is there for no folder and no request.
    """
    spots = _spots(root)
    found = [spot for text in wanted for spot in _picked(spots, text, alone=len(wanted) == 1)] if wanted else list(spots)
    named = {spot.steps.start for text in wanted for spot in found if isinstance(spot.node, Item) and _names(text, spot)}
    left_out = frozenset[int]().union(*(steps_of(root, text) for text in unwanted))
    steps = dict.fromkeys(step for spot in found for step in spot.steps if step not in left_out)
    return (Pick(step=step, named=step in named) for step in (steps if as_given else sorted(steps)))


def steps_of(root: Folder, text: str) -> frozenset[int]:
    """The numbers of all steps of a name, id, path or pattern.

    Raises:
        UsageError: it is that of no folder and no request.
    """
    return frozenset(step for spot in _matching(_spots(root), text) for step in spot.steps)


def _names(text: str, spot: _Spot) -> bool:
    return spot.is_called(text) or "/".join(spot.path) == text


def _fits(text: str, path: tuple[str, ...]) -> bool:
    if "/".join(path) == text:
        return True
    subject = path if "/" in text else path[-1:]
    return bool(_compiled(text).fullmatch("/".join(name.replace("/", _SLASH) for name in subject)))


@lru_cache(maxsize=256)
def _compiled(text: str) -> re.Pattern[str]:
    parts, done = [], 0
    for wild in _WILD.finditer(text):
        parts += [re.escape(text[done : wild.start()]), _MEANING[wild[0]]]
        done = wild.end()
    return re.compile("".join([*parts, re.escape(text[done:])]), re.DOTALL)


def _spots(folder: Folder, above: tuple[str, ...] = (), first: int = 0) -> tuple[_Spot, ...]:
    found = []
    for child in folder.items:
        path = (*above, child.name)
        inside = _spots(child, path, first) if isinstance(child, Folder) else ()
        end = inside[-1].steps.stop if inside else first + isinstance(child, Item)
        found.append(_Spot(node=child, path=path, steps=range(first, end), inside=inside))
        first = end
    return tuple(found)


def _all(spots: Iterable[_Spot]) -> Iterator[_Spot]:
    """Each spot followed by what lies in it."""
    for spot in spots:
        yield spot
        yield from _all(spot.inside)


def _by_level(spots: Sequence[_Spot]) -> Iterator[_Spot]:
    """Each level before the ones below it."""
    yield from spots
    for spot in spots:
        yield from _by_level(spot.inside)


def _picked(spots: Sequence[_Spot], wanted: str, *, alone: bool) -> Sequence[_Spot]:
    """Of a name or id one spot: that of a single `--folder` level by level, that of one among several in collection order."""
    called = (spot for spot in (_by_level(spots) if alone else _all(spots)) if spot.is_called(wanted))
    return [first] if (first := next(called, None)) else _matching(spots, wanted)


def _matching(spots: Sequence[_Spot], wanted: str) -> Sequence[_Spot]:
    """All spots of a name, id, path or pattern."""
    everything = list(_all(spots))
    found = [spot for spot in everything if _names(wanted, spot)]
    found = found or [spot for spot in everything if _fits(wanted, spot.path)]
    if not found:
        raise _unknown(everything, wanted)
    return found


def _unknown(spots: Iterable[_Spot], wanted: str) -> UsageError:
    import difflib

    names = sorted({name for spot in spots for name in (spot.node.name, "/".join(spot.path))})
    close = difflib.get_close_matches(wanted, names, n=3, cutoff=0.5)
    hint = "did you mean " + " or ".join(f'"{name}"' for name in close) + "?" if close else ""
    return UsageError(f'Unable to find a folder or request: "{wanted}"', hint=hint)
