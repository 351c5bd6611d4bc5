"""Input files: their bytes, the text these are, and the JSON in it."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any, TypeAlias

from runner.errors import LoadError

_MAX_DIGITS = 308
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))

Reader: TypeAlias = Callable[[str | Path], bytes]
"""What turns a path into bytes or raises a LoadError."""


def read_bytes(path: str | Path) -> bytes:
    """The bytes of an input file, or a LoadError that says why not."""
    if not str(path):
        raise LoadError("cannot be read: there is no file of an empty name")
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise LoadError(f"cannot be read: {error.strerror or error}", where=str(path)) from error
    except ValueError as error:  # a NUL, half a surrogate pair
        raise LoadError(f"cannot be read: no file can be called {str(path)!a}") from error


def decode(data: bytes) -> str:
    """Text of an input file: UTF-8 or UTF-16 with or without a byte order mark, else Latin-1 (as Newman detects)."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, "replace")
    if b"\0" in data[:4]:
        return data.decode("utf-16-be" if data[0] == 0 else "utf-16-le", "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def read_json(path: str | Path, read: Reader = read_bytes) -> Any:
    """The JSON value in a file, or in what `read` finds there.

    Raises:
        LoadError: unreadable file, or broken JSON with line and column, or JSON beyond what `parse_json` takes.
    """
    try:
        return parse_json(decode(read(path)), str(path))
    except json.JSONDecodeError as error:
        raise broken_json(error, str(path)) from error


def broken_json(error: json.JSONDecodeError, where: str) -> LoadError:
    """An error that says what is wrong with a JSON text and where."""
    message = error.msg.removesuffix(" at")
    return LoadError(f"is not valid JSON: {message} at line {error.lineno}, column {error.colno}", where=where)


def parse_json(text: str, where: str) -> Any:
    """The value of a JSON text that came from the file `where`.

    Raises:
        json.JSONDecodeError: it is not JSON.
        LoadError: it is nested too deeply, or holds a whole number beyond what JavaScript's numbers reach.
    """
    try:
        return json.loads(text, parse_int=_integer)
    except json.JSONDecodeError:
        raise
    except ValueError as error:
        raise LoadError(str(error), where=where) from error
    except RecursionError as error:
        raise LoadError("is nested too deeply", where=where) from error


def _integer(digits: str) -> int:
    if len(digits) > _MAX_DIGITS:
        raise ValueError(f"holds a number of {len(digits)} digits, and no more than {_MAX_DIGITS} can be read")
    return int(digits)


def read_env_file(path: str) -> dict[str, str]:
    """The variables of a `.env` file that have a value.

    Raises:
        LoadError: unreadable file, or a line that is not `NAME=VALUE`.
    """
    from dotenv.parser import parse_stream

    found: dict[str, str] = {}
    for binding in parse_stream(StringIO(decode(read_bytes(path)))):
        if binding.error:
            raise LoadError(f"line {binding.original.line} is not of the form NAME=VALUE", where=path)
        if binding.key and binding.value:
            found[binding.key] = binding.value
    return found
