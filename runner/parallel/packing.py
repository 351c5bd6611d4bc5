"""Events as bytes: pickled, but of each dataclass only its values, which takes half the time that pickle's own way takes."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Hashable
from dataclasses import fields, is_dataclass
from functools import cache
from io import BytesIO
from operator import attrgetter
from typing import Any


def packed(content: Any) -> bytes:
    """The content for `unpacked`."""
    file = BytesIO()
    _Packer(file, pickle.HIGHEST_PROTOCOL).dump(content)
    return file.getvalue()


def unpacked(data: bytes) -> Any:
    """What was packed, by a process of our own: never give it bytes that come from elsewhere."""
    return pickle.loads(data)  # noqa: S301


class _Packer(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        kind: Hashable = value.__class__
        take = _taker(kind)
        return (object.__new__, (kind,), take(value), None, None, _fill) if take else NotImplemented


@cache
def _taker(kind: Hashable) -> Callable[[Any], tuple[Any, ...]] | None:
    """What takes the slots of a dataclass out, behind the class."""
    names = _names(kind) if is_dataclass(kind) and hasattr(kind, "__slots__") else ()
    return attrgetter("__class__", *names) if names else None


def _names(kind: Any) -> list[str]:
    return [field.name for field in fields(kind)]


@cache
def _setters(kind: Hashable) -> list[Callable[[Any, Any], None]]:
    """Frozen classes let nothing be set, but their slots do."""
    return [getattr(kind, name).__set__ for name in _names(kind)]


def _fill(made: Any, taken: tuple[Hashable, ...]) -> None:
    kind, *values = taken
    for set_value, value in zip(_setters(kind), values, strict=True):
        set_value(made, value)
