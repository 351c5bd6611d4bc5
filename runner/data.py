"""Iteration data: the rows of a JSON or CSV file by Newman's rules (JSON is tried first, the file ending does not count)."""

from __future__ import annotations

import json
import math
import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, overload

from runner.errors import LoadError
from runner.model import Json
from runner.reading import Reader, broken_json, decode, parse_json, read_bytes

_BROKEN_JSON = re.compile(r"\s*(\{|\[\s*(\{|\Z))")
"""How no CSV begins; Newman reads it as one all the same."""
_QUOTED = re.compile(r'[^\S\r\n]*"((?:[^"]|"")*)"[^\S\r\n]*(?=,|\r|\n|\Z)')
_PLAIN = re.compile(r"[^,\r\n]*")
_BREAK = re.compile(r"\r\n|\n|\r")
_INTEGER = re.compile(r"[-+]?[1-9][0-9]*")
_FLOAT = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_SAFE_INTEGER = 2**53 - 1
_LONGEST = len(f"-{_SAFE_INTEGER}")


class Rows(Sequence[Json]):
    """Rows kept as JSON text, an eighth of what they take as objects; each is read when its turn comes."""

    def __init__(self, rows: Iterable[Json]) -> None:
        self._text = bytearray()
        self._starts = array("Q", [0])
        for row in rows:
            self._text += json.dumps(row, separators=(",", ":")).encode()
            self._starts.append(len(self._text))

    def __len__(self) -> int:
        return len(self._starts) - 1

    @overload
    def __getitem__(self, index: int) -> Json: ...

    @overload
    def __getitem__(self, index: slice) -> list[Json]: ...

    def __getitem__(self, index: int | slice) -> Json | list[Json]:
        if isinstance(index, slice):
            return [self[each] for each in range(len(self))[index]]
        at = range(len(self))[index]
        row: Json = json.loads(self._text[self._starts[at] : self._starts[at + 1]])
        return row


def load_rows(path: str | Path, read: Reader = read_bytes) -> Rows:
    """The rows of a data file, or of what `read` finds there.

    Raises:
        LoadError: the file cannot be read, is broken JSON, a JSON value other than a list of objects or beyond what
            `reading.parse_json` takes, or is broken CSV.
    """
    text = decode(read(path))
    try:
        data = parse_json(text, str(path))
    except json.JSONDecodeError as error:
        if _BROKEN_JSON.match(text):
            raise broken_json(error, str(path)) from error
        return Rows(csv_rows(text, str(path)))
    return Rows(_json_rows(data, str(path)))


def _json_rows(data: Any, where: str) -> list[Json]:
    hint = 'iteration data is a list of objects, as in [{"name": "value"}]'
    if not isinstance(data, list):
        raise LoadError("the data is not a list of rows", where=where, hint=hint)
    for number, row in enumerate(data, 1):
        if not isinstance(row, dict):
            raise LoadError(f"row {number} is not an object", where=where, hint=hint)
    return data


def csv_rows(text: str, where: str = "") -> Iterator[Json]:
    """Rows of CSV text: first record names the columns, blanks around cells go, surplus cells are dropped, missing ones absent.

    Unquoted cells that look like numbers become numbers, as in Newman; but an integer too long for JavaScript's numbers
    stays text, where Newman would change its digits.
    """
    records = _records(text, where)
    names = [cell if isinstance(cell, str) else str(cell) for cell in next(records, [])]
    return (dict(zip(names, record, strict=False)) for record in records)


def _records(text: str, where: str) -> Iterator[list[Any]]:
    position, line, header = 0, 1, True
    while position < len(text):
        record: list[Any] = []
        while True:
            cell, end = _cell(text, position, where, line, cast=not header)
            record.append(cell)
            line += text.count("\n", position, end)
            position = end + 1
            if end >= len(text) or text[end] != ",":
                break
        stop = _BREAK.match(text, end)
        position, line, header = (stop.end() if stop else len(text)), line + 1, False
        yield record


def _cell(text: str, position: int, where: str, line: int, *, cast: bool) -> tuple[Any, int]:
    """A cell and where it ends."""
    if found := _QUOTED.match(text, position):
        return found[1].replace('""', '"'), found.end()
    plain = _PLAIN.match(text, position)
    raw = plain[0] if plain else ""
    value = raw.strip()
    if value.startswith('"'):
        raise LoadError(f"line {line}: text after a closing quote, or a quote that is never closed", where=where)
    return (_cast(value) if cast else value), position + len(raw)


def _cast(value: str) -> Any:
    if _INTEGER.fullmatch(value):
        # Python refuses to read integers of some thousand digits.
        number = int(value) if len(value) <= _LONGEST else math.inf
        return number if abs(number) <= _SAFE_INTEGER else value
    return float(value) if _FLOAT.fullmatch(value) else value
