"""JWT Bearer and ASAP: tokens that PyJWT and the RFC agree with, and Postman's own."""

from __future__ import annotations

import base64
import json
import time
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.servers import Answer, Recorded, answer
from tests.signing import Gate, converse, prepared, signed

HMAC = ["HS256", "HS384", "HS512"]
KEYS: dict[str, Any] = {
    "R": rsa.generate_private_key(65537, 2048),
    "P": rsa.generate_private_key(65537, 2048),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
    "ES384": ec.generate_private_key(ec.SECP384R1()),
    "ES512": ec.generate_private_key(ec.SECP521R1()),
}
PRIVATE = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
SECRET = "a secret that is long enough for every one of the HMAC algorithms."


def key(algorithm: str) -> Any:
    return KEYS.get(algorithm) or KEYS[algorithm[0]]


def pem(algorithm: str, form: PrivateFormat = PrivateFormat.PKCS8) -> str:
    return str(key(algorithm).private_bytes(Encoding.PEM, form, NoEncryption()).decode())


def token(sent: Any) -> str:
    return (sent.header("Authorization") or "").removeprefix("Bearer ")


def test_the_signature_of_rfc_7515() -> None:
    """Appendix A.1: its header and payload are written with line breaks, so only the key and a re-signed text are compared."""
    secret = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
    payload = {"iss": "joe", "exp": 1300819380, "http://example.com/is_root": True}
    params = {"algorithm": "HS256", "secret": secret, "isSecretBase64Encoded": True, "payload": payload}
    known = base64.urlsafe_b64decode(secret + "==")
    assert jwt.decode(token(signed("jwt", params)), known, algorithms=["HS256"], options={"verify_exp": False}) == payload


def test_tokens_as_postman_writes_them() -> None:
    """Made with postman-runtime 7.39.1."""
    params: dict[str, Any] = {"algorithm": "HS256", "secret": "short", "payload": '{"b":1,"a":"한"}'}
    params["header"] = '{"kid":"k","alg":"none","typ":"JWT"}'
    assert signed("jwt", params).header("Authorization") == (
        "Bearer eyJraWQiOiJrIiwiYWxnIjoiSFMyNTYiLCJ0eXAiOiJKV1QifQ.eyJiIjoxLCJhIjoi7ZWcIn0.sMzWvjZBEIyC8f-wKl_n_mCC-gWMkbaKZUuzL7JfmHg"
    )
    params = {
        "algorithm": "HS512",
        "secret": "c2VjcmV0",
        "isSecretBase64Encoded": True,
        "payload": {"a": 1},
        "addTokenTo": "queryParam",
    }
    assert signed("jwt", params, "http://h/p?token=o&x=1").url == (
        "http://h/p?x=1&token=eyJhbGciOiJIUzUxMiJ9.eyJhIjoxfQ.BF_tUPvklg9KFYZK9lo-0_HXBevC990FcmaXXELkB3yqoT6SUSJ_y022W5p1CKLuwaqDA4D7x9DlZkGE9EQfbA"
    )


@pytest.mark.parametrize("algorithm", [*HMAC, *PRIVATE])
def test_pyjwt_reads_every_algorithm(algorithm: str) -> None:
    params = {"algorithm": algorithm, "payload": '{"a": "한"}', "secret": SECRET}
    if algorithm not in HMAC:
        params["privateKey"] = pem(algorithm)
    made = token(signed("jwt", params))
    proof = SECRET if algorithm in HMAC else key(algorithm).public_key()
    assert jwt.decode(made, proof, algorithms=[algorithm]) == {"a": "한"}
    assert jwt.get_unverified_header(made) == {"alg": algorithm}


@pytest.mark.parametrize(
    "mangle", [lambda text: text.replace("\n", ""), lambda text: text.replace("\n", "\\n"), lambda text: text.replace("\n", " ")]
)
@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_keys_that_lost_their_lines(mangle: Any, form: PrivateFormat) -> None:
    made = token(signed("jwt", {"algorithm": "RS256", "privateKey": mangle(pem("RS256", form)), "payload": {}}))
    assert jwt.decode(made, key("RS256").public_key(), algorithms=["RS256"]) == {}


@pytest.mark.parametrize(("prefix", "start"), [(None, "Bearer ey"), ("JWT", "JWT ey"), ("", "ey")])
def test_the_prefix(prefix: str | None, start: str) -> None:
    sent = signed("jwt", {"algorithm": "HS256", "secret": SECRET, "headerPrefix": prefix})
    assert (sent.header("Authorization") or "").startswith(start)


def test_the_name_in_the_query() -> None:
    params = {"algorithm": "HS256", "secret": SECRET, "addTokenTo": "queryParam", "queryParamKey": "auth"}
    assert parse_qs(urlsplit(signed("jwt", params, "http://h/?a=1").url).query).keys() == {"a", "auth"}


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({}, "`algorithm` is missing"),
        ({"algorithm": "none"}, "there is no algorithm `none`"),
        ({"algorithm": "HS256"}, "`secret` is missing"),
        ({"algorithm": "ES256"}, "`privateKey` is missing"),
        ({"algorithm": "RS256", "privateKey": "key"}, "the private key is no PEM text"),
        ({"algorithm": "HS256", "secret": "s", "payload": "{"}, "`payload` is no JSON"),
        ({"algorithm": "HS256", "secret": "s", "payload": "[]"}, "`payload` is no JSON object"),
        ({"algorithm": "HS256", "secret": "s", "header": "3"}, "`header` is no JSON object"),
        ({"algorithm": "HS256", "secret": "s", "addTokenTo": "cookie"}, "there is no place `cookie`"),
        (
            {"algorithm": "RS256", "privateKey": "-----BEGIN PRIVATE KEY-----AAAA-----END PRIVATE KEY-----"},
            "the key cannot be used for RS256",
        ),
    ],
)
def test_what_cannot_be_signed_is_a_warning(params: dict[str, Any], reason: str) -> None:
    sent = signed("jwt", params)
    assert sent.header("Authorization") is None
    assert sent.warnings[0].startswith(f"jwt auth: {reason}")


def test_a_key_of_another_kind_is_a_warning() -> None:
    assert "cannot be used for ES256" in signed("jwt", {"algorithm": "ES256", "privateKey": pem("RS256")}).warnings[0]
    assert "cannot be used for RS256" in signed("jwt", {"algorithm": "RS256", "privateKey": pem("ES256")}).warnings[0]


# ------------------------------------------------------------------------------------------------------------------- ASAP

NAMED = {"kid": "team/key-1", "iss": "team", "aud": "service"}


def claims(sent: Any, algorithm: str = "RS256") -> dict[str, Any]:
    found: dict[str, Any] = jwt.decode(
        token(sent), key(algorithm).public_key(), algorithms=[algorithm], audience=["service", "other"]
    )
    return found


def test_asap_claims() -> None:
    sent = signed("asap", NAMED | {"privateKey": pem("RS256"), "claims": '{"extra": [1]}'})
    got = claims(sent)
    assert jwt.get_unverified_header(token(sent)) == {"alg": "RS256", "kid": "team/key-1"}
    assert (got["iss"], got["sub"], got["aud"], got["extra"], len(got["jti"])) == ("team", "team", "service", [1], 36)
    assert got["exp"] - got["iat"] == 3600
    assert abs(got["iat"] - time.time()) < 60


def test_asap_claims_win_over_parameters() -> None:
    later = int(time.time()) + 77
    own = {"iss": "i", "sub": "s", "aud": "other", "jti": "j", "iat": later - 100, "exp": str(later), "kid": "k"}
    sent = signed("asap", NAMED | {"sub": "no", "exp": "5", "privateKey": pem("ES256"), "alg": "ES256", "claims": own})
    assert claims(sent, "ES256") == own | {"exp": later}
    assert jwt.get_unverified_header(token(sent))["kid"] == "k"


def test_asap_expiry_in_seconds() -> None:
    got = claims(signed("asap", NAMED | {"privateKey": pem("RS256"), "exp": "60s", "sub": "me"}))
    assert (got["exp"] - got["iat"], got["sub"]) == (60, "me")


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL])
def test_asap_key_as_a_data_uri(form: PrivateFormat) -> None:
    der = base64.b64encode(key("RS256").private_bytes(Encoding.DER, form, NoEncryption())).decode()
    uri = f"data:application/pkcs8;kid={NAMED['kid']};base64,{der}"
    for given in (uri, f'"{uri}"', quote(uri, safe=""), uri[:300] + "\n" + uri[300:]):
        assert claims(signed("asap", NAMED | {"privateKey": given}))["iss"] == "team"


@pytest.mark.parametrize(
    ("params", "reason"),
    [
        ({"kid": ""}, "`kid` is missing"),
        ({"iss": ""}, "`iss` is missing"),
        ({"aud": ""}, "`aud` is missing"),
        ({"privateKey": ""}, "`privateKey` is missing"),
        ({"alg": "HS256"}, "there is no algorithm `HS256`"),
        ({"claims": "{"}, "`claims` is no JSON"),
        ({"claims": "[]"}, "`claims` is no JSON object"),
        ({"privateKey": "data:text/plain,x"}, "`privateKey` is a malformed data URI"),
        ({"privateKey": "data:application/pkcs8;kid=other;base64,AAAA"}, "`kid` is not the key id in the data URI"),
        ({"privateKey": "data:application/pkcs8;kid=team/key-1;base64,AAAA"}, "`privateKey` cannot be read"),
        ({"privateKey": "nonsense"}, "the private key is no PEM text"),
    ],
)
def test_what_asap_cannot_sign_is_a_warning(params: dict[str, Any], reason: str) -> None:
    sent = signed("asap", NAMED | {"privateKey": pem("RS256")} | params)
    assert sent.header("Authorization") is None
    assert sent.warnings[0].startswith(f"asap auth: {reason}")


def test_servers_that_check_let_us_in() -> None:
    def judge(request: Recorded) -> Answer:
        try:
            got = jwt.decode(
                request.values("Authorization")[0].split(" ")[1],
                key("RS256").public_key(),
                algorithms=["RS256"],
                audience="service",
            )
        except jwt.PyJWTError:
            return answer(401)
        return answer(body=json.dumps(got).encode())

    with Gate(judge=judge) as gate:
        assert converse(prepared("asap", NAMED | {"privateKey": pem("RS256")}, gate.url())).code == 200
        own = {"algorithm": "RS256", "privateKey": pem("RS256"), "payload": {"aud": "service"}}
        assert converse(prepared("jwt", own, gate.url())).code == 200
        assert converse(prepared("jwt", own | {"privateKey": pem("P")}, gate.url())).code == 401
