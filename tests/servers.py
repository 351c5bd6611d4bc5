"""A raw loopback server for tests: it keeps the exact bytes of every request and answers what the test scripted."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import BinaryIO


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request as it came in. `connection` counts the connections from 0; `raw` is the whole of it on the wire."""

    line: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    raw: bytes
    connection: int

    @property
    def method(self) -> str:
        return self.line.split(" ")[0]

    @property
    def target(self) -> str:
        return self.line.split(" ", 1)[1].rsplit(" ", 1)[0]

    def names(self) -> list[str]:
        return [name for name, _ in self.headers]

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key.lower() == name.lower()]


@dataclass(frozen=True, slots=True)
class Answer:
    """What to write back: the pieces one by one, `pause` seconds before each; then hang up if `close`."""

    pieces: tuple[bytes, ...]
    close: bool = False
    pause: float = 0.0


def answer(
    status: int = 200,
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
    *,
    reason: str = "OK",
    length: bool = True,
    close: bool = False,
    pause: float = 0.0,
) -> Answer:
    """A whole answer; `length` adds a Content-Length."""
    lines = [f"HTTP/1.1 {status} {reason}", *(f"{name}: {value}" for name, value in headers)]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join(lines) + "\r\n\r\n"
    return Answer((head.encode("latin-1") + body,), close=close, pause=pause)


@dataclass
class Recorder:
    """The server. Answers are taken from `script` in turn, then from `routes` by path, else it is a plain 200.

    As a context manager it listens on a free port of `host` and leaves no thread or socket behind. `clients` are the common
    names in the certificates of TLS clients by connection, empty for those without one, and `ciphers` what was agreed on.
    """

    host: str = "127.0.0.1"
    tls: ssl.SSLContext | None = None
    port: int = 0
    requests: list[Recorded] = field(default_factory=list)
    script: deque[Answer] = field(default_factory=deque)
    routes: dict[str, Answer] = field(default_factory=dict)
    connections: int = 0
    clients: list[str] = field(default_factory=list)
    ciphers: list[tuple[str, str, int]] = field(default_factory=list)

    def __enter__(self) -> Recorder:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        self._listener = socket.socket(family, socket.SOCK_STREAM)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((self.host, self.port))
        self._listener.listen(16)
        self.port = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()
        return self

    def __exit__(self, *exc: object) -> None:
        for sock in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                # Not a TLS socket's own shutdown, after which its thread would read what is encrypted as it stands.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
            sock.close()
        for thread in list(self._threads):
            thread.join(5)

    def url(self, path: str = "/") -> str:
        """The address of a path on this server."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.tls else 'http'}://{host}:{self.port}{path}"

    def answers(self, *script: Answer) -> None:
        """Script the next answers, in order."""
        self.script.extend(script)

    @property
    def last(self) -> Recorded:
        """The latest request."""
        return self.requests[-1]

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            number, self.connections = self.connections, self.connections + 1
            thread = threading.Thread(target=self._serve, args=(sock, number), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket, number: int) -> None:
        with contextlib.suppress(OSError, ssl.SSLError), contextlib.ExitStack() as stack:
            stack.callback(sock.close)
            if self.tls:
                sock = self._greet(self.tls.wrap_socket(sock, server_side=True))
                stack.callback(sock.close)
            self._open.append(sock)
            stream = stack.enter_context(sock.makefile("rb"))
            while request := _read(stream, number):
                self.requests.append(request)
                if not self._reply(sock, request):
                    return

    def _greet(self, sock: ssl.SSLSocket) -> ssl.SSLSocket:
        subject = (sock.getpeercert() or {}).get("subject", ())
        self.clients.append(next((pair[1] for names in subject for pair in names if pair[0] == "commonName"), ""))
        self.ciphers.append(sock.cipher() or ("", "", 0))
        return sock

    def _reply(self, sock: socket.socket, request: Recorded) -> bool:
        chosen = self.script.popleft() if self.script else self.routes.get(request.target.partition("?")[0], answer(body=b"{}"))
        for piece in chosen.pieces:
            time.sleep(chosen.pause)
            sock.sendall(piece)
        if chosen.close:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        return not chosen.close


def _read(stream: BinaryIO, number: int) -> Recorded | None:
    lines: list[bytes] = []
    while (line := stream.readline()) not in (b"\r\n", b"\n", b""):
        lines.append(line)
    if not lines:
        return None
    first, *rest = (entry.decode("latin-1").rstrip("\r\n") for entry in lines)
    headers = tuple((name, value.removeprefix(" ")) for name, _, value in (row.partition(":") for row in rest))
    body = _body(stream, {name.lower(): value for name, value in headers})
    return Recorded(first, headers, body, b"".join(lines) + b"\r\n" + body, number)


def _body(stream: BinaryIO, headers: dict[str, str]) -> bytes:
    """The body as it stands on the wire, chunk sizes included."""
    if "chunked" not in headers.get("transfer-encoding", ""):
        return stream.read(int(headers.get("content-length") or 0)) or b""
    parts: list[bytes] = []
    while True:
        parts.append(stream.readline())
        size = int(parts[-1].split(b";")[0], 16)
        parts.append(stream.read(size + 2) or b"")
        if not size:
            return b"".join(parts)
