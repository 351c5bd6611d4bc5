"""`--dry-run`: what would go out is shown, with the guard's verdict, and nothing goes out. `--show-secrets` masks nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from runner import events
from runner.cli.run import command
from runner.errors import ExitCode, Refused, SendError
from runner.events import RunEvent
from runner.extension import Extension, Talk
from runner.model import Prepared, Response
from runner.plan import Settings
from runner.result import RunResult
from runner.sandbox import Assertion, Console, Conversation, Execution, RequestCall, ScriptError, ScriptResult, Skipped
from tests.fakes import Bench, item
from tests.servers import Recorder

DRY = Settings(dry_run=True, delay=60_000)


def planned(happened: Iterable[RunEvent]) -> list[events.RequestPlanned]:
    return [event for event in happened if isinstance(event, events.RequestPlanned)]


def outcome(happened: Iterable[RunEvent]) -> RunResult:
    result = RunResult()
    for event in happened:
        result.add(event)
    return result


def asks(execution: Execution) -> Conversation:
    answer = yield RequestCall(request={"url": "http://server/token", "method": "POST"})
    yield Console(level="log", messages=(answer.error, answer.code))  # type: ignore[union-attr]
    yield ScriptError(name="TypeError", message="no response")
    yield Assertion(name="token", index=0, passed=False)
    return ScriptResult(next_request="a")


def test_every_item_is_shown_once_in_order_and_none_goes_out() -> None:
    bench = Bench(scripts={"asks": asks, "t": asks}, settings=DRY, environment={"id": 7}, sleep=lambda _: pytest.fail("waited"))
    happened = bench.run(
        [item("a", prerequest="asks", test="t", url="http://server/{{id}}"), item("b", method="PUT")], iterations=2
    )
    assert [(event.source, event.prepared.method, event.prepared.url) for event in planned(happened)] == 2 * [
        ("script", "POST", "http://server/token"), ("item", "GET", "http://server/7"), ("item", "PUT", "http://server/x"),
    ]  # fmt: skip
    assert bench.wire.sent == []
    assert {execution.listen for execution in bench.sandbox.executions} == {"prerequest"}
    assert next(event.text for event in happened if isinstance(event, events.Noted)).startswith("dry run: nothing is sent")


def test_what_scripts_suffer_from_it_is_no_failure() -> None:
    happened = Bench(scripts={"asks": asks}, settings=DRY).run([item("a", prerequest="asks")])
    printed = [event.console.messages for event in happened if isinstance(event, events.ConsoleWritten)]
    assert printed[0] == ("not sent, this is a dry run", "EDRYRUN")
    assert "TypeError in prerequest-script, after a request that the dry run did not send: no response" in printed[1]
    assert [event.assertion.skipped for event in happened if isinstance(event, events.Asserted)] == [True]
    result = outcome(happened)
    assert (result.exit_code, result.planned, result.stats["requests"].total) == (ExitCode.OK, 2, 0)


def test_what_later_scripts_miss_is_no_failure_either_and_their_items_are_shown() -> None:
    def misses(execution: Execution) -> Conversation:
        yield Assertion(name="the number of the order is there", index=0, passed=False)
        yield Skipped()
        return ScriptResult(skipped=True)

    happened = Bench(scripts={"misses": misses}, settings=DRY).run([item("a"), item("b", prerequest="misses")])
    assert [event.place.item.name for event in planned(happened)] == ["a", "b"]
    assert "it is shown" in next(event.text for event in happened if isinstance(event, events.Noted) and event.place)
    assert outcome(happened).exit_code is ExitCode.OK
    first = Bench(scripts={"misses": misses}, settings=DRY).run([item("a", prerequest="misses"), item("b")])
    assert [event.place.item.name for event in planned(first)] == ["b"]
    assert outcome(first).exit_code is ExitCode.ASSERTION_FAILED


def test_scripts_that_fail_by_themselves_still_do() -> None:
    def broken(execution: Execution) -> Conversation:
        yield ScriptError(name="TypeError", message="boom")
        return ScriptResult()

    happened = Bench(scripts={"broken": broken}, settings=DRY).run([item("a", prerequest="broken"), item("b")])
    assert (outcome(happened).exit_code, len(planned(happened))) == (ExitCode.BROKEN, 2)


class Watchman(Extension):
    """Has something against two requests and an answer to a third; its other hooks must not be called."""

    def guard(self, prepared: Prepared, source: str) -> None:
        if prepared.url.endswith("/order"):
            raise Refused("an order", hint="--allow-orders")
        if prepared.url.endswith("/unhashed"):
            raise SendError("its hash is empty")

    def answer(self, prepared: Prepared) -> Response | None:
        return Response(code=200, reason="OK", url=prepared.url, note="cached") if prepared.url.endswith("/token") else None

    def pace(self, prepared: Prepared, source: str) -> float:
        raise AssertionError

    def converse(self, prepared: Prepared) -> Talk | None:
        raise AssertionError


def test_the_guards_verdict_is_told_and_extensions_do_nothing_else() -> None:
    paths = ("order", "unhashed", "token", "free")
    bench = Bench(extensions=(Watchman(),), settings=DRY)
    happened = bench.run([item(path, url=f"http://server/{path}") for path in paths])
    assert [(event.refused, event.objection) for event in planned(happened)] == [
        (True, "an order\n  --allow-orders"), (False, "its hash is empty"), (False, ""),
    ]  # fmt: skip
    assert [event.response.note for event in happened if isinstance(event, events.RequestSent) and event.response] == ["cached"]
    assert outcome(happened).exit_code is ExitCode.REFUSED


def test_a_token_that_auth_would_get_first_is_shown_before_the_request() -> None:
    params = {"grant_type": "client_credentials", "accessTokenUrl": "http://server/token", "clientId": "me", "clientSecret": "s"}
    auth = {"type": "oauth2", "oauth2": [{"key": key, "value": value} for key, value in params.items()]}
    happened = Bench(settings=DRY).run([item("a", auth=auth)])
    assert [(event.source, event.prepared.url) for event in planned(happened)] == [
        ("auth", "http://server/token"), ("item", "http://server/x"),
    ]  # fmt: skip


def test_a_request_that_cannot_be_made_ready_is_an_error_as_ever() -> None:
    happened = Bench(settings=DRY).run([item("a", url="")])
    assert planned(happened) == []
    assert outcome(happened).exit_code is ExitCode.BROKEN


ORDER = "https://openapi.koreainvestment.com:9443/uapi/domestic-stock/v1/trading/order-cash"


def ran(tmp_path: Path, recorder: Recorder, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, list[Any]]:
    """Exit status, terminal and executions of a dry run of two requests, one of which is a real order."""
    body = {"mode": "raw", "raw": '{"appsecret": "very-secret-value", "n": "{{n}}"}'}
    header = [{"key": "tr_id", "value": "TTTC0802U"}]
    items = [
        item("a", method="POST", url=recorder.url("/a?password=hunter22"), body=body),
        item("o", method="POST", url=ORDER, header=header),
    ]
    collection, report = tmp_path / "c.json", tmp_path / "r.json"
    collection.write_text(json.dumps({"info": {"name": "c"}, "item": items}))
    arguments = [str(collection), "--dry-run", "--env-var", "n=5", "-r", "cli,json", "--disable-unicode", *words]
    status = command([*arguments, "--reporter-json-export", str(report)], standalone_mode=False)
    return status, capsys.readouterr().out, json.loads(report.read_text())["run"]["executions"]


@pytest.mark.parametrize("words", [[], ["--mock"]])
def test_the_command_shows_all_of_it_and_sends_nothing(
    tmp_path: Path, recorder: Recorder, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    status, shown, executions = ran(tmp_path, recorder, capsys, *words)
    assert (status, recorder.requests) == (ExitCode.REFUSED, [])
    assert f"POST {recorder.url('/a?password=****')} [not sent]" in shown
    assert f"Host: 127.0.0.1:{recorder.port}" in shown
    assert '{"appsecret": "****", "n": "5"}' in shown
    assert f"POST {ORDER} [would be refused]" in shown
    assert "not sent (dry run)" in shown
    assert "hunter22" not in shown + json.dumps(executions) and "very-secret" not in shown + json.dumps(executions)
    assert [execution["dryRun"]["refused"] for execution in executions] == [False, True]
    assert executions[0]["request"]["body"]["raw"] == '{"appsecret": "****", "n": "5"}'


def test_real_orders_that_are_allowed_are_shown_without_a_question(
    tmp_path: Path, recorder: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    status, shown, _ = ran(tmp_path, recorder, capsys, "--allow-real-orders")
    assert (status, recorder.requests) == (ExitCode.OK, [])
    assert f"POST {ORDER} [not sent]" in shown


def test_show_secrets_masks_nothing(tmp_path: Path, recorder: Recorder, capsys: pytest.CaptureFixture[str]) -> None:
    _, shown, executions = ran(tmp_path, recorder, capsys, "--show-secrets")
    assert "password=hunter22" in shown and '"very-secret-value"' in shown
    assert "very-secret-value" in executions[0]["request"]["body"]["raw"]


def test_every_reporter_tells_of_it(tmp_path: Path, recorder: Recorder, capsys: pytest.CaptureFixture[str]) -> None:
    page, suites = tmp_path / "r.html", tmp_path / "r.xml"
    words = ["-r", "cli,tap,json,html,junit,markdown", "--reporter-tap-export", "-", "--reporter-html-export", str(page)]
    words += ["--reporter-markdown-export", "-"]
    _, shown, _ = ran(tmp_path, recorder, capsys, *words, "--reporter-junit-export", str(suites))
    assert "ok 1 - a: is sent # SKIP dry run." in shown
    assert re.search(r"^[\d.]+.?s in all, 0B received$", shown, re.MULTILINE)
    assert "not ok 2 - o: the request is refused" in shown
    assert "not sent: dry run." in page.read_text() and "moves money on a real account" in page.read_text()
    assert '<skipped message="dry run: not sent." />' in suites.read_text() and 'type="Refused"' in suites.read_text()
