"""Running the scripts of one item: what they see, what they ask for, and what they leave behind."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, Protocol, TypeAlias

from runner import auth, events
from runner.clock import Clock
from runner.door import Door, Retry
from runner.errors import LoadError, NotSent, Refused, SendError
from runner.events import Place, RunEvent
from runner.exchange import SCRIPT_BEHAVIOR, response_json, script_request
from runner.extension import Extension, Talk
from runner.load import request_from_json
from runner.model import Cookie, Event, Json, Mutation, Prepared, Request, Response
from runner.plan import Step
from runner.request import prepare
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
    Running,
    Said,
    Sandbox,
    ScriptError,
    ScriptResult,
    Skipped,
    Unset,
)
from runner.sandbox.sight import sight
from runner.url import unparse
from runner.variables import Scope, Scopes


class CookieJar(Protocol):
    """What scripts may do with the run's cookies."""

    def call(self, method: str, args: Sequence[Any]) -> Any:
        """A method of tough-cookie's store."""
        ...


@dataclass(kw_only=True)
class Ports:
    """Everything a run reaches the outside world through, wired together by `assemble`."""

    sandbox: Sandbox
    door: Door
    scopes: Scopes
    jar: CookieJar
    read_file: Callable[[str], bytes]
    cookies_json: Callable[[Sequence[Cookie]], tuple[Json, ...]]
    extensions: Sequence[Extension] = ()
    learn: Callable[[str, Any], None] = lambda key, value: None
    packages: Callable[[Event], Mapping[str, Any] | None] = lambda event: event.packages or None
    user_agent: str = "pabal"
    clock: Clock = field(default_factory=Clock)
    memory: auth.Memory = field(default_factory=auth.Memory)


@dataclass(kw_only=True)
class Phase:
    """What the scripts of one item have brought about so far.

    `request` makes the JSON that scripts see, only called when there is one; `seen` is that JSON, `changed` when a script
    left another. `failures` names failed assertions, `broken` is the first script error, `next_request` what a script named.
    `unsent` says that a dry run left out what a script asked for.
    """

    request: Callable[[], Json] = dict
    seen: Json | None = None
    response: Response | None = None
    failures: list[str] = field(default_factory=list)
    broken: str | None = None
    skipped: bool = False
    unsent: bool = False
    changed: bool = False
    next_request: str | Unset | None = UNSET
    indices: Iterator[int] = field(default_factory=count)


class Waiting:
    """Said among the events of a run: it is about to wait, and what was said before may be told meanwhile."""


WAITING = Waiting()

Saying = Generator[RunEvent | Waiting, None, None]
Answering = Generator[RunEvent | Waiting, None, Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A request on its way out: `source` is item or script, `error` says why it could not be made ready.

    `owner` is the id of the item or folder its auth belongs to.
    """

    prepared: Prepared
    source: str
    error: SendError | None = None
    owner: str | None = None


def outgoing(ports: Ports, request: Request, source: str, behavior: Mapping[str, Any]) -> Outgoing:
    """A resolved request made ready."""
    try:
        prepared = prepare(request, behavior=behavior, read_file=ports.read_file, user_agent=ports.user_agent)
    except SendError as error:
        bare = Prepared(method=request.method, url=unparse(request.url), request=request, behavior=behavior)
        return Outgoing(prepared=bare, source=source, error=error)
    return Outgoing(prepared=prepared, source=source)


def exchange(ports: Ports, out: Outgoing, place: Place, timeout: float | None) -> Generator[RunEvent | Waiting, None, Response]:
    """Send a request and all that an extension says to the server because of it; the last event carries the source.

    Raises:
        Refused, SendError: after the event that tells of it.
    """
    if out.error:
        yield _sent(place, out.source, out.prepared, out.error)
        raise out.error
    talk = ports.door.converse(out.prepared)
    sent: list[tuple[Prepared, _Outcome]] = []
    end: _Outcome
    try:
        answer: _Outcome | None = None
        while not isinstance(said := _said(talk, answer), Response):
            if isinstance(said, str):
                yield events.Noted(place=place, text=said)
                answer = None
            else:
                signed, answer = yield from _exchanged(ports, replace(out, prepared=said), place, timeout)
                sent.append((signed, answer))
        end = said
    except (Refused, SendError) as error:
        end = error
    # What counts in the end may be an earlier response, or one made of several, which the last request stands for.
    last = next((entry for entry in sent if entry[1] is end), sent[-1] if sent else (out.prepared, end))
    for entry in sent:
        if entry is not last:
            yield _sent(place, "extension", *entry)
    yield _sent(place, out.source, last[0], end)
    if isinstance(end, Response):
        return end
    raise end


_Outcome: TypeAlias = Response | Refused | SendError


def _said(talk: Talk, outcome: _Outcome | None) -> Prepared | str | Response:
    """What a talk goes on with: a request, a line for the report, or in the end the response that counts."""
    try:
        return talk.throw(outcome) if isinstance(outcome, Refused | SendError) else talk.send(outcome)
    except StopIteration as stop:
        response: Response = stop.value
        return response


def _exchanged(
    ports: Ports, out: Outgoing, place: Place, timeout: float | None
) -> Generator[RunEvent | Waiting, None, tuple[Prepared, _Outcome]]:
    """Sign a request and send it, replays, retries and all; each that goes out is an event, but for the last one."""
    told: set[str] = set()
    for attempt in count(1):
        signed, outcome = yield from _attempt(ports, out, place, timeout, told)
        if isinstance(outcome, Refused) or not (retry := ports.door.again(signed, out.source, attempt, outcome)):
            break
        yield _sent(place, "retry", signed, outcome)
        yield events.Noted(place=place, text=_announced(retry, attempt, outcome))
        yield WAITING
        ports.clock.wait(retry.wait)
    return signed, outcome


def _attempt(
    ports: Ports, out: Outgoing, place: Place, timeout: float | None, told: set[str]
) -> Generator[RunEvent | Waiting, None, tuple[Prepared, _Outcome]]:
    """One go of a request, with what its auth sends before it; `told` holds the warnings that were given already."""
    flow = auth.sign(out.prepared, ports.memory, out.owner)
    signed, response = out.prepared, None
    try:
        while following := _following(flow, response):
            if response is not None:
                yield _sent(place, "auth", signed, response)
            signed = following
            for warning in signed.warnings:
                if warning not in told:
                    yield events.Noted(place=place, text=warning, level="warning")
            told.update(signed.warnings)
            yield WAITING
            response = ports.door.send(signed, out.source, timeout)
    except NotSent as planned:
        if _page(signed) == _page(out.prepared):
            return signed, planned
        yield _sent(place, "auth", signed, planned)
        return out.prepared, _unsigned(ports, out, timeout)
    except (Refused, SendError) as error:
        return signed, error
    assert response is not None  # noqa: S101
    return signed, response


def _page(prepared: Prepared) -> str:
    return prepared.url.partition("?")[0]


def _unsigned(ports: Ports, out: Outgoing, timeout: float | None) -> _Outcome:
    """What a dry run makes of a request whose auth first asks for a token somewhere else."""
    try:
        return ports.door.send(out.prepared, out.source, timeout)
    except (Refused, SendError) as error:
        return error


def _following(flow: auth.Flow, response: Response | None) -> Prepared | None:
    """The request that auth wants sent next, None when it is done."""
    try:
        return next(flow) if response is None else flow.send(response)
    except StopIteration:
        return None


def _sent(place: Place, source: str, prepared: Prepared, outcome: _Outcome) -> events.RequestSent | events.RequestPlanned:
    """The event that tells of a request and what came of it."""
    if isinstance(outcome, Response):
        return events.RequestSent(place=place, source=source, prepared=outcome.sent or prepared, response=outcome)
    if isinstance(outcome, NotSent):
        why, refused = outcome.objection, outcome.refused
        return events.RequestPlanned(place=place, source=source, prepared=outcome.prepared, objection=why, refused=refused)
    if isinstance(outcome, Refused):
        return events.RequestSent(place=place, source=source, prepared=prepared, error=str(outcome), refused=True)
    return events.RequestSent(place=place, source=source, prepared=prepared, error=outcome.what, error_code=outcome.code)


def _announced(retry: Retry, attempt: int, outcome: Response | SendError) -> str:
    reason = f"{outcome.code} {outcome.reason}".rstrip() if isinstance(outcome, Response) else outcome.code or outcome.what
    limit = f" of {retry.limit}" if retry.limit else ""
    return f"retry {attempt}{limit} in {retry.wait:.3g} s: {reason}"


class ScriptRunner:
    """Runs scripts of one kind after the other, collection first, the request's own last."""

    def __init__(self, ports: Ports, *, timeout: float | None = None, request_timeout: float | None = None) -> None:
        self._ports = ports
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
            if phase.unsent:
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
            phase.unsent = phase.unsent or isinstance(error, NotSent)
            return RequestAnswer(error=error.what, code=error.code)
        except Refused as refusal:
            return RequestAnswer(error=refusal.what, code="EREFUSED")
        return RequestAnswer(response=response_json(response), cookies=self._ports.cookies_json(response.cookies))

    def _cookie(self, call: CookieCall) -> CookieAnswer:
        try:
            return CookieAnswer(result=self._ports.jar.call(call.method, call.args))
        except (ValueError, TypeError, KeyError) as error:
            return CookieAnswer(error=f"CookieStore: {error}")

    def _execution(self, step: Step, place: Place, event: Event, where: str, phase: Phase) -> Execution:
        scopes, response = self._ports.scopes, phase.response
        packages = self._ports.packages(event)
        if sight(event.code, packages).request:
            phase.seen = phase.seen or phase.request()
        return Execution(
            listen=event.listen,
            code=event.code,
            request=phase.seen,
            response=response_json(response) if response else None,
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
            scopes.local = Scope.of({entry["key"]: entry.get("value") for entry in result.local})
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
    """What goes wrong because a dry run did not send a script's request is no failure."""
    if isinstance(said, ScriptError):
        text = f"{said.name} in {listen}-script, after a request that the dry run did not send: {said.message}"
        return Console(level="warn", messages=(text,))
    return replace(said, skipped=True) if isinstance(said, Assertion) and not said.passed else said


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
