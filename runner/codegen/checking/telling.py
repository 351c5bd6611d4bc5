"""Send the text of an HTTP message over a socket, filled in as a reader would do it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable, Mapping
from pathlib import Path

from runner.codegen.checking.loopback import HERE
from runner.codegen.description import Description, Use
from runner.codegen.holes import encoded
from runner.codegen.message import Piece, Upload, body_of, head_of, shown
from runner.transport.message import locate

_SECONDS = 30


def tell(text: str, description: Description, folder: Path, port: int, authority: Path) -> str:
    """Send a message to `port` of this machine; why there was no answer, empty if there was one.

    Files are looked for in `folder`; `authority` is the certificate that TLS trusts.
    """
    address = locate(description.prepared.url)
    head, _, body = text.partition("\r\n\r\n")
    try:
        content = _filled(body, body_of(description), description.values, folder)
        lines = _filled(f"{head}\r\n\r\n", head_of(description), description.values, folder).decode().encode("latin-1")
        with socket.create_connection((HERE, port), timeout=_SECONDS) as plain:
            if address.scheme == "http":
                return _answered(plain, _measured(lines, content))
            context = ssl.create_default_context(cafile=authority)
            with context.wrap_socket(plain, server_hostname=address.host) as secured:
                return _answered(secured, _measured(lines, content))
    except OSError as error:
        return str(error)


def _filled(text: str, pieces: Iterable[Piece], values: Mapping[str, str], folder: Path) -> bytes:
    """A text with values in place of its holes, and the bytes of files in place of their names."""
    found = []
    for piece in pieces:
        if isinstance(piece, str):
            continue
        before, _, text = text.partition(shown([piece]))
        found += [before.encode(), _value(piece, values, folder)]
    return b"".join([*found, text.encode()])


def _value(piece: Use | Upload, values: Mapping[str, str], folder: Path) -> bytes:
    if isinstance(piece, Use):
        return encoded(values.get(piece.hole.name, piece.hole.value), piece.quoting).encode()
    return (folder / piece.path).read_bytes() if piece.data is None else piece.data


def _measured(head: bytes, body: bytes) -> bytes:
    """The whole message; a body that was not all there when the text was written is measured now."""
    lowered = head.lower()
    if body and b"\r\ncontent-length:" not in lowered and b"\r\ntransfer-encoding:" not in lowered:
        head = head.removesuffix(b"\r\n") + b"Content-Length: %d\r\n\r\n" % len(body)
    return head + body


def _answered(connection: socket.socket, message: bytes) -> str:
    connection.sendall(message)
    return "" if connection.recv(1) else "there is no answer"
