"""Python with `urllib3`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from runner.codegen.challenge import CHALLENGED, challenge_of
from runner.codegen.code import Frame
from runner.codegen.description import Body, BytesBody, FileBody, JsonBody, MultipartBody
from runner.codegen.modules import functions
from runner.codegen.parts import (
    JSON,
    by_itself,
    exact_text,
    exact_url,
    header_list,
    headers_of,
    repeated,
    seconds,
    urllib3_fields,
)
from runner.codegen.plain import has_dots, rewritten
from runner.codegen.registry import Settings, Target
from runner.codegen.settings import tls_of, unsent
from runner.codegen.shapes import Answer
from runner.codegen.signing import signature_of
from runner.codegen.writer import Bracket, Code, Entry, Expression, call, literal

_URL = Entry(Code("url"))
_ANY_CERTIFICATE = call("urllib3.PoolManager", cert_reqs=literal("CERT_NONE"))


def context(frame: Frame, settings: Settings) -> Mapping[str, Any]:
    """What the template gets: URL, body and headers, and the call."""
    frame.imports.add("import urllib3")
    description, rules = frame.description, frame.description.rules
    signature = signature_of(frame, native=CHALLENGED)
    as_json = isinstance(description.body, JsonBody) and signature.settings(settings).body != "exact"
    payload, names = _payload(frame, as_json=as_json)
    headers = headers_of(frame, signature.replaces(partial(by_itself, JSON if as_json else None)))
    headers += signature.headers
    if "content_type" in names:
        headers.append(("Content-Type", Code("content_type")))
    headers += [(name, Code("urllib3.util.SKIP_HEADER")) for name in unsent(rules, "user-agent", "accept-encoding")]
    made, challenge = header_list(frame, headers), challenge_of(frame)
    tls = tls_of(frame)
    pool = call("urllib3.PoolManager", ssl_context=Code("context")) if tls else _ANY_CERTIFICATE if not rules.verify else None
    argument = payload if payload and frame.payload == "inline" else Code("payload")
    if frame.stores:
        frame.imports.add("import json")
    arguments = [Entry(literal(description.method)), _URL]
    arguments += [Entry(Code("headers"), head="headers=")] if headers or challenge else []
    arguments += [Entry(argument, head="json=" if as_json else "body=")] if payload else []
    _tell(frame)
    return {
        "stores": frame.stores,
        "url": frame.text(description.address.exact),
        "payload": payload if frame.payload == "assigned" else None,
        "names": names,
        "signing": signature.lines,
        "headers": call("urllib3.HTTPHeaderDict", made) if repeated(headers) else made if headers else None,
        "challenge": challenge,
        "authorization": call("auth.answer", Code("challenges"), literal(description.method), _URL.value),
        "opened": frame.opened,
        "sent": Bracket("pool.request(" if pool else "urllib3.request(", (*arguments, *_how(frame)), ")"),
        "tls": tls,
        "pool": pool,
        "answer": Answer(value=Code("text"), type="str", status="response.status"),
    }


def _payload(frame: Frame, *, as_json: bool) -> tuple[Expression | None, str]:
    """The body and the names it is assigned to."""
    body = frame.description.body
    if isinstance(body, JsonBody) and as_json:
        return frame.json(body.value), "payload"
    if isinstance(body, MultipartBody):
        boundary = [Entry(literal(body.boundary))] if body.boundary else []
        encoded = Bracket("urllib3.encode_multipart_formdata(", (Entry(urllib3_fields(frame, body)), *boundary), ")")
        return encoded, "payload, _" if body.boundary else "payload, content_type"
    return _as_it_is(frame, body), "payload"


def _as_it_is(frame: Frame, body: Body | None) -> Expression | None:
    match body:
        case BytesBody():
            return literal(body.data)
        case FileBody():
            return Code(f"{frame.open(body.path)}.read()")
    text = exact_text(body)
    return frame.text(text) if text is not None else None


def _how(frame: Frame) -> Iterator[Entry]:
    rules = frame.description.rules
    # A request that got no answer is not sent twice; `total` counts the redirects.
    if rules.follow:
        limits = [Entry(Code(str(rules.limit))), Entry(Code("0"), head="connect="), Entry(Code("0"), head="read=")]
        kept = [Entry(literal(["Cookie"]), head="remove_headers_on_redirect=")] if rules.keep_authorization else []
        yield Entry(Bracket("urllib3.Retry(", (*limits, *kept), ")"), head="retries=")
    else:
        yield Entry(Code("False"), head="retries=")
    yield Entry(Code(seconds(rules)), head="timeout=")


def _tell(frame: Frame) -> None:
    exact = exact_url(frame.description)
    if change := rewritten(exact):
        frame.note("url-rewritten", f"urllib3 rewrites this URL: {change}")
    rules = frame.description.rules
    if rules.follow and rules.keep_method and frame.description.method not in ("GET", "HEAD"):
        frame.note("redirect-method", "the collection keeps the method when it is redirected, urllib3 does not after a 303")
    if has_dots(exact):
        frame.note("dot-segments", "urllib3 works out the dots in this URL before it sends it")


TARGETS = (Target(name="urllib3", label="Python · urllib3", generate=functions("urllib3.py.j2", context), needs=("urllib3",)),)
