"""Stand-ins for the sandbox and the wire, so that the engine is tested without V8 and without sockets."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from runner.clock import Clock
from runner.door import Door, DryDoor
from runner.dynamic import Dynamic
from runner.engine import Engine
from runner.errors import SendError
from runner.events import RunEvent
from runner.extension import Extension
from runner.load import collection_from_json
from runner.model import Prepared, Response
from runner.plan import Settings, make_plan
from runner.ports import Ports
from runner.sandbox import Conversation, Execution, ScriptResult
from runner.variables import Scope, Scopes

Script = Callable[[Execution], Conversation]


class FakeSandbox:
    """Runs Python generators in place of scripts: a script's text is the name of one."""

    def __init__(self, scripts: dict[str, Script]) -> None:
        self.scripts = scripts
        self.executions: list[Execution] = []

    def run(self, execution: Execution) -> Conversation:
        self.executions.append(execution)
        script = self.scripts.get(execution.code.strip(), nothing)
        return (yield from script(execution))

    def replace_in(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        return texts

    def syntax_error(self, code: str) -> None: ...

    def warm(self) -> None: ...

    def close(self) -> None: ...


def nothing(execution: Execution) -> Conversation:
    """A script that does nothing."""
    return ScriptResult()
    yield


@dataclass
class FakeWire:
    """Answers requests from a function and remembers them."""

    answer: Callable[[Prepared], Response] = lambda prepared: Response(code=200, reason="OK", url=prepared.url, body=b"{}")
    sent: list[Prepared] = field(default_factory=list)

    def send(self, prepared: Prepared, *, timeout: float | None = None, check: Any = None) -> Response:
        self.sent.append(prepared)
        if "unreachable" in prepared.url:
            raise SendError("connect ECONNREFUSED", code="ECONNREFUSED")
        return self.answer(prepared)

    def first(self, prepared: Prepared) -> Prepared:
        return prepared

    def close(self) -> None: ...


class FakeJar:
    """A cookie jar that knows one method."""

    def call(self, method: str, args: Any) -> Any:
        if method != "getAllCookies":
            raise ValueError(f"invalid method name '{method}'")
        return []


@dataclass
class Bench:
    """An engine over fakes; `run` gives its events."""

    scripts: dict[str, Script] = field(default_factory=dict)
    wire: FakeWire = field(default_factory=FakeWire)
    extensions: tuple[Extension, ...] = ()
    environment: dict[str, Any] = field(default_factory=dict)
    settings: Settings = field(default_factory=Settings)
    sleep: Callable[[float], None] = time.sleep

    def run(self, items: Iterable[Any], **plan: Any) -> list[RunEvent]:
        return list(self.engine(items, **plan).events())

    def engine(self, items: Iterable[Any], **plan: Any) -> Engine:
        collection = collection_from_json({"info": {"name": "bench"}, "item": list(items), **plan.pop("root", {})})
        self.scopes = Scopes(
            environment=Scope.of(self.environment),
            globals=Scope(),
            collection=Scope(collection.variables),
            dynamic=Dynamic(lambda texts: texts),
        )
        self.sandbox = FakeSandbox(self.scripts)
        clock = Clock(self.settings.timeout, sleep=self.sleep)
        ports = Ports(
            sandbox=self.sandbox,
            door=(DryDoor if self.settings.dry_run else Door)(self.wire, self.extensions, clock),
            clock=clock,
            scopes=self.scopes,
            jar=FakeJar(),
            read_file=lambda name: name.encode(),
            cookies_json=lambda cookies: (),
            extensions=self.extensions,
        )
        return Engine(make_plan(collection, **plan), ports, self.settings)


def item(name: str, *, prerequest: str = "", test: str = "", url: str = "http://server/x", **request: Any) -> dict[str, Any]:
    """An item's JSON."""
    events = [
        {"listen": listen, "script": {"exec": code}} for listen, code in (("prerequest", prerequest), ("test", test)) if code
    ]
    return {"name": name, "event": events, "request": {"method": "GET", "url": url, **request}}
