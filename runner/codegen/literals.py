"""Secrets that stand in a request as they are become variables first, so that they are treated like those that always were."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from runner import url as urls
from runner.model import Auth, Body, FormParam, Param, Request
from runner.plan import Step
from runner.secrets import Secrets

_SCHEME = re.compile(r"(?P<head>(?:[A-Za-z][\w-]*[ \t]+)?)(?P<text>\S.*)", re.DOTALL)
Part = TypeVar("Part", Param, FormParam)

_FIELD = re.compile(r'(?P<head>"(?P<name>[^"\\]+)"\s*:\s*")(?P<value>[^"\\]+)(?=")')
_NAME = re.compile(r"\{\{([^{}]*)\}\}")
_AUTH_SECRETS = frozenset(
    (
        "password token accessToken secret secretKey sessionToken consumerSecret tokenSecret authKey clientSecret clientToken "
        "privateKey refreshToken"
    ).split()
)


class _Found:
    """The literals found so far, under names that are theirs alone."""

    def __init__(self, taken: Collection[str]) -> None:
        self._taken = taken
        self.values: dict[str, str] = {}

    def variable(self, label: str, value: str) -> str:
        """A variable that holds a literal; equal literals of one label share it."""
        base, number = re.sub(r"\W+", "_", label), 2
        name = base
        while name in self._taken or self.values.get(name, value) != value:
            name, number = f"{base}_{number}", number + 1
        self.values[name] = value
        return f"{{{{{name}}}}}"


def without_literals(step: Step, secrets: Secrets, taken: Collection[str] = ()) -> tuple[Step, Mapping[str, str]]:
    """The step with every literal secret in it replaced by `{{a variable}}`, and what these hold.

    `taken` are names that mean something else already.
    """
    found = _Found(taken)
    request = step.item.request
    chain = tuple(replace(folder, auth=_auth(folder.auth, found)) for folder in step.chain)
    made = replace(
        request,
        headers=tuple(_header(param, secrets, found) for param in request.headers),
        body=_body(request.body, secrets, found),
        auth=_auth(request.auth, found),
    )
    return replace(step, item=replace(step.item, request=_query(made, secrets, found)), chain=chain), found.values


def secret_variables(step: Step, secrets: Secrets) -> frozenset[str]:
    """The variables that headers and auth need for secrets, whatever they are called."""
    request = step.item.request
    values = [param.value for param in request.headers if not param.disabled and secrets.is_secret(param.key.strip())]
    for auth in (request.auth, *(folder.auth for folder in step.chain)):
        if auth is not None:
            values += [auth.params.get(name) for name in _secret_params(auth)]
    return frozenset(name for value in values if isinstance(value, str) for name in _NAME.findall(value))


def _secret_params(auth: Auth) -> frozenset[str]:
    return _AUTH_SECRETS | ({"value"} if auth.type == "apikey" else frozenset())


def _header(param: Param, secrets: Secrets, found: _Found) -> Param:
    if not param.key.strip() or not _is_literal(param.value) or not secrets.is_secret(param.key.strip()):
        return param
    parts = _SCHEME.fullmatch((param.value or "").strip())
    return replace(param, value=parts["head"] + found.variable(param.key.strip(), parts["text"])) if parts else param


def _query(request: Request, secrets: Secrets, found: _Found) -> Request:
    """Parameters, and the password of a user in the URL."""
    url = urls.as_parts(request.url)
    user, colon, password = (url.auth or "").partition(":")
    auth = f"{user}:{found.variable('password', password)}" if colon and _is_literal(password) else url.auth
    made = replace(url, text=None, query=_hidden(url.query, secrets, found), auth=auth)
    return request if (made.query, made.auth) == (url.query, url.auth) else replace(request, url=made)


def _hidden(params: tuple[Part, ...], secrets: Secrets, found: _Found) -> tuple[Part, ...]:
    def hidden(param: Part) -> Part:
        secret = _is_literal(param.value) and secrets.is_secret(param.key)
        return replace(param, value=found.variable(param.key, param.value or "")) if secret else param

    return tuple(hidden(param) for param in params)


def _body(body: Body | None, secrets: Secrets, found: _Found) -> Body | None:
    """Fields of forms, and of what looks like a JSON object."""
    if body is None:
        return None

    def hidden(field: re.Match[str]) -> str:
        name, value = field["name"], field["value"]
        return field["head"] + (found.variable(name, value) if _is_literal(value) and secrets.is_secret(name) else value)

    raw = _FIELD.sub(hidden, body.raw) if body.raw.lstrip()[:1] in ("{", "[") else body.raw
    form, parts = _hidden(body.urlencoded, secrets, found), _hidden(body.formdata, secrets, found)
    made = replace(body, raw=raw, urlencoded=form, formdata=parts)
    return body if made == body else made


def _auth(auth: Auth | None, found: _Found) -> Auth | None:
    if auth is None:
        return None
    names = _secret_params(auth)
    params: dict[str, Any] = dict(auth.params)
    for name in names & params.keys():
        if _is_literal(params[name]):
            label = str(params.get("key") or name) if name == "value" else name
            params[name] = found.variable(label, params[name])
    return replace(auth, params=params) if params != auth.params else auth


def _is_literal(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip()) and "{{" not in value
