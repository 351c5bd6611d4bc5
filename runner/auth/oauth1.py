"""OAuth 1.0a: a signature over method, URL and parameters, in the header, the body or the query."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import secrets
import string
import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias
from urllib.parse import parse_qsl, quote, unquote

from runner import url as urls
from runner.auth.keys import rsa_signature
from runner.auth.signing import Unsignable, need, once, query_replaced, without_headers, without_query
from runner.auth.simple import text
from runner.auth.target import Target
from runner.body import payload
from runner.model import Param, Prepared
from runner.request import with_header
from runner.url import utf8

Pairs: TypeAlias = Sequence[tuple[str, str]]

_OWN = frozenset(
    f"oauth_{name}"
    for name in "consumer_key token signature_method timestamp nonce version signature callback verifier body_hash".split()
)
_HASHES = ("SHA1", "SHA256", "SHA512")
_LETTERS = string.ascii_letters + string.digits


def sign(prepared: Prepared, params: Mapping[str, Any]) -> Prepared:
    """Sign by `signatureMethod` (HMAC-SHA1 if empty) with `consumerKey` and `consumerSecret`, or a `privateKey` for RSA.

    The result goes into the header with `addParamsToHeader`, else into the urlencoded body of a PUT or POST, else into the
    query. `nonce` and `timestamp` are made where they are missing; a query is re-encoded as OAuth wants it.

    Raises:
        Unsignable: a key is missing or cannot be read, or there is no such method.
    """
    method = text(params, "signatureMethod") or "HMAC-SHA1"
    if method not in _METHODS:
        raise Unsignable(f"there is no signature method `{method}`")
    need(params, "consumerKey", "privateKey" if method.startswith("RSA") else "consumerSecret")
    clean = _cleaned(without_query(without_headers(prepared, "authorization"), _OWN))
    fields = _fields(clean, params, method)
    signature = _signature(clean, params, method, fields)
    if not clean.behavior.get("disableUrlEncoding"):
        clean = query_replaced(clean, [_param(param) for param in urls.parse(clean.url).query])
    fields = [*fields, ("oauth_signature", signature)]
    if params.get("addParamsToHeader"):
        return with_header(clean, "Authorization", _header(params, fields))
    if _is_form(clean) and clean.method in ("PUT", "POST"):
        return _with_form(clean, [*_form(clean), *(Param(key=key, value=value) for key, value in fields)])
    query = [Param(key=_escape(key), value=_escape(value)) for key, value in fields]
    return query_replaced(clean, [*urls.parse(clean.url).query, *query])


oauth1 = once("oauth1", sign)


def _fields(prepared: Prepared, params: Mapping[str, Any], method: str) -> list[tuple[str, str]]:
    """The parameters of OAuth in Postman's order; empty ones only with `addEmptyParamsToSign`, extensions only with a value."""
    nonce = text(params, "nonce") or "".join(secrets.choice(_LETTERS) for _ in range(11))
    stamp = text(params, "timestamp") or str(int(time.time()))
    fields = [("oauth_consumer_key", text(params, "consumerKey")), ("oauth_token", text(params, "token"))]
    fields += [("oauth_signature_method", method), ("oauth_timestamp", stamp), ("oauth_nonce", nonce)]
    fields += [("oauth_version", text(params, "version"))]
    extensions = [("oauth_body_hash", _body_hash(prepared, params, method))]
    extensions += [("oauth_callback", text(params, "callback")), ("oauth_verifier", text(params, "verifier"))]
    if not params.get("addEmptyParamsToSign"):
        fields = [field for field in fields if field[1].strip()]
    return fields + [field for field in extensions if field[1].strip()]


def _body_hash(prepared: Prepared, params: Mapping[str, Any], method: str) -> str:
    """The hash of a body that is no form (draft-eaton-oauth-bodyhash); forms are signed field by field."""
    algorithm = method.partition("-")[2].lower()
    if not params.get("includeBodyHash") or _is_form(prepared) or algorithm not in hashlib.algorithms_guaranteed:
        return ""
    return base64.b64encode(hashlib.new(algorithm, prepared.body or b"").digest()).decode()


def _signature(prepared: Prepared, params: Mapping[str, Any], method: str, fields: Pairs) -> str:
    target = Target.of(prepared.url)
    form = [(param.key, param.value or "") for param in _form(prepared)]
    pairs = [*parse_qsl(target.query or "", keep_blank_values=True), *fields, *form]
    normal = "&".join(f"{key}={value}" for key, value in sorted((_escape(key), _escape(value)) for key, value in pairs))
    return _METHODS[method]("&".join(map(_escape, [prepared.method, target.origin + target.path, normal])), params)


def _hmac(hash_name: str) -> Callable[[str, Mapping[str, Any]], str]:
    def make(base: str, params: Mapping[str, Any]) -> str:
        return base64.b64encode(hmac.new(_secret(params).encode(), base.encode(), hash_name).digest()).decode()

    return make


def _rsa(hash_name: str) -> Callable[[str, Mapping[str, Any]], str]:
    def make(base: str, params: Mapping[str, Any]) -> str:
        return rsa_signature(base, text(params, "privateKey"), hash_name)

    return make


def _secret(params: Mapping[str, Any]) -> str:
    return "&".join(_escape(text(params, name)) for name in ("consumerSecret", "tokenSecret"))


_METHODS: Mapping[str, Callable[[str, Mapping[str, Any]], str]] = MappingProxyType(
    {f"HMAC-{name}": _hmac(name) for name in _HASHES}
    | {f"RSA-{name}": _rsa(name) for name in _HASHES}
    | {"PLAINTEXT": lambda base, params: _secret(params)}
)


def _header(params: Mapping[str, Any], fields: Pairs) -> str:
    escape = str if params.get("disableHeaderEncoding") else _escape
    realm = text(params, "realm")
    given = [("realm", realm), *fields] if realm.strip() else fields
    return "OAuth " + ",".join(f'{key}="{escape(value.strip())}"' for key, value in given if value)


# ------------------------------------------------------------------------------------------------------- forms and queries


def _is_form(prepared: Prepared) -> bool:
    body = prepared.request.body if prepared.request else None
    return body is not None and body.mode.lower() == "urlencoded" and not body.disabled


def _form(prepared: Prepared) -> list[Param]:
    """The fields of an urlencoded body that is sent: what a GET may not carry is not signed."""
    body = prepared.request.body if prepared.request else None
    if body is None or prepared.body is None or not _is_form(prepared):
        return []
    return [param for param in body.urlencoded if not param.disabled]


def _cleaned(prepared: Prepared) -> Prepared:
    """The request without a former signature in its form."""
    form = _form(prepared)
    kept = [param for param in form if param.key not in _OWN]
    return prepared if len(kept) == len(form) else _with_form(prepared, kept)


def _with_form(prepared: Prepared, params: Sequence[Param]) -> Prepared:
    request = prepared.request
    assert request is not None and request.body is not None  # noqa: S101 - only called for a form
    body = dataclasses.replace(request.body, urlencoded=tuple(params))
    content = payload(body, method=prepared.method, content_type=prepared.header("Content-Type"), prune=False)
    size = str(len(content.data))
    headers = tuple((name, size if name.lower() == "content-length" else value) for name, value in prepared.headers)
    changed = dataclasses.replace(
        prepared, headers=headers, body=content.data or None, request=dataclasses.replace(request, body=body)
    )
    if changed.header("Content-Type") is None and content.content_type:
        changed = with_header(changed, "Content-Type", content.content_type)
    return changed


def _param(param: Param) -> Param:
    """A query parameter encoded by RFC 3986, which is what the server will sign over."""
    value = None if param.value is None else _escape(_decoded(param.value))
    return dataclasses.replace(param, key=_escape(_decoded(param.key)), value=value)


def _decoded(value: str) -> str:
    return unquote(value.replace("+", " "))


def _escape(value: str) -> str:
    return quote(utf8(value), safe="~")
