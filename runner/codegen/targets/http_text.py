"""The text of an HTTP/1.1 message, as it goes over the wire."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from runner.codegen.code import each, file_name
from runner.codegen.description import Description, Diagnostic
from runner.codegen.message import Upload, body_of, content_of, head_of, shown, size_of
from runner.codegen.registry import OF_PYTHON, File, Job, Target
from runner.codegen.shell import unsigned
from runner.plan import Step


def generate(job: Job) -> Iterable[File]:
    """A message of each request."""
    return each(job, ".http", lambda step, description: _file(job, step, description))


def _file(job: Job, step: Step, description: Description) -> File:
    sent = [entry for entry in description.diagnostics if entry.code != "header-blanks"]
    told = tuple(dict.fromkeys((*sent, *_notes(description))))
    text = shown((*head_of(description), *body_of(description)))
    alone = replace(description, first=())
    return File(path=file_name(job, step, ".http"), text=text, step=step, description=alone, diagnostics=told)


def _notes(description: Description) -> Iterator[Diagnostic]:
    auth, content = description.auth, content_of(description)
    if auth and auth.type != "basic":
        yield Diagnostic(code="auth", text=unsigned("a message", auth))
    for first in description.first:
        brought = ", ".join(f"{{{{{name}}}}}" for name in first.stores)
        yield Diagnostic(code="first", text=f"a script of the collection has {brought} from {first.request.name} before this")
    names = {name.lower() for name, _ in description.headers}
    if size_of(content) is None and not names & {"content-length", "transfer-encoding"}:
        yield Diagnostic(code="content-length", text="Content-Length is to be added when all of the body is filled in")
    if files := [str(piece) for piece in content if isinstance(piece, Upload)]:
        yield Diagnostic(code="upload", text=f"the bytes themselves go where it says: {', '.join(dict.fromkeys(files))}")
    if not shown(head_of(description)).isascii():
        yield Diagnostic(code="latin-1", text="the headers are Latin-1 when they are sent, this text is UTF-8")
    if description.guarded:
        yield Diagnostic(code="guarded", text=description.guarded)


TARGETS = (
    Target(
        name="http",
        label="HTTP/1.1 message",
        generate=generate,
        suffix=".http",
        ignores=OF_PYTHON | {"request_timeout", "follow_redirect"},
    ),
)
