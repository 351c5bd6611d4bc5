"""The JSON report: Newman's shape, one execution for each item run."""

from __future__ import annotations

import io
import json
import re
import stat
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runner import events
from runner.errors import UsageError
from runner.events import RunEvent
from runner.model import Environment, Variable
from runner.reporters import Surroundings, create
from tests.reporting import MOMENT, asserted, demo, place, response, script_failed, sent, show, turn, whole_run

ONE = place("One")
STAMPED = "pabal-run-report-2026-11-23-00-29-58-678-0.json"


def report(*inner: RunEvent, **ending: Any) -> Any:
    """The report of a run with one item."""
    return json.loads(show(whole_run(*turn(ONE, *inner), **ending), "json", export="-"))


@pytest.fixture
def whole() -> Any:
    return json.loads(show(demo(), "json", export="-"))


def test_it_is_in_newmans_order(whole: Any) -> None:
    assert list(whole) == ["collection", "environment", "globals", "run"]
    assert list(whole["run"])[:6] == ["stats", "timings", "executions", "transfers", "failures", "error"]
    assert whole["collection"]["info"]["name"] == "Demo"
    assert whole["environment"]["values"] == [{"type": "any", "value": "1", "key": "a"}]


def test_there_is_one_execution_for_each_item(whole: Any) -> None:
    executions = whole["run"]["executions"]
    assert [(execution["item"]["name"], execution["id"]) for execution in executions] == [
        (name, f"id-{name}") for name in ("One", "Inner", "Closed", "Skip me", "Deep", "주문")
    ]
    assert [execution["cursor"]["ref"] for execution in executions] == ["1", "2", "3", "4", "5", "6"]
    assert executions[4]["cursor"] == {
        "ref": "5", "length": 6, "cycles": 1, "position": 4, "iteration": 0, "httpRequestId": "5.1"
    }  # fmt: skip
    assert executions[3] == {
        "cursor": {"ref": "4", "length": 6, "cycles": 1, "position": 3, "iteration": 0},
        "item": {"id": "id-Skip me", "name": "Skip me", "request": {"url": "http://h/Skip me", "method": "GET"}},
        "id": "id-Skip me",
        "skipped": "a script said so",
    }


def test_an_execution_holds_the_items_own_request(whole: Any) -> None:
    inner = whole["run"]["executions"][1]
    assert inner["request"]["body"] == {"mode": "raw", "raw": '{"a":1}'}
    assert {"key": "User-Agent", "value": "pabal", "system": True} in inner["request"]["header"]
    assert {"key": "X-Mine", "value": "1"} in inner["request"]["header"]
    assert (inner["response"]["code"], inner["response"]["status"], inner["response"]["body"]) == (
        201,
        "Created",
        '{"hi":"there"}',
    )
    assert (inner["response"]["responseTime"], inner["response"]["responseSize"]) == (46, 14)
    (other,) = inner["scriptRequests"]
    assert (other["source"], other["request"]["url"], other["response"]["code"]) == ("script", "http://h/sent", 200)
    (script,) = inner["testScript"]
    assert (script["error"]["name"], script["error"]["message"], script["error"]["line"]) == (
        "ReferenceError",
        "nope is not defined",
        2,
    )


def test_assertions(whole: Any) -> None:
    assert whole["run"]["executions"][0]["assertions"] == [
        {"assertion": "ok one", "skipped": False},
        {
            "assertion": "bad one",
            "skipped": False,
            "error": {
                "name": "AssertionError",
                "index": 1,
                "test": "bad one",
                "message": "expected 1 to deeply equal 2",
                "stack": "AssertionError: expected 1 to deeply equal 2",
            },
        },
        {"assertion": "later", "skipped": True},
    ]


def test_failures(whole: Any) -> None:
    failures = whole["run"]["failures"]
    assert [(failure["at"], failure["source"]["name"], failure["error"]["name"]) for failure in failures] == [
        ("assertion:1 in test-script", "One", "AssertionError"),
        ("test-script:2:1", "Inner", "ReferenceError"),
        ("request", "Closed", "Error"),
        ("request", "주문", "Refused"),
    ]
    assert failures[0]["error"]["test"] == "bad one"
    assert failures[0]["parent"] is None
    assert failures[1]["parent"] == {"name": "A", "path": ["A"]}
    assert failures[2]["cursor"] == {"ref": "3", "length": 6, "cycles": 1, "position": 2, "iteration": 0}


def test_requests_that_got_no_answer(whole: Any) -> None:
    closed, order = whole["run"]["executions"][2], whole["run"]["executions"][5]
    assert closed["requestError"] == {"name": "Error", "code": "ECONNREFUSED", "message": "connect ECONNREFUSED 127.0.0.1:1"}
    assert "response" not in closed
    assert order["requestError"]["refused"] is True


def test_totals(whole: Any) -> None:
    stats, timings = whole["run"]["stats"], whole["run"]["timings"]
    assert stats["requests"] == {"total": 5, "pending": 0, "failed": 1}
    assert stats["itemRequests"] == {"total": 4, "pending": 0, "failed": 1}
    assert stats["scriptRequests"] == {"total": 1, "pending": 0, "failed": 0}
    assert stats["refusedRequests"] == {"total": 1, "pending": 0, "failed": 1}
    assert (timings["started"], timings["completed"]) == (1_795_393_775_889, 1_795_393_776_286)
    assert (timings["responseMin"], timings["responseMax"]) == (0.5, 46)
    assert timings["percentiles"] == {"p50": pytest.approx(5, rel=0.01), "p90": 46, "p95": 46, "p99": 46}
    assert whole["run"]["transfers"] == {"responseTotal": 56}
    assert whole["run"]["error"] is None
    assert (whole["run"]["unresolved"], whole["run"]["exitCode"]) == (["host", "port"], 6)


def test_bodies_that_are_no_text_travel_as_base64() -> None:
    answer = report(sent(ONE, response=response(body=b"\xff\x00")))["run"]["executions"][0]["response"]
    assert answer["stream"] == {"type": "Base64", "data": "/wA="}
    assert "body" not in answer


def test_bodies_in_a_declared_charset_are_text() -> None:
    korean = response(body="한글".encode("euc-kr"), headers=(("Content-Type", "text/plain; charset=euc-kr"),))
    assert report(sent(ONE, response=korean))["run"]["executions"][0]["response"]["body"] == "한글"


def test_the_end_says_why_it_came_early() -> None:
    run = report(events.Interrupted(), error="it broke", bail="enough")["run"]
    assert (run["error"]["message"], run["bail"], run["interrupted"], run["exitCode"]) == ("it broke", "enough", True, 130)


def test_a_run_cut_off_in_the_middle_of_an_item_is_reported() -> None:
    stream = [
        event for event in whole_run(*turn(ONE, sent(ONE))) if not isinstance(event, events.ItemFinished | events.RunFinished)
    ]
    run = json.loads(show(iter(stream), "json", export="-"))["run"]
    assert [execution["response"]["code"] for execution in run["executions"]] == [200]
    assert run["stats"]["items"] == {"total": 0, "pending": 1, "failed": 0}


def test_odd_values_do_not_break_it() -> None:
    values = (Variable(key="nan", value=float("nan")), Variable(key="half", value="\ud800"), Variable(key="odd", value={1: {2}}))
    stream = [
        replace(event, environment=Environment(values=values)) if isinstance(event, events.RunFinished) else event
        for event in whole_run()
    ]
    shown = json.loads(show(iter(stream), "json", export="-"))["environment"]["values"]
    assert [entry["value"] for entry in shown] == [None, "\ud800", {"1": "{2}"}]


def test_script_errors_before_the_request() -> None:
    (execution,) = report(*script_failed(ONE, "prerequest"), asserted(ONE, "t", passed=False))["run"]["executions"]
    assert execution["prerequestScript"][0]["error"]["where"] == "One"
    assert execution["assertions"][0]["error"]["message"] == ""


# -------------------------------------------------------------------------------------------------------- where it goes


def write(export: str | None, stream: Any = None) -> None:
    options = {} if export is None else {"export": export}
    surroundings = Surroundings(out=io.StringIO(), err=io.StringIO(), now=lambda: MOMENT)
    reporter = create("json", options, surroundings)
    try:
        for event in stream or whole_run():
            reporter.handle(event)
    finally:
        reporter.close()
    assert surroundings.out.getvalue() == ""


def test_the_default_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(None)
    write(None)
    names = sorted(path.name for path in (tmp_path / "pabal").iterdir())
    assert names == [STAMPED, STAMPED.replace("-0.json", "-1.json")]
    assert json.loads((tmp_path / "pabal" / STAMPED).read_bytes())["run"]


def test_a_folder_gets_a_stamped_file(tmp_path: Path) -> None:
    write(str(tmp_path))
    write(f"{tmp_path}/new/folder/")
    assert (tmp_path / STAMPED).is_file()
    assert (tmp_path / "new" / "folder" / STAMPED).is_file()


def test_missing_folders_are_made_and_nothing_else_is_left(tmp_path: Path) -> None:
    write(str(tmp_path / "a" / "b" / "out.json"))
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["out.json"]


def test_the_file_has_ordinary_permissions(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("")
    write(str(tmp_path / "out.json"))
    modes = [stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("other", "out.json")]
    assert modes[0] == modes[1]


def test_the_old_report_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    path.write_text("old")
    surroundings = Surroundings(out=io.StringIO(), err=io.StringIO())
    reporter = create("json", {"export": str(path)}, surroundings)
    for event in whole_run(*turn(ONE, sent(ONE))):
        reporter.handle(event)
    assert path.read_text() == "old"
    reporter.close()
    assert json.loads(path.read_text())["run"]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.json").write_text("old")
    (tmp_path / "link.json").symlink_to("real.json")
    write(str(tmp_path / "link.json"))
    assert (tmp_path / "link.json").is_symlink()
    assert json.loads((tmp_path / "real.json").read_text())["run"]


def test_places_where_no_file_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written") as caught:
        write(str(tmp_path / "file" / "out.json"))
    assert "file" in caught.value.where


@pytest.mark.skipif(sys.platform == "win32", reason="named pipes are for Unix")
def test_a_pipe_is_written_to_as_it_is(tmp_path: Path) -> None:
    import os

    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    write(str(pipe))
    reader.join(10)
    assert json.loads(got[0])["run"]
    assert pipe.is_fifo()


def test_without_a_run_there_is_no_report(tmp_path: Path) -> None:
    create("json", {"export": str(tmp_path / "out.json")}, Surroundings(out=io.StringIO(), err=io.StringIO())).close()
    assert list(tmp_path.iterdir()) == []


def test_memory_stays_flat_and_nothing_is_lost_in_a_long_run(tmp_path: Path) -> None:
    body = b'{"text": "' + "가".encode() * 2000 + b'"}'

    def many() -> Any:
        for number in range(2000):
            where = place("One", ref=number + 1, iteration=number, cycles=2000)
            yield from turn(where, sent(where, response=response(body=body)))

    import tracemalloc

    tracemalloc.start()
    write(str(tmp_path / "out.json"), whole_run(*many()))
    first = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    size = (tmp_path / "out.json").stat().st_size
    assert size > 12_000_000
    assert first < 2 * 4_000_000 + 8_000_000
    assert len(json.loads((tmp_path / "out.json").read_bytes())["run"]["executions"]) == 2000
    assert len(re.findall(rb"\n", (tmp_path / "out.json").read_bytes())) < 2020
