"""A collection's saved examples as a server on this machine; it takes up the file's changes by itself."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterable, Iterator
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Request
from werkzeug.wrappers import Response as Reply

from runner.errors import LoadError
from runner.mock import body_of, reason
from runner.mock.match import Asked, Saved, best, header_pairs, query_of

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

Examples = Callable[[], tuple[Saved, ...]]


class MockServer:
    """Answers on one loopback port (0: a free one) from construction on; `serve` takes turns until it is closed.

    `examples` gives what there is to answer with and is asked for each request; `stamp` is something that changes with the
    file, and `log` is told one line for each request.

    Raises:
        OSError: the port is taken.
    """

    def __init__(
        self,
        examples: Examples,
        *,
        port: int = 0,
        stamp: Callable[[], object] = tuple,
        log: Callable[[str], None] = lambda line: None,
    ) -> None:
        self._load, self._stamp, self._log = examples, stamp, log
        self._lock = Lock()
        self._examples, self._seen = examples(), stamp()
        # Werkzeug ends the process when a port is taken; bound here, that is an OSError.
        with socket.create_server(("127.0.0.1", port)) as listener:
            fd = listener.fileno()
            self._server = make_server("127.0.0.1", port, self._app, threaded=True, request_handler=_Quiet, fd=fd)
        self.url = f"http://127.0.0.1:{self._server.port}"

    def serve(self) -> None:
        """Serve until `close` is called from elsewhere, or Ctrl-C."""
        self._server.serve_forever(poll_interval=0.05)

    def close(self) -> None:
        """Stop serving and let go of the port."""
        self._server.shutdown()
        self._server.server_close()

    @property
    def examples(self) -> tuple[Saved, ...]:
        """What there is now; a file that cannot be read while it is being changed leaves what there was."""
        with self._lock:
            stamp = self._stamp()
            if stamp != self._seen:
                self._seen = stamp
                try:
                    self._examples = self._load()
                    self._log(f"read again: {len(self._examples)} examples")
                except LoadError as error:
                    self._log(f"not read again: {error}")
            return self._examples

    def _app(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        url = urlsplit(str(environ.get("RAW_URI") or request.full_path))
        headers = {name.lower(): value for name, value in request.headers.items()}
        asked = Asked(method=request.method, path=url.path, query=query_of(url.query), headers=headers)
        saved = best(asked, self.examples)
        reply = _reply(saved) if saved else _nothing(asked, self._examples)
        answered = saved.example.name if saved else "no example"
        self._log(f"{asked.method} {asked.path} → {reply.status_code} ({answered})")
        return reply(environ, start)


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:
        """Say nothing: the mock has its own lines."""


def _reply(saved: Saved) -> Reply:
    example = saved.example
    status = f"{example.code} {example.status or reason(example.code)}".rstrip()
    reply = Reply(body_of(saved), status=status)
    del reply.headers["Content-Type"]
    for name, value in header_pairs(example.headers):
        reply.headers.add(name, " ".join(value.splitlines()))
    return reply


def _nothing(asked: Asked, examples: Iterable[Saved]) -> Reply:
    """Postman's answer where no example matches, with those that there are."""
    error = {
        "name": "mockRequestNotFoundError",
        "message": f"no saved example answers {asked.method} {asked.path}",
        "examples": sorted(set(_outlines(examples))),
    }
    return Reply(json.dumps({"error": error}, ensure_ascii=False), status=404, content_type="application/json")


def _outlines(examples: Iterable[Saved]) -> Iterator[str]:
    for saved in examples:
        yield f"{saved.method} /{'/'.join(saved.segments)} → {saved.example.code} {saved.example.name}".rstrip()
