"""`JSON.parse` and `JSON.stringify` as JavaScript has them."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from runner.codegen.support.values import JsError, OnlyJavaScript, decimal, is_number, keys, number, text, undefined

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ESCAPED = re.compile(r'["\\\x00-\x1f\ud800-\udfff]')


def _refuse(name: str) -> Any:
    raise ValueError(f"Unexpected token '{name[0]}'")


def json_parse(source: Any) -> Any:
    """`JSON.parse(source)`; a byte order mark is skipped, as Postman's own JSON does.

    Raises:
        JsError: SyntaxError, it is no JSON.
    """
    try:
        return json.loads(text(source).removeprefix("\ufeff"), parse_int=decimal, parse_float=decimal, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise JsError(str(error), "SyntaxError") from None


def json_text(value: Any, replacer: None = None, space: Any = 0) -> Any:
    """`JSON.stringify(value, null, space)`; undefined for what JSON has no form for."""
    gap = space[:10] if isinstance(space, str) else " " * max(0, min(10, int(number(space)))) if is_number(space) else ""
    return undefined if _formless(value) else "".join(_write(value, gap, "\n"))


def _formless(value: Any) -> bool:
    return value is undefined or callable(value)


def _write(value: Any, gap: str, line: str) -> Iterator[str]:
    if isinstance(value, str):
        yield quoted(value)
    elif isinstance(value, dict):
        inner = line + gap
        colon = ": " if gap else ":"
        members = [[quoted(key), colon, *_write(value[key], gap, inner)] for key in keys(value) if not _formless(value[key])]
        yield from _block(members, "{}", gap, line)
    elif isinstance(value, list):
        yield from _block(
            [["null"] if _formless(entry) else [*_write(entry, gap, line + gap)] for entry in value], "[]", gap, line
        )
    elif isinstance(value, float) and not math.isfinite(value):
        yield "null"
    elif value is None or isinstance(value, bool | int | float):
        yield text(value)
    else:
        raise OnlyJavaScript(f"the JSON of {value!r} is only known to JavaScript")


def _block(parts: list[list[str]], brackets: str, gap: str, line: str) -> Iterator[str]:
    yield brackets[0]
    for place, part in enumerate(parts):
        yield "," if place else ""
        yield line + gap if gap else ""
        yield from part
    yield line if gap and parts else ""
    yield brackets[1]


def quoted(value: str) -> str:
    """A text in JSON: only what must be is escaped."""
    joined = value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass") if not value.isascii() else value
    return '"' + _ESCAPED.sub(lambda found: _ESCAPES.get(found[0]) or f"\\u{ord(found[0]):04x}", joined) + '"'
