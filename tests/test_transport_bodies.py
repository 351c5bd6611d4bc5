"""Bodies: what their Content-Encoding hides, and how much of them is taken."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.cookies import Jar
from runner.errors import SendError
from runner.model import Prepared, Response
from runner.transport import Transport
from runner.transport.decoding import decode
from tests.conftest import Pabal
from tests.servers import Answer, Recorder, answer

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

TEXT = b"pabal " * 500
BOMB = b"\0" * 50_000_000
ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": lambda data: brotli.compress(data, quality=1),
    "zstd": zstd.compress,
}


def receive(recorder: Recorder, *answers: Answer, limit: int = 0, method: str = "GET") -> Response:
    """The answer to the first request, and on the way to it of any redirects."""
    recorder.answers(*answers)
    with closing(Transport(jar=Jar(), limit=limit)) as transport:
        return transport.send(Prepared(method=method, url=recorder.url()))


def encoded(encoding: str, body: bytes) -> Answer:
    return answer(headers=[("Content-Encoding", encoding)], body=body)


# -------------------------------------------------------------------------------------------------------------- decoding


@pytest.mark.parametrize(
    ("encoding", "body", "wanted"),
    [
        ("gzip", gzip.compress(TEXT), TEXT),
        (" GZIP ", gzip.compress(TEXT), TEXT),
        ("gzip", gzip.compress(b"one") + gzip.compress(b"two"), b"onetwo"),
        ("gzip", gzip.compress(TEXT) + b"\0\0\0\0", TEXT),
        ("gzip", gzip.compress(TEXT)[:-8], TEXT),
        ("gzip", b"", b""),
        ("deflate", zlib.compress(TEXT), TEXT),
        ("deflate", zlib.compress(TEXT)[2:-4], TEXT),
        ("deflate", zlib.compress(TEXT) + b"more", TEXT),
        ("br", brotli.compress(TEXT), TEXT),
        ("zstd", zstd.compress(TEXT), TEXT),
        ("zstd", zstd.compress(b"one") + zstd.compress(b"two"), b"onetwo"),
        ("identity", b"as it is", b"as it is"),
        ("compress", b"as it is", b"as it is"),
        ("gzip, br", brotli.compress(gzip.compress(TEXT)), TEXT),
        ("zstd,identity , Deflate", zlib.compress(zstd.compress(TEXT)), TEXT),
        ("gzip, compress", gzip.compress(TEXT), gzip.compress(TEXT)),
        ("compress, gzip", gzip.compress(TEXT), gzip.compress(TEXT)),
    ],
)
def test_bodies_are_decoded(recorder: Recorder, encoding: str, body: bytes, wanted: bytes) -> None:
    response = receive(recorder, encoded(encoding, body))
    assert (response.body, response.wire_size) == (wanted, len(body))


def test_encodings_may_stand_on_lines_of_their_own(recorder: Recorder) -> None:
    lines = [("Content-Encoding", "gzip"), ("Content-Encoding", "br")]
    assert receive(recorder, answer(headers=lines, body=brotli.compress(gzip.compress(TEXT)))).body == TEXT


@given(st.binary(max_size=400_000), st.lists(st.sampled_from(sorted(ENCODERS)), min_size=1, max_size=3))
def test_whatever_was_encoded_comes_back(data: bytes, names: list[str]) -> None:
    body = data
    for name in names:
        body = ENCODERS[name](body)
    assert decode(body, ", ".join(names), "GET", 200) == data


@pytest.mark.parametrize("name", ENCODERS)
def test_large_bodies_come_back_whole(name: str) -> None:
    data = b"".join(number.to_bytes(4, "big") for number in range(300_000))
    assert decode(ENCODERS[name](data), name, "GET", 200) == data


@pytest.mark.parametrize(
    ("encoding", "body", "code", "text"),
    [
        ("gzip", b"\xff\xff\xff plain", "Z_DATA_ERROR", "incorrect header check"),
        ("gzip", gzip.compress(TEXT) + b"more", "Z_DATA_ERROR", "incorrect header check"),
        ("deflate", b"\xff\xff\xff plain", "Z_DATA_ERROR", "invalid block type"),
        ("br", b"\xff\xff\xff plain", "ERR__ERROR_FORMAT", "Decompression failed"),
        ("br", brotli.compress(TEXT)[:-3], "Z_BUF_ERROR", "unexpected end of file"),
        ("zstd", b"\xff\xff\xff plain", "ERR_ZSTD_DECOMPRESSION_FAILED", "Decompression failed"),
        ("zstd", zstd.compress(TEXT)[:-3], "Z_BUF_ERROR", "unexpected end of file"),
        ("gzip, br", b"\xff\xff\xff plain", "ERR__ERROR_FORMAT", "Decompression failed"),
    ],
)
def test_a_body_that_is_not_what_it_says_is_an_error(
    recorder: Recorder, encoding: str, body: bytes, code: str, text: str
) -> None:
    with pytest.raises(SendError) as caught:
        receive(recorder, encoded(encoding, body))
    assert (caught.value.code, caught.value.what) == (code, text)


def test_what_is_redirected_is_not_decoded(recorder: Recorder) -> None:
    broken = answer(302, [("Location", "/next"), ("Content-Encoding", "gzip")], b"no gzip")
    assert receive(recorder, broken).code == 200


def test_rare_decoders_are_loaded_with_the_first_body_that_needs_them() -> None:
    code = "import sys, runner.transport.decoding; sys.exit(any(name in sys.modules for name in ('brotli', 'backports.zstd')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# ----------------------------------------------------------------------------------------------------------------- limit

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
ENDLESS = b"HTTP/1.1 200 OK\r\n\r\n"


@pytest.mark.parametrize(
    "whole",
    [
        answer(body=TEXT),
        encoded("gzip", gzip.compress(TEXT)),
        encoded("br, zstd", zstd.compress(brotli.compress(TEXT))),
        Answer((CHUNKED, b"%x\r\n%b\r\n0\r\n\r\n" % (len(TEXT), TEXT))),
        Answer((ENDLESS, TEXT), close=True),
    ],
)
def test_the_limit_counts_decoded_bytes_to_the_last(recorder: Recorder, whole: Answer) -> None:
    assert receive(recorder, whole, limit=len(TEXT)).body == TEXT
    with pytest.raises(SendError) as caught:
        receive(recorder, whole, limit=len(TEXT) - 1)
    assert caught.value.what == "Maximum response size reached"
    assert f"{len(TEXT) - 1} bytes" in caught.value.hint


def test_what_cannot_be_made_smaller_may_take_a_little_more_room(recorder: Recorder) -> None:
    noise = Random(1).randbytes(4000)
    assert len(gzip.compress(noise)) > len(noise)
    assert receive(recorder, encoded("gzip", gzip.compress(noise)), limit=len(noise)).body == noise


@pytest.mark.parametrize("name", ENCODERS)
def test_a_bomb_does_not_go_off(name: str) -> None:
    bomb = ENCODERS[name](BOMB)
    tracemalloc.start()
    with pytest.raises(SendError, match="Maximum response size"):
        decode(bomb, name, "GET", 200, limit=1_000_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


def test_a_bomb_within_a_bomb_does_not_go_off() -> None:
    bomb = gzip.compress(gzip.compress(BOMB))
    tracemalloc.start()
    with pytest.raises(SendError, match="Maximum response size"):
        decode(bomb, "gzip, gzip", "GET", 200, limit=1_000_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000


@pytest.mark.parametrize("head", [CHUNKED, ENDLESS, b"HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n"])
def test_the_download_stops(recorder: Recorder, head: bytes) -> None:
    block = b"x" * 300_000
    piece = b"%x\r\n%b\r\n" % (len(block), block) if head is CHUNKED else block
    # Thirty pieces with a pause before each: whoever reads them all needs three seconds.
    recorder.answers(Answer((head, *[piece] * 30), pause=0.1, close=True))
    with closing(Transport(jar=Jar(), limit=500_000)) as transport, pytest.raises(SendError, match="Maximum response size"):
        transport.send(Prepared(method="GET", url=recorder.url()), timeout=1500)


def test_the_connection_serves_again_after_a_body_within_the_limit_only(recorder: Recorder) -> None:
    recorder.answers(answer(body=b"ok"), answer(body=b"x" * 5000), answer(body=b"ok"))
    with closing(Transport(jar=Jar(), limit=100)) as transport:
        ask = Prepared(method="GET", url=recorder.url())
        assert transport.send(ask).body == b"ok"
        with pytest.raises(SendError):
            transport.send(ask)
        assert transport.send(ask).body == b"ok"
    assert [request.connection for request in recorder.requests] == [0, 0, 1]


def test_a_body_cut_short_is_told_with_a_limit_too(recorder: Recorder) -> None:
    cut = Answer((b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc",), close=True)
    with pytest.raises(SendError, match="aborted"):
        receive(recorder, cut, limit=100)


def test_head_tells_a_length_but_has_no_body(recorder: Recorder) -> None:
    head = Answer((b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\n",))
    assert receive(recorder, head, limit=100, method="HEAD").code == 200


def test_the_option_of_the_command(pabal: Pabal, tmp_path: Path, recorder: Recorder) -> None:
    recorder.routes["/large"] = answer(body=b"x" * 101)
    items = [{"name": path, "request": recorder.url(path)} for path in ("/small", "/large")]
    (tmp_path / "c.json").write_text(json.dumps({"info": {"name": "C"}, "item": items}))
    done: Any = pabal("run", "c.json", "--max-response-size", "100")
    assert done.status == 4
    assert "Maximum response size reached" in done.out
    assert pabal("run", "c.json", "--max-response-size", "0").status == 2
