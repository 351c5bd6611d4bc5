"""Akamai EdgeGrid: an HMAC with a key made from the time."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from runner.auth.signing import need, once
from runner.auth.simple import text
from runner.auth.target import Target
from runner.model import Prepared
from runner.request import with_header
from runner.url import utf8

_MOST_BODY = 131072


def sign(prepared: Prepared, params: Mapping[str, Any]) -> Prepared:
    """Sign with `accessToken`, `clientToken` and `clientSecret`, and of a POST the first `maxBodySize` bytes (128 KiB).

    `headersToSign` names headers in order, as a list or with commas; `baseURL` stands for the host where a proxy is between;
    `nonce` and `timestamp` (yyyyMMddTHH:mm:ss+0000) are made where they are missing.

    Raises:
        Unsignable: a token or the secret is missing.
    """
    access, client, secret = need(params, "accessToken", "clientToken", "clientSecret")
    stamp = text(params, "timestamp") or datetime.now(UTC).strftime("%Y%m%dT%H:%M:%S+0000")
    nonce = text(params, "nonce") or str(uuid.uuid4())
    header = f"EG1-HMAC-SHA256 client_token={client};access_token={access};timestamp={stamp};nonce={nonce};"
    target = Target.of(prepared.url)
    host, headers, body_hash = _host(params) or target.authority, _headers(prepared, params), _body_hash(prepared, params)
    content = "\t".join([prepared.method, target.scheme, host, target.resource, headers, body_hash, header])
    return with_header(prepared, "Authorization", f"{header}signature={_hmac(_hmac(secret, stamp), content)}")


edgegrid = once("edgegrid", sign)


def _host(params: Mapping[str, Any]) -> str:
    base = text(params, "baseURL")
    return Target.of(base if "://" in base else f"https://{base}").authority if base else ""


def _headers(prepared: Prepared, params: Mapping[str, Any]) -> str:
    given = params.get("headersToSign")
    names = given.split(",") if isinstance(given, str) else given if isinstance(given, list) else []
    values = [(name.strip().lower(), prepared.header(name.strip())) for name in names if isinstance(name, str)]
    return "\t".join(name + ":" + re.sub(r"\s+", " ", value.strip()) for name, value in values if value)


def _body_hash(prepared: Prepared, params: Mapping[str, Any]) -> str:
    """Only what a POST carries is hashed (Akamai's rule)."""
    if prepared.method != "POST" or not prepared.body:
        return ""
    size = text(params, "maxBodySize")
    most = int(size) if size.isdecimal() and int(size) else _MOST_BODY
    return base64.b64encode(hashlib.sha256(prepared.body[:most]).digest()).decode()


def _hmac(key: str, content: str) -> str:
    return base64.b64encode(hmac.new(utf8(key), utf8(content), "sha256").digest()).decode()
