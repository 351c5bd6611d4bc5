"""Atlassian's ASAP: a short-lived JWT in which the service names itself."""

from __future__ import annotations

import base64
import json
import re
import time
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from runner.auth.keys import PRIVATE, signed_token
from runner.auth.signing import Unsignable, need, once
from runner.auth.simple import text
from runner.model import Prepared
from runner.request import with_header

_HOUR = 3600
_DATA_URI = re.compile(r"data:application/pkcs8;kid=([\w.\-+/]+);base64,([a-zA-Z0-9+/=]+)")


def sign(prepared: Prepared, params: Mapping[str, Any]) -> Prepared:
    """A token for `aud` by `iss` with the key `kid`, good for `exp` seconds (3600), behind the word Bearer.

    `claims` (a JSON object, or its text) wins over the single parameters; `privateKey` is PEM or a data URI, `alg` else RS256.

    Raises:
        Unsignable: a required claim or the key is missing or makes no sense.
    """
    claims = _claims(params)
    given = {name: claims.get(name) or text(params, name) for name in ("kid", "iss", "aud")}
    need(given | {"privateKey": params.get("privateKey")}, "kid", "iss", "aud", "privateKey")
    algorithm = text(params, "alg") or "RS256"
    if algorithm not in PRIVATE:
        raise Unsignable(f"there is no algorithm `{algorithm}`")
    now, kid = int(time.time()), str(given["kid"])
    payload = claims | {
        "iat": claims.get("iat") or now,
        "iss": given["iss"],
        "sub": claims.get("sub") or text(params, "sub") or given["iss"],
        "jti": claims.get("jti") or str(uuid.uuid4()),
        "aud": given["aud"],
        "exp": _number(claims.get("exp")) or now + (_number(params.get("exp")) or _HOUR),
    }
    token = signed_token({"alg": algorithm, "kid": kid}, payload, _private_key(text(params, "privateKey"), kid))
    return with_header(prepared, "Authorization", f"Bearer {token}")


asap = once("asap", sign)


def _claims(params: Mapping[str, Any]) -> dict[str, Any]:
    given = params.get("claims") or {}
    try:
        claims = json.loads(given) if isinstance(given, str) and given.strip() else given or {}
    except ValueError as error:
        raise Unsignable(f"`claims` is no JSON: {error}") from error
    if not isinstance(claims, Mapping):
        raise Unsignable("`claims` is no JSON object")
    return dict(claims)


def _number(value: Any) -> int:
    """The whole number a value begins with, as JavaScript's parseInt has it; 0 for none."""
    found = re.match(r"\s*[+-]?\d+", str(value))
    return int(found[0]) if found else 0


def _private_key(given: str, kid: str) -> str:
    """The PEM of a key; a data URI carries DER and the key's id."""
    key = unquote(given.strip().removeprefix('"').removesuffix('"'))
    if not key.startswith("data:"):
        return key
    found = _DATA_URI.fullmatch(re.sub(r"\s", "", key))
    if found is None:
        raise Unsignable("`privateKey` is a malformed data URI")
    if found[1] != kid:
        raise Unsignable("`kid` is not the key id in the data URI")
    return _as_pem(base64.b64decode(found[2]))


def _as_pem(der: bytes) -> str:
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_der_private_key

    try:
        key = load_der_private_key(der, password=None)
    except (ValueError, TypeError) as error:
        raise Unsignable(f"`privateKey` cannot be read: {error}") from error
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
