"""Where setNextRequest leads, as far as its argument is written out."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator

from runner.linter.subject import Finding, Subject

_NEXT = re.compile(
    r"//[^\n]*|/\*.*?(?:\*/|\Z)"  # comments and other texts name nothing
    r"|\bsetNextRequest\(\s*(?P<quote>['\"`])(?P<name>(?:(?!(?P=quote))[^\\\n])+)(?P=quote)\s*\)"
    r"|(?P<other>['\"`])(?:\\.|(?!(?P=other))[^\\\n])*(?P=other)",
    re.DOTALL,
)


def unknown_next_request(subject: Subject) -> Iterator[Finding]:
    """A name that no request has: the iteration would end there."""
    names = [step.item.name for step in subject.plan.steps]
    for name, place, line in _named(subject):
        if subject.plan.find(name) is None:
            near = difflib.get_close_matches(name, names, n=1)
            meant = f"; did you mean `{near[0]}`?" if near else ""
            yield Finding(message=f"setNextRequest names `{name}`, which is no request here{meant}", place=place, line=line)


def ambiguous_next_request(subject: Subject) -> Iterator[Finding]:
    """A name that several requests have: the last one would run."""
    steps = subject.plan.steps
    ids = {step.item.id for step in steps}
    for name, place, line in _named(subject):
        titles = [step.title for step in steps if step.item.name == name]
        if len(titles) > 1 and name not in ids:
            message = f"setNextRequest names `{name}`, as {len(titles)} requests are called; the last one would run: {titles[-1]}"
            yield Finding(message=message, place=place, line=line)


def _named(subject: Subject) -> Iterator[tuple[str, str, int]]:
    """Each name that a script gives to setNextRequest as a plain text, with place and line."""
    for place, event in subject.scripts():
        for found in _NEXT.finditer(event.code):
            if found["name"] and not (found["quote"] == "`" and "${" in found["name"]):
                yield found["name"], place, event.code.count("\n", 0, found.start()) + 1
