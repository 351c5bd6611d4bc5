"""Events of imaginary runs, for the tests of what is made of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from io import StringIO
from typing import Any

from runner import events
from runner.events import Place, RunEvent
from runner.model import (
    Body,
    Collection,
    Cookie,
    Environment,
    Folder,
    Item,
    Param,
    Prepared,
    Request,
    Response,
    Timings,
    Url,
    Variable,
)
from runner.reporters import Reporter, Surroundings, create
from runner.sandbox import Assertion, Console, ScriptError

MOMENT = datetime(2026, 11, 23, 0, 29, 58, 678_000, tzinfo=UTC)
ITEMS = {
    name: Item(id=f"id-{name}", name=name, request=Request(url=Url(text=f"http://h/{name}")))
    for name in ("One", "Inner", "Closed", "Skip me", "Deep", "주문")
}
COLLECTION = Collection(id="c", name="Demo", items=(ITEMS["One"], Folder(id="f", name="A", items=(ITEMS["Inner"],))))
ENVIRONMENT = Environment(id="e", name="env", values=(Variable(key="a", value="1"),))


class FakeTerminal(StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def place(name: str, *path: str, ref: int = 1, iteration: int = 0, cycles: int = 1, position: int = 0, length: int = 6) -> Place:
    return Place(ref=ref, iteration=iteration, cycles=cycles, position=position, length=length, item=ITEMS[name], path=path)


def response(
    code: int = 200, reason: str = "OK", total: float = 41.4, body: bytes = b'{"hi":"there"}', **fields: Any
) -> Response:
    timings = Timings(dns=2.0, connect=1.0, first_byte=20.0, download=5.5, total=total)
    headers = (("Content-Type", "application/json; charset=utf-8"),)
    given = {"headers": headers, "timings": timings, "wire_size": len(body), "header_size": 217, **fields}
    return Response(code=code, reason=reason, url="http://h/", body=body, **given)


def sent(where: Place, method: str = "GET", source: str = "item", path: str = "", **fields: Any) -> events.RequestSent:
    fields = fields or {"response": response()}
    prepared = Prepared(
        method=method,
        url=f"http://h/{path or where.item.name}",
        headers=(("User-Agent", "pabal"), ("X-Mine", "1")),
        body=b'{"a":1}' if method == "POST" else None,
        system_headers=frozenset({"user-agent"}),
        request=Request(
            url=Url(text=f"http://h/{path or where.item.name}"),
            method=method,
            headers=(Param(key="X-Mine", value="1"),),
            body=Body(mode="raw", raw='{"a":1}') if method == "POST" else None,
        ),
    )
    return events.RequestSent(place=where, source=source, prepared=prepared, **fields)


def asserted(
    where: Place, name: str, index: int = 0, *, passed: bool = True, skipped: bool = False, message: str = ""
) -> events.Asserted:
    error = None if passed else ScriptError(name="AssertionError", message=message, stack=f"AssertionError: {message}")
    assertion = Assertion(name=name, index=index, passed=passed, skipped=skipped, error=error)
    return events.Asserted(place=where, listen="test", index=index, assertion=assertion)


def console(where: Place, *messages: Any, level: str = "log") -> events.ConsoleWritten:
    return events.ConsoleWritten(place=where, listen="test", console=Console(level=level, messages=messages))


def script_failed(where: Place, listen: str = "test", **fields: Any) -> Iterator[RunEvent]:
    error = ScriptError(name="ReferenceError", message="nope is not defined", **fields)
    yield events.ScriptFailed(place=where, listen=listen, where=where.item.name, error=error)
    yield script_done(where, listen, failed=True)


def script_done(where: Place, listen: str = "test", *, failed: bool = False, **fields: Any) -> events.ScriptFinished:
    return events.ScriptFinished(place=where, listen=listen, where=where.item.name, failed=failed, **fields)


def whole_run(*inner: RunEvent, iterations: int = 1, **ending: Any) -> Iterator[RunEvent]:
    """A run of one iteration around these events."""
    yield events.RunStarted(
        collection=COLLECTION,
        environment=ENVIRONMENT,
        globals=Environment(),
        iterations=iterations,
        items=6,
        started=1_795_393_775.889,
    )
    yield events.IterationStarted(iteration=0, cycles=iterations)
    yield from inner
    yield events.IterationFinished(iteration=0)
    yield events.RunFinished(
        finished=1_795_393_776.286, environment=ENVIRONMENT, globals=Environment(), collection=COLLECTION, **ending
    )


def turn(where: Place, *inner: RunEvent, skipped: bool = False) -> Iterator[RunEvent]:
    yield events.ItemStarted(place=where)
    yield from inner
    yield events.ItemFinished(place=where, skipped=skipped)


def demo() -> Iterator[RunEvent]:
    """A bit of everything, after a run that Newman was seen to do."""
    one, inner = place("One"), place("Inner", "A", ref=2, position=1)
    closed, skip = place("Closed", "A", ref=3, position=2), place("Skip me", "A", ref=4, position=3)
    deep, order = place("Deep", "A", "B", ref=5, position=4), place("주문", "A", ref=6, position=5)
    cookie = Cookie(name="sid", value="abc", domain="h")
    yield from whole_run(
        *turn(
            one,
            script_done(one, "prerequest"),
            sent(one, response=response(cookies=(cookie,))),
            asserted(one, "ok one"),
            asserted(one, "bad one", 1, passed=False, message="expected 1 to deeply equal 2"),
            asserted(one, "later", 2, passed=True, skipped=True),
            script_done(one, named_next=True, next_request="Inner"),
        ),
        *turn(
            inner,
            sent(inner, source="script", path="sent", response=response(total=5)),
            script_done(inner, "prerequest"),
            sent(inner, "POST", response=response(201, "Created", total=46)),
            *script_failed(inner, line=2, column=1),
        ),
        *turn(closed, sent(closed, error="connect ECONNREFUSED 127.0.0.1:1", error_code="ECONNREFUSED")),
        *turn(skip, events.ItemSkipped(place=skip, reason="a script said so"), skipped=True),
        *turn(
            deep,
            events.Noted(place=deep, text="account: A ← B (60****45)"),
            sent(deep, response=response(note="simulated", total=0.5)),
        ),
        *turn(
            order,
            events.Noted(place=order, text="nothing is called 'x'", level="warning"),
            sent(order, "POST", error="an order to the real host\n  allow it with --yes", refused=True),
        ),
        unresolved=("host", "port"),
    )


def show(
    stream: Iterator[RunEvent], name: str = "cli", *, err: StringIO | None = None, out: StringIO | None = None, **options: Any
) -> str:
    """What a reporter writes; no colours and no Unicode unless asked for."""
    out = StringIO() if out is None else out
    surroundings = Surroundings(out=out, err=err or StringIO(), environ=options.pop("environ", {}), now=lambda: MOMENT)
    reporter: Reporter = create(name, {"color": "off", "disable-unicode": True, **options}, surroundings)
    for event in stream:
        reporter.handle(event)
    reporter.close()
    return out.getvalue()
