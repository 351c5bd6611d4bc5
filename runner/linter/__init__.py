"""What there is to mend in a collection or an environment, told without sending anything: for `pabal lint`.

A rule is a function from a subject to findings; a file here holds a family of them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace

from runner.linter.behaviors import unknown_behavior
from runner.linter.bodies import invalid_json
from runner.linter.flow import ambiguous_next_request, unknown_next_request
from runner.linter.placeholders import placeholder
from runner.linter.plain_secrets import plain_secret
from runner.linter.scripts import script_syntax
from runner.linter.subject import Finding, Subject
from runner.linter.variables import disabled_variable, duplicate_variable, unresolved_variable

__all__ = ["RULES", "Finding", "Subject", "findings"]

RULES: Mapping[str, Callable[[Subject], Iterator[Finding]]] = {
    "unresolved-variable": unresolved_variable,
    "disabled-variable": disabled_variable,
    "duplicate-variable": duplicate_variable,
    "script-syntax": script_syntax,
    "invalid-json": invalid_json,
    "placeholder": placeholder,
    "unknown-next-request": unknown_next_request,
    "ambiguous-next-request": ambiguous_next_request,
    "plain-secret": plain_secret,
    "unknown-behavior": unknown_behavior,
}
"""Every rule by its name."""


def findings(subject: Subject, rules: Collection[str] = tuple(RULES)) -> Iterator[Finding]:
    """What the rules of these names find, secrets hidden."""
    for name, rule in RULES.items():
        if name in rules:
            for finding in rule(subject):
                yield replace(finding, rule=name, message=subject.secrets.hide(finding.message))
