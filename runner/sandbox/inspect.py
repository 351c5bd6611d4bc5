"""Console arguments as text, as Node's `util.inspect` shows them in Newman's report."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from runner.sandbox.teleport import BigInt, Bytes, InvalidDate, JSMap, JSSet, RegExp, Symbol, TypedArray, Undefined

MAX_ITEMS = 100
MAX_BYTES = 50
MAX_STRING = 10_000
DEPTH = 25
COMPACT = 3  # so many levels of nesting may share a line
IDENTIFIER = re.compile(r"[a-zA-Z_][a-zA-Z_0-9]*")
ESCAPED = re.compile(r"[\x00-\x1f\\\x7f-\x9f\ud800-\udfff]")
SHORT = {"\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r", "\\": "\\\\"}


def format_console(messages: Sequence[Any], break_length: int = 44) -> str:
    """The arguments of a console call in one text, joined by `, `; a value wider than `break_length` takes several lines.

    44 is what Newman uses where it does not write to a terminal, else the terminal's width less 16.
    """
    return ", ".join(inspect(message, break_length) for message in messages)


def inspect(value: Any, break_length: int = 80) -> str:
    """One value as `util.inspect` shows it without colours, 25 levels deep and 100 items long."""
    return _Inspector(break_length).value(value, 0)


class _Inspector:
    """State of one call. `_current` is the level of the container formatted last, as in Node: it decides what shares a line."""

    def __init__(self, break_length: int) -> None:
        self._break_length = break_length
        self._indent = 0
        self._current = 0
        self._seen: list[int] = []
        self._circular: dict[int, int] = {}

    def value(self, value: Any, level: int) -> str:
        plain = self._primitive(value)
        if plain is not None:
            return plain
        if id(value) in self._seen:
            return f"[Circular *{self._circular.setdefault(id(value), len(self._circular) + 1)}]"
        if level > DEPTH:
            return "[Array]" if isinstance(value, list) else "[Object]"
        return self._container(value, level)

    def _primitive(self, value: Any) -> str | None:
        for kind, show in PRIMITIVES:
            if isinstance(value, kind):
                return show(value)
        return self._string(value) if isinstance(value, str) else None

    def _string(self, text: str) -> str:
        more = ""
        if len(text) > MAX_STRING:
            left = len(text) - MAX_STRING
            text, more = text[:MAX_STRING], f"... {left} more character{'s' if left > 1 else ''}"
        if len(text) > 16 and len(text) > self._break_length - self._indent - 4:
            lines = [quote(line) for line in re.split(r"(?<=\n)", text) if line]
            return f" +\n{' ' * (self._indent + 2)}".join(lines) + more
        return quote(text) + more

    def _container(self, value: Any, level: int) -> str:
        if not is_empty(value):
            self._current = level
        self._seen.append(id(value))
        before, braces, entries = self._entries(value, level)
        self._seen.pop()
        if not entries:
            return f"{before}{braces[0]}{braces[1]}"
        reference = self._circular.get(id(value))
        base = f"<ref *{reference}> " if reference else ""
        items = value.values if isinstance(value, TypedArray) else value
        return self._fit(entries, f"{base}{before}{braces[0]}", braces[1], level, items)

    def _entries(self, value: Any, level: int) -> tuple[str, str, list[str]]:
        """The prefix, the braces, and the formatted parts of a container."""
        if isinstance(value, list):
            return "", "[]", self._items(value, level, len(value))
        if isinstance(value, TypedArray):
            return f"{value.kind}({len(value.values)}) ", "[]", self._items(value.values, level, len(value.values))
        if isinstance(value, JSSet):
            return f"Set({len(value.values)}) ", "{}", self._items(value.values, level, len(value.values))
        if isinstance(value, JSMap):
            return f"Map({len(value.entries)}) ", "{}", self._pairs(value.entries, level)
        return "", "{}", [f"{property_name(key)}: {self._inner(each, level)}" for key, each in value.items()]

    def _items(self, items: Sequence[Any], level: int, length: int) -> list[str]:
        shown = [self._inner(item, level) for item in items[:MAX_ITEMS]]
        return shown + more_items(length)

    def _pairs(self, pairs: list[list[Any]], level: int) -> list[str]:
        shown = [f"{self._inner(key, level)} => {self._inner(each, level)}" for key, each in pairs[:MAX_ITEMS]]
        return shown + more_items(len(pairs))

    def _inner(self, value: Any, level: int) -> str:
        self._indent += 2
        text = self.value(value, level + 1)
        self._indent -= 2
        return text

    def _fit(self, entries: list[str], opening: str, closing: str, level: int, items: Any) -> str:
        """On one line if it is short and not deep, else a line for each entry (or for each group of array items)."""
        count = len(entries)
        if closing == "]" and count > 6:
            entries = self._grouped(entries, items)
        if self._current - level < COMPACT and count == len(entries):
            start = len(entries) + self._indent + len(opening) - opening.startswith("<") + 10
            joined = ", ".join(entries)
            total = sum(map(len, entries)) + len(entries) + start
            if total <= self._break_length and "\n" not in joined:
                return f"{opening} {joined} {closing}"
        indent = "\n" + " " * self._indent
        separator = f",{indent}  "
        return f"{opening}{indent}  {separator.join(entries)}{indent}{closing}"

    def _grouped(self, entries: list[str], items: Sequence[Any]) -> list[str]:
        """Array items in columns, where they are short enough to gain from it."""
        extra = entries[MAX_ITEMS:]
        shown = entries[:MAX_ITEMS]
        widths = [width(entry) for entry in shown]
        columns = self._columns(widths, len(entries))
        if columns <= 1:
            return entries
        column_widths = [max(widths[start::columns]) + 2 for start in range(columns)]
        right = all(isinstance(item, (int, float)) and not isinstance(item, bool) for item in items)
        rows = [
            row_of(shown[start : start + columns], widths[start : start + columns], column_widths, right)
            for start in range(0, len(shown), columns)
        ]
        return rows + extra

    def _columns(self, widths: list[int], count: int) -> int:
        total = sum(widths) + 2 * len(widths)
        widest = max(widths) + 2
        if widest * 3 + self._indent >= self._break_length or not (total / widest > 5 or widest <= 8):
            return 1
        biased = max(widest - 3 - math.sqrt(widest - total / count), 1)
        return min(
            math.floor(math.sqrt(2.5 * biased * len(widths)) / biased + 0.5),
            (self._break_length - self._indent) // widest,
            COMPACT * 4,
            15,
        )


def is_empty(value: Any) -> bool:
    """Whether a container holds nothing."""
    if isinstance(value, JSMap):
        return not value.entries
    return not (value.values if isinstance(value, (JSSet, TypedArray)) else value)


def row_of(entries: list[str], widths: list[int], column_widths: list[int], right: bool) -> str:
    """One line of array items, each as wide as its column; the last one is not filled up on the right."""
    cells = []
    for i, entry in enumerate(entries):
        last = i == len(entries) - 1
        text = entry if last else f"{entry}, "
        fill = " " * (column_widths[i] - widths[i] - 2)
        if right:
            cells.append(fill + text)
        else:
            cells.append(text if last else text + fill)
    return "".join(cells)


def more_items(length: int) -> list[str]:
    """The entry that stands for what is left out."""
    left = length - MAX_ITEMS
    return [f"... {left} more item{'s' if left > 1 else ''}"] if left > 0 else []


def width(text: str) -> int:
    """Columns a text takes on a terminal."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def quote(text: str) -> str:
    """A text in the quotes Node would take, with what cannot be seen escaped."""
    mark = "'"
    if "'" in text:
        if '"' not in text:
            mark = '"'
        elif "`" not in text and "${" not in text:
            mark = "`"
    escaped = ESCAPED.sub(lambda hit: escape(hit[0]), text)
    if mark == "'":
        escaped = escaped.replace("'", "\\'")
    return f"{mark}{escaped}{mark}"


def escape(char: str) -> str:
    """A control character, backslash or lone surrogate as JavaScript writes it."""
    if char in SHORT:
        return SHORT[char]
    code = ord(char)
    return f"\\u{code:04X}" if code > 0xFF else f"\\x{code:02X}"


def property_name(key: str) -> str:
    """The name of a property, quoted where it has to be."""
    if key == "__proto__":
        return "['__proto__']"
    return key if IDENTIFIER.fullmatch(key) else quote(key)


def number(value: float) -> str:
    """A number as JavaScript writes it."""
    if isinstance(value, int):
        return str(value) if abs(value) < 10**21 else number(float(value))
    if math.isnan(value) or math.isinf(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if value == int(value) and abs(value) < 1e21:
        return "-0" if value == 0 and math.copysign(1, value) < 0 else str(int(value))
    return scientific(repr(value))


def scientific(text: str) -> str:
    """Python's shortest form of a float, with the exponent where JavaScript has it: below 1e-6 and from 1e21 on."""
    mantissa, _, exponent = text.partition("e")
    if not exponent:
        return text
    power = int(exponent)
    if -7 < power < 0:
        sign = "-" if mantissa.startswith("-") else ""
        digits = mantissa.lstrip("-").replace(".", "")
        return f"{sign}0.{'0' * (-power - 1)}{digits}"
    return f"{mantissa.removesuffix('.0')}e{'+' if power > 0 else '-'}{abs(power)}"


def iso_date(value: datetime) -> str:
    """A date as `toISOString` writes it."""
    return f"{value:%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03d}Z"


def buffer(value: Bytes) -> str:
    """A Buffer: its first 50 bytes in hexadecimal."""
    shown = value.data[:MAX_BYTES].hex(" ")
    left = len(value.data) - MAX_BYTES
    more = f" ... {left} more byte{'s' if left > 1 else ''}" if left > 0 else ""
    return f"<Buffer{' ' if shown else ''}{shown}{more}>"


PRIMITIVES: tuple[tuple[type, Callable[[Any], str]], ...] = (
    (type(None), lambda _: "null"),
    (bool, lambda value: "true" if value else "false"),
    (BigInt, lambda value: f"{int(value)}n"),
    (int, number),
    (float, number),
    (Undefined, lambda _: "undefined"),
    (Symbol, lambda value: f"Symbol({value.description})"),
    (RegExp, lambda value: value.source),
    (datetime, iso_date),
    (InvalidDate, lambda _: "Invalid Date"),
    (Bytes, buffer),
)
