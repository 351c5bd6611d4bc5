"""AWS Signature Version 4, in headers or in the query, as the `aws4` package of Postman makes it."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

from runner.auth.signing import need, once, without_headers, without_query
from runner.auth.simple import text
from runner.auth.target import Target
from runner.model import Prepared
from runner.request import with_header, with_query
from runner.url import utf8

_ALGORITHM = "AWS4-HMAC-SHA256"
_QUERY = frozenset(f"X-Amz-{name}" for name in "Security-Token Date Algorithm Credential SignedHeaders Signature".split())
# What proxies may change, and `cookie`, to which the jar adds its own on the way out.
_UNSIGNED = frozenset("authorization connection x-amzn-trace-id user-agent expect presigned-expires range cookie".split())
_SIGNED = frozenset({"host", "content-type"})
_S3_EXPIRES = "86400"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    """Whose signature, and what it is good for."""

    access: str
    secret: str
    session: str
    service: str
    region: str
    stamp: str

    @property
    def scope(self) -> str:
        return f"{self.stamp[:8]}/{self.region}/{self.service}/aws4_request"

    def signature(self, canonical: str) -> str:
        digest = hashlib.sha256(utf8(canonical)).hexdigest()
        key = utf8("AWS4" + self.secret)
        for step in self.scope.split("/"):
            key = hmac.new(key, utf8(step), "sha256").digest()
        return hmac.new(key, utf8(f"{_ALGORITHM}\n{self.stamp}\n{self.scope}\n{digest}"), "sha256").hexdigest()


def sign(prepared: Prepared, params: Mapping[str, Any]) -> Prepared:
    """Sign with `accessKey` and `secretKey` (and `sessionToken`) for `service` (execute-api) in `region` (us-east-1).

    `addAuthDataToQuery` puts the signature into the query. The time is that of a Date header, else now.

    Raises:
        Unsignable: a key is missing.
    """
    access, secret = need(params, "accessKey", "secretKey")
    service = text(params, "service") or "execute-api"
    key = _Key(
        access=access,
        secret=secret,
        session=text(params, "sessionToken"),
        service="ses" if service == "email" else service,
        region=text(params, "region") or "us-east-1",
        stamp=_stamp(prepared.header("Date")),
    )
    clean = without_headers(prepared, "authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256")
    clean = without_query(clean, _QUERY)
    return _in_query(clean, key) if params.get("addAuthDataToQuery") else _in_headers(clean, key)


awsv4 = once("awsv4", sign)


def _stamp(date: str | None) -> str:
    try:
        when = parsedate_to_datetime(date) if date else datetime.now(UTC)
    except ValueError:
        when = datetime.now(UTC)
    return when.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _in_headers(prepared: Prepared, key: _Key) -> Prepared:
    body_hash = hashlib.sha256(prepared.body or b"").hexdigest()
    if prepared.body or key.service == "s3":
        prepared = with_header(prepared, "X-Amz-Content-Sha256", body_hash)
    if key.session:
        prepared = with_header(prepared, "X-Amz-Security-Token", key.session)
    prepared = with_header(prepared, "X-Amz-Date", key.stamp)
    headers = _headers(prepared)
    signature = key.signature(_canonical(prepared, key, headers, body_hash))
    value = f"{_ALGORITHM} Credential={key.access}/{key.scope}, SignedHeaders={';'.join(headers)}, Signature={signature}"
    return with_header(prepared, "Authorization", value)


def _in_query(prepared: Prepared, key: _Key) -> Prepared:
    headers = _headers(prepared)
    fields = {"X-Amz-Security-Token": key.session} if key.session else {}
    if key.service == "s3" and "X-Amz-Expires=" not in prepared.url:
        fields["X-Amz-Expires"] = _S3_EXPIRES
    fields |= {"X-Amz-Date": key.stamp, "X-Amz-Algorithm": _ALGORITHM, "X-Amz-Credential": f"{key.access}/{key.scope}"}
    fields["X-Amz-SignedHeaders"] = ";".join(headers)
    for name, value in fields.items():
        prepared = with_query(prepared, name, _quote(value))
    body_hash = "UNSIGNED-PAYLOAD" if key.service == "s3" else hashlib.sha256(prepared.body or b"").hexdigest()
    return with_query(prepared, "X-Amz-Signature", key.signature(_canonical(prepared, key, headers, body_hash)))


def _headers(prepared: Prepared) -> dict[str, str]:
    """The headers to sign, sorted: the user's own, Host, Content-Type and the ones of AWS."""
    found: dict[str, list[str]] = {}
    for name, value in prepared.headers:
        lower = name.lower()
        own = lower not in prepared.system_headers or lower in _SIGNED or lower.startswith("x-amz-")
        if own and lower not in _UNSIGNED:
            found.setdefault(lower, []).append(re.sub(r"\s+", " ", value.strip()))
    found.setdefault("host", [Target.of(prepared.url).authority])
    return {name: ",".join(found[name]) for name in sorted(found)}


def _canonical(prepared: Prepared, key: _Key, headers: Mapping[str, str], body_hash: str) -> str:
    target = Target.of(prepared.url)
    lines = [f"{name}:{value}" for name, value in headers.items()]
    path = _path(target.path, plain=key.service == "s3")
    return "\n".join([prepared.method, path, _query(target.query or ""), *lines, "", ";".join(headers), body_hash])


def _path(path: str, *, plain: bool) -> str:
    """The path encoded anew; S3 counts it as it is meant, all others as it stands on the wire and with its dots resolved."""
    if plain:
        return quote(unquote(path), safe="/~")
    kept: list[str] = []
    for piece in re.sub(r"/{2,}", "/", path).split("/")[1:]:
        if piece == "..":
            kept = kept[:-1]
        elif piece != ".":
            kept.append(_quote(piece))
    return "/" + "/".join(kept)


def _query(query: str) -> str:
    pairs = parse_qsl(query, keep_blank_values=True)
    return "&".join(sorted(f"{_quote(name)}={_quote(value)}" for name, value in pairs if name))


def _quote(value: str) -> str:
    return quote(utf8(value), safe="~")
