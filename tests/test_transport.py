"""What the recording server receives is what was prepared, to the byte; and what comes back is read as Postman reads it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.cookies import Jar
from runner.errors import SendError
from runner.model import Prepared, Response
from runner.transport import Transport
from tests.servers import Answer, Recorder, answer

Send = Callable[..., Response]


@pytest.fixture
def transport() -> Iterator[Transport]:
    sender = Transport(jar=Jar())
    yield sender
    sender.close()


@pytest.fixture
def send(transport: Transport, recorder: Recorder) -> Send:
    """Send to a path of the recorder, with a Host header in front unless `headers` has one."""

    def sending(path: str = "/", method: str = "GET", headers: Any = (), body: bytes | None = None, **behavior: Any) -> Response:
        url = path if "://" in path else recorder.url(path)
        host = (("Host", f"127.0.0.1:{recorder.port}"),)
        return transport.send(Prepared(method=method, url=url, headers=(*host, *headers), body=body, behavior=behavior))

    return sending


def test_importing_the_transport_does_not_load_requests() -> None:
    code = "import sys, runner.transport; sys.exit('requests' in sys.modules or 'urllib3' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_whole_request_is_what_was_prepared(send: Send, recorder: Recorder) -> None:
    send("/a?b=1", "POST", (("X-One", "1"), ("Content-Length", "4")), b"\x00\xffab")
    wanted = f"POST /a?b=1 HTTP/1.1\r\nHost: 127.0.0.1:{recorder.port}\r\nX-One: 1\r\nContent-Length: 4\r\n\r\n".encode()
    assert recorder.last.raw == wanted + b"\x00\xffab"


@pytest.mark.parametrize(
    "target",
    [
        "/a%%%b?x={{y}}&z=|&q='",
        "/%7e%7E/%aF",
        "/a/../b/./c//d",
        "/x?null&empty=&a=1&a=2",
        "/[x]?k[0]=^`\\",
        "/?",
        "/p?q=a+b%20c",
        "/\xe9",
    ],
)
def test_the_target_is_not_encoded_again(send: Send, recorder: Recorder, target: str) -> None:
    send(target)
    assert recorder.last.target == target


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters="#\x7f"), max_size=40))
def test_any_target_arrives_as_given(send: Send, recorder: Recorder, tail: str) -> None:
    send("/" + tail)
    assert recorder.last.target == "/" + tail


def test_a_url_without_path_asks_for_the_root_and_a_fragment_stays_here(send: Send, recorder: Recorder) -> None:
    send(f"http://127.0.0.1:{recorder.port}?a=1#frag")
    assert recorder.last.target == "/?a=1"


def test_header_order_case_and_duplicates_stay(send: Send, recorder: Recorder) -> None:
    headers = (("x-b", "1"), ("X-A", "2"), ("x-B", "3"), ("X-A", "4"), ("aCCept", "*/*"))
    send("/", headers=headers)
    assert recorder.last.headers[1:] == headers


def test_nothing_is_added(send: Send, recorder: Recorder) -> None:
    for method in ("GET", "POST", "DELETE"):
        send("/", method)
        assert recorder.last.names() == ["Host"]


def test_host_is_added_unless_it_is_switched_off(transport: Transport, recorder: Recorder) -> None:
    transport.send(Prepared(method="GET", url=recorder.url()))
    assert recorder.last.headers == (("Host", f"127.0.0.1:{recorder.port}"),)
    transport.send(Prepared(method="GET", url=recorder.url(), behavior={"disabledSystemHeaders": {"host": True}}))
    assert recorder.last.headers == ()


def test_values_lose_their_outer_blanks_and_empty_ones_are_sent(send: Send, recorder: Recorder) -> None:
    response = send("/", headers=(("X-A", "  a  b \t"), ("X-Empty", "")))
    assert recorder.last.headers[1:] == (("X-A", "a  b"), ("X-Empty", ""))
    assert response.sent is not None
    assert response.sent.header("X-A") == "a  b"


def test_latin1_values_go_out_as_latin1(send: Send, recorder: Recorder) -> None:
    send("/", headers=(("X-A", "caf\xe9"),))
    assert b"X-A: caf\xe9\r\n" in recorder.last.raw


@pytest.mark.parametrize(
    ("method", "path", "headers", "code", "text"),
    [
        ("GET", "/", (("X-A", "한글"),), "ERR_INVALID_CHAR", 'Invalid character in header content ["X-A"]'),
        ("GET", "/", (("X-A", "a\r\nX-B: b"),), "ERR_INVALID_CHAR", 'Invalid character in header content ["X-A"]'),
        ("GET", "/", (("X A", "1"),), "ERR_INVALID_HTTP_TOKEN", 'Header name must be a valid HTTP token ["X A"]'),
        ("GET /x", "/", (), "ERR_INVALID_HTTP_TOKEN", 'Method must be a valid HTTP token ["GET /x"]'),
        ("GET", "/a b", (), "ERR_UNESCAPED_CHARACTERS", "Request path contains unescaped characters"),
        ("GET", "http://127.0.0.1:99999/", (), "ERR_SOCKET_BAD_PORT", "Port should be >= 0"),
        ("GET", "http://127.0.0.1:{{p}}/", (), "ERR_SOCKET_BAD_PORT", "Port should be >= 0"),
        ("GET", "ftp://127.0.0.1/", (), "", "Invalid protocol: ftp:"),
        ("GET", "http:///x", (), "", "Invalid URI"),
    ],
)
def test_what_http_cannot_say_is_refused_in_nodes_words(
    send: Send, recorder: Recorder, method: str, path: str, headers: Any, code: str, text: str
) -> None:
    with pytest.raises(SendError) as caught:
        send(path, method, headers)
    assert (caught.value.code, caught.value.what[: len(text)]) == (code, text)
    assert recorder.requests == []


@pytest.mark.parametrize("method", ["PROPFIND", "propfind", "GET", "DELETE", "LINK"])
def test_any_method_may_have_a_body(send: Send, recorder: Recorder, method: str) -> None:
    send("/", method, (("Content-Length", "2"),), b"{}")
    assert (recorder.last.method, recorder.last.body) == (method, b"{}")


def test_a_post_without_body_says_so(send: Send, recorder: Recorder) -> None:
    send("/", "POST", (("Content-Length", "0"),))
    assert recorder.last.raw.endswith(b"Content-Length: 0\r\n\r\n")


def test_a_chunked_body_is_one_chunk(send: Send, recorder: Recorder) -> None:
    send("/", "POST", (("Transfer-Encoding", "chunked"),), b"hello")
    assert recorder.last.body == b"5\r\nhello\r\n0\r\n\r\n"


def test_head_has_no_body_and_the_connection_is_used_again(send: Send, recorder: Recorder) -> None:
    recorder.answers(Answer((b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nContent-Encoding: gzip\r\n\r\n",)))
    response = send("/", "HEAD")
    assert (response.code, response.body, response.header("content-length")) == (200, b"", "99")
    send("/")
    assert [request.connection for request in recorder.requests] == [0, 0]


def test_netrc_is_not_read(send: Send, recorder: Recorder, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    send("/")
    assert recorder.last.values("Authorization") == []


def test_proxies_of_the_process_are_not_used(send: Send, recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert send("/").code == 200


def test_user_info_becomes_basic_auth(send: Send, recorder: Recorder) -> None:
    send(f"http://me:p%40ss@127.0.0.1:{recorder.port}/x")
    assert (recorder.last.target, recorder.last.values("Authorization")) == ("/x", ["Basic bWU6cEBzcw=="])
    send(f"http://me:x@127.0.0.1:{recorder.port}/x", headers=(("authorization", "mine"),))
    assert recorder.last.values("Authorization") == ["mine"]


def test_the_response_has_all_its_headers_and_sizes(send: Send, recorder: Recorder) -> None:
    headers = [("X-A", "1"), ("x-a", "2"), ("X-A", " 3 "), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
    recorder.answers(answer(418, headers, b"abc", reason="T\xc3\xa9"))
    response = send("/")
    assert (response.code, response.reason) == (418, "Té")
    grouped = (("X-A", "1"), ("X-A", "3"), ("x-a", "2"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("Content-Length", "3"))
    assert response.headers == grouped
    assert [cookie.name for cookie in response.cookies] == ["a", "b"]
    text = "HTTP/1.1 418 Té\r\n" + "".join(f"{name}: {value}\r\n" for name, value in grouped) + "\r\n"
    assert (response.wire_size, response.header_size) == (3, len(text))


def test_early_hints_are_skipped(send: Send, recorder: Recorder) -> None:
    hints = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
    recorder.answers(Answer((hints + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",)))
    assert send("/").body == b"ok"


def test_chunked_and_closing_answers_are_read_whole(send: Send, recorder: Recorder) -> None:
    recorder.answers(
        Answer((b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", b"2\r\nde\r\n0\r\n\r\n"), pause=0.02),
        Answer((b"HTTP/1.1 200 OK\r\n\r\nuntil", b" the end"), pause=0.02, close=True),
    )
    assert (send("/").body, send("/").body, send("/").body) == (b"abcde", b"until the end", b"{}")
    assert [request.connection for request in recorder.requests] == [0, 0, 1]


def test_cookies_are_kept_and_sent_last(send: Send, recorder: Recorder) -> None:
    recorder.answers(answer(headers=[("Set-Cookie", "a=1; Path=/"), ("Set-Cookie", "b=2; Path=/deep")]))
    send("/deep/x")
    response = send("/deep/y", headers=(("X-Z", "1"),))
    assert recorder.last.headers[-1] == ("Cookie", "b=2; a=1")
    assert response.sent is not None
    assert response.sent.headers[-1] == ("Cookie", "b=2; a=1")


def test_the_users_cookies_come_before_the_jars(send: Send, recorder: Recorder) -> None:
    recorder.answers(answer(headers=[("Set-Cookie", "a=1")]))
    send("/")
    send("/", headers=(("cookie", "u=1; a=over"), ("X-Z", "1")))
    assert recorder.last.headers[1:] == (("cookie", "u=1; a=over; a=1"), ("X-Z", "1"))


def test_disabled_cookies_are_neither_sent_nor_kept(send: Send, recorder: Recorder) -> None:
    recorder.answers(answer(headers=[("Set-Cookie", "a=1")]), answer(headers=[("Set-Cookie", "b=2")]))
    send("/")
    send("/", disableCookies=True)
    assert recorder.last.values("Cookie") == []
    send("/")
    assert recorder.last.values("Cookie") == ["a=1"]


def test_timings_are_zero_for_what_a_kept_connection_spares(send: Send, recorder: Recorder) -> None:
    recorder.answers(Answer((b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", b"ok"), pause=0.03))
    fresh = send("/").timings
    kept = send("/").timings
    assert fresh.connect > 0
    assert fresh.tls == 0
    assert fresh.first_byte >= 25
    assert fresh.download >= 25
    assert fresh.total >= fresh.connect + fresh.first_byte + fresh.download
    assert (kept.dns, kept.connect, kept.tls) == (0, 0, 0)
    assert kept.total > 0
