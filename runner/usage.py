"""Which variables a collection uses, and which of them have no value: for `pabal vars` and `--fail-on-unresolved`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from runner import auth
from runner.model import Event, Request
from runner.plan import Plan, Step
from runner.request import resolve
from runner.variables import MISSING, Scopes

_NAME = re.compile(r"\{\{([^{}]*)\}\}")
_SCRIPT_GET = re.compile(r"\b(?:get|has|getEnvironmentVariable|getGlobalVariable)\(\s*(['\"])(.+?)\1\s*[,)]")
_SCRIPT_SET = re.compile(r"\b(?:set|setEnvironmentVariable|setGlobalVariable)\(\s*(['\"])(.+?)\1\s*,")


@dataclass(slots=True, kw_only=True)
class Use:
    """A variable and where it is used. `missing`: no scope has it; `empty`: it is there without a value."""

    name: str
    places: list[str] = field(default_factory=list)
    missing: bool = False
    empty: bool = False
    set_by_script: bool = False


def has_scripts(plan: Plan) -> bool:
    """Whether any item of the plan has a script with text."""
    return any(True for step in plan.steps for _ in _scripts(step))


def used_variables(plan: Plan, scopes: Scopes) -> list[Use]:
    """Every variable the selected items use, in order of first use; dynamic variables are left out."""
    uses: dict[str, Use] = {}
    written: set[str] = set()
    for step in plan.steps:
        for name in (*_in_request(step), *_in_scripts(step)):
            use = uses.setdefault(name, Use(name=name))
            if step.title not in use.places:
                use.places.append(step.title)
        written.update(found[2] for event in _scripts(step) for found in _SCRIPT_SET.finditer(event.code))
    for use in uses.values():
        value = scopes.find(use.name)
        use.missing = value is MISSING and not any(use.name in row for row in plan.rows)
        use.empty = value in ("", None)
        use.set_by_script = use.name in written
    return list(uses.values())


def _scripts(step: Step) -> Iterator[Event]:
    for owner in step.owners:
        yield from (event for event in owner.events if not event.disabled and event.code.strip())


def _in_scripts(step: Step) -> Iterator[str]:
    return (found[2] for event in _scripts(step) for found in _SCRIPT_GET.finditer(event.code))


def _in_request(step: Step) -> list[str]:
    """Names in everything of a request that is sent: `resolve` is asked to replace, and only looks."""
    names: dict[str, None] = {}

    def look(text: str) -> str:
        names.update((found[1], None) for found in _NAME.finditer(text) if not found[1].startswith("$"))
        return text

    resolve(_effective(step), look)
    return list(names)


def _effective(step: Step) -> Request:
    chain: list[Any] = [step.item.request.auth, *(folder.auth for folder in reversed(step.chain))]
    return replace(step.item.request, auth=auth.effective_auth(chain))
