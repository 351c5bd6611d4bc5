"""A `curl` command for a POSIX shell."""

from __future__ import annotations

import re
from collections.abc import Iterator

from runner.behavior import TLS13_SUITE
from runner.codegen.description import BytesBody, Description, Diagnostic, FileBody, MultipartBody, Part, Rules, Text
from runner.codegen.parts import USUAL_LIMIT, exact_text, exact_url, seconds
from runner.codegen.plain import has_dots
from runner.codegen.registry import OF_PYTHON, Target
from runner.codegen.settings import unsent
from runner.codegen.shell import commands, quoted, shell, unsigned
from runner.codegen.signature import switched_on


def _words(description: Description) -> Iterator[str]:
    rules, exact = description.rules, exact_url(description)
    yield "curl --fail-with-body"
    yield from _method(description)
    yield f"--url {shell(description.address.exact)}"
    if has_dots(exact):
        yield "--path-as-is"
    if re.search(r"[][{}]", exact):
        yield "--globoff"
    yield from _auth(description)
    for name, value in description.headers:
        if (name.lower(), value.plain) not in (("accept", "*/*"), ("connection", "keep-alive")):
            yield f"--header {shell(Text.of(f'{name}: ') + value if value.parts else Text.of(f'{name};'))}"
    yield from _body(description)
    if rules.follow:
        yield "--location-trusted" if rules.keep_authorization else "--location"
        yield from [f"--max-redirs {rules.limit}"] if rules.limit != USUAL_LIMIT else []
        yield from ["--post301 --post302 --post303"] if rules.keep_method else []
        yield from ["--cookie ''"] if rules.cookies else []
    yield from (f"--header '{name}:'" for name in unsent(rules, "user-agent", "accept"))
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
        yield f"--request {quoted(description.method)}"


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
            yield f"--data-binary {quoted(f'@{body.path}')}"
        case BytesBody():
            yield "--data-binary @-"
    text = exact_text(body)
    if text is not None:
        yield f"--data-raw {shell(text)}"


def _form(part: Part) -> str:
    plain = part.file_name is None and part.content_type is None
    if plain:
        return f"--form-string {shell(part.name + Text.of('=') + part.value)}"
    sign, value = ("=@", Text.of(part.path)) if part.path else ("=", part.value)
    settings = f";type={part.content_type}" if part.content_type else ""
    settings += f';filename="{_form_quoted(part.file_name)}"' if part.file_name is not None else ""
    return f"--form {shell(part.name + Text.of(sign + chr(34)) + _form_text(value) + Text.of(chr(34) + settings))}"


def _form_text(text: Text) -> Text:
    return Text(tuple(_form_quoted(part) if isinstance(part, str) else part for part in text.parts))


def _form_quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _auth(description: Description) -> Iterator[str]:
    auth = description.auth
    if auth is None:
        return
    domain = auth.text("domain") + Text.of("\\") if auth.text("domain").parts else Text()
    user = f"--user {shell(domain + auth.text('username') + Text.of(':') + auth.text('password'))}"
    match auth.type:
        case "basic":
            yield user
        case "digest" | "ntlm":
            yield f"--{auth.type}"
            yield user
        case "awsv4" if not switched_on(auth, "addAuthDataToQuery"):
            if (token := auth.text("sessionToken")).parts:
                yield f"--header {shell(Text.of('X-Amz-Security-Token: ') + token)}"
            region, service = (auth.text(name) for name in ("region", "service"))
            scope = Text.of("aws:amz:") + (region if region.parts else Text.of("us-east-1")) + Text.of(":")
            scope += service if service.parts else Text.of("execute-api")
            yield f"--aws-sigv4 {shell(scope)}"
            yield f"--user {shell(auth.text('accessKey') + Text.of(':') + auth.text('secretKey'))}"


def _diagnostics(description: Description) -> Iterator[Diagnostic]:
    auth = description.auth
    if auth and (auth.type not in ("basic", "digest", "ntlm", "awsv4") or switched_on(auth, "addAuthDataToQuery")):
        yield Diagnostic(code="auth", text=unsigned("curl", auth))
    if isinstance(description.body, MultipartBody) and any(part.data for part in description.body.parts):
        yield Diagnostic(code="form-data", text="the content of a file that the collection holds is not written here")


TARGETS = (
    Target(name="curl", label="curl, for a shell", generate=commands(_words, _diagnostics), suffix=".sh", ignores=OF_PYTHON),
)
