"""NTLM: three messages on one connection, checked by pyspnego's server side."""

from __future__ import annotations

import base64
import os
import struct
from pathlib import Path
from typing import Any

import pytest
import spnego
from spnego.exceptions import SpnegoError

from runner import auth
from runner.model import Prepared, Response
from tests.servers import Answer, Recorded, answer
from tests.signing import Gate, converse, prepared, signed

USER = {"username": "user", "password": "비밀", "domain": "DOM", "workstation": "DESK"}
CHALLENGE = [("WWW-Authenticate", "Negotiate"), ("WWW-Authenticate", "NTLM")]


class Server:
    """Authenticates connections; `names` are the users it let in."""

    def __init__(self) -> None:
        self.contexts: dict[int, Any] = {}
        self.names: list[str] = []
        self.messages: list[bytes] = []

    def judge(self, request: Recorded) -> Answer:
        header = (request.values("Authorization") or [""])[0]
        if not header.startswith("NTLM "):
            known = self.contexts.get(request.connection)
            return answer() if known and known.complete else answer(401, CHALLENGE)
        self.messages.append(base64.b64decode(header[5:]))
        try:
            return self.step(request.connection, self.messages[-1])
        except SpnegoError:
            return answer(401, CHALLENGE)

    def step(self, connection: int, message: bytes) -> Answer:
        if connection not in self.contexts:
            self.contexts[connection] = spnego.server(protocol="ntlm", options=spnego.NegotiateOptions.use_ntlm)
        context = self.contexts[connection]
        token = context.step(message)
        if context.complete:
            self.names.append(context.client_principal)
            return answer()
        return answer(401, [("WWW-Authenticate", "NTLM " + base64.b64encode(token).decode())])


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Server:
    users = tmp_path / "users"
    users.write_text("DOM:user:비밀\n", encoding="utf-8")
    monkeypatch.setenv("NTLM_USER_FILE", str(users))
    return Server()


@pytest.mark.parametrize("account", [{}, {"username": "DOM\\user", "domain": ""}, {"username": "user@DOM", "domain": ""}])
def test_a_server_lets_us_in_on_one_connection(server: Server, account: dict[str, str]) -> None:
    body = {"mode": "raw", "raw": "hello"}
    with Gate(judge=server.judge) as gate:
        assert converse(prepared("ntlm", USER | account, gate.url("/p"), method="POST", body=body)).code == 200
    assert server.names == ["DOM\\user"]
    assert [(request.connection, request.body) for request in gate.requests] == [(0, b"hello")] * 3
    assert [bool(request.values("Authorization")) for request in gate.requests] == [False, True, True]


def test_a_wrong_password_is_tried_once(server: Server) -> None:
    with Gate(judge=server.judge) as gate:
        assert converse(prepared("ntlm", USER | {"password": "wrong"}, gate.url("/p"))).code == 401
    assert len(gate.requests) == 3
    assert server.names == []


def workstation(message: bytes) -> str:
    """The field of an AUTHENTICATE_MESSAGE (MS-NLMP 2.2.1.3)."""
    length, offset = struct.unpack_from("<H2xI", message, 44)
    return message[offset : offset + length].decode("utf-16-le")


def test_the_workstation_is_the_one_that_was_given(server: Server) -> None:
    before = dict(os.environ)
    with Gate(judge=server.judge) as gate:
        converse(prepared("ntlm", USER, gate.url("/p")))
        converse(prepared("ntlm", USER | {"workstation": ""}, gate.url("/p")))
    assert [workstation(server.messages[index]) for index in (1, 3)] == ["DESK", ""]
    assert dict(os.environ) == before


def test_a_server_that_does_not_ask_gets_one_request() -> None:
    with Gate(judge=lambda request: answer()) as gate:
        assert converse(prepared("ntlm", USER, gate.url("/p"), header=[{"key": "Authorization", "value": "mine"}])).code == 200
    assert [request.values("Authorization") for request in gate.requests] == [[]]


def refused(*challenges: str, code: int = 401) -> Response:
    return Response(code=code, reason="", url="http://h/p", headers=tuple(("www-authenticate", value) for value in challenges))


def sent_after(*answers: Response, **params: Any) -> list[Prepared]:
    flow = auth.sign(prepared("ntlm", USER | params))
    sent = [next(flow)]
    for response in answers:
        try:
            sent.append(flow.send(response))
        except StopIteration:
            break
    return sent


@pytest.mark.parametrize(
    ("response", "asked"),
    [
        (refused("NTLM"), True),
        (refused("Negotiate, NTLM", code=403), True),
        (refused("Negotiate"), True),
        (refused("Basic realm=x"), False),
        (refused("NTLM", code=400), False),
    ],
)
def test_what_counts_as_a_challenge(response: Response, asked: bool) -> None:
    assert len(sent_after(response)) == (2 if asked else 1)


def test_no_replay_when_it_is_switched_off() -> None:
    assert len(sent_after(refused("NTLM"), disableRetryRequest=True)) == 1


@pytest.mark.parametrize("message", ["A", "AAAA", "TlRMTVNTUAACAAAA"])
def test_a_message_that_makes_no_sense_is_a_warning(message: str) -> None:
    last = sent_after(refused("NTLM"), refused(f"NTLM {message}"))[-1]
    assert last.header("Authorization") is None
    assert "ntlm auth: the server's challenge makes no sense" in last.warnings[0]


@pytest.mark.parametrize("response", [refused("NTLM"), refused("NTLM !"), refused("Basic"), refused("NTLM AAAA", code=200)])
def test_without_a_message_of_the_server_there_is_no_third(response: Response) -> None:
    assert len(sent_after(refused("NTLM"), response)) == 2


def test_without_a_user_name_nothing_is_tried() -> None:
    sent = signed("ntlm", {"password": "p"})
    assert sent.warnings == ("ntlm auth: `username` is missing, the request is not signed",)
