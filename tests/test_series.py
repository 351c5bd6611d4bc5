"""Several collections in one run: what goes over from one to the next, one report of all, and how it ends."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from runner import Options, Series
from runner.errors import ExitCode
from runner.events import RunStarted
from runner.load import load_collection, load_environment
from runner.result import Results
from tests.conftest import Pabal
from tests.servers import Recorder, answer
from tests.test_process import environ

FAILS = "pm.test('no', () => { throw new Error('no'); });"


def put(path: str, name: str, *items: tuple[str, str]) -> str:
    """A collection file; an item is its URL and its test script."""
    entries = [{"name": url, "request": url, "event": [{"listen": "test", "script": {"exec": code}}]} for url, code in items]
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    variable = [{"key": "own", "value": name}]
    Path(path).write_text(json.dumps({"info": {"name": name}, "item": entries, "variable": variable}))
    return path


def asked(recorder: Recorder) -> list[str]:
    return [request.target for request in recorder.requests]


def test_variables_and_cookies_go_over_and_collection_variables_do_not(pabal: Pabal, recorder: Recorder) -> None:
    recorder.routes["/login"] = answer(200, [("Set-Cookie", "sid=1; Path=/")], b"{}")
    sets = "pm.environment.set('token', 't1'); pm.globals.set('seen', 1); pm.collectionVariables.set('own', 'x');"
    first = put("1.json", "Login", (recorder.url("/login"), sets))
    second = put("2.json", "Orders", (recorder.url("/{{token}}/{{seen}}/{{own}}/{{given}}"), "pm.environment.set('given', 'b')"))
    third = put("3.json", "Last", (recorder.url("/{{given}}"), ""))
    done = pabal("run", first, second, third, "--env-var", "given=a", "--export-environment", "e.json")
    assert done.status == 0, done.err
    assert asked(recorder) == ["/login", "/t1/1/Orders/a", "/b"]
    assert recorder.requests[1].values("cookie") == ["sid=1"]
    assert [(entry.key, entry.value) for entry in load_environment("e.json").values] == [("given", "b"), ("token", "t1")]


def test_the_order_is_as_given_and_a_folder_is_sorted(pabal: Pabal, recorder: Recorder) -> None:
    for name in ("b", "a"):
        put(f"all/{name}.postman_collection.json", name, (recorder.url(f"/{name}"), ""))
    put("all/other.json", "other", (recorder.url("/other"), ""))
    put("z.json", "z", (recorder.url("/z"), ""))
    assert pabal("run", "z.json", "all").status == 0
    assert asked(recorder) == ["/z", "/a", "/b"]


def test_a_folder_without_collections(pabal: Pabal) -> None:
    put("all/other.json", "other")
    done = pabal("run", "all")
    assert (done.status, done.err) == (3, "error: all: no file in this folder ends in .postman_collection.json\n")


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["nowhere.json"], 3, "nowhere.json: cannot be read"),
        (["good.json", "--folder", "only here"], 2, "only here"),
        (["good.json", "--export-collection", "one.json"], 2, "--export-collection needs a folder for several collections"),
    ],
)
def test_what_is_wrong_is_known_before_anything_is_sent(
    pabal: Pabal, recorder: Recorder, words: list[str], status: int, message: str
) -> None:
    first = put("1.json", "one", (recorder.url("/only here"), ""))
    Path(first).write_text(Path(first).read_text().replace(recorder.url("/only here"), "only here", 1))
    put("good.json", "good", (recorder.url("/"), ""))
    done = pabal("run", first, *words)
    assert (done.status, recorder.requests) == (status, [])
    assert message in done.err


@pytest.mark.parametrize(
    ("tests", "status"),
    [
        (["", ""], 0),
        ([FAILS, ""], 1),
        (["", "nope()", FAILS], 4),
        (["", None], 5),
        ([FAILS, None], 1),
    ],
)
def test_the_gravest_exit_status_counts(pabal: Pabal, recorder: Recorder, tests: list[str | None], status: int) -> None:
    paths = [
        put(f"{number}.json", f"c{number}", *([(recorder.url("/"), code)] if code is not None else []))
        for number, code in enumerate(tests)
    ]
    assert pabal("run", *paths).status == status
    assert pabal("run", *paths, "--suppress-exit-code").status == 0


def test_the_terminal_shows_each_and_the_total(pabal: Pabal, recorder: Recorder) -> None:
    paths = [
        put("1.json", "one", (recorder.url("/"), "pm.test('ok', () => {})")),
        put("2.json", "two", (recorder.url("/"), FAILS)),
    ]
    done = pabal("run", *paths, "--disable-unicode", "--color", "off")
    lines = [line for line in done.out.splitlines() if line and not line.startswith((" ", "-", "|"))]
    assert lines == ["pabal", "one", f"Root {recorder.url('/')}", "two", f"Root {recorder.url('/')}", "2 of 2 collections"]
    assert "passed  one: 1 request, 1 assertion\n" in done.out
    assert "failed  two: 1 request, 1 assertion, 1 failure, exit status 1\n" in done.out
    assert [line.split() for line in done.out.splitlines() if "iterations" in line] == [
        ["|", "iterations", "|", count, "|", "0", "|"] for count in ("1", "1", "2")
    ]
    assert "2 of 2" not in pabal("run", *paths, "--reporter-cli-no-summary").out


def test_json_holds_one_report_for_each_and_the_sum(pabal: Pabal, recorder: Recorder) -> None:
    paths = [
        put("1.json", "one", (recorder.url("/"), "")),
        put("2.json", "two", (recorder.url("/"), FAILS), (recorder.url("/"), "")),
    ]
    alone = json.loads(pabal("run", paths[1], "-r", "json", "--reporter-json-export", "-").out)
    done = pabal("run", *paths, "-r", "json", "--reporter-json-export", "-")
    report = json.loads(done.out)
    assert list(report) == ["runs", "run"]
    assert [each["collection"]["info"]["name"] for each in report["runs"]] == ["one", "two"]
    for key in ("stats", "failures", "exitCode"):
        mine, other = report["runs"][1]["run"][key], alone["run"][key]
        assert (mine == other) if key != "failures" else ([each["at"] for each in mine] == [each["at"] for each in other])
    assert list(report["runs"][1]["run"]) == list(alone["run"])
    assert [len(each["run"]["executions"]) for each in report["runs"]] == [1, 2]
    assert report["run"]["stats"]["requests"] == {"total": 3, "pending": 0, "failed": 0}
    assert report["run"]["exitCode"] == done.status == 1


def test_junit_keeps_equal_names_apart(pabal: Pabal, recorder: Recorder) -> None:
    paths = [put(f"{number}.json", "주문 API", (recorder.url("/a"), FAILS)) for number in range(2)]
    done = pabal("run", *paths, "-r", "junit", "--reporter-junit-export", "-")
    root = ElementTree.fromstring(done.out)
    assert (root.get("name"), root.get("tests"), root.get("failures")) == ("주문 API, 주문 API", "2", "2")
    assert [suite.get("name") for suite in root] == [f"주문 API / {recorder.url('/a')}"] * 2
    packages = [str(case.get("classname")).split(".")[0] for case in root.iter("testcase")]
    assert packages == ["주문Api", "주문Api2"]


def test_progress_starts_anew(pabal: Pabal, recorder: Recorder) -> None:
    paths = [put(f"{number}.json", "c", *[(recorder.url("/"), "")] * 2) for number in range(2)]
    lines = pabal("run", *paths, "-r", "progress").out.splitlines()
    assert lines == ["progress 50% | 1/2", "progress 100% | 2/2"] * 2


@pytest.mark.parametrize("bail", [["--bail"], ["--timeout", "1"]])
def test_an_early_end_is_the_end_of_all(pabal: Pabal, recorder: Recorder, bail: list[str]) -> None:
    recorder.routes["/slow"] = answer(200, body=b"{}", pause=0.05)
    paths = [put(f"{number}.json", f"c{number}", (recorder.url("/slow"), FAILS), (recorder.url("/"), "")) for number in range(2)]
    done = pabal("run", *paths, *bail)
    assert done.status == (1 if bail == ["--bail"] else 4)
    assert len(recorder.requests) <= 1
    assert "1 of 2 collections" in done.out and "not run  1" in done.out


def test_time_runs_on_from_one_to_the_next(pabal: Pabal, recorder: Recorder) -> None:
    recorder.routes["/slow"] = answer(200, body=b"{}", pause=0.6)
    paths = [put(f"{number}.json", f"c{number}", (recorder.url("/slow"), "")) for number in range(3)]
    done = pabal("run", *paths, "--timeout", "1000")
    assert done.status == 4 and len(recorder.requests) == 2, done.out
    assert "the run took longer than its 1000 ms (--timeout)" in done.out


def test_ctrl_c_ends_the_series_with_its_reports(pabal: Pabal, tmp_path: Path, recorder: Recorder) -> None:
    recorder.routes["/slow"] = answer(200, body=b"late", pause=30)
    paths = [put(f"{number}.json", f"c{number}", (recorder.url(url), "")) for number, url in enumerate(["/", "/slow", "/"])]
    words = ["run", *paths, "-r", "cli,json,junit", "--reporter-json-export", "r.json", "--reporter-junit-export", "r.xml"]
    words += ["--export-collection", "out/"]
    process = subprocess.Popen(
        [sys.executable, "-m", "runner", *words], stderr=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path, env=environ()
    )
    while len(recorder.requests) < 2:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert b"2 of 3 collections" in out
    report = json.loads(Path("r.json").read_text())
    assert [each["run"]["exitCode"] for each in report["runs"]] == [0, 130] and report["run"]["exitCode"] == 130
    assert [case.get("name") for case in ElementTree.parse("r.xml").iter("testcase")] == ["request", "run"]
    names = sorted(path.name for path in Path("out").iterdir())
    assert [load_collection(Path("out", name)).name for name in names] == ["c0", "c1"]
    assert [name.rpartition("-")[2] for name in names] == ["0.json", "1.json"]


def test_as_a_library(tmp_path: Path, recorder: Recorder) -> None:
    paths = [put(str(tmp_path / f"{number}.json"), f"c{number}", (recorder.url("/"), "")) for number in range(2)]
    results = Results()
    started: list[Any] = []
    with Series(paths, Options()) as series:
        for event in series.events():
            results.add(event)
            if isinstance(event, RunStarted):
                started.append((event.collection.name, event.number, event.of))
    assert started == [("c0", 1, 2), ("c1", 2, 2)]
    assert [run.collection for run in results.runs] == ["c0", "c1"]
    assert (results.exit_code, results.total.stats["requests"].total) == (ExitCode.OK, 2)
