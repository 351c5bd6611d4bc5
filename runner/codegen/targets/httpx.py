"""Python with `httpx`, plain and async."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import groupby
from typing import Any

from runner.codegen.challenge import ntlm
from runner.codegen.code import Frame
from runner.codegen.description import BytesBody, FileBody, FormBody, JsonBody, MultipartBody, Text
from runner.codegen.modules import functions
from runner.codegen.parts import (
    FORM,
    JSON,
    USUAL_LIMIT,
    Piece,
    arguments_for,
    assignments,
    by_itself,
    call_of,
    exact_text,
    exact_url,
    header_list,
    headers_of,
    is_by_urllib3,
    lines_of,
    multipart_fields,
    notes_of,
    seconds,
    settle_boundary,
    text_piece,
    urllib3_multipart,
    user_and_password,
)
from runner.codegen.plain import has_bare_percent, has_dots, target_of
from runner.codegen.registry import Settings, Target
from runner.codegen.settings import authorization_kept, no_cookies, tls_of, unsent
from runner.codegen.shapes import Answer
from runner.codegen.signing import signature_of
from runner.codegen.writer import Bracket, Code, Entry, Expression, call, literal, mapping, sequence

_NATIVE = frozenset({"basic", "digest", "ntlm"})
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_WITHOUT = frozenset({"GET", "DELETE", "HEAD", "OPTIONS"})


def context(frame: Frame, settings: Settings, *, is_async: bool) -> Mapping[str, Any]:
    """What the template gets: assignments, what is opened, and the call."""
    frame.imports.add("import httpx")
    rules, exact = frame.description.rules, exact_url(frame.description)
    frame.is_async = is_async
    settle_boundary(frame)
    signature = signature_of(frame, native=_NATIVE)
    piece = _body(frame, signature.settings(settings))
    headers = headers_of(frame, signature.replaces(partial(by_itself, piece.adds if piece else None)))
    odd = not signature.in_url and (has_dots(exact) or has_bare_percent(exact))
    assigned = assignments(frame, piece, whole_url=odd or signature.whole_url or _regrouped(frame), pairs="()")
    headers += signature.headers
    if headers:
        assigned["headers"] = header_list(frame, headers)
    arguments = [*arguments_for(frame, assigned, piece), *_auth(frame)]
    if odd:
        target = literal(target_of(exact).encode("latin-1"))
        arguments.append(Entry(mapping([(literal("target"), target)]), head="extensions="))
    tls, policy, hooks = tls_of(frame), no_cookies(frame), list(_hooks(frame, odd=odd))
    off = unsent(rules, "user-agent", "accept", "accept-encoding", "connection")
    client = is_async or odd or rules.limit != USUAL_LIMIT or policy is not None or bool(off or hooks)
    how = [Entry(Code("True"), head="follow_redirects=")] if rules.follow else []
    verify = [Entry(Code("context" if tls else "False"), head="verify=")] if tls or not rules.verify else []
    how += [] if client else verify
    how.append(Entry(Code(seconds(rules)), head="timeout="))
    _tell(frame)
    return {
        "stores": frame.stores,
        "lines": [*lines_of(assigned, signature.lines), *tls],
        "opened": [*([_client(frame, verify, policy, hooks, is_async=is_async)] if client else []), *frame.opened],
        "off": off,
        "in_url": signature.in_url,
        "covers": signature.covers,
        "arguments": arguments,
        "how": how,
        "is_async": is_async,
        "sent": _sent(frame, [Entry(Code("url")), *arguments, *how], piece, owner="client" if client else "httpx"),
        "answer": Answer(value=Code("response"), type="httpx.Response", text=".text", status="response.status_code"),
    }


def _regrouped(frame: Frame) -> bool:
    """Whether httpx would change the order of the parameters: it puts equal names together."""
    names = [name for name, _ in frame.description.address.params or ()]
    return [name for name, _ in groupby(names)] != list(dict.fromkeys(names))


def _body(frame: Frame, settings: Settings) -> Piece | None:
    body = frame.description.body
    if settings.body == "exact" and (text := exact_text(body)) is not None:
        return text_piece(frame, text, "content", encode=False)
    match body:
        case JsonBody():
            return Piece(keyword="json", value=frame.json(body.value), adds=JSON)
        case FormBody():
            return Piece(keyword="data", value=_form(frame, body), adds=FORM)
        case BytesBody():
            return Piece(keyword="content", value=literal(body.data))
        case FileBody():
            return Piece(keyword="content", argument=Code(frame.open(body.path)))
        case MultipartBody() if is_by_urllib3(body):
            return Piece(keyword="content", argument=urllib3_multipart(frame, body))
        case MultipartBody():
            return Piece(keyword="files", argument=multipart_fields(frame, body))
    text = exact_text(body)
    return text_piece(frame, text, "content", encode=False) if text is not None else None


def _form(frame: Frame, body: FormBody) -> Expression:
    """A dict, where a key that comes several times has a list; httpx writes these one behind the other, as Postman does."""
    values: dict[Text, list[Expression]] = {}
    for key, value in body.fields:
        values.setdefault(key, []).append(frame.text(value))
    pairs = [
        (frame.text(key), frame.remarked("field", key.plain, found[0] if len(found) == 1 else sequence(found)))
        for key, found in values.items()
    ]
    return replace(mapping(pairs, open_always=len(pairs) > 1), notes=notes_of(frame, "field"))


def _auth(frame: Frame) -> list[Entry]:
    auth = frame.description.auth
    match auth and auth.type:
        case "basic":
            return [Entry(user_and_password(frame), head="auth=")]
        case "digest":
            return [Entry(Bracket("httpx.DigestAuth(", user_and_password(frame).entries, ")"), head="auth=")]
        case "ntlm":
            frame.imports.add("from collections.abc import Generator")
            return [Entry(ntlm(frame, "ntlm_httpx.py.j2"), head="auth=")]
    return []


def _hooks(frame: Frame, *, odd: bool) -> Iterator[tuple[str, Expression]]:
    """What is to be called with each request or response; an `odd` URL has its target set by hand."""
    if kept := authorization_kept(frame, "httpx"):
        frame.imports.add(f"from collections.abc import {'Awaitable, Callable' if frame.is_async else 'Callable'}")
        yield "request", kept
    if odd and frame.description.rules.follow:
        yield "response", Code(frame.bring("next_target", "next_target.py.j2", is_async=frame.is_async))


def _client(
    frame: Frame, verify: list[Entry], policy: Expression | None, hooks: list[tuple[str, Expression]], *, is_async: bool
) -> Expression:
    rules = frame.description.rules
    entries = [Entry(Code(str(rules.limit)), head="max_redirects=")] if rules.limit != USUAL_LIMIT else []
    entries += verify
    if policy:
        frame.imports.add("from http.cookiejar import CookieJar")
        entries.append(Entry(call("CookieJar", policy), head="cookies="))
    if hooks:
        entries.append(Entry(mapping([(literal(moment), sequence([hook])) for moment, hook in hooks]), head="event_hooks="))
    return Bracket("httpx.AsyncClient(" if is_async else "httpx.Client(", tuple(entries), ") as client")


def _sent(frame: Frame, arguments: list[Entry], piece: Piece | None, *, owner: str) -> Expression:
    return call_of(owner, frame.description.method, arguments, _WITH_BODY | (frozenset() if piece else _WITHOUT))


def _tell(frame: Frame) -> None:
    rules = frame.description.rules
    if rules.follow and rules.keep_method:
        frame.note("redirect-method", "the collection keeps the method when it is redirected, httpx does not")


TARGETS = (
    Target(
        name="httpx",
        label="Python · httpx",
        generate=functions("httpx.py.j2", partial(context, is_async=False)),
        needs=("httpx",),
    ),
    Target(
        name="httpx-async",
        label="Python · httpx with async",
        generate=functions("httpx.py.j2", partial(context, is_async=True), is_async=True),
        needs=("httpx",),
    ),
)
