"""A gateway behind a loopback HTTP server that keeps connections open."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable, Mapping
from threading import Thread
from typing import TYPE_CHECKING, Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server
from werkzeug.wrappers import Request, Response

from runner.kis.simulator import control
from runner.kis.simulator.calls import Answer, Call
from runner.kis.simulator.faults import Dropped
from runner.kis.simulator.gateway import Gateway

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from runner.kis.simulator import Simulator

LOOPBACK = "127.0.0.1"
HEADERS = "pabal.headers"


class Handler(WSGIRequestHandler):
    """Answers over kept connections, and logs nothing."""

    protocol_version = "HTTP/1.1"
    # Headers and body are two writes; with Nagle's algorithm the second waits for the client's delayed ACK (40 ms).
    disable_nagle_algorithm = True

    def setup(self) -> None:
        """Take a connection, and remember it so that stopping can end it."""
        super().setup()
        self.server.connections.add(self.connection)  # type: ignore[attr-defined]

    def finish(self) -> None:
        """Let a connection go."""
        self.server.connections.discard(self.connection)  # type: ignore[attr-defined]
        super().finish()

    def run_wsgi(self) -> None:
        """Answer one request.

        Werkzeug's own method closes the connection after each: it cannot know whether the body was read. Here it always is.
        """
        environ = self.make_environ()
        # A WSGI environ has no place for names with underscores, such as tr_id.
        environ[HEADERS] = {name.lower(): value for name, value in self.headers.items()}
        try:
            response = Response.from_app(self.server.app, environ)
        except Dropped:
            self.close_connection = True
            return
        self.send_response(response.status_code)
        for name, value in response.get_wsgi_headers(environ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(response.get_data())

    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing."""


class Server:
    """One gateway on one loopback port (0: a free one), serving from construction until `close`."""

    def __init__(self, simulator: Simulator, gateway: Gateway, port: int = 0) -> None:
        self._simulator = simulator
        self._gateway = gateway
        self._connections: set[socket.socket] = set()
        self._server = self._listening(port)
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), name=f"kis-{gateway.host}", daemon=True)
        self._thread.start()
        self.url = f"http://{LOOPBACK}:{self._server.port}"

    def close(self) -> None:
        """Stop serving and end open connections."""
        self._server.shutdown()
        self._thread.join()
        for connection in tuple(self._connections):
            _end(connection)
        self._server.server_close()

    def _listening(self, port: int) -> BaseWSGIServer:
        # Werkzeug ends the process when a port is taken; bound here, that is an OSError.
        with socket.create_server((LOOPBACK, port)) as listener:
            server = make_server(LOOPBACK, port, self._serve, threaded=True, request_handler=Handler, fd=listener.fileno())
        server.connections = self._connections  # type: ignore[attr-defined]
        return server

    def _serve(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ)
        if request.path.startswith(control.PREFIX):
            status, value = control.answer(self._simulator, request.method, request.path, request.get_data())
            answer = Answer(status=status, body=value, headers={"content-type": "application/json"})
        else:
            answer = self._gateway.handle(_call(request, environ[HEADERS]))
        body = json.dumps(answer.body, ensure_ascii=False, separators=(",", ":")).encode()
        return Response(body, status=answer.status, headers=dict(answer.headers))(environ, start_response)


def _call(request: Request, headers: Mapping[str, str]) -> Call:
    return Call(
        method=request.method,
        path=request.path,
        headers=headers,
        query={key.upper(): value for key, value in request.args.items()},
        body=request.get_data(),
    )


def _end(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # the client was faster
