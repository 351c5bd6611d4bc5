"""`-j`: one run by several processes, whose reports are those of one process; and how such runs end."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from runner import Options, Results, Series
from runner.errors import ExitCode, LoadError
from runner.events import Interrupted
from runner.load import load_collection, load_environment
from runner.model import Cookie
from runner.parallel.packing import packed, unpacked
from runner.parallel.stream import IN_MEMORY, Spool
from runner.parallel.worker import LATEST
from runner.sandbox.teleport import UNDEFINED, JSMap
from tests.conftest import Pabal
from tests.kis_runs import price, token
from tests.reporting import place, response
from tests.servers import Recorder, answer
from tests.test_process import children, environ
from tests.test_series import FAILS, asked, put

TIMES = re.compile(r"\b(time|timestamp|started|finished|at)=?\"?:? ?\"?[\d.T:Z+-]+\"?|\b\d+(\.\d+)?m?s\b|\"date\": ?\"[^\"]*\"")
POSTMAN_TOKEN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SETS = "pm.environment.set('last', pm.iterationData.get('id')); pm.test('is ' + pm.info.iteration, () => {});"


def rows(count: int) -> str:
    Path("rows.csv").write_text("id\n" + "".join(f"r{number}\n" for number in range(count)))
    return "rows.csv"


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "runner", "run", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=folder, env=environ())


def words_of(text: str) -> list[str]:
    """The terminal's report without the lines of its tables, which are as wide as times are long, and without times."""
    return re.sub(r"\b\d+(\.\d+)?[mµ]?s\b|[^\w\s.,:/]", "", text).split()


def timeless(value: Any) -> Any:
    """A JSON report without what no two runs have in common."""
    if isinstance(value, dict):
        gone = {
            "timings",
            "responseTime",
            "started",
            "completed",
            "timestamp",
            "id",
            "responseAverage",
            "responseSd",
            "percentiles",
        }
        return {key: timeless(part) for key, part in value.items() if key not in gone and "ime" not in key}
    return [timeless(part) for part in value] if isinstance(value, list) else value


def test_the_reports_are_those_of_one_process(pabal: Pabal, recorder: Recorder) -> None:
    odd = "pm.test('even', () => pm.expect(pm.info.iteration % 2).to.equal(0)); console.log(pm.info.iterationCount);"
    path = put("c.json", "c", (recorder.url("/{{id}}"), SETS), (recorder.url("/second"), odd))
    written = json.loads(Path(path).read_text())
    written["info"]["_postman_id"] = "id"
    written["item"] = [{"id": f"id-{number}", **each} for number, each in enumerate(written["item"])]
    Path(path).write_text(json.dumps(written))
    reports = []
    for jobs in ("1", "2"):
        words = ["-r", "cli,json,junit", "--reporter-json-export", "r.json", "--reporter-junit-export", "r.xml"]
        done = pabal("run", path, "-d", rows(5), "-j", jobs, *words, "--export-environment", "e.json")
        assert done.status == 1, done.err
        texts = (words_of(done.out), TIMES.sub("0", Path("r.xml").read_text()))
        reports.append(
            (*texts, timeless(json.loads(POSTMAN_TOKEN.sub("", Path("r.json").read_text()))), load_environment("e.json").values)
        )
        assert Counter(asked(recorder)) == {"/second": 5} | {f"/r{number}": 1 for number in range(5)}
        recorder.requests.clear()
    for one, two in zip(*reports, strict=True):
        assert one == two


def test_each_process_has_variables_and_cookies_of_its_own(pabal: Pabal, recorder: Recorder) -> None:
    recorder.routes["/new"] = answer(200, [("Set-Cookie", "sid=1; Path=/")], b"{}")
    counts = "pm.environment.set('n', Number(pm.environment.get('n')) + 1)"
    path = put("c.json", "c", (recorder.url("/new"), counts), (recorder.url("/{{n}}"), ""))
    words = ["--env-var", "n=0", "--export-environment", "e.json", "--export-cookie-jar", "k.json"]
    assert pabal("run", path, "-n", "5", "-j", "2", *words).status == 0
    assert Counter(asked(recorder)) == {"/new": 5, "/1": 2, "/2": 2, "/3": 1}
    assert [request.values("cookie") for request in recorder.requests if request.target == "/1"] == [["sid=1"], ["sid=1"]]
    # The process of the fifth iteration also had the first and the third.
    assert [entry.value for entry in load_environment("e.json").values] == [3]
    assert "sid" in Path("k.json").read_text()


def test_bail_ends_all_and_what_was_before_is_complete(pabal: Pabal, recorder: Recorder) -> None:
    recorder.routes["/slow"] = answer(200, body=b"{}", pause=0.3)
    third = "pm.test('not the third', () => pm.expect(pm.info.iteration).to.not.equal(2))"
    path = put("c.json", "c", (recorder.url("/slow"), ""), (recorder.url("/"), third))
    done = pabal("run", path, "-n", "40", "-j", "2", "--bail", "-r", "json", "--reporter-json-export", "-")
    assert done.status == 1, done.err
    report = json.loads(done.out)["run"]
    assert report["stats"]["iterations"] == {"total": 3, "pending": 0, "failed": 0}
    assert [each["cursor"]["iteration"] for each in report["executions"]] == [0, 0, 1, 1, 2, 2]
    assert len(recorder.requests) < 20


def test_collections_are_shared_as_wholes(pabal: Pabal, recorder: Recorder) -> None:
    first = put(
        "1.json", "one", (recorder.url("/{{given}}"), "pm.environment.set('given', 'x'); pm.collectionVariables.set('own', 1)")
    )
    second = put("2.json", "two", (recorder.url("/{{given}}/{{own}}"), FAILS))
    third = put("3.json", "three", (recorder.url("/last"), ""))
    words = ["--env-var", "given=a", "-r", "json", "--reporter-json-export", "r.json", "--export-collection", "out/"]
    done = pabal("run", first, second, third, "-j", "2", *words)
    assert done.status == 1, done.err
    assert sorted(asked(recorder)) == ["/a", "/a/two", "/last"]
    report = json.loads(Path("r.json").read_text())
    assert [each["collection"]["info"]["name"] for each in report["runs"]] == ["one", "two", "three"]
    assert report["run"]["stats"]["requests"]["total"] == 3
    exported = [load_collection(path) for path in sorted(Path("out").iterdir())]
    assert [(each.name, each.variables[0].value) for each in exported] == [("one", 1), ("two", "two"), ("three", "three")]


@pytest.mark.parametrize("words", [["-n", "3", "-j", "9"], ["-j", "auto"], ["-n", "2", "--jobs", "2"]])
def test_there_are_no_more_processes_than_parts(pabal: Pabal, recorder: Recorder, words: list[str]) -> None:
    done = pabal("run", put("c.json", "c", (recorder.url("/"), "")), *words)
    assert done.status == 0, done.err
    assert recorder.connections == len(recorder.requests) == (1 if "auto" in words else int(words[1]))


@pytest.mark.parametrize("jobs", ["0", "-1", "two", "1.5", "257"])
def test_a_number_that_is_none(pabal: Pabal, jobs: str) -> None:
    done = pabal("run", "c.json", "-j", jobs)
    assert done.status == 2 and "neither a number from 1 to 256 nor auto" in done.err


def test_jobs_may_stand_in_the_settings(pabal: Pabal, recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PABAL_JOBS", "2")
    assert pabal("run", put("c.json", "c", (recorder.url("/"), "")), "-n", "2").status == 0
    assert recorder.connections == 2
    assert "PABAL_JOBS" in pabal("run", "c.json", "--show-config").out


def test_inputs_from_stdin_are_read_once(pabal: Pabal, recorder: Recorder) -> None:
    text = Path(put("c.json", "c", (recorder.url("/{{id}}"), ""))).read_bytes()
    Path("c.json").unlink()
    assert pabal("run", "-", "-d", rows(2), "-j", "2", stdin=text).status == 0
    assert sorted(asked(recorder)) == ["/r0", "/r1"]


def test_dry_run_mock_and_record(pabal: Pabal, recorder: Recorder) -> None:
    path = put("c.json", "c", (recorder.url("/a"), ""))
    done = pabal("run", path, "-n", "2", "-j", "2", "--dry-run")
    assert done.status == 0 and recorder.requests == [] and done.out.count("dry run: nothing is sent") == 1
    recorder.routes["/a"] = answer(200, body=b'{"token": "verysecretvalue"}')
    assert pabal("run", path, "-n", "2", "-j", "2", "--record", "r.json").status == 0
    assert load_collection("r.json").items[0].examples[0].body == '{"token": "****"}'
    assert pabal("run", "r.json", "-n", "2", "-j", "2", "--mock").status == 0
    assert len(recorder.requests) == 2


def test_what_is_learned_to_be_secret_is_told_to_github(
    pabal: Pabal, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    recorder.routes["/a"] = answer(200, body=b'{"access_token": "verysecretvalue"}')
    done = pabal("run", put("c.json", "c", (recorder.url("/a"), "")), "-n", "2", "-j", "2")
    assert "::add-mask::verysecretvalue" in done.out


def test_an_error_before_the_first_request_is_that_of_one_process(pabal: Pabal, recorder: Recorder) -> None:
    done = pabal("run", put("c.json", "c", (recorder.url("/{{nowhere}}"), "")), "-n", "2", "-j", "2", "--fail-on-unresolved")
    assert (done.status, recorder.requests) == (2, [])
    assert "these variables have no value: nowhere" in done.err


def test_ctrl_c_ends_all_with_the_reports(tmp_path: Path, recorder: Recorder) -> None:
    recorder.routes["/slow"] = answer(200, body=b"late", pause=2)
    path = put(str(tmp_path / "c.json"), "c", (recorder.url("/"), ""), (recorder.url("/slow"), ""))
    process = start(tmp_path, path, "-n", "6", "-j", "2", "-r", "cli,json", "--reporter-json-export", "r.json")
    while len(recorder.requests) < 4:
        time.sleep(0.02)
    workers = children(process.pid)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert json.loads((tmp_path / "r.json").read_text())["run"]["stats"]["iterations"]["pending"] == 1
    assert len(workers) == 2 and not any(Path(f"/proc/{pid}").exists() for pid in workers)


def test_a_process_that_is_killed_is_one_clear_error(tmp_path: Path, recorder: Recorder) -> None:
    recorder.routes["/slow"] = answer(200, body=b"late", pause=2)
    path = put(str(tmp_path / "c.json"), "c", (recorder.url("/slow"), ""))
    process = start(tmp_path, path, "-n", "6", "-j", "2", "-r", "json", "--reporter-json-export", "r.json")
    while len(recorder.requests) < 2:
        time.sleep(0.02)
    time.sleep(5 * LATEST)  # so that the processes have told that they began
    subprocess.run(["kill", "-9", str(min(children(process.pid)))], check=True)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, "Traceback" in err) == (4, False), err
    report = json.loads((tmp_path / "r.json").read_text())
    assert "a process of the run ended before its time: killed by SIGKILL" in json.dumps(report)


def test_as_a_library(tmp_path: Path, recorder: Recorder) -> None:
    path = put(str(tmp_path / "c.json"), "c", (recorder.url("/{{id}}"), SETS))
    options = Options(data=[{"id": f"r{number}"} for number in range(4)])
    results = Results()
    with Series([path], options, jobs=2) as series:
        for event in series.events():
            results.add(event)
        assert [variable.value for variable in series.state.environment.values] == ["r3"]
    assert (results.exit_code, results.total.stats["assertions"].total) == (ExitCode.OK, 4)
    assert results.total.collection == "c"


def test_a_broker_is_for_one_process_and_its_simulator_is_not(pabal: Pabal) -> None:
    collection = {"info": {"name": "k"}, "item": [token(), price()]}
    Path("k.json").write_text(json.dumps(collection))
    keys = [word for name in ("VTS_APPKEY", "VTS_APPSECRET", "CANO") for word in ("--env-var", f"{name}=12345678")]
    words = ["run", "k.json", "-n", "2", "-j", "2", "--env-var", "VTS=http://127.0.0.1:1"]
    for more in ([], ["--no-kis"], ["--allow-real-orders", "-y"]):
        done = pabal(*words, *keys, *more)
        assert done.status == 2 and "one process alone keeps the broker's limits" in done.err
    done = pabal(*words, "--simulate", "-r", "json", "--reporter-json-export", "-")
    assert done.status == 0, done.err + done.out
    assert json.loads(done.out)["run"]["stats"]["iterations"]["total"] == 2


def test_no_process_of_many_reaches_the_broker_whatever_a_script_makes_of_a_url(pabal: Pabal) -> None:
    hidden = "pm.variables.set('host', ['openapi.koreainvest', 'ment.com'].join(''))"
    entry = {"name": "x", "request": "https://{{host}}:9443/x", "event": [{"listen": "prerequest", "script": {"exec": hidden}}]}
    Path("c.json").write_text(json.dumps({"info": {"name": "c"}, "item": [entry]}))
    done = pabal("run", "c.json", "-n", "2", "-j", "2")
    assert done.status == 6 and "a run shared by several processes sends nothing to the broker" in done.out


def test_values_come_over_as_they_are() -> None:
    sent = response(cookies=(Cookie(name="a", value="b", domain="h"),))
    values = [Interrupted(), place("One", "A"), sent, LoadError("what", where="w", hint="h"), {"a": [1, None, b"\0"]}, UNDEFINED]
    for value, copy in zip(values, unpacked(packed(values)), strict=True):
        assert (type(copy), repr(copy)) == (type(value), repr(value))
    circle = JSMap([])
    circle.entries.append(("me", circle))
    copy = unpacked(packed(circle))
    assert copy.entries[0][1] is copy is not circle


def test_no_process_outlives_its_parent(tmp_path: Path, recorder: Recorder) -> None:
    recorder.routes["/slow"] = answer(200, body=b"late", pause=2)
    path = put(str(tmp_path / "c.json"), "c", (recorder.url("/slow"), SETS))
    process = start(tmp_path, path, "-n", "6", "-j", "2")
    while len(recorder.requests) < 2:
        time.sleep(0.02)
    workers = children(process.pid)
    process.kill()
    process.communicate(timeout=20)
    until = time.monotonic() + 1.5
    while any(Path(f"/proc/{pid}/exe").exists() for pid in workers) and time.monotonic() < until:
        time.sleep(0.02)
    assert not any(Path(f"/proc/{pid}/exe").exists() for pid in workers)


def test_who_stops_reading_leaves_no_process(tmp_path: Path, recorder: Recorder) -> None:
    recorder.routes["/"] = answer(200, body=b"{}", pause=0.05)
    path = put(str(tmp_path / "c.json"), "c", (recorder.url("/"), ""))
    with Series([path], Options(iterations=1000), jobs=2) as series:
        assert len([event for event, _ in zip(series.events(), range(5), strict=False)]) == 5
    seen = len(recorder.requests)
    time.sleep(0.2)
    assert seen == len(recorder.requests) < 100


def test_what_waits_lies_in_a_file_that_begins_anew() -> None:
    spool = Spool()
    frames = [bytes([number]) * IN_MEMORY for number in range(3)]
    for frame in frames:
        spool.put(frame)
    assert spool._file._rolled  # type: ignore[attr-defined]
    assert [spool.get() for _ in frames] == frames
    spool.put(b"last")
    spool.end()
    assert (spool._written, spool.get(), spool.get()) == (4, b"last", None)
    spool.close()


def test_variables_without_a_value_are_those_of_all_processes(pabal: Pabal, recorder: Recorder) -> None:
    path = put("c.json", "c", (recorder.url("/{{id}}"), ""))
    Path("rows.json").write_text(json.dumps([{"id": "{{one}}"}, {"id": "{{two}}"}, {"id": "{{one}}"}]))
    for jobs in ("1", "2"):
        done = pabal("run", path, "-d", "rows.json", "-j", jobs, "-r", "json", "--reporter-json-export", "-")
        assert json.loads(done.out)["run"]["unresolved"] == ["one", "two"], done.err
