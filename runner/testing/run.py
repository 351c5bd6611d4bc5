"""A suite that runs request by request, each in a test of its own, with all that lasts from one to the next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from runner.assemble import Session
from runner.codegen.support.sandbox import TranslatedSandbox
from runner.errors import Refused, SendError
from runner.extension import Extension, Prepare, Turn
from runner.load import load_environment
from runner.model import Environment, Json, Prepared, Variable
from runner.options import Options
from runner.plan import Settings
from runner.request import prepare, resolve
from runner.sandbox import Sandbox
from runner.testing.suite import Suite, Test

if TYPE_CHECKING:  # programs run without pytest
    import pytest

    from runner.events import RunEvent
    from runner.testing.steps import Steps

ALLOW_ORDERS = "PABAL_ALLOW_ORDERS"
ALLOW_REAL_ORDERS = "PABAL_ALLOW_REAL_ORDERS"
SIMULATE = "PABAL_SIMULATE"

_HELD = f"not sent, it changes an account; set {ALLOW_ORDERS}=1 to send it"


class Run:
    """One run of a suite, all at once or test by test; variables, cookies and tokens last from one request to the next.

    Use as a context manager. `environment` has the environment's variables; what is empty there is filled from `environ`, the
    process environment and then from `env_files`; variables of the environment at `over` win over these, `env_vars` over all.
    `data` are rows, or the path of a file of them; `extras` are settings for extensions.

    Requests that change an account are only sent with `PABAL_ALLOW_ORDERS=1` there, on a real account only with
    `PABAL_ALLOW_REAL_ORDERS=1` too; with `PABAL_SIMULATE=1` the built-in simulator answers.
    """

    def __init__(
        self,
        suite: Suite,
        environment: Mapping[str, Any] | Environment,
        environ: Mapping[str, str],
        *,
        over: str | None = None,
        env_vars: Mapping[str, str] | None = None,
        env_files: Sequence[str] = (),
        globals: Mapping[str, Any] | None = None,
        data: Sequence[Json] | str = (),
        iterations: int | None = None,
        bail: bool = False,
        working_dir: str = ".",
        ignore_redirects: bool = False,
        insecure: bool = False,
        extras: Mapping[str, Any] | None = None,
    ) -> None:
        options = Options(
            environment=_with_file(environment_of(environment), over),
            env_vars=env_vars or {},
            env_files=tuple(env_files),
            globals=environment_of(globals or {}, "globals"),
            data=data,
            iterations=iterations,
            environ=environ,
            settings=Settings(bail=bail),
            working_dir=working_dir,
            ignore_redirects=ignore_redirects,
            insecure=insecure,
            extras={
                **(extras or {}),
                "simulate": environ.get(SIMULATE) == "1",
                "allow_real_orders": environ.get(ALLOW_REAL_ORDERS) == environ.get(ALLOW_ORDERS) == "1",
            },
        )

        def scripts(engine: Sandbox) -> Sandbox:
            return TranslatedSandbox(suite.scripts, engine)

        self._session = Session(suite.collection(), options, scripts=scripts)
        if environ.get(ALLOW_ORDERS) != "1":
            self._session.extensions = (_Hold(self._session.extensions), *self._session.extensions)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._session.__exit__(kind, error, trace)

    def events(self, *, bodies: bool = True) -> Iterator[RunEvent]:
        """All of the suite in order, as `pabal run` goes through it, secrets removed; see `Session.events`."""
        return self._session.events(bodies=bodies)

    def interrupt(self) -> None:
        """End `events` early, with its last events; for signal handlers."""
        self._session.interrupt()

    def item(self, test: Test, subtests: pytest.Subtests, iteration: int = 0) -> None:
        """Run a request and its scripts; each `pm.test` becomes a subtest under its name.

        What `setNextRequest` jumps over is skipped; what it jumps back to runs again at once, in the test that asked for it.
        """
        position = self._session.plan.find(test.id)
        assert position is not None, f"{test.name} is not in this suite"  # noqa: S101
        self._steps.item(position, subtests, iteration)

    @cached_property
    def _steps(self) -> Steps:
        from runner.testing.steps import Steps

        return Steps(self._session)


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


def _with_file(ours: Environment, path: str | None) -> Environment:
    if path is None:
        return ours
    theirs = load_environment(path)
    return replace(theirs, values=(*ours.values, *theirs.values))


def environment_of(values: Mapping[str, Any] | Environment, name: str = "environment") -> Environment:
    """Variables as an environment."""
    if isinstance(values, Environment):
        return values
    return Environment(name=name, values=tuple(Variable(key=key, value=value) for key, value in values.items()))
