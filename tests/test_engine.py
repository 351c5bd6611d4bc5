"""The life-cycle of a run: order, error flow, setNextRequest, iterations, bail, extensions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from runner import events
from runner.errors import Refused, UsageError
from runner.events import RunEvent
from runner.extension import Extension, Prepare, Turn
from runner.load import collection_from_json
from runner.model import Item, Mutation, Prepared, Response
from runner.plan import Settings, make_plan
from runner.sandbox import (
    Assertion,
    Conversation,
    CookieCall,
    Execution,
    RequestCall,
    ScriptError,
    ScriptResult,
    Skipped,
)
from tests.fakes import Bench, FakeWire, item


def names(happened: Iterable[RunEvent]) -> list[str]:
    return [type(event).__name__ for event in happened]


def sent(bench: Bench) -> list[str]:
    return [prepared.url.rpartition("/")[2] for prepared in bench.wire.sent]


def requests(count: int) -> list[dict[str, Any]]:
    return [item(f"r{number}", url=f"http://server/{number}") for number in range(1, count + 1)]


def naming(target: str | None) -> Any:
    def script(execution: Execution) -> Conversation:
        return ScriptResult(next_request=target)
        yield

    return script


def failing(execution: Execution) -> Conversation:
    yield Assertion(name="no", index=0, passed=False, error=ScriptError(name="AssertionError", message="1 != 2"))
    return ScriptResult()


def throwing(execution: Execution) -> Conversation:
    error = ScriptError(name="TypeError", message="boom", line=3)
    yield error
    return ScriptResult(error=error)


def test_the_order_of_one_item() -> None:
    bench = Bench(scripts={"t": failing})
    assert names(bench.run([item("a", prerequest="p", test="t")])) == [
        "RunStarted", "IterationStarted", "ItemStarted", "ScriptFinished", "RequestSent", "Asserted", "ScriptFinished",
        "ItemFinished", "IterationFinished", "RunFinished",
    ]  # fmt: skip


def test_scripts_run_collection_first_and_the_empty_ones_not_at_all() -> None:
    def event(code: str, **more: Any) -> dict[str, Any]:
        return {"listen": "test", "script": {"exec": code.split("\n")}, **more}

    inner = {"name": "inner", "item": [item("a", test="own")], "event": [event("inner"), event(" \n\t")]}
    outer = {"name": "outer", "item": [inner], "event": [event("outer"), event("off", disabled=True)]}
    bench = Bench()
    bench.run([outer], root={"event": [event("root")]})
    assert [execution.code for execution in bench.sandbox.executions] == ["root", "outer", "inner", "own"]
    assert bench.sandbox.executions[0].item_path == ("bench", "outer", "inner", "a")


def test_variables_are_resolved_after_the_prerequest_scripts() -> None:
    def sets(execution: Execution) -> Conversation:
        assert execution.request["url"] == "http://server/{{id}}"
        return ScriptResult(environment=(Mutation(key="id", value=7),), local=({"key": "loc", "value": "L"},))
        yield

    bench = Bench(scripts={"sets, given the request": sets})
    bench.run(
        [
            item("a", prerequest="sets, given the request", url="http://server/{{id}}"),
            item("b", url="http://server/{{loc}}{{id}}"),
        ]
    )
    assert sent(bench) == ["7", "L7"]


def test_a_response_is_a_stream_for_scripts_that_look_at_its_bytes() -> None:
    bench = Bench()
    bench.run([item("a", test="pm.response.responseSize"), item("b", test="pm.response.text()")])
    assert ["stream" in (execution.response or {}) for execution in bench.sandbox.executions] == [True, False]


def test_a_mutated_request_goes_out_once_and_not_in_the_next_iteration() -> None:
    def changes(execution: Execution) -> Conversation:
        request = {**execution.request, "method": "POST", "header": [{"key": "X-New", "value": "{{v}}"}]}
        return ScriptResult(request=request if execution.iteration == 0 else None)
        yield

    bench = Bench(scripts={"changes the request": changes}, environment={"v": "resolved"})
    bench.run([item("a", prerequest="changes the request")], iterations=2)
    assert [(prepared.method, prepared.header("x-new")) for prepared in bench.wire.sent] == [("POST", "resolved"), ("GET", None)]


@pytest.mark.parametrize(
    ("target", "expected"),
    [("r3", ["1", "3"]), (None, ["1"]), ("nobody", ["1"]), ("", ["1"])],
)
def test_set_next_request(target: str | None, expected: list[str]) -> None:
    bench = Bench(scripts={"go": naming(target)})
    first, *rest = requests(3)
    happened = bench.run([{**first, "event": [{"listen": "test", "script": {"exec": "go"}}]}, *rest])
    assert sent(bench) == expected
    warned = [event.text for event in happened if isinstance(event, events.Noted)]
    assert bool(warned) == (target == "nobody")


def test_of_equal_names_the_last_is_next_and_null_ends_only_the_iteration() -> None:
    bench = Bench(scripts={"go": naming("twin"), "end": naming(None)})
    items = [
        item("a", test="go", url="http://s/1"),
        item("twin", url="http://s/2"),
        item("twin", test="end", url="http://s/3"),
        *requests(1),
    ]
    bench.run(items, iterations=2)
    assert sent(bench) == ["1", "3", "1", "3"]


def test_the_last_script_that_names_a_request_wins() -> None:
    bench = Bench(scripts={"go2": naming("r2"), "go3": naming("r3")})
    bench.run([item("a", prerequest="go3", test="go2", url="http://s/0"), *requests(3)])
    assert sent(bench) == ["0", "2", "3"]


def test_nothing_stops_a_run_by_default() -> None:
    bench = Bench(scripts={"throws": throwing, "fails": failing})
    happened = bench.run([item("a", prerequest="throws", test="fails", url="http://unreachable/"), *requests(1)])
    assert len(bench.wire.sent) == 2
    assert [type(e).__name__ for e in happened if isinstance(e, events.ScriptFailed | events.Asserted)] == [
        "ScriptFailed",
        "Asserted",
    ]
    assert bench.sandbox.executions[1].response is None


@pytest.mark.parametrize("where", ["prerequest", "test"])
def test_bail_stops_after_the_script_and_ends_items_and_iterations(where: str) -> None:
    bench = Bench(scripts={"fails": failing}, settings=Settings(bail=True))
    happened = bench.run([item("a", **{where: "fails"}), *requests(2)], iterations=3)
    assert len(bench.wire.sent) == (0 if where == "prerequest" else 1)
    assert names(happened)[-3:] == ["ItemFinished", "IterationFinished", "RunFinished"]
    assert happened[-1].bail == "no"  # type: ignore[union-attr]


def test_abort_breaks_off_on_script_and_request_errors_but_not_on_assertions() -> None:
    for first, broken in (
        (item("a", test="fails"), None),
        (item("a", test="throws"), "TypeError: boom"),
        (item("a", url="http://unreachable/"), "connect ECONNREFUSED"),
    ):
        bench = Bench(scripts={"fails": failing, "throws": throwing}, settings=Settings(abort=True))
        happened = bench.run([first, *requests(1)])
        assert happened[-1].error == broken  # type: ignore[union-attr]
        assert len(bench.wire.sent) == (2 if broken is None else 1)


def test_skip_request_leaves_out_request_tests_and_later_scripts() -> None:
    def skips(execution: Execution) -> Conversation:
        yield Skipped()
        return ScriptResult(skipped=True)

    bench = Bench(scripts={"skips": skips})
    happened = bench.run([item("a", prerequest="skips", test="t"), *requests(1)], root={"event": []})
    assert sent(bench) == ["1"]
    assert [event.skipped for event in happened if isinstance(event, events.ItemFinished)] == [True, False]
    assert len(bench.sandbox.executions) == 1


def test_scripts_send_requests_and_use_cookies_through_the_run() -> None:
    heard: list[Any] = []

    def asks(execution: Execution) -> Conversation:
        heard.append(
            (yield RequestCall(request={"url": "http://server/asked", "method": "GET", "body": {"mode": "raw", "raw": "b"}}))
        )
        heard.append((yield RequestCall(request={"url": "http://unreachable/", "method": "GET"})))
        heard.append((yield CookieCall(method="getAllCookies", args=())))
        heard.append((yield CookieCall(method="nonsense", args=())))
        return ScriptResult()

    bench = Bench(scripts={"asks": asks})
    happened = bench.run([item("a", prerequest="asks")])
    assert heard[0].response["code"] == 200 and heard[0].response["body"] == "{}"
    assert (heard[1].error, heard[1].code) == ("connect ECONNREFUSED", "ECONNREFUSED")
    assert heard[2].result == [] and "nonsense" in heard[3].error
    assert [event.source for event in happened if isinstance(event, events.RequestSent)] == ["script", "script", "item"]
    assert bench.wire.sent[0].body == b"b"


def test_scripts_may_not_upload_files() -> None:
    def uploads(execution: Execution) -> Conversation:
        form = [{"key": "f", "type": "file", "src": "secret"}, {"key": "t", "value": "v", "type": "text"}]
        yield RequestCall(request={"url": "http://server/up", "method": "POST", "body": {"mode": "formdata", "formdata": form}})
        return ScriptResult()

    bench = Bench(scripts={"uploads": uploads})
    happened = bench.run([item("a", prerequest="uploads")])
    assert b"secret" not in (bench.wire.sent[0].body or b"") and b'name="t"' in (bench.wire.sent[0].body or b"")
    assert any(isinstance(event, events.ConsoleWritten) and event.console.level == "warn" for event in happened)


def test_data_rows_and_iterations() -> None:
    rows = [{"n": 1}, {"n": 2}]
    for iterations, expected in ((None, ["1", "2"]), (1, ["1"]), (4, ["1", "2", "2", "2"])):
        bench = Bench()
        bench.run([item("a", url="http://server/{{n}}")], rows=rows, iterations=iterations)
        assert sent(bench) == expected


def test_delay_lies_between_items_and_iterations_only() -> None:
    slept: list[float] = []
    bench = Bench(settings=Settings(delay=20), sleep=slept.append)
    bench.run(requests(2), iterations=2)
    assert slept == [0.02, 0.02, 0.02]


def test_a_run_that_takes_too_long_ends_with_an_error_and_keeps_what_was_done() -> None:
    def slow(prepared: Prepared) -> Response:
        import time

        time.sleep(0.03)
        return Response(code=200, reason="OK", url=prepared.url)

    bench = Bench(settings=Settings(timeout=50))
    bench.wire.answer = slow
    happened = bench.run(requests(10))
    assert "--timeout" in happened[-1].error  # type: ignore[union-attr]
    assert 1 <= len(bench.wire.sent) < 10


def test_ctrl_c_is_an_event_and_the_end_still_comes() -> None:
    def interrupted(prepared: Prepared) -> Response:
        raise KeyboardInterrupt

    bench = Bench()
    bench.wire.answer = interrupted
    assert names(bench.run(requests(2)))[-2:] == ["Interrupted", "RunFinished"]


def test_a_signal_while_somebody_else_works_ends_the_run_before_its_next_step() -> None:
    bench = Bench()
    engine = bench.engine(requests(5))
    happened: list[RunEvent] = []
    for event in engine.events():
        happened.append(event)
        if isinstance(event, events.RequestSent):
            engine.interrupt()
    assert names(happened)[-2:] == ["Interrupted", "RunFinished"]
    assert 1 <= len(bench.wire.sent) < 5


def test_events_are_told_before_the_run_waits_for_a_server() -> None:
    told: list[str] = []

    def slow(prepared: Prepared) -> Response:
        told.append(f"asked, {len(happened)} told")
        return Response(code=200, reason="OK", url=prepared.url)

    bench = Bench(wire=FakeWire(answer=slow))
    happened: list[RunEvent] = []
    for event in bench.engine(requests(2)).events():
        happened.append(event)  # noqa: PERF402  one by one: `slow` looks at how many there are
    assert told == ["asked, 3 told", "asked, 6 told"]


def test_unresolved_variables_are_told_at_the_end_or_stop_the_request() -> None:
    bench = Bench()
    assert bench.run([item("a", url="http://server/{{nope}}")])[-1].unresolved == ("nope",)  # type: ignore[union-attr]
    strict = Bench(settings=Settings(fail_on_unresolved=True))
    happened = strict.run([item("a", url="http://server/{{nope}}", test="t"), *requests(1)])
    errors = [event.error for event in happened if isinstance(event, events.RequestSent) and event.error]
    assert errors == ["not sent, these variables have no value: nope"]
    assert sent(strict) == ["1"] and not strict.sandbox.executions


def test_an_empty_url_is_a_request_error_and_tests_still_run() -> None:
    bench = Bench()
    happened = bench.run([item("a", url="", test="t")])
    assert [event.error for event in happened if isinstance(event, events.RequestSent)] == ["the request's URL is empty"]
    assert [execution.listen for execution in bench.sandbox.executions] == ["test"]


def test_auth_is_inherited_and_noauth_stops_it() -> None:
    auth = {"type": "bearer", "bearer": [{"key": "token", "value": "{{t}}"}]}
    folder = {"name": "f", "auth": auth, "item": [item("a"), item("b", auth={"type": "noauth"})]}
    bench = Bench(environment={"t": "T"})
    bench.run([folder, item("c")])
    assert [prepared.header("authorization") for prepared in bench.wire.sent] == ["Bearer T", None, None]


class Guardian(Extension):
    """Refuses /1, skips r2, stops r3, keeps `token`, checks r4."""

    def prepare(self, turn: Turn) -> Prepare:
        wishes = {"r2": Prepare(skip="not today"), "r3": Prepare(notes=("looked",), stop="fill CANO")}
        return wishes.get(turn.item.name, Prepare())

    def guard(self, prepared: Prepared, source: str) -> None:
        if prepared.url.endswith("/1"):
            raise Refused("a real order", hint="--allow-real-orders")

    def accept(self, scope: str, key: str, old: Any, new: Any) -> str | None:
        return "kept" if key == "token" and old and not new else None

    def remark(self, item: Item, prepared: Prepared, response: Response) -> Iterable[str]:
        return (f"answered {response.code}",)

    def judge(self, item: Item, prepared: Prepared, response: Response) -> Iterable[Assertion]:
        yield Assertion(name="judged", index=0, passed=item.name != "r4")


def test_extensions_refuse_skip_stop_keep_and_judge() -> None:
    def wipes(execution: Execution) -> Conversation:
        return ScriptResult(environment=(Mutation(key="token", value=None), Mutation(key="other", value="x")))
        yield

    bench = Bench(scripts={"wipes": wipes}, extensions=(Guardian(),), environment={"token": "good"})
    items = requests(4)
    items[3]["event"] = items[0]["event"] = [{"listen": "test", "script": {"exec": "wipes"}}]
    happened = bench.run(items)
    assert sent(bench) == ["4"]
    told = [(event.error, event.refused) for event in happened if isinstance(event, events.RequestSent)]
    assert told == [("a real order\n  --allow-real-orders", True), ("fill CANO", False), (None, False)]
    assert [event.reason for event in happened if isinstance(event, events.ItemSkipped)] == ["not today"]
    assert [event.text for event in happened if isinstance(event, events.Noted)] == ["looked", "answered 200", "kept"]
    assert (bench.scopes.lookup("token"), bench.scopes.lookup("other")) == ("good", "x")
    assert [event.assertion.passed for event in happened if isinstance(event, events.Asserted)] == [False]


def tree() -> Any:
    inner = {"name": "inner", "item": [item("deep"), item("twin")]}
    return collection_from_json({"info": {}, "item": [item("twin"), {"name": "outer", "item": [item("a"), inner]}, item("last")]})


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        ((), ["twin", "a", "deep", "twin", "last"]),
        (("twin",), ["twin"]),
        (("deep",), ["deep"]),
        (("last", "outer"), ["a", "deep", "twin", "last"]),
        (("outer", "inner"), ["a", "deep", "twin"]),
    ],
)
def test_folder_selection(folders: tuple[str, ...], expected: list[str]) -> None:
    assert [step.item.name for step in make_plan(tree(), folders=folders).steps] == expected


def test_an_unknown_folder_is_named_with_what_may_be_meant() -> None:
    for folders in (("outre",), ("a", "outre")):
        with pytest.raises(UsageError, match=r'Unable to find a folder or request: "outre"\n  did you mean "outer"'):
            make_plan(tree(), folders=folders)


def test_only_an_item_picked_itself_counts_as_named() -> None:
    assert [step.named for step in make_plan(tree(), folders=("deep",)).steps] == [True]
    assert [step.named for step in make_plan(tree(), folders=("inner",)).steps] == [False, False]


def test_what_comes_after_an_item_is_known_over_iterations() -> None:
    plan = make_plan(tree(), iterations=2)
    names = [step.item.name for step in plan.steps]
    assert [item.name for item in plan.after(0, 1)] == [*names[2:], *names]
    assert [item.name for item in plan.after(1, len(names) - 1)] == []
