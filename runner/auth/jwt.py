"""JWT Bearer: a token signed here, from the payload the user wrote."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from typing import Any

from runner.auth.keys import HMAC, PRIVATE, signed_token
from runner.auth.signing import Unsignable, need, once
from runner.auth.simple import text
from runner.model import Prepared
from runner.request import with_header, with_query


def sign(prepared: Prepared, params: Mapping[str, Any]) -> Prepared:
    """A token of `payload` and `header` by `algorithm`, with `secret` (`isSecretBase64Encoded`) or `privateKey`.

    `addTokenTo` is header (behind `headerPrefix`, Bearer) or queryParam (under `queryParamKey`, token).

    Raises:
        Unsignable: no such algorithm, no key, or payload or header are no JSON objects.
    """
    algorithm = text(params, "algorithm")
    if algorithm not in HMAC | PRIVATE:
        raise Unsignable(f"there is no algorithm `{algorithm}`" if algorithm else "`algorithm` is missing")
    key = _secret(params) if algorithm in HMAC else need(params, "privateKey")[0]
    header = _json(params, "header") | {"alg": algorithm}
    token = signed_token(header, _json(params, "payload"), key)
    match text(params, "addTokenTo") or "header":
        case "header":
            prefix = "Bearer" if params.get("headerPrefix") is None else text(params, "headerPrefix")
            return with_header(prepared, "Authorization", f"{prefix} {token}" if prefix else token)
        case "queryParam":
            return with_query(prepared, text(params, "queryParamKey") or "token", token)
        case place:
            raise Unsignable(f"there is no place `{place}` for the token")


jwt = once("jwt", sign)


def _secret(params: Mapping[str, Any]) -> bytes:
    (secret,) = need(params, "secret")
    if not params.get("isSecretBase64Encoded"):
        return secret.encode()
    letters = re.sub(r"[^A-Za-z0-9_-]", "", secret.replace("+", "-").replace("/", "_"))
    return base64.urlsafe_b64decode(letters + "=" * (-len(letters) % 4))


def _json(params: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A parameter that is a JSON object, or a text that holds one; empty counts as `{}`."""
    given = params.get(name)
    try:
        value = json.loads(given) if isinstance(given, str) and given.strip() else given or {}
    except ValueError as error:
        raise Unsignable(f"`{name}` is no JSON: {error}") from error
    if not isinstance(value, Mapping):
        raise Unsignable(f"`{name}` is no JSON object")
    return dict(value)
