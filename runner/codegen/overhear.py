"""Requests that pre-request scripts send first: the scripts run in the sandbox, and what they ask for is noted, not sent."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

from runner.codegen.holes import StandIns
from runner.cookies import Jar, postman_json
from runner.door import Door
from runner.dump import request_json
from runner.events import Place
from runner.model import Event, Prepared, Request, Response
from runner.plan import Step
from runner.ports import Ports
from runner.sandbox import Sandbox
from runner.scripts import Phase, ScriptRunner
from runner.secrets import Secrets
from runner.variables import Scope, Scopes

_SENDS = re.compile(r"\bsendRequest\b")
_WORD = re.compile(r"[A-Za-z_]\w*")
_NAMED = re.compile(r"""(['"])([\w.-]+)\1""")
_ASKED = re.compile(
    r"""\b(?:get\(\s*|(?:environment|globals)\[)(['"`])(?P<text>[\w.-]+)\1"""
    r"""|\b(?:environment|globals)\.(?P<word>\w+)\b(?!\()|\{\{(?P<written>[^{}]+)\}\}"""
)
"""How scripts ask for variables."""
_UNKNOWN = re.compile(r"\bundefined\b|\{\{|%7B%7B")
"""What a URL has where a script put together a variable without a value."""
_MOST_MS = 5_000
_FOREIGN = {"__proto__", "constructor", "toString", "valueOf"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A request that a script asked for, with stand-ins, and what it stored of the answer: variable to key of the JSON."""

    prepared: Prepared
    stores: Mapping[str, tuple[str, ...]]


Overhear: TypeAlias = Callable[[Step, Request, StandIns], Sequence[Heard]]


def overhearing(sandbox: Sandbox, scopes: Scopes, secrets: Secrets) -> Overhear:
    """What listens to the scripts of a run with these scopes."""

    def overhear(step: Step, request: Request, marks: StandIns) -> Sequence[Heard]:
        code = "\n".join(event.code for event in _prerequests(step))
        if not _SENDS.search(code):
            return ()
        missing = _secret_names(code, scopes, secrets)
        ear, shown = _listened(sandbox, step, request, _shown(scopes, marks, missing))
        if any(lacks_a_value(prepared.url) for prepared in ear.heard):
            missing += _asked_for(code, scopes)
            ear, shown = _listened(sandbox, step, request, _shown(scopes, marks, missing))
        heard = ear.heard if "http://" in code else map(_without_scheme, ear.heard)
        return [Heard(prepared=prepared, stores=dict(ear.stored(shown, index))) for index, prepared in enumerate(heard)]

    return overhear


class _Ear:
    """Stands where the network would be. Every word of the scripts is a key of its answers, with a value of its own."""

    def __init__(self, code: str) -> None:
        self._keys = dict.fromkeys(_WORD.findall(code))
        self.heard: list[Prepared] = []

    def send(
        self, prepared: Prepared, *, timeout: float | None = None, check: Callable[[Prepared, str], None] | None = None
    ) -> Response:
        answer = {key: self._value(key, len(self.heard)) for key in self._keys if key not in _FOREIGN}
        self.heard.append(prepared)
        headers = (("Content-Type", "application/json"),)
        return Response(code=200, reason="OK", url=prepared.url, headers=headers, body=json.dumps(answer).encode())

    def first(self, prepared: Prepared) -> Prepared:
        return prepared

    def close(self) -> None:
        """There is nothing to close."""

    def stored(self, scopes: Scopes, index: int) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The variables that hold a value of the answer to that request."""
        keys = {self._value(key, index): key for key in self._keys}
        for _, scope in scopes.layers():
            for variable in scope:
                if isinstance(variable.value, str) and variable.value in keys:
                    yield variable.key, (keys[variable.value],)

    def _value(self, key: str, index: int) -> str:
        return f"answer {index} of the overhearing: {key}"


def _prerequests(step: Step) -> Iterator[Event]:
    for owner in step.owners:
        yield from (event for event in owner.events if event.listen == "prerequest" and not event.disabled)


def _secret_names(code: str, scopes: Scopes, secrets: Secrets) -> list[str]:
    """Secrets that the scripts name and no scope has: they come from the process environment in the end."""
    named = dict.fromkeys(found[2] for found in _NAMED.finditer(code))
    return [name for name in named if secrets.is_secret(name) and not any(name in scope for _, scope in scopes.layers())]


def lacks_a_value(url: str) -> bool:
    """Whether a script put this URL together from a variable that has no value."""
    return bool(_UNKNOWN.search(url))


def _without_scheme(prepared: Prepared) -> Prepared:
    """A request to a URL that the script wrote without `http://`: then a variable may hold that."""
    request = prepared.request
    if request is None or request.url.protocol != "http":
        return prepared
    return replace(prepared, request=replace(request, url=replace(request.url, protocol=None)))


def _asked_for(code: str, scopes: Scopes) -> list[str]:
    """Variables that the scripts ask for and no scope has."""
    named = dict.fromkeys(found["text"] or found["word"] or found["written"] for found in _ASKED.finditer(code))
    return [name for name in named if not any(name in scope for _, scope in scopes.layers())]


def _shown(scopes: Scopes, marks: StandIns, missing: Sequence[str]) -> Scopes:
    """A copy of the scopes for the scripts to see and change, with stand-ins where the code will have holes."""
    copies = [Scope((_marked(variable, marks) for variable in scope), name=scope.name) for _, scope in scopes.layers()]
    local, data, environment, collection, globals_ = copies
    made = Scopes(environment=environment, globals=globals_, collection=collection, dynamic=scopes.dynamic)
    made.local, made.data = local, data
    for name in missing:
        for scope in (environment, globals_, collection):
            scope.set(name, marks.shown(name))
    return made


def _marked(variable: Any, marks: StandIns) -> Any:
    mark = marks.shown(variable.key)
    return variable if mark is None else replace(variable, value=mark, type="any")


def _listened(sandbox: Sandbox, step: Step, request: Request, scopes: Scopes) -> tuple[_Ear, Scopes]:
    """What the scripts ask for, and the scopes they leave."""
    ear = _Ear("\n".join(event.code for event in _prerequests(step)))
    ports = Ports(
        sandbox=sandbox,
        door=Door(ear),
        scopes=scopes,
        jar=Jar(),
        read_file=_no_file,
        cookies_json=postman_json,
    )
    place = Place(ref=0, iteration=0, cycles=1, position=0, length=1, item=step.item, path=step.path)
    phase = Phase(request=partial(request_json, request))
    for _ in ScriptRunner(ports, timeout=_MOST_MS).run(step, place, "prerequest", phase, stop_early=False):
        pass
    return ear, scopes


def _no_file(name: str) -> bytes:
    raise FileNotFoundError(name)
