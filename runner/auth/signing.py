"""What schemes have in common: the parameters they need, why a request cannot be signed, and what signing changes in it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, TypeAlias

from runner import url as urls
from runner.auth.flow import Flow, Scheme
from runner.auth.simple import text
from runner.model import Param, Prepared

Sign: TypeAlias = Callable[[Prepared, Mapping[str, Any]], Prepared]
"""A scheme that needs no answer: the request in, the signed request out.

Raises:
    Unsignable: a parameter is missing or makes no sense.
"""


class Unsignable(Exception):
    """Why a request cannot be signed; it then goes out unsigned, with a warning."""


def once(name: str, sign: Sign) -> Scheme:
    """The scheme that signs a request and sends it, whatever the answer; `name` is the type in warnings."""

    def flow(prepared: Prepared, params: Mapping[str, Any]) -> Flow:
        try:
            signed = sign(prepared, params)
        except Unsignable as reason:
            signed = warned(prepared, name, str(reason))
        yield signed

    return flow


def warned(prepared: Prepared, name: str, reason: str) -> Prepared:
    """The request without a signature, and a warning that says why."""
    return dataclasses.replace(prepared, warnings=(*prepared.warnings, f"{name} auth: {reason}, the request is not signed"))


def need(params: Mapping[str, Any], *names: str) -> list[str]:
    """Parameters as texts.

    Raises:
        Unsignable: one is missing or empty.
    """
    found = [text(params, name) for name in names]
    missing = next((name for name, value in zip(names, found, strict=True) if not value), None)
    if missing is not None:
        raise Unsignable(f"`{missing}` is missing")
    return found


def without_headers(prepared: Prepared, *names: str) -> Prepared:
    """The request without headers of these names, given in lower case."""
    kept = tuple(line for line in prepared.headers if line[0].lower() not in names)
    if len(kept) == len(prepared.headers):
        return prepared
    request = prepared.request
    if request is not None:
        request = dataclasses.replace(request, headers=tuple(p for p in request.headers if p.key.lower() not in names))
    return dataclasses.replace(prepared, headers=kept, system_headers=prepared.system_headers - {*names}, request=request)


def without_query(prepared: Prepared, names: Collection[str]) -> Prepared:
    """The request without query parameters of these names."""
    query = urls.parse(prepared.url).query
    kept = [param for param in query if param.key not in names]
    return prepared if len(kept) == len(query) else query_replaced(prepared, kept)


def query_replaced(prepared: Prepared, query: Iterable[Param]) -> Prepared:
    """The request with another query; its keys and values are percent-encoded already."""
    url = dataclasses.replace(urls.parse(prepared.url), query=tuple(query))
    final = urls.wire(url, encode=not prepared.behavior.get("disableUrlEncoding"))
    request = prepared.request and dataclasses.replace(prepared.request, url=urls.parse(final))
    return dataclasses.replace(prepared, url=final, request=request)
