"""Content-Encoding undone, in pieces, so that a small body that means a huge one is noticed in time.

gzip, deflate and br as Postman undoes them, and zstd, which it leaves as it came, as it does anything else (postman-request,
request.js). Several encodings one on top of the other are undone from the last to the first.
"""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from runner.errors import SendError
from runner.transport.failures import too_large

_BODYLESS = frozenset({204, 304})
_PIECE = 262_144

_Pieces: TypeAlias = Iterator[bytes]


def decode(body: bytes, encoding: str, method: str, code: int, limit: int = 0) -> bytes:
    """A response's body as scripts see it, of at most `limit` bytes, 0 for any number.

    A gzip or deflate body cut short is decoded as far as it goes, as browsers and Postman do.

    Raises:
        SendError: the body is not what its Content-Encoding says, or is larger than the limit.
    """
    bare = not body or not encoding or method == "HEAD" or code in _BODYLESS
    decoders = [] if bare else _decoders(encoding)
    if not decoders:
        return _joined([body], limit)
    # A decoder copies what it has not used yet, so it does not get all at once.
    pieces: _Pieces = (body[start : start + _PIECE] for start in range(0, len(body), _PIECE))
    for decoder in decoders:
        pieces = decoder(pieces)
    try:
        return _joined(pieces, limit)
    except zlib.error as error:
        what = str(error).rpartition(": ")[2]
        raise SendError(what, code="Z_DATA_ERROR", hint=f"the body is not {encoding.strip()}, as its header says") from error


def _decoders(encoding: str) -> list[Callable[[_Pieces], _Pieces]]:
    """What undoes the encodings, the last one first; nothing if one of them is not known."""
    names = [name for part in encoding.split(",") if (name := part.strip().lower()) not in ("", "identity")]
    return [_DECODERS[name] for name in reversed(names)] if all(name in _DECODERS for name in names) else []


def _joined(pieces: Iterable[bytes], limit: int) -> bytes:
    parts: list[bytes] = []
    size = 0
    for piece in pieces:
        size += len(piece)
        if limit and size > limit:
            raise too_large(limit)
        parts.append(piece)
    return b"".join(parts)


def _gunzip(pieces: _Pieces) -> _Pieces:
    member = zlib.decompressobj(16 + zlib.MAX_WBITS)
    for piece in pieces:
        rest = piece
        while rest:
            if member.eof:
                member = zlib.decompressobj(16 + zlib.MAX_WBITS)
            yield member.decompress(rest, _PIECE)
            rest = member.unused_data if member.eof else member.unconsumed_tail
            if member.eof and rest.startswith(b"\0"):  # padding, which Node overlooks
                return
    yield member.flush()


def _inflate(pieces: _Pieces) -> _Pieces:
    stream = None
    for piece in pieces:
        rest = piece
        while rest and not (stream and stream.eof):
            # Some servers send deflate without the zlib header; the first byte tells (postman-request, lib/inflate.js).
            stream = stream or zlib.decompressobj(zlib.MAX_WBITS if rest[0] & 0x0F == 0x08 else -zlib.MAX_WBITS)
            yield stream.decompress(rest, _PIECE)
            rest = stream.unconsumed_tail
    if stream:
        yield stream.flush()


def _unbrotli(pieces: _Pieces) -> _Pieces:
    # Few servers send it, or zstd, so their libraries are loaded with the first that does.
    import brotli  # type: ignore[import-untyped]

    stream = brotli.Decompressor()
    try:
        for piece in pieces:
            data = stream.process(piece, output_buffer_limit=_PIECE)
            while data or not stream.can_accept_more_data():
                yield data
                data = stream.process(b"", output_buffer_limit=_PIECE)
    except brotli.error as error:
        raise SendError("Decompression failed", code="ERR__ERROR_FORMAT", hint="the body is not brotli") from error
    if not stream.is_finished():
        raise _cut_short("brotli")


def _unzstd(pieces: _Pieces) -> _Pieces:
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd

    frame = zstd.ZstdDecompressor()
    try:
        for piece in pieces:
            rest = piece
            while rest or not (frame.needs_input or frame.eof):
                if frame.eof:
                    frame = zstd.ZstdDecompressor()
                yield frame.decompress(rest, _PIECE)
                rest = frame.unused_data if frame.eof else b""
    except zstd.ZstdError as error:
        raise SendError("Decompression failed", code="ERR_ZSTD_DECOMPRESSION_FAILED", hint="the body is not zstd") from error
    if not frame.eof:
        raise _cut_short("zstd")


def _cut_short(what: str) -> SendError:
    return SendError("unexpected end of file", code="Z_BUF_ERROR", hint=f"the body is {what} that has no end")


_DECODERS = {"gzip": _gunzip, "deflate": _inflate, "br": _unbrotli, "zstd": _unzstd}
