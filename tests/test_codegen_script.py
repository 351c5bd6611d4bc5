"""The program generated from a collection: it runs in the order of `pabal run`, says what that says, and ends as it ends."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runner import Environment, Options, Variable
from runner.codegen.registry import File
from runner.errors import ExitCode
from runner.generate import CodeOptions, generate
from runner.load import collection_from_json
from runner.url import as_parts
from tests.conftest import Done, Pabal
from tests.servers import Recorder, answer

ROOT = Path(__file__).parents[1]
MOCK = ROOT / "collections" / "kis-mock.postman_collection.json"
MOCK_ENV = ROOT / "environments" / "kis-mock.postman_environment.json"
ORDER = "/uapi/domestic-stock/v1/trading/order-cash"

Program = Callable[..., Done]


@pytest.fixture
def program(pabal: Pabal, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Program:
    """Runs generated code as `python FILE WORDS` does, where nothing is allowed by the caller's environment."""

    def run(file: File, *words: str) -> Done:
        path = Path(file.path).absolute()
        path.write_text(file.text, "utf-8")
        monkeypatch.setattr(sys, "argv", [str(path), *words])
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            runpy.run_path(str(path), run_name="__main__")
        return Done(int(end.value.code or 0), *capfd.readouterr())

    return run


def program_of(items: list[Any], *, values: dict[str, str] | None = None, data: Any = None, **options: Any) -> File:
    environment = Environment(values=tuple(Variable(key=key, value=value) for key, value in (values or {}).items()))
    collection = collection_from_json({"info": {"name": "T"}, "item": items})
    (file,) = generate(collection, Options(environment=environment, data=data), CodeOptions(target="script", **options))
    return file


def item(name: str, url: str, test: str = "", prerequest: str = "", **request: Any) -> dict[str, Any]:
    pairs = (("prerequest", prerequest), ("test", test))
    events = [{"listen": listen, "script": {"exec": code}} for listen, code in pairs if code]
    return {"name": name, "request": {"method": "GET", "url": url, **request}, "event": events}


def sent(recorder: Recorder) -> list[str]:
    found = [request.target for request in recorder.requests]
    recorder.requests.clear()
    return found


def report(text: str) -> list[str]:
    """A report without what no two runs have in common: ports, times, and how wide tables are for them."""
    steady = re.sub(r"127\.0\.0\.1:\d+|[\d.]+(?:µs|ms|s)\b", "…", text)
    return [line for line in re.sub("[─ ]+", " ", steady).splitlines() if "percentiles" not in line and "average" not in line]


def test_the_mock_collection_runs_against_the_simulator_as_in_a_run(
    program: Program, pabal: Pabal, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file,) = generate(MOCK, Options(environment=MOCK_ENV), CodeOptions(target="script"))
    assert file.diagnostics[-1].text == "63 of 63 scripts translated to Python"
    theirs = pabal("run", str(MOCK), "-e", str(MOCK_ENV), "--simulate")
    monkeypatch.setenv("PABAL_SIMULATE", "1")
    held = program(file)
    monkeypatch.setenv("PABAL_ALLOW_ORDERS", "1")
    ours = program(file)
    assert (held.status, ours.status, theirs.status) == (0, 0, 0)
    assert report(ours.out) == report(theirs.out)
    assert len(re.findall("  ✓  ", ours.out)) > len(re.findall("  ✓  ", held.out)) > 90
    assert "V_주식주문(현금)\n  -  [skipped] not sent, it changes an account; set PABAL_ALLOW_ORDERS=1" in held.out


BACK = 'const n = Number(pm.globals.get("n") || 0) + 1; pm.globals.set("n", n); pm.execution.setNextRequest(n < 3 ? "a" : null)'


def test_scripts_decide_what_comes_next_and_importing_sends_nothing(recorder: Recorder, program: Program) -> None:
    items = [
        item("a", recorder.url("/a/{{n}}"), 'pm.execution.setNextRequest("c")'),
        item("b", recorder.url("/b")),
        {"name": "F", "item": [item("c", recorder.url("/c"), prerequest="pm.execution.skipRequest()")]},
        item("d", recorder.url("/d"), BACK),
        item("e", recorder.url("/e")),
    ]
    file = program_of(items)
    exec(compile(file.text, file.path, "exec"), {"__name__": "imported"})
    assert sent(recorder) == []
    assert program(file).status == 0
    assert sent(recorder) == ["/a/%7B%7Bn%7D%7D", "/d", "/a/1", "/d", "/a/2", "/d"]


def test_rows_are_iterations_and_the_command_line_changes_both(recorder: Recorder, program: Program) -> None:
    items = [item("a", recorder.url("/a/{{who}}/{{base}}")), item("b", recorder.url("/b/{{who}}"))]
    file = program_of(items, data=[{"who": "x"}, {"who": "y"}], values={"base": "1"})
    program(file)
    assert sent(recorder) == ["/a/x/1", "/b/x", "/a/y/1", "/b/y"]
    Path("rows.csv").write_text("who\np\nq\nr\n")
    Path("env.json").write_text(json.dumps({"name": "e", "values": [{"key": "base", "value": "2"}]}))
    program(file, "-d", "rows.csv", "-e", "env.json")
    assert sent(recorder) == ["/a/p/2", "/b/p", "/a/q/2", "/b/q", "/a/r/2", "/b/r"]
    program(file, "-e", "env.json", "--env-var", "base=3=4", "-n", "1")
    assert sent(recorder) == ["/a/x/3=4", "/b/x"]
    assert "Iteration 3/3" in program(file, "-n", "3").out
    assert sent(recorder) == ["/a/x/1", "/b/x", "/a/y/1", "/b/y", "/a/y/1", "/b/y"]


FAIL = 'pm.test("no", () => pm.expect(1).to.equal(2))'


def endings(recorder: Recorder) -> Iterator[tuple[list[Any], tuple[str, ...], ExitCode]]:
    recorder.routes["/500"] = answer(500, [], b"")
    fine, wrong = item("fine", recorder.url("/")), item("wrong", recorder.url("/"), FAIL)
    yield [fine, item("a status that no script asks about", recorder.url("/500"))], (), ExitCode.OK
    yield [wrong, fine], (), ExitCode.ASSERTION_FAILED
    yield [fine], ("-n", "0"), ExitCode.USAGE
    yield [fine], ("--env-var", "base"), ExitCode.USAGE
    yield [fine], ("-e", "nowhere.json"), ExitCode.UNREADABLE
    yield [fine], ("-d", "nowhere.csv"), ExitCode.UNREADABLE
    yield [item("gone", "http://127.0.0.1:1/")], (), ExitCode.BROKEN
    yield [item("thrown", recorder.url("/"), "throw new Error('x')")], (), ExitCode.BROKEN
    yield [], (), ExitCode.NOTHING_RAN


def test_it_ends_as_a_run_ends(recorder: Recorder, program: Program) -> None:
    for items, words, code in endings(recorder):
        done = program(program_of(items), *words)
        assert (done.status, "Traceback" in done.err) == (code, False), done.out + done.err
        assert done.err.startswith("error: nowhere") is (code is ExitCode.UNREADABLE)


def test_bail_stops_at_the_first_failure(recorder: Recorder, program: Program) -> None:
    file = program_of([item("wrong", recorder.url("/1"), FAIL), item("next", recorder.url("/2"))])
    done = program(file, "--bail")
    assert (done.status, sent(recorder)) == (1, ["/1"])
    assert "  1. no\n" in done.out and "stopped early: no" in done.out


FAILURES = {
    "pm.response.to.have.status(201)": "expected pm.response.code == 201, where pm.response.code is 200",
    "pm.expect(d.n).to.be.above(5)": "expected above(get(d, 'n'), 5), where get(d, 'n') is 3",
    "pm.expect(d.n).to.eql(d.m)": "expected deep_equal(get(d, 'n'), get(d, 'm')), where get(d, 'n') is 3, get(d, 'm') is '한'",
    "pm.expect(d.list.pop()).to.eql(7)": "expected call(get(d, 'list'), 'pop') == 7",
    "pm.expect(d.list).to.not.include(2)": "expected not includes(get(d, 'list'), 2), where get(d, 'list') is [2]",
    "pm.expect(d.a && d.a.b).to.be.ok": (
        "expected truthy(both(get(d, 'a'), lambda: get(get(d, 'a'), 'b'))), where get(d, 'a') is undefined"
    ),
}


def test_what_failed_is_told_with_the_values_in_it(recorder: Recorder, program: Program) -> None:
    recorder.routes["/"] = answer(200, [], '{"n": 3, "m": "한", "list": [2, 1]}'.encode())
    tests = "".join(f"pm.test('t', () => {{ {code} }});\n" for code in FAILURES)
    done = program(program_of([item("a", recorder.url("/"), f"var d = pm.response.json();\n{tests}")]))
    assert re.findall(r"^ +(expected .*)", done.out, re.MULTILINE) == list(FAILURES.values())


def test_orders_on_the_real_host_need_both_switches(
    recorder: Recorder, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recorder is the real host here: whatever the broker's variable for that names."""
    recorder.routes[ORDER] = answer(200, [], b'{"rt_cd": "0"}')
    header = [{"key": "tr_id", "value": "TTTC0012U"}]
    file = program_of([item("buy", f"{{{{PROD}}}}{ORDER}", method="POST", header=header)], values={"PROD": recorder.url("")})
    done = program(file)
    assert (done.status, "set PABAL_ALLOW_ORDERS=1" in done.out) == (0, True)
    monkeypatch.setenv("PABAL_ALLOW_REAL_ORDERS", "1")
    assert program(file).status == 0
    monkeypatch.delenv("PABAL_ALLOW_REAL_ORDERS")
    monkeypatch.setenv("PABAL_ALLOW_ORDERS", "1")
    done = program(file)
    assert (done.status, "moves money on a real account" in done.out) == (ExitCode.REFUSED, True)
    assert sent(recorder) == []
    monkeypatch.setenv("PABAL_ALLOW_REAL_ORDERS", "1")
    assert (program(file).status, sent(recorder)) == (0, [ORDER])


def test_the_brokers_options_go_into_the_program_but_not_what_it_has_switches_for(
    pabal: Pabal, recorder: Recorder, program: Program
) -> None:
    revoke = item("revoke", "{{VTS}}/oauth2/revokeP", method="POST")
    last = item("last", "{{VTS}}/uapi/last")
    Path("c.json").write_text(json.dumps({"info": {"name": "T"}, "item": [revoke, last]}))
    words = ("codegen", "c.json", "--env-var", f"VTS={recorder.url('')}", "-t", "script", "-o", "p.py", "--no-token-cache")
    assert pabal(*words, "--allow-revoke", "--allow-real-orders").status == 0
    text = Path("p.py").read_text("utf-8")
    assert 'extras={"allow_revoke":True,"token_cache":False,}' in re.sub(r"\s", "", text)
    assert program(File(path="p.py", text=text)).status == 0
    assert sent(recorder) == ["/oauth2/revokeP", "/uapi/last"]
    assert pabal(*words).status == 0
    assert program(File(path="p.py", text=Path("p.py").read_text("utf-8"))).status == 0
    assert sent(recorder) == ["/uapi/last"]


def in_parts(path: list[str], **more: Any) -> dict[str, Any]:
    return {"host": ["{{base}}"], "path": path, **more}


BODIES = ['{\n\t"a": "한"\n}', "a\r\nb", '"""\n', 'ends\n"', "\n\\", "one line", "", "a\n\x0b\u2028", "\n{{x}}\\n"]
URLS = [
    "http://h/:id?a=1",
    in_parts(["o", ":id"], variable=[{"key": "id", "value": "{{order}}"}]),
    in_parts(["o", ":id"]),
    in_parts(["o", ":id"], variable=[{"key": "id", "value": "1", "description": "told"}, {"key": "id", "value": "2"}]),
    in_parts(["o"], query=[{"key": "a", "value": None}, {"key": "b", "value": "1", "disabled": True}]),
]


def test_a_program_holds_the_very_requests_of_the_collection() -> None:
    raw = [{"mode": "raw", "raw": text, "options": {"raw": {"language": "json"}}} for text in BODIES]
    bodies = [*raw, {"mode": "raw", "raw": "off", "disabled": True}, {"mode": "graphql", "graphql": {"query": "{\n}"}}]
    items = [item(str(n), "http://h/", method="POST", body=body) for n, body in enumerate(bodies)]
    items += [item("url", url) for url in URLS]  # type: ignore[arg-type]
    text = program_of(items).text
    made: dict[str, Any] = {"__name__": "imported"}
    exec(compile(text, "program", "exec"), made)
    wanted = collection_from_json({"info": {"name": "T"}, "item": items})
    pairs = list(zip(made["SUITE"].collection().walk(), wanted.walk(), strict=True))
    assert [found.request.body for found, _ in pairs] == [each.request.body for _, each in pairs]
    assert [as_parts(found.request.url) for found, _ in pairs] == [as_parts(each.request.url) for _, each in pairs]
    assert text.count('body=r"""') == 1 and text.count("path_variables=") == 1


def test_secrets_come_from_the_process_environment_and_are_not_shown(
    recorder: Recorder, program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = [{"key": "Authorization", "value": "Bearer {{API_TOKEN}}"}]
    say = 'console.log(pm.environment.get("API_TOKEN"))'
    file = program_of([item("a", recorder.url("/?{{API_TOKEN}}"), say, header=header)], values={"API_TOKEN": "hunter2hunter2"})
    monkeypatch.setenv("API_TOKEN", "opensesame-opensesame")
    done = program(file)
    assert recorder.requests[0].values("authorization") == ["Bearer opensesame-opensesame"]
    assert "hunter2" not in file.text and "opensesame" not in done.out + done.err


def test_what_cannot_be_translated_runs_in_the_sandbox_or_fails(recorder: Recorder, program: Program) -> None:
    items = [
        item("a", recorder.url("/a"), 'var x = require("lodash"); pm.test("js", () => { pm.expect(x.isArray([])).to.be.true })')
    ]
    assert "✓  js" in program(program_of(items)).out
    done = program(program_of(items, sandbox_fallback=False))
    assert (done.status, "NotImplementedError" in done.out) == (ExitCode.BROKEN, True)


def test_it_needs_no_pytest_and_starts_no_script_engine(recorder: Recorder, tmp_path: Path, pabal: Pabal) -> None:
    text = program_of([item("a", recorder.url("/a"), 'pm.test("ok", () => {})')]).text
    spy = "\nimport atexit\natexit.register(lambda: print({'pytest', 'rich_click', 'runner.sandbox.v8'} & set(sys.modules)))\n"
    (tmp_path / "run.py").write_text(text.replace("\n\n\ndef main", spy + "\n\ndef main"))
    done = subprocess.run([sys.executable, "run.py"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "set()"), done.stderr
