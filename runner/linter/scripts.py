"""Scripts that V8 does not even begin to run."""

from __future__ import annotations

from collections.abc import Iterator

from runner.linter.subject import Finding, Subject


def script_syntax(subject: Subject) -> Iterator[Finding]:
    """Scripts that do not parse."""
    for place, event in subject.scripts():
        if error := subject.syntax_error(event.code):
            yield Finding(message=f"the script does not parse: {error.message}", place=place, line=error.line)
