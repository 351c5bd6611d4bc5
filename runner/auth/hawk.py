"""Hawk: a MAC over method, URL, time and, if wanted, the body (postman-request, lib/hawk.js)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from typing import Any

from runner.auth.signing import Unsignable, need, once
from runner.auth.simple import text
from runner.auth.target import Target
from runner.model import Prepared
from runner.request import with_header
from runner.url import utf8

_ALGORITHMS = ("sha256", "sha1")


def sign(prepared: Prepared, params: Mapping[str, Any]) -> Prepared:
    """Sign with `authId` and `authKey`; `algorithm` is sha256 or sha1, `includePayloadHash` covers the body.

    `nonce` and `timestamp` (seconds since 1970) are made where missing; `extraData`, `app` and `delegation` are signed too.

    Raises:
        Unsignable: id or key is missing, or there is no such algorithm.
    """
    identity, key = need(params, "authId", "authKey")
    algorithm = text(params, "algorithm") or _ALGORITHMS[0]
    if algorithm not in _ALGORITHMS:
        raise Unsignable(f"there is no algorithm `{algorithm}`")
    target = Target.of(prepared.url)
    stamp, nonce = _timestamp(params), text(params, "nonce") or secrets.token_urlsafe(6)[:6]
    extra, app, delegation = text(params, "extraData"), text(params, "app"), text(params, "delegation")
    body_hash = _payload_hash(prepared, algorithm) if params.get("includePayloadHash") else ""
    escaped = extra.replace("\\", "\\\\").replace("\n", "\\n")
    lines = ["hawk.1.header", stamp, nonce, prepared.method.upper(), target.resource, target.host.lower(), target.port]
    lines += [body_hash, escaped, *((app, delegation) if app else ()), ""]
    mac = base64.b64encode(hmac.new(utf8(key), utf8("\n".join(lines)), algorithm).digest()).decode()
    fields = {"id": identity, "ts": stamp, "nonce": nonce, "hash": body_hash, "ext": _quoted(extra), "mac": mac, "app": app}
    fields["dlg"] = delegation if app else ""
    header = ", ".join(f'{name}="{value}"' for name, value in fields.items() if value)
    return with_header(prepared, "Authorization", f"Hawk {header}")


hawk = once("hawk", sign)


def _timestamp(params: Mapping[str, Any]) -> str:
    given = text(params, "timestamp").strip()
    return given if given.isdecimal() and int(given) else str(int(time.time()))


def _payload_hash(prepared: Prepared, algorithm: str) -> str:
    """The hash of a body under the Content-Type it is sent with; nothing is hashed where there is no body."""
    if not prepared.body:
        return ""
    kind = (prepared.header("Content-Type") or "").partition(";")[0].strip().lower()
    content = b"hawk.1.payload\n" + utf8(kind) + b"\n" + prepared.body + b"\n"
    return base64.b64encode(hashlib.new(algorithm, content).digest()).decode()


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"')
