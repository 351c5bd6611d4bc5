"""What a request to the broker, or its answer, says: JSON fields, app key, token."""

from __future__ import annotations

import json
from typing import Any

from runner.errors import SendError
from runner.model import Prepared

_LONGEST = 1_000_000
_NEVER_LEFT = frozenset({"ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "ESTOPPED"})


def fields(body: bytes | None) -> dict[str, Any]:
    """The fields of a JSON body; none where it is something else, or too long to be an answer about itself."""
    try:
        found = json.loads(body) if body and len(body) <= _LONGEST else {}
    except (ValueError, RecursionError):
        found = {}
    return found if isinstance(found, dict) else {}


def appkey(prepared: Prepared) -> str:
    """The app key a request goes out with: in its header, or for OAuth in its body."""
    return (prepared.header("appkey") or str(fields(prepared.body).get("appkey") or "")).strip()


def bearer(prepared: Prepared) -> str:
    """The token in the authorization header."""
    scheme, _, token = (prepared.header("authorization") or "").strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def never_left(error: SendError) -> bool:
    """Whether it is certain that a request did not reach the server."""
    return error.code in _NEVER_LEFT or "CERT" in error.code
