"""The run as a generator of events: iterations, items in order, and what stops them early.

Order and error flow follow postman-runtime: pre-request scripts, variables, auth, send, test scripts; a failure stops
nothing unless `bail` says so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any

from runner import auth, events
from runner.dump import request_json, sent_request_json
from runner.errors import NotSent, Refused, SendError
from runner.events import Place, RunEvent
from runner.exchange import mutated
from runner.extension import Turn
from runner.model import Folder, Item, Prepared, Request, Response
from runner.plan import Plan, Settings, Step
from runner.ports import WAITING, Ports, Saying, Waiting
from runner.request import resolve
from runner.sandbox import UNSET, Unset
from runner.scripts import Phase, ScriptRunner
from runner.sending import Outgoing, exchange, outgoing
from runner.variables import Scope

_SKIPPED_DRY = "a script skips this request, but the dry run has not sent what that depends on: it is shown"
_DRY = "dry run: nothing is sent, tests do not run; pm.sendRequest answers with the error EDRYRUN"


class _Stop(Exception):
    """The run ends early: `bail` on purpose, or broken off with `error`."""

    def __init__(self, *, bail: str | None = None, error: str | None = None) -> None:
        super().__init__(bail or error)
        self.bail = bail
        self.error = error


class Engine:
    """One run of a plan. `events()` may be iterated once."""

    def __init__(self, plan: Plan, ports: Ports, settings: Settings) -> None:
        self._plan = plan
        self._ports = ports
        self._settings = settings
        self._refs = count(1)
        self._run = self._happenings()
        self._interrupted = self._inside = False

    def events(self) -> Iterator[RunEvent]:
        """Everything that happens, from RunStarted to RunFinished, which always comes.

        Events are held back until the run waits for a script or a server, so that reports are written in that time.
        """
        held: list[RunEvent] = []
        while (said := self._next()) is not None:
            if isinstance(said, Waiting):
                yield from held
                held.clear()
            else:
                held.append(said)
        yield from held

    def _next(self) -> RunEvent | Waiting | None:
        self._inside = True
        try:
            return self._run.throw(KeyboardInterrupt()) if self._interrupted else next(self._run)
        except StopIteration:
            return None
        finally:
            self._inside = False

    def interrupt(self) -> None:
        """End the run: at once where it works or waits, else before its next step. For signal handlers."""
        if self._inside:
            raise KeyboardInterrupt
        self._interrupted = True

    def _happenings(self) -> Saying:
        scopes, plan = self._ports.scopes, self._plan
        yield events.RunStarted(
            collection=plan.collection,
            environment=scopes.environment.export(),
            globals=scopes.globals.export(),
            iterations=plan.iterations,
            items=len(plan.steps),
            started=time.time(),
        )
        if self._settings.dry_run:
            yield events.Noted(place=None, text=_DRY)
        end = _Stop()
        try:
            yield from self._iterations()
        except _Stop as stop:
            end = stop
        except KeyboardInterrupt:
            self._interrupted = False
            yield events.Interrupted()
        yield events.RunFinished(
            finished=time.time(),
            environment=scopes.environment.export(),
            globals=scopes.globals.export(),
            collection=replace(plan.collection, variables=scopes.collection.export().values),
            unresolved=tuple(scopes.unresolved),
            error=end.error,
            bail=end.bail,
        )

    def _iterations(self) -> Saying:
        plan = self._plan
        for iteration in range(plan.iterations if plan.steps else 0):
            row = plan.row(iteration)
            self._ports.scopes.data = Scope.of(row)
            yield events.IterationStarted(iteration=iteration, cycles=plan.iterations, data=row)
            try:
                yield from self._items(iteration)
            except _Stop as stop:
                if stop.bail:
                    yield events.IterationFinished(iteration=iteration)
                raise
            yield events.IterationFinished(iteration=iteration)

    def turn(self, position: int, iteration: int = 0) -> tuple[list[RunEvent], int | None]:
        """One item's turn by itself, for who goes from item to item: what happened, and the position that follows."""
        self._ports.scopes.data = Scope.of(self._plan.row(iteration))
        turn, happened = self._turn(position, iteration), list[RunEvent]()
        while True:
            try:
                said = next(turn)
            except StopIteration as stop:
                return happened, stop.value
            if not isinstance(said, Waiting):
                happened.append(said)

    def _items(self, iteration: int) -> Saying:
        position: int | None = 0
        while position is not None and position < len(self._plan.steps):
            yield WAITING
            self._pause(first=iteration == 0 and position == 0)
            position = yield from self._turn(position, iteration)

    def _turn(self, position: int, iteration: int) -> Generator[RunEvent | Waiting, None, int | None]:
        step = self._plan.steps[position]
        place = self._place(step, position, iteration)
        yield events.ItemStarted(place=place)
        wanted = yield from self._item(step, place)
        if isinstance(wanted, Unset):
            return position + 1
        following = self._plan.find(wanted) if wanted else None
        if wanted and following is None:
            text = f"setNextRequest: no request is called {wanted!r}, the iteration ends"
            yield events.Noted(place=place, text=text, level="warning")
        return following

    def _pause(self, *, first: bool) -> None:
        clock = self._ports.clock
        if not (first or self._settings.dry_run):
            clock.wait(self._settings.delay / 1000)
        if not clock.left:
            raise _Stop(error=f"the run took longer than its {self._settings.timeout:g} ms (--timeout)")

    def _place(self, step: Step, position: int, iteration: int) -> Place:
        return Place(
            ref=next(self._refs),
            iteration=iteration,
            cycles=self._plan.iterations,
            position=position,
            length=len(self._plan.steps),
            item=step.item,
            path=step.path,
        )

    def _item(self, step: Step, place: Place) -> Generator[RunEvent | Waiting, None, str | Unset | None]:
        after = partial(self._plan.after, place.iteration, place.position)
        run = _ItemRun(self._ports, self._settings, step, place, after)
        stop: _Stop | None = None
        try:
            yield from run.events()
        except _Stop as reason:
            stop = reason
        yield events.ItemFinished(place=place, skipped=run.skipped)
        if stop:
            raise stop
        return UNSET if self._settings.dry_run else run.phase.next_request


class _ItemRun:
    """One item's turn, from the extensions' look at it to its last test script."""

    def __init__(self, ports: Ports, settings: Settings, step: Step, place: Place, after: Callable[[], Iterable[Item]]) -> None:
        self._ports, self._settings, self._step, self._place, self._after = ports, settings, step, place, after
        self._scripts = ScriptRunner(ports, timeout=settings.script_timeout, request_timeout=settings.request_timeout)
        self.phase = Phase()
        self.skipped = False

    def events(self) -> Saying:
        request = yield from self._extensions()
        if request is None:
            return
        request = yield from self._prerequest(request)
        if self.skipped:
            return
        prepared, response = yield from self._send(request)
        if prepared is not None and response is not None:
            yield from self._remarks(prepared, response)
        if prepared is not None:
            yield from self._tests(prepared, response)

    def _extensions(self) -> Generator[RunEvent | Waiting, None, Request | None]:
        request, scopes = self._step.item.request, self._ports.scopes
        for extension in self._ports.extensions:
            item = replace(self._step.item, request=request)
            turn = Turn(
                item=item,
                path=self._step.path,
                named=self._step.named,
                lookup=scopes.lookup,
                resolve=scopes.replace,
                after=self._after,
            )
            wish = extension.prepare(turn)
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

    def _skip(self, reason: str) -> Saying:
        self.skipped = True
        yield events.ItemSkipped(place=self._place, reason=reason)

    def _stop(self, request: Request, reason: str) -> Saying:
        """The request does not go out, and that is an error."""
        out = self._outgoing(request)
        yield events.RequestSent(place=self._place, source="item", prepared=out.prepared, error=reason, error_code="ESTOPPED")
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
        except NotSent:
            return None, None
        except SendError as error:
            self._give_up(error.what)
            return out.prepared, None
        except Refused as refusal:
            self._give_up(refusal.what)
            return None, None
        return out.prepared, response

    def _outgoing(self, request: Request) -> Outgoing:
        owners: list[Item | Folder] = [self._step.item, *reversed(self._step.chain)]
        chain = [request.auth, *(folder.auth for folder in reversed(self._step.chain))]
        found = auth.effective_auth(chain)
        owner = next((owner.id for owner, given in zip(owners, chain, strict=True) if given is found), None)
        signed = replace(request, auth=found)
        out = outgoing(self._ports, resolve(signed, self._ports.scopes.replace), "item", self._behavior())
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
            raise _Stop(error=broken)
        if self._settings.bail and (broken or failures):
            raise _Stop(bail=", ".join(failures) or broken)

    def _give_up(self, reason: str) -> None:
        """A request that failed stops the run where the settings say so."""
        if self._settings.abort:
            raise _Stop(error=reason)
        if self._settings.bail:
            raise _Stop(bail=reason)
