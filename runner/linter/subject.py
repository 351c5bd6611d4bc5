"""What the rules look at, and what they find."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from runner.model import Event, Folder, Item, Request, Variable
from runner.plan import Plan
from runner.sandbox import ScriptError
from runner.secrets import Secrets
from runner.variables import Scopes


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something to mend. `place` is folder, request and part as in `Orders › Buy › test`; `line` counts in that part, from 1."""

    message: str
    place: str = ""
    line: int | None = None
    rule: str = ""
    file: str = ""

    def __str__(self) -> str:
        where = " › ".join(part for part in (self.file, self.place) if part)
        line = f" line {self.line}" if self.line else ""
        return f"{where}{line}: {self.rule}: {self.message}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A collection with what it would run with; an environment counts as a collection that has only variables.

    `syntax_error` parses a script; `placeholders` finds texts in a request that only an extension knows to be none.
    """

    plan: Plan
    scopes: Scopes
    secrets: Secrets
    syntax_error: Callable[[str], ScriptError | None]
    placeholders: Callable[[Request], Iterable[str]] = lambda request: ()

    @property
    def variables(self) -> tuple[Variable, ...]:
        """The file's own variables that are not disabled."""
        return tuple(variable for variable in self.plan.collection.variables if not variable.disabled)

    def owners(self) -> Iterator[tuple[str, Folder | Item]]:
        """Collection, folders and requests, each once, with its place; the collection's own place is empty."""
        seen: set[int] = set()
        for step in self.plan.steps:
            for depth, owner in enumerate(step.owners):
                if id(owner) not in seen:
                    seen.add(id(owner))
                    yield " › ".join(part.name for part in step.owners[1 : depth + 1]), owner

    def scripts(self) -> Iterator[tuple[str, Event]]:
        """Every script with text, with its place."""
        for place, owner in self.owners():
            for event in owner.events:
                if event.code.strip() and not event.disabled:
                    yield within(place, event.listen), event


def within(place: str, part: str) -> str:
    """The place of a part."""
    return f"{place} › {part}" if place else part
