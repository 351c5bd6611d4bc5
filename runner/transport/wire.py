"""One request, one answer, over `requests`' connection pools.

`requests` keeps the connections, speaks to proxies and sets up TLS; the bytes of the request are written here, because
its own path re-encodes URLs, keeps one header of a name only and adds headers of its own.
"""

from __future__ import annotations

import http.client
import math
import re
from contextlib import suppress
from dataclasses import dataclass
from email.errors import FirstHeaderLineIsContinuationDefect, MissingHeaderBodySeparatorDefect
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.poolmanager import proxy_from_url

from runner.errors import SendError
from runner.model import Timings
from runner.transport.failures import exchange_failure, proxy_failure, proxy_unreachable, tls_failure, too_large, tunnel_failure
from runner.transport.message import Address
from runner.transport.proxies import Proxy
from runner.transport.rules import Tls
from runner.transport.sockets import HUNG_UP, Deadlined, Opened, carrier, open_socket

if TYPE_CHECKING:
    import ssl

_IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
_FOLD = re.compile(r"\r?\n[ \t]+")
_KEEP_ALIVE = re.compile(r"timeout=(\d+)", re.IGNORECASE)
_KEEP_ALIVE_MARGIN = 1.0
_POOLS = 32
_KEPT_PER_HOST = 8
_PIECE = 262_144

# Node counts the bytes of a head and not its lines, of which Python takes a hundred.
http.client._MAXHEADERS = 10_000  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How to reach a server: its address, a proxy or None, and how TLS must be where it is spoken."""

    address: Address
    proxy: Proxy | None = None
    tls: Tls

    @property
    def tunnels(self) -> bool:
        """Whether the proxy only passes on what is said to the server."""
        return self.proxy is not None and self.address.scheme == "https"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What is written, the whole request, and how its answer is read.

    `deadline` is of `perf_counter`, None for none; `limit` is how many bytes of a body are wanted, 0 for all. A `lenient` reader
    overlooks what Node's insecure parser overlooks.
    """

    message: bytes
    method: str
    deadline: float | None = None
    limit: int = 0
    lenient: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A response as it came: body not decoded, `method` that of the request."""

    method: str
    code: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    timings: Timings


class _Measured:
    """Mixed into urllib3's connections: opens the socket by Postman's rules and notes how long it took."""

    _dns_host: str
    port: int
    proxy: Any
    proxy_is_tunneling: bool
    deadline: float | None = None
    opened = Opened()
    kept_until = 0.0

    def _new_conn(self) -> Deadlined:
        try:
            sock = open_socket(self._dns_host.strip("[]"), self.port, self.deadline, self.opened)
        except SendError as error:
            raise (proxy_unreachable(error, tunnel=self.proxy_is_tunneling) if self.proxy else error) from error
        sock.begin(self.deadline)
        return sock


class _PlainConnection(_Measured, HTTPConnection):
    pass


class _TlsConnection(_Measured, HTTPSConnection):
    def _tunnel(self) -> None:
        try:
            super()._tunnel()
        except (OSError, http.client.HTTPException) as error:
            raise tunnel_failure(error) from error


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class _Reply(http.client.HTTPResponse):
    """An answer; provisional ones (103 Early Hints) are skipped, as Node does.

    Some servers write HTTP/2.0 and mean what went before; `lenient` takes any version for 1.1.
    """

    lenient = False

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if not 101 < status < 200:
                return "HTTP/1.1" if self.lenient or version == "HTTP/2.0" else version, status, reason
            http.client.parse_headers(self.fp)


class _Stale(Exception):
    """A kept connection turned out to be dead before any byte of an answer came."""


class Wire(HTTPAdapter):
    """Connections to servers and proxies, kept alive between requests.

    `extra_roots` is a PEM file of authorities that are trusted, too.
    """

    def __init__(self, *, extra_roots: Path | None = None) -> None:
        self._extra_roots = extra_roots
        self._contexts: dict[Tls, ssl.SSLContext] = {}
        super().__init__(pool_connections=_POOLS, pool_maxsize=_KEPT_PER_HOST)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools of our kind of connection."""
        super().init_poolmanager(*args, **kwargs)
        _with_our_pools(self.poolmanager)

    def exchange(self, call: Call, route: Route) -> Answer:
        """Send a whole request and read the whole answer.

        A request is sent again only when a kept connection was found dead and doing it twice means doing it once.

        Raises:
            SendError: there was no answer.
        """
        start = perf_counter()
        try:
            return self._attempt(call, route, start, fresh=False)
        except _Stale:
            return self._attempt(call, route, start, fresh=True)

    def _attempt(self, call: Call, route: Route, start: float, *, fresh: bool) -> Answer:
        pool = self._pool(route)
        conn = pool._get_conn()
        if fresh or perf_counter() > conn.kept_until:
            conn.close()
        kept = not conn.is_closed
        conn.kept_until = 0.0
        try:
            opened = Opened() if kept else _open(conn, route, call.deadline)
            answer, conn.kept_until = _talk(conn.sock, call, start, opened)
            return answer
        except (OSError, http.client.HTTPException, ValueError) as error:
            if (
                kept
                and isinstance(error, ConnectionError)
                and not carrier(conn.sock).received
                and call.method.upper() in _IDEMPOTENT
            ):
                raise _Stale from error
            raise exchange_failure(error) from error
        finally:
            if not conn.kept_until:
                conn.close()
            pool._put_conn(conn)

    def _pool(self, route: Route) -> Any:
        address = route.address
        settings = {"ssl_context": self._context(route.tls)} if address.scheme == "https" else {}
        manager = self._manager(route.proxy, route.tls) if route.proxy else self.poolmanager
        try:
            return manager.connection_from_host(address.host, address.port, scheme=address.scheme, pool_kwargs=settings)
        except (HTTPError, ValueError) as error:
            raise SendError(f"getaddrinfo ENOTFOUND {address.host}", code="ENOTFOUND") from error

    def _manager(self, proxy: Proxy, tls: Tls) -> Any:
        """The connections through a proxy. TLS with the proxy itself is verified or not, as that with the server."""
        key = proxy, tls.verify
        if key not in self.proxy_manager:
            context = self._context(Tls(verify=tls.verify)) if proxy.url.startswith("https:") else None
            try:
                manager = proxy_from_url(proxy.url, num_pools=_POOLS, maxsize=_KEPT_PER_HOST, proxy_ssl_context=context)
            except (HTTPError, ValueError) as error:
                raise proxy_failure() from error
            self.proxy_manager[key] = _with_our_pools(manager)
        return self.proxy_manager[key]

    def _context(self, tls: Tls) -> ssl.SSLContext:
        if tls not in self._contexts:
            from runner.transport.tls import context_for

            self._contexts[tls] = context_for(tls, self._extra_roots)
        return self._contexts[tls]


def _with_our_pools(manager: Any) -> Any:
    manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}
    return manager


def _open(conn: Any, route: Route, deadline: float | None) -> Opened:
    """Connect, through the proxy's tunnel where there is one."""
    conn.deadline, conn.opened = deadline, Opened()
    start = perf_counter()
    if route.proxy and route.tunnels:
        host, port = route.address.host, route.address.port
        headers = {"Host": f"[{host}]:{port}" if ":" in host else f"{host}:{port}"}
        if route.proxy.authorization:
            headers["Proxy-Authorization"] = route.proxy.authorization
        conn.set_tunnel(host, port, headers, scheme=conn.proxy.scheme)
    try:
        conn.connect()
    except (OSError, http.client.HTTPException) as error:
        raise tls_failure(error) from error
    opened: Opened = conn.opened
    if isinstance(conn, HTTPSConnection):
        opened.tls = (perf_counter() - start) * 1000 - opened.dns - opened.connect
    return opened


def _talk(sock: Deadlined, call: Call, start: float, opened: Opened) -> tuple[Answer, float]:
    """Write, then read; the second value says until when (of `perf_counter`) the connection can be used again."""
    carrier(sock).begin(call.deadline)
    asked = perf_counter()
    # A server may answer and hang up before it has read all of a body: its answer still counts.
    with suppress(*HUNG_UP):
        sock.sendall(call.message)
    reply = _Reply(sock, method=call.method)
    reply.lenient = call.lenient
    try:
        reply.begin()
        began = perf_counter()
        body = _body(reply, call.limit) if call.limit else reply.read()
        ended = perf_counter()
        answer = Answer(
            method=call.method,
            code=reply.status,
            reason=_reason(reply.reason),
            headers=_headers(reply),
            body=body,
            timings=Timings(
                dns=opened.dns,
                connect=opened.connect,
                tls=opened.tls,
                first_byte=(began - asked) * 1000,
                download=(ended - began) * 1000,
                total=(ended - start) * 1000,
            ),
        )
        return answer, 0.0 if reply.will_close or reply.status == 101 else ended + _idle_seconds(reply)
    finally:
        reply.close()


def _body(reply: http.client.HTTPResponse, limit: int) -> bytes:
    """The body as it comes, which is not read to its end when it must be larger than the limit."""
    most = limit + limit // 1000 + 1024  # an encoding adds a little to what it cannot make smaller
    if (reply.length or 0) > most:
        raise too_large(limit)
    parts: list[bytes] = []
    while part := reply.read(_PIECE):
        parts.append(part)
        most -= len(part)
        if most < 0:
            raise too_large(limit)
    if reply.length:
        raise http.client.IncompleteRead(b"", reply.length)
    return b"".join(parts)


def _idle_seconds(reply: http.client.HTTPResponse) -> float:
    """How long the server says it keeps an idle connection, less a margin: a POST must not meet its end."""
    hint = _KEEP_ALIVE.match(reply.getheader("Keep-Alive", ""))
    return int(hint[1]) - _KEEP_ALIVE_MARGIN if hint else math.inf


def _headers(reply: _Reply) -> tuple[tuple[str, str], ...]:
    """All header lines; those of the same name and case stand together, as in Postman."""
    message = reply.msg
    first = _indented(message, lenient=reply.lenient) if message.defects else []
    grouped: dict[str, list[str]] = {}
    for name, value in [*first, *message.items()] if first else message.items():
        grouped.setdefault(name, []).append(_FOLD.sub(" ", value).strip(" \t"))
    return tuple([(name, value) for name, values in grouped.items() for value in values])


def _indented(message: http.client.HTTPMessage, *, lenient: bool) -> list[tuple[str, str]]:
    """A first header line behind a blank, which only a lenient reader takes for one."""
    for defect in message.defects:
        if isinstance(defect, FirstHeaderLineIsContinuationDefect) and lenient:
            name, _, value = str(defect).partition(":")
            return [(name.strip(), value.strip())]
        if isinstance(defect, MissingHeaderBodySeparatorDefect | FirstHeaderLineIsContinuationDefect):
            raise SendError("Parse Error: Invalid header token", code="HPE_INVALID_HEADER_TOKEN")
    return []


def _reason(text: str) -> str:
    # Node reads the status line as Latin-1; Postman then takes it for the UTF-8 it usually is.
    return text if text.isascii() else text.encode("latin-1").decode("utf-8", "replace")
