"""The run as a generator of events: iterations, items in order, and what stops them early.

Order and error flow follow postman-runtime: pre-request scripts, variables, auth, send, test scripts; a failure stops
nothing unless `bail` says so.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator
from dataclasses import replace
from itertools import count

from runner import events
from runner.events import Place, RunEvent
from runner.item import ItemRun, Stop
from runner.model import Json
from runner.plan import Plan, Settings, Step
from runner.ports import WAITING, Ports, Saying, Waiting
from runner.sandbox import UNSET, Unset
from runner.variables import Scope

_DRY = "dry run: nothing is sent, tests do not run; pm.sendRequest answers with the error EDRYRUN"
_REFS = 10**9
"""Numbers that an iteration has for its items: they are the same whichever process runs it."""


class Engine:
    """One run of a plan. `events()` may be iterated once. `rows` decide how many iterations there are where the plan does not."""

    def __init__(self, plan: Plan, ports: Ports, settings: Settings, rows: Iterable[Json] | None = None) -> None:
        self._plan = plan
        self._rows = ((turn, plan.row(turn)) for turn in plan.turns) if rows is None else enumerate(rows)
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
        end = Stop()
        try:
            yield from self._iterations()
        except Stop as stop:
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
        for iteration, row in self._rows if plan.steps else ():
            self._refs = count(iteration * _REFS + 1)
            self._ports.scopes.data = Scope.of(row)
            yield events.IterationStarted(iteration=iteration, cycles=plan.iterations, data=row)
            try:
                yield from self._items(iteration)
            except Stop as stop:
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
            self._pause(first=iteration == self._plan.turns.start and position == 0)
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
            raise Stop(error=f"the run took longer than its {self._settings.timeout:g} ms (--timeout)")

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
        run = ItemRun(self._ports, self._settings, self._plan, step, place)
        stop: Stop | None = None
        try:
            yield from run.events()
        except Stop as reason:
            stop = reason
        yield events.ItemFinished(place=place, skipped=run.skipped)
        if stop:
            raise stop
        return UNSET if self._settings.dry_run else run.phase.next_request
