"""Translated scripts in the place of Postman's sandbox; what was not translated still goes to the real one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from runner.codegen.support.pm import Pm, Response, Script, SkipRequest
from runner.codegen.support.values import JsError, text, truthy, undefined
from runner.dynamic import Dynamic
from runner.sandbox import (
    UNSET,
    Conversation,
    Execution,
    RequestAnswer,
    RequestCall,
    Running,
    Sandbox,
    ScriptError,
    ScriptResult,
    Skipped,
)


@dataclass(frozen=True, slots=True)
class JavaScript:
    """A script that has no counterpart in Python and runs in Postman's sandbox. `packages` are those it requires."""

    code: str
    packages: Mapping[str, Any] = field(default_factory=dict)


class TranslatedSandbox:
    """A script engine for Python functions. `scripts` has them by the code of their events; others run in `engine`."""

    def __init__(self, scripts: Mapping[str, Script], engine: Sandbox) -> None:
        self._scripts = scripts
        self._engine = engine

    def run(self, execution: Execution) -> Conversation:
        """Run one script; see `Sandbox.run`."""
        script = self._scripts.get(execution.code)
        if script is None:
            return (yield from self._engine.run(execution))
        return (yield from run_translated(script, execution, Dynamic(self._engine.replace_in)))

    def replace_in(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        """Dynamic variables are Postman's own."""
        return self._engine.replace_in(texts)

    def syntax_error(self, code: str) -> ScriptError | None:
        """What is wrong with the syntax of a JavaScript; see `Sandbox.syntax_error`."""
        return None if code in self._scripts else self._engine.syntax_error(code)

    def warm(self) -> None:
        """The real engine is started when something needs it."""

    def close(self) -> None:
        """End the real engine."""
        self._engine.close()


def run_translated(script: Script, execution: Execution, dynamic: Dynamic) -> Conversation:
    """Run a translated script as a sandbox would; see `Sandbox.run`."""
    pm = Pm(execution=execution, dynamic=dynamic)
    yield Running()
    skipped = _attempt(pm, lambda: _whole(script, pm))
    error: ScriptError | None = None
    while True:
        for said in pm.said:
            error = error or (said if isinstance(said, ScriptError) else None)
            yield said
        pm.said.clear()
        if skipped or not pm.calls:
            break
        request, callback = pm.calls.pop(0)
        answer = yield RequestCall(request=request)
        skipped = _attempt(pm, lambda given=answer, back=callback: back(*_answered(given)))  # type: ignore[misc]
    if skipped:
        yield Skipped()
    return ScriptResult(
        environment=tuple(pm.environment.changes.values()),
        globals=tuple(pm.globals.changes.values()),
        collection_variables=tuple(pm.collection_variables.changes.values()),
        local=pm.local,
        request=pm.request.data if pm.request.changed else None,
        next_request=pm.named[0] if pm.named else UNSET,
        error=error,
        skipped=skipped,
    )


def _whole(script: Script, pm: Pm) -> None:
    """The script and then its `tests`; one that returns something true counts as failed, as in Postman."""
    try:
        returned = script(pm)
    finally:
        pm.settle()
    if truthy(returned):
        raise JsError(text(returned))


def _attempt(pm: Pm, part: Callable[[], object]) -> bool:
    """Run a part of a script; true when it skipped the request."""
    try:
        part()
    except SkipRequest:
        return True
    except Exception as error:
        pm.fail(error)
    return False


def _answered(answer: object) -> tuple[object, object]:
    """The arguments of a callback: the error or null, and the response."""
    if not isinstance(answer, RequestAnswer) or answer.response is None:
        return JsError(
            answer.error if isinstance(answer, RequestAnswer) and answer.error else "the request was not sent"
        ), undefined
    return None, Response(answer.response)
