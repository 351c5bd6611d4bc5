"""Sockets that know when the whole request must be over, and how Postman finds the machine to talk to."""

from __future__ import annotations

import errno
import ipaddress
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread
from time import perf_counter
from typing import TYPE_CHECKING, Any

from runner.errors import SendError
from runner.transport.failures import address_failure, connect_failure, timed_out

_LOOPBACK = ("::1", "127.0.0.1")
_PROBE_SECONDS = 0.5
"""How long Postman waits for ::1 before it takes 127.0.0.1 for localhost (postman-runtime, lib/requester/core.js)."""
_SHORTEST = 0.001

HUNG_UP = (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError)
"""What writing to a connection raises that the other side has closed; there may be an answer to read all the same."""

if TYPE_CHECKING:
    _Socket = socket.socket
else:
    _Socket = object


class Deadlined(_Socket):
    """Mixed into a socket class: no read outlives `deadline`, and `received` tells whether an answer has begun.

    A timeout of a plain socket starts anew with every packet, so a server that sends a byte now and then would hold a run up.
    """

    deadline: float | None = None
    received = 0

    def begin(self, deadline: float | None) -> None:
        """Start an exchange that must be over at `deadline` (of `perf_counter`; None: never)."""
        self.deadline = deadline
        self.received = 0
        self.settimeout(None if deadline is None else max(deadline - perf_counter(), _SHORTEST))

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        """Read as `socket.recv_into` does, within the deadline."""
        if self.deadline is not None:
            self.settimeout(remaining(self.deadline))
        count = super().recv_into(*args, **kwargs)
        self.received += count
        return count

    def recv(self, *args: Any, **kwargs: Any) -> bytes:
        """Read as `socket.recv` does, within the deadline."""
        if self.deadline is not None:
            self.settimeout(remaining(self.deadline))
        data = super().recv(*args, **kwargs)
        self.received += len(data)
        return data


class PlainSocket(Deadlined, socket.socket):
    """A TCP socket with a deadline."""


class TlsSocket(Deadlined, ssl.SSLSocket):
    """A TLS socket with a deadline."""


def carrier(sock: Any) -> Deadlined:
    """The socket that carries this one: itself, but for TLS within the TLS that a proxy is spoken to with."""
    return sock if isinstance(sock, Deadlined) else sock.socket


@dataclass(slots=True)
class Opened:
    """How long it took to open a connection, in ms."""

    dns: float = 0.0
    connect: float = 0.0
    tls: float = 0.0


def remaining(deadline: float | None) -> float | None:
    """Seconds left until the deadline, None for no deadline.

    Raises:
        TimeoutError: there are none.
    """
    if deadline is None:
        return None
    left = deadline - perf_counter()
    if left <= 0:
        raise TimeoutError
    return left


def open_socket(host: str, port: int, deadline: float | None, opened: Opened) -> PlainSocket:
    """Connect to a host, and note in `opened` how long it took.

    Raises:
        SendError: no such host, nobody listens, or the time is up.
    """
    start = perf_counter()
    addresses = _addresses(host, deadline)
    found = perf_counter()
    opened.dns = (found - start) * 1000
    try:
        return _first_that_answers(addresses, port, deadline, probing=is_localhost(host))
    finally:
        opened.connect = (perf_counter() - found) * 1000


def is_localhost(host: str) -> bool:
    """Whether a name means this machine by RFC 6761: localhost and all below it."""
    return host.lower().rpartition(".")[2] == "localhost"


def _addresses(host: str, deadline: float | None) -> list[str]:
    """The addresses to try, in order."""
    if is_localhost(host):
        return list(_LOOPBACK)
    with suppress(ValueError):
        return [str(ipaddress.ip_address(host))]
    try:
        return _looked_up(host) if deadline is None else _looked_up_until(host, deadline)
    except TimeoutError as error:
        raise timed_out(connecting=True) from error
    except (OSError, UnicodeError) as error:
        raise address_failure(host, error) from error


def _looked_up(host: str) -> list[str]:
    found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _looked_up_until(host: str, deadline: float) -> list[str]:
    """Look a name up in a thread that can be left alone: the system waits for its name servers as long as it likes."""
    answer: SimpleQueue[list[str] | Exception] = SimpleQueue()

    def look_up() -> None:
        try:
            answer.put(_looked_up(host))
        except Exception as error:  # whatever it is, it is raised where it is waited for
            answer.put(error)

    Thread(target=look_up, daemon=True).start()
    try:
        found = answer.get(timeout=remaining(deadline))
    except Empty:
        raise TimeoutError from None
    if isinstance(found, Exception):
        raise found
    return found


def _first_that_answers(addresses: list[str], port: int, deadline: float | None, *, probing: bool) -> PlainSocket:
    failure: SendError | None = None
    for address in addresses:
        try:
            return _connect(address, port, _patience(deadline, probing and address is not addresses[-1]))
        except TimeoutError as error:
            if deadline is not None and perf_counter() >= deadline:
                raise timed_out(connecting=True) from error
            failure = connect_failure(OSError(errno.ETIMEDOUT, ""), address, port)
        except OSError as error:
            failure = connect_failure(error, address, port)
    raise failure or address_failure("", OSError())


def _patience(deadline: float | None, probing: bool) -> float | None:
    left = remaining(deadline)
    if not probing:
        return left
    return _PROBE_SECONDS if left is None else min(left, _PROBE_SECONDS)


def _connect(address: str, port: int, timeout: float | None) -> PlainSocket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    sock = PlainSocket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(timeout)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.connect((address, port))
    except BaseException:
        sock.close()
        raise
    return sock
