"""OAuth 1.0a: a server by oauthlib that verifies what it receives, the RFC's example, and Postman's own headers."""

from __future__ import annotations

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from oauthlib.oauth1 import RequestValidator, SignatureOnlyEndpoint

from tests.servers import Answer, Recorded, answer
from tests.signing import Gate, converse, prepared, signed

KEY = rsa.generate_private_key(65537, 2048)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
CLIENT = {"consumerKey": "aConsumerKeyOfDecentSize", "consumerSecret": "c s&ü"}
TOKEN = {"token": "aTokenOfQuiteDecentSize", "tokenSecret": "t/s"}
FIXED = {"nonce": "n1", "timestamp": "1700000000", "version": "1.0"}
FORM = {"mode": "urlencoded", "urlencoded": [{"key": "c d", "value": "x&y=1!'"}, {"key": "e", "value": "2"}]}
RAW = {"mode": "raw", "raw": '{"a": "한"}', "options": {"raw": {"language": "json"}}}
HMACS = ["HMAC-SHA1", "HMAC-SHA256", "HMAC-SHA512"]
RSAS = ["RSA-SHA1", "RSA-SHA256", "RSA-SHA512"]


class Validator(RequestValidator):  # type: ignore[misc]
    """Knows one client and one token."""

    allowed_signature_methods = (*HMACS, *RSAS, "PLAINTEXT")
    enforce_ssl = False
    dummy_client = "nobody"
    nonce_length = (1, 40)

    def __init__(self, secret: str, token_secret: str) -> None:
        super().__init__()
        self.secret, self.token_secret = secret, token_secret

    def validate_timestamp_and_nonce(self, *args: Any, **more: Any) -> bool:
        return True

    def validate_client_key(self, client_key: str, request: Any) -> bool:
        return client_key == CLIENT["consumerKey"]

    def get_client_secret(self, client_key: str, request: Any) -> str:
        return self.secret

    def get_access_token_secret(self, client_key: str, token: str, request: Any) -> str:
        return self.token_secret

    def get_rsa_key(self, client_key: str, request: Any) -> str:
        return KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def judge(request: Recorded, secret: str, token_secret: str) -> Answer:
    url = f"http://{request.values('Host')[0]}{request.target}"
    headers = {name: value for name, value in request.headers if name in ("Authorization", "Content-Type")}
    endpoint = SignatureOnlyEndpoint(Validator(secret, token_secret))
    valid, _ = endpoint.validate_request(url, request.method, request.body.decode(), headers)
    return answer() if valid else answer(401)


@pytest.mark.parametrize("method", [*HMACS, *RSAS, "PLAINTEXT"])
@pytest.mark.parametrize(
    "more",
    [
        {"addParamsToHeader": True, "realm": "a realm"},
        {"addParamsToHeader": True, "callback": "http://cb/?x", "verifier": "v"},
        {},
    ],
)
@pytest.mark.parametrize("body", [None, FORM, RAW])
def test_a_server_that_checks_lets_us_in(method: str, more: dict[str, Any], body: Any) -> None:
    # oauthlib decodes a signature in query or form twice, which only shows where it is no base64.
    secret, token = ("plain", "text") if method == "PLAINTEXT" else (CLIENT["consumerSecret"], TOKEN["tokenSecret"])
    params = CLIENT | TOKEN | more | {"signatureMethod": method, "privateKey": PEM, "version": "1.0"}
    params |= {"consumerSecret": secret, "tokenSecret": token}
    with Gate(judge=lambda request: judge(request, secret, token)) as gate:
        for verb in ("POST", "GET"):
            url = gate.url("/a%20b/한?q=1 2&k&z='x'+y&oauth_nonce=old")
            assert converse(prepared("oauth1", params, url, method=verb, body=body)).code == 200
        wrong = {"tokenSecret": "no"} if not method.startswith("RSA") else {"consumerKey": "somebodyElseAltogether"}
        assert converse(prepared("oauth1", params | wrong, gate.url("/"), method="POST", body=body)).code == 401


def test_the_example_of_rfc_5849() -> None:
    """Section 1.2, the request for the photo."""
    params = {"consumerKey": "dpf43f3p2l4k3l03", "consumerSecret": "kd94hf93k423kf44", "token": "nnch734d00sl2jdk"}
    params |= {"tokenSecret": "pfkkdhi9sl3r4s00", "signatureMethod": "HMAC-SHA1", "timestamp": "137131202", "nonce": "chapoH"}
    sent = signed(
        "oauth1",
        params | {"realm": "Photos", "addParamsToHeader": True},
        "http://photos.example.net/photos?file=vacation.jpg&size=original",
    )
    assert sent.header("Authorization") == (
        'OAuth realm="Photos",oauth_consumer_key="dpf43f3p2l4k3l03",oauth_token="nnch734d00sl2jdk",oauth_signature_method="HMAC-SHA1",'
        'oauth_timestamp="137131202",oauth_nonce="chapoH",oauth_signature="MdpQcU8iPSUjWoN%2FUDMsK2sui9I%3D"'
    )


@pytest.mark.parametrize(
    ("method", "signature"),
    [
        ("HMAC-SHA1", "VHqEcVJtZa2fxUzDzLkYnxDb5Ew%3D"),
        ("HMAC-SHA256", "ZXox5sz23SqRAjCZ9woBKzUs%2FxZmx2aJkUcS9z6ZTKw%3D"),
        ("HMAC-SHA512", "7YyppwYpWHQUeyDsrcm%2BBZc%2BCF0v0UZZxveaXE9rZNCWn6Jp1z2wXSz98TbOOQ%2FPY6mx%2FllVIj%2BQTF4ho4YkPw%3D%3D"),
        ("PLAINTEXT", "c%2520s%2526%26ts"),
    ],
)
def test_headers_as_postman_writes_them(method: str, signature: str) -> None:
    """Made with postman-runtime 7.39.1."""
    params: dict[str, Any] = {
        "consumerKey": "ck",
        "consumerSecret": "c s&",
        "token": "tk",
        "tokenSecret": "ts",
        "realm": "a realm",
    }
    params |= FIXED | {"signatureMethod": method, "addParamsToHeader": True, "callback": "http://cb/?x"}
    sent = signed("oauth1", params, "http://Example.com:8080/a%20b?q=1 2&k&z='x'", method="POST", body=FORM)
    assert sent.header("Authorization") == (
        f'OAuth realm="a%20realm",oauth_consumer_key="ck",oauth_token="tk",oauth_signature_method="{method}",oauth_timestamp="1700000000",'
        f'oauth_nonce="n1",oauth_version="1.0",oauth_callback="http%3A%2F%2Fcb%2F%3Fx",oauth_signature="{signature}"'
    )
    assert sent.url == "http://example.com:8080/a%20b?q=1%202&k&z=%27x%27"


def test_a_form_as_postman_writes_it() -> None:
    """Made with postman-runtime 7.39.1."""
    params = {"consumerKey": "ck", "consumerSecret": "cs", "signatureMethod": "HMAC-SHA1"} | FIXED
    old = {"mode": "urlencoded", "urlencoded": [{"key": "oauth_signature", "value": "old"}, *FORM["urlencoded"]]}
    for body in (FORM, old):
        sent = signed("oauth1", params, "http://example.com/p?q=1 2&k", method="POST", body=body)
        assert sent.body == (
            b"c%20d=x%26y%3D1%21%27&e=2&oauth_consumer_key=ck&oauth_signature_method=HMAC-SHA1&oauth_timestamp=1700000000&oauth_nonce=n1"
            b"&oauth_version=1.0&oauth_signature=V0qvEPiGrprZQ6Xk%2Bu0iiUHKNrQ%3D"
        )
        assert sent.header("Content-Length") == str(len(sent.body))
        assert sent.request is not None and sent.request.body is not None
        assert [param.key for param in sent.request.body.urlencoded][-1] == "oauth_signature"


def test_a_form_without_fields_gets_a_content_type() -> None:
    sent = signed("oauth1", CLIENT, "http://h/", method="POST", body={"mode": "urlencoded", "urlencoded": []})
    assert sent.header("Content-Type") == "application/x-www-form-urlencoded"
    assert sent.body is not None and sent.header("Content-Length") == str(len(sent.body))


def test_a_query_as_postman_writes_it() -> None:
    """Made with postman-runtime 7.39.1."""
    params = {
        "consumerKey": "ck",
        "consumerSecret": "cs",
        "token": "",
        "signatureMethod": "HMAC-SHA1",
        "addEmptyParamsToSign": True,
    } | FIXED
    sent = signed("oauth1", params, "http://example.com/p?q=1 2&k&oauth_token=old")
    assert sent.url == (
        "http://example.com/p?q=1%202&k&oauth_consumer_key=ck&oauth_token=&oauth_signature_method=HMAC-SHA1&oauth_timestamp=1700000000"
        "&oauth_nonce=n1&oauth_version=1.0&oauth_signature=JgR5NiimJLrpfV3bO%2BbBuqbjx%2FI%3D"
    )


def test_a_body_hash_and_no_encoding_as_postman_writes_them() -> None:
    """Made with postman-runtime 7.39.1."""
    params = {"consumerKey": "c k", "consumerSecret": "cs", "signatureMethod": "HMAC-SHA256", "addParamsToHeader": True} | FIXED
    sent = signed(
        "oauth1",
        params | {"includeBodyHash": True, "disableHeaderEncoding": True},
        "http://example.com/p",
        method="PUT",
        body=RAW,
    )
    assert sent.header("Authorization") == (
        'OAuth oauth_consumer_key="c k",oauth_signature_method="HMAC-SHA256",oauth_timestamp="1700000000",oauth_nonce="n1",oauth_version="1.0",'
        'oauth_body_hash="Tm7G5x38PCO3WZBCwUE06Jo5JfA/SGW2Ae/rjFVqQd0=",oauth_signature="jD+GK0s5W7piHS1oLwVDrb5I1oX/8baVy7HUg684YSA="'
    )


def test_forms_have_no_body_hash_and_an_absent_body_has_that_of_nothing() -> None:
    params = CLIENT | {
        "signatureMethod": "HMAC-SHA1",
        "includeBodyHash": True,
        "addParamsToHeader": True,
        "disableHeaderEncoding": True,
    }
    assert "oauth_body_hash" not in (signed("oauth1", params, method="POST", body=FORM).header("Authorization") or "")
    empty = base64.b64encode(hashlib.sha1(b"").digest()).decode()
    assert f'oauth_body_hash="{empty}"' in (signed("oauth1", params).header("Authorization") or "")


def test_a_url_that_is_not_to_be_encoded_stays_as_it_is() -> None:
    sent = signed("oauth1", CLIENT | {"signatureMethod": "PLAINTEXT"}, "http://h/p?a='b'", behavior={"disableUrlEncoding": True})
    query = urlsplit(sent.url).query
    assert query.startswith("a='b'&oauth_consumer_key=")
    assert dict(parse_qsl(query))["oauth_signature"] == "c%20s%26%C3%BC&"


def test_a_key_of_another_kind_is_a_warning() -> None:
    other = ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    sent = signed("oauth1", {"consumerKey": "k", "signatureMethod": "RSA-SHA256", "privateKey": other})
    assert sent.warnings == ("oauth1 auth: the private key is none of RSA, the request is not signed",)


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"consumerSecret": "s"}, "`consumerKey` is missing"),
        ({"consumerKey": "k"}, "`consumerSecret` is missing"),
        ({"consumerKey": "k", "signatureMethod": "RSA-SHA1"}, "`privateKey` is missing"),
        ({"consumerKey": "k", "signatureMethod": "RSA-SHA1", "privateKey": "x"}, "the private key is no PEM text"),
        ({"consumerKey": "k", "consumerSecret": "s", "signatureMethod": "MD5"}, "there is no signature method `MD5`"),
        (
            {
                "consumerKey": "k",
                "signatureMethod": "RSA-SHA1",
                "privateKey": "-----BEGIN PRIVATE KEY-----AA-----END PRIVATE KEY-----",
            },
            "the private key cannot be read",
        ),
    ],
)
def test_what_cannot_be_signed_is_a_warning(params: dict[str, Any], reason: str) -> None:
    sent = signed("oauth1", params, "http://h/p?oauth_token=mine", header=[{"key": "Authorization", "value": "mine"}])
    assert (sent.url, sent.header("Authorization")) == ("http://h/p?oauth_token=mine", "mine")
    assert sent.warnings[0].startswith(f"oauth1 auth: {reason}")
