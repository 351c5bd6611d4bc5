"""Console arguments as scripts wrote them: the `teleport-javascript` encoding, into Python values.

JavaScript values without a twin in Python become the small classes here. Objects are dicts, arrays lists, and what
contains itself in JavaScript contains itself here.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from runner.sandbox import Unset


class Undefined(Unset):
    """The type of `UNDEFINED`, JavaScript's undefined."""

    def __repr__(self) -> str:
        return "undefined"


UNDEFINED = Undefined()


class BigInt(int):
    """A BigInt."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """A symbol, by its description."""

    description: str


@dataclass(frozen=True, slots=True)
class RegExp:
    """A regular expression as written: `/text/flags`."""

    source: str


@dataclass(frozen=True, slots=True)
class InvalidDate:
    """A Date that is none."""


@dataclass(slots=True)
class JSMap:
    """A Map: its entries in order, since keys need not be hashable here."""

    entries: list[list[Any]]


@dataclass(slots=True)
class JSSet:
    """A Set: its values in order."""

    values: list[Any]


@dataclass(frozen=True, slots=True)
class Bytes:
    """A Buffer."""

    data: bytes


@dataclass(frozen=True, slots=True)
class TypedArray:
    """A typed array: the name of its class and its numbers."""

    kind: str
    values: tuple[float, ...]


TYPED_ARRAYS = {
    "H": "Int8Array",
    "I": "Uint8Array",
    "J": "Uint8ClampedArray",
    "P": "Int16Array",
    "Q": "Uint16Array",
    "F": "Int32Array",
    "G": "Uint32Array",
    "K": "Float32Array",
    "L": "Float64Array",
}


DEEPEST = 100
"""Levels that are taken apart: what lies deeper becomes the text that Node prints for what it does not show."""


def decode(text: str) -> tuple[Any, ...]:
    """The arguments of a console call."""
    value = decode_value(text)
    return tuple(value) if isinstance(value, list) else (value,)


def decode_value(text: str) -> Any:
    """One value of the encoding: a list of slots, the last of which may hold specials."""
    slots = json.loads(text)
    return _Slots(slots).slot(0)


class _Slots:
    """Slots are filled once, so that what is shared or cyclic stays so."""

    def __init__(self, slots: list[Any]) -> None:
        self._slots = slots
        self._made: dict[int, Any] = {}
        self._depth = 0

    def slot(self, index: int) -> Any:
        if index in self._made:
            return self._made[index]
        raw = self._slots[index]
        if isinstance(raw, str):
            return self._special(raw) if index == 0 and raw.startswith("_") else raw
        if self._depth == DEEPEST and isinstance(raw, list | dict):
            return "[Array]" if isinstance(raw, list) else "[Object]"
        self._depth += 1
        try:
            return self._container(index, raw)
        finally:
            self._depth -= 1

    def _container(self, index: int, raw: Any) -> Any:
        if isinstance(raw, list):
            items: list[Any] = []
            self._made[index] = items
            items.extend(self._value(each) for each in raw)
            return items
        if isinstance(raw, dict):
            found: dict[str, Any] = {}
            self._made[index] = found
            found.update((key, self._value(each)) for key, each in raw.items())
            return found
        return raw

    def _value(self, raw: Any) -> Any:
        if not isinstance(raw, str):
            return raw
        return self._special(raw) if raw.startswith("_") else self.slot(int(raw))

    def _special(self, reference: str) -> Any:
        text: str = self._slots[-1][int(reference[1:])]
        return special(text[0], text[1:])


def special(kind: str, text: str) -> Any:
    """A value JSON has no form for, by the letter of its kind."""
    if kind in TYPED_ARRAYS:
        return TypedArray(TYPED_ARRAYS[kind], tuple(json.loads(text)))
    return SPECIALS[kind](text)


def _date(text: str) -> datetime | InvalidDate:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return InvalidDate()


SPECIALS: dict[str, Callable[[str], Any]] = {
    "u": lambda _: UNDEFINED,
    "n": lambda text: float(text.replace("Infinity", "inf")),
    "b": BigInt,
    "s": Symbol,
    "D": _date,
    "R": RegExp,
    "M": lambda text: JSMap(decode_value(text)),
    "S": lambda text: JSSet(decode_value(text)),
    "B": lambda text: Bytes(bytes(json.loads(text))),
}
