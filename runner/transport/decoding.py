"""Content-Encoding as Postman undoes it: gzip, deflate and br; anything else stays as it came (postman-request, request.js)."""

from __future__ import annotations

import zlib

from runner.errors import SendError

_BODYLESS = frozenset({204, 304})


def decode(body: bytes, encoding: str, method: str, code: int) -> bytes:
    """A response's body as scripts see it.

    A body cut short is decoded as far as it goes, as browsers and Postman do.

    Raises:
        SendError: the body is not what its Content-Encoding says.
    """
    if not body or not encoding or method == "HEAD" or code in _BODYLESS:
        return body
    decoder = _DECODERS.get(encoding.strip().lower())
    try:
        return decoder(body) if decoder else body
    except zlib.error as error:
        what = str(error).rpartition(": ")[2]
        raise SendError(what, code="Z_DATA_ERROR", hint=f"the body is not {encoding.strip()}, as its header says") from error


def _gunzip(body: bytes) -> bytes:
    parts: list[bytes] = []
    while body:
        member = zlib.decompressobj(16 + zlib.MAX_WBITS)
        parts.append(member.decompress(body))
        body = member.unused_data
    return b"".join(parts)


def _inflate(body: bytes) -> bytes:
    # Some servers send deflate without the zlib header; the first byte tells them apart (postman-request, lib/inflate.js).
    window = zlib.MAX_WBITS if body[0] & 0x0F == 0x08 else -zlib.MAX_WBITS
    return zlib.decompressobj(window).decompress(body)


def _unbrotli(body: bytes) -> bytes:
    # Few servers send it, so its library is loaded with the first that does.
    import brotli  # type: ignore[import-untyped]

    try:
        return bytes(brotli.decompress(body))
    except brotli.error as error:
        raise SendError("Decompression failed", code="ERR__ERROR_FORMAT", hint="the body is not brotli") from error


_DECODERS = {"gzip": _gunzip, "deflate": _inflate, "br": _unbrotli}
