"""Which scheme signs which type of auth."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from runner.auth import Scheme, simple

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
