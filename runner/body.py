"""Request bodies as bytes: raw, urlencoded, formdata, file and graphql, each as Postman writes it."""

from __future__ import annotations

import binascii
import json
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Literal, TypeAlias
from urllib.parse import quote

from runner.mime import content_type_of
from runner.model import Body, FormParam, Param
from runner.url import utf8

ReadFile: TypeAlias = Callable[[str], bytes]

_WITHOUT_BODY = frozenset({"GET", "COPY", "HEAD", "PURGE", "UNLOCK"})
_LANGUAGES = {
    "html": "text/html",
    "text": "text/plain",
    "json": "application/json",
    "javascript": "application/javascript",
    "xml": "application/xml",
}
_OCTETS = "application/octet-stream"
_FORM = "application/x-www-form-urlencoded"
_JSON_TYPE = re.compile(r"application/(\S+\+)?json")
_FORM_TYPE = re.compile(_FORM + r"\b")
_BOUNDARY = re.compile(r'multipart/form-data;.*boundary=(?:"([^"]+)"|([^;]+))')

# A quoted text (kept), an escaped quote outside of one (kept), or a comment, in the reading of strip-json-comments.
_JSON_PIECES = re.compile(r'("[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)|(?<!\\)(?:\\\\)*\\")|//[^\n]*|/\*.*?(?:\*/|\Z)', re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """A body ready to go, with the Content-Type it comes with.

    `place` says where that header goes: before the ones every request has, after them, or last of all. `overrides`
    marks a type that replaces a Content-Type of the user which does not fit.
    """

    data: bytes = b""
    content_type: str | None = None
    place: Literal["before", "after", "last"] = "before"
    overrides: bool = False
    warnings: tuple[str, ...] = ()


NO_BODY = Payload()


def payload(
    body: Body | None, *, method: str, content_type: str | None = None, prune: bool = True, read_file: ReadFile | None = None
) -> Payload:
    """The bytes of a body whose variables are resolved; `NO_BODY` when there is nothing to send.

    `content_type` is what the user's own header says; `prune` drops the body of methods that have none.
    Files that cannot be read are left out, and told in `warnings`.
    """
    if body is None or body.disabled or (prune and method.upper() in _WITHOUT_BODY):
        return NO_BODY
    match body.mode.lower():
        case "urlencoded":
            return _urlencoded(body, content_type)
        case "formdata":
            return _formdata(body, content_type, read_file)
        case "file":
            return _file(body, read_file)
        case "graphql":
            return _graphql(body.graphql)
        case _:  # a mode Postman does not know counts as raw
            return _raw(body, content_type)


# ------------------------------------------------------------------------------------------------------- raw and graphql


def _raw(body: Body, content_type: str | None) -> Payload:
    if not body.raw:
        return NO_BODY
    is_json = body.language == "json" if body.language else bool(_JSON_TYPE.match(content_type or ""))
    text = strip_comments(body.raw) if is_json else body.raw
    return Payload(data=utf8(text), content_type=_LANGUAGES.get(body.language or "text", _LANGUAGES["text"]))


def strip_comments(text: str) -> str:
    """JSON without its `//` and `/* */` comments; the rest stays byte for byte."""
    return _JSON_PIECES.sub(lambda match: match[1] or "", text) if "//" in text or "/*" in text else text


def _graphql(content: Mapping[str, Any]) -> Payload:
    parts = _graphql_texts(content) if isinstance(content.get("variables"), str) else _graphql_values(content)
    return Payload(data=utf8("{" + ",".join(parts) + "}"), content_type=_LANGUAGES["json"])


def _graphql_values(content: Mapping[str, Any]) -> Iterator[str]:
    for key in ("query", "operationName", "variables"):
        if key in content:
            yield f'"{key}":{_json(content[key])}'


def _graphql_texts(content: Mapping[str, Any]) -> Iterator[str]:
    """Variables given as text go out verbatim, even when they are no JSON; an empty text means none."""
    for key in ("query", "operationName"):
        if isinstance(content.get(key), str):
            yield f'"{key}":{_json(content[key])}'
    if content["variables"]:
        yield f'"variables":{content["variables"]}'


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


# ------------------------------------------------------------------------------------------------------------ urlencoded


def _urlencoded(body: Body, content_type: str | None) -> Payload:
    enabled = [param for param in body.urlencoded if not param.disabled]
    if not enabled:
        return NO_BODY
    text = "&".join(_form_pairs(enabled))
    fits = _FORM_TYPE.match(content_type or "")
    return Payload(data=text.encode(), content_type=_FORM, place="after", overrides=not fits)


def _form_pairs(params: list[Param]) -> Iterator[str]:
    """Pairs in order, where equal keys stand together at the place of the first."""
    groups: dict[str, list[str]] = {}
    for param in params:
        groups.setdefault(param.key, []).append(param.value or "")
    for key, values in groups.items():
        name = _form_quote(key)
        yield from (f"{name}={_form_quote(value)}" for value in values)


def _form_quote(text: str) -> str:
    return quote(utf8(text), safe="")


# -------------------------------------------------------------------------------------------------------------- formdata


@dataclass(frozen=True, slots=True, kw_only=True)
class FormPart:
    """One part of a multipart body; a part with a `name` is a file, one without a `type` names no Content-Type.

    `src` is the path of the file that `data` was read from.
    """

    key: str
    data: bytes
    name: str | None = None
    type: str | None = None
    src: str | None = None


def _formdata(body: Body, content_type: str | None, read_file: ReadFile | None) -> Payload:
    warnings: list[str] = []
    parts = list(form_parts(body, read_file, warnings))
    if not parts:
        return Payload(warnings=tuple(warnings))
    given = boundary_of(content_type or "")
    boundary = given or _new_boundary()
    return Payload(
        data=b"".join(_multipart(parts, boundary)),
        content_type=f"multipart/form-data; boundary={boundary}",
        place="after",
        overrides=not given,
        warnings=tuple(warnings),
    )


def boundary_of(content_type: str) -> str | None:
    """The boundary that a Content-Type for multipart forms names."""
    given = _BOUNDARY.match(content_type)
    return (given[1] or given[2]) if given else None


def _new_boundary() -> str:
    """A multipart boundary in Postman's form: 26 dashes and 24 digits."""
    return "-" * 26 + f"{secrets.randbelow(10**24):024}"


def form_parts(body: Body, read_file: ReadFile | None, warnings: list[str]) -> Iterator[FormPart]:
    """The parts of a multipart body, in order; files that cannot be read are left out and told in `warnings`."""
    return (part for param in body.formdata if not param.disabled for part in _parts(param, read_file, warnings))


def _parts(param: FormParam, read_file: ReadFile | None, warnings: list[str]) -> Iterator[FormPart]:
    if param.type != "file":
        yield _text_part(param)
    elif param.src:
        for src in param.src:
            try:
                yield _file_part(param, src, _read(src, read_file))
            except OSError as error:
                warnings.append(f"Form param `{param.key}`, file load error: {_reason(error, src)}")
    elif param.value:
        yield FormPart(key=param.key, data=_from_base64(param.value), name=param.file_name, type=_named_type(param) or _OCTETS)
    else:
        warnings.append(f"Form param `{param.key}`, file load error: missing file source")
        yield FormPart(key=param.key, data=b"", name=param.file_name or "", type=_named_type(param))


def _text_part(param: FormParam) -> FormPart:
    return FormPart(key=param.key, data=utf8(param.value or ""), name=param.file_name, type=_named_type(param))


def _file_part(param: FormParam, src: str, data: bytes) -> FormPart:
    kind = param.content_type or content_type_of(src) or content_type_of(param.file_name or "") or _OCTETS
    return FormPart(key=param.key, data=data, name=param.file_name if param.file_name is not None else src, type=kind, src=src)


def _named_type(param: FormParam) -> str | None:
    return param.content_type or content_type_of(param.file_name or "")


def _multipart(parts: list[FormPart], boundary: str) -> Iterator[bytes]:
    for part in parts:
        yield utf8(f"--{boundary}\r\n{part_head(part.key, part.name, part.type)}\r\n")
        yield part.data
        yield b"\r\n"
    yield utf8(f"--{boundary}--\r\n")


def part_head(key: str, name: str | None, type: str | None) -> str:
    """The header lines of a part; one with a file `name` is a file, one without a `type` names no Content-Type."""
    head = f'Content-Disposition: form-data; name="{key}"'
    if name is not None:
        head += _file_name(PurePath(name).name)
    kind = f"Content-Type: {type}\r\n" if type else ""
    return f"{head}\r\n{kind}"


def _file_name(name: str) -> str:
    plain = f'; filename="{name}"'
    if all(char == "\t" or " " <= char <= "~" or "\x80" <= char <= "\xff" for char in name):
        return plain
    # RFC 8187 beside the plain form, with the few characters Postman's form-data leaves readable.
    return f"{plain}; filename*=UTF-8''{quote(utf8(name), safe='-_.!~|`^')}"


# ------------------------------------------------------------------------------------------------------------------ file


def _file(body: Body, read_file: ReadFile | None) -> Payload:
    if not body.file_src:
        data = _from_base64(body.file_content or "")
        return Payload(data=data, content_type=body.content_type, place="last") if data else NO_BODY
    try:
        data = _read(body.file_src, read_file)
    except OSError as error:
        return Payload(warnings=(f"Binary file load error: {_reason(error, body.file_src)}",))
    kind = body.content_type or content_type_of(body.file_src) or _OCTETS
    return Payload(data=data, content_type=kind, place="last")


def _read(src: str, read_file: ReadFile | None) -> bytes:
    """A file's bytes through the caller's `read_file`.

    Raises:
        OSError: the file cannot be read, or the caller allows no files at all.
    """
    if read_file is None:
        raise OSError("file resolver not supported")
    return read_file(src)


def _reason(error: OSError, src: str) -> str:
    """Why a file was not read, in Postman's words."""
    match error:
        case FileNotFoundError():
            return f'"{src}", no such file'
        case IsADirectoryError():
            return f'"{src}", is not a file'
        case PermissionError(errno=int()):
            return f'"{src}", read permission denied'
    return error.strerror or str(error)


def _from_base64(text: str) -> bytes:
    """Base64 as Node reads it: the URL-safe letters too, anything else skipped, padding optional."""
    letters = re.sub(r"[^A-Za-z0-9+/]", "", text.partition("=")[0].replace("-", "+").replace("_", "/"))
    if len(letters) % 4 == 1:
        letters = letters[:-1]
    return binascii.a2b_base64(letters + "=" * (-len(letters) % 4))
