"""Running the scripts of one item: what they see, what they ask for, and what they leave behind."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TypeAlias

from runner import events
from runner.errors import LoadError, Refused, SendError
from runner.events import Place, RunEvent
from runner.exchange import SCRIPT_BEHAVIOR, response_json, script_request
from runner.jstext import js_text
from runner.load import request_from_json
from runner.model import Event, Json, Mutation, Response
from runner.plan import Step
from runner.ports import WAITING, Ports, Saying, Waiting
from runner.sandbox import (
    UNSET,
    Answer,
    Assertion,
    Console,
    CookieAnswer,
    CookieCall,
    Execution,
    RequestAnswer,
    RequestCall,
    RunAnswer,
    RunCall,
    Running,
    Said,
    ScriptError,
    ScriptResult,
    Skipped,
    Unset,
    VaultAnswer,
    VaultCall,
)
from runner.sandbox.sight import sight
from runner.sending import exchange, outgoing
from runner.variables import Scope, changes
from runner.vault import VaultError


@dataclass(kw_only=True)
class Phase:
    """What the scripts of one item have brought about so far.

    `request` makes the JSON that scripts see, only called when there is one; `seen` is that JSON, `changed` when a script
    left another. `failures` names failed assertions, `broken` is the first script error, `next_request` what a script named.
    `bytes` tells whether the script under way looks at those of responses.
    """

    request: Callable[[], Json] = dict
    seen: Json | None = None
    response: Response | None = None
    failures: list[str] = field(default_factory=list)
    broken: str | None = None
    skipped: bool = False
    changed: bool = False
    bytes: bool = False
    next_request: str | Unset | None = UNSET
    indices: Iterator[int] = field(default_factory=count)


Answering: TypeAlias = Generator[RunEvent | Waiting, None, Answer]


Nested: TypeAlias = Callable[[str, Place, Phase], Generator[RunEvent | Waiting, None, RunAnswer]]
"""Runs the request of an id, scripts and all, at the place of the one that asks for it."""


class ScriptRunner:
    """Runs scripts of one kind after the other, collection first, the request's own last."""

    def __init__(
        self, ports: Ports, *, nested: Nested | None = None, timeout: float | None = None, request_timeout: float | None = None
    ) -> None:
        self._ports = ports
        self._nested = nested
        self._timeout = timeout
        self._request_timeout = request_timeout

    def run(self, step: Step, place: Place, listen: str, phase: Phase, stop_early: bool) -> Saying:
        """All scripts of `listen` for an item; they change `phase` and the scopes."""
        for where, event in listeners(step, listen):
            yield from self._script(step, place, event, where, phase)
            if phase.skipped or (stop_early and (phase.failures or phase.broken)):
                return

    def _script(self, step: Step, place: Place, event: Event, where: str, phase: Phase) -> Saying:
        conversation = self._ports.sandbox.run(self._execution(step, place, event, where, phase))
        answer: Answer = None
        failed = False
        while True:
            try:
                said = conversation.send(answer)
            except StopIteration as stop:
                result: ScriptResult = stop.value
                break
            if self._ports.door.unsent:
                said = _excused(said, event.listen)
            failed = failed or isinstance(said, ScriptError)
            answer = yield from self._hear(said, place, event.listen, where, phase)
        yield from self._keep(result, place, phase)
        if broken := _broken_request(result):
            failed, phase.changed = True, False
            phase.broken = phase.broken or broken.message
            yield events.ScriptFailed(place=place, listen=event.listen, where=where, error=broken)
        named = not isinstance(result.next_request, Unset)
        yield events.ScriptFinished(
            place=place,
            listen=event.listen,
            where=where,
            failed=failed,
            named_next=named,
            next_request=result.next_request if not isinstance(result.next_request, Unset) else None,
            visualizer=result.visualizer,
        )

    def _hear(self, said: Said, place: Place, listen: str, where: str, phase: Phase) -> Answering:
        if isinstance(said, Assertion):
            if not (said.passed or said.skipped):
                phase.failures.append(said.name)
            yield events.Asserted(place=place, listen=listen, index=next(phase.indices), assertion=said)
        elif isinstance(said, Running):
            yield WAITING
        elif isinstance(said, Console):
            yield events.ConsoleWritten(place=place, listen=listen, console=said)
        elif isinstance(said, ScriptError):
            phase.broken = phase.broken or f"{said.name}: {said.message}"
            yield events.ScriptFailed(place=place, listen=listen, where=where, error=said)
        elif isinstance(said, RequestCall):
            return (yield from self._request(said, place, listen, phase))
        elif isinstance(said, CookieCall):
            return self._cookie(said)
        elif isinstance(said, VaultCall):
            return self._vault(said)
        elif isinstance(said, RunCall):
            return (yield from self._run_request(said, place, phase))
        elif isinstance(said, Skipped):
            phase.skipped = True
        return None

    def _request(self, call: RequestCall, place: Place, listen: str, phase: Phase) -> Answering:
        try:
            request, had_files = script_request(call.request)
        except LoadError as error:
            return RequestAnswer(error=f"pm.sendRequest: {error}")
        if had_files:
            warning = Console(level="warn", messages=("uploading files from scripts is not allowed",))
            yield events.ConsoleWritten(place=place, listen=listen, console=warning)
        out = outgoing(self._ports, request, "script", SCRIPT_BEHAVIOR)
        try:
            response = yield from exchange(self._ports, out, place, self._request_timeout)
        except SendError as error:
            return RequestAnswer(error=error.what, code=error.code)
        except Refused as refusal:
            return RequestAnswer(error=refusal.what, code="EREFUSED")
        answer = response_json(response, stream=phase.bytes)
        return RequestAnswer(response=answer, cookies=self._ports.cookies_json(response.cookies))

    def _cookie(self, call: CookieCall) -> CookieAnswer:
        try:
            return CookieAnswer(result=self._ports.jar.call(call.method, call.args))
        except (ValueError, TypeError, KeyError) as error:
            return CookieAnswer(error=f"CookieStore: {error}")

    def _vault(self, call: VaultCall) -> VaultAnswer:
        vault = self._ports.vault
        if vault is None:
            return VaultAnswer(error="pm.vault is off: say where the secrets are with --vault")
        value = None
        try:
            if call.method == "get":
                value = vault.get(call.key)
                self._ports.learn_secret(call.key, value)
            elif call.method == "set":
                self._ports.learn_secret(call.key, js_text(call.value))
                vault.set(call.key, js_text(call.value))
            else:
                vault.unset(call.key)
        except VaultError as error:
            return VaultAnswer(error=str(error))
        return VaultAnswer(value=value)

    def _run_request(self, call: RunCall, place: Place, phase: Phase) -> Answering:
        """Another request of the collection sees what this script has set so far; what it changes, the script sees in turn."""
        if self._nested is None:
            return RunAnswer(error="runRequest: there is no run to be part of")
        scopes = self._ports.scopes
        layers = {"environment": scopes.environment, "globals": scopes.globals, "collection": scopes.collection}
        given = (call.environment, call.globals, call.collection_variables)
        for (name, scope), values in zip(layers.items(), given, strict=True):
            for mutation in changes(scope.as_json(), values):
                yield from self._change(name, scope, mutation, place)
        local = _scope(call.local)
        scopes.local = _scope(call.local)
        for key, value in call.variables.items():
            scopes.local.set(key, value)
        before = [scope.as_json() for scope in (*layers.values(), scopes.local)]
        answer = yield from self._nested(call.request_id, place, phase)
        after = [scope.as_json() for scope in (*layers.values(), scopes.local)]
        environment, globals_, collection, own = (tuple(changes(*values)) for values in zip(before, after, strict=True))
        for mutation in own:
            local.apply(mutation)
        scopes.local = local
        return replace(answer, environment=environment, globals=globals_, collection_variables=collection, local=own)

    def _execution(self, step: Step, place: Place, event: Event, where: str, phase: Phase) -> Execution:
        scopes, response = self._ports.scopes, phase.response
        packages = self._ports.packages(event)
        seen = sight(event.code, packages)
        phase.bytes = seen.bytes
        if seen.request:
            phase.seen = phase.seen or phase.request()
        return Execution(
            listen=event.listen,
            code=event.code,
            request=phase.seen,
            response=response_json(response, stream=seen.bytes) if response else None,
            cookies=self._ports.cookies_json(response.cookies) if response else (),
            data={entry.key: entry.value for entry in scopes.data},
            environment=scopes.environment.as_json(),
            globals=scopes.globals.as_json(),
            collection_variables=scopes.collection.as_json(),
            local=scopes.local.as_json(),
            environment_name=scopes.environment.name,
            iteration=place.iteration,
            iteration_count=place.cycles,
            item_id=step.item.id,
            item_name=step.item.name,
            item_path=(*(folder.name for folder in step.chain), step.item.name),
            script_place=where,
            packages=packages,
            timeout=self._ports.clock.within(self._timeout),
        )

    def _keep(self, result: ScriptResult, place: Place, phase: Phase) -> Saying:
        scopes = self._ports.scopes
        for name, scope, mutations in (
            ("environment", scopes.environment, result.environment),
            ("globals", scopes.globals, result.globals),
            ("collection", scopes.collection, result.collection_variables),
        ):
            for mutation in mutations:
                yield from self._change(name, scope, mutation, place)
        if result.local is not None:
            scopes.local = _scope(result.local)
        if result.request:
            phase.seen, phase.changed = result.request, True
        if result.next_request is not UNSET:
            phase.next_request = result.next_request

    def _change(self, name: str, scope: Scope, mutation: Mutation, place: Place) -> Saying:
        new = None if mutation.unset else mutation.value
        for extension in self._ports.extensions:
            if reason := extension.accept(name, mutation.key, scope.get(mutation.key), new):
                yield events.Noted(place=place, text=reason, level="warning")
                return
        scope.apply(mutation)
        self._ports.learn(mutation.key, new)


def _excused(said: Said, listen: str) -> Said:
    """What goes wrong because a dry run has not sent a request is no failure."""
    if isinstance(said, ScriptError):
        text = f"{said.name} in {listen}-script, after a request that the dry run did not send: {said.message}"
        return Console(level="warn", messages=(text,))
    return replace(said, skipped=True) if isinstance(said, Assertion) and not said.passed else said


def _scope(values: Iterable[Json]) -> Scope:
    return Scope.of({entry["key"]: entry.get("value", "") for entry in values})


def _broken_request(result: ScriptResult) -> ScriptError | None:
    """What is wrong with the request a script left behind, if anything is; such a request is not used."""
    try:
        if result.request:
            request_from_json(result.request)
    except LoadError as error:
        return ScriptError(name="TypeError", message=f"pm.request was left in a state that is no request: {error}")
    return None


def listeners(step: Step, listen: str) -> Iterator[tuple[str, Event]]:
    """The scripts that run for an item, each with the name of what it belongs to; empty ones are left out."""
    return ((owner.name, event) for owner, event in step.scripts if event.listen == listen)
