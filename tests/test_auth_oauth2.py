"""OAuth 2.0: stored tokens as Postman sends them, and tokens fetched from a server by oauthlib."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from oauthlib.oauth2 import BackendApplicationServer, LegacyApplicationServer, RequestValidator

from runner import auth, events
from runner.auth import Memory
from runner.cookies import Jar
from runner.model import Prepared, Response
from runner.transport import Transport
from tests.fakes import Bench, FakeWire, item
from tests.servers import Answer, Recorded, answer
from tests.signing import Gate, converse, prepared, signed

CLIENT = {"clientId": "id", "clientSecret": "s e:c"}


# ------------------------------------------------------------------------------------------------------------ stored tokens


@pytest.mark.parametrize(
    ("params", "header"),
    [
        ({}, "Bearer t"),
        ({"headerPrefix": " Token "}, "Token t"),
        ({"headerPrefix": ""}, "t"),
        ({"headerPrefix": None, "addTokenTo": "header", "tokenType": "bearer"}, "Bearer t"),
    ],
)
def test_a_stored_token_in_the_header(params: dict[str, Any], header: str) -> None:
    mine = [{"key": "authorization", "value": "mine"}]
    sent = signed("oauth2", params | {"accessToken": "t"}, "http://h/p?access_token=old&a", header=mine)
    assert [value for name, value in sent.headers if name.lower() == "authorization"] == [header]
    assert sent.url == "http://h/p?a"


def test_a_stored_token_in_the_query() -> None:
    mine = [{"key": "authorization", "value": "mine"}]
    sent = signed("oauth2", {"accessToken": "t &", "addTokenTo": "queryParams"}, "http://h/p?access_token=old&a", header=mine)
    assert (sent.url, sent.header("Authorization")) == ("http://h/p?a&access_token=t%20%26", None)


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({}, "`accessToken` is missing"),
        ({"accessToken": "{{token}}"}, "`accessToken` is missing"),
        ({"accessToken": "t", "tokenType": "MAC"}, "tokens of type mac are not supported"),
        ({"accessToken": "t", "addTokenTo": "cookie"}, "there is no place `cookie` for the token"),
        (CLIENT | {"grant_type": "client_credentials"}, "`accessToken` is missing"),
        (
            CLIENT | {"grant_type": "authorization_code", "accessTokenUrl": "http://h/token"},
            "`accessToken` is missing, and the grant `authorization_code` needs a browser",
        ),
        ({"grant_type": "client_credentials", "accessTokenUrl": "http://h/token"}, "`clientId` is missing"),
        (CLIENT | {"grant_type": "password_credentials", "accessTokenUrl": "http://h/token"}, "`username` is missing"),
        (CLIENT | {"grant_type": "client_credentials", "accessTokenUrl": "http://"}, "the token cannot be asked for"),
    ],
)
def test_what_cannot_be_signed_is_a_warning(params: dict[str, Any], reason: str) -> None:
    sent = signed("oauth2", params, header=[{"key": "Authorization", "value": "mine"}])
    assert sent.header("Authorization") == "mine"
    assert sent.warnings[0].startswith(f"oauth2 auth: {reason}")


# ----------------------------------------------------------------------------------------------------------- fetched tokens


class Validator(RequestValidator):  # type: ignore[misc]
    """Knows one client and one user, and the tokens it gave out."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens: set[str] = set()
        self.refresh: set[str] = set()
        self.scopes: list[list[str]] = []

    def authenticate_client(self, request: Any, *args: Any, **more: Any) -> bool:
        given = request.headers.get("Authorization", "").removeprefix("Basic ")
        pair = base64.b64decode(given).decode() if given else f"{request.client_id}:{request.client_secret}"
        request.client = type("Client", (), {"client_id": "id"})()
        return pair == "id:s e:c"

    def validate_user(self, username: str, password: str, *args: Any, **more: Any) -> bool:
        return (username, password) == ("user", "p&w")

    def validate_refresh_token(self, refresh_token: str, *args: Any, **more: Any) -> bool:
        return refresh_token in self.refresh

    def save_bearer_token(self, token: dict[str, str], request: Any, *args: Any, **more: Any) -> None:
        self.tokens.add(token["access_token"])
        self.scopes.append(request.scopes)
        self.refresh |= {token["refresh_token"]} if "refresh_token" in token else set()

    def validate_grant_type(self, *args: Any, **more: Any) -> bool:
        return True

    def validate_scopes(self, *args: Any, **more: Any) -> bool:
        return True

    def get_default_scopes(self, *args: Any, **more: Any) -> list[str]:
        return ["default"]

    def get_original_scopes(self, *args: Any, **more: Any) -> list[str]:
        return ["default"]


class Server:
    """A token endpoint at /token and something to protect everywhere else."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, life: float = 3600) -> None:
        # oauthlib speaks of tokens over TLS only, unless told otherwise.
        monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
        self.validator = Validator()
        self.makers = {
            "client_credentials": BackendApplicationServer(self.validator, token_expires_in=life),
            "password": LegacyApplicationServer(self.validator, token_expires_in=life),
            "refresh_token": LegacyApplicationServer(self.validator, token_expires_in=life),
        }
        self.grants: list[str] = []

    def judge(self, request: Recorded) -> Answer:
        if not request.target.startswith("/token"):
            given = (request.values("Authorization") or [""])[0]
            return answer() if given.removeprefix("Bearer ") in self.validator.tokens else answer(401)
        form = parse_qs(request.body.decode())
        self.grants.append(form["grant_type"][0])
        server = self.makers[form["grant_type"][0]]
        _, body, status = server.create_token_response(
            "http://h/token", request.method, request.body.decode(), dict(request.headers)
        )
        return answer(status, [("Content-Type", "application/json")], body.encode())


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    return Server(monkeypatch)


@pytest.fixture
def gate(server: Server) -> Iterator[Gate]:
    with Gate(judge=server.judge) as gate:
        yield gate


PASSWORD = {"grant_type": "password_credentials", "username": "user", "password": "p&w"}


@pytest.mark.parametrize("place", ["header", "body", ""])
@pytest.mark.parametrize("grant", [{"grant_type": "client_credentials"}, PASSWORD])
def test_a_token_is_fetched_and_used(server: Server, gate: Gate, place: str, grant: dict[str, str]) -> None:
    params = CLIENT | grant | {"accessTokenUrl": gate.url("/token"), "client_authentication": place, "scope": "read write"}
    assert converse(prepared("oauth2", params, gate.url("/p"), method="POST", body={"mode": "raw", "raw": "x"})).code == 200
    asked, sent = gate.requests
    assert (asked.target, sent.target, sent.body) == ("/token", "/p", b"x")
    assert bool(asked.values("Authorization")) == (place != "body")
    assert server.validator.scopes == [["read", "write"]]


def test_a_token_serves_all_requests_of_a_configuration(server: Server, gate: Gate) -> None:
    params = CLIENT | {"grant_type": "client_credentials", "accessTokenUrl": gate.url("/token")}
    memory = Memory()
    for owner, change in (("a", {}), ("b", {}), (None, {}), ("a", {"scope": "other"})):
        assert converse(prepared("oauth2", params | change, gate.url("/p")), memory, owner).code == 200
    assert server.grants == ["client_credentials"] * 2


def test_a_token_that_the_server_forgot_is_renewed_once(server: Server, gate: Gate) -> None:
    params = CLIENT | PASSWORD | {"accessTokenUrl": gate.url("/token")}
    memory, request = Memory(), prepared("oauth2", params, gate.url("/p"))
    assert converse(request, memory).code == 200
    server.validator.tokens.clear()
    assert converse(request, memory).code == 200
    assert server.grants == ["password", "refresh_token"]
    server.validator.tokens.clear()
    server.validator.refresh.clear()
    assert converse(request, memory).code == 200
    assert server.grants[2:] == ["refresh_token", "password"]


def test_a_token_about_to_expire_is_fetched_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(monkeypatch, life=30)
    with Gate(judge=server.judge) as gate:
        params = CLIENT | {"grant_type": "client_credentials", "accessTokenUrl": gate.url("/token")}
        memory, request, wire = Memory(), prepared("oauth2", params, gate.url("/p")), Transport(jar=Jar())
        start = time.time()
        for later in (0, 15, 25):
            monkeypatch.setattr("runner.auth.oauth2.time.time", lambda moment=start + later: moment)
            assert converse(request, memory, wire=wire).code == 200
        wire.close()
    assert len(server.grants) == 2


def test_a_stored_refresh_token_suffices(server: Server, gate: Gate) -> None:
    server.validator.refresh.add("kept")
    params = CLIENT | {"grant_type": "authorization_code", "refreshToken": "kept", "accessTokenUrl": "http://nowhere.invalid/"}
    request = prepared("oauth2", params | {"refreshTokenUrl": gate.url("/token")}, gate.url("/p"))
    assert converse(request).code == 200
    assert server.grants == ["refresh_token"]


def test_a_stored_token_is_never_second_guessed(server: Server, gate: Gate) -> None:
    params = CLIENT | {"grant_type": "client_credentials", "accessTokenUrl": gate.url("/token"), "accessToken": "wrong"}
    assert converse(prepared("oauth2", params, gate.url("/p"))).code == 401
    assert server.grants == []


def test_a_refused_token_request_is_told_and_the_request_goes_out_unsigned(server: Server, gate: Gate) -> None:
    params = CLIENT | {"grant_type": "client_credentials", "accessTokenUrl": gate.url("/token"), "clientSecret": "wrong"}
    flow = auth.sign(prepared("oauth2", params, gate.url("/p")))
    wire = Transport(jar=Jar())
    sent = flow.send(wire.send(next(flow)))
    wire.close()
    assert (sent.url, sent.header("Authorization")) == (gate.url("/p"), None)
    assert sent.warnings == ("oauth2 auth: the token server answered 401 (invalid_client), the request is not signed",)


def told(body: bytes, code: int = 200, **params: Any) -> Prepared:
    """What is sent after a token answer."""
    known = CLIENT | {"grant_type": "client_credentials", "accessTokenUrl": "http://h/token"} | params
    flow = auth.sign(prepared("oauth2", known))
    next(flow)
    return flow.send(Response(code=code, reason="", url="http://h/token", body=body))


def test_answers_that_are_forms() -> None:
    assert told(b"access_token=f&token_type=bearer").header("Authorization") == "Bearer f"


@pytest.mark.parametrize(
    ("body", "code", "reason"),
    [
        (b"<html>", 200, "the token server answered 200 without a token"),
        (b"[1]", 500, "the token server answered 500 without a token"),
        (b'{"error":"a","error_description":"b"}', 400, "the token server answered 400 (a b)"),
        (b'{"access_token":"x","token_type":"mac"}', 200, "tokens of type mac are not supported"),
    ],
)
def test_answers_without_a_usable_token(body: bytes, code: int, reason: str) -> None:
    assert told(body, code).warnings == (f"oauth2 auth: {reason}, the request is not signed",)


def test_what_the_user_wants_sent_besides() -> None:
    def extra(key: str, **more: Any) -> dict[str, Any]:
        return {"key": key, "value": key.upper(), **more}

    extras = [extra("b", send_as="request_body"), extra("h", send_as="request_header"), extra("q", send_as="request_url")]
    params = CLIENT | {"grant_type": "client_credentials", "accessTokenUrl": "http://h/token?x=1", "audience": "aud"}
    params |= {"tokenRequestParams": [*extras, extra("off", enabled=False), "nonsense"]}
    agent = [{"key": "User-Agent", "value": "me"}]
    behavior = {"strictSSL": False, "tlsDisabledProtocols": ("TLSv1_3",), "disableUrlEncoding": True}
    asked = next(auth.sign(prepared("oauth2", params, header=agent, behavior=behavior)))
    assert parse_qs((asked.body or b"").decode()) == {"grant_type": ["client_credentials"], "audience": ["aud"], "b": ["B"]}
    assert parse_qs(urlsplit(asked.url).query) == {"x": ["1"], "q": ["Q"]}
    assert (asked.header("h"), asked.header("Accept"), asked.header("User-Agent")) == ("H", "application/json", "me")
    assert asked.behavior == {"strictSSL": False, "tlsDisabledProtocols": ("TLSv1_3",)}


def test_a_client_without_a_secret_names_itself_in_the_body() -> None:
    params = {"clientId": "id", "grant_type": "client_credentials", "accessTokenUrl": "http://h/token"}
    asked = next(auth.sign(prepared("oauth2", params)))
    assert (asked.header("Authorization"), asked.body) == (None, b"grant_type=client_credentials&client_id=id")


def test_in_a_run_the_token_call_is_an_event_of_its_own_and_troubles_are_notes() -> None:
    def give(request: Prepared) -> Response:
        good = json.dumps({"access_token": "t"}) if "ok" in request.url else "{}"
        return Response(code=200, reason="OK", url=request.url, body=good.encode())

    def config(url: str) -> dict[str, Any]:
        values = CLIENT | {"grant_type": "client_credentials", "accessTokenUrl": url}
        return {"type": "oauth2", "oauth2": [{"key": key, "value": value} for key, value in values.items()]}

    bench = Bench(wire=FakeWire(give))
    happened = bench.run([item("a", auth=config("http://h/ok")), item("b", auth=config("http://h/bad"))])
    sent = [(event.source, event.prepared.url) for event in happened if isinstance(event, events.RequestSent)]
    assert sent == [("auth", "http://h/ok"), ("item", "http://server/x"), ("auth", "http://h/bad"), ("item", "http://server/x")]
    assert [request.header("Authorization") for request in bench.wire.sent][1::2] == ["Bearer t", None]
    assert [event.text for event in happened if isinstance(event, events.Noted)] == [
        "oauth2 auth: the token server answered 200 without a token, the request is not signed"
    ]


def test_a_header_that_http_cannot_carry_is_the_requests_error() -> None:
    bad = {"type": "oauth2", "oauth2": [{"key": "accessToken", "value": "line\nbreak"}]}
    happened = Bench().run([item("a", auth=bad)])
    assert [event.error_code for event in happened if isinstance(event, events.RequestSent)] == ["ERR_INVALID_CHAR"]
