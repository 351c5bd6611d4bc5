"""Digest access authentication (RFC 7616): a server's challenge is answered with a hash of the password."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from runner.auth.flow import Flow
from runner.auth.memory import Params
from runner.auth.signing import Unsignable, warned
from runner.auth.simple import text, unsigned
from runner.auth.target import Target
from runner.model import Prepared, Response
from runner.request import with_header
from runner.url import utf8

_HASHES = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}
_FIRST = "00000001"
_CHALLENGE = re.compile(r"(?:^|,)\s*Digest\s+", re.IGNORECASE)
_FIELD = re.compile(r'([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')
_REPLAYS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class _Challenge:
    """What a server asks for; `stale` says that only the nonce was too old."""

    fields: Mapping[str, str]
    stale: bool


def digest(prepared: Prepared, params: Mapping[str, Any]) -> Flow:
    """Answer a challenge (401 or 403) with `username` and `password`, unless `disableRetryRequest`.

    With a `realm` and `nonce`, given or learned from an earlier answer, the request is signed at once. `algorithm` is the
    user's or the server's, else MD5; `qop` auth-int covers the body.
    """
    known = params if isinstance(params, Params) else Params(params)
    if not text(known, "username"):
        yield unsigned(prepared, "digest", "username")
        return
    try:
        signed = _signed(prepared, known) if known.get("nonce") and known.get("realm") else None
        response = yield signed or prepared
        if known.get("disableRetryRequest"):
            return
        for attempt in range(_REPLAYS):
            challenge = _challenge(response, text(known, "algorithm"))
            if challenge is None or not _learn(known, challenge, first=attempt == 0, tried=signed is not None):
                break
            signed = _signed(prepared, known)
            response = yield signed
    except Unsignable as reason:
        yield warned(prepared, "digest", str(reason))
        return
    if signed is not None:
        known.learned["nonceCount"] = f"{_count(known) + 1:08x}"


def _learn(known: Params, challenge: _Challenge, *, first: bool, tried: bool) -> bool:
    """Take a challenge in; whether it says something that was not known, so that another try is worth it.

    Postman keeps a learned nonce for good, and fails once the server has forgotten it; here a new one is taken over.
    """
    told = challenge.fields
    nonce_is_new = not known.given.get("nonce") and told.get("nonce") != known.learned.get("nonce")
    unknown = any(not known.get(name) for name in told)
    if not (unknown or not tried or (nonce_is_new and (first or challenge.stale))):
        return False
    known.learned.update(told, nonceCount=_FIRST, clientNonce=secrets.token_hex(8))
    return True


def _challenge(response: Response, wanted: str) -> _Challenge | None:
    """The challenge to answer: of several the one for the algorithm `wanted`, else the first that can be answered."""
    if response.code not in (401, 403):
        return None
    found = list(_challenges(response))
    algorithms = [challenge.fields.get("algorithm", "MD5").removesuffix("-sess") for challenge in found]
    fitting = [
        c
        for c, name in zip(found, algorithms, strict=True)
        if (name == wanted.removesuffix("-sess") if wanted else name in _HASHES)
    ]
    return next(iter(fitting or found), None)


def _challenges(response: Response) -> Iterator[_Challenge]:
    for name, value in response.headers:
        if name.lower() != "www-authenticate":
            continue
        for piece in _CHALLENGE.split(value)[1:]:
            told = {key.lower(): re.sub(r"\\(.)", r"\1", quoted or bare) for key, quoted, bare in _FIELD.findall(piece)}
            fields = {key: told[key] for key in ("realm", "nonce", "opaque", "algorithm") if told.get(key)}
            offered = [offer.strip() for offer in told.get("qop", "").split(",")]
            qop = next((offer for offer in ("auth", "auth-int") if offer in offered), None)
            yield _Challenge(fields=fields | ({"qop": qop} if qop else {}), stale=told.get("stale", "").lower() == "true")


def _signed(prepared: Prepared, params: Mapping[str, Any]) -> Prepared:
    user, realm, nonce, qop = (text(params, name) for name in ("username", "realm", "nonce", "qop"))
    algorithm = text(params, "algorithm") or "MD5"
    cnonce = text(params, "clientNonce") or secrets.token_hex(8)
    count = text(params, "nonceCount") or _FIRST
    session = algorithm.endswith("-sess")
    uri = Target.of(prepared.url).resource
    secret = _hash(algorithm, f"{user}:{realm}:{text(params, 'password')}")
    first = _hash(algorithm, f"{secret}:{nonce}:{cnonce}") if session else secret
    second = _hash(algorithm, f"{prepared.method}:{uri}{_body(prepared, algorithm) if qop == 'auth-int' else ''}")
    counted = qop in ("auth", "auth-int")
    middle = f"{nonce}:{count}:{cnonce}:{qop}" if counted else nonce
    fields = [f'username="{_quoted(user)}"', f'realm="{_quoted(realm)}"', f'nonce="{_quoted(nonce)}"', f'uri="{uri}"']
    fields += [f'algorithm="{algorithm}"', *([f"qop={qop}"] if counted else [])]
    fields += [f"nc={count}", f'cnonce="{cnonce}"'] if counted or session else []
    fields += [f'response="{_hash(algorithm, f"{first}:{middle}:{second}")}"']
    fields += [f'opaque="{_quoted(opaque)}"'] if (opaque := text(params, "opaque")) else []
    return with_header(prepared, "Authorization", f"Digest {', '.join(fields)}")


def _body(prepared: Prepared, algorithm: str) -> str:
    return ":" + _hash(algorithm, prepared.body or b"")


def _hash(algorithm: str, content: str | bytes) -> str:
    name = _HASHES.get(algorithm.removesuffix("-sess"))
    if name is None:
        raise Unsignable(f"there is no algorithm `{algorithm}`")
    data = utf8(content) if isinstance(content, str) else content
    return hashlib.new(name, data, usedforsecurity=False).hexdigest()


def _count(params: Mapping[str, Any]) -> int:
    given = text(params, "nonceCount")
    return int(given, 16) if re.fullmatch(r"[0-9a-fA-F]+", given) else 0


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
