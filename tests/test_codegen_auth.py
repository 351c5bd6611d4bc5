"""Auth in generated code: what the library has is used, the rest is worked out, and what cannot be had is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from runner.codegen.checking import Checker
from tests.test_codegen import BASE, code_of, item, raw

USER = {"username": "me", "password": "{{pass}}"}
JWT = {"algorithm": "HS256", "secret": "{{pass}}", "payload": '{"sub": "1"}'}
AWS = {"accessKey": "AKIA", "secretKey": "{{pass}}", "region": "eu-west-1", "service": "s"}
HAWK = {"authId": "me", "authKey": "{{pass}}", "algorithm": "sha256", "includePayloadHash": True}
OAUTH1 = {"consumerKey": "me", "consumerSecret": "{{pass}}", "token": "t", "tokenSecret": "s", "signatureMethod": "HMAC-SHA1"}
EDGE = {"accessToken": "{{pass}}", "clientToken": "c", "clientSecret": "s"}
SIGNED: list[tuple[str, dict[str, Any]]] = [
    ("jwt", JWT),
    ("awsv4", AWS),
    ("hawk", HAWK),
    ("oauth1", OAUTH1 | {"addParamsToHeader": True}),
    ("oauth1", OAUTH1),
    ("jwt", JWT | {"addTokenTo": "queryParam"}),
    ("awsv4", AWS | {"addAuthDataToQuery": True}),
    ("edgegrid", EDGE),
    ("apikey", {"key": "X-Api", "value": "{{pass}}", "in": "header"}),
    ("apikey", {"key": "key", "value": "{{pass}}", "in": "query"}),
    ("oauth2", {"accessToken": "{{pass}}"}),
    ("bearer", {"token": "{{pass}}"}),
]


def one(kind: str, params: dict[str, Any], **options: Any) -> Any:
    request = item("a", f"{BASE}/x?b=1", "POST", body=raw('{"a": 1}', "json"), auth={"type": kind, kind: params})
    (file,) = code_of(request, env={"pass": "correct horse"}, **options)
    if file.path.endswith(".py"):
        compile(file.text, "a.py", "exec")
    assert "correct horse" not in file.text
    return file


def checked(files: list[Any]) -> list[tuple[str, tuple[str, ...]]]:
    with Checker(Path()) as checker:
        verdicts = [checker.check(file) for file in files]
    return [(verdict.kind, verdict.reasons) for verdict in verdicts]


@pytest.mark.parametrize("target", ["requests", "http.client"])
def test_what_signs_a_request_is_sent_or_worked_out(target: str) -> None:
    files = [one(kind, params, target=target, body="exact") for kind, params in SIGNED]
    assert checked(files) == [("exact", ())] * len(files)


@pytest.mark.parametrize("target", ["requests", "httpx", "httpx-async", "aiohttp", "http.client", "urllib3", "curl"])
def test_digest_answers_the_servers_challenge(target: str) -> None:
    assert checked([one("digest", USER, target=target, body="exact")]) == [("exact", ())]


def test_ntlm_by_the_libraries_that_have_it() -> None:
    assert 'auth=HttpNtlmAuth("HOME\\\\me", pass_)' in one("ntlm", USER | {"domain": "HOME"}).text
    assert "--ntlm" in (shell := one("ntlm", USER | {"domain": "HOME"}, target="curl").text)
    assert "--user 'HOME\\me:'\"${pass:?}\"" in shell


@pytest.mark.parametrize(
    ("kind", "params", "target"),
    [
        ("edgegrid", EDGE, "curl"),
        ("hawk", HAWK, "curl"),
        ("awsv4", AWS | {"addAuthDataToQuery": True}, "curl"),
        ("jwt", JWT | {"addTokenTo": "somewhere"}, "requests"),
    ],
)
def test_what_cannot_be_had_is_told(kind: str, params: dict[str, Any], target: str) -> None:
    file = one(kind, params, target=target)
    assert "auth" in {entry.code for entry in file.diagnostics}
    assert f"without its {kind} auth" in file.text.replace("\n    # ", " ") or "goes out without" in file.text


def test_a_token_that_a_run_would_fetch_comes_from_outside() -> None:
    grant = {"grant_type": "client_credentials", "accessTokenUrl": f"{BASE}/token", "clientId": "me"}
    file = one("oauth2", grant)
    assert 'access_token = os.environ["access_token"]' in file.text
    assert '"Authorization": f"Bearer {access_token}"' in file.text
    assert "oauth2-token" in {entry.code for entry in file.diagnostics}
