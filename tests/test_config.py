"""Options from rc files, pyproject.toml, pabal.toml and the environment: who wins, what is refused, what is shown."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from runner.cli.config import settings
from tests.conftest import Pabal
from tests.servers import Recorder
from tests.test_process import environ

SOURCES = ["system-newmanrc", ".postman/newmanrc", ".newmanrc", "pyproject.toml", "pabal.toml", "environment", "command line"]


def put(name: str, text: str) -> None:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text)


def shown(out: str) -> dict[str, tuple[str, str]]:
    """Value and source of each option that `--show-config` printed and that is not a default."""
    lines = [line.split(maxsplit=1) for line in out.splitlines()]
    cells = {line[0]: line[1].rstrip() for line in lines if len(line) == 2}
    found = {name: tuple(rest.rsplit("  ", 1)) for name, rest in cells.items() if "  " in rest}
    return {name: (value.strip(), source.strip()) for name, (value, source) in found.items()}


@pytest.mark.parametrize("strongest", range(1, len(SOURCES) + 1))
def test_the_nearer_source_wins(pabal: Pabal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, strongest: int) -> None:
    words: list[str] = []
    for number, source in enumerate(SOURCES[:strongest], 1):
        if source.endswith("newmanrc"):
            put(source, json.dumps({"iterationCount": number}))
        elif source.endswith(".toml"):
            put(source, f"{'[tool.pabal]' if source[1] == 'y' else ''}\niteration-count = {number}\n")
        elif source == "environment":
            monkeypatch.setenv("PABAL_ITERATION_COUNT", str(number))
        else:
            words = ["-n", str(number)]
    origins = [
        f"{tmp_path}/system-newmanrc: iterationCount", f"{tmp_path}/.postman/newmanrc: iterationCount", ".newmanrc: iterationCount",
        "pyproject.toml [tool.pabal]: iteration-count", "pabal.toml: iteration-count", "PABAL_ITERATION_COUNT", "command line",
    ]  # fmt: skip
    done = pabal("run", "--show-config", *words)
    assert done.status == 0, done.err
    value, origin = next(line.split(maxsplit=2)[1:] for line in done.out.splitlines() if "iteration-count" in line)
    assert (value, origin.strip()) == (str(strongest), origins[strongest - 1])


def test_newmans_library_names(pabal: Pabal) -> None:
    options: dict[str, Any] = {
        "collection": "c.json", "environment": "e.json", "globals": "g.json", "iterationData": "d.csv", "folder": ["A", "B b"],
        "envVar": [{"key": "a", "value": "1"}, {"key": "b", "value": 2}], "insecureFileRead": False, "insecure": True,
        "bail": ["folder", "failure"], "reporters": ["cli", "json"], "timeoutRequest": 20, "suppressExitCode": True,
        "reporter": {"cli": {"noSummary": True}, "json": {"export": "x.json"}},
    }  # fmt: skip
    put(".newmanrc", json.dumps({"run": options, "iterationCount": "not looked at"}))
    rows = {name: value for name, (value, source) in shown(pabal("run", "--show-config").out).items() if ".newmanrc" in source}
    assert rows == {
        "collection": "c.json", "environment": "e.json", "globals": "g.json", "iteration-data": "d.csv", "folder": "A, B b",
        "env-var": "a=1, b=2", "no-insecure-file-read": "true", "insecure": "true", "bail": "folder,failure",
        "reporters": "cli,json", "timeout-request": "20", "suppress-exit-code": "true",
        "reporter-cli-no-summary": "true", "reporter-json-export": "x.json",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text", "option", "value"),
    [
        ("pabal.toml", "kis = false", "no-kis", "true"),
        ("pabal.toml", "no-insecure-file-read = false", "no-insecure-file-read", "false"),
        ("pabal.toml", "no-verbose = true", "verbose", "false"),
        ("PABAL_KIS", "0", "no-kis", "true"),
        ("PABAL_NO_KIS", "no", "no-kis", "false"),
    ],
)
def test_a_switch_may_be_said_both_ways(
    pabal: Pabal, monkeypatch: pytest.MonkeyPatch, name: str, text: str, option: str, value: str
) -> None:
    if name.startswith("PABAL_"):
        monkeypatch.setenv(name, text)
    else:
        put(name, text)
    found = shown(pabal("run", "--show-config").out)
    assert found[option][0] == value and found[option][1].startswith(name)


@pytest.mark.parametrize("command", ["vars", "lint", "codegen"])
def test_other_commands_take_the_environment_from_there(pabal: Pabal, command: str) -> None:
    put("c.json", json.dumps({"info": {}, "item": [{"name": "a", "request": "http://{{host}}/"}]}))
    put("e.json", json.dumps({"values": [{"key": "host", "value": "here.example"}]}))
    put("pabal.toml", 'collection = ["x", "y"]\nenvironment = "e.json"\niteration-count = 3')
    assert pabal(command, "c.json").status == 0
    put("pabal.toml", 'environment = "nowhere.json"')
    assert pabal(command, "c.json").status == 3


def test_null_never_overrides(pabal: Pabal) -> None:
    put(".postman/newmanrc", '{"iterationCount": 4}')
    put(".newmanrc", '{"iterationCount": null}')
    assert shown(pabal("run", "--show-config").out)["iteration-count"][0] == "4"


def test_zero_in_a_file_is_newmans_none(pabal: Pabal) -> None:
    put(".postman/newmanrc", '{"timeout": 4, "iterationCount": 2.0}')
    put(".newmanrc", '{"timeout": 0, "timeoutRequest": 0, "delayRequest": 0}')
    rows = shown(pabal("run", "--show-config").out)
    assert rows["iteration-count"][0] == "2"
    assert {"timeout", "timeout-request", "delay-request"}.isdisjoint(name for name, (value, _) in rows.items() if value)


def test_an_empty_run_in_an_rc_file_is_all_there_is(pabal: Pabal) -> None:
    put(".newmanrc", '{"run": {}, "timeout": "not looked at"}')
    assert pabal("run", "--show-config").status == 0


def test_settings_are_heeded(pabal: Pabal, recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    put("c.json", json.dumps({"info": {"name": "c"}, "item": [{"name": name, "request": "{{url}}"} for name in ("A", "B b")]}))
    put(
        "pabal.toml",
        'collection = "c.json"\nreporters = "json"\nreporter.json.export = "r.json"\n'
        f'[env-var]\nurl = "{recorder.url("/")}"\n[reporter]\n',
    )
    put("pabal.toml", Path("pabal.toml").read_text().replace("\n[reporter]\n", ""))
    monkeypatch.setenv("PABAL_FOLDER", "B b\n")
    monkeypatch.setenv("PABAL_ITERATION_COUNT", "2")
    monkeypatch.setenv("PABAL_ALLOW_ORDERS", "1")  # which is for generated tests
    done = pabal("run")
    assert (done.status, done.out, len(recorder.requests)) == (0, "", 2), done.err
    assert [entry["item"]["name"] for entry in json.loads(Path("r.json").read_text())["run"]["executions"]] == ["B b", "B b"]


def test_a_reporter_option_of_the_command_line_wins_over_the_files(pabal: Pabal) -> None:
    put(".newmanrc", '{"reporter": {"json": {"export": "file"}, "cli": {"noSummary": true}}}')
    rows = shown(pabal("run", "--show-config", "--reporter-json-export", "given").out)
    assert rows["reporter-json-export"] == ("given", "command line")
    assert rows["reporter-cli-no-summary"] == ("true", ".newmanrc: reporter.cli.noSummary")


@pytest.mark.parametrize(
    ("name", "text", "status", "message"),
    [
        (".newmanrc", "{", 3, ".newmanrc: is not valid JSON"),
        (".newmanrc", "[]", 3, ".newmanrc: expected an object of options, found a list"),
        (".newmanrc", '{"itertionCount": 1}', 2, ".newmanrc: itertionCount: there is no such option\n  did you mean iteration-count?"),
        (".newmanrc", '{"iterationCount": -1}', 2, ".newmanrc: iterationCount: the value must be a positive integer"),
        (".newmanrc", '{"run": 1}', 2, ".newmanrc: run: there is no such option"),
        (".newmanrc", '{"timeout": false}', 2, ".newmanrc: timeout: expected text or a number, found true or false"),
        (".newmanrc", '{"environment": {"values": []}}', 2, ".newmanrc: environment: expected text"),
        (".newmanrc", '{"environment": true}', 2, ".newmanrc: environment: expected text or a number, found true or false"),
        (".newmanrc", '{"workingDir": "a\\u0000"}', 2, ".newmanrc: workingDir: holds a NUL"),
        (".newmanrc", '{"folder": [["a"]]}', 2, ".newmanrc: folder: expected text, found a list"),
        (".newmanrc", '{"reporter": {"json": {"export": []}}}', 2, ".newmanrc: reporter.json.export: expected text"),
        ("pabal.toml", "a = " + "[" * 5000, 3, "pabal.toml: is nested too deeply"),
        (".newmanrc", "[" * 100_000, 3, ".newmanrc: is nested too deeply"),
        ("pabal.toml", "silent = ", 3, "pabal.toml: is not valid TOML"),
        ("pabal.toml", 'silent = "perhaps"', 2, "pabal.toml: silent: 'perhaps' is not a valid boolean"),
        ("pabal.toml", "silent = 3", 2, "pabal.toml: silent: '3' is not a valid boolean"),
        ("pabal.toml", 'simulation = true', 2, "pabal.toml: simulation: there is no such option\n  did you mean simulate?"),
        ("pabal.toml", 'kis = "perhaps"', 2, "pabal.toml: kis: 'perhaps' is not a valid boolean"),
        ("pabal.toml", "no-kis = [1]", 2, "pabal.toml: no-kis: expected text"),
        ("pabal.toml", 'env-var = ["a"]', 2, "pabal.toml: env-var: 'a' is not of the form NAME=VALUE"),
        ("pabal.toml", "help = true", 2, "pabal.toml: help: there is no such option"),
        ("pabal.toml", "n = 1", 2, "pabal.toml: n: there is no such option"),
        ("pabal.toml", "allow-real-orders = true", 2, "pabal.toml: allow-real-orders: can only be given on the command line"),
        ("pabal.toml", "show-secrets = true", 2, "pabal.toml: show-secrets: can only be given on the command line"),
        ("pabal.toml", "yes = true", 2, "pabal.toml: yes: can only be given on the command line"),
        ("pyproject.toml", "[tool.pabal]\nverbos = 1", 2, "pyproject.toml [tool.pabal]: verbos: there is no such option"),
        ("pyproject.toml", "[tool]\npabal = 1", 3, "pyproject.toml: expected a table [tool.pabal], found a number"),
        ("PABAL_TIMEOUT", "1.5", 2, "PABAL_TIMEOUT: the value must be a positive integer"),
        ("PABAL_TIMOUT", "1", 2, "PABAL_TIMOUT: there is no such option\n  did you mean timeout?"),
        ("PABAL_ALLOW_REAL_ORDERS", "1", 2, "PABAL_ALLOW_REAL_ORDERS: can only be given on the command line"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_place(
    pabal: Pabal, monkeypatch: pytest.MonkeyPatch, name: str, text: str, status: int, message: str
) -> None:
    put("c.json", '{"info": {}, "item": []}')
    if name.startswith("PABAL_"):
        monkeypatch.setenv(name, text)
    else:
        put(name, text)
    done = pabal("run", "c.json")
    assert (done.status, done.out) == (status, "")
    assert done.err.startswith(f"error: {message}")


def test_secrets_are_masked(pabal: Pabal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PABAL_ENV_VAR", "api_token=abcdefgh\nplain=seen")
    done = pabal("run", "--show-config", "-e", "https://user:hunter22@h/e.json?apikey=hunter23")
    assert "plain=seen" in done.out and "api_token=****" in done.out
    assert not any(word in done.out for word in ("abcdefgh", "hunter22", "hunter23"))


def test_vars_takes_the_options_it_knows(pabal: Pabal) -> None:
    put("c.json", json.dumps({"info": {}, "item": [{"name": "a", "request": "http://h/{{where}}"}]}))
    put("pabal.toml", 'env-var = {where = "there"}\niteration-count = 3')
    done = pabal("vars", "c.json")
    assert done.status == 0 and "there" in done.out, done.err


def test_other_peoples_pyproject_is_not_parsed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    put("pyproject.toml", "[tool.other]\n")
    put("c.json", '{"info": {}, "item": []}')
    code = "import sys; from runner.cli.config import settings; list(settings({})); sys.exit('tomllib' in sys.modules)"
    unmeasured = {name: value for name, value in environ().items() if not name.startswith("COVERAGE")}  # which reads TOML itself
    assert subprocess.run([sys.executable, "-c", code], env=unmeasured, cwd=tmp_path).returncode == 0
    put("pyproject.toml", "broken but nobody's business here")
    assert list(settings({})) == []
