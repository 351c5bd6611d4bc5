"""Postman's script sandbox on V8, in a child process that can be killed."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from runner import early
from runner.errors import SandboxError
from runner.jstext import js_text
from runner.model import Json, Mutation
from runner.sandbox import (
    UNSET,
    Answer,
    Assertion,
    Console,
    Conversation,
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
from runner.sandbox.process import Died, Worker
from runner.sandbox.sight import sight
from runner.sandbox.stack import Fault, Places, script_error
from runner.sandbox.teleport import decode

NO_TIMEOUT = 2**31 - 1
DISABLED = ["datasets"]
MEGABYTE = 1024 * 1024


class V8Sandbox:
    """The sandbox of `postman-sandbox` on V8; see the `Sandbox` protocol.

    `sync_limit` is how long a script may run without yielding, in milliseconds, where it has no timeout of its own;
    `memory_limit` what V8 may use, in bytes; `console_limit` how many characters of encoded console output a script may
    write. `mute_deprecations` drops the warnings the sandbox prints for legacy globals, which Newman 6 does not print.
    `tidy` is for scripts of several runs: what one leaves in variables that it has not declared is gone before the next.
    """

    def __init__(
        self,
        *,
        sync_limit: float = 30_000,
        memory_limit: int = early.SETTINGS["memory_limit"],
        console_limit: int = early.SETTINGS["console_limit"],
        mute_deprecations: bool = early.SETTINGS["mute"],
        tidy: bool = early.SETTINGS["tidy"],
        bootcode: Path | None = None,
    ) -> None:
        self._sync_limit = sync_limit
        self._memory_limit = memory_limit
        self._settings: Json = {
            "memory_limit": memory_limit,
            "console_limit": console_limit,
            "mute": mute_deprecations,
            "tidy": tidy,
        }
        self._bootcode = bootcode or early.BOOTCODE
        self._worker: Worker | None = None
        self._count = 0
        self._running = False
        self._inner: V8Sandbox | None = None
        self._another = partial(
            V8Sandbox,
            sync_limit=sync_limit,
            memory_limit=memory_limit,
            console_limit=console_limit,
            mute_deprecations=mute_deprecations,
            tidy=tidy,
            bootcode=bootcode,
        )

    def warm(self) -> None:
        """Begin to start the engine in the background.

        Raises:
            SandboxError: the sandbox's program is not installed, or the process cannot be started.
        """
        if self._worker is None:
            self._worker = Worker(self._bootcode, self._settings)

    def close(self) -> None:
        """End the engine and leave nothing behind."""
        if self._worker is not None:
            self._worker.kill()
            self._worker = None
        if self._inner is not None:
            self._inner.close()

    def _idle(self) -> V8Sandbox:
        """An engine that runs no script now: while one waits for a request that has scripts of its own, another."""
        if not self._running:
            return self
        self._inner = self._inner or self._another()
        return self._inner._idle()

    @property
    def pid(self) -> int | None:
        """The number of the engine's process while there is one."""
        return self._worker.pid if self._worker else None

    def __enter__(self) -> V8Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ready(self) -> Worker:
        self.warm()
        worker = self._worker
        assert worker is not None  # noqa: S101
        worker.wait_ready()
        return worker

    def syntax_error(self, code: str) -> ScriptError | None:
        """Why and where a script does not parse; see `Sandbox.syntax_error`. It has no line where it ends too early.

        Raises:
            SandboxError: the engine could not be started.
        """
        return self._idle()._syntax_error(code)

    def _syntax_error(self, code: str) -> ScriptError | None:
        worker, limit = self._ready(), self._sync_limit / 1000
        try:
            worker.send(dumps(["parse", code]), limit)
            ((_, found),) = worker.receive(limit)
        except Died as death:
            self.close()
            return self._describe(death)
        if found is None:
            return None
        text, line, column = found
        return ScriptError(name="SyntaxError", message=text, line=line or None, column=column if line else None)

    def run(self, execution: Execution) -> Conversation:
        """Run one script; see `Sandbox.run`.

        Raises:
            SandboxError: the engine could not be started.
        """
        return (yield from self._idle()._run(execution))

    def _run(self, execution: Execution) -> Conversation:
        worker = self._ready()
        self._count += 1
        script = _Script(worker, execution, f"s{self._count}")
        limit = (execution.timeout or self._sync_limit) / 1000
        fit, self._running = False, True
        try:
            result = yield from script.run(limit)
            fit = script.fit
        except Died as death:
            result = yield from script.end(self._describe(death))
        finally:
            self._running = False
            if not fit:
                self.close()
        if not fit:
            self.warm()
        return result

    def _describe(self, death: Died) -> ScriptError:
        limit = f"{self._memory_limit // MEGABYTE} MB"
        said = {
            "timeout": "synchronous script execution timeout",
            "stuck": "the script engine does not answer",
            "broken": "the script changed what the sandbox is built on",
            "stalled": "the script waits for something that never happens",
            "memory": f"the script used more than {limit} of memory",
            "crash": f"the script ended the engine, most likely by using more than {limit} of memory",
        }
        return ScriptError(name="Error", message=f"sandbox: {said[death.reason]}")

    def replace_in(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        """Each text with its dynamic variables replaced by Postman's own generators; one call into the sandbox.

        Raises:
            SandboxError: the sandbox gave no answer.
        """
        execution = Execution(
            listen="prerequest",
            code="const t = JSON.parse(pm.variables.get('in')).map(s => pm.variables.replaceIn(s));"
            "pm.variables.set('out', JSON.stringify(t))",
            local=({"key": "in", "value": json.dumps(list(texts)), "type": "string"},),
        )
        conversation = self.run(execution)
        try:
            while True:
                next(conversation)
        except StopIteration as stop:
            result: ScriptResult = stop.value
        values = {item["key"]: item["value"] for item in result.local or ()}
        if "out" not in values:
            raise SandboxError(f"dynamic variables could not be replaced: {result.error}")
        return tuple(json.loads(values["out"]))


class _Script:
    """The conversation about one execution: what the worker writes, as events, and answers back."""

    def __init__(self, worker: Worker, execution: Execution, ident: str) -> None:
        self._worker = worker
        self._execution = execution
        self._id = ident
        self._error: ScriptError | None = None
        self._skipped = False
        self._last: Said | None = None
        self.fit = False
        files = tuple(
            (found.get("file", name), str(found.get("data", "")).count("\n") + 1)
            for name, found in (execution.packages or {}).items()
        )
        self._places = Places(origin=worker.origin, lines=execution.code.count("\n") + 1, files=files)

    def run(self, limit: float) -> Conversation:
        self._worker.send(message(self._execution, self._id), limit)
        yield Running()
        while True:
            for said in self._worker.receive(limit):
                if said[0] == "result":
                    return understood(partial(self._result, said))
                yield from self._say(said)

    def end(self, error: ScriptError) -> Conversation:
        """The result of a script whose engine died."""
        yield from self._tell(error)
        return ScriptResult(error=self._error, skipped=self._skipped)

    def _say(self, said: list[Any]) -> Generator[Said, Any, None]:
        if said[0] in CALLS:
            yield from self._ask(said)
            return
        event = understood(partial(self._event, *said))
        if event is not None:
            yield from self._tell(event)

    def _tell(self, event: Said) -> Generator[Said, Any, None]:
        """Hand out an event: nothing after a skip, and an error that comes again only once."""
        if self._skipped or (event == self._last and isinstance(event, ScriptError)):
            return
        self._last = event
        if isinstance(event, ScriptError) and self._error is None:
            self._error = event
        self._skipped = isinstance(event, Skipped)
        yield event

    def _event(self, kind: str, *parts: Any) -> Said | None:
        """One thing said, as an event; None for what is only good to know."""
        if kind == "console":
            return Console(level=parts[0], messages=decode(parts[1]))
        if kind == "assertion":
            name, index, passed, skipped, *fault = parts
            error = script_error(Fault(*fault), self._places) if fault else None
            return Assertion(name=name, index=index, passed=passed, skipped=bool(skipped), error=error)
        if kind == "error":
            return script_error(Fault(*parts), self._places)
        if kind == "skip":
            return Skipped()
        if kind == "syntax":
            self._places = replace(self._places, syntax=(parts[0], parts[1]))
        elif kind == "package":
            self._places = replace(self._places, loads=(*self._places.loads, (parts[0], parts[1])))
        elif kind == "shifts":
            self._places = replace(self._places, shifts=tuple(parts[0]))
        return None

    def _ask(self, said: list[Any]) -> Generator[Said, Any, None]:
        if self._skipped:
            answer: Any = None
        else:
            answer = yield understood(partial(CALLS[said[0]], *said[2:]))
        self._worker.answer(reply(said[0], self._id, said[1], answer))

    def _result(self, said: list[Any]) -> ScriptResult:
        _, worn, environment, global_changes, collection, local, named, visualizer, request = said
        self.fit = not worn
        return ScriptResult(
            environment=mutations(environment),
            globals=mutations(global_changes),
            collection_variables=mutations(collection),
            local=None if local is None else tuple(local),
            request=request,
            next_request=next_request(named),
            visualizer=visualizer if isinstance(visualizer, dict) else None,
            error=self._error,
            skipped=self._skipped,
        )


T = TypeVar("T")


def understood(read: Callable[[], T]) -> T:
    """What `read` makes of a message; a message that makes no sense means that a script broke the engine's inside.

    Raises:
        Died: it made no sense.
    """
    try:
        return read()
    except (TypeError, ValueError, KeyError, IndexError, AttributeError):
        raise Died("broken") from None


def mutations(changes: list[list[Any]] | None) -> tuple[Mutation, ...]:
    """Postman's mutations: `[key, value]` sets, `[key]` removes."""
    return tuple(
        Mutation(key=key_of(change[0]), value=change[1]) if len(change) > 1 else Mutation(key=key_of(change[0]), unset=True)
        for change in changes or ()
    )


def next_request(named: list[Any] | None) -> str | Unset | None:
    """The request a script named, in a list, by name or id; what is neither text nor null counts as its text."""
    if not named:
        return UNSET
    return None if named[0] is None else js_text(named[0])


def key_of(key: Any) -> str:
    """A variable's name; a script may have used a number."""
    return key if isinstance(key, str) else json.dumps(key)


def run_call(request_id: Any, options: Any, scopes: Mapping[str, Any]) -> RunCall:
    """What a script wants that called `pm.execution.runRequest`."""
    variables = options.get("variables") if isinstance(options, dict) else None
    return RunCall(
        request_id=js_text(request_id),
        variables=variables if isinstance(variables, dict) else {},
        environment=tuple(scopes["environment"]),
        globals=tuple(scopes["globals"]),
        collection_variables=tuple(scopes["collectionVariables"]),
        local=tuple(scopes["_variables"]),
    )


CALLS: Mapping[str, Callable[..., Said]] = {
    "request": lambda request: RequestCall(request=request),
    "cookies": lambda method, args: CookieCall(method=method, args=tuple(args)),
    "vault": lambda method, key, value: VaultCall(method=method, key=js_text(key), value=value),
    "run": run_call,
}
"""What the sandbox asks for and waits for an answer to, from the parts of its message."""


def reply(kind: str, ident: str, event: Any, answer: Answer) -> str:
    """The message that answers a call of the sandbox."""
    if kind == "cookies":
        cookie = answer if isinstance(answer, CookieAnswer) else CookieAnswer()
        return dumps([f"execution.cookies.{ident}", event, cookie.error, cookie.result])
    if kind == "vault":
        vault = answer if isinstance(answer, VaultAnswer) else VaultAnswer()
        return dumps([f"execution.vault.{ident}", event, vault.error, vault.value])
    if kind == "run":
        ran = answer if isinstance(answer, RunAnswer) else RunAnswer(error="the request was not run")
        return dumps([f"execution.run_collection_request_response.{ident}", event, *_ran(ran)])
    found = answer if isinstance(answer, RequestAnswer) else RequestAnswer(error="the request was not sent")
    error = {"name": "Error", "message": found.error, **({"code": found.code} if found.code else {})} if found.error else None
    return dumps([f"execution.response.{ident}", event, error, found.response, {"cookies": found.cookies}])


def _ran(answer: RunAnswer) -> Iterator[Any]:
    changed = {
        "environment": answer.environment,
        "globals": answer.globals,
        "collectionVariables": answer.collection_variables,
        "_variables": answer.local,
    }
    yield {"name": "Error", "message": answer.error} if answer.error else None
    yield answer.response
    yield {"variableMutations": {name: [_tracked(mutations)] for name, mutations in changed.items() if mutations}}


def _tracked(mutations: Iterable[Mutation]) -> Json:
    """Postman's record of mutations, as it has it in JSON."""
    keys = {change.key: [change.key] if change.unset else [change.key, change.value] for change in mutations}
    return {"autoCompact": True, "stream": [], "compacted": keys}


def dumps(value: Any) -> str:
    """JSON as short as it gets; what JSON has no form for goes as text."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str, allow_nan=False)
    except ValueError:
        return dumps(_finite(value))


def _finite(value: Any) -> Any:
    """The value with null for infinity, as JavaScript's JSON has it; 1e999 in a file is infinity."""
    if isinstance(value, Mapping):
        return {key: _finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def scope(values: tuple[Json, ...], name: str = "") -> Mapping[str, Any]:
    """A scope of the sandbox's contract."""
    # What has an id needs no new UUID, and making those takes a tenth of a small script's time.
    return {"id": "scope", "values": values, "name": name} if name else {"id": "scope", "values": values}


def message(execution: Execution, ident: str) -> str:
    """The `execute` message of the sandbox's contract."""
    context: Json = {
        "cookies": execution.cookies,
        "data": execution.data,
        "environment": scope(execution.environment, execution.environment_name),
        "globals": scope(execution.globals),
        "collectionVariables": scope(execution.collection_variables),
        "_variables": scope(execution.local),
    }
    if execution.request is not None:
        context["request"] = execution.request
    if execution.response is not None:
        context["response"] = execution.response
    options: Json = {
        "timeout": execution.timeout or NO_TIMEOUT,
        "cursor": {"iteration": execution.iteration, "cycles": execution.iteration_count},
        "legacy": {
            "_itemId": execution.item_id,
            "_itemName": execution.item_name,
            "_itemPath": execution.item_path,
            "_eventItemName": execution.script_place,
        },
        "disabledAPIs": DISABLED,
        "disableLegacyAPIs": not sight(execution.code, execution.packages).legacy,
    }
    if execution.packages is not None:
        found = enumerate(execution.packages.items())
        options["resolvedPackages"] = {name: {**package, "number": number} for number, (name, package) in found}
    script = {"id": "script", "type": "text/javascript", "exec": execution.code}
    event = {"id": "event", "listen": execution.listen, "script": script}
    return dumps(["execute", ident, event, context, options])
