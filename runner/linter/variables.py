"""Variables that have no value, are disabled, or are there twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from runner.linter.subject import Finding, Subject
from runner.usage import Use, used_variables


def unresolved_variable(subject: Subject) -> Iterator[Finding]:
    """Variables that are used, are in no scope, and are set by no script."""
    for use in _missing(subject):
        if not _disabled_in(subject, use.name):
            yield _finding(use, "is in neither the collection nor the environment and globals given, and no script sets it")


def disabled_variable(subject: Subject) -> Iterator[Finding]:
    """Variables that are used, and would have a value if they were not disabled."""
    for use in _missing(subject):
        if scope := _disabled_in(subject, use.name):
            yield _finding(use, f"is used, but disabled in the {scope}")


def duplicate_variable(subject: Subject) -> Iterator[Finding]:
    """Variables that the file has more than once."""
    for name, times in Counter(variable.key for variable in subject.variables).items():
        if name and times > 1:
            yield Finding(message=f"`{name}` is there {times} times; the last one counts")


def _missing(subject: Subject) -> Iterator[Use]:
    return (use for use in used_variables(subject.plan, subject.scopes) if use.missing and not use.set_by_script)


def _disabled_in(subject: Subject, name: str) -> str | None:
    for kind, scope in subject.scopes.layers():
        if any(variable.key == name and variable.disabled for variable in scope.export().values):
            return kind
    return None


def _finding(use: Use, what: str) -> Finding:
    more = f" (used in {len(use.places)} requests)" if len(use.places) > 1 else ""
    return Finding(message=f"`{use.name}` {what}{more}", place=use.places[0])
