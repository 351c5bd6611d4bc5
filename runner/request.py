"""A request as written, made ready: variables put in (`resolve`), then URL, headers and body as they leave (`prepare`)."""

from __future__ import annotations

import base64
import dataclasses
import re
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar
from urllib.parse import unquote

from runner import url as urls
from runner.behavior import unmet
from runner.body import Payload, ReadFile, payload
from runner.errors import SendError
from runner.model import Auth, Body, FormParam, Param, Prepared, Request, Url
from runner.url import utf8

Replace: TypeAlias = Callable[[str], str]
Part = TypeVar("Part", Request, Body, FormParam, Auth)

USER_AGENT = "pabal"

_NONE: Mapping[str, Any] = MappingProxyType({})
_NO_URL = Url()
# What Node's http module refuses to send, with the texts of its errors in `_checked`.
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_BAD_VALUE = re.compile(r"[^\t\x20-\x7e\x80-\xff]")
_UNSENDABLE = re.compile(r"[^\x21-\xff]")
# Node sends `Content-Length: 0` with any other method that has no body.
_NO_LENGTH = frozenset({"GET", "HEAD", "TRACE", "DELETE", "CONNECT", "OPTIONS"})
# In the order postman-runtime adds them (requester/core.js), forms and lengths after them (postman-request).
_FIRST = ("user-agent", "accept", "cache-control", "postman-token", "host", "accept-encoding", "connection")
_TAIL = frozenset((*_FIRST, "content-type", "content-length"))


# ------------------------------------------------------------------------------------------------------------- variables


def resolve(request: Request, replace: Replace) -> Request:
    """The request with `replace` applied to URL, headers, body and auth; the same object when nothing changes.

    The URL is substituted as one text and taken apart again, so that one variable may hold several of its parts.
    """

    def swap(text: str) -> str:
        return replace(text) if "{{" in text or "<<" in text else text

    return _with(
        request,
        {
            "url": urls.substitute(request.url, swap),
            "method": swap(request.method),
            "headers": _swap_params(request.headers, swap),
            "body": request.body and _swap_body(request.body, swap),
            "auth": request.auth and resolve_auth(request.auth, swap),
        },
    )


def resolve_auth(auth: Auth, replace: Replace) -> Auth:
    """The auth with `replace` applied to every text in its parameters; the same object when nothing changes."""
    return _with(auth, {"params": _swap_deep(auth.params, replace)})


def effective_auth(chain: Sequence[Auth | None]) -> Auth | None:
    """The auth that counts: the first there is in request, folders from inner to outer, collection.

    `noauth` ends the search, and so does a type that nobody knows, as in Newman: no other credentials go in its place.
    """
    return next((auth for auth in chain if auth is not None), None)


def _swap_body(body: Body, swap: Replace) -> Body:
    match body.mode.lower():
        case "urlencoded":
            changes: dict[str, Any] = {"urlencoded": _swap_params(body.urlencoded, swap)}
        case "formdata":
            changes = {"formdata": tuple([_swap_form(param, swap) for param in body.formdata])}
        case "file":
            changes = {"file_src": _swap_deep(body.file_src, swap), "file_content": _swap_deep(body.file_content, swap)}
        case "graphql":
            changes = {"graphql": _swap_deep(body.graphql, swap)}
        case _:
            changes = {"raw": swap(body.raw)}
    changes["content_type"] = _swap_deep(body.content_type, swap)
    return _with(body, changes)


def _swap_form(param: FormParam, swap: Replace) -> FormParam:
    names = ("key", "value", "content_type", "file_name")
    changes: dict[str, Any] = {name: _swap_deep(getattr(param, name), swap) for name in names}
    return _with(param, changes | {"src": tuple([swap(src) for src in param.src])})


def _swap_params(params: tuple[Param, ...], swap: Replace) -> tuple[Param, ...]:
    swapped = tuple([_swap_param(param, swap) for param in params])
    return params if swapped == params else swapped


def _swap_param(param: Param, swap: Replace) -> Param:
    key, value = swap(param.key), param.value and swap(param.value)
    return param if key == param.key and value == param.value else Param(key=key, value=value, disabled=param.disabled)


def _swap_deep(value: Any, swap: Replace) -> Any:
    """`swap` on every text inside lists and objects."""
    if isinstance(value, str):
        return swap(value)
    if isinstance(value, Mapping):
        return {key: _swap_deep(entry, swap) for key, entry in value.items()}
    if isinstance(value, list):
        return [_swap_deep(entry, swap) for entry in value]
    return value


def _with(value: Part, changes: Mapping[str, Any]) -> Part:
    """The value with fields changed; the same object when they are what they were."""
    if all((old := getattr(value, name)) is new or old == new for name, new in changes.items()):
        return value
    return dataclasses.replace(value, **changes)


# ----------------------------------------------------------------------------------------------------------------- sending


def prepare(
    request: Request, *, behavior: Mapping[str, Any] = _NONE, read_file: ReadFile | None = None, user_agent: str = USER_AGENT
) -> Prepared:
    """The request as it leaves: final URL, header lines in Postman's order, body bytes.

    `behavior` is the item's protocolProfileBehavior; what of it cannot be done is told in `warnings`, as is a file that
    `read_file` cannot read (OSError) and which is left out of the body. `Prepared.request` is the given one with the final
    URL and method.

    Raises:
        SendError: the URL is empty or names no host, or URL or headers hold what HTTP cannot carry.
    """
    method = request.method.upper()
    url = urls.as_parts(request.url)
    final = _final_url(url, behavior)
    user = _user_lines(request.headers)
    content = payload(
        request.body,
        method=method,
        content_type=_last(user, "content-type"),
        prune=not behavior.get("disableBodyPruning"),
        read_file=read_file,
    )
    disabled = behavior.get("disabledSystemHeaders") or _NONE
    user = _corrected_type(user, content, disabled)
    present = {name.lower() for name, _ in user}
    system = [
        line
        for line in _system_lines(url, method, content, user_agent)
        if line[0].lower() not in present and not disabled.get(line[0].lower())
    ]
    return Prepared(
        method=method,
        url=final,
        headers=tuple(_checked([*user, *system])),
        body=content.data or None,
        system_headers=frozenset([name.lower() for name, _ in system]),
        behavior=behavior,
        request=_with(request, {"url": urls.parse(final), "method": method}),
        warnings=content.warnings + unmet(behavior, final) if behavior else content.warnings,
    )


def with_header(prepared: Prepared, name: str, value: str) -> Prepared:
    """The prepared request with one header more, in place of any of that name; it counts as a system header.

    It stands after the user's headers and those added before it, ahead of the ones every request has.

    Raises:
        SendError: HTTP cannot carry the name or the value.
    """
    wanted = name.lower()
    kept = [line for line in prepared.headers if line[0].lower() != wanted]
    tail = _tail(prepared)
    place = next((index for index, line in enumerate(kept) if line[0].lower() in tail), len(kept))
    kept[place:place] = _checked([(name, value)])
    request = prepared.request
    if request is not None:
        others = [param for param in request.headers if param.key.lower() != wanted]
        request = dataclasses.replace(request, headers=(*others, Param(key=name, value=value)))
    return dataclasses.replace(prepared, headers=tuple(kept), system_headers=prepared.system_headers | {wanted}, request=request)


def _tail(prepared: Prepared) -> frozenset[str]:
    """The system headers that stand behind what auth adds."""
    names = _TAIL & prepared.system_headers
    body = prepared.request and prepared.request.body
    # Postman looks at JSON bodies before it signs, and leaves their Content-Type in front.
    return names - {"content-type"} if body and body.language == "json" else names


def with_query(prepared: Prepared, key: str, value: str | None) -> Prepared:
    """The prepared request with one query parameter more, at the end, in place of any of that key; None sends the key alone."""
    # The final URL is encoded already, and encoding it again changes nothing.
    url = urls.parse(prepared.url)
    others = [param for param in url.query if param.key != key]
    final = _final_url(dataclasses.replace(url, query=(*others, Param(key=key, value=value))), prepared.behavior)
    request = prepared.request and dataclasses.replace(prepared.request, url=urls.parse(final))
    return dataclasses.replace(prepared, url=final, request=request)


def _final_url(url: Url, behavior: Mapping[str, Any]) -> str:
    if url == _NO_URL:
        raise SendError("the request's URL is empty", hint="Give the request a URL.")
    final = urls.wire(url, encode=not behavior.get("disableUrlEncoding"))
    if not any(url.host) and url.port is None:
        raise SendError(f'Invalid URI "{final}"', hint="The URL names no host.")
    if _UNSENDABLE.search(final):
        raise SendError("Request path contains unescaped characters", code="ERR_UNESCAPED_CHARACTERS", where=final)
    return final


def _checked(lines: list[tuple[str, str]]) -> list[tuple[str, str]]:
    for name, value in lines:
        if not _TOKEN.fullmatch(name):
            raise SendError(f'Header name must be a valid HTTP token ["{name}"]', code="ERR_INVALID_HTTP_TOKEN")
        if _BAD_VALUE.search(value):
            raise SendError(f'Invalid character in header content ["{name}"]', code="ERR_INVALID_CHAR")
    return lines


def _user_lines(headers: Iterable[Param]) -> list[tuple[str, str]]:
    """The user's headers as lines: equal names stand together, and of names that differ in case the last one wins."""
    lines = [(param.key, (param.value or "").strip(" \t\r\n")) for param in headers if param.key and not param.disabled]
    if len({name.lower() for name, _ in lines}) == len(lines):
        return lines
    # Postman groups by exact name; Node then keeps one spelling a name, at the place of the first.
    by_case: dict[str, list[str]] = {}
    for name, value in lines:
        by_case.setdefault(name, []).append(value)
    last_case = {name.lower(): name for name in by_case}
    return [(name, value) for name in last_case.values() for value in by_case[name]]


def _last(lines: Iterable[tuple[str, str]], wanted: str) -> str | None:
    found = [value for name, value in lines if name.lower() == wanted]
    return found[-1] if found else None


def _corrected_type(lines: list[tuple[str, str]], content: Payload, disabled: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Forms replace a Content-Type that does not fit, in its place and under its name, unless told not to."""
    if not content.overrides or content.content_type is None or disabled.get("content-type"):
        return lines
    kind = content.content_type
    return [(name, kind if name.lower() == "content-type" else value) for name, value in lines]


def _system_lines(url: Url, method: str, content: Payload, user_agent: str) -> Iterable[tuple[str, str]]:
    """What Postman adds, in its order; the caller leaves out what the user has or switched off."""
    kind = {content.place: ("Content-Type", content.content_type)} if content.content_type else {}
    if "before" in kind:
        yield kind["before"]
    yield "User-Agent", user_agent
    yield "Accept", "*/*"
    yield "Cache-Control", "no-cache"
    yield "Postman-Token", str(uuid.uuid4())
    yield "Host", urls.host_header(url)
    yield "Accept-Encoding", "gzip, deflate, br"
    yield "Connection", "keep-alive"
    if "after" in kind:
        yield kind["after"]
    if url.auth:
        yield "Authorization", _basic(url.auth)
    if content.data or method not in _NO_LENGTH:
        yield "Content-Length", str(len(content.data))
    if "last" in kind:
        yield kind["last"]


def _basic(user_info: str) -> str:
    """User and password in the URL become a header; a user alone counts as one without a password."""
    user, _, password = user_info.partition(":")
    return "Basic " + base64.b64encode(utf8(f"{unquote(user)}:{unquote(password)}")).decode()
