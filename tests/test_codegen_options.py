"""Options of `pabal codegen` that are about all targets: which of them a target takes, how they are spelled, and `--diff`."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from runner import Collection, Environment, Options, Variable
from runner.cli import main
from runner.codegen.docs import digest_of
from runner.codegen.registry import targets
from runner.generate import CodeOptions, generate
from runner.load import collection_from_json

Pabal = Callable[..., tuple[int, str, str]]

OTHER = {
    "inline_values": True,
    "body": "readable",
    "indent_count": 2,
    "indent_type": "tab",
    "line_length": 50,
    "request_timeout": 1500,
    "follow_redirect": False,
    "trim_request_body": True,
    "sandbox_fallback": False,
    "describe": "none",
    "pep723": True,
    "names": "path",
    "strip_prefix": "J_",
    "per_folder": True,
    "style": "script",
    "variables": "args",
}
"""Each with a value that is not the usual one."""


def item(name: str, body: dict[str, Any]) -> dict[str, Any]:
    remark = {"description": "what it is"}
    url = {"host": ["https://api.test"], "path": ["v1", "x"], "query": [{"key": "a", "value": "1", **remark}]}
    header = [
        {"key": "X-One", "value": "1", **remark},
        {"key": "Authorization", "value": "Bearer {{TOKEN}}"},
        {"key": "X-Two", "value": "{{plain}}"},
    ]
    script = [{"listen": "test", "script": {"exec": "xml2Json('<a/>')"}}]
    return {"name": name, "request": {"method": "POST", "url": url, "header": header, "body": body}, "event": script}


def collection() -> dict[str, Any]:
    text = ' {"a": 1, "text": "a rather long text that is to be broken", "b": [1, 2, 3]} '
    raw = {"mode": "raw", "raw": text, "options": {"raw": {"language": "json"}}}
    form = {"mode": "urlencoded", "urlencoded": [{"key": "k", "value": " v "}]}
    return {"info": {"name": "Shop"}, "item": [{"name": "Orders", "item": [item("J_json", raw)]}, item("J_form", form)]}


@pytest.fixture(scope="module")
def loaded() -> Collection:
    return collection_from_json(collection())


def code(loaded: Collection, target: str, **options: Any) -> dict[str, str]:
    environment = Environment(values=(Variable(key="TOKEN", value="hush-hush"), Variable(key="plain", value="one")))
    made = generate(loaded, Options(environment=environment), CodeOptions(target=target, **options))
    return {file.path: file.text for file in made}


@pytest.mark.parametrize("name", targets())
def test_what_a_target_takes_makes_other_code_and_nothing_else_does(name: str, loaded: Collection) -> None:
    target, usual = targets()[name], code(loaded, name)
    for option, value in OTHER.items():
        if option in ("per_folder", "style", "variables") and not target.takes(option):
            continue  # that may be an error
        other = {option: "exact" if option == "body" and name != "http.client" else value}
        assert (code(loaded, name, **other) != usual) is target.takes(option), option


@pytest.fixture
def pabal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Pabal:
    """Runs the command in this process."""

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["pabal", "codegen", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0), *capsys.readouterr()

    return run


@pytest.fixture
def file(tmp_path: Path) -> str:
    (tmp_path / "c.json").write_text(json.dumps(collection()))
    return str(tmp_path / "c.json")


def test_options_are_listed_with_postmans_names(pabal: Pabal) -> None:
    listed = {line.split()[0]: line.split()[1:4] for line in pabal("--list-options", "requests")[1].splitlines()}
    assert listed["--indent-count"] == ["indentCount", "integer", "4"]
    assert listed["--indent-type"] == ["indentType", "space|tab", "space"]
    assert listed["--request-timeout"] == ["requestTimeout", "integer", "30000"]
    assert listed["--follow-redirect"] == ["followRedirect", "boolean", "true"]
    assert listed["--trim-request-body"] == ["trimRequestBody", "boolean", "false"]
    assert listed["--body"] == ["-", "readable|exact", "-"]
    assert "--indent-count" not in pabal("--list-options", "curl")[1]
    status, _, told = pabal("--list-options", "reqests")
    assert (status, "did you mean requests?" in told) == (2, True)


def test_postmans_spelling_means_the_same(file: str, pabal: Pabal) -> None:
    ours = "--indent-count 2 --indent-type tab --request-timeout 5 --no-follow-redirect --trim-request-body".split()
    theirs = "--indentCount 2 --indentType Tab --requestTimeout 5 --no-followRedirect --trimRequestBody".split()
    usual, first, second = (pabal(file, "--request", "J_form", *options) for options in ([], ours, theirs))
    assert usual != first == second
    assert pabal(file, "--indentWidth", "2")[0] == 2


@pytest.mark.parametrize("target", targets())
def test_code_is_up_to_date_until_the_collection_changes(target: str, file: str, tmp_path: Path, pabal: Pabal) -> None:
    arguments = [file, "-t", target, "-o", f"{tmp_path}/out/"]
    status, shown, _ = pabal(*arguments, "--diff")
    assert status == 1
    assert shown.startswith("--- /dev/null\n+++ ")
    assert not (tmp_path / "out").exists()
    assert pabal(*arguments)[0] == 0
    status, shown, _ = pabal(*arguments, "--diff")
    assert (status, shown) == (0, "")
    Path(file).write_text(json.dumps(collection()).replace('"1"', '"2"'))
    status, shown, told = pabal(*arguments, "--diff")
    assert status == 1
    assert "files that would change: " in told
    assert {line[0] for line in shown.split("\n") if line} <= {*"-+ @"}


def test_a_diff_shows_no_secrets_and_needs_a_place(file: str, tmp_path: Path, pabal: Pabal) -> None:
    out = tmp_path / "one.py"
    arguments = [file, "--request", "J_form", "--env-var", "TOKEN=hush-hush-hush", "-o", str(out)]
    assert pabal(*arguments, "--inline-values")[0] == 0
    assert "hush-hush-hush" in out.read_text()
    status, shown, told = pabal(*arguments, "--diff")
    assert (status, "hush" in shown + told) == (1, False)
    assert pabal(*arguments[:-2], "--diff")[0] == 2
    (tmp_path / "out" / "J_form.py").mkdir(parents=True)
    status, _, told = pabal(*arguments[:-1], f"{tmp_path}/out/", "--diff")
    assert (status, "cannot be read: Is a directory" in told) == (2, True)
    out.write_bytes(b"\xff")
    assert "No newline at end of file" in pabal(*arguments, "--diff")[1]


def test_the_hash_of_a_collection_is_of_what_it_says() -> None:
    shop, other = collection(), collection()
    named = shop | {"info": {"name": "Shop", "_postman_id": "1"}}
    assert digest_of(collection_from_json(shop)) == digest_of(collection_from_json(named))
    other["item"][1]["name"] = "other"
    assert digest_of(collection_from_json(shop)) != digest_of(collection_from_json(other))
