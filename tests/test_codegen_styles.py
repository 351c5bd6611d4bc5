"""Functions, scripts and tests, alone and in one module; and what becomes of variables. What they send is what the runner sends."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from pytest_httpserver import HTTPServer
from ruff import find_ruff_bin

from runner import UsageError
from runner.cli.group import cli
from runner.codegen.checking import Checker
from runner.codegen.registry import File
from tests.test_codegen import BASE, code_of, every_shape, item, raw, text_of

PYTHON = ["requests", "httpx", "httpx-async", "aiohttp", "http.client", "urllib3"]
VALUES = {"base": BASE, "id": "a b/c", "state": "open now", "n": "42", "API_TOKEN": "hunter2-hunter2-hunter2"}


def order(**more: Any) -> dict[str, Any]:
    """A request with variables in its URL, a header, a JSON string, and where JSON has a number."""
    header = [{"key": "Authorization", "value": "Bearer {{API_TOKEN}}"}, {"key": "X-State", "value": "is {{state}}"}]
    body = raw('{"state": "is {{state}}", "n": {{n}}, "who": "{{who}}"}', "json")
    return item("place order", "{{base}}/orders/{{id}}?state={{state}}", "POST", header=header, body=body, **more)


def with_script(made: dict[str, Any], *lines: str) -> dict[str, Any]:
    return made | {"event": [{"listen": "test", "script": {"exec": list(lines)}}]}


def verdicts(files: list[File]) -> Iterator[tuple[str, tuple[str, ...]]]:
    with Checker(Path()) as checker:
        for file in files:
            for part in file.parts or (file,):
                found = checker.check(part, file.text)
                yield found.kind, found.reasons


@pytest.mark.parametrize(
    ("variables", "lines"),
    [
        ("secrets", ['api_token = os.environ["API_TOKEN"]', f'url = "{BASE}/orders/a%20b/c?state=open%20now"', '"n": 42,']),
        (
            "env",
            [
                'api_token = os.environ["API_TOKEN"]',
                f'base = os.environ.get("base", "{BASE}")',
                'state = os.environ.get("state", "open now")',
                '"n": int(n),',
                '"X-State": f"is {state}",',
            ],
        ),
        ("args", [f'base: str = "{BASE}",', "    api_token: str,", 'place_order(api_token=os.environ["API_TOKEN"], who=']),
        ("inline", ['api_token = "hunt****ter2"', '"who": "{{who}}",', '"n": 42,']),
    ],
)
def test_variables_stay_what_the_user_wants_them_to_be(variables: str, lines: list[str]) -> None:
    (file,) = code_of(order(), env=VALUES, variables=variables, body="exact" if variables == "inline" else None)
    text = file.text
    if variables == "inline":
        (file,) = code_of(order(), env=VALUES, variables=variables)
        text = file.text
    assert [line for line in lines if line not in text] == []
    assert "hunter2-hunter2" not in text
    assert [kind for kind, _ in verdicts([file])] == ["exact"]


def test_inline_values_are_all_values() -> None:
    shown = text_of("s", header=[{"key": "X-Token", "value": "{{API_TOKEN}}"}], env=VALUES, options={"inline_values": True})
    assert '{"X-Token": "hunter2-hunter2-hunter2"}' in shown


@pytest.mark.parametrize("target", ["pytest", "client", "script", *PYTHON, "curl", "httpie", "http"])
@pytest.mark.parametrize("variables", ["secrets", "inline"])
def test_no_secret_is_shown_unless_asked_for(target: str, variables: str) -> None:
    header = [{"key": "X-Token", "value": "{{API_TOKEN}}"}, {"key": "X-Api-Key", "value": "opensesame-opensesame"}]
    for file in code_of(item("s", header=header), env=VALUES, target=target, variables=variables):
        assert "hunter2-hunter2" not in file.text
        assert "opensesame-opensesame" not in file.text


def test_variables_of_variables_stay_and_what_every_machine_has_is_no_environment() -> None:
    values = {"base": "https://{{HOSTNAME}}/v1", "HOSTNAME": "api.test", "secret_path": "{{base}}/s"}
    (file,) = code_of(item("s", "{{base}}/x"), env=values, variables="env")
    assert 'def s(*, hostname: str = "api.test")' in file.text
    assert 'url = f"https://{hostname}/v1/x"' in file.text


ODD = {
    "host": "api.test/v1", "rest": "a/b?c=d&e=%20f", "blanks": "x y?z", "two": "a&b=1", "price": "1.50", "text": "a\\b{c}'\"$x`",
    "port": "8080", "padded": " x ", "upper": "HTTPS://API.test:443/",
}  # fmt: skip


@pytest.mark.parametrize("target", ["requests", "http.client", "curl"])
@pytest.mark.parametrize("variables", ["env", "args"])
def test_whatever_a_variable_holds_it_is_sent_as_a_run_sends_it(target: str, variables: str) -> None:
    header = [{"key": "A", "value": "{{padded}}"}]
    form = {"mode": "urlencoded", "urlencoded": [{"key": "{{text}}", "value": "a {{blanks}}"}]}
    files = code_of(
        item("host", "{{host}}/x?{{two}}"),
        item("rest", "https://a.test:{{port}}/{{rest}}", header=header),
        item("blanks", "{{upper}}{{blanks}}/y?z={{blanks}}", "POST", body=form),
        item("number", method="POST", body=raw('{"price": {{price}}, "text": "{{two}}"}', "json")),
        env=ODD,
        target=target,
        variables=variables,
    )
    assert {kind for kind, _ in verdicts(files)} <= {"exact", "semantic"}


def test_a_value_that_is_sent_as_another_text_is_written_down_and_told() -> None:
    (file,) = code_of(item("x", header=[{"key": "A", "value": "{{padded}}"}]), env=ODD, variables="env")
    assert '"A": "x"' in file.text
    assert [entry.text for entry in file.diagnostics if entry.code == "written-down"] == [
        "written down, because it is sent as another text: padded"
    ]


@pytest.mark.parametrize("target", ["httpx-async", "aiohttp"])
def test_a_check_reaches_addresses_of_version_6(target: str) -> None:
    assert [kind for kind, _ in verdicts(code_of(item("x", "http://[::1]:8080/x"), target=target))] == ["exact"]


@pytest.mark.parametrize("target", PYTHON)
def test_every_style_sends_the_same(target: str) -> None:
    digest = {"type": "digest", "digest": {"username": "u", "password": "{{pw}}"}}
    made = [with_script(order(), "pm.test('x', () => pm.response.to.have.status(201));"), item("Place Order", auth=digest)]
    (tests,) = code_of(*made, env=VALUES, target=target, style="pytest", variables="args", one_file=True)
    assert "def test_place_order_2() -> None:" in tests.text
    module = code_of(*made, env=VALUES, target=target, one_file=True)
    (script, _) = code_of(*made, env=VALUES, target=target, style="script", variables="env")
    found = {*verdicts(module), *verdicts([script]), *verdicts([replace(tests, parts=tests.parts[:1])])}
    assert {kind for kind, _ in found} <= {"exact", "semantic"}


@pytest.mark.parametrize("variables", ["secrets", "env", "args"])
def test_auth_by_a_secret_that_has_no_value_yet_is_there(variables: str) -> None:
    bearer = {"type": "bearer", "bearer": [{"key": "token", "value": "{{api_token}}"}]}
    (file,) = code_of(item("a", f"{BASE}/a"), auth=bearer, env={"api_token": ""}, variables=variables)
    assert '"Authorization": f"Bearer {api_token}"' in file.text
    assert not file.diagnostics


def test_a_script_is_statements() -> None:
    lines = text_of("x", options={"style": "script"}).splitlines()
    assert lines[:5] == ['"""GET x"""', "", "import requests", "", f'url = "{BASE}/x"']
    assert lines[-2:] == ["response.raise_for_status()", "print(response.text)"]


@pytest.mark.parametrize(
    ("script", "line"),
    [
        ("pm.test('a', () => pm.response.to.have.status(404));", "assert response.status_code == 404"),
        ("pm.test('a', () => pm.expect(pm.response.code).to.be.oneOf([200, 201]));", "assert response.status_code in (200, 201)"),
        ("tests['a'] = responseCode.code === 202;", "assert response.status_code == 202"),
        ("if (pm.response.code === 200) { pm.test('a', () => pm.response.to.have.status(201)); }", "response.raise_for_status()"),
        ("pm.response.to.have.status(200); pm.response.to.have.status(201);", "response.raise_for_status()"),
        ("pm.test('a', () => pm.response.to.not.have.status(500));", "response.raise_for_status()"),
        ("what is this", "response.raise_for_status()"),
    ],
)
def test_a_test_wants_the_status_that_a_script_says_it_must_have(script: str, line: str) -> None:
    (file,) = code_of(with_script(item("x"), script), style="pytest")
    assert file.text.rstrip().endswith(line)
    assert file.path == "test_x.py"


def test_a_wrong_status_fails_the_test(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/x").respond_with_data("", status=200)
    script = "pm.response.to.have.status(201)"
    (file,) = code_of(with_script(item("x", httpserver.url_for("/x")), script), style="pytest", target="http.client")
    found: dict[str, Any] = {}
    exec(compile(file.text, file.path, "exec"), found)
    with pytest.raises(AssertionError):
        found["test_x"]()


def test_a_full_description_says_where_the_request_is_from() -> None:
    made = item("x", description="First.\n\nSecond.") | {"id": "1-2-3"}
    (file,) = code_of(made, describe="full")
    assert "Second.\n\n    From the collection T, id 1-2-3.\n" in file.text
    assert "Second" not in text_of("x", description="First.\n\nSecond.")
    assert "From the collection T.\n" in text_of("x", options={"describe": "full"})


def test_modules_bring_each_thing_once_under_a_name_of_its_own() -> None:
    behaviors = [{"followRedirects": False}, {}, {"maxRedirects": 3}, {}]
    (file,) = code_of(*(item("x", behavior=behavior) for behavior in behaviors), target="http.client", one_file=True)
    assert [line.partition("(")[0] for line in file.text.splitlines() if line.startswith("def ")] == [
        "def send", "def send_2", "def send_3", "def x", "def x_2", "def x_3", "def x_4",
    ]  # fmt: skip
    assert [file.text.count(f"return {name}(") for name in ("send", "send_2", "send_3")] == [1, 2, 1]
    assert '__all__ = ["x", "x_2", "x_3", "x_4"]' in file.text


def test_modules_and_tests_are_clean_and_typed(tmp_path: Path, cache: pytest.Cache) -> None:
    pytest.importorskip("mypy", reason="mypy comes with the lint group")
    for target in PYTHON:
        name = target.replace(".", "_").replace("-", "_")
        for style in ("function", "pytest"):
            (file,) = code_of(*every_shape(), target=target, style=style, variables="args", one_file=True)
            (tmp_path / f"{name}_{style}.py").write_text(file.text)
    for target in ("requests", "aiohttp"):
        for number, file in enumerate(code_of(*every_shape(), target=target, style="script", variables="env")):
            (tmp_path / f"{target}_{number}.py").write_text(file.text)
    for command in (["format", "--diff"], ["check"]):
        done = subprocess.run(
            [find_ruff_bin(), *command, "--isolated", "--no-cache", str(tmp_path)], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout
    mypy = ["-m", "mypy", "--strict", "--config-file=", "--cache-dir", str(cache.mkdir("mypy"))]
    mypy.append("--disable-error-code=import-untyped")  # oauthlib, botocore and edgegrid-python have no types
    done = subprocess.run([sys.executable, *mypy, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


# ------------------------------------------------------------------------------------------------------------- the command


def command(tmp_path: Path, *arguments: str) -> Result:
    path = tmp_path / "c.json"
    path.write_text(json.dumps({"info": {"name": "T"}, "item": [item("a"), item("b")]}))
    return CliRunner().invoke(cli, ["codegen", str(path), *arguments])


def test_a_file_has_all_requests_and_a_directory_a_file_for_each(tmp_path: Path) -> None:
    assert command(tmp_path, "-o", str(tmp_path / "all.py"), "--check").output.endswith("2 exact\n")
    assert "def a()" in (text := (tmp_path / "all.py").read_text()) and "def b()" in text
    assert command(tmp_path).output.count("def ") == 2
    assert command(tmp_path, "-o", str(tmp_path / "each")).exit_code == 0
    assert sorted(path.name for path in (tmp_path / "each").iterdir()) == ["a.py", "b.py"]


def test_what_cannot_be_joined_or_combined_is_told(tmp_path: Path) -> None:
    refused = [
        (["--style", "script", "-o", str(tmp_path / "all.py")], "that is code for 2 requests"),
        (["--inline-values", "--variables", "env"], "values cannot be inline and env"),
        (["-t", "client", "--style", "script"], "client has a style and variables of its own"),
        (["-t", "pytest", "--variables", "args"], "pytest has a style and variables of its own"),
        (["-t", "curl", "--style", "pytest"], "curl has no styles"),
        (["-t", "http"], "that is code for 2 requests"),
    ]
    for arguments, told in refused:
        error = command(tmp_path, *arguments).exception
        assert isinstance(error, UsageError)
        assert told in error.what
