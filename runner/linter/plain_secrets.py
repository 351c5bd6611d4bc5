"""Secrets that a file keeps where everybody who gets the file can read them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from runner.jstext import js_text
from runner.linter.placeholders import PLACEHOLDER
from runner.linter.subject import Finding, Subject, within
from runner.model import Auth, Body, FormParam, Item, Param, Request
from runner.redact import credentials
from runner.secrets import Secrets

_VARIABLE = re.compile(r"\{\{[^{}]*\}\}|<<[^<>]*>>")
_COOKIES = frozenset({"cookie", "set-cookie"})


def plain_secret(subject: Subject) -> Iterator[Finding]:
    """Values written out in variables, auth, URL, headers and body that are secret by their name or their look."""
    secrets = subject.secrets
    for variable in subject.variables:
        if _is_plain(secrets, variable.key, variable.value, variable.type):
            yield _finding(variable.key, f"variable {variable.key}")
    for place, owner in subject.owners():
        auth = owner.request.auth if isinstance(owner, Item) else owner.auth
        for name in _in_auth(auth, secrets):
            yield _finding(name, within(place, "auth"))
        if isinstance(owner, Item):
            yield from _in_request(owner.request, place, secrets)


def _in_request(request: Request, place: str, secrets: Secrets) -> Iterator[Finding]:
    """Cookies are mostly settings, and whoever sends one by hand means it."""
    for part, params in (("header", request.headers), ("query", request.url.query)):
        for param in params:
            if not param.disabled and param.key.lower() not in _COOKIES and _is_plain(secrets, param.key, param.value):
                yield _finding(param.key, within(place, f"{part} {param.key}"))
    yield from _in_body(request.body, place, secrets)
    if request.url.text and _looks_secret(secrets, request.url.text):
        yield _finding("url", within(place, "url"))
    if request.url.auth and ":" in request.url.auth and _is_plain(secrets, "password", request.url.auth):
        yield _finding("password", within(place, "url"))


def _in_body(body: Body | None, place: str, secrets: Secrets) -> Iterator[Finding]:
    if body is None or body.disabled:
        return
    forms: dict[str, Sequence[Param | FormParam]] = {"urlencoded": body.urlencoded, "formdata": body.formdata}
    for field in forms.get(body.mode, ()):
        if not field.disabled and _is_plain(secrets, field.key, field.value):
            yield _finding(field.key, within(place, "body"))
    if body.mode == "raw" and _looks_secret(secrets, body.raw):
        yield _finding("body", within(place, "body"))


def _in_auth(auth: Auth | None, secrets: Secrets) -> Iterator[str]:
    if auth:
        yield from (name for name, value in credentials(auth, secrets) if value.strip() and "{{" not in value)


def _is_plain(secrets: Secrets, name: str, value: Any, type: str = "any") -> bool:
    if value is None or isinstance(value, bool):
        return False
    text = js_text(value)
    if not text.strip() or "{{" in text or "<<" in text:
        return False
    return secrets.is_secret(name, type) or _looks_secret(secrets, text)


def _looks_secret(secrets: Secrets, text: str) -> bool:
    """Whether a report would hide something of a text; variables and placeholders in it are no values."""
    bare = PLACEHOLDER.sub("", _VARIABLE.sub("", text))
    return secrets.hide(bare) != bare


def _finding(name: str, place: str) -> Finding:
    holds = "holds" if name in ("body", "url") else "is"
    message = f"`{name}` {holds} a secret in plain text; leave it to a variable that is filled when it runs"
    return Finding(message=message, place=place)
