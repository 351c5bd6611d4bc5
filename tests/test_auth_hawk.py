"""Hawk against mohawk, and against Postman's own headers."""

from __future__ import annotations

from typing import Any

import mohawk
import pytest

from tests.servers import Answer, Recorded, answer
from tests.signing import Gate, converse, prepared, signed

USER = {"authId": "dh37fgj492je", "authKey": "werxhqb98rpaxn39848xrunpaw3489ruxnpa98w4rxn"}
JSON = [{"key": "Content-Type", "value": "application/json"}]
JSON_BODY = {"mode": "raw", "raw": '{"a": "한"}', "options": {"raw": {"language": "json"}}}


def test_the_vector_of_the_specification() -> None:
    known = USER | {"algorithm": "sha256", "nonce": "j4h3g2", "timestamp": "1353832234", "extraData": "some-app-ext-data"}
    sent = signed("hawk", known, "http://example.com:8000/resource/1?b=1&a=2")
    assert sent.header("Authorization") == (
        'Hawk id="dh37fgj492je", ts="1353832234", nonce="j4h3g2", ext="some-app-ext-data", '
        'mac="6R4rV5iE+NPoym+WwjeHzjAGXUtLNIxmo1vpMofpLAE="'
    )


def test_a_header_as_postman_writes_it() -> None:
    """Made with postman-runtime 7.39.1."""
    known: dict[str, Any] = {"authId": "id", "authKey": "key", "algorithm": "sha1", "nonce": "n", "timestamp": "1353832234"}
    known |= {"app": "a", "delegation": "d", "includePayloadHash": True}
    sent = signed("hawk", known, "https://example.com/r", method="POST", header=JSON, body=JSON_BODY)
    assert sent.header("Authorization") == (
        'Hawk id="id", ts="1353832234", nonce="n", hash="WJh8WiztMoqEo6TVbLY0fO2GzjE=", mac="44q7xZQlspw1t8umwlUIZ+7XKD4=", '
        'app="a", dlg="d"'
    )


def test_quotes_and_backslashes_in_extra_data() -> None:
    """Made with the Hawk of postman-request."""
    known = {"authId": "id", "authKey": "key", "algorithm": "sha256", "nonce": "n", "timestamp": "1353832234"}
    sent = signed("hawk", known | {"extraData": 'e"x\\t'})
    assert sent.header("Authorization") == (
        'Hawk id="id", ts="1353832234", nonce="n", ext="e\\"x\\\\t", mac="FRiw5+of1bLYVCwGdBDnl8nBlQy79ByBYmx8GZ/AOVw="'
    )


def test_an_absent_body_has_no_hash() -> None:
    assert "hash=" not in (signed("hawk", USER | {"includePayloadHash": True}).header("Authorization") or "")


@pytest.mark.parametrize("missing", ["authId", "authKey"])
def test_missing_parameters(missing: str) -> None:
    sent = signed("hawk", USER | {missing: ""})
    assert sent.header("Authorization") is None
    assert sent.warnings == (f"hawk auth: `{missing}` is missing, the request is not signed",)


def test_an_unknown_algorithm_is_a_warning() -> None:
    assert signed("hawk", USER | {"algorithm": "md5"}).warnings == (
        "hawk auth: there is no algorithm `md5`, the request is not signed",
    )


@pytest.mark.parametrize("algorithm", ["sha256", "sha1"])
@pytest.mark.parametrize("more", [{}, {"extraData": "some ext"}, {"app": "a"}, {"app": "a", "delegation": "d"}])
def test_a_server_that_checks_takes_every_request_once(algorithm: str, more: dict[str, str]) -> None:
    seen: set[tuple[str, str, str]] = set()

    def judge(request: Recorded) -> Answer:
        try:
            mohawk.Receiver(
                lambda name: {"id": name, "key": USER["authKey"], "algorithm": algorithm},
                request.values("Authorization")[0],
                f"http://{request.values('Host')[0]}{request.target}",
                request.method,
                content=request.body,
                content_type=(request.values("Content-Type") or [""])[0],
                seen_nonce=lambda *nonce: nonce in seen or seen.add(nonce) is not None,
            )
        except mohawk.exc.HawkFail as error:
            return answer(401, body=str(error).encode())
        return answer()

    params = USER | more | {"algorithm": algorithm, "includePayloadHash": True}
    body = {"mode": "urlencoded", "urlencoded": [{"key": "a b", "value": "c&d"}]}
    with Gate(judge=judge) as gate:
        for _ in range(2):
            # Newman hashes a form without the Content-Type it then sends; servers refuse that.
            response = converse(prepared("hawk", params, gate.url("/r/1?b=1&a=한"), method="POST", body=body))
            assert (response.code, response.body) == (200, b"")
        assert converse(prepared("hawk", params | {"authKey": "wrong"}, gate.url("/"), method="POST", body=body)).code == 401
