"""Which scheme signs which type of auth."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType

from runner.auth import simple
from runner.auth.flow import Flow, Scheme
from runner.model import Prepared

_SCHEMES: Mapping[str, Scheme] = MappingProxyType(
    {
        "noauth": simple.noauth,
        "basic": simple.basic,
        "bearer": simple.bearer,
        "apikey": simple.apikey,
    }
)


def registry() -> Mapping[str, Scheme]:
    """Every scheme by Postman's name of its type."""
    return _SCHEMES


def scheme(type: str) -> Scheme | None:
    """The scheme of a type, None for one that is not known."""
    return _SCHEMES.get(type)


def sign(prepared: Prepared) -> Flow:
    """Sign a prepared request by the auth of its `request`; without auth it goes out as it is."""
    auth = prepared.request.auth if prepared.request else None
    if auth is None:
        return simple.noauth(prepared, {})
    known = scheme(auth.type)
    return known(prepared, auth.params) if known else _unknown(prepared, auth.type)


def _unknown(prepared: Prepared, type: str) -> Flow:
    warning = f"there is no auth of type `{type}`, the request is not signed"
    yield dataclasses.replace(prepared, warnings=(*prepared.warnings, warning))
