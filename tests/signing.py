"""Signing in tests: a request as JSON in, the signed one out, or the whole exchange with a server that judges it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from runner import auth
from runner.auth import Memory
from runner.cookies import Jar
from runner.load import request_from_json
from runner.model import Auth, Prepared, Response
from runner.request import prepare
from runner.transport import Transport
from tests.servers import Answer, Recorded, Recorder


def prepared(kind: str, params: dict[str, Any], url: str = "http://h/p", *, behavior: Any = None, **request: Any) -> Prepared:
    """A request with an auth, ready but for its signature."""
    made = dataclasses.replace(request_from_json({"url": url, **request}), auth=Auth(type=kind, params=params))
    return prepare(made, behavior=behavior or {})


def signed(kind: str, params: dict[str, Any], url: str = "http://h/p", **request: Any) -> Prepared:
    """The first request a scheme sends."""
    return next(auth.sign(prepared(kind, params, url, **request)))


@dataclass
class Gate(Recorder):
    """A server that answers each request by what `judge` makes of it."""

    judge: Callable[[Recorded], Answer] = lambda request: Answer(())

    def _reply(self, sock: Any, request: Recorded) -> bool:
        self.script.appendleft(self.judge(request))
        return super()._reply(sock, request)


def converse(
    request: Prepared, memory: Memory | None = None, owner: str | None = None, wire: Transport | None = None
) -> Response:
    """Sign and send over real sockets until the scheme is done; the last answer."""
    transport = wire or Transport(jar=Jar())
    try:
        flow = auth.sign(request, memory, owner)
        sent = next(flow)
        while True:
            response = transport.send(sent)
            try:
                sent = flow.send(response)
            except StopIteration:
                return response
    finally:
        if wire is None:
            transport.close()
