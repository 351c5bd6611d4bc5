"""The jar does what tough-cookie does: what it takes in, what it gives out, and the JSON scripts see."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.cookies import Jar, from_tough, parse_date, postman_json, to_tough
from runner.model import Cookie

NOW = datetime(2026, 1, 1, tzinfo=UTC).timestamp()


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def jar(clock: Clock) -> Jar:
    return Jar(clock=clock)


def sent(jar: Jar, url: str) -> str:
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in jar.for_url(url))


def kept(line: str, url: str = "http://www.example.com/a/b") -> Cookie | None:
    jar = Jar(clock=lambda: NOW)
    jar.store(url, [line])
    return next(iter(jar.all()), None)


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("a=1", "a", "1"),
        (" a b = c=d ", "a b", "c=d"),
        ('a="q q"', "a", '"q q"'),
        ("a=", "a", ""),
        ("alone", "", "alone"),
        ("=first", "", "first"),
        ("=x=y", "x", "y"),
        ("a=1\nb=2", "a", "1"),
    ],
)
def test_name_and_value(line: str, name: str, value: str) -> None:
    cookie = kept(line)
    assert cookie is not None
    assert (cookie.name, cookie.value) == (name, value)


@pytest.mark.parametrize(
    "line",
    [
        "",
        ";Path=/",
        "a=\x01",
        "a=1; Domain=other.com",
        "a=1; Domain=b.www.example.com",
        "a=1; Domain=ample.com",
        "__Secure-a=1",
        "__Host-a=1; Secure",
        "__Host-a=1; Secure; Path=/; Domain=example.com",
    ],
)
def test_what_is_not_taken_in(line: str) -> None:
    assert kept(line) is None


def test_attributes() -> None:
    line = "a=1; PATH=/p; domain=.Example.COM; secure; HTTPONLY; SameSite=Lax; Max-Age=60; Expires=never; Priority=High"
    cookie = Cookie(
        name="a",
        value="1",
        domain="example.com",
        path="/p",
        expires=NOW + 60,
        secure=True,
        http_only=True,
        host_only=False,
        same_site="lax",
        created=NOW,
        accessed=NOW,
    )
    assert kept(line) == cookie


@pytest.mark.parametrize(
    ("url", "path"),
    [("http://h/a/b/c?q=/x/y", "/a/b"), ("http://h/a", "/"), ("http://h", "/"), ("http://h/a/", "/a")],
)
@pytest.mark.parametrize("attribute", ["", "; Path", "; Path=", "; Path=x", "; Path=/z; Path=x"])
def test_the_default_path(url: str, path: str, attribute: str) -> None:
    cookie = kept("a=1" + attribute, url)
    assert cookie is not None
    assert (cookie.path, cookie.path_is_default) == (path, True)


@pytest.mark.parametrize(
    ("line", "url", "goes"),
    [
        ("a=1", "http://www.example.com/a/b", True),
        ("a=1", "http://www.example.com/a/x/y", True),
        ("a=1", "http://www.example.com/a", True),
        ("a=1", "http://www.example.com/ab", False),
        ("a=1", "http://example.com/a/b", False),
        ("a=1", "http://x.www.example.com/a/b", False),
        ("a=1", "https://WWW.example.com:81/a/b", True),
        ("a=1; Domain=example.com", "http://x.y.example.com/a/", True),
        ("a=1; Domain=example.com", "http://example.com/a/", True),
        ("a=1; Domain=example.com", "http://myexample.com/a/", False),
        ("a=1; Domain=com", "http://www.example.com/a/", False),
        ("a=1; Path=/a/", "http://www.example.com/a", False),
        ("a=1; Secure", "http://www.example.com/a/", False),
        ("a=1; Secure", "wss://www.example.com/a/", True),
    ],
)
def test_where_a_cookie_goes(jar: Jar, line: str, url: str, goes: bool) -> None:
    jar.store("https://www.example.com/a/b", [line])
    assert sent(jar, url) == ("a=1" if goes else "")


@pytest.mark.parametrize("host", ["localhost", "api.localhost", "127.0.0.1", "[::1]"])
def test_this_machine_counts_as_secure(jar: Jar, host: str) -> None:
    jar.store(f"http://{host}:8080/", ["a=1; Secure; Path=/"])
    assert sent(jar, f"http://{host}/x") == "a=1"


def test_addresses_have_no_parent_domains(jar: Jar) -> None:
    jar.store("http://0.0.1/", ["a=1"])
    jar.store("http://127.0.0.1/", ["b=1; Domain=0.0.1", "c=1; Domain=127.0.0.1"])
    assert sent(jar, "http://127.0.0.1/") == "c=1"


def test_international_hosts(jar: Jar) -> None:
    jar.store("http://한글.kr/", ["a=1; Domain=한글.kr"])
    assert sent(jar, "http://www.xn--bj0bj06e.kr/") == "a=1"


def test_longer_paths_come_first_then_older_cookies(jar: Jar, clock: Clock) -> None:
    for line in ("late=1; Path=/", "a=1; Path=/x/y", "b=1; Path=/x", "c=1; Path=/"):
        clock.now += 1
        jar.store("http://h/x/y/z", [line])
    clock.now += 1
    jar.store("http://h/x/y/z", ["late=2; Path=/"])
    assert sent(jar, "http://h/x/y/z") == "a=1; b=1; late=2; c=1"
    same_moment = Jar(clock=clock)
    same_moment.store("http://h/", [f"{name}=1" for name in "zyx"])
    assert sent(same_moment, "http://h/") == "z=1; y=1; x=1"


def test_cookies_end(jar: Jar, clock: Clock) -> None:
    soon, later = formatdate(NOW + 10, usegmt=True), formatdate(NOW + 100, usegmt=True)
    jar.store("http://h/", [f"a=1; Expires={soon}", f"b=1; Max-Age=10; Expires={later}", f"c=1; Expires={later}", "d=1"])
    assert sent(jar, "http://h/") == "a=1; b=1; c=1; d=1"
    clock.now += 10
    assert sent(jar, "http://h/") == "c=1; d=1"
    assert [cookie.name for cookie in jar.all()] == ["c", "d"]
    jar.store("http://h/", ["c=; Max-Age=0", "d=; Expires=Thu, 01 Jan 1970 00:00:00 GMT"])
    assert sent(jar, "http://h/") == ""


def test_use_is_noted(jar: Jar, clock: Clock) -> None:
    jar.store("http://h/", ["a=1"])
    clock.now += 5
    jar.for_url("http://h/")
    assert [(cookie.created, cookie.accessed) for cookie in jar.all()] == [(NOW, NOW + 5)]


JUNE = datetime(2027, 6, 9, 10, 18, 14, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Wed, 09 Jun 2027 10:18:14 GMT", JUNE),
        ("Wednesday, 09-Jun-27 10:18:14 GMT", JUNE),
        ("Wed Jun  9 10:18:14 2027", JUNE),
        ("10:18:14 june 9 2027", JUNE),
        ("09/Junk/2027 10:18:14.999", JUNE),
        ("Wed, 09 Jun 2027 10:18:14 GMT+0900", JUNE),
        ("1 Jan 70 0:0:0", 0),
        ("1 Jan 69 0:0:0", datetime(2069, 1, 1, tzinfo=UTC).timestamp()),
        ("30 Feb 2027 0:0:0", datetime(2027, 3, 2, tzinfo=UTC).timestamp()),
        ("", None),
        ("tomorrow", None),
        ("09 Jun 2027", None),
        ("0 Jun 2027 10:18:14", None),
        ("32 Jun 2027 10:18:14", None),
        ("09 Jun 1600 10:18:14", None),
        ("09 Jun 2027 24:18:14", None),
        ("09 Jun 2027 10:60:14", None),
        ("09 Jun 20270 10:18:14", None),
    ],
)
def test_dates(text: str, wanted: float | None) -> None:
    assert parse_date(text) == wanted


@given(st.integers(min_value=0, max_value=253402300799))
def test_any_http_date(moment: int) -> None:
    assert parse_date(formatdate(moment, usegmt=True)) == moment


@given(st.text())
def test_any_line_is_survived(line: str) -> None:
    jar = Jar(clock=lambda: NOW)
    jar.store("http://h/a", [line, "sure=1; Path=/"])
    assert "sure=1" in sent(jar, "http://h/a")


TOUGH = {
    "key": "a",
    "value": "1",
    "expires": "2026-01-02T00:00:00.000Z",
    "domain": "example.com",
    "path": "/",
    "secure": True,
    "httpOnly": True,
    "hostOnly": False,
    "pathIsDefault": True,
    "creation": "2026-01-01T00:00:00.000Z",
    "lastAccessed": "2026-01-01T00:00:01.500Z",
    "sameSite": "strict",
}


def test_toughs_json_both_ways() -> None:
    assert to_tough(from_tough(TOUGH, 0)) == TOUGH
    plain = {key: TOUGH[key] for key in ("key", "value", "domain", "path", "hostOnly", "creation", "lastAccessed")}
    assert to_tough(from_tough(plain | {"expires": "Infinity"}, 0)) == plain
    aged = from_tough(plain | {"maxAge": 60}, 0)
    assert aged.expires == NOW + 60
    assert from_tough(plain | {"creation": "long ago"}, 7).created == 7
    assert from_tough(plain | {"maxAge": "Infinity"}, 0).expires is None
    assert to_tough(from_tough(plain | {"maxAge": "-Infinity"}, 0))["expires"] == "1970-01-01T00:00:00.000Z"


def test_the_store_as_scripts_use_it(jar: Jar) -> None:
    assert jar.call("findCookie", ["example.com", "/", "a"]) is None
    assert jar.call("putCookie", [TOUGH]) is None
    assert jar.call("findCookie", ["example.com", "/", "a"]) == TOUGH
    deep = TOUGH | {"key": "deep", "path": "/x/y", "domain": "www.example.com"}
    jar.call("putCookie", [deep])
    assert jar.call("findCookies", ["www.example.com", "/x", True]) == [TOUGH]
    assert jar.call("findCookies", ["www.example.com", None, True]) == [TOUGH, deep]
    assert jar.call("findCookies", [None, "/"]) == []
    assert jar.call("getAllCookies", []) == [TOUGH, deep]
    jar.call("updateCookie", [TOUGH, TOUGH | {"value": "2"}])
    assert sent(jar, "https://example.com/") == "a=2"
    jar.call("removeCookie", ["example.com", "/", "a"])
    jar.call("removeCookie", ["nowhere", "/", "a"])
    assert jar.call("getAllCookies", []) == [deep]
    jar.call("removeCookies", ["www.example.com", "/other"])
    assert jar.call("getAllCookies", []) == [deep]
    jar.call("removeCookies", ["www.example.com", "/x/y"])
    assert jar.call("getAllCookies", []) == []
    jar.call("putCookie", [TOUGH])
    jar.call("removeCookies", ["example.com", None])
    jar.call("putCookie", [deep])
    jar.call("removeAllCookies", [])
    assert jar.call("getAllCookies", []) == []


@pytest.mark.parametrize(
    ("method", "args", "text"),
    [
        ("__init__", [], "invalid method name '__init__'"),
        ("findCookie", ["too few"], 'error executing "findCookie"'),
        ("putCookie", [None], 'error executing "putCookie"'),
        ("putCookie", [{"key": "a"}], 'error executing "putCookie"'),
    ],
)
def test_calls_without_sense(jar: Jar, method: str, args: list[object], text: str) -> None:
    with pytest.raises(ValueError, match=f"^{text}$"):
        jar.call(method, args)


def test_a_jar_starts_with_given_cookies() -> None:
    jar = Jar([from_tough(TOUGH, 0)], clock=lambda: NOW)
    assert sent(jar, "https://www.example.com/") == "a=1"


def test_postmans_json() -> None:
    session, lasting = from_tough({"key": "s", "domain": "h"}, NOW), from_tough(TOUGH, NOW)
    first, second = postman_json([session, lasting])
    assert first == {
        "name": "s",
        "value": "",
        "expires": None,
        "domain": "h",
        "path": "/",
        "secure": False,
        "httpOnly": False,
        "hostOnly": False,
    }
    assert (second["expires"], second["secure"], second["httpOnly"]) == ("2026-01-02T00:00:00.000Z", True, True)
