"""Python with the standard library's `http.client`, which sends every byte as it is told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from runner.body import part_head
from runner.codegen.challenge import CHALLENGED, Challenge, challenge_of
from runner.codegen.code import Frame
from runner.codegen.description import BytesBody, FileBody, JsonBody, MultipartBody, Part, Text
from runner.codegen.modules import functions
from runner.codegen.parts import as_bytes, exact_text, exact_url, header_pairs, headers_of, seconds
from runner.codegen.registry import Settings, Target
from runner.codegen.settings import context_of
from runner.codegen.shapes import Answer
from runner.codegen.signature import AS_BYTES
from runner.codegen.signing import signature_of
from runner.codegen.writer import Bracket, Code, Entry, Expression, Remarked, Tail, Template, call, literal, sequence

_BOUNDARY = Code("boundary")


def context(frame: Frame, settings: Settings) -> Mapping[str, Any]:
    """What the template gets: the headers, the body as bytes, and how redirects go."""
    frame.imports |= {"import http.client", "from urllib.parse import urlsplit"}
    body = frame.description.body
    frame.diagnostics = [entry for entry in frame.diagnostics if entry.code != "header-blanks"]  # they are sent
    assigned: dict[str, Expression] = {"url": frame.text(frame.description.address.exact)}
    signature = signature_of(frame, native=CHALLENGED, content=AS_BYTES)
    kept = headers_of(frame, signature.replaces(_left_out))
    headers = [(name, _padded(frame, name, value)) for name, value in kept]
    if isinstance(body, MultipartBody):
        frame.imports |= {"import uuid"} if body.boundary is None else set()
        assigned["boundary"] = Code("uuid.uuid4().hex") if body.boundary is None else literal(body.boundary)
        if body.boundary is None:
            headers.append(("Content-Type", Template(("multipart/form-data; boundary=", _BOUNDARY))))
    headers += signature.headers
    payload = _payload(frame, signature.settings(settings))
    if frame.stores:
        frame.imports.add("import json")
    challenge = challenge_of(frame)
    send = _bring_send(frame, challenge)
    arguments = [Entry(literal(frame.description.method)), Entry(Code("url")), Entry(Code("headers"))]
    arguments += [Entry(Code("payload"))] if payload else []
    arguments += [Entry(challenge.maker, head="auth=")] if challenge else []
    sent = Bracket(f"{send}(", tuple(arguments), ")")
    return {
        "stores": frame.stores,
        "lines": [(f"{name} = ", value) for name, value in assigned.items()],
        "signing": signature.lines,
        "headers": header_pairs(frame, headers, open_always=len(headers) > 1),
        "payload": payload if frame.payload != "shared" else None,
        "opened": frame.opened,
        "sent": sent,
        "answer": Answer(value=sent, type="int" if frame.expected else "str"),
    }


def _bring_send(frame: Frame, challenge: Challenge | None) -> str:
    """The function that sends a request by its rules."""
    rules, description = frame.description.rules, frame.description
    cookies = rules.follow and rules.cookies
    frame.imports |= {"from urllib.parse import urljoin, urlsplit"} if rules.follow else set()
    frame.imports |= {"from http.cookiejar import CookieJar", "from urllib.request import Request"} if cookies else set()
    return frame.bring(
        "send",
        "http_client_send.py.j2",
        status=bool(frame.expected),
        rules=rules,
        timeout=seconds(rules),
        tls=tuple(f"{before}{value.flat}" for before, value in context_of(frame)),
        cookies=cookies,
        names=frozenset(name.lower() for name, _ in description.headers) & {"host", "content-length"},
        head=description.method == "HEAD",
        user_info="@" in urlsplit(exact_url(description)).netloc,
        auth=challenge.kind if challenge else "",
        tries=challenge.tries if challenge else 1,
    )


def _padded(frame: Frame, name: str, value: Expression) -> Expression:
    """A value with the blanks that the collection has around it; here they can be sent."""
    before, after = frame.description.blanks.get(name.lower(), ("", ""))
    if isinstance(value, Remarked):
        return replace(value, expression=_padded(frame, name, value.expression))
    if not (before or after) or not isinstance(value, Template):
        return value
    return Template(tuple(part for part in (before, *value.parts, after) if part != ""))


def _left_out(name: str, value: str | None) -> bool:
    return (name, value) == ("connection", "keep-alive")


def _payload(frame: Frame, settings: Settings) -> Expression | None:
    body = frame.description.body
    if settings.body == "readable" and isinstance(body, JsonBody):
        frame.imports.add("import json")
        return Tail(call("json.dumps", frame.json(body.value)), ".encode()")
    match body:
        case BytesBody():
            return literal(body.data)
        case FileBody():
            return Code(f"{frame.open(body.path)}.read()")
        case MultipartBody():
            pieces = [piece for part in body.parts for piece in _part(frame, part)]
            end = as_bytes(Template(("--", _BOUNDARY, "--\r\n")))
            return Bracket('b"".join(', (Entry(sequence([*pieces, end], open_always=True)),), ")")
    text = exact_text(body)
    return as_bytes(frame.text(text)) if text is not None else None


def _part(frame: Frame, part: Part) -> Iterator[Expression]:
    head = part_head("\0", part.file_name, part.content_type).partition("\0")
    name = frame.text(part.name)
    names = name.parts if isinstance(name, Template) else ()
    yield as_bytes(Template(("--", _BOUNDARY, "\r\n", head[0], *names, f"{head[2]}\r\n")))
    if part.path:
        yield Code(f"{frame.open(part.path)}.read()")
    elif part.data:
        yield literal(part.data)
    elif part.value != Text():
        yield as_bytes(frame.text(part.value))
    yield Code(r'b"\r\n"')


TARGETS = (
    Target(
        name="http.client",
        label="Python · http.client (standard library)",
        generate=functions("http_client.py.j2", context),
    ),
)
