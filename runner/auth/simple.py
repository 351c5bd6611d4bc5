"""The schemes that need nothing but their parameters: noauth, basic, bearer, apikey."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Mapping
from typing import Any

from runner.auth.flow import Flow
from runner.jstext import js_text
from runner.model import Prepared
from runner.request import with_header, with_query
from runner.url import utf8


def noauth(prepared: Prepared, params: Mapping[str, Any]) -> Flow:
    """Send the request as it is."""
    yield prepared


def basic(prepared: Prepared, params: Mapping[str, Any]) -> Flow:
    """`username` and `password`, each empty when missing, as UTF-8."""
    pair = f"{text(params, 'username')}:{text(params, 'password')}"
    yield with_header(prepared, "Authorization", "Basic " + base64.b64encode(utf8(pair)).decode())


def bearer(prepared: Prepared, params: Mapping[str, Any]) -> Flow:
    """`token` behind the word Bearer."""
    token = text(params, "token")
    yield with_header(prepared, "Authorization", f"Bearer {token}") if token else unsigned(prepared, "bearer", "token")


def apikey(prepared: Prepared, params: Mapping[str, Any]) -> Flow:
    """`key` and `value` as a header, or with `in` = query as a query parameter."""
    key, value = text(params, "key"), text(params, "value")
    if params.get("in") == "query" and (key or value):
        yield with_query(prepared, key, value if params.get("value") is not None else None)
    elif key:
        yield with_header(prepared, key, value)
    else:
        yield unsigned(prepared, "apikey", "key")


def text(params: Mapping[str, Any], name: str) -> str:
    """A parameter as text; empty when it is missing or null."""
    value = params.get(name)
    return "" if value is None else js_text(value)


def unsigned(prepared: Prepared, scheme: str, missing: str) -> Prepared:
    """The request without a signature, and a warning that says which parameter is missing."""
    warning = f"{scheme} auth: `{missing}` is missing, the request is not signed"
    return dataclasses.replace(prepared, warnings=(*prepared.warnings, warning))
