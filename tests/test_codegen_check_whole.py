"""--check for the code of a whole collection: both it and a run talk to servers that answer alike."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from runner import Options, Session
from runner.cli.group import cli
from runner.codegen.checking import Checker, Verdict
from runner.generate import CodeOptions, expected, files
from runner.load import collection_from_json

SHOP = "https://shop.test/v1"
STORE = {"listen": "test", "script": {"exec": 'pm.environment.set("TOKEN", pm.response.json().token); pm.test("no", () => { throw new Error("x") })'}}  # fmt: skip
ASK = {"listen": "prerequest", "script": {"exec": f'pm.sendRequest("{SHOP}/ask", (e, r) => pm.environment.set("seen", r.json().seen))'}}  # fmt: skip


def collection() -> dict[str, Any]:
    header = [{"key": "Authorization", "value": "Bearer {{TOKEN}}"}]
    login = {"method": "POST", "url": f"{SHOP}/login", "body": {"mode": "urlencoded", "urlencoded": [{"key": "password", "value": "{{PASSWORD}}"}]}}  # fmt: skip
    order = {"method": "POST", "url": f"{SHOP}/orders/{{{{nowhere}}}}?a={{{{$guid}}}}", "header": header, "body": {"mode": "raw", "raw": '{"n": "{{seen}}"}'}}  # fmt: skip
    items = [
        {"name": "log in", "request": login, "event": [STORE]},
        {"name": "Orders", "item": [{"name": "place", "request": order, "event": [ASK]}]},
    ]
    return {"info": {"name": "Shop"}, "item": items}


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing here is made of the time."""
    monkeypatch.setattr("runner.generate._A_SECOND", 0)


def verdict_of(*changes: tuple[str, str], **options: Any) -> Verdict:
    code = CodeOptions(**options)
    given = Options(env_vars={"PASSWORD": "hush-hush-hush", "TOKEN": "", "seen": ""})
    with Session(collection_from_json(collection()), given) as session, Checker(Path()) as checker:
        made = list(files(session, code))
        for change in changes:
            made = [replace(file, text=file.text.replace(*change)) for file in made]
        return checker.check_whole(made, *expected(session, code))


@pytest.mark.parametrize(
    "options",
    [
        {"target": "pytest"},
        {"target": "pytest", "per_folder": True},
        {"target": "script"},
        {"target": "client"},
        {"target": "client-async"},
    ],
    ids=str,
)
def test_whole_collections_send_what_a_run_sends(options: dict[str, Any]) -> None:
    assert verdict_of(**options) == Verdict(kind="exact")


@pytest.mark.parametrize("target", ["pytest", "script", "client"])
def test_what_differs_is_told_by_request(target: str) -> None:
    found = verdict_of(("Bearer {", "Basic {"), ("/v1/login", "/v1/logout"), target=target)
    assert found.kind == "differs"
    assert found.reasons == (
        f"log in: POST {SHOP}/login is not sent",
        "POST /v1/logout is sent, which a run does not send",
        "Orders › place: the header authorization is Basic the token instead of Bearer the token",
    )


@pytest.mark.parametrize(("target", "imports"), [("client", "import requests"), ("script", "import sys")])
def test_code_that_cannot_run_is_told(target: str, imports: str) -> None:
    broken = verdict_of((imports, "import no_such_library"), target=target)
    assert broken == Verdict(kind="failed", reasons=("ModuleNotFoundError: No module named 'no_such_library'",))


def test_the_command_checks_whole_collections_and_hides_secrets(tmp_path: Path) -> None:
    (path := tmp_path / "c.json").write_text(json.dumps(collection()))
    arguments = ["codegen", str(path), "--env-var", "PASSWORD=hush-hush-hush", "--check", "--report", "-", "-t", "client"]
    result = CliRunner().invoke(cli, arguments, standalone_mode=False)
    assert "hush" not in result.output
    (told,) = json.loads(result.stdout)
    assert (told["verdict"], result.return_value) == ("exact", 0)


def test_names_that_scripts_look_for_are_in_the_answer() -> None:
    code = CodeOptions(target="pytest")
    with Session(collection_from_json(collection()), Options()) as session:
        heard, body = expected(session, code)
    assert [each.title for each in heard] == ["log in", "Orders › place", "Orders › place"]
    assert {"token": "the token", "seen": "the seen"}.items() <= json.loads(body).items()
