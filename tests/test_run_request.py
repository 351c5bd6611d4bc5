"""`pm.execution.runRequest`: another request of the collection, scripts and all, sent by a script."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runner import events
from runner.cli.run import command
from runner.errors import ExitCode, Refused
from runner.extension import Extension, Prepare, Turn
from runner.model import Item, Mutation, Prepared, Response
from runner.plan import Settings
from runner.result import RunResult
from runner.sandbox import Assertion, Console, Conversation, Execution, RunCall, ScriptResult
from tests.fakes import Bench, FakeWire, item
from tests.servers import Recorder, answer

LOGIN = {**item("Login", prerequest="before", test="after", url="http://server/{{user}}/{{mine}}"), "id": "id-1"}


def calling(wanted: str, **fields: Any) -> Any:
    """A script that runs a request and prints what came of it."""

    def script(execution: Execution) -> Conversation:
        scopes = {"environment": execution.environment, "local": execution.local} | fields
        answer = yield RunCall(request_id=wanted, **scopes)
        changed = {name: getattr(answer, name) for name in ("environment", "local")}
        yield Console(level="log", messages=(answer.response and answer.response["code"], answer.error, changed))  # type: ignore[union-attr]
        return ScriptResult()

    return script


def before(execution: Execution) -> Conversation:
    return ScriptResult(environment=(Mutation(key="token", value="t"), Mutation(key="old", unset=True)),
                        local=(*execution.local, {"key": "seen", "value": 1}))  # fmt: skip
    yield


def after(execution: Execution) -> Conversation:
    yield Assertion(name="logged in", index=0, passed=bool(execution.response))
    return ScriptResult(next_request="nowhere")


def printed(happened: list[Any]) -> list[tuple[Any, ...]]:
    return [event.console.messages for event in happened if isinstance(event, events.ConsoleWritten)]


def test_it_runs_with_its_scripts_and_is_told_where_it_was_asked_for() -> None:
    scripts = {"call": calling("id-1", environment=({"key": "user", "value": "me"}, {"key": "old", "value": 1}),
                               variables={"mine": 7}, local=()), "before": before, "after": after}  # fmt: skip
    bench = Bench(scripts=scripts, environment={"old": 1})
    happened = bench.run([item("a", prerequest="call"), LOGIN], folders=("a",))
    sent = [(event.source, event.prepared.url) for event in happened if isinstance(event, events.RequestSent)]
    assert sent == [("script", "http://server/me/7"), ("item", "http://server/x")]
    assert {event.place.item.name for event in happened if hasattr(event, "place") and event.place} == {"a"}
    assert "pm.execution.runRequest: Login" in [event.text for event in happened if isinstance(event, events.Noted)]
    ((code, error, changed),) = printed(happened)
    assert (code, error) == (200, None)
    assert changed["environment"] == (Mutation(key="token", value="t"), Mutation(key="old", unset=True))
    assert changed["local"] == (Mutation(key="seen", value=1),)
    assert (bench.scopes.lookup("token"), bench.scopes.lookup("user"), bench.scopes.lookup("old")) == ("t", "me", None)
    assert (bench.scopes.lookup("seen"), bench.scopes.lookup("mine")) == (1, None)
    result = RunResult()
    for event in happened:
        result.add(event)
    assert (result.sources["script"].total, result.stats["items"].total, result.exit_code) == (1, 1, ExitCode.OK)


@pytest.mark.parametrize("wanted", ["id-1", "123-0a1b2c3d-1111-2222-3333-444455556666", "Auth/Login", "Login"])
def test_it_is_found_by_id_uid_path_or_name(wanted: str) -> None:
    login = {
        **item("Login", url="http://server/login"),
        "id": "0a1b2c3d-1111-2222-3333-444455556666" if "-4444" in wanted else "id-1",
    }
    bench = Bench(scripts={"call": calling(wanted)})
    bench.run([item("a", prerequest="call"), {"name": "Auth", "item": [login]}], folders=("a",))
    assert [prepared.url for prepared in bench.wire.sent] == ["http://server/login", "http://server/x"]


@pytest.mark.parametrize(
    ("login", "wanted", "expected"),
    [
        (LOGIN, "nothing", (None, "runRequest: the collection has no request with the id 'nothing'")),
        ({**LOGIN, "request": {"url": "http://unreachable/"}}, "id-1", (None, "connect ECONNREFUSED")),
        (item("stop"), "stop", (None, "fill it")),
        (item("skip"), "skip", (None, None)),
        (item("refuse", url="http://server/order"), "refuse", (None, "an order")),
    ],
)
def test_what_keeps_it_from_being_sent(login: Any, wanted: str, expected: tuple[Any, ...]) -> None:
    class Keeper(Extension):
        def prepare(self, turn: Turn) -> Prepare:
            return (
                Prepare(skip="not now")
                if turn.item.name == "skip"
                else Prepare(stop="fill it")
                if turn.item.name == "stop"
                else Prepare()
            )

        def guard(self, prepared: Prepared, source: str) -> None:
            if prepared.url.endswith("order"):
                assert source == "script"
                raise Refused("an order")

    happened = Bench(scripts={"call": calling(wanted)}, extensions=(Keeper(),)).run(
        [item("a", prerequest="call"), login], folders=("a",)
    )
    assert printed(happened)[0][:2] == expected
    assert not [event for event in happened if isinstance(event, events.ItemSkipped)]


def test_requests_run_one_another_five_deep() -> None:
    bench = Bench(scripts={"self": calling("again")})
    happened = bench.run([{**item("a", prerequest="self"), "id": "again"}])
    assert len(bench.wire.sent) == 6
    assert printed(happened)[0][1] == "runRequest: requests may run one another 5 deep, and no deeper"


def test_extensions_are_told_whose_turn_it_is_again_and_do_not_judge_it() -> None:
    class Watcher(Extension):
        turns: list[str]

        def prepare(self, turn: Turn) -> Prepare:
            self.turns.append(turn.item.name)
            return Prepare()

        def judge(self, item: Item, prepared: Prepared, response: Response) -> list[Assertion]:
            return [Assertion(name=item.name, index=0, passed=True)]

    watcher = Watcher()
    watcher.turns = []
    happened = Bench(scripts={"call": calling("id-1")}, extensions=(watcher,)).run(
        [item("a", prerequest="call"), LOGIN], folders=("a",)
    )
    assert watcher.turns == ["a", "Login", "a"]
    assert [event.assertion.name for event in happened if isinstance(event, events.Asserted)] == ["a"]


def test_a_failure_in_it_stops_a_run_that_bails() -> None:
    def fails(execution: Execution) -> Conversation:
        yield Assertion(name="no", index=0, passed=False)
        return ScriptResult()

    bench = Bench(scripts={"call": calling("id-1"), "after": fails}, settings=Settings(bail=True))
    assert bench.run([item("a", prerequest="call"), LOGIN])[-1].bail == "no"  # type: ignore[union-attr]
    assert len(bench.wire.sent) == 1


def test_a_dry_run_shows_it() -> None:
    bench = Bench(scripts={"call": calling("id-1")}, settings=Settings(dry_run=True), wire=FakeWire())
    happened = bench.run([item("a", prerequest="call"), LOGIN], folders=("a",))
    assert [event.source for event in happened if isinstance(event, events.RequestPlanned)] == ["script", "item"]
    assert printed(happened)[0][1] == "not sent, this is a dry run"


def test_a_real_order_is_refused_however_it_is_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # nothing leaves this machine, even if the guard should fail
    url = "https://openapi.koreainvestment.com:9443/uapi/domestic-stock/v1/trading/order-cash"
    order = {**item("order", method="POST", url=url, header=[{"key": "tr_id", "value": "TTTC0802U"}]), "id": "order"}
    prerequest = (
        "try { await pm.execution.runRequest('order'); console.log('SENT') } catch (error) { pm.execution.skipRequest() }"
    )
    collection = tmp_path / "c.json"
    collection.write_text(json.dumps({"info": {"name": "c"}, "item": [item("a", prerequest=prerequest), order]}))
    assert command([str(collection), "--folder", "a"], standalone_mode=False) == ExitCode.REFUSED
    shown = capsys.readouterr().out
    assert "[refused]" in shown and "refused (sent by a script): TTTC0802U moves money" in shown and "SENT" not in shown


def test_the_command_with_real_scripts(recorder: Recorder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorder.routes["/login"] = answer(201, [("Content-Type", "application/json")], b'{"token": "abc"}')
    login = {
        **item(
            "Login",
            prerequest="pm.environment.set('stamp', pm.variables.get('who') + pm.environment.get('mine'))",
            test="pm.test('logged in', () => pm.response.to.have.status(201)); pm.environment.set('token', pm.response.json().token)",
            url=recorder.url("/login?s={{stamp}}"),
        ),
        "id": "login",
    }
    prerequest = """
        pm.environment.set('mine', '!');
        const response = await pm.execution.runRequest('login', { variables: { who: 'me' } });
        console.log('got', response.code, response.json().token, pm.environment.get('token'), pm.variables.has('who'));
        pm.environment.set('token', pm.environment.get('token') + '2');
        try { await pm.execution.runRequest('gone') } catch (error) { console.log(error.message) }
    """
    collection, report = tmp_path / "c.json", tmp_path / "r.json"
    items = [item("a", prerequest=prerequest, url=recorder.url("/a?t={{token}}")), login]
    collection.write_text(json.dumps({"info": {"name": "c"}, "item": items}))
    words = [str(collection), "--folder", "a", "-r", "cli,json", "--reporter-json-export", str(report)]
    assert command(words, standalone_mode=False) == ExitCode.OK
    assert [request.target for request in recorder.requests] == ["/login?s=me!", "/a?t=abc2"]
    shown = capsys.readouterr().out
    assert "'got', 201, 'abc', 'abc', false" in shown
    assert "runRequest: the collection has no request" in shown  # the rest is on the next line
    (execution,) = json.loads(report.read_text())["run"]["executions"]
    assert [found["assertion"] for found in execution["assertions"]] == ["logged in"]
    assert [sent["source"] for sent in execution["scriptRequests"]] == ["script"]
