"""An item's turn: its scripts, its request, and the requests of the collection that its scripts run."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from runner import auth, events
from runner.dump import request_json, sent_request_json
from runner.errors import NotSent, Refused, SendError
from runner.events import Place, RunEvent
from runner.exchange import mutated, response_json
from runner.extension import Turn
from runner.model import Folder, Item, Prepared, Request, Response
from runner.plan import Plan, Settings, Step
from runner.ports import Ports, Saying, Waiting
from runner.request import resolve
from runner.sandbox import RunAnswer
from runner.scripts import Phase, ScriptRunner
from runner.sending import Outgoing, exchange, outgoing, sent

_SKIPPED_DRY = "a script skips this request, but the dry run has not sent what that depends on: it is shown"
DEEPEST = 5
"""How far requests may run one another, as in postman-runtime."""


class Stop(Exception):
    """The run ends early: `bail` on purpose, or broken off with `error`."""

    def __init__(self, *, bail: str | None = None, error: str | None = None) -> None:
        super().__init__(bail or error)
        self.bail = bail
        self.error = error


class ItemRun:
    """One item's turn, from the extensions' look at it to its last test script."""

    source = "item"

    def __init__(self, ports: Ports, settings: Settings, plan: Plan, step: Step, place: Place, depth: int = 0) -> None:
        self._ports, self._settings, self._plan, self._step, self._place = ports, settings, plan, step, place
        self._depth = depth
        self._scripts = ScriptRunner(
            ports, nested=self._run_request, timeout=settings.script_timeout, request_timeout=settings.request_timeout
        )
        self.phase = Phase()
        self.skipped = False
        self.response: Response | None = None
        self.error: SendError | Refused | None = None

    def events(self) -> Saying:
        """All that happens in it, but for its start and its end; then `skipped`, `response` and `error` tell what came of it."""
        request = yield from self._extensions()
        if request is None:
            return
        request = yield from self._prerequest(request)
        if self.skipped:
            return
        prepared, response = yield from self._send(request)
        self.response = response
        if prepared is not None and response is not None:
            yield from self._remarks(prepared, response)
        if prepared is not None:
            yield from self._tests(prepared, response)

    def _extensions(self) -> Generator[RunEvent | Waiting, None, Request | None]:
        request = self._step.item.request
        for extension in self._ports.extensions:
            wish = extension.prepare(self._turn(request))
            for note in wish.notes:
                yield events.Noted(place=self._place, text=note)
            if wish.skip is not None:
                yield from self._skip(wish.skip)
                return None
            request = wish.request or request
            if wish.stop is not None:
                yield from self._stop(request, wish.stop)
                return None
        return request

    def _turn(self, request: Request) -> Turn:
        scopes = self._ports.scopes
        return Turn(
            item=replace(self._step.item, request=request),
            path=self._step.path,
            named=self._step.named,
            lookup=scopes.lookup,
            resolve=scopes.replace,
            after=partial(self._plan.after, self._place.iteration, self._place.position),
        )

    def _skip(self, reason: str) -> Saying:
        self.skipped = True
        yield events.ItemSkipped(place=self._place, reason=reason)

    def _stop(self, request: Request, reason: str) -> Saying:
        """The request does not go out, and that is an error."""
        out = self._outgoing(request)
        self.error = SendError(reason, code="ESTOPPED")
        yield sent(self._place, self.source, out.prepared, self.error)
        self._give_up(reason)

    def _prerequest(self, request: Request) -> Generator[RunEvent | Waiting, None, Request]:
        self.phase.request = partial(request_json, request)
        yield from self._scripts.run(self._step, self._place, "prerequest", self.phase, self._settings.bail)
        if self.phase.skipped and self._ports.door.unsent:
            yield events.Noted(place=self._place, text=_SKIPPED_DRY)
        elif self.phase.skipped:
            yield from self._skip("a script called pm.execution.skipRequest")
            return request
        self._judge_phase()
        return mutated(request, self.phase.seen) if self.phase.changed and self.phase.seen else request

    def _send(self, request: Request) -> Generator[RunEvent | Waiting, None, tuple[Prepared | None, Response | None]]:
        scopes = self._ports.scopes
        scopes.missing.clear()
        out = self._outgoing(request)
        if self._settings.fail_on_unresolved and scopes.missing:
            yield from self._stop(request, f"not sent, these variables have no value: {', '.join(scopes.missing)}")
            return None, None
        try:
            response = yield from exchange(self._ports, out, self._place, self._settings.request_timeout)
        except (Refused, SendError) as error:
            self.error = error
            if not isinstance(error, NotSent):
                self._give_up(error.what)
            return (None if isinstance(error, Refused | NotSent) else out.prepared), None
        return out.prepared, response

    def _outgoing(self, request: Request) -> Outgoing:
        owners: list[Item | Folder] = [self._step.item, *reversed(self._step.chain)]
        chain = [request.auth, *(folder.auth for folder in reversed(self._step.chain))]
        found = auth.effective_auth(chain)
        owner = next((owner.id for owner, given in zip(owners, chain, strict=True) if given is found), None)
        signed = replace(request, auth=found)
        out = outgoing(self._ports, resolve(signed, self._ports.scopes.replace), self.source, self._behavior())
        return replace(out, owner=owner)

    def _behavior(self) -> Mapping[str, Any]:
        merged: dict[str, Any] = {}
        for owner in self._step.owners:
            merged.update(owner.behavior)
        return merged

    def _remarks(self, prepared: Prepared, response: Response) -> Saying:
        for extension in self._ports.extensions:
            for text in extension.remark(self._step.item, prepared, response):
                yield events.Noted(place=self._place, text=text, level="warning")

    def _tests(self, prepared: Prepared, response: Response | None) -> Saying:
        phase = self.phase
        sent = response.sent if response and response.sent else prepared
        phase.request, phase.seen, phase.response = partial(sent_request_json, sent), None, response
        yield from self._scripts.run(self._step, self._place, "test", phase, self._settings.bail)
        if response is not None:
            yield from self._judgements(prepared, response)
        self._judge_phase()

    def _judgements(self, prepared: Prepared, response: Response) -> Saying:
        for extension in self._ports.extensions:
            for assertion in extension.judge(self._step.item, prepared, response):
                if not assertion.passed:
                    self.phase.failures.append(assertion.name)
                yield events.Asserted(place=self._place, listen="test", index=next(self.phase.indices), assertion=assertion)

    def _judge_phase(self) -> None:
        """Stop the run where the settings say so."""
        broken, failures = self.phase.broken, self.phase.failures
        if self._settings.abort and broken:
            raise Stop(error=broken)
        if self._settings.bail and (broken or failures):
            raise Stop(bail=", ".join(failures) or broken)

    def _give_up(self, reason: str) -> None:
        """A request that failed stops the run where the settings say so."""
        if self._settings.abort:
            raise Stop(error=reason)
        if self._settings.bail:
            raise Stop(bail=reason)

    def _run_request(self, wanted: str, place: Place, phase: Phase) -> Generator[RunEvent | Waiting, None, RunAnswer]:
        """What `pm.execution.runRequest` does: all of it is told at the place of the item whose script asks for it."""
        if self._depth == DEEPEST:
            return RunAnswer(error=f"runRequest: requests may run one another {DEEPEST} deep, and no deeper")
        step = self._plan.request(wanted)
        if step is None:
            return RunAnswer(error=f"runRequest: the collection has no request with the id {wanted!r}")
        yield events.Noted(place=place, text=f"pm.execution.runRequest: {step.title}")
        run = _NestedRun(self._ports, self._settings, self._plan, step, place, self._depth + 1)
        run.phase.indices = phase.indices
        yield from run.events()
        for extension in self._ports.extensions:  # it is this item's turn again
            extension.prepare(self._turn(self._step.item.request))
        if run.error:
            return RunAnswer(error=run.error.what)
        return RunAnswer(response=response_json(run.response, stream=phase.bytes) if run.response else None)


class _NestedRun(ItemRun):
    """A request that a script runs: its scripts run too, but it is no item of the run, which extensions judge."""

    source = "script"

    def _skip(self, reason: str) -> Saying:
        self.skipped = True
        yield events.Noted(place=self._place, text=f"{self._step.title} is skipped: {reason}")

    def _remarks(self, prepared: Prepared, response: Response) -> Saying:
        yield from ()

    def _judgements(self, prepared: Prepared, response: Response) -> Saying:
        yield from ()
