"""Bodies for a reader: the bytes that `prepare` made, taken apart as far as putting them together again gives the same."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any
from urllib.parse import unquote

from runner.body import FormPart, boundary_of, form_parts
from runner.codegen.description import Body, BytesBody, FileBody, FormBody, Hole, JsonBody, MultipartBody, Part, Text, TextBody
from runner.codegen.holes import StandIns, filled
from runner.model import Body as ModelBody
from runner.model import Prepared

_JSON_TYPE = re.compile(r"application/(\S+\+)?json", re.IGNORECASE)


def body_of(body: ModelBody | None, marked: Prepared, marks: StandIns, values: Mapping[str, str]) -> Body | None:
    """The body of a prepared request, `marked` with stand-ins; None if there is none."""
    if body is None or marked.body is None:
        return None
    match body.mode:
        case "formdata":
            return _multipart(body, marked, marks)
        case "file":
            return FileBody(path=body.file_src) if body.file_src else _bytes(marked)
    try:
        text = marked.body.decode()
    except UnicodeDecodeError:
        return _bytes(marked)
    if body.mode == "urlencoded":
        return _form(text, marks)
    found = _json(text, marked, marks, values)
    return found or TextBody(text=marks.text(text))


def _bytes(marked: Prepared) -> BytesBody:
    return BytesBody(data=marked.body or b"")


def _form(text: str, marks: StandIns) -> FormBody:
    pairs = [piece.partition("=") for piece in text.split("&")]
    fields = tuple((marks.text(unquote(key)), marks.text(unquote(value))) for key, _, value in pairs)
    return FormBody(fields=fields, text=marks.text(text, "form"))


# -------------------------------------------------------------------------------------------------------------- multipart


def _multipart(body: ModelBody, marked: Prepared, marks: StandIns) -> MultipartBody:
    parts = tuple(_part(part, marks) for part in form_parts(body, lambda src: b"", []))
    return MultipartBody(parts=parts, boundary=own_boundary(marked))


def own_boundary(prepared: Prepared) -> str | None:
    """The boundary that the user's Content-Type names, None where it is made anew each time."""
    given = prepared.request.headers if prepared.request else ()
    types = [param.value or "" for param in given if param.key.lower() == "content-type" and not param.disabled]
    return boundary_of(types[-1]) if types else None


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _part(part: FormPart, marks: StandIns) -> Part:
    is_file = part.name is not None or not _is_text(part.data)
    return Part(
        name=marks.text(part.key),
        value=Text() if is_file else marks.text(part.data.decode()),
        path=part.src,
        data=part.data if is_file and part.src is None else None,
        file_name=PurePath(part.name).name if part.name is not None else None,
        content_type=part.type,
    )


# ------------------------------------------------------------------------------------------------------------------- JSON


class _Lossy(Exception):
    """The JSON would not be the same after being parsed and written again."""


@dataclass(frozen=True, slots=True)
class Number:
    """A hole that stands where JSON has a number; `kind` is int or float."""

    hole: Hole
    kind: str


def _json(text: str, marked: Prepared, marks: StandIns, values: Mapping[str, str]) -> JsonBody | None:
    """The body as a value, where it is sent as JSON and comes out of parsing and writing as it was, holes filled."""
    if not _JSON_TYPE.match(marked.header("content-type") or ""):
        return None
    try:
        value = _parsed(text, marks, values)
        if json.loads(filled(marks.text(text), values)) != _with_values(value, values):
            return None
    except (_Lossy, ValueError, RecursionError):
        return None
    return JsonBody(value=value, text=marks.text(text))


def _parsed(text: str, marks: StandIns, values: Mapping[str, str]) -> Any:
    def pairs(found: list[tuple[str, Any]]) -> dict[Any, Any]:
        made = {_text(key, marks): value for key, value in found}
        if len(made) != len(found):
            raise _Lossy
        return made

    def integer(digits: str) -> Any:
        if str(int(digits)) != digits:
            raise _Lossy
        hole = marks.number(int(digits))
        return _number(hole, values[hole.name]) if hole else int(digits)

    def decimal(digits: str) -> float:
        if repr(float(digits)) != digits:
            raise _Lossy
        return float(digits)

    def constant(name: str) -> Any:
        raise _Lossy

    parsed = json.loads(text, object_pairs_hook=pairs, parse_int=integer, parse_float=decimal, parse_constant=constant)
    if not isinstance(parsed, dict | list):
        raise _Lossy
    return _texts(parsed, marks)


def _number(hole: Hole, value: str) -> Number:
    """A number that comes out of Python as it was.

    Raises:
        ValueError: it is none.
    """
    kind: type[int] | type[float] = int if re.fullmatch(r"-?\d+", value) else float
    if str(kind(value)) != value:
        raise _Lossy
    return Number(hole, kind.__name__)


def _texts(value: Any, marks: StandIns) -> Any:
    """The value with a `Text` for each string that has holes."""
    if isinstance(value, str):
        return _text(value, marks)
    if isinstance(value, list):
        return [_texts(entry, marks) for entry in value]
    return {key: _texts(entry, marks) for key, entry in value.items()} if isinstance(value, dict) else value


def _text(value: str, marks: StandIns) -> str | Text:
    value.encode()  # half a surrogate pair is no text for every library
    text = marks.text(value)
    return value if text.plain is not None else text


def _with_values(value: Any, values: Mapping[str, str]) -> Any:
    """The value as it is sent, holes filled.

    Raises:
        ValueError: a hole's value is no number where one is needed.
    """
    match value:
        case Text():
            return filled(value, values)
        case Number():
            return (int if value.kind == "int" else float)(values[value.hole.name])
        case list():
            return [_with_values(entry, values) for entry in value]
        case dict():
            return {_with_values(key, values): _with_values(entry, values) for key, entry in value.items()}
    return value
