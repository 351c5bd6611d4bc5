"""Requests on the wrong host: mock keys or tr_ids on the real one, real ones on the mock one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from runner.errors import Refused
from runner.kis import calls
from runner.kis.hosts import Kind, expanded
from runner.kis.money import tr_ids
from runner.model import Prepared

KEYS: Mapping[str, Kind] = {"VTS_APPKEY": "mock", "VTT_APPKEY": "mock", "PROD_APPKEY": "real", "PROT_APPKEY": "real"}
"""The variables that hold app keys, and the host each is for."""

# Quotes (F, H) have one tr_id for both hosts; what starts with T, J or C has a V in front on the mock one.
_MOCK_TR = re.compile(r"V[A-Z]{3}[0-9]{4}[A-Z]")
_REAL_TR = re.compile(r"[TJC][A-Z]{3}[0-9]{4}[A-Z]")
_OTHER: Mapping[Kind, Kind] = {"real": "mock", "mock": "real"}


def check(prepared: Prepared, kind: Kind, lookup: Callable[[str], Any]) -> None:
    """Look at a request to a host of this kind.

    Raises:
        Refused: its app key or its tr_id is for the other one.
    """
    foreign = _MOCK_TR if kind == "real" else _REAL_TR
    if name := next((tr_id for tr_id in tr_ids(prepared) if foreign.fullmatch(tr_id)), None):
        raise _refusal(prepared, kind, f"the tr_id {name} is", "use the tr_id of this host")
    names = [name for name in KEYS if _holds(name, calls.appkey(prepared), lookup)]
    if names and all(KEYS[name] != kind for name in names):
        raise _refusal(prepared, kind, f"the app key of {names[0]} is", "use the app key of this host")


def carries_real_key(prepared: Prepared, lookup: Callable[[str], Any]) -> bool:
    """Whether a request goes out with an app key of the real host."""
    key = calls.appkey(prepared)
    return any(kind == "real" and _holds(name, key, lookup) for name, kind in KEYS.items())


def _holds(name: str, key: str, lookup: Callable[[str], Any]) -> bool:
    value = lookup(name) if key else None
    return value is not None and expanded(str(value), lookup).strip() == key


def _refusal(prepared: Prepared, kind: Kind, what: str, hint: str) -> Refused:
    return Refused(
        f"refused: {what} for the {_OTHER[kind]} host, and this goes to the {kind} one",
        where=f"{prepared.method.strip().upper()} {prepared.url.partition('?')[0]}",
        hint=f"{hint}, or set VTS and PROD as the broker gives them",
    )
