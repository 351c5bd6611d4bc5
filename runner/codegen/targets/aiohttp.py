"""Python with `aiohttp`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from runner.codegen.challenge import ntlm
from runner.codegen.code import Frame
from runner.codegen.description import BytesBody, FileBody, FormBody, JsonBody, MultipartBody, Part, Text
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
    lines_of,
    pairs_of,
    seconds,
    settle_boundary,
    text_piece,
    urllib3_multipart,
    user_and_password,
)
from runner.codegen.registry import Settings, Target
from runner.codegen.settings import authorization_kept, tls_of, unsent
from runner.codegen.shapes import Answer
from runner.codegen.signing import signature_of
from runner.codegen.writer import Bracket, Code, Entry, Expression, call, literal, sequence

_NATIVE = frozenset({"basic", "digest", "ntlm"})
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
# What yarl neither encodes nor decodes when it is given a URL as text.
_PLAIN = re.compile(r"https?://[\w.:\[\]-]+(?:/(?!\.{1,2}(?:[/?]|$))[\w.~-]*)*(?:\?[\w.~=&-]*)?", re.ASCII)


def context(frame: Frame, settings: Settings) -> Mapping[str, Any]:
    """What the template gets: assignments, the session, and the call."""
    frame.is_async = True
    settle_boundary(frame)
    _drop_user_info(frame)
    frame.imports.add("import aiohttp")
    rules, exact = frame.description.rules, exact_url(frame.description)
    signature = signature_of(frame, native=_NATIVE)
    piece, fields = _body(frame, signature.settings(settings))
    headers = headers_of(frame, signature.replaces(partial(by_itself, piece.adds if piece else None)))
    plain = bool(_PLAIN.fullmatch(exact)) and not signature.in_url
    assigned = assignments(frame, piece, whole_url=not plain or signature.whole_url)
    headers += signature.headers
    if headers:
        assigned["headers"] = header_list(frame, headers)
    how = [] if rules.follow else [Entry(Code("False"), head="allow_redirects=")]
    how += [Entry(Code(str(rules.limit + 1)), head="max_redirects=")] if rules.follow and rules.limit != USUAL_LIMIT else []
    tls, off = tls_of(frame), unsent(rules, "user-agent", "accept", "accept-encoding")
    how += [Entry(Code("context" if tls else "False"), head="ssl=")] if tls or not rules.verify else []
    if piece and piece.adds is None and not any(name.lower() == "content-type" for name, _ in headers):
        off.append("Content-Type")
    how += [Entry(literal(off), head="skip_auto_headers=")] if off else []
    url = Entry(Code("url")) if plain else Entry(Code("URL(url, encoded=True)"))
    if not plain:
        frame.imports.add("from yarl import URL")
    arguments = [url, *arguments_for(frame, assigned, piece), *_auth(frame), *how]
    sent = call_of("session", frame.description.method, arguments, _METHODS)
    _tell(frame)
    return {
        "stores": frame.stores,
        "lines": [*lines_of(assigned, signature.lines), *tls],
        "fields": fields,
        "opened": [_session(frame), replace(sent, closing=") as response")],
        "answer": Answer(value=Code("await response.text()"), type="str", status="response.status"),
    }


def _drop_user_info(frame: Frame) -> None:
    """Take the user out of the URL where a header has it, too: aiohttp wants only one of them."""
    description = frame.description
    first, *more = description.address.base.parts or ("",)
    if isinstance(first, str) and any(name.lower() == "authorization" for name, _ in description.headers):
        base = Text((re.sub(r"(://)[^/@]*@", r"\1", first, count=1), *more))
        frame.description = replace(description, address=replace(description.address, base=base))


def _body(frame: Frame, settings: Settings) -> tuple[Piece | None, list[Expression]]:
    """The body, and the fields of a multipart form, which are added one by one."""
    body = frame.description.body
    if settings.body == "exact" and (text := exact_text(body)) is not None:
        return text_piece(frame, text, "data"), []
    match body:
        case JsonBody():
            return Piece(keyword="json", value=frame.json(body.value), adds=JSON), []
        case FormBody():
            return Piece(keyword="data", value=pairs_of(frame, body.fields, "field"), adds=FORM), []
        case BytesBody():
            return Piece(keyword="data", value=literal(body.data)), []
        case FileBody():
            return Piece(keyword="data", argument=Code(frame.open(body.path))), []
        case MultipartBody(boundary=None):
            return Piece(keyword="data", value=_form(body), adds="multipart/form-data"), list(_fields(frame, body))
        case MultipartBody():
            return Piece(keyword="data", argument=urllib3_multipart(frame, body)), []
    text = exact_text(body)
    return (text_piece(frame, text, "data") if text is not None else None), []


def _form(body: MultipartBody) -> Expression:
    """An empty form. By itself aiohttp puts a backslash before blanks and percent-encodes what is not ASCII."""
    names = [part for field in body.parts for part in (*field.name.parts, field.file_name or "")]
    plain = all(isinstance(name, str) and re.fullmatch(r"[\w.-]*", name, re.ASCII) for name in names)
    named = {"default_to_multipart": Code("True")} | ({} if plain else {"quote_fields": Code("False")})
    return call("aiohttp.FormData", **named)


def _fields(frame: Frame, body: MultipartBody) -> Iterator[Expression]:
    for part in body.parts:
        yield Bracket("payload.add_field(", tuple(_field(frame, part)), ")")


def _field(frame: Frame, part: Part) -> Iterator[Entry]:
    yield Entry(frame.text(part.name))
    if part.path:
        yield Entry(Code(frame.open(part.path)))
    else:
        yield Entry(literal(part.data) if part.data is not None else frame.text(part.value))
    if part.file_name is not None:
        yield Entry(literal(part.file_name), head="filename=")
    if part.content_type:
        yield Entry(literal(part.content_type), head="content_type=")


def _auth(frame: Frame) -> list[Entry]:
    auth = frame.description.auth
    if auth and auth.type == "basic":
        entries = (*user_and_password(frame, encode=False).entries, Entry(Code('"utf-8"')))
        return [Entry(Bracket("aiohttp.BasicAuth(", entries, ")"), head="auth=")]
    return []


def _session(frame: Frame) -> Expression:
    auth, rules = frame.description.auth, frame.description.rules
    timeout = call("aiohttp.ClientTimeout", total=Code(seconds(rules)))
    entries = [Entry(timeout, head="timeout=")]
    if not rules.cookies:
        entries.append(Entry(Code("aiohttp.DummyCookieJar()"), head="cookie_jar="))
    elif rules.follow and re.fullmatch(r"[\d.]+|\[.*\]", urlsplit(exact_url(frame.description)).hostname or ""):
        # By itself aiohttp takes no cookies from hosts without a name.
        entries.append(Entry(Code("aiohttp.CookieJar(unsafe=True)"), head="cookie_jar="))
    if auth and auth.type in ("digest", "ntlm"):
        digest = Bracket("aiohttp.DigestAuthMiddleware(", user_and_password(frame, encode=False).entries, ")")
        asked = digest if auth.type == "digest" else ntlm(frame, "ntlm_aiohttp.py.j2")
        entries.append(Entry(Bracket("[", (Entry(asked),), "]"), head="middlewares="))
    elif kept := authorization_kept(frame, "aiohttp"):
        entries.append(Entry(sequence([kept]), head="middlewares="))
    return Bracket("aiohttp.ClientSession(", tuple(entries), ") as session")


def _tell(frame: Frame) -> None:
    rules = frame.description.rules
    if rules.follow and rules.keep_method:
        frame.note("redirect-method", "the collection keeps the method when it is redirected, aiohttp does not")


TARGETS = (
    Target(
        name="aiohttp",
        label="Python · aiohttp",
        generate=functions("aiohttp.py.j2", context, is_async=True),
        needs=("aiohttp",),
    ),
)
