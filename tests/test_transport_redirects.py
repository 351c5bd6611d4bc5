"""Redirects by Postman's rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from runner.cookies import Jar
from runner.errors import Refused, SendError
from runner.model import Prepared, Response
from runner.transport import Transport
from runner.transport.redirects import resolve
from tests.servers import Recorder, answer


@pytest.fixture
def transport() -> Iterator[Transport]:
    sender = Transport(jar=Jar())
    yield sender
    sender.close()


@pytest.fixture
def elsewhere() -> Iterator[Recorder]:
    """A server of another host name."""
    with Recorder(host="127.0.0.2") as server:
        yield server


BODY_HEADERS = (("Content-Type", "text/plain"), ("Content-Length", "4"))


def ask(
    transport: Transport, url: str, method: str = "GET", headers: Any = (), body: bytes | None = None, **behavior: Any
) -> Response:
    host = url.split("/")[2]
    return transport.send(Prepared(method=method, url=url, headers=(("Host", host), *headers), body=body, behavior=behavior))


def moved(to: str, code: int = 302) -> Any:
    return answer(code, [("Location", to)], b"gone")


@pytest.mark.parametrize("code", [300, 301, 302, 303, 304, 305, 399])
def test_a_redirect_becomes_a_get_without_body(transport: Transport, recorder: Recorder, code: int) -> None:
    recorder.answers(answer(code, [("Location", "/next")], length=code != 304))
    response = ask(transport, recorder.url("/start#frag"), "POST", BODY_HEADERS, b"body")
    assert (recorder.last.line, recorder.last.body) == ("GET /next HTTP/1.1", b"")
    assert recorder.last.headers == (("Referer", recorder.url("/start#frag")), ("Host", f"127.0.0.1:{recorder.port}"))
    assert (response.code, response.url) == (200, recorder.url("/next"))


@pytest.mark.parametrize("code", [307, 308])
def test_307_and_308_repeat_the_request(transport: Transport, recorder: Recorder, code: int) -> None:
    recorder.answers(moved("/next", code))
    ask(transport, recorder.url("/"), "PUT", BODY_HEADERS, b"body")
    assert (recorder.last.method, recorder.last.body) == ("PUT", b"body")
    assert recorder.last.values("Content-Type") == ["text/plain"]


def test_head_stays_head(transport: Transport, recorder: Recorder) -> None:
    recorder.answers(answer(302, [("Location", "/next")], length=False))
    ask(transport, recorder.url(), "HEAD")
    assert recorder.last.line == "HEAD /next HTTP/1.1"


def test_the_original_method_is_kept_on_request(transport: Transport, recorder: Recorder) -> None:
    recorder.answers(moved("/next"))
    ask(transport, recorder.url(), "POST", BODY_HEADERS, b"body", followOriginalHttpMethod=True)
    assert (recorder.last.method, recorder.last.body) == ("POST", b"body")


def test_no_redirect_is_followed_when_switched_off(transport: Transport, recorder: Recorder) -> None:
    recorder.answers(moved("/next"), moved("/next"))
    response = ask(transport, recorder.url(), followRedirects=False)
    assert (response.code, response.body, len(recorder.requests)) == (302, b"gone", 1)
    quiet = Transport(jar=Jar(), follow_redirects=False)
    assert ask(quiet, recorder.url()).code == 302
    assert ask(quiet, recorder.url(), followRedirects=True).code == 200
    quiet.close()


@pytest.mark.parametrize("location", [[], [("Location", "")]])
def test_without_a_location_the_answer_stands(transport: Transport, recorder: Recorder, location: Any) -> None:
    recorder.answers(answer(302, location))
    assert ask(transport, recorder.url()).code == 302


def test_the_number_of_redirects_is_limited(transport: Transport, recorder: Recorder) -> None:
    recorder.routes["/loop"] = moved("/loop")
    for behavior, requests in (({}, 11), ({"maxRedirects": 2}, 3), ({"maxRedirects": 0}, 1)):
        recorder.requests.clear()
        with pytest.raises(SendError, match=r"^Exceeded maxRedirects\. Probably stuck in a redirect loop http://127.*/loop$"):
            ask(transport, recorder.url("/loop"), **behavior)
        assert len(recorder.requests) == requests


def test_to_another_host_secrets_stay_behind(transport: Transport, recorder: Recorder, elsewhere: Recorder) -> None:
    recorder.answers(moved(elsewhere.url("/there")))
    secrets = (("authorization", "Basic x"), ("cookie", "user=1"), ("X-Mine", "1"))
    ask(transport, recorder.url("/here"), headers=secrets)
    host = ("Host", f"127.0.0.2:{elsewhere.port}")
    assert elsewhere.last.headers == (("X-Mine", "1"), ("Referer", recorder.url("/here")), host)


def test_authorization_goes_along_on_request(transport: Transport, recorder: Recorder, elsewhere: Recorder) -> None:
    recorder.answers(moved(elsewhere.url()))
    secrets = (("Authorization", "Basic x"), ("Cookie", "user=1"))
    ask(transport, recorder.url(), headers=secrets, followAuthorizationHeader=True)
    assert (elsewhere.last.values("Authorization"), elsewhere.last.values("Cookie")) == (["Basic x"], [])


def test_on_the_same_host_everything_goes_along(transport: Transport, recorder: Recorder) -> None:
    recorder.answers(answer(302, [("Location", "/next"), ("Set-Cookie", "jar=1")]))
    ask(transport, recorder.url(), headers=(("Authorization", "Basic x"), ("Cookie", "user=1")))
    assert recorder.last.values("Authorization") == ["Basic x"]
    assert recorder.last.values("Cookie") == ["user=1; jar=1"]


def test_cookies_of_each_hop_are_kept(transport: Transport, recorder: Recorder, elsewhere: Recorder) -> None:
    recorder.answers(answer(302, [("Location", elsewhere.url()), ("Set-Cookie", "here=1")]))
    elsewhere.answers(answer(302, [("Location", recorder.url("/back")), ("Set-Cookie", "there=1")]))
    response = ask(transport, recorder.url())
    assert elsewhere.last.values("Cookie") == []
    assert recorder.last.values("Cookie") == ["here=1"]
    assert [cookie.name for cookie in response.cookies] == ["here"]
    assert response.sent is not None
    assert response.sent.url == recorder.url()


def test_referer_is_replaced_in_place_or_left_alone(transport: Transport, recorder: Recorder) -> None:
    recorder.answers(moved("/a"), moved("/b"))
    ask(transport, recorder.url("/start"), headers=(("referer", "mine"), ("X-A", "1")))
    assert recorder.last.headers[0] == ("referer", recorder.url("/a"))
    recorder.answers(moved("/a"))
    ask(transport, recorder.url(), headers=(("referer", "mine"),), removeRefererHeaderOnRedirect=True)
    assert recorder.last.values("Referer") == ["mine"]


def test_referer_tells_no_password(transport: Transport, recorder: Recorder) -> None:
    recorder.answers(moved("/next"))
    ask(transport, f"http://me:secret@127.0.0.1:{recorder.port}/start", headers=(("Host", "x"),))
    assert recorder.last.values("Referer") == [recorder.url("/start")]
    assert "secret" not in recorder.last.raw.decode("latin-1")


@pytest.mark.parametrize(
    ("location", "target"),
    [
        ("next", "/a/next"),
        ("../up", "/a/../up"),
        ("?q=1", "/a/b?q=1"),
        ("#only", "/a/b?x=1"),
        ("/x y?q=a b&r={{v}}|", "/x%20y?q=a%20b&r={{v}}|"),
        ("/%zz?%e9=%E9", "/%zz?%e9=%E9"),
        ("/\xea\xb0\x80", "/%C3%AA%C2%B0%C2%80"),
    ],
)
def test_locations_are_resolved_and_encoded(transport: Transport, recorder: Recorder, location: str, target: str) -> None:
    recorder.answers(moved(location))
    ask(transport, recorder.url("/a/b?x=1"))
    assert recorder.last.target == target


def test_locations_are_taken_as_they_are_without_url_encoding(transport: Transport, recorder: Recorder) -> None:
    recorder.answers(moved('/x"<>'))
    ask(transport, recorder.url(), disableUrlEncoding=True)
    assert recorder.last.target == '/x"<>'


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("//other/x", "http://other/x"),
        ("HTTPS://Other/x", "HTTPS://Other/x"),
        ("/x", "http://me:pw@host:1/x"),
        ("x", "http://me:pw@host:1/a/x"),
        ("?x", "http://me:pw@host:1/a/b?x"),
        ("#x", "http://me:pw@host:1/a/b?c=/d#x"),
    ],
)
def test_resolve(location: str, url: str) -> None:
    assert resolve("http://me:pw@host:1/a/b?c=/d#e", location) == url


def test_a_location_of_another_protocol_is_an_error(transport: Transport, recorder: Recorder) -> None:
    recorder.answers(moved("ftp://x/y"))
    with pytest.raises(SendError, match=r"^Invalid protocol: ftp:"):
        ask(transport, recorder.url())


def test_each_hop_is_checked_before_it_leaves(transport: Transport, recorder: Recorder) -> None:
    recorder.answers(moved("/a"), moved("/b"))
    seen: list[tuple[str, str]] = []

    def check(prepared: Prepared, source: str) -> None:
        seen.append((prepared.url, source))
        if prepared.url.endswith("/b"):
            raise Refused("not there")

    with pytest.raises(Refused, match="not there"):
        transport.send(Prepared(method="GET", url=recorder.url()), check=check)
    assert seen == [(recorder.url("/a"), "redirect"), (recorder.url("/b"), "redirect")]
    assert [request.target for request in recorder.requests] == ["/", "/a"]


def test_timings_are_those_of_the_last_hop(transport: Transport, recorder: Recorder) -> None:
    recorder.answers(answer(302, [("Location", "/next")], pause=0.1))
    assert ask(transport, recorder.url()).timings.total < 80
