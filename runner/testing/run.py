"""A suite that runs request by request, each in a test of its own, with all that lasts from one to the next."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import pytest

from runner import events
from runner.assemble import Options, Session
from runner.codegen.support.sandbox import TranslatedSandbox
from runner.errors import Refused, SendError
from runner.events import RunEvent
from runner.extension import Extension, Prepare, Turn
from runner.model import Environment, Json, Prepared, Variable
from runner.request import prepare, resolve
from runner.sandbox import Sandbox, ScriptError
from runner.testing.suite import Suite, Test

_LOG = logging.getLogger("pabal")
_LEVELS = {"error": logging.ERROR, "warn": logging.WARNING, "warning": logging.WARNING, "debug": logging.DEBUG}

ALLOW_ORDERS = "PABAL_ALLOW_ORDERS"
ALLOW_REAL_ORDERS = "PABAL_ALLOW_REAL_ORDERS"
SIMULATE = "PABAL_SIMULATE"

_HELD = f"not sent, it changes an account; set {ALLOW_ORDERS}=1 to send it"


class Run:
    """One run of a suite: its variables, cookies and tokens last from test to test. Use as a context manager.

    `environment` has the environment's variables; what is empty there is filled from `environ`, the process environment.
    Requests that change an account are only sent with `PABAL_ALLOW_ORDERS=1` there, on a real account only with
    `PABAL_ALLOW_REAL_ORDERS=1` too; with `PABAL_SIMULATE=1` the built-in simulator answers.
    """

    def __init__(
        self,
        suite: Suite,
        environment: Mapping[str, Any],
        environ: Mapping[str, str],
        *,
        globals: Mapping[str, Any] | None = None,
        data: Sequence[Json] = (),
        iterations: int | None = None,
        working_dir: str = ".",
        ignore_redirects: bool = False,
        insecure: bool = False,
    ) -> None:
        options = Options(
            environment=_environment("environment", environment),
            globals=_environment("globals", globals or {}),
            data=data,
            iterations=iterations,
            environ=environ,
            working_dir=working_dir,
            ignore_redirects=ignore_redirects,
            insecure=insecure,
            extras={
                "simulate": environ.get(SIMULATE) == "1",
                "allow_real_orders": environ.get(ALLOW_REAL_ORDERS) == environ.get(ALLOW_ORDERS) == "1",
            },
        )

        def scripts(engine: Sandbox) -> Sandbox:
            return TranslatedSandbox(suite.scripts, engine)

        self._session = Session(suite.collection(), options, scripts=scripts)
        if environ.get(ALLOW_ORDERS) != "1":
            self._session.extensions = (_Hold(self._session.extensions), *self._session.extensions)
        self._engine = self._session.engine()
        self._wanted: tuple[int, int | None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._session.__exit__(kind, error, trace)

    def item(self, test: Test, subtests: pytest.Subtests, iteration: int = 0) -> None:
        """Run a request and its scripts; each `pm.test` becomes a subtest under its name.

        What `setNextRequest` jumps over is skipped; what it jumps back to runs again at once, in the test that asked for it.
        """
        position = self._session.plan.find(test.id)
        assert position is not None, f"{test.name} is not in this suite"  # noqa: S101
        if self._wanted and self._wanted[0] == iteration and self._wanted[1] != position:
            pytest.skip("setNextRequest jumped over this request")
        story = _Story(subtests, test)
        following: int | None = position
        while following is not None and following <= position:
            following = self._turn(story, following, iteration)
        self._wanted = (iteration, following) if following != position + 1 else None
        story.end()

    def _turn(self, story: _Story, position: int, iteration: int) -> int | None:
        happened, following = self._engine.turn(position, iteration)
        for event in self._session.shown(happened):
            story.tell(event)
        return following


class _Story:
    """What one test tells pytest."""

    def __init__(self, subtests: pytest.Subtests, test: Test) -> None:
        self._subtests = subtests
        self._test = test
        self._failed: str | None = None
        self._skipped: str | None = None

    def tell(self, event: RunEvent) -> None:
        """Report an event."""
        match event:
            case events.Asserted(assertion=found):
                self._part(event, found.name, found.error, skipped=found.skipped)
            case events.ScriptFailed(error=error):
                self._part(event, f"{event.listen} script of {event.where}", error)
            case events.RequestSent(source="item", error=str() as reason):
                self._failed, self._skipped = (None, reason) if event.refused else (reason, None)
            case events.ItemSkipped(reason=reason):
                self._skipped = reason
            case events.ConsoleWritten(console=console):
                _LOG.log(_LEVELS.get(console.level, logging.INFO), "%s", " ".join(map(str, console.messages)))
            case events.Noted(text=text):
                _LOG.log(_LEVELS.get(event.level, logging.INFO), "%s", text)

    def _part(
        self, event: events.Asserted | events.ScriptFailed, name: str, error: ScriptError | None, *, skipped: bool = False
    ) -> None:
        again = event.place.item.id != self._test.id
        with self._subtests.test(msg=f"{event.place.item.name}: {name}" if again else name):
            if skipped:
                pytest.skip("pm.test.skip")
            if error:
                pytest.fail(f"{error.name}: {error.message}", pytrace=False)

    def end(self) -> None:
        """What the request itself came to."""
        if self._failed:
            pytest.fail(self._failed, pytrace=False)
        if self._skipped:
            pytest.skip(self._skipped)


class _Hold(Extension):
    """Holds back what another extension says changes an account."""

    name = "orders"

    def __init__(self, others: Sequence[Extension]) -> None:
        self._others = others

    def prepare(self, turn: Turn) -> Prepare:
        """Leave out an item that changes an account, before its scripts look for what another would have left them."""
        try:
            prepared = prepare(resolve(turn.item.request, turn.resolve))
        except SendError:
            return Prepare()
        return Prepare(skip=_HELD) if self._holds(prepared) else Prepare()

    def guard(self, prepared: Prepared, source: str) -> None:
        """Refuse a request that changes an account.

        Raises:
            Refused: it does.
        """
        if self._holds(prepared):
            raise Refused(_HELD)

    def _holds(self, prepared: Prepared) -> bool:
        return any(other.changes(prepared) for other in self._others)


def _environment(name: str, values: Mapping[str, Any]) -> Environment:
    return Environment(name=name, values=tuple(Variable(key=key, value=value) for key, value in values.items()))
