"""The pytest plugin, as somebody's own test run meets it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runner import events, run
from runner.options import Options
from tests.servers import Recorder, answer


def script(code: str, listen: str = "test") -> dict[str, Any]:
    return {"listen": listen, "script": {"exec": code.split("\n")}}


def item(name: str, path: str, test: str = "", **more: Any) -> dict[str, Any]:
    return {"name": name, "request": {"method": "GET", "url": "{{base}}" + path}, "event": [script(test)] if test else [], **more}


ITEMS = [
    {
        "name": "Login",
        "item": [item("token", "/ok", "pm.test('a token', () => pm.environment.set('token', pm.response.json().token))")],
    },
    {
        "name": "Orders",
        "item": [
            item(
                "list",
                "/ok?token={{token}}",
                "pm.test('ok', () => pm.response.to.have.status(200)); pm.test.skip('later', () => {})",
            ),
            item("list", "/ok?second", "pm.test('wrong', () => pm.expect(1).to.eql(2)); pm.test('right', () => {})"),
            {"name": "Deep", "item": [item("gone", "/gone", "pm.test('gone', () => pm.response.to.have.status(404))")]},
        ],
    },
]

PLAIN = [
    {"name": "Login", "item": [item("token", "/token")]},
    {"name": "Orders", "item": [item("list", "/list"), {"name": "Deep", "item": [item("gone", "/gone")]}]},
    {"name": "closed", "request": "http://127.0.0.1:1/"},
    item("last", "/last"),
]
"""Without scripts, so that nothing has to start for them."""


@pytest.fixture
def smoke(pytester: pytest.Pytester, recorder: Recorder) -> Path:
    """A collection in the folder of an inner pytest, with its environment beside it."""
    recorder.routes["/ok"] = answer(200, [("Content-Type", "application/json")], b'{"token": "t1"}')
    recorder.routes["/gone"] = answer(404, [], b"{}")
    values = [{"key": "base", "value": recorder.url("").rstrip("/"), "enabled": True}]
    pytester.path.joinpath("env.json").write_text(json.dumps({"name": "env", "values": values}))
    return collection(pytester, ITEMS)


def collection(pytester: pytest.Pytester, items: list[Any], **more: Any) -> Path:
    path = pytester.path / "smoke.postman_collection.json"
    path.write_text(json.dumps({"info": {"name": "smoke"}, "item": items, **more}))
    return path


def go(pytester: pytest.Pytester, *words: str, files: tuple[str, ...] = ("smoke.postman_collection.json",)) -> pytest.RunResult:
    switched_off = ("-p", "no:cov", "-p", "no:hypothesispytest", "-o", "addopts=")
    return pytester.runpytest_inprocess("--pabal-env", "env.json", *switched_off, *words, *files)


def paths(recorder: Recorder) -> list[str]:
    return [request.target for request in recorder.requests]


def test_each_request_is_a_test_within_its_folders(pytester: pytest.Pytester, smoke: Path) -> None:
    result = go(pytester, "--collect-only", "-q")
    assert [line for line in result.outlines if "::" in line] == [
        "smoke.postman_collection.json::Login::token",
        "smoke.postman_collection.json::Orders::list",
        "smoke.postman_collection.json::Orders::list (2)",
        "smoke.postman_collection.json::Orders::Deep::gone",
    ]


def test_each_assertion_is_a_subtest_and_variables_last(pytester: pytest.Pytester, smoke: Path, recorder: Recorder) -> None:
    result = go(pytester, "-v")
    result.stdout.fnmatch_lines(
        ["*::Orders::list SUBSKIPPED[[]later]*", "*::Orders::list (2) SUBFAILED[[]wrong]*", "*expected 1 to deeply equal 2*"]
    )
    assert paths(recorder) == ["/ok", "/ok?token=t1", "/ok?second", "/gone"]
    assert result.ret == 1


@pytest.mark.parametrize(
    ("words", "sent"),
    [
        (["-k", "token"], ["/token"]),
        (["-k", "Orders and not Deep"], ["/list"]),
        (["--pabal-folder", "Login"], ["/token"]),
        (["-x"], ["/token", "/list", "/gone"]),
    ],
)
def test_pytest_chooses(pytester: pytest.Pytester, smoke: Path, recorder: Recorder, words: list[str], sent: list[str]) -> None:
    collection(pytester, PLAIN)
    go(pytester, *words)
    assert paths(recorder) == sent


def test_a_request_can_be_named(pytester: pytest.Pytester, smoke: Path, recorder: Recorder) -> None:
    collection(pytester, PLAIN)
    go(pytester, files=("smoke.postman_collection.json::Orders::Deep::gone",))
    assert paths(recorder) == ["/gone"]


def test_a_collection_nobody_asked_for_sends_nothing(pytester: pytest.Pytester, smoke: Path, recorder: Recorder) -> None:
    collection(pytester, PLAIN)
    assert go(pytester, files=()).ret == pytest.ExitCode.NO_TESTS_COLLECTED
    assert go(pytester, files=(".",)).ret == pytest.ExitCode.NO_TESTS_COLLECTED
    assert paths(recorder) == []
    go(pytester, "--pabal-collect", files=())
    assert paths(recorder) == ["/token", "/list", "/gone", "/last"]


def test_what_failed_last_can_be_run_again(pytester: pytest.Pytester, smoke: Path, recorder: Recorder) -> None:
    collection(pytester, PLAIN)
    go(pytester)
    before = len(recorder.requests)
    go(pytester, "--lf").assert_outcomes(failed=1)
    assert len(recorder.requests) == before


def test_rows_of_data_are_iterations(pytester: pytest.Pytester, smoke: Path, recorder: Recorder) -> None:
    collection(
        pytester, [item("row", "/ok?id={{id}}", "pm.test('i', () => pm.expect(pm.iterationData.get('id')).to.be.a('number'))")]
    )
    pytester.path.joinpath("rows.csv").write_text("id\n7\n8\n")
    result = go(pytester, "--pabal-data", "rows.csv", "-v")
    assert paths(recorder) == ["/ok?id=7", "/ok?id=8"]
    result.stdout.fnmatch_lines(["*::iteration 1::row PASSED*", "*::iteration 2::row PASSED*"])


def test_a_jump_skips_and_comes_back(pytester: pytest.Pytester, smoke: Path, recorder: Recorder) -> None:
    again = "const n = (pm.variables.get('n') || 0) + 1; pm.variables.set('n', n); if (n < 3) pm.execution.setNextRequest('b')"
    collection(
        pytester,
        [item("a", "/ok?a", "pm.execution.setNextRequest('b')"), item("over", "/ok?over"), item("b", "/ok?b", again)],
    )
    result = go(pytester)
    assert paths(recorder) == ["/ok?a", "/ok?b", "/ok?b", "/ok?b"]
    result.assert_outcomes(passed=2, skipped=1)


def test_a_request_without_an_answer_and_a_broken_script_fail(pytester: pytest.Pytester, smoke: Path) -> None:
    collection(pytester, [{"name": "closed", "request": "http://127.0.0.1:1/"}, item("bad", "/ok", "nope()")])
    result = go(pytester)
    result.stdout.fnmatch_lines(["*ECONNREFUSED*", "*ReferenceError: nope is not defined*"])
    assert result.ret == 1


def test_junit_has_a_case_for_each_request(pytester: pytest.Pytester, smoke: Path) -> None:
    go(pytester, "--junitxml", "report.xml")
    text = pytester.path.joinpath("report.xml").read_text()
    assert 'name="token"' in text and 'failures="2"' in text  # the subtest and its test


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--pabal-env", "none.json"], "none.json"),
        (["--pabal-env-var", "novalue"], "not of the form NAME=VALUE"),
        (["--pabal-iterations", "0"], "takes a positive number"),
        (["--pabal-folder", "Nothing"], 'Unable to find a folder or request: "Nothing"'),
    ],
)
def test_bad_input_is_told_without_a_traceback(pytester: pytest.Pytester, smoke: Path, words: list[str], told: str) -> None:
    result = go(pytester, *words)
    text = "\n".join(result.outlines)
    assert told in text and "Traceback" not in text and result.ret != 0


def test_a_broken_collection_is_told_without_a_traceback(pytester: pytest.Pytester, smoke: Path) -> None:
    smoke.write_text('{"item": 7}')
    text = "\n".join(go(pytester).outlines)
    assert "smoke.postman_collection.json" in text and "expected a list" in text and "Traceback" not in text


@pytest.mark.parametrize("dist", ["load", "loadgroup", "loadscope"])
def test_the_requests_of_a_collection_stay_in_one_process(pytester: pytest.Pytester, dist: str) -> None:
    items = [item(f"{number}", "/") for number in range(3)]
    for name in ("one", "two"):
        folders = [{"name": "folder", "item": items}, {"name": "other", "item": items}]
        pytester.path.joinpath(f"{name}.postman_collection.json").write_text(
            json.dumps({"info": {"name": name}, "item": folders})
        )
    pytester.makepyfile("import pytest\n@pytest.mark.parametrize('n', range(4))\ndef test_own(n): pass")
    pytester.makeconftest(
        """
        import os

        def pytest_runtest_logreport(report):
            if report.when == "call" and "PYTEST_XDIST_WORKER" in os.environ:
                with open(os.environ["PYTEST_XDIST_WORKER"] + ".log", "a") as log:
                    print(report.nodeid, file=log)
        """
    )
    words = ("-n", "2", "--dist", dist, "--pabal-env-var", "base=http://127.0.0.1:1", "--pabal-collect", ".")
    pytester.runpytest_subprocess("-p", "no:cov", "-p", "no:hypothesispytest", "-o", "addopts=", *words)
    ran = {path: path.read_text().splitlines() for path in pytester.path.glob("gw*.log")}
    assert sum(map(len, ran.values())) == 16
    for name in ("one", "two"):
        (mine,) = filter(None, ([line for line in lines if line.startswith(f"{name}.")] for lines in ran.values()))
        order = [f"{name}.postman_collection.json::{folder}::{number}" for folder in ("folder", "other") for number in range(3)]
        assert mine == order


EVERYTHING = [
    item(
        "start",
        "/ok?row={{row}}",
        "pm.test('ok', () => pm.response.to.have.status(200)); pm.test('wrong', () => pm.expect(1).to.eql(2)); leak = 'left'",
    ),
    {
        "name": "Orders",
        "item": [
            {
                "name": "make",
                "request": {
                    "method": "POST",
                    "url": "{{base}}/orders/:id?token={{token}}&n={{$processed}}",
                    "header": [{"key": "X-Row", "value": "{{row}}"}],
                    "body": {"mode": "raw", "raw": '{"row": "{{row}}"}'},
                },
                "event": [
                    script("pm.sendRequest(pm.variables.get('base') + '/ok?asked', (_, answer) => {"
                           "pm.environment.set('token', answer.json().token)})", "prerequest"),
                    script("pm.test('asked first', () => pm.expect(pm.environment.get('token')).to.eql('t1'));"
                           "pm.test.skip('later', () => {}); pm.execution.setNextRequest('back')"),
                ],
            },
            item("over", "/over"),
            {"name": "back", "request": {"method": "GET", "url": "{{base}}/ok?cookie", "auth": {
                "type": "basic", "basic": [{"key": "username", "value": "u"}, {"key": "password", "value": "p"}]}},
             "event": [script("pm.test('again', () => {}); const n = (pm.variables.get('n') || 0) + 1; pm.variables.set('n', n);"
                              "if (n < 3) pm.execution.setNextRequest('back')")]},
        ],
    },
    item("skipped", "/never", event=[script("pm.execution.skipRequest()", "prerequest")]),
    {"name": "closed", "request": "http://127.0.0.1:1/"},
    item("broken", "/gone", "pm.test('before', () => {}); nope()"),
]  # fmt: skip
"""One of everything that makes a difference to what is sent or asserted."""

LOCUSTFILE = """
import json, sys
from runner import Options
from runner.events import Asserted
from runner.locust_user import CollectionUser

class Smoke(CollectionUser):
    collection = "smoke.postman_collection.json"
    options = Options(environment="env.json", data=[{"row": "7"}], iterations=1)

    def on_start(self):
        super().on_start()
        self._events = map(told, self._events)

def told(event):
    if isinstance(event, Asserted) and not event.assertion.skipped:
        print(json.dumps([event.assertion.name, event.assertion.passed]), flush=True)
    return event
"""


def test_plain_run_pytest_and_locust_agree(pytester: pytest.Pytester, smoke: Path, recorder: Recorder) -> None:
    """They send the same requests in the same order, and come to the same of every assertion."""
    collection(pytester, EVERYTHING)
    pytester.path.joinpath("rows.json").write_text('[{"row": "7"}]')
    pytester.path.joinpath("locustfile.py").write_text(LOCUSTFILE)
    said = [
        event for event in run(smoke, Options(environment="env.json", data="rows.json")) if isinstance(event, events.Asserted)
    ]
    asserted = [(event.assertion.name, event.assertion.passed) for event in said if not event.assertion.skipped]
    sent = bytes_sent(recorder)
    assert asserted == [
        *[("ok", True), ("wrong", False), ("asked first", True)],
        *[("again", True)] * 3,
        ("before", True),
    ]
    assert [line.split()[1] for line, *_ in sent][:3] == ["/ok?row=7", "/ok?asked", "/orders/:id?token=t1&n={{$processed}}"]

    result = go(pytester, "-v", "--pabal-data", "rows.json")
    found = [line for line in result.outlines if line.startswith("smoke") and "SUB" in line and "SUBSKIPPED" not in line]
    seen = [(line.partition("[")[2].partition("]")[0].rpartition(": ")[2], "SUBPASSED" in line) for line in found]
    assert [entry for entry in seen if not entry[0].startswith("test script")] == asserted
    assert bytes_sent(recorder) == sent

    command = [sys.executable, "-m", "locust", "--headless", "-u", "1", "-t", "80s", "--only-summary"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, cwd=pytester.path)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("[")]
    assert [(name, passed) for name, passed in lines] == asserted, done.stderr
    assert bytes_sent(recorder) == sent


def bytes_sent(recorder: Recorder) -> list[tuple[Any, ...]]:
    """What was sent since this was asked last, without the numbers that Postman makes up for each request."""
    sent, recorder.requests = recorder.requests, []
    return [(entry.line, [header for header in entry.headers if header[0] != "Postman-Token"], entry.body) for entry in sent]


def test_fixtures_for_own_tests(pytester: pytest.Pytester, smoke: Path) -> None:
    pytester.makepyfile(
        """
        def test_smoke(collection_run):
            result = collection_run("smoke.postman_collection.json", environment="env.json", folders=("Login",))
            assert result.ok and result.stats["requests"].total == 1

        def test_simulator(kis_simulator):
            assert kis_simulator.variables["VTS"].startswith("http://127.0.0.1:")
        """
    )
    go(pytester, files=("test_fixtures_for_own_tests.py",)).assert_outcomes(passed=2)


def test_pytest_starts_without_what_runs_collections() -> None:
    code = "import runner.pytest_plugin, sys; print([m for m in sys.modules if m.startswith('runner.') or m == 'requests'])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "['runner.pytest_plugin']"
