"""Checks without JavaScript: the language, what it means, where its rules count, and the options of the command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.assemble import run
from runner.checks import Checks, find_scopes, rule, rules_of_file
from runner.checks.grammar import parse
from runner.checks.meaning import Seen, failure
from runner.cli.run import command
from runner.errors import LoadError, UsageError
from runner.load import collection_from_json
from runner.model import Prepared, Response, Timings
from runner.options import Options
from runner.plan import make_plan
from tests.fakes import Bench, FakeWire, item
from tests.servers import Recorder, answer

PRICES = {
    "rt_cd": "0", "n": 3, "yes": True, "nothing": None, "deep": {"list": [1, 2, "x"]}, "종목": [{"price": 10}, {"price": 20}],
}  # fmt: skip


def response(body: Any = PRICES, code: int = 200, **fields: Any) -> Response:
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode()
    headers = (("Content-Type", "application/json"), ("X-Left", "12"), ("X-Empty", ""))
    return Response(code=code, reason="OK", url="http://h/", headers=headers, body=raw, timings=Timings(total=79.2), **fields)


def verdict(text: str, **seen: Any) -> str:
    return failure(parse(text), Seen(response(**seen)))


@pytest.mark.parametrize(
    "text",
    """
    status < 400 | status<400 | status == 200 | status != 404 | status in [200, 201] | status not in [404]
    time <= 80 | time == 80 | size > 10 | size != 0
    header.content-type contains json | header.Content-Type == application/json | header.x-left > 11.5 | header.x-left == 12
    header.x-none not exists | header.x-empty exists | header.x-empty == "" | header.x-left in [11, 12] | header.x-left matches /^\\d+$/
    body contains "rt_cd" | body contains 종목 | body matches /RT_CD/i | body not matches /^\\[/ | body exists | body != x
    $.rt_cd == "0" | $.rt_cd=="0" | $.rt_cd == '0' | $.rt_cd != 0 | $.n == 3 | $.n == 3.0 | $.n != "3" | $.n >= 3 | $.yes == true
    $.yes != 1 | $.nothing == null | $.nothing exists | $.none not exists | $.deep.list contains 2 | $.deep.list contains x
    $.deep.list not contains "2" | $.deep contains list | $['종목'][*].price >= 10 | $['종목'][*].price in [10, 20] | $.rt_cd contains 0
    $['종목'][?(@.price > 15)].price == 20 | $..price exists | $ contains n | $.n matches /^3$/ | $.deep.list[2] == x
    """.replace("\n", "|").split("|"),
)
def test_what_holds(text: str) -> None:
    if text.strip():
        assert verdict(text) == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("status < 200", "expected status < 200, found 200"),
        ("time < 80", "expected time < 80, found 80 ms"),
        ("size < 5", "expected size < 5, found 125 bytes"),
        ("header.x-left > 12", "expected header.x-left > 12, found x-left: 12"),
        ("header.content-type > 1", "expected header.content-type > 1, found content-type: application/json"),
        ("header.x-none == 1", "expected header.x-none == 1, found nothing there"),
        ("header.x-none != 1", "expected header.x-none != 1, found nothing there"),
        ("header.x-left not exists", "expected header.x-left not exists, found x-left: 12"),
        ("$.none exists", "expected $.none exists, found nothing"),
        ("$.rt_cd == 0", 'expected $.rt_cd == 0, found "rt_cd": "0"'),
        ("$.rt_cd < 1", 'expected $.rt_cd < 1, found "rt_cd": "0"'),
        ("$.yes == 1", 'expected $.yes == 1, found "yes": true'),
        ("$.nothing not exists", 'expected $.nothing not exists, found "nothing": null'),
        ("$['종목'][*].price < 20", "expected $['종목'][*].price < 20, found \"price\": 20"),
        ("$.deep.list[0] == 2", "expected $.deep.list[0] == 2, found 1"),
        ("$.deep matches /list/", 'expected $.deep matches /list/, found "deep": {"list": [1, 2, "x"]}'),
    ],
)
def test_what_does_not_hold_says_what_was_found(text: str, message: str) -> None:
    assert verdict(text) == message


def test_bodies_that_are_no_json_empty_binary_or_long() -> None:
    assert "but the body is no JSON" in verdict("$.a == 1", body=b"<html>")
    assert "the path cannot be followed here" in verdict("$.deep.`sub(/a/, b)` == x")
    assert "nested too deeply" in verdict("$.a == 1", body=b"[" * 100_000)
    assert verdict("body exists", body=b"") == "expected body exists, found nothing"
    assert verdict("$.a == 1", body=b'\xef\xbb\xbf{"a": 1}') == ""
    assert verdict("body contains PNG", body=b"\x89PNG\xff\xfe") == ""
    assert verdict("body == x", body=b"y" * 5000) == "expected body == x, found 5000 characters"


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("", 1, "expected status, time"),
        ("stat < 4", 1, "expected status, time"),
        ("header. == 3", 1, "expected status, time"),
        ("  status", 9, "expected ==, !="),
        ("status = 4", 8, "expected ==, !="),
        ("status not == 3", 8, "expected ==, !="),
        ("status contains 2", 8, "status is a number"),
        ("status <", 9, "a value is missing"),
        ("status < x", 10, "status is a number"),
        ("status < true", 10, "status is a number"),
        ("status < 1e999", 10, "status is a number"),
        ("time < 800ms", 8, "time is a number"),
        ("$.a < x", 7, "expected a number after <"),
        ("status in 200", 11, "expected a list"),
        ("status in [200", 15, "expected , or ]"),
        ("status in [200,]", 16, "a value is missing"),
        ("$.a in []", 9, "a value is missing"),
        ("$.a == 'x", 8, "the text has no end"),
        ('$.a == "x" y', 12, "nothing more"),
        ('$.a == "\\q"', 8, "JSON does not know"),
        ("body exists now", 13, "nothing more"),
        ("body matches a", 14, "expected a regular expression"),
        ("body matches /(/", 14, "cannot be used"),
        ("body matches /a/gx", 17, "there is no flag 'g'"),
        ("$[ == 3", 1, r"is no JSONPath"),
        ("$.a[?(@.b = ].c == 3", 1, "is no JSONPath"),
        ("$.종목 == 3", 1, "is no JSONPath"),
    ],
)
def test_an_error_names_the_column(text: str, column: int, message: str) -> None:
    with pytest.raises(UsageError, match=rf"column {column}: .*{message}") as raised:
        rule(text)
    assert raised.value.where == f"--expect {text!r}"


@given(st.text(max_size=30), st.sampled_from(["", "status ", "$.a", "$", "header.x ", "body matches /", "$.a in ["]))
def test_any_text_is_a_check_or_wrong_usage(tail: str, head: str) -> None:
    try:
        check = parse(head + tail)
    except UsageError:
        return
    assert isinstance(failure(check, Seen(response())), str)


TREE = collection_from_json(
    {"item": [item("Login"), {"name": "Orders", "item": [item("Buy"), {"name": "Old", "item": [item("Buy")]}]}]}
)


def checks_of(tmp_path: Path, text: str) -> list[list[str]]:
    """The names of the checks that each item of the tree has in turn."""
    path = tmp_path / "checks.txt"
    path.write_text(text, "utf-8")
    checks = Checks(list(rules_of_file(str(path))), TREE)
    prepared = Prepared(method="GET", url="http://h/")
    return [[found.name for found in checks.judge(step.item, prepared, response())] for step in make_plan(TREE).steps]


def test_rules_of_a_file_count_where_they_say(tmp_path: Path) -> None:
    text = """
    # all of them
    status < 400
    Orders/*: time < 500
    **/Buy:   $.a == "b: c"
    Login: header.location matches /^https: /
    """
    assert checks_of(tmp_path, text) == [
        ["status < 400", "header.location matches /^https: /"],
        ["status < 400", "time < 500", '$.a == "b: c"'],
        ["status < 400", "time < 500", '$.a == "b: c"'],
    ]
    assert checks_of(tmp_path, "Orders/Buy: status == 201\nOld: status == 202") == [[], ["status == 201"], ["status == 202"]]


@pytest.mark.parametrize(
    ("text", "where", "message"),
    [
        ("\n  status <", "line 2", "column 11: a value is missing"),
        ("Orders/*: status = 4", "line 1", "column 18: expected ==, !="),
        ("Orders/* status == 4", "line 1", "column 1: expected status, time"),
    ],
)
def test_an_error_in_a_file_names_line_and_column(tmp_path: Path, text: str, where: str, message: str) -> None:
    with pytest.raises(LoadError, match=message) as raised:
        checks_of(tmp_path, text)
    assert raised.value.where.endswith(where)


def test_a_rule_for_no_request_of_any_collection_is_wrong_usage(tmp_path: Path) -> None:
    path = tmp_path / "checks.txt"
    path.write_text("Ordres/*: status == 200")
    with pytest.raises(UsageError, match='folder or request: "Ordres/\\*"'):
        list(run(TREE, Options(expect_files=(str(path),))))
    find_scopes(list(rules_of_file(str(path))), [TREE, collection_from_json({"item": [{"name": "Ordres", "item": [item("a")]}]})])


def test_a_request_without_an_answer_is_not_judged() -> None:
    bench = Bench(wire=FakeWire(), extensions=(Checks([rule("status < 400")], TREE),))
    happened = bench.run([item("a", url="http://unreachable/")])
    assert not [event for event in happened if type(event).__name__ == "Asserted"]


def ran(tmp_path: Path, recorder: Recorder, *words: str) -> tuple[int, list[dict[str, Any]]]:
    """Exit status and assertions of a run of two requests, one of which is not found."""
    recorder.routes["/no"] = answer(
        404, [("Content-Type", "application/json")], b'{"rt_cd": "1", "access_token": "abcdefghijkl"}'
    )
    collection = tmp_path / "c.json"
    items = [item("a", url=recorder.url("/ok")), {"name": "F", "item": [item("b", url=recorder.url("/no"))]}]
    collection.write_text(json.dumps({"info": {"name": "c"}, "item": items}))
    report = tmp_path / "r.json"
    status = command([str(collection), *words, "-r", "json", "--reporter-json-export", str(report)], standalone_mode=False)
    executions = json.loads(report.read_text())["run"]["executions"]
    return status, [assertion for execution in executions for assertion in execution.get("assertions", [])]


def test_the_options_make_assertions_of_the_report(tmp_path: Path, recorder: Recorder) -> None:
    (tmp_path / "checks").write_text('F/*: $.rt_cd == "0"\n')
    status, assertions = ran(
        tmp_path, recorder, "--fail-on-status", "--max-response-time", "60000", "--expect-file", str(tmp_path / "checks")
    )
    assert status == 1
    assert [(found["assertion"], "error" in found) for found in assertions] == [
        ("status < 400", False), ("time <= 60000", False),
        ("status < 400", True), ("time <= 60000", False), ('$.rt_cd == "0"', True),
    ]  # fmt: skip
    assert assertions[-1]["error"]["message"] == 'expected $.rt_cd == "0", found "rt_cd": "1"'


def test_what_a_check_found_is_masked_like_everything_else(tmp_path: Path, recorder: Recorder) -> None:
    _, assertions = ran(tmp_path, recorder, "--expect", "$.access_token not exists")
    assert assertions[-1]["error"]["message"] == 'expected $.access_token not exists, found "access_token": "****"'


def test_checks_that_hold_pass(tmp_path: Path, recorder: Recorder) -> None:
    assert ran(tmp_path, recorder, "--expect", "status in [200, 404]")[0] == 0


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (["--expect", "status <"], UsageError, "--expect 'status <': column 9: a value is missing"),
        (["--expect-file", "there/is/none"], LoadError, "there/is/none"),
    ],
)
def test_bad_checks_end_before_anything_is_sent(
    tmp_path: Path, recorder: Recorder, words: list[str], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        ran(tmp_path, recorder, *words)
    assert recorder.requests == []
