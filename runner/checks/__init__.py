"""Checks on responses without JavaScript (`--expect`): the language is in `grammar`, what a check means in `meaning`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from runner.checks.grammar import SUBJECTS, Check, parse
from runner.checks.meaning import Seen, failure
from runner.errors import LoadError, UsageError
from runner.extension import Extension
from runner.model import Collection, Item, Prepared, Response
from runner.plan import make_plan
from runner.reading import decode, read_bytes
from runner.sandbox import Assertion, ScriptError
from runner.selection import steps_of

_SCOPED = re.compile(rf"(?P<scope>.+?):\s+(?=(?:{SUBJECTS}))")
_CHECK = re.compile(rf"(?:{SUBJECTS})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A check and where it counts: at the requests of `scope` (name, path or pattern), or at all of them."""

    check: Check
    scope: str = ""


def rule(text: str) -> Rule:
    """A check given on the command line.

    Raises:
        UsageError: it is no check; the message names the column.
    """
    return Rule(check=parse(text, where=f"--expect {text!r}"))


def rules_of_file(path: str) -> Iterator[Rule]:
    """The checks of a file: one a line, `Orders/*: status == 201` for some requests only; `#` begins a comment line.

    Raises:
        LoadError: the file cannot be read, or a line is no check.
    """
    for number, line in enumerate(decode(read_bytes(path)).splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        scoped = None if _CHECK.match(text) else _SCOPED.match(text)
        start = scoped.end() if scoped else 0
        try:
            check = parse(text[start:], where=f"{path}, line {number}", offset=line.index(text) + start)
        except UsageError as error:
            raise LoadError(error.what, where=error.where, hint=error.hint) from None
        yield Rule(check=check, scope=scoped["scope"] if scoped else "")


def read_rules(texts: Iterable[str], files: Iterable[str]) -> list[Rule]:
    """The rules of the command line, then those of files.

    Raises:
        UsageError, LoadError: as `rule` and `rules_of_file`.
    """
    return [*map(rule, texts), *(found for path in files for found in rules_of_file(path))]


def find_scopes(rules: Iterable[Rule], collections: Sequence[Collection]) -> None:
    """Make sure that each rule counts somewhere.

    Raises:
        UsageError: a rule's scope is that of no folder and no request in any of the collections.
    """
    for scope in {rule.scope for rule in rules if rule.scope}:
        if not any(_steps(collection, scope) for collection in collections):
            steps_of(collections[0], scope)


def _steps(collection: Collection, scope: str) -> frozenset[int]:
    try:
        return steps_of(collection, scope)
    except UsageError:
        return frozenset()


class Checks(Extension):
    """Judges the response of each item by the rules that count for it."""

    def __init__(self, rules: Sequence[Rule], collection: Collection) -> None:
        scopes = {scope: _steps(collection, scope) for scope in {rule.scope for rule in rules} if scope}
        self._collection = collection  # as long as its items are there, their ids are theirs
        self._checks = {
            id(step.item): [rule.check for rule in rules if number in scopes.get(rule.scope, (number,))]
            for number, step in enumerate(make_plan(collection).steps)
        }

    def judge(self, item: Item, prepared: Prepared, response: Response) -> Iterable[Assertion]:
        """One assertion for each check, called by its text."""
        seen = Seen(response)
        for index, check in enumerate(self._checks[id(item)]):
            message = failure(check, seen)
            error = ScriptError(name="AssertionError", message=message) if message else None
            yield Assertion(name=check.text, index=index, passed=not message, error=error)
