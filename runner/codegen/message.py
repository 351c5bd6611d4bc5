"""A request as the text of an HTTP message: pieces of text with holes, and the contents of files."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from runner.body import part_head
from runner.codegen.description import BytesBody, Description, FileBody, Hole, MultipartBody, Part, Text, Use
from runner.codegen.holes import filled
from runner.codegen.parts import exact_text
from runner.transport.message import locate

BOUNDARY = "form-7f3a9c51e2d84b06"
_HOLE = "\0"
_URL = re.compile(r"(?:([^/?]*)://)?([^/?]*)(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """Bytes that are not written down: those of a file, or `data` that is no text."""

    path: str
    data: bytes | None = None

    def __str__(self) -> str:
        if self.data is None:
            return f"< {self.path}"
        return f"< data:application/octet-stream;base64,{base64.b64encode(self.data).decode()}"


Piece: TypeAlias = str | Use | Upload


def shown(pieces: Iterable[Piece]) -> str:
    """Pieces as a text: holes as `{{name}}`, files as `< path`."""
    return "".join(f"{{{{{piece.hole.name}}}}}" if isinstance(piece, Use) else str(piece) for piece in pieces)


def head_of(description: Description) -> tuple[Piece, ...]:
    """Request line and headers, with the blank line after them."""
    host, target = _places(description)
    headers = [("Host", host), *_given(description), *_authorization(description), *_framing(description)]
    own = {name.lower() for name, _ in description.headers}
    lines = [Text.of(f"{description.method} ") + target + Text.of(" HTTP/1.1\r\n")]
    lines += [
        Text.of(f"{name}: ") + value + Text.of("\r\n")
        for number, (name, value) in enumerate(headers)
        if number or "host" not in own
    ]
    return (*(piece for line in lines for piece in line.parts), "\r\n")


def body_of(description: Description) -> tuple[Piece, ...]:
    """The body, as it follows the head."""
    pieces = content_of(description)
    size = size_of(pieces)
    if "chunked" in (description.prepared.header("Transfer-Encoding") or "").lower() and size is not None:
        return (*([f"{size:x}\r\n", *pieces, "\r\n"] if size else []), "0\r\n\r\n")
    return pieces


def content_of(description: Description) -> tuple[Piece, ...]:
    """What the body says, however it is sent."""
    match description.body:
        case BytesBody(data=data):
            return (Upload(path="", data=data),)
        case FileBody(path=path):
            return (Upload(path=path),)
        case MultipartBody() as body:
            return tuple(form_pieces(body))
    text = exact_text(description.body)
    return text.parts if text is not None else ()


def form_pieces(body: MultipartBody) -> Iterator[Piece]:
    """A form with its boundary, of which there is one for all that name none."""
    boundary = body.boundary or BOUNDARY
    for part in body.parts:
        before, _, after = part_head(_HOLE, part.file_name, part.content_type).partition(_HOLE)
        yield f"--{boundary}\r\n{before}"
        yield from part.name.parts
        yield f"{after}\r\n"
        yield from _content(part)
        yield "\r\n"
    yield f"--{boundary}--\r\n"


def _content(part: Part) -> tuple[Piece, ...]:
    if part.path:
        return (Upload(path=part.path),)
    if part.data is None:
        return part.value.parts
    try:
        return (part.data.decode(),)
    except UnicodeDecodeError:
        return (Upload(path="", data=part.data),)


def _places(description: Description) -> tuple[Text, Text]:
    """Host and target of the URL, holes and all."""
    parts = description.address.exact.parts
    uses = iter([part for part in parts if isinstance(part, Use)])
    written = "".join(part if isinstance(part, str) else _HOLE for part in parts)
    found = _URL.fullmatch(written)
    assert found  # noqa: S101 (it fits every text)
    (user, _, host), target = found[2].rpartition("@"), found[3]
    for _ in range((found[1] or "").count(_HOLE) + user.count(_HOLE)):
        next(uses)
    named = _with(host, uses) if _HOLE in host else Text.of(locate(description.prepared.url).host_header)
    return named, _with(target if target.startswith("/") else f"/{target}", uses)


def _with(text: str, uses: Iterator[Use]) -> Text:
    first, *others = text.split(_HOLE)
    return Text(tuple(piece for piece in (first, *(each for other in others for each in (next(uses), other))) if piece != ""))


def _given(description: Description) -> Iterator[tuple[str, Text]]:
    """The request's headers with the blanks that the collection has around them, and the type of a form."""
    for name, value in description.headers:
        before, after = description.blanks.get(name.lower(), ("", ""))
        yield name, Text.of(before) + value + Text.of(after)
    if isinstance(description.body, MultipartBody) and description.body.boundary is None:
        yield "Content-Type", Text.of(f"multipart/form-data; boundary={BOUNDARY}")


def _authorization(description: Description) -> Iterator[tuple[str, Text]]:
    """Basic auth; where a part of it is a hole, the whole of it in base64 is one."""
    auth = description.auth
    if auth is None or auth.type != "basic":
        return
    pair = auth.text("username") + Text.of(":") + auth.text("password")
    encoded = base64.b64encode(filled(pair, description.values).encode()).decode()
    hole = Hole(name=f"base64({shown(pair.parts)})", source="environ", key="", value=encoded)
    yield "Authorization", Text.of("Basic ") + (Text.of(encoded) if pair.plain is not None else Text((Use(hole=hole),)))


def _framing(description: Description) -> Iterator[tuple[str, Text]]:
    """How long the body is, where that is known now and the request itself does not say how it is framed."""
    names = {name.lower() for name, _ in description.headers}
    size = size_of(content_of(description))
    if size is None or names & {"content-length", "transfer-encoding"}:
        return
    if size or description.prepared.header("content-length") is not None:
        yield "Content-Length", Text.of(str(size))


def size_of(pieces: Iterable[Piece]) -> int | None:
    """How many bytes that is, None where a hole or a file does not tell yet."""
    total = 0
    for piece in pieces:
        data = piece.encode() if isinstance(piece, str) else piece.data if isinstance(piece, Upload) else None
        if data is None:
            return None
        total += len(data)
    return total
