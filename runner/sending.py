"""A request's way out: made ready, signed, sent and, if need be, sent again; each step is an event."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, TypeAlias

from runner import auth, events
from runner.door import INTERRUPTED, Retry
from runner.errors import NotSent, Refused, SendError
from runner.events import Place, RunEvent
from runner.extension import Talk
from runner.model import Prepared, Request, Response
from runner.ports import WAITING, Ports, Waiting
from runner.request import prepare
from runner.url import unparse


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
        yield from _ended(place, out.source, out.prepared, out.error)
        raise out.error
    talk = ports.door.converse(out.prepared)
    came: list[tuple[Prepared, _Outcome]] = []
    end: _Outcome
    try:
        answer: _Outcome | None = None
        while not isinstance(said := _said(talk, answer), Response):
            if isinstance(said, str):
                yield events.Noted(place=place, text=said)
                answer = None
            else:
                signed, answer = yield from _exchanged(ports, replace(out, prepared=said), place, timeout)
                came.append((signed, answer))
        end = said
    except (Refused, SendError) as error:
        end = error
    # What counts in the end may be an earlier response, or one made of several, which the last request stands for.
    last = next((entry for entry in came if entry[1] is end), came[-1] if came else (out.prepared, end))
    for entry in came:
        if entry is not last:
            yield sent(place, "extension", *entry)
    yield from _ended(place, out.source, last[0], end)
    if isinstance(end, Response):
        return end
    if isinstance(end, SendError) and end.code == INTERRUPTED:
        raise KeyboardInterrupt
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
        yield sent(place, "retry", signed, outcome)
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
                yield sent(place, "auth", signed, response)
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
        yield sent(place, "auth", signed, planned)
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


def sent(place: Place, source: str, prepared: Prepared, outcome: _Outcome) -> events.RequestSent | events.RequestPlanned:
    """The event that tells of a request and what came of it."""
    if isinstance(outcome, Response):
        return events.RequestSent(place=place, source=source, prepared=outcome.sent or prepared, response=outcome)
    if isinstance(outcome, NotSent):
        why, refused = outcome.objection, outcome.refused
        return events.RequestPlanned(place=place, source=source, prepared=outcome.prepared, objection=why, refused=refused)
    if isinstance(outcome, Refused):
        return events.RequestSent(place=place, source=source, prepared=prepared, error=str(outcome), refused=True)
    return events.RequestSent(place=place, source=source, prepared=prepared, error=outcome.what, error_code=outcome.code)


def _ended(place: Place, source: str, prepared: Prepared, outcome: _Outcome) -> Iterator[RunEvent]:
    """What came of a request in the end, and what to do about it if it failed."""
    yield sent(place, source, prepared, outcome)
    if isinstance(outcome, SendError) and outcome.hint:
        yield events.Noted(place=place, text=outcome.hint)


def _announced(retry: Retry, attempt: int, outcome: Response | SendError) -> str:
    reason = f"{outcome.code} {outcome.reason}".rstrip() if isinstance(outcome, Response) else outcome.code or outcome.what
    limit = f" of {retry.limit}" if retry.limit else ""
    return f"retry {attempt}{limit} in {retry.wait:.3g} s: {reason}"
