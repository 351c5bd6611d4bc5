"""Which scheme signs which type of auth."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType

from runner.auth import asap, awsv4, digest, edgegrid, hawk, jwt, ntlm, oauth1, oauth2, simple
from runner.auth.flow import Flow, Scheme
from runner.auth.memory import Memory
from runner.auth.signing import once
from runner.model import Prepared

_SCHEMES: Mapping[str, Scheme] = MappingProxyType(
    {
        "noauth": simple.noauth,
        "basic": simple.basic,
        "bearer": simple.bearer,
        "apikey": simple.apikey,
        "digest": digest.digest,
        "oauth1": once("oauth1", oauth1.sign),
        "oauth2": oauth2.oauth2,
        "awsv4": once("awsv4", awsv4.sign),
        "hawk": once("hawk", hawk.sign),
        "ntlm": ntlm.ntlm,
        "edgegrid": once("edgegrid", edgegrid.sign),
        "jwt": once("jwt", jwt.sign),
        "asap": once("asap", asap.sign),
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
