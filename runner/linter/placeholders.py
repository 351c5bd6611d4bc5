"""Texts that stand where the user's own value has to be put."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Any

from runner.linter.subject import Finding, Subject, within
from runner.model import Item, Request

PLACEHOLDER = re.compile(
    r"※[^※\n]{1,80}※|<(?i:your|insert|enter|replace|put)[ _-][^<>\n]{1,80}>|\b(?:TODO|FIXME|CHANGE_?ME)\b"
    # What Postman makes of an OpenAPI schema; in XML these are elements, so they have to be the whole of a value.
    r"|(?:^|(?<=[\"'=/]))<(?:string|integer|number|boolean|long|float|double|date|dateTime|uuid|email|uri|binary|byte)>(?=[\"'&/]|$)"
)


def placeholder(subject: Subject) -> Iterator[Finding]:
    """Placeholders in requests, auth and variables, those that only an extension knows included."""
    for variable in subject.variables:
        yield from _in_value(variable.value, f"variable {variable.key}")
    for place, owner in subject.owners():
        if isinstance(owner, Item):
            yield from _in_request(owner.request, place)
            for text in subject.placeholders(owner.request):
                yield _finding(text, place)
        else:
            yield from _in_value(owner.auth, within(place, "auth"))


def _in_request(request: Request, place: str) -> Iterator[Finding]:
    for header in request.headers:
        yield from _in_value(header, within(place, f"header {header.key}"))
    for part, value in (("url", request.url), ("body", request.body), ("auth", request.auth)):
        yield from _in_value(value, within(place, part))


def _in_value(value: Any, place: str) -> Iterator[Finding]:
    for text in _texts(value):
        for found in PLACEHOLDER.finditer(text):
            line = text.count("\n", 0, found.start()) + 1 if "\n" in text else None
            yield _finding(found[0], place, line)


def _finding(text: str, place: str, line: int | None = None) -> Finding:
    return Finding(message=f"`{text}` is to be replaced with a value", place=place, line=line)


def _texts(value: Any) -> Iterator[str]:
    """Every text in a value of any shape; what is disabled is not sent and does not count."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)
    elif dataclasses.is_dataclass(value) and not getattr(value, "disabled", False):
        for field in dataclasses.fields(value):
            yield from _texts(getattr(value, field.name))
