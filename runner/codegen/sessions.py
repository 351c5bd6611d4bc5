"""How methods of a client send: on a session of requests, or with await on one of httpx."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

from runner.codegen.code import Frame
from runner.codegen.registry import Settings
from runner.codegen.targets import httpx, requests
from runner.codegen.writer import Bracket, Code, Entry, Expression, Style, Tail, call, literal, mapping, write

FLAT = Style(width=10**9)
_OWN_SESSION = "requests.Session() as session"
_BROUGHT_SESSION = "Session() as session"
_BODIES = ("data=", "content=", "files=")

Made: TypeAlias = Mapping[str, Any]
"""What a target's context says about a request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """What a client is written for: names of classes, with what stands before those of pabal, and how a request is sent.

    `headers` merges what is given at a call with the collection's, `send` has the lines from the session to the response,
    `settle` those that raise for an error status.
    """

    package: str
    session: str
    response: str
    base: str
    context: Callable[[Frame, Settings], Made]
    headers: Callable[[Made, Expression], Expression]
    send: Callable[[Made, str, str, bool], Iterator[str]]
    settle: tuple[str, ...]
    is_async: bool = False

    @property
    def awaits(self) -> str:
        """What stands before a call that takes a while."""
        return "await " if self.is_async else ""


def sent_as_json(made: Made) -> bool:
    """Whether the library turns the payload into JSON."""
    return any(each.head == "json=" for each in made["arguments"])


def flat(value: Expression, before: str = "") -> str:
    """A statement on one line, as far as it can be; the module is laid out later."""
    return write(value, before=before, style=FLAT)


def _arguments(made: Made, *, other: bool) -> list[Entry]:
    """URL and request, and what may be given at a call: headers, and with `other` JSON in the place of the body."""
    found = [each for each in made["arguments"] if each.head != "headers="]
    if other:
        found = [_unless_json(each) for each in found]
        found.append(Entry(Code("json"), head="json="))
    return [Entry(Code("url")), *found, Entry(Code("headers"), head="headers=")]


def _unless_json(entry: Entry) -> Entry:
    return replace(entry, value=Tail(entry.value, " if json is None else None")) if entry.head in _BODIES else entry


def _how(made: Made, client: str) -> list[Entry]:
    return [replace(each, value=Code(f"{client}.timeout")) if each.head == "timeout=" else each for each in made["how"]]


# ---------------------------------------------------------------------------------------------------------------- requests


def _by_requests(made: Made, method: str, client: str, other: bool) -> Iterator[str]:
    """On the client's session; on one of its own only where the request has settings that a session has for all."""
    opened = [str(each.flat) for each in made["opened"]]
    own = made["limit"] or made["adapter"] or _BROUGHT_SESSION in opened
    if not own:
        opened = [each for each in opened if each != _OWN_SESSION]
        yield f"session = {client}.session"
    depth = "    " if opened else ""
    if opened:
        yield f"with {', '.join(opened)}:"
    if own:
        yield from (depth + line for line in _session_settings(made, client))
    request, how = _arguments(made, other=other), _how(made, client)
    if made["put_in"]:
        asked = Bracket("requests.Request(", (Entry(literal(method)), *request), ")")
        yield depth + flat(call("session.prepare_request", asked), "request = ")
        yield from (depth + line for line in made["put_in"])
        sent = Bracket("session.send(", (Entry(Code("request")), *how), ")")
    else:
        sent = Bracket("session.request(", (Entry(literal(method)), *request, *how), ")")
    yield depth + flat(sent, "response = ")


def _session_settings(made: Made, client: str) -> Iterator[str]:
    if made["cookies"]:
        yield f"session.cookies = {client}.session.cookies"
    if made["adapter"]:
        yield 'session.mount("https://", Tls())'
    if made["limit"]:
        yield f"session.max_redirects = {made['limit']}"
    yield f"{client}.guard(session)"


def _requests_headers(made: Made, headers: Expression) -> Expression:
    if not made["twice"]:
        return call("pabal.with_headers", headers, Code("headers"))
    assert isinstance(headers, Bracket)  # noqa: S101
    (pairs,) = headers.entries
    return call("HTTPHeaderDict", call("pabal.header_lines", pairs.value, Code("headers")))


REQUESTS = Library(
    package="requests",
    session="requests.Session",
    response="requests.Response",
    base="",
    context=requests.context,
    headers=_requests_headers,
    send=_by_requests,
    settle=("response.raise_for_status()",),
)

# ------------------------------------------------------------------------------------------------------------------- httpx


def _by_httpx(made: Made, method: str, client: str, other: bool) -> Iterator[str]:
    """The same for httpx, where what a client has for all is more."""
    opened: Bracket = made["opened"][0]
    own = bool(opened.entries or made["off"])
    if own:
        jar = Entry(Code(f"{client}.session.cookies.jar"), head="cookies=")
        entries = opened.entries if any(each.head == "cookies=" for each in opened.entries) else (jar, *opened.entries)
        yield f"async with {replace(opened, entries=entries, closing=') as session').flat}:"
        yield from (f'    del session.headers["{name}"]' for name in made["off"])
        yield f"    {client}.guard(session)"
    else:
        yield f"session = {client}.session"
    request = map(_exact, _arguments(made, other=other))
    entries = (Entry(literal(method)), *request, *_how(made, client))
    yield ("    " if own else "") + flat(Bracket("session.request(", entries, ")"), "response = await ")


def _exact(entry: Entry) -> Entry:
    """The URL as it is written goes into the request line: in a client it is made of variables."""
    if entry.head != "extensions=":
        return entry
    return replace(entry, value=mapping([(literal("target"), Code("pabal.target_of(url)"))]))


def _httpx_headers(made: Made, headers: Expression) -> Expression:
    lines = call("pabal.header_lines", headers, Code("headers"))
    looked_up = any(each.head == "event_hooks=" for each in made["opened"][0].entries)
    return call("httpx.Headers", lines) if looked_up else lines


HTTPX = Library(
    package="httpx",
    session="httpx.AsyncClient",
    response="httpx.Response",
    base="Async",
    context=partial(httpx.context, is_async=True),
    headers=_httpx_headers,
    send=_by_httpx,
    settle=("if response.is_error:", "    response.raise_for_status()"),
    is_async=True,
)
