"""The pytest module generated from a collection: what its tests do, and what they hold back."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruff import find_ruff_bin

import runner.testing  # noqa: F401  once, not again in each run of pytest within pytest
from runner import Environment, Options, UsageError, Variable
from runner.codegen.registry import File
from runner.generate import CodeOptions, generate
from runner.load import collection_from_json
from tests.servers import Recorder, answer

pytest_plugins = "pytester"
pytest.importorskip("requests")  # inline_run forgets modules that are first imported in it, and half of requests would stay

ROOT = Path(__file__).parents[1]
MOCK = ROOT / "collections" / "kis-mock.postman_collection.json"
MOCK_ENV = ROOT / "environments" / "kis-mock.postman_environment.json"


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No plugins in the pytest within, which would take most of the time, and nothing allowed by the caller's environment."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    for name in ("PABAL_SIMULATE", "PABAL_ALLOW_ORDERS", "PABAL_ALLOW_REAL_ORDERS"):
        monkeypatch.delenv(name, raising=False)


def module_of(
    items: list[Any], *, values: dict[str, str] | None = None, data: Any = None, root: Any = None, **options: Any
) -> File:
    collection = collection_from_json({"info": {"name": "T"}, "item": items, **(root or {})})
    environment = Environment(values=tuple(Variable(key=key, value=value) for key, value in (values or {}).items()))
    (file,) = generate(collection, Options(environment=environment, data=data), CodeOptions(target="pytest", **options))
    return file


def item(name: str, url: str, test: str = "", prerequest: str = "", **request: Any) -> dict[str, Any]:
    events = [
        {"listen": listen, "script": {"exec": code}} for listen, code in (("prerequest", prerequest), ("test", test)) if code
    ]
    return {"name": name, "request": {"method": "GET", "url": url, **request}, "event": events}


def outcomes(pytester: pytest.Pytester, text: str, *arguments: str) -> list[tuple[str, str]]:
    """Each subtest by its name and each test by its function's, with what came of it."""
    path = pytester.path / "test_it.py"
    path.write_text(text, "utf-8")
    recorded = pytester.inline_run("-p", "no:cacheprovider", str(path), *arguments)
    reports = [report for report in recorded.getreports("pytest_runtest_logreport") if report.when == "call"]
    return [(named(report), report.outcome) for report in reports]


def named(report: Any) -> str:
    return str(report.context.msg) if isinstance(report, pytest.SubtestReport) else report.nodeid.partition("::")[2]


def test_the_mock_collection_passes_against_the_simulator(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    (file,) = generate(MOCK, Options(environment=MOCK_ENV), CodeOptions(target="pytest"))
    assert file.diagnostics[-1].text == "63 of 63 scripts translated to Python"
    monkeypatch.setenv("PABAL_SIMULATE", "1")
    held = outcomes(pytester, file.text)
    monkeypatch.setenv("PABAL_ALLOW_ORDERS", "1")
    found = outcomes(pytester, file.text)
    assert {outcome for _, outcome in found} == {"passed"}
    assert ("test_v_주식주문_현금", "passed") in found
    assert ("test_v_주식주문_현금", "skipped") in held
    assert {name for name, outcome in held if outcome == "failed"} == set()


def test_importing_sends_nothing_and_each_request_is_a_test_in_order(recorder: Recorder, pytester: pytest.Pytester) -> None:
    check = 'pm.test("ok", () => pm.response.to.have.status(200)); pm.test.skip("later", () => {}); pm.test("no", () => { pm.expect(1).to.equal(2) })'
    items = [item("B one", recorder.url("/b"), check), {"name": "F", "item": [item("A two", recorder.url("/a"))]}]
    text = module_of(items).text
    outcomes(pytester, text, "--collect-only")
    assert recorder.requests == []
    assert outcomes(pytester, text) == [
        ("ok", "passed"),
        ("later", "skipped"),
        ("no", "failed"),
        ("test_b_one", "failed"),
        ("test_a_two", "passed"),
    ]
    assert [request.target for request in recorder.requests] == ["/b", "/a"]


def test_scripts_of_the_collection_and_of_folders_run_for_each_request(recorder: Recorder, pytester: pytest.Pytester) -> None:
    before = {"listen": "prerequest", "script": {"exec": 'pm.environment.set("n", Number(pm.environment.get("n") || 0) + 1)'}}
    after = {"listen": "test", "script": {"exec": "pm.test(`turn ${pm.environment.get('n')}`, () => {})"}}
    items = [
        {"name": "F", "item": [item("x", recorder.url("/{{n}}"))], "event": [after]},
        item("y", recorder.url("/{{n}}")),
    ]
    text = module_of(items, root={"event": [before]}).text
    assert outcomes(pytester, text) == [("turn 1", "passed"), ("test_x", "passed"), ("test_y", "passed")]
    assert [request.target for request in recorder.requests] == ["/1", "/2"]


def test_set_next_request_skips_ahead_and_goes_back_at_once(recorder: Recorder, pytester: pytest.Pytester) -> None:
    back = (
        'const n = Number(pm.globals.get("n") || 0) + 1; pm.globals.set("n", n); pm.execution.setNextRequest(n < 3 ? "c" : null)'
    )
    items = [
        item("a", recorder.url("/a"), 'pm.execution.setNextRequest("c")'),
        item("b", recorder.url("/b")),
        item("c", recorder.url("/c"), back + '; pm.test("again", () => {})'),
        item("d", recorder.url("/d")),
    ]
    found = outcomes(pytester, module_of(items).text)
    assert found == [
        ("test_a", "passed"),
        ("test_b", "skipped"),
        *[("again", "passed")] * 3,
        ("test_c", "passed"),
        ("test_d", "skipped"),
    ]
    assert [request.target for request in recorder.requests] == ["/a", *["/c"] * 3]


def test_a_status_counts_only_where_a_script_asks_about_it(recorder: Recorder, pytester: pytest.Pytester) -> None:
    recorder.routes["/500"] = answer(500, [], b"")
    asked = item("asked", recorder.url("/500"), 'pm.test("fine", () => pm.response.to.have.status(200))')
    found = outcomes(pytester, module_of([item("a", recorder.url("/500")), asked]).text)
    assert found == [("test_a", "passed"), ("fine", "failed"), ("test_asked", "failed")]


def test_rows_of_data_are_iterations(recorder: Recorder, pytester: pytest.Pytester) -> None:
    items = [
        item("a", recorder.url("/a/{{who}}")),
        item("b", recorder.url("/b"), "pm.test(data.who + iteration, () => {})"),
    ]
    found = outcomes(pytester, module_of(items, data=[{"who": "x"}, {"who": "y"}]).text)
    assert [name for name, _ in found] == ["test_a[0]", "x0", "test_b[0]", "test_a[1]", "y1", "test_b[1]"]
    assert [request.target for request in recorder.requests] == ["/a/x", "/b", "/a/y", "/b"]


JAVASCRIPT = 'var x = require("lodash");\npm.test("js", () => { pm.expect(x.isArray([])).to.be.true })'


def test_what_cannot_be_translated_runs_in_the_sandbox_or_fails(recorder: Recorder, pytester: pytest.Pytester) -> None:
    items = [item("a", recorder.url("/a"), JAVASCRIPT)]
    kept = module_of(items)
    assert [entry.text for entry in kept.diagnostics] == [
        "a, test: line 1: a call of require",
        "0 of 1 scripts translated to Python",
    ]
    said = "# Not translated, line 1: a call of require. This runs in Postman's sandbox:\n#\n# " + JAVASCRIPT.replace(
        "\n", "\n# "
    )
    assert f"{said}\ncheck_a = JavaScript(" in kept.text
    assert outcomes(pytester, kept.text) == [("js", "passed"), ("test_a", "passed")]
    bare = module_of(items, sandbox_fallback=False).text
    assert '    # var x = require("lodash");' in bare
    assert outcomes(pytester, bare) == [("test script of a", "failed"), ("test_a", "failed")]


def test_a_comment_holds_whatever_a_script_is_written_with(recorder: Recorder, pytester: pytest.Pytester) -> None:
    code = 'require("lodash")\r\npm.test("\x0bone", () => {})\rpm.test("two\u2028", () => {});\n\n// end'
    items = [item("a", recorder.url("/a"), code)]
    assert [outcome for _, outcome in outcomes(pytester, module_of(items).text)] == ["passed"] * 3
    assert [outcome for _, outcome in outcomes(pytester, module_of(items, sandbox_fallback=False).text)] == ["failed"] * 2


def test_a_variable_that_a_script_leaves_for_one_that_stays_javascript_keeps_both_in_the_sandbox(
    recorder: Recorder, pytester: pytest.Pytester
) -> None:
    items = [
        item("a", recorder.url("/a"), "left = 5"),
        item("b", recorder.url("/b"), 'pm.test("still " + left, () => {}); require("lodash")'),
    ]
    found = module_of(items)
    assert found.diagnostics[0].text == "a, test: line 1: left is read by a script that is not translated"
    assert ("still 5", "passed") in outcomes(pytester, found.text)


def test_secrets_come_from_the_process_environment(
    recorder: Recorder, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = [{"key": "Authorization", "value": "Bearer {{API_TOKEN}}"}]
    fail = 'pm.test("says", () => { throw new Error(pm.environment.get("API_TOKEN")) })'
    text = module_of([item("a", recorder.url("/a"), fail, header=header)], values={"API_TOKEN": "hunter2hunter2"}).text
    assert "hunter2" not in text
    monkeypatch.setenv("API_TOKEN", "opensesame-opensesame")
    path = pytester.path / "test_it.py"
    path.write_text(text, "utf-8")
    said = pytester.inline_run("-p", "no:cacheprovider", str(path))
    assert recorder.requests[0].values("authorization") == ["Bearer opensesame-opensesame"]
    failed = [report for report in said.getreports("pytest_runtest_logreport") if report.outcome == "failed"]
    assert failed and not any("opensesame" in str(report.longrepr) for report in failed)


def test_a_request_that_fails_fails_its_test(pytester: pytest.Pytester) -> None:
    assert outcomes(pytester, module_of([item("a", "http://127.0.0.1:1/")]).text) == [("test_a", "failed")]


def every_shape() -> File:
    """A module with names that collide, every kind of body, auth, and long scripts."""
    long = (
        "pm.test('"
        + "x" * 70
        + "', () => { pm.expect(pm.response.json().a.b.c.d.map(e => e.f)).to.include.all.keys(['"
        + "', '".join("abcdefgh")
        + "']) })"
    )
    items = [
        item(
            "get", "http://h/{{a}}?x=1&y", long, header=[{"key": "A", "value": "1", "disabled": True}, {"key": "B", "value": "2"}]
        ),
        item(
            "GET", {"raw": "http://h/:id", "host": ["h"], "path": [":id"], "variable": [{"key": "id", "value": "7"}]}, JAVASCRIPT
        ),  # type: ignore[arg-type]
        item(
            "caught",
            "http://h/",
            "try { pm.response.json() } catch (e) { }\ntry { JSON.parse('{') } catch (e) { console.log(e) }",
        ),
        item(
            "class",
            "http://h/",
            method="POST",
            body={"mode": "raw", "raw": '{"a": "한글 \\" \\\\ \n"}'},
            description='It\'s "quoted"',
        ),
        item("", "http://h/", method="POST", body={"mode": "urlencoded", "urlencoded": [{"key": "a", "value": "1"}]}),
        {
            "name": "run",
            "item": [item("run", "http://h/")],
            "auth": {"type": "basic", "basic": {"username": "u", "password": "p"}},
        },
    ]
    return module_of(items, values={"a": "b"}, root={"variable": [{"key": "v", "value": "1"}]})


def test_modules_are_clean_python(tmp_path: Path) -> None:
    for file in (every_shape(), *generate(MOCK, Options(environment=MOCK_ENV), CodeOptions(target="pytest"))):
        for command in (["check"], ["format", "--check"]):
            done = subprocess.run(
                [find_ruff_bin(), *command, "--isolated", "-"], input=file.text.encode(), capture_output=True, cwd=tmp_path
            )
            assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()


def folders(recorder: Recorder) -> list[Any]:
    """Folders in folders, requests between them, and a script that two folders and one that a folder and a request share."""
    store = 'pm.environment.set("n", Number(pm.environment.get("n") || 0) + 1)'
    return [
        item("first", recorder.url("/first"), store),
        {
            "name": "B",
            "item": [item("b1", recorder.url("/b1/{{n}}"), store), {"name": "A", "item": [item("a1", recorder.url("/a1"))]}],
            "event": [{"listen": "test", "script": {"exec": 'pm.test("in B", () => {})'}}],
        },
        {"name": "A", "item": [item("first", recorder.url("/a2"), JAVASCRIPT, 'pm.test("in B", () => {})')]},
        item("last", recorder.url("/last/{{n}}"), JAVASCRIPT),
    ]


def written(pytester: pytest.Pytester, items: list[Any], data: Any = None) -> list[File]:
    secret = {"key": "shop_token", "value": "tok-5f2e8c9a1b", "type": "secret"}
    collection = collection_from_json({"info": {"name": "Big shop"}, "item": items, "variable": [secret]})
    files = list(generate(collection, Options(data=data), CodeOptions(target="pytest", per_folder=True)))
    for file in files:
        (pytester.path / file.path).write_text(file.text, "utf-8")
    return files


def test_a_module_for_each_folder_keeps_the_order_and_one_run(recorder: Recorder, pytester: pytest.Pytester) -> None:
    files = written(pytester, folders(recorder))
    assert [file.path for file in files] == [
        "big_shop_suite.py",
        "conftest.py",
        "test_big_shop_1_top.py",
        "test_big_shop_2_b.py",
        "test_big_shop_3_b_a.py",
        "test_big_shop_4_a.py",
        "test_big_shop_5_top.py",
    ]
    assert [bool(file.diagnostics) for file in files] == [True] + [False] * 6
    recorded = pytester.inline_run("-p", "no:cacheprovider")
    recorded.assertoutcome(passed=5 + 5)
    assert [request.target for request in recorder.requests] == ["/first", "/b1/1", "/a1", "/a2", "/last/2"]
    recorder.requests.clear()
    pytester.inline_run("-p", "no:cacheprovider", "test_big_shop_2_b.py").assertoutcome(passed=1 + 1)
    assert [request.target for request in recorder.requests] == ["/b1/%7B%7Bn%7D%7D"]


def test_iterations_go_through_all_modules(recorder: Recorder, pytester: pytest.Pytester) -> None:
    written(pytester, folders(recorder)[:2], data=[{"x": 1}, {"x": 2}])
    pytester.inline_run("-p", "no:cacheprovider")
    assert [request.target for request in recorder.requests] == ["/first", "/b1/1", "/a1", "/first", "/b1/3", "/a1"]


def test_modules_of_folders_are_clean_python(recorder: Recorder, pytester: pytest.Pytester) -> None:
    written(pytester, folders(recorder))
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run([find_ruff_bin(), *command, "--isolated", "."], capture_output=True, cwd=pytester.path)
        assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()


@pytest.mark.parametrize(
    ("wanted", "targets"),
    [
        ('folder(path="B")', ["/b1/%7B%7Bn%7D%7D", "/a1"]),
        ('folder(path="B/A")', ["/a1"]),
        ('folder(path="A")', ["/a2"]),
        ("not folder", ["/first", "/last/1"]),
    ],
)
@pytest.mark.parametrize("per_folder", [False, True])
def test_tests_are_chosen_by_the_folders_they_are_in(
    wanted: str, targets: list[str], per_folder: bool, recorder: Recorder, pytester: pytest.Pytester
) -> None:
    if per_folder:
        written(pytester, folders(recorder))
    else:
        (pytester.path / "test_it.py").write_text(module_of(folders(recorder)).text, "utf-8")
    options = ["-p", "no:cacheprovider", "-p", "runner.pytest_plugin", "--strict-markers", "-m", wanted]
    recorded = pytester.inline_run(*options)
    assert recorded.ret == 0
    assert [request.target for request in recorder.requests] == targets


def test_variables_are_given_on_the_command_line(recorder: Recorder, pytester: pytest.Pytester) -> None:
    (pytester.path / "e.json").write_text(
        json.dumps({"values": [{"key": "a", "value": "file"}, {"key": "b", "value": "file"}, {"key": "c", "value": ""}]})
    )
    (pytester.path / "x.env").write_text("a=env\nc=env\n")
    module = module_of([item("it", "{{base}}/{{a}}/{{b}}/{{c}}")], values={"base": "http://127.0.0.1:9", "a": "1", "b": "2"})
    path = pytester.path / "test_it.py"
    path.write_text(module.text, "utf-8")
    given = ["--pabal-env", "e.json", "--pabal-env-var", f"base={recorder.url('')}", "--pabal-env-var", "b=option"]
    pytester.inline_run("-p", "runner.pytest_plugin", *given, "--pabal-env-file", "x.env").assertoutcome(passed=1)
    assert [request.target for request in recorder.requests] == ["/file/option/env"]
    wrong = pytester.inline_run("-p", "runner.pytest_plugin", "--pabal-env-var", "b")
    assert "--pabal-env-var 'b' is not of the form NAME=VALUE" in str(wrong.getfailures()[0].longrepr)


def test_only_pytest_modules_are_split() -> None:
    with pytest.raises(UsageError, match="requests makes no modules of folders"):
        list(generate(MOCK, Options(), CodeOptions(per_folder=True)))
