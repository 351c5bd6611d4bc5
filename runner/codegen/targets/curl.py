"""A `curl` command for a POSIX shell."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator

from runner.behavior import TLS13_SUITE
from runner.codegen.code import each, file_name
from runner.codegen.description import BytesBody, Description, Diagnostic, FileBody, First, MultipartBody, Part, Rules, Text, Use
from runner.codegen.names import environ_name
from runner.codegen.parts import USUAL_LIMIT, exact_text, exact_url, seconds
from runner.codegen.plain import has_dots
from runner.codegen.registry import File, Job, Target
from runner.codegen.signature import switched_on
from runner.codegen.writer import string
from runner.plan import Step

_BARE = re.compile(r"[A-Za-z0-9@%+=:,./_-]+")
_COMPUTED = {
    "$guid": "$(uuidgen)",
    "$randomUUID": "$(uuidgen)",
    "$timestamp": "$(date +%s)",
    "$isoTimestamp": "$(date -u +%Y-%m-%dT%H:%M:%S.000Z)",
    "$randomInt": "$((RANDOM % 1001))",
}


def generate(job: Job) -> Iterable[File]:
    """A command of each request."""
    return each(job, ".sh", lambda step, description: _file(job, step, description))


def _file(job: Job, step: Step, description: Description) -> File:
    told = tuple(dict.fromkeys((*description.diagnostics, *_diagnostics(description))))
    lines = [f"# {description.method} {_one_line(description.title)}", *(f"# {_one_line(entry.text)}" for entry in told)]
    if description.guarded:
        lines.append(f'[ "$1" = --send ] || {{ echo {_quoted(f"{description.guarded}; give --send to send it")} >&2; exit 1; }}')
    lines += [f"{_name(hole.key)}={_quoted(hole.value)}" for hole in description.holes if hole.source == "argument"]
    for first in description.first:
        lines += _stored(first)
    text = "\n".join([*lines, _command(description), ""])
    return File(path=file_name(job, step, ".sh"), text=text, step=step, description=description, diagnostics=told)


def _command(description: Description) -> str:
    body = description.body
    feed = f"printf %s {base64.b64encode(body.data).decode()} | base64 --decode | " if isinstance(body, BytesBody) else ""
    return " \\\n  ".join([f"{feed}curl --fail-with-body", *_arguments(description)])


def _stored(first: First) -> Iterator[str]:
    """A request that a script sends first, and the variables that its answer sets."""
    yield f"# A script of the collection sends this first.\nANSWER=$({_command(first.request)}) || exit"
    for name, keys in first.stores.items():
        found = f"json.load(sys.stdin){''.join(f'[{string(key)}]' for key in keys)}"
        yield f'{_name(name)}=$(printf %s "$ANSWER" | python3 -c {_quoted(f"import json, sys; print({found})")})'


def _arguments(description: Description) -> Iterator[str]:
    rules, exact = description.rules, exact_url(description)
    yield from _method(description)
    yield f"--url {_shell(description.address.exact)}"
    if has_dots(exact):
        yield "--path-as-is"
    if re.search(r"[][{}]", exact):
        yield "--globoff"
    yield from _auth(description)
    for name, value in description.headers:
        if (name.lower(), value.plain) not in (("accept", "*/*"), ("connection", "keep-alive")):
            yield f"--header {_shell(Text.of(f'{name}: ') + value if value.parts else Text.of(f'{name};'))}"
    yield from _body(description)
    if rules.follow:
        yield "--location-trusted" if rules.keep_authorization else "--location"
        yield from [f"--max-redirs {rules.limit}"] if rules.limit != USUAL_LIMIT else []
        yield from ["--post301 --post302 --post303"] if rules.keep_method else []
        yield from ["--cookie ''"] if rules.cookies else []
    yield from (f"--header '{name}:'" for name in ("User-Agent", "Accept") if name.lower() in rules.unsent)
    yield from _tls(rules)
    if rules.timeout:
        yield f"--max-time {seconds(rules)}"


def _tls(rules: Rules) -> Iterator[str]:
    if not rules.verify:
        yield "--insecure"
    older = [name for name in rules.ciphers if not name.startswith(TLS13_SUITE)]
    if older:
        yield f"--ciphers {':'.join(older)}"
    if (rules.ciphers and not older) or "TLSv1_2" in rules.tls_disabled:
        yield "--tlsv1.3"
    if "TLSv1_3" in rules.tls_disabled:
        yield "--tls-max 1.2"


def _method(description: Description) -> Iterator[str]:
    """What curl does by itself is not said: with --request it would use that method for redirects, too."""
    usual = "POST" if description.body is not None else "GET"
    if description.method == "HEAD":
        yield "--head"
    elif description.method != usual:
        yield f"--request {_quoted(description.method)}"


def _body(description: Description) -> Iterator[str]:
    body = description.body
    if (
        body is not None
        and not isinstance(body, MultipartBody)
        and not any(n.lower() == "content-type" for n, _ in description.headers)
    ):
        yield "--header 'Content-Type:'"
    match body:
        case MultipartBody():
            yield from (_form(part) for part in body.parts)
        case FileBody():
            yield f"--data-binary {_quoted(f'@{body.path}')}"
        case BytesBody():
            yield "--data-binary @-"
    text = exact_text(body)
    if text is not None:
        yield f"--data-raw {_shell(text)}"


def _form(part: Part) -> str:
    plain = part.file_name is None and part.content_type is None
    if plain:
        return f"--form-string {_shell(part.name + Text.of('=') + part.value)}"
    sign, value = ("=@", Text.of(part.path)) if part.path else ("=", part.value)
    settings = f";type={part.content_type}" if part.content_type else ""
    settings += f';filename="{_form_quoted(part.file_name)}"' if part.file_name is not None else ""
    return f"--form {_shell(part.name + Text.of(sign + chr(34)) + _form_text(value) + Text.of(chr(34) + settings))}"


def _form_text(text: Text) -> Text:
    return Text(tuple(_form_quoted(part) if isinstance(part, str) else part for part in text.parts))


def _form_quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _auth(description: Description) -> Iterator[str]:
    auth = description.auth
    if auth is None:
        return
    domain = auth.text("domain") + Text.of("\\") if auth.text("domain").parts else Text()
    user = f"--user {_shell(domain + auth.text('username') + Text.of(':') + auth.text('password'))}"
    match auth.type:
        case "basic":
            yield user
        case "digest" | "ntlm":
            yield f"--{auth.type}"
            yield user
        case "awsv4" if not switched_on(auth, "addAuthDataToQuery"):
            if (token := auth.text("sessionToken")).parts:
                yield f"--header {_shell(Text.of('X-Amz-Security-Token: ') + token)}"
            region, service = (auth.text(name) for name in ("region", "service"))
            scope = Text.of("aws:amz:") + (region if region.parts else Text.of("us-east-1")) + Text.of(":")
            scope += service if service.parts else Text.of("execute-api")
            yield f"--aws-sigv4 {_shell(scope)}"
            yield f"--user {_shell(auth.text('accessKey') + Text.of(':') + auth.text('secretKey'))}"


def _diagnostics(description: Description) -> Iterator[Diagnostic]:
    auth = description.auth
    if auth and (auth.type not in ("basic", "digest", "ntlm", "awsv4") or switched_on(auth, "addAuthDataToQuery")):
        yield Diagnostic(code="auth", text=f"curl cannot sign with {auth.type}: this goes out without")
    quoted = [hole.name for hole in (*description.address.exact.holes(),) if hole.source != "environ"]
    if quoted:
        yield Diagnostic(code="not-encoded", text=f"in the URL, give these percent-encoded: {', '.join(dict.fromkeys(quoted))}")
    if isinstance(description.body, MultipartBody) and any(part.data for part in description.body.parts):
        yield Diagnostic(code="form-data", text="the content of a file that the collection holds is not written here")


def _shell(text: Text) -> str:
    """A word of the shell; holes are variables in double quotes."""
    return "".join(_quoted(part) if isinstance(part, str) else f'"{_variable(part)}"' for part in text.parts) or "''"


def _variable(use: Use) -> str:
    hole = use.hole
    if hole.source == "computed":
        return _COMPUTED[hole.name]
    return f"${{{_name(hole.key)}:?}}" if hole.source == "environ" else f"${{{_name(hole.key)}}}"


def _name(key: str) -> str:
    return environ_name(key)


def _quoted(text: str) -> str:
    return text if _BARE.fullmatch(text) else "'" + text.replace("'", "'\\''") + "'"


def _one_line(text: str) -> str:
    return " ".join(text.split())


TARGETS = (Target(name="curl", label="curl, for a shell", generate=generate),)
