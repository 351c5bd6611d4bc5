"""Auth that generated code works out: servers that check it let it in, as they let the runner in."""

from __future__ import annotations

import re
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import botocore.auth
import jwt
import pytest
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests import test_auth_digest, test_auth_edgegrid, test_auth_ntlm, test_auth_oauth1
from tests.servers import Answer, Recorded, answer
from tests.signing import Gate
from tests.test_codegen import code_of, item, raw

TARGETS = ["requests", "httpx", "httpx-async", "aiohttp", "http.client", "urllib3"]
FORM = {"mode": "urlencoded", "urlencoded": [{"key": "c d", "value": "x&y=1!'"}, {"key": "e", "value": "2"}]}
NTLM = {key: value for key, value in test_auth_ntlm.USER.items() if key != "workstation"}

server = test_auth_ntlm.server


class Bench:
    """Generates code for a request to a server that judges it, and runs it."""

    def __init__(self, folder: Path, target: str) -> None:
        self.folder, self.target = folder, target

    def run(self, judge: Callable[[Recorded], Answer], auth: dict[str, Any], url: str = "/p", **request: Any) -> list[Recorded]:
        """What the server got; code raises where the server answers 401."""
        with Gate(judge=judge) as gate:
            made = item("a", gate.url(url), request.pop("method", "POST"), auth=auth, **request)
            (file,) = code_of(made, target=self.target, inline_values=True, body="exact")
            assert not any(entry.code == "auth" for entry in file.diagnostics), file.diagnostics
            path = self.folder / "snippet.py"
            path.write_text(file.text, "utf-8")
            runpy.run_path(str(path), run_name="__main__")
        return gate.requests


@pytest.fixture(params=TARGETS)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Bench:
    return Bench(tmp_path, request.param)


def of(kind: str, params: dict[str, Any]) -> dict[str, Any]:
    return {"type": kind, kind: params}


@pytest.mark.parametrize("method", ["HMAC-SHA1", "RSA-SHA256"])
def test_oauth1_in_a_form_a_query_and_the_header(bench: Bench, method: str) -> None:
    client = test_auth_oauth1.CLIENT | test_auth_oauth1.TOKEN | {"signatureMethod": method, "privateKey": test_auth_oauth1.PEM}

    def judge(request: Recorded) -> Answer:
        return test_auth_oauth1.judge(request, client["consumerSecret"], client["tokenSecret"])

    (form,) = bench.run(judge, of("oauth1", client), "/a%20b?q=1%202", body=FORM)
    assert dict(parse_qsl(form.body.decode()))["c d"] == "x&y=1!'"
    assert b"oauth_signature=" in form.body and not form.values("Authorization")
    (query,) = bench.run(judge, of("oauth1", client), "/a?q=1%202&x=y", method="GET")
    assert "oauth_signature=" in query.target and query.target.startswith("/a?q=1")
    (header,) = bench.run(judge, of("oauth1", client | {"addParamsToHeader": True}), body=FORM)
    assert header.values("Authorization")[0].startswith("OAuth ")


def test_oauth1_with_the_hash_of_a_body(bench: Bench) -> None:
    client = test_auth_oauth1.CLIENT | {"addParamsToHeader": True, "includeBodyHash": True}

    def judge(request: Recorded) -> Answer:
        return test_auth_oauth1.judge(request, client["consumerSecret"], "")

    (sent,) = bench.run(judge, of("oauth1", client), body=raw('{"a": 1}', "json"))
    assert "oauth_body_hash=" in sent.values("Authorization")[0]


@pytest.mark.parametrize("url", ["/p", "/p?a=1"])
def test_a_jwt_in_the_query(bench: Bench, url: str) -> None:
    params = {"algorithm": "HS256", "secret": "x" * 40, "payload": '{"sub": "1"}', "addTokenTo": "queryParam"}

    def judge(request: Recorded) -> Answer:
        query = dict(parse_qsl(urlsplit(request.target).query))
        return answer(200 if jwt.decode(query["my token"], "x" * 40, ["HS256"]) == {"sub": "1"} else 401)

    (sent,) = bench.run(judge, of("jwt", params | {"queryParamKey": "my token"}), url, body=raw('{"a": 1}', "json"))
    assert sent.target.startswith(f"{url}{'&' if '?' in url else '?'}my%20token=")


KEYS = {"accessKey": "AKIDEXAMPLE", "secretKey": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}


def aws_judge(service: str) -> Callable[[Recorded], Answer]:
    """Signs what arrived again, with botocore's own signers, and compares."""
    is_s3 = service == "s3"

    def judge(request: Recorded) -> Answer:
        path, _, query = request.target.partition("?")
        given = dict(parse_qsl(query))
        signature, signed = given.pop("X-Amz-Signature", ""), given.get("X-Amz-SignedHeaders", "")
        header = (request.values("Authorization") or [""])[0]
        signature, signed = (re.findall(r"SignedHeaders=([^,]*), Signature=(.*)", header) or [(signed, signature)])[0][::-1]
        kept = "&".join(pair for pair in query.split("&") if not pair.startswith("X-Amz-Signature="))
        url = f"http://{request.values('Host')[0]}{path}" + (f"?{kept}" if kept else "")
        headers = {name: request.values(name)[0] for name in signed.split(";")}
        made = AWSRequest(method=request.method, url=url, headers=headers, data=request.body)
        made.context["timestamp"] = given.get("X-Amz-Date") or request.values("X-Amz-Date")[0]
        signer = botocore.auth.S3SigV4Auth if is_s3 else botocore.auth.SigV4Auth
        signer = signer(Credentials(KEYS["accessKey"], KEYS["secretKey"]), service, "us-east-1")
        canonical = signer.canonical_request(made)
        if is_s3 and given.get("X-Amz-Date"):
            canonical = canonical.rpartition("\n")[0] + "\nUNSIGNED-PAYLOAD"
        wanted = signer.signature(signer.string_to_sign(made, canonical), made)
        return answer(200 if wanted == signature else 401)

    return judge


@pytest.mark.parametrize("service", ["execute-api", "s3"])
@pytest.mark.parametrize("in_query", [True, False])
def test_aws_in_the_query_and_in_headers(bench: Bench, service: str, in_query: bool) -> None:
    params = KEYS | {"service": service, "addAuthDataToQuery": in_query}
    judge = aws_judge(service)
    (sent,) = bench.run(judge, of("awsv4", params), "/a/b?x=1&y=%2F", body=raw('{"a": "한"}', "json"))
    assert sent.target.startswith("/a/b?x=1&y=%2F")
    assert ("X-Amz-Signature" in sent.target) is in_query
    bench.run(judge, of("awsv4", params), "/a", method="GET")


def digest(bench: Bench, algorithm: str, qop: str) -> None:
    challenge = f'Digest realm="Users", nonce="n1", algorithm={algorithm}{qop}, opaque="o"'

    def judge(request: Recorded) -> Answer:
        return answer() if test_auth_digest.check(request, "p:w한", "n1") else answer(401, [("WWW-Authenticate", challenge)])

    user = {"username": "me", "password": "p:w한"}
    sent = bench.run(judge, of("digest", user), "/p?x=1", body=raw("hello"))
    assert [each.body for each in sent] == [b"hello"] * 2


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
@pytest.mark.parametrize("qop", ["", ', qop="auth"'])
def test_digest_answers_a_challenge(bench: Bench, algorithm: str, qop: str) -> None:
    digest(bench, algorithm, qop)


@pytest.mark.parametrize("target", ["httpx", "aiohttp", "http.client", "urllib3"])  # requests knows none of these
def test_digest_for_a_session(target: str, tmp_path: Path) -> None:
    digest(Bench(tmp_path, target), "SHA-256-sess", ', qop="auth"')


def test_ntlm_gets_in_on_one_connection(bench: Bench, server: test_auth_ntlm.Server) -> None:
    if bench.target == "requests":
        pytest.importorskip("requests_ntlm", reason="requests-ntlm comes with the test group")
    sent = bench.run(server.judge, of("ntlm", NTLM), body=raw("hello"))
    assert server.names == ["DOM\\user"]
    assert [(each.connection, each.body) for each in sent] == [(0, b"hello")] * 3


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_edgegrid(bench: Bench, method: str) -> None:
    def judge(request: Recorded) -> Answer:
        header, url = request.values("Authorization")[0], f"http://{request.values('Host')[0]}{request.target}"
        more = {"max_body": 4, "headers_to_sign": ["X-Test1", "Absent"]}
        wanted = test_auth_edgegrid.akamai(request.method, url, request.headers, request.body, header, **more)
        return answer(200 if header == wanted else 401)

    params = test_auth_edgegrid.TOKENS | {"headersToSign": ["X-Test1", "Absent"], "maxBodySize": 4}
    body = {} if method == "GET" else {"body": raw('{"a": "한"}', "json")}
    bench.run(judge, of("edgegrid", params), "/api?x=1%202", method=method, header=[{"key": "X-Test1", "value": "a  b"}], **body)
