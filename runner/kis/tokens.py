"""Tokens and hashes: what revokes one, and values that are too bad to replace a good one."""

from __future__ import annotations

import re
from typing import Any

from runner import url as urls
from runner.kis.money import path_of
from runner.model import Item

SECRET_NAMES = (
    *("CANO", "CANO_T", "CANO_REAL", "CANO_REAL_T"),
    *(f"{prefix}_{kind}" for prefix in ("VTS", "VTT", "PROD", "PROT") for kind in ("APPKEY", "APPSECRET", "TOKEN")),
    *("V_APPROVAL_KEY", "APPROVAL_KEY", "approval_key", "appkey", "appsecret", "secretkey", "access_token"),
)
"""Variables, headers and body fields of the broker whose values must not be shown."""

VARIABLES = tuple(name for name in SECRET_NAMES if name.endswith("_TOKEN"))
"""Where the published collections keep their tokens."""

REVOKE_REASON = "it revokes the token that the requests after it need; run it by name or with --allow-revoke"

_REVOKE = re.compile(r"/+oauth2/+revokep/*$", re.IGNORECASE)
_KEPT = re.compile(r"(?:.*_)?(?:TOKEN|HASH|APPROVAL_KEY)")
_HASH = re.compile(r"(?:.*_)?HASH")
_EMPTY = frozenset({"", "undefined", "null"})


def is_revocation(url: str) -> bool:
    """Whether a POST to this URL of the broker ends a token."""
    return bool(_REVOKE.fullmatch(path_of(url)))


def revokes(item: Item) -> bool:
    """Whether an item, by its URL as it is written, ends a token."""
    return bool(_REVOKE.search(urls.unparse(item.request.url).partition("?")[0]))


def is_hash_variable(key: str) -> bool:
    """Whether a variable of this name holds an order's hash."""
    return bool(_HASH.fullmatch(key))


def is_empty(value: Any) -> bool:
    """Whether a value is what a script leaves when the answer lacked what it looked for."""
    return value is None or str(value).strip() in _EMPTY


def objection(key: str, old: Any, new: Any) -> str | None:
    """Why a variable keeps its old value: the broker's scripts store `undefined` when an answer brings no token or hash."""
    if not _KEPT.fullmatch(key) or is_empty(old) or not is_empty(new):
        return None
    return f"{key} keeps its value: the script wanted to replace it with nothing, so the answer had no such value"
