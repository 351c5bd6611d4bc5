"""Digest: the RFCs' vectors, challenges of all kinds, and a server that checks the answer."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import pytest

from runner import auth
from runner.auth import Memory
from runner.cookies import Jar
from runner.model import Prepared, Response
from runner.transport import Transport
from tests.fakes import Bench, FakeWire, item
from tests.servers import Answer, Recorded, answer
from tests.signing import Gate, converse, prepared, signed

USER = {"username": "Mufasa", "password": "Circle of Life"}
NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
JSON_BODY = {"mode": "raw", "raw": '{"a": "한"}', "options": {"raw": {"language": "json"}}}
NAMES = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}


def fields(header: str | None) -> dict[str, str]:
    return {name: quoted or bare for name, quoted, bare in re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', header or "")}


def refusal(challenge: str, code: int = 401) -> Response:
    return Response(code=code, reason="", url="http://h/p", headers=(("WWW-Authenticate", challenge),))


OK = Response(code=200, reason="OK", url="http://h/p")


def replay(params: dict[str, Any], challenge: str, code: int = 401) -> Prepared | None:
    """What is sent after a challenge, None when nothing is."""
    flow = auth.sign(prepared("digest", params))
    next(flow)
    try:
        return flow.send(refusal(challenge, code))
    except StopIteration:
        return None


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_vectors_of_rfc_7616(algorithm: str, response: str) -> None:
    known = {"realm": "http-auth@example.org", "nonce": NONCE, "opaque": "FQhe/q", "qop": "auth", "nonceCount": "00000001"}
    known["clientNonce"] = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    sent = signed("digest", USER | known | {"algorithm": algorithm}, "http://www.example.org/dir/index.html")
    got = fields(sent.header("Authorization"))
    assert got["response"] == response
    assert (got["uri"], got["nc"], got["qop"], got["opaque"]) == ("/dir/index.html", "00000001", "auth", "FQhe/q")


def test_the_vector_of_rfc_2617() -> None:
    known = {"username": "Mufasa", "password": "Circle Of Life", "realm": "testrealm@host.com", "qop": "auth"}
    known |= {"nonce": "dcd98b7102dd2f0e8b11d0f600bfb0c093", "clientNonce": "0a4f113b", "nonceCount": "00000001"}
    sent = signed("digest", known, "http://h/dir/index.html")
    assert fields(sent.header("Authorization"))["response"] == "6629fae49393a05397450978507c4ef1"


def test_headers_as_postman_writes_them() -> None:
    """Made with postman-runtime 7.39.1."""
    known = {"realm": "r@x", "nonce": "abc", "nonceCount": "00000003", "clientNonce": "cn", "qop": "auth-int", "opaque": "op"}
    sent = signed("digest", USER | known | {"algorithm": "SHA-512-256-sess"}, "http://h/p?x=1", method="POST", body=JSON_BODY)
    assert sent.header("Authorization") == (
        'Digest username="Mufasa", realm="r@x", nonce="abc", uri="/p?x=1", algorithm="SHA-512-256-sess", qop=auth-int, nc=00000003, '
        'cnonce="cn", response="b2a7c33bd7c0a8979ec3bb9b124e672c6ad506279fa3fc5f831e5b6870874b22", opaque="op"'
    )
    plain = signed("digest", {"username": "u", "password": "p", "realm": "r", "nonce": "abc"}, "http://h/p?x=1")
    assert plain.header("Authorization") == (
        'Digest username="u", realm="r", nonce="abc", uri="/p?x=1", algorithm="MD5", response="55b7cd93e0c312503f611a0a6b2a4b77"'
    )


def test_without_a_user_name_nothing_is_signed() -> None:
    sent = signed("digest", {"password": "p", "realm": "r", "nonce": "n"})
    assert sent.header("Authorization") is None
    assert sent.warnings == ("digest auth: `username` is missing, the request is not signed",)


def test_an_unknown_algorithm_is_a_warning() -> None:
    sent = signed("digest", USER | {"realm": "r", "nonce": "n", "algorithm": "CRC"})
    assert sent.warnings == ("digest auth: there is no algorithm `CRC`, the request is not signed",)


def test_a_user_name_with_quotes_and_backslashes() -> None:
    sent = signed("digest", {"username": 'D\\"u', "password": "p", "realm": "r", "nonce": "n"})
    assert 'username="D\\\\\\"u"' in (sent.header("Authorization") or "")


@pytest.mark.parametrize("code", [401, 403])
def test_a_challenge_is_answered(code: int) -> None:
    sent = replay(USER, 'Digest realm="r", nonce="n", opaque="o", qop="auth,auth-int"', code)
    assert sent is not None
    got = fields(sent.header("Authorization"))
    assert (got["realm"], got["nonce"], got["opaque"], got["qop"], got["nc"]) == ("r", "n", "o", "auth", "00000001")


@pytest.mark.parametrize(
    ("challenge", "code"),
    [('Basic realm="r"', 401), ('Digest realm="r", nonce="n"', 400), ('Digest realm="r", nonce="n"', 200)],
)
def test_anything_else_is_no_challenge(challenge: str, code: int) -> None:
    assert replay(USER, challenge, code) is None


def test_no_replay_when_it_is_switched_off() -> None:
    assert replay(USER | {"disableRetryRequest": True}, 'Digest realm="r", nonce="n"') is None


def test_the_algorithm_of_the_server_counts_unless_the_user_has_one() -> None:
    challenge = 'Digest realm="r", nonce="n1", algorithm=SHA-256, Digest realm="r", nonce="n2", algorithm=MD5'
    taken = {name: replay(USER | {"algorithm": name}, challenge) for name in ("", "MD5", "SHA-256")}
    got = {name: fields(sent.header("Authorization")) if sent else {} for name, sent in taken.items()}
    assert {name: (found["nonce"], found["algorithm"]) for name, found in got.items()} == {
        "": ("n1", "SHA-256"), "MD5": ("n2", "MD5"), "SHA-256": ("n1", "SHA-256"),
    }  # fmt: skip


def test_a_challenge_beside_basic_in_one_header() -> None:
    sent = replay(USER, 'Basic realm="b", Digest realm="d, \\"x\\"", nonce=bare')
    assert sent is not None
    assert 'realm="d, \\"x\\"", nonce="bare"' in (sent.header("Authorization") or "")


def test_a_wrong_password_is_tried_once() -> None:
    flow = auth.sign(prepared("digest", USER))
    next(flow)
    flow.send(refusal('Digest realm="r", nonce="n1", qop="auth"'))
    with pytest.raises(StopIteration):
        flow.send(refusal('Digest realm="r", nonce="n2", qop="auth"'))


def test_a_nonce_that_is_stale_at_once_is_tried_again() -> None:
    flow = auth.sign(prepared("digest", USER))
    next(flow)
    flow.send(refusal('Digest realm="r", nonce="n1", qop="auth"'))
    again = flow.send(refusal('Digest realm="r", nonce="n2", qop="auth", stale=true'))
    assert fields(again.header("Authorization"))["nonce"] == "n2"
    with pytest.raises(StopIteration):
        flow.send(refusal('Digest realm="r", nonce="n3", qop="auth", stale=true'))


def check(request: Recorded, secret: str, nonce: str) -> bool:
    """Whether a request proves that its sender knows the password."""
    header = request.values("Authorization")
    if not header:
        return False
    got = fields(header[0])
    digest = lambda text: hashlib.new(NAMES[got["algorithm"].removesuffix("-sess")], text).hexdigest()  # noqa: E731
    first = digest(f"{got['username']}:{got['realm']}:{secret}".encode())
    if got["algorithm"].endswith("-sess"):
        first = digest(f"{first}:{got['nonce']}:{got['cnonce']}".encode())
    second = f"{request.method}:{request.target}".encode()
    if got.get("qop") == "auth-int":
        second += b":" + digest(request.body).encode()
    middle = [got["nonce"], *([got["nc"], got["cnonce"], got["qop"]] if "qop" in got else [])]
    return got["nonce"] == nonce and got["response"] == digest(":".join([first, *middle, digest(second)]).encode())


@pytest.mark.parametrize("algorithm", [name + tail for name in NAMES for tail in ("", "-sess")])
@pytest.mark.parametrize("qop", ["auth", "auth-int", ""])
def test_a_server_that_checks_lets_us_in(algorithm: str, qop: str) -> None:
    def judge(request: Recorded) -> Answer:
        offer = f', qop="{qop}"' if qop else ""
        challenge = f'Digest realm="Users", nonce="{NONCE}", algorithm={algorithm}{offer}'
        return answer() if check(request, "Circle of Life", NONCE) else answer(401, [("WWW-Authenticate", challenge)])

    with Gate(judge=judge) as gate:
        request = prepared("digest", USER, gate.url("/p?x=1 2"), method="POST", body=JSON_BODY)
        assert converse(request).code == 200
    assert [bool(request.values("Authorization")) for request in gate.requests] == [False, True]
    assert gate.requests[0].body == gate.requests[1].body


def test_what_was_learned_serves_the_next_request_and_a_forgotten_nonce_is_replaced() -> None:
    nonces = ["first", "second"]

    def judge(request: Recorded) -> Answer:
        challenge = f'Digest realm="Users", nonce="{nonces[0]}", qop="auth"'
        return answer() if check(request, "Circle of Life", nonces[0]) else answer(401, [("WWW-Authenticate", challenge)])

    memory, wire = Memory(), Transport(jar=Jar())
    with Gate(judge=judge) as gate:
        request = prepared("digest", USER, gate.url("/p"))
        codes = [converse(request, memory, "owner", wire).code for _ in range(2)]
        nonces.pop(0)
        codes.append(converse(request, memory, "owner", wire).code)
        wire.close()
    assert codes == [200, 200, 200]
    sent = [fields((request.values("Authorization") or [""])[0]) for request in gate.requests]
    assert [(got.get("nonce"), got.get("nc")) for got in sent] == [
        (None, None), ("first", "00000001"), ("first", "00000002"), ("first", "00000003"), ("second", "00000001"),
    ]  # fmt: skip


def test_a_run_remembers_by_whose_auth_it_is() -> None:
    """Requests that inherit one auth share its challenge; another item's own auth starts anew, as in Postman."""

    def challenging(request: Prepared) -> Response:
        if (request.header("Authorization") or "").startswith("Digest "):
            return OK
        return refusal('Digest realm="r", nonce="n", qop="auth"')

    own = {"type": "digest", "digest": [{"key": "username", "value": "u"}, {"key": "password", "value": "p"}]}
    bench = Bench(wire=FakeWire(challenging))
    bench.run([item("a"), item("b"), item("c", auth=own)], root={"auth": own}, iterations=2)
    counts = [fields(request.header("Authorization")).get("nc", "-")[-1] for request in bench.wire.sent]
    assert counts == ["-", "1", "2", "-", "1", "3", "4", "2"]


def test_what_one_server_taught_is_not_told_to_another() -> None:
    memory = Memory()
    flow = auth.sign(prepared("digest", USER, "http://one/"), memory, "owner")
    next(flow)
    flow.send(refusal('Digest realm="r", nonce="n"'))
    with pytest.raises(StopIteration):
        flow.send(OK)
    assert next(auth.sign(prepared("digest", USER, "http://two/"), memory, "owner")).header("Authorization") is None
    assert next(auth.sign(prepared("digest", USER, "http://one:80/x"), memory, "owner")).header("Authorization")
