"""AWS Signature Version 4 against botocore, and against Postman's own headers."""

from __future__ import annotations

import datetime
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore import auth as botocore_auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from runner.model import Prepared
from tests.servers import Answer, Recorded, answer
from tests.signing import Gate, converse, prepared, signed

KEYS = {"accessKey": "AKIDEXAMPLE", "secretKey": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}
DATE = [{"key": "Date", "value": "Mon, 01 Jan 2024 00:00:00 GMT"}, {"key": "X-Own", "value": "a  b"}]
NO_TYPE = {"disabledSystemHeaders": {"content-type": True}}


def fixed(monkeypatch: pytest.MonkeyPatch, stamp: str) -> None:
    now = datetime.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=datetime.UTC)
    monkeypatch.setattr(botocore_auth, "get_current_datetime", lambda: now.replace(tzinfo=None))


def oracle(monkeypatch: pytest.MonkeyPatch, sent: Prepared, params: dict[str, Any]) -> str:
    """The Authorization header of botocore for the request that was sent."""
    fixed(monkeypatch, sent.header("X-Amz-Date") or "")
    named = re.search(r"SignedHeaders=([^,]*)", sent.header("Authorization") or "")
    assert named is not None
    headers = {name: sent.header(name) for name in named[1].split(";") if name not in ("x-amz-date", "x-amz-security-token")}
    service = params.get("service") or "execute-api"
    # For S3 botocore takes the path as it stands, and so for granted that all reserved characters are encoded.
    url = re.sub(r"[!()*]", lambda found: f"%{ord(found[0]):02X}", sent.url) if service == "s3" else sent.url
    request = AWSRequest(method=sent.method, url=url, headers=headers, data=sent.body or b"")
    credentials = Credentials(params["accessKey"], params["secretKey"], params.get("sessionToken"))
    signer = botocore_auth.S3SigV4Auth if service == "s3" else botocore_auth.SigV4Auth
    signer(credentials, service, params.get("region") or "us-east-1").add_auth(request)
    return str(request.headers["Authorization"])


@pytest.mark.parametrize(
    "params",
    [
        KEYS,
        KEYS | {"sessionToken": "TOKEN"},
        KEYS | {"service": "dynamodb", "region": "ap-northeast-2"},
        KEYS | {"service": "s3", "region": "eu-west-1", "sessionToken": "T"},
    ],
)
@pytest.mark.parametrize(
    ("url", "request_json"),
    [
        ("https://api.example.com", {}),
        ("https://api.example.com/a b/한/c?q=1 2&z&a=x&a=0&b=%2F", {}),
        ("https://api.example.com:8443/x/", {"method": "POST", "body": {"mode": "raw", "raw": "hi"}, "header": DATE[1:]}),
        (
            "https://api.example.com/(1)*~!",
            {"method": "PUT", "body": {"mode": "urlencoded", "urlencoded": [{"key": "a", "value": "b c"}]}},
        ),
        ("https://api.example.com/f", {"method": "POST", "body": {"mode": "formdata", "formdata": [{"key": "a", "value": "b"}]}}),
    ],
)
def test_headers_are_those_of_botocore(
    monkeypatch: pytest.MonkeyPatch, params: dict[str, Any], url: str, request_json: dict[str, Any]
) -> None:
    sent = signed("awsv4", params, url, **request_json)
    assert sent.header("Authorization") == oracle(monkeypatch, sent, params)
    assert sent.header("X-Amz-Security-Token") == params.get("sessionToken")


@pytest.mark.parametrize("service", ["execute-api", "s3"])
def test_query_signatures_are_those_of_botocore(monkeypatch: pytest.MonkeyPatch, service: str) -> None:
    params = KEYS | {"service": service, "addAuthDataToQuery": True, "sessionToken": "T/+"}
    sent = signed("awsv4", params, "https://b.example.com/a/k?q=1 2&X-Amz-Expires=60", method="PUT")
    query = parse_qs(urlsplit(sent.url).query)
    fixed(monkeypatch, query["X-Amz-Date"][0])
    request = AWSRequest(method="PUT", url="https://b.example.com/a/k?q=1%202")
    signer = botocore_auth.S3SigV4QueryAuth if service == "s3" else botocore_auth.SigV4QueryAuth
    signer(Credentials(KEYS["accessKey"], KEYS["secretKey"], "T/+"), service, "us-east-1", expires=60).add_auth(request)
    assert query == parse_qs(urlsplit(request.url).query)


@pytest.mark.parametrize(("service", "covered"), [("execute-api", True), ("s3", False)])
def test_a_query_signature_covers_the_body_but_for_s3(service: str, covered: bool) -> None:
    params = KEYS | {"service": service, "addAuthDataToQuery": True}
    bodies = [{"mode": "raw", "raw": text} for text in ("one", "two")]
    urls = {signed("awsv4", params, method="PUT", body=body, header=DATE).url for body in bodies}
    assert len(urls) == (2 if covered else 1)


def test_a_header_as_postman_writes_it() -> None:
    """Made with postman-runtime 7.39.1."""
    params = {"accessKey": "AKID", "secretKey": "SECRET", "sessionToken": "TOK", "service": "svc", "region": "eu-west-1"}
    url = "https://api.example.com/a b/%C3%A9/../c//d/?q=1 2&z&a='x'&a=0"
    stale = [{"key": "X-Amz-Date", "value": "x"}, *DATE]
    sent = signed("awsv4", params, url, method="POST", header=stale, body={"mode": "raw", "raw": "hi"}, behavior=NO_TYPE)
    assert sent.header("Authorization") == (
        "AWS4-HMAC-SHA256 Credential=AKID/20240101/eu-west-1/svc/aws4_request, SignedHeaders=date;host;x-amz-content-sha256;"
        "x-amz-date;x-amz-security-token;x-own, Signature=4636d0763d57afb8d162879cd2d12c751ddb619f8bd11346835e57411ea92acd"
    )
    assert [value for name, value in sent.headers if name.lower() == "x-amz-date"] == ["20240101T000000Z"]


def test_an_s3_url_as_postman_writes_it() -> None:
    """Made with postman-runtime 7.39.1."""
    params = {"accessKey": "AKID", "secretKey": "SECRET", "service": "s3", "addAuthDataToQuery": True}
    sent = signed("awsv4", params, "https://b.s3.amazonaws.com/a b/%C3%A9//k?q=1&X-Amz-Signature=old", header=DATE)
    assert sent.url == (
        "https://b.s3.amazonaws.com/a%20b/%C3%A9//k?q=1&X-Amz-Expires=86400&X-Amz-Date=20240101T000000Z&X-Amz-Algorithm="
        "AWS4-HMAC-SHA256&X-Amz-Credential=AKID%2F20240101%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-SignedHeaders=date%3Bhost%3Bx-own"
        "&X-Amz-Signature=51b26372b6e36d9c97d7d72ccecb56ccd457059be049df76fdf5cbb74f063fc8"
    )


@pytest.mark.parametrize("missing", ["accessKey", "secretKey"])
def test_missing_parameters(missing: str) -> None:
    sent = signed("awsv4", {key: value for key, value in KEYS.items() if key != missing})
    assert (sent.header("Authorization"), sent.header("X-Amz-Date")) == (None, None)
    assert sent.warnings == (f"awsv4 auth: `{missing}` is missing, the request is not signed",)


def test_headers_others_may_change_are_not_signed() -> None:
    header = [{"key": name, "value": "v"} for name in ("Cookie", "User-Agent", "Range", "X-Own")]
    sent = signed("awsv4", KEYS, header=header)
    assert "SignedHeaders=host;x-amz-date;x-own," in (sent.header("Authorization") or "")


def test_a_date_nobody_can_read_is_not_the_time() -> None:
    sent = signed("awsv4", KEYS, header=[{"key": "Date", "value": "yesterday"}])
    assert re.fullmatch(r"20\d{6}T\d{6}Z", sent.header("X-Amz-Date") or "")


def test_a_server_that_checks_what_it_received(monkeypatch: pytest.MonkeyPatch) -> None:
    def judge(request: Recorded) -> Answer:
        headers = tuple(request.headers)
        got = Prepared(
            method=request.method, url=f"http://{request.values('Host')[0]}{request.target}", headers=headers, body=request.body
        )
        good = request.values("Authorization") == [oracle(monkeypatch, got, KEYS)]
        return answer() if good else answer(403)

    body = {"mode": "raw", "raw": '{"a": 1}', "options": {"raw": {"language": "json"}}}
    with Gate(judge=judge) as gate:
        assert converse(prepared("awsv4", KEYS, gate.url("/x y?b=2&a=1"), method="POST", body=body)).code == 200
        wrong = KEYS | {"secretKey": "other"}
        assert converse(prepared("awsv4", wrong, gate.url("/x"), method="POST", body=body)).code == 403
