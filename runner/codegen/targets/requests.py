"""Python with `requests`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from runner.codegen.code import Frame
from runner.codegen.description import Auth, BytesBody, FileBody, FormBody, JsonBody, MultipartBody, TextBody
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
    domain_and_password,
    exact_text,
    exact_url,
    header_mapping,
    header_pairs,
    headers_of,
    lines_of,
    multipart_fields,
    pairs_of,
    repeated,
    seconds,
    text_piece,
    urllib3_multipart,
    user_and_password,
)
from runner.codegen.plain import has_dots, rewritten
from runner.codegen.registry import Settings, Target
from runner.codegen.settings import tls_of, unsent
from runner.codegen.shapes import Answer
from runner.codegen.signing import headers_to_sign, signature_of
from runner.codegen.writer import Bracket, Code, Entry, Expression, call, literal, string

_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_NATIVE = frozenset({"basic", "digest", "ntlm", "edgegrid"})
_URL = Entry(Code("url"))
_SESSION = "requests.Session()"


def context(frame: Frame, settings: Settings) -> Mapping[str, Any]:
    """What the template gets: assignments, what is opened, and the call."""
    frame.imports.add("import requests")
    rules, exact = frame.description.rules, exact_url(frame.description)
    signature = signature_of(frame, native=_NATIVE - _not_native(frame))
    piece = _body(frame, signature.settings(settings))
    headers = headers_of(frame, signature.replaces(partial(by_itself, piece.adds if piece else None)))
    dots, twice = has_dots(exact), repeated(headers)
    assigned = assignments(frame, piece, whole_url=dots or signature.whole_url)
    headers += signature.headers
    headers += _switched_off(frame, twice=twice)
    if headers:
        assigned["headers"] = _header_dict(frame, headers) if twice else header_mapping(frame, headers)
    arguments = [*arguments_for(frame, assigned, piece), *_auth(frame)]
    limit = rules.limit if rules.limit != USUAL_LIMIT else None
    session, adapter = _session(frame), _adapter(frame)
    opened = [Code(f"{session} as session")] if dots or twice or limit or adapter or session != _SESSION else []
    _tell(frame, exact)
    return {
        "stores": frame.stores,
        "lines": lines_of(assigned, signature.lines),
        "opened": [*opened, *frame.opened],
        "limit": limit,
        "cookies": rules.cookies,
        "adapter": adapter,
        "twice": twice,
        "put_in": list(_put_in(frame, dots=dots, twice=twice)),
        "in_url": signature.in_url,
        "covers": signature.covers,
        "arguments": arguments,
        "how": _how(frame, prepared=dots or twice),
        "request": call("session.prepare_request", call_of("requests.Request", frame.description.method, [_URL, *arguments])),
        "sent": _sent(frame, arguments, session=bool(opened), prepared=dots or twice),
        "answer": Answer(value=Code("response"), type="requests.Response", text=".text", status="response.status_code"),
    }


def _put_in(frame: Frame, *, dots: bool, twice: bool) -> Iterator[str]:
    """What a prepared request gets that requests would not put there, and with what else it is sent."""
    if dots:
        yield "request.url = url  # requests would work out the dots"
    if twice:
        yield "for name, value in request.headers.items():"
        yield f"{frame.style.indent}headers.setdefault(name, str(value))"
        yield from (f"headers.discard({string(name)})" for name in unsent(frame.description.rules, "accept", "connection"))
        yield "request.headers = cast(Any, headers)"
    if dots or twice:
        verify = None if frame.description.rules.verify else False
        yield f"settings = session.merge_environment_settings(url, {{}}, None, {verify}, None)"


def _session(frame: Frame) -> str:
    """A session that redirects as the collection wants it."""
    rules = frame.description.rules
    if not rules.follow or (rules.cookies and not rules.keep_method and not rules.keep_authorization):
        return _SESSION
    frame.imports |= {"from typing import Any, cast"} if rules.keep_method or not rules.cookies else set()
    return f"{frame.bring('Session', 'session.py.j2', rules=rules)}()"


def _adapter(frame: Frame) -> str:
    """The class of connections that have TLS settings of their own; empty where they are the usual ones."""
    if not (lines := tls_of(frame)):
        return ""
    frame.imports |= {"from requests.adapters import HTTPAdapter", "from typing import Any"}
    return frame.bring("Tls", "tls_adapter.py.j2", lines=tuple(f"{before}{value.flat}" for before, value in lines))


def _switched_off(frame: Frame, *, twice: bool) -> list[tuple[str, Expression]]:
    """Headers that requests or urllib3 would send by themselves."""
    theirs = [(name, Code("SKIP_HEADER")) for name in unsent(frame.description.rules, "user-agent", "accept-encoding")]
    frame.imports |= {"from urllib3.util import SKIP_HEADER"} if theirs else set()
    return [*theirs, *((name, Code("None")) for name in unsent(frame.description.rules, "accept", "connection") if not twice)]


def _header_dict(frame: Frame, headers: list[tuple[str, Expression]]) -> Expression:
    frame.imports |= {"from typing import Any, cast", "from urllib3 import HTTPHeaderDict"}
    frame.note(
        "duplicate-headers", "requests keeps one header of a name, so the headers are put in after it has prepared the rest"
    )
    return call("HTTPHeaderDict", header_pairs(frame, headers))


def _body(frame: Frame, settings: Settings) -> Piece | None:
    body = frame.description.body
    if settings.body == "exact" and (text := exact_text(body)) is not None:
        return text_piece(frame, text, "data")
    match body:
        case JsonBody():
            return Piece(keyword="json", value=frame.json(body.value), adds=JSON)
        case FormBody():
            return Piece(keyword="data", value=pairs_of(frame, body.fields, "field"), adds=FORM)
        case TextBody():
            return text_piece(frame, body.text, "data")
        case BytesBody():
            return Piece(keyword="data", value=literal(body.data))
        case FileBody():
            return Piece(keyword="data", argument=Code(frame.open(body.path)))
        case MultipartBody(boundary=None):
            return Piece(keyword="files", argument=multipart_fields(frame, body))
        case MultipartBody():
            return Piece(keyword="data", argument=urllib3_multipart(frame, body))
    return None


def _auth(frame: Frame) -> list[Entry]:
    auth = frame.description.auth
    match auth and auth.type:
        case "basic":
            return [Entry(user_and_password(frame), head="auth=")]
        case "digest":
            frame.imports.add("from requests.auth import HTTPDigestAuth")
            return [Entry(Bracket("HTTPDigestAuth(", user_and_password(frame, encode=False).entries, ")"), head="auth=")]
        case "ntlm":
            frame.imports.add("from requests_ntlm import HttpNtlmAuth")
            return [Entry(Bracket("HttpNtlmAuth(", domain_and_password(frame), ")"), head="auth=")]
        case "edgegrid" if not _not_native(frame):
            frame.imports.add("from akamai.edgegrid import EdgeGridAuth")
            return [Entry(Bracket("EdgeGridAuth(", tuple(_edgegrid(frame)), ")"), head="auth=")]
    return []


def _not_native(frame: Frame) -> set[str]:
    """Auth of which a library lacks something: Akamai's knows no other host than the URL's."""
    auth = frame.description.auth
    return {"edgegrid"} if auth and auth.text("baseURL").parts else set()


def _edgegrid(frame: Frame) -> Iterator[Entry]:
    auth = frame.description.auth or Auth(type="")
    names = {"client_token": "clientToken", "client_secret": "clientSecret", "access_token": "accessToken"}
    for name, given in names.items():
        yield Entry(frame.text(auth.text(given)), head=f"{name}=")
    if signed := headers_to_sign(auth):
        yield Entry(literal(signed), head="headers_to_sign=")
    if size := auth.text("maxBodySize").plain:
        yield Entry(Code(size), head="max_body=")


def _sent(frame: Frame, arguments: list[Entry], *, session: bool, prepared: bool) -> Expression:
    how = _how(frame, prepared=prepared)
    if prepared:
        return Bracket("session.send(", (Entry(Code("request")), *how), ")")
    return call_of("session" if session else "requests", frame.description.method, [_URL, *arguments, *how], _METHODS)


def _how(frame: Frame, *, prepared: bool) -> list[Entry]:
    """Arguments that say how a request is sent."""
    rules, how = frame.description.rules, []
    if not rules.follow or frame.description.method == "HEAD" or prepared:
        how.append(Entry(Code(str(rules.follow)), head="allow_redirects="))
    if not rules.verify and not prepared:
        how.append(Entry(Code("False"), head="verify="))
    how.append(Entry(Code(seconds(rules)), head="timeout="))
    return [*how, Entry(Code("settings"), head="**")] if prepared else how


def _tell(frame: Frame, exact: str) -> None:
    if change := rewritten(exact):
        frame.note("url-rewritten", f"requests rewrites this URL: {change}")


TARGETS = (
    Target(
        name="requests",
        label="Python · requests",
        generate=functions("requests.py.j2", context),
        needs=("requests",),
    ),
)
