"""The wire: a `Prepared` goes out byte for byte as Postman would send it, a `Response` comes back.

`requests` is only imported once a first request is sent.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import unquote

from runner.cookies import Jar
from runner.errors import SendError
from runner.model import Prepared, Response
from runner.transport.decoding import decode
from runner.transport.message import Address, compose, locate
from runner.transport.proxies import proxy_for, through
from runner.transport.redirects import Headers, follow, put
from runner.transport.rules import Rules, Tls

if TYPE_CHECKING:
    from runner.transport.certificates import ClientCertificate
    from runner.transport.wire import Answer, Wire

__all__ = ["Transport"]

_REDIRECTS = range(300, 400)


class Transport:
    """Sends requests over kept connections, with the cookies of one jar.

    `verify` and `follow_redirects` hold where a request's behavior says nothing else; proxies are read from `environ`. Of
    the client's `certificates` the first that is for a server is shown to it; `extra_roots` is a PEM file of authorities to
    trust beside the usual ones. Of a response's body, decoded, no more than `limit` bytes are taken, 0 for any number.
    """

    def __init__(
        self,
        *,
        jar: Jar,
        verify: bool = True,
        follow_redirects: bool = True,
        environ: Mapping[str, str] = MappingProxyType({}),
        certificates: Sequence[ClientCertificate] = (),
        extra_roots: Path | None = None,
        limit: int = 0,
    ) -> None:
        self._jar = jar
        self._verify = verify
        self._follow_redirects = follow_redirects
        self._environ = environ
        self._certificates = certificates
        self._extra_roots = extra_roots
        self._limit = limit
        self._wire: Wire | None = None

    def send(
        self, prepared: Prepared, *, timeout: float | None = None, check: Callable[[Prepared, str], None] | None = None
    ) -> Response:
        """Send a request and follow its redirects; `timeout` is in ms for all of it, 0 or None for none.

        `check` is called with each further hop and "redirect" before it leaves; what it raises passes through.

        Raises:
            SendError: there was no response.
        """
        deadline = perf_counter() + timeout / 1000 if timeout else None
        rules = Rules.of(prepared.behavior, follow=self._follow_redirects, verify=self._verify)
        hop = _completed(prepared)
        first: Prepared | None = None
        redirects = 0
        while True:
            sent = self._with_cookies(hop) if rules.cookies else hop
            if first is None:
                first = sent
            elif check:
                check(sent, "redirect")
            answer = self._exchange(sent, rules, deadline)
            location = _values(answer, "location")[:1] if rules.follow and answer.code in _REDIRECTS else []
            if not any(location):
                return self._response(first, sent.url, answer)
            if redirects >= rules.limit:
                raise SendError(f"Exceeded maxRedirects. Probably stuck in a redirect loop {sent.url}")
            hop = _authorized(follow(hop, answer.code, location[0], rules))
            redirects += 1

    def first(self, prepared: Prepared) -> Prepared:
        """The request of the first hop as `send` would have it leave."""
        hop = _completed(prepared)
        return hop if prepared.behavior.get("disableCookies") else self._with_cookies(hop)

    def close(self) -> None:
        """Close all connections."""
        if self._wire:
            self._wire.close()

    def _exchange(self, sent: Prepared, rules: Rules, deadline: float | None) -> Answer:
        from runner.transport.wire import Call, Route, Wire

        self._wire = self._wire or Wire(extra_roots=self._extra_roots)
        address = locate(sent.url)
        proxy = proxy_for(address, self._environ) if self._environ else None
        if proxy:
            message, proxy = through(proxy, sent, address)
        else:
            message = compose(sent, address.target)
        route = Route(address=address, proxy=proxy, tls=self._tls(rules, address))
        call = Call(message=message, method=sent.method, deadline=deadline, limit=self._limit, lenient=rules.lenient)
        answer = self._wire.exchange(call, route)
        if rules.cookies and (lines := _values(answer, "set-cookie")):
            self._jar.store(sent.url, lines)
        return answer

    def _tls(self, rules: Rules, address: Address) -> Tls:
        certificate = next((one for one in self._certificates if one.is_for(address)), None)
        return replace(rules.tls, certificate=certificate) if certificate else rules.tls

    def _with_cookies(self, hop: Prepared) -> Prepared:
        """The hop with the jar's cookies, behind those the user wrote in a header of his own."""
        found = self._jar.for_url(hop.url)
        if not found:
            return hop
        given = [value for name, value in hop.headers if name.lower() == "cookie" and value]
        texts = [f"{cookie.name}={cookie.value}" if cookie.name else cookie.value for cookie in found]
        return replace(hop, headers=put(hop.headers, "Cookie", "; ".join([*given, *texts])))

    def _response(self, first: Prepared, url: str, answer: Answer) -> Response:
        encoding = ", ".join(_values(answer, "content-encoding"))
        return Response(
            code=answer.code,
            reason=answer.reason,
            url=url,
            headers=answer.headers,
            body=decode(answer.body, encoding, answer.method, answer.code, self._limit),
            cookies=tuple(self._jar.for_url(url)),
            timings=answer.timings,
            wire_size=len(answer.body),
            header_size=_header_size(answer),
            sent=first,
        )


def _completed(prepared: Prepared) -> Prepared:
    """The first hop: header values without outer blanks, and Host unless it is switched off."""
    headers: Headers = tuple([(name, value.strip(" \t")) for name, value in prepared.headers])
    off: Mapping[str, object] = prepared.behavior.get("disabledSystemHeaders") or {}
    if not off.get("host") and not _has(headers, "host"):
        headers += (("Host", locate(prepared.url).host_header),)
    return _authorized(prepared if headers == prepared.headers else replace(prepared, headers=headers))


def _authorized(hop: Prepared) -> Prepared:
    """User name and password of a URL go out as basic auth, unless the request has an Authorization header."""
    auth = locate(hop.url).auth if "@" in hop.url else None
    if auth is None or _has(hop.headers, "authorization"):
        return hop
    credentials = b64encode(unquote(auth).encode()).decode()
    return replace(hop, headers=(*hop.headers, ("Authorization", f"Basic {credentials}")))


def _has(headers: Headers, wanted: str) -> bool:
    return any(name.lower() == wanted for name, _ in headers)


def _values(answer: Answer, name: str) -> list[str]:
    return [value for key, value in answer.headers if key.lower() == name]


def _header_size(answer: Answer) -> int:
    """Postman's estimate: the characters of the head, were it written anew (postman-collection, Response.size)."""
    lines = sum(len(name) + len(value) + 4 for name, value in answer.headers)
    return len(f"HTTP/X.X {answer.code} {answer.reason}\r\n\r\n") + lines
