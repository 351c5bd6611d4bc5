"""Which scheme signs which type of auth."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Any

from runner.auth import simple
from runner.auth.flow import Flow, Scheme
from runner.auth.memory import Memory
from runner.model import Prepared


@dataclass(frozen=True, slots=True)
class _Module:
    """A scheme that lives in the module of its name, which is read when a request first needs it."""

    name: str

    def __call__(self, prepared: Prepared, params: Mapping[str, Any]) -> Flow:
        flow: Scheme = getattr(import_module(f"runner.auth.{self.name}"), self.name)
        return flow(prepared, params)


_SCHEMES: Mapping[str, Scheme] = MappingProxyType(
    {
        "noauth": simple.noauth,
        "basic": simple.basic,
        "bearer": simple.bearer,
        "apikey": simple.apikey,
        **{name: _Module(name) for name in "digest oauth1 oauth2 awsv4 hawk ntlm edgegrid jwt asap".split()},
    }
)


def registry() -> Mapping[str, Scheme]:
    """Every scheme by Postman's name of its type."""
    return _SCHEMES


def scheme(type: str) -> Scheme | None:
    """The scheme of a type, None for one that is not known."""
    return _SCHEMES.get(type)


def sign(prepared: Prepared, memory: Memory | None = None, owner: str | None = None) -> Flow:
    """Sign a prepared request by the auth of its `request`; without auth it goes out as it is.

    `memory` keeps what servers tell, for later requests whose auth has the same `owner`: the id of an item or folder.
    """
    auth = prepared.request.auth if prepared.request else None
    if auth is None:
        return simple.noauth(prepared, {})
    known = scheme(auth.type)
    return known(prepared, (memory or Memory()).params(auth, prepared, owner)) if known else _unknown(prepared, auth.type)


def _unknown(prepared: Prepared, type: str) -> Flow:
    warning = f"there is no auth of type `{type}`, the request is not signed"
    yield dataclasses.replace(prepared, warnings=(*prepared.warnings, warning))
