"""What commands for a POSIX shell have in common: words with variables in them, and the frame around the command."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable, Iterator

from runner.codegen.code import each, file_name
from runner.codegen.description import Auth, BytesBody, Description, Diagnostic, First, Text, Use
from runner.codegen.holes import SAFE, encoded
from runner.codegen.names import environ_name, identifier
from runner.codegen.parts import exact_text
from runner.codegen.registry import File, Generate, Job
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


def commands(words: Callable[[Description], Iterable[str]], notes: Callable[[Description], Iterable[Diagnostic]]) -> Generate:
    """Code of a target that makes one command of each request: its words, and what it does not send as a run does."""

    def generate(job: Job) -> Iterable[File]:
        found = each(job, ".sh", lambda step, description: _file(job, step, description))
        return [_joined(job, tuple(found))] if job.settings.joined and len(job.plan.steps) > 1 else found

    def _file(job: Job, step: Step, description: Description) -> File:
        told = tuple(dict.fromkeys((*description.diagnostics, *notes(description), *_not_encoded(description))))
        lines = [f"# {description.method} {_one_line(description.title)}", *(f"# {_one_line(entry.text)}" for entry in told)]
        if description.guarded:
            refusal = quoted(f"{description.guarded}; give --send to send it")
            lines.append(f'[ "$1" = --send ] || {{ echo {refusal} >&2; exit 1; }}')
        lines += _assigned(description)
        for first in description.first:
            lines += _stored(first)
        text = "\n".join([*lines, _command(description), ""])
        return File(path=file_name(job, step, ".sh"), text=text, step=step, description=description, diagnostics=told)

    def _command(description: Description) -> str:
        body = description.body
        feed = f"printf %s {base64.b64encode(body.data).decode()} | base64 --decode | " if isinstance(body, BytesBody) else ""
        return feed + " \\\n  ".join(words(description))

    def _stored(first: First) -> Iterator[str]:
        """A request that a script sends first, and the variables that its answer sets."""
        yield f"# A script of the collection sends this first.\nANSWER=$({_command(first.request)}) || exit"
        for name, keys in first.stores.items():
            found = f"json.load(sys.stdin){''.join(f'[{string(key)}]' for key in keys)}"
            yield f'{environ_name(name)}=$(printf %s "$ANSWER" | python3 -c {quoted(f"import json, sys; print({found})")})'

    return generate


def _joined(job: Job, parts: tuple[File, ...]) -> File:
    """The commands one after the other; what may end one of them ends none of the others."""
    texts = [f"(\n{part.text})\n" if re.search(r"\bexit\b", part.text) else part.text for part in parts]
    path = f"{identifier(job.name(job.plan.collection), fallback='requests').rstrip('_')}.sh"
    return File(path=path, text="\n".join(texts), parts=parts)


def _assigned(description: Description) -> Iterator[str]:
    """Lines that give variables the values they have, and encode those that a URL or a form could not hold as they are."""
    for hole in description.holes:
        name, value = environ_name(hole.key), quoted(hole.value)
        if hole.source == "masked" or (hole.source == "argument" and not hole.secret):
            yield f"{name}={value}"
        elif hole.default is not None:
            yield f"{name}=${{{name}:-{value}}}"
    for use in dict.fromkeys(_encoded_uses(description)):
        code = f"import sys, urllib.parse; print(urllib.parse.quote(sys.stdin.read(), safe={string(SAFE[use.quoting])}))"
        yield f'{_name(use)}=$(printf %s "${environ_name(use.hole.key)}" | python3 -c {quoted(code)})'


def _encoded_uses(description: Description) -> Iterator[Use]:
    texts = (description.address.exact, exact_text(description.body) or Text())
    return (part for text in texts for part in text.parts if isinstance(part, Use) and _is_encoded(part))


def _is_encoded(use: Use) -> bool:
    """Whether a value that is known is another one where it stands."""
    known = use.hole.default is not None or use.hole.source == "masked"
    return known and encoded(use.hole.value, use.quoting) != use.hole.value


def _name(use: Use) -> str:
    return f"{environ_name(use.hole.key)}_{use.quoting}" if _is_encoded(use) else environ_name(use.hole.key)


def _not_encoded(description: Description) -> Iterator[Diagnostic]:
    holes = [hole.name for hole in description.address.exact.holes() if hole.is_open]
    if holes:
        yield Diagnostic(code="not-encoded", text=f"in the URL, give these percent-encoded: {', '.join(dict.fromkeys(holes))}")


def unsigned(name: str, auth: Auth) -> str:
    """What to say where a program has no such auth."""
    return (
        f"{name} cannot sign with {auth.type}: this goes out without, choose a Python target such as requests to have it signed"
    )


def shell(text: Text) -> str:
    """A word of the shell; holes are variables in double quotes."""
    return "".join(quoted(part) if isinstance(part, str) else f'"{_variable(part)}"' for part in text.parts) or "''"


def _variable(use: Use) -> str:
    hole = use.hole
    if hole.source == "computed":
        return _COMPUTED[hole.name]
    needed = hole.secret or (hole.source == "environ" and hole.default is None)
    return f"${{{_name(use)}:?}}" if needed else f"${{{_name(use)}}}"


def quoted(text: str) -> str:
    """A text as a word of the shell, in quotes if it needs them."""
    return text if _BARE.fullmatch(text) else "'" + text.replace("'", "'\\''") + "'"


def _one_line(text: str) -> str:
    return " ".join(text.split())
