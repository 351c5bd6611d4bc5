"""Running one script twice: in Postman's sandbox, and translated to Python; and what can be seen of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import runner.codegen.support as support
from runner.codegen.scripts import Translation, translate
from runner.codegen.support.sandbox import run_translated
from runner.dynamic import Dynamic
from runner.sandbox import Assertion, Console, Conversation, Execution, RequestCall, ScriptError, ScriptResult, Unset
from runner.sandbox.v8 import V8Sandbox
from tests.scripts import REQUEST, RESPONSE

Answers = Callable[[RequestCall], Any]


def compiled(translation: Translation) -> Callable[[Any], object]:
    """The Python function of a translation."""
    source = "\n".join(["def script(pm: Pm) -> object:", *(translation.lines or ("    pass",))])
    space: dict[str, Any] = {"Any": Any, "Pm": support.Pm}
    space.update({name: getattr(support, name) for name in translation.imports if name != "Any"})
    exec(compile(source, "<translated>", "exec"), space)
    return space["script"]


def execution(code: str, **settings: Any) -> Execution:
    return Execution(code=code, **{"listen": "test", "request": REQUEST, "response": RESPONSE, **settings})


def translated(code: str, answers: Answers | None = None, **settings: Any) -> Any:
    """What a script's translation does."""
    run = execution(code, **settings)
    script = compiled(translate(code, listen=run.listen))
    return seen(run_translated(script, run, Dynamic(lambda texts: texts)), answers)


def in_sandbox(sandbox: V8Sandbox, code: str, answers: Answers | None = None, **settings: Any) -> Any:
    """What a script does in the sandbox."""
    return seen(sandbox.run(execution(code, **settings)), answers)


def seen(conversation: Conversation, answers: Answers | None) -> Any:
    """All that a run of a script shows the outside, without the texts of errors, which differ."""
    said: list[Any] = []
    answer: Any = None
    while True:
        try:
            event = conversation.send(answer)
        except StopIteration as stop:
            return said, left(stop.value)
        answer = answers(event) if answers and isinstance(event, RequestCall) else None
        said += shown(event)


def shown(event: Any) -> list[Any]:
    if isinstance(event, Assertion):
        return [("test", event.name, event.passed, event.skipped)]
    if isinstance(event, Console):
        return [("console", event.level, [plain(message) for message in event.messages])]
    if isinstance(event, ScriptError):
        return [("error",)]
    return [("request", event.request)] if isinstance(event, RequestCall) else []


def left(result: ScriptResult) -> Any:
    changes = [
        {change.key: "unset" if change.unset else plain(change.value) for change in scope}
        for scope in (result.environment, result.globals, result.collection_variables)
    ]
    local = result.local and {entry["key"]: plain(entry.get("value")) for entry in result.local}
    named = "none named" if isinstance(result.next_request, Unset) else result.next_request
    return changes, local, named, result.skipped


def plain(value: Any) -> Any:
    """A value that compares as JavaScript's do: numbers are floats, truth is not a number, errors only errors."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return ("is", value)
    if isinstance(value, int | float):
        return "NaN" if value != value else float(value) if abs(value) < 1e308 else str(float(value))
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    if isinstance(value, dict):
        if value.get("type") == "Error":
            return "an error"
        return {key: plain(entry) for key, entry in value.items()}
    return repr(value)
