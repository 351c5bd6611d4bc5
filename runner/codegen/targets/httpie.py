"""An HTTPie command (`http`) for a POSIX shell."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import PurePath

from runner.behavior import TLS13_SUITE
from runner.codegen.description import BytesBody, Description, Diagnostic, FileBody, MultipartBody, Part, Text
from runner.codegen.message import BOUNDARY, Upload, form_pieces
from runner.codegen.parts import USUAL_LIMIT, exact_text, exact_url, seconds
from runner.codegen.plain import has_dots, rewritten
from runner.codegen.registry import OF_PYTHON, Target
from runner.codegen.settings import unsent
from runner.codegen.shell import commands, quoted, shell, unsigned

_STDIN = BytesBody(data=b"")
_AUTH = ("basic", "digest")
_KNOWN_METHOD = re.compile(r"[A-Z]+")
_SPECIAL = re.compile(r"[:;=@\\]")
_LOST = re.compile(r"(?<!\\)(?:\\\\)*\\[:;=@]")


def _words(description: Description) -> Iterator[str]:
    feed, description = _fed(description)
    body = description.body
    yield " ".join((f"{feed}http", *_options(description)))
    if description.auth and description.auth.type in _AUTH:
        user = description.auth.text("username") + Text.of(":") + description.auth.text("password")
        yield f"--auth-type={description.auth.type} --auth={shell(user)}"
    if isinstance(body, MultipartBody):
        yield "--multipart" + (f" --boundary={quoted(body.boundary)}" if body.boundary else "")
    if (text := exact_text(body)) is not None:
        yield f"--raw={shell(text)}"
    yield f"{description.method} {shell(description.address.exact)}"
    yield from _headers(description)
    if isinstance(body, MultipartBody):
        yield from (_part(part) for part in body.parts)
    if isinstance(body, FileBody):
        yield f"< {quoted(body.path)}"


def _fed(description: Description) -> tuple[str, Description]:
    """A form that HTTPie cannot put together: what does it before, and the request with a body that comes from there."""
    body = description.body
    if not isinstance(body, MultipartBody) or all(map(_is_plain, body.parts)):
        return "", description
    named = [] if body.boundary else [("Content-Type", Text.of(f"multipart/form-data; boundary={BOUNDARY}"))]
    return _feed(body), replace(description, body=_STDIN, headers=(*description.headers, *named))


def _feed(body: MultipartBody) -> str:
    made, files = [], []
    for _, group in groupby(form_pieces(body), key=lambda piece: isinstance(piece, Upload)):
        text = Text()
        for piece in group:
            if not isinstance(piece, Upload):
                text += Text((piece,))
            elif piece.data is not None:
                made.append(f"printf %s {base64.b64encode(piece.data).decode()} | base64 --decode")
            else:
                made.append(f"cat {quoted(piece.path)}")
                files.append(f"test -r {quoted(piece.path)} && ")
        made += [f"printf %s {shell(text)}"] if text.parts else []
    return f"{''.join(files)}{{ {'; '.join(made)}; }} | "


def _is_plain(part: Part) -> bool:
    """Whether HTTPie makes such a part: of a file under its own name, or of a text without a type."""
    if part.path:
        odd = part.path.startswith("~") or ";type=" in part.path or _LOST.search(part.path)
        return part.file_name == PurePath(part.path).name and not odd
    return part.data is None and part.file_name is None and not part.content_type and not _is_lossy(part.value)


def _is_lossy(text: Text) -> bool:
    return any(isinstance(part, str) and _LOST.search(part) for part in text.parts)


def _options(description: Description) -> Iterator[str]:
    rules = description.rules
    if not isinstance(description.body, BytesBody | FileBody):
        yield "--ignore-stdin"
    yield f"--check-status --timeout={seconds(rules) if rules.timeout else 0}"
    if rules.follow:
        # HTTPie counts the first answer, too.
        yield "--follow" + (f" --max-redirects={rules.limit + 1}" if rules.limit != USUAL_LIMIT else "")
    if not rules.verify:
        yield "--verify=no"
    if "TLSv1_3" in rules.tls_disabled:
        yield "--ssl=tls1.2"
    if older := [name for name in rules.ciphers if not name.startswith(TLS13_SUITE)]:
        yield f"--ciphers={':'.join(older)}"
    if has_dots(exact_url(description)):
        yield "--path-as-is"


def _headers(description: Description) -> Iterator[str]:
    """The headers, and those switched off that HTTPie would send by itself."""
    names = {name.lower() for name, _ in description.headers}
    for name, value in description.headers:
        if (name.lower(), value.plain) != ("connection", "keep-alive"):
            yield shell(_escaped(Text.of(name)) + (Text.of(":") + _value(value) if value.parts else Text.of(";")))
    body = description.body
    if body is not None and not isinstance(body, MultipartBody):
        yield from ["Content-Type:"] if "content-type" not in names else []
        yield from ["'Accept:*/*'"] if "accept" not in names | description.rules.unsent else []  # it would ask for JSON
    yield from (f"{name}:" for name in unsent(description.rules, "user-agent", "accept", "accept-encoding", "connection"))


def _part(part: Part) -> str:
    if part.path:
        kind = f";type={part.content_type}" if part.content_type else ""
        return shell(_escaped(part.name) + Text.of("@" + part.path + kind))
    return shell(_escaped(part.name) + Text.of("=") + _value(part.value))


def _escaped(text: Text) -> Text:
    """A name in which nothing is a separator."""
    return Text(tuple([_SPECIAL.sub(r"\\\g<0>", part) if isinstance(part, str) else part for part in text.parts]))


def _value(text: Text) -> Text:
    """A value that does not begin with what would make another separator of the one before it."""
    match text.parts:
        case (str(first), *rest) if first[0] in ":;=@":
            return Text(("\\" + first, *rest))
    return text


def _notes(description: Description) -> Iterator[Diagnostic]:
    rules, auth = description.rules, description.auth
    if auth and auth.type not in _AUTH:
        yield Diagnostic(code="auth", text=unsigned("HTTPie", auth))
    if change := rewritten(exact_url(description)):
        yield Diagnostic(code="url-rewritten", text=f"HTTPie rewrites this URL: {change}")
    if not _KNOWN_METHOD.fullmatch(description.method):
        yield Diagnostic(code="method", text=f"HTTPie knows no method {description.method}: it takes only capital letters")
    if rules.follow and rules.keep_method:
        text = "the collection keeps the method when it is redirected, HTTPie does not"
        yield Diagnostic(code="redirect-method", text=text)
    if rules.follow and rules.keep_authorization:
        text = "the collection keeps Authorization when it is redirected, HTTPie does not"
        yield Diagnostic(code="redirect-authorization", text=text)
    if rules.follow and not rules.cookies:
        yield Diagnostic(code="cookies", text="the collection takes no cookies, HTTPie sends those of a redirect back")
    if (rules.ciphers and all(name.startswith(TLS13_SUITE) for name in rules.ciphers)) or "TLSv1_2" in rules.tls_disabled:
        yield Diagnostic(code="tls", text="the collection wants TLS 1.3, to which HTTPie cannot be held")
    if any(_is_lossy(value) for _, value in description.headers):
        yield Diagnostic(code="backslash", text=r"HTTPie drops the backslash before : ; = and @ in headers")


TARGETS = (
    Target(name="httpie", label="HTTPie, for a shell", generate=commands(_words, _notes), suffix=".sh", ignores=OF_PYTHON),
)
