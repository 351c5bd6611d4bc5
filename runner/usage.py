"""Which variables a collection uses, and which of them have no value: for `pabal vars` and `--fail-on-unresolved`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from runner import auth
from runner.dynamic import NAMES
from runner.model import Request
from runner.plan import Plan, Step
from runner.request import resolve
from runner.variables import MISSING, Scopes

_BRACES = re.compile(r"\{\{([^{}]*)\}\}")
_ANGLES = re.compile(r"<<([^<>]*)>>")
_SCRIPT_GET = re.compile(  # of a scope: headers and cookies have a `get`, too
    r"(?:(?:environment|globals|[vV]ariables|iterationData)\s*\.\s*(?:get|has)|\bget(?:Environment|Global)Variable)"
    r"\(\s*(['\"])(.+?)\1\s*[,)]"
)
_SCRIPT_SET = re.compile(r"\b(?:set|setEnvironmentVariable|setGlobalVariable)\(\s*(['\"])(.+?)\1\s*,")


@dataclass(slots=True, kw_only=True)
class Use:
    """A variable and where it is used. `missing`: no scope has it; `empty`: it is there without a value."""

    name: str
    places: list[str] = field(default_factory=list)
    missing: bool = False
    empty: bool = False
    set_by_script: bool = False


def used_variables(plan: Plan, scopes: Scopes) -> list[Use]:
    """Every variable the selected items use, in order of first use, those inside other variables too; no dynamic ones."""
    uses: dict[str, Use] = {}
    written: set[str] = set()
    for step in plan.steps:
        for name in _with_nested((*_in_request(step, scopes), *_in_scripts(step)), scopes):
            use = uses.setdefault(name, Use(name=name))
            if step.title not in use.places:
                use.places.append(step.title)
        written.update(found[2] for _, event in step.scripts for found in _SCRIPT_SET.finditer(event.code))
    for use in uses.values():
        value = scopes.find(use.name)
        use.missing = value is MISSING and not any(use.name in row for row in plan.rows)
        use.empty = value in ("", None)
        use.set_by_script = use.name in written
    return list(uses.values())


def _in_scripts(step: Step) -> Iterator[str]:
    return (found[2] for _, event in step.scripts for found in _SCRIPT_GET.finditer(event.code))


def _in_request(step: Step, scopes: Scopes) -> list[str]:
    """Names in everything of a request that is sent: `resolve` is asked to replace, and only looks."""
    names: dict[str, None] = {}

    def look(text: str) -> str:
        names.update(dict.fromkeys(_in_text(text, scopes)))
        return text

    resolve(_effective(step), look)
    return list(names)


def _in_text(text: str, scopes: Scopes) -> Iterator[str]:
    yield from (found[1] for found in _BRACES.finditer(text) if found[1][1:] not in NAMES or not found[1].startswith("$"))
    yield from (found[1] for found in _ANGLES.finditer(text) if scopes.find(found[1]) is not MISSING)


def _with_nested(names: Iterable[str], scopes: Scopes) -> list[str]:
    """The names, and those in their values."""
    found = dict.fromkeys(names)
    waiting = list(found)
    while waiting:
        value = scopes.find(waiting.pop())
        inner = [name for name in _in_text(value, scopes) if name not in found] if isinstance(value, str) else []
        found.update(dict.fromkeys(inner))
        waiting += inner
    return list(found)


def _effective(step: Step) -> Request:
    chain: list[Any] = [step.item.request.auth, *(folder.auth for folder in reversed(step.chain))]
    return replace(step.item.request, auth=auth.effective_auth(chain))
