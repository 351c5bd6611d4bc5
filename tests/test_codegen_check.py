"""Code of every target, run: what it sends is what the runner sends."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from runner.cli.group import cli
from runner.codegen.checking import Checker, Verdict
from runner.codegen.registry import File, targets
from tests.test_codegen import BASE, code_of, item, raw

SINGLE = [name for name, target in targets().items() if not target.whole]
PROGRAMS = {"curl": "curl", "httpie": "http"}
EACH = [
    pytest.param(name, marks=pytest.mark.skipif(shutil.which(PROGRAMS[name]) is None, reason=f"{name} is not installed"))
    if name in PROGRAMS
    else name
    for name in SINGLE
]

FORM = {"mode": "formdata", "formdata": [{"key": "이름", "value": "값 \"q\""}, {"key": "f", "type": "file", "src": "a.txt"}, {"key": "j", "value": "[1]", "contentType": "application/json"}]}  # fmt: skip
SECRET = {"key": "Authorization", "value": "Bearer {{API_TOKEN}}"}


def requests() -> list[dict[str, Any]]:
    return [
        item(
            "json",
            f"{BASE}/a b?q=%2B&flag",
            "POST",
            body=raw('{"t": "{{API_TOKEN}}", "값": [1.5, null]}', "json"),
            header=[SECRET],
        ),
        item("multipart", "http://plain.test:8080/up", "PUT", body=FORM),
        item("user", "https://me:p%40ss@api.test/x"),
        item("short", "http://t/x"),
        item("basic", f"{BASE}/x?a=1&a=2", auth={"type": "basic", "basic": {"username": "나", "password": "{{pass}}"}}),
    ]


def checked(folder: Path, files: list[File]) -> list[Verdict]:
    with Checker(folder) as checker:
        return [checker.check(file) for file in files]


@pytest.mark.parametrize("target", EACH)
def test_every_target_sends_what_the_runner_sends(target: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"content\0\xff")
    values = {"API_TOKEN": "to-ken'\"$x", "pass": "p:w한"}
    files = code_of(*requests(), env=values, target=target, body="exact", working_dir=tmp_path)
    found = [(verdict.kind, verdict.reasons) for verdict in checked(tmp_path, files)]
    type_added = "the part 이름 is text/plain; charset=utf-8 instead of without one"
    form = ("semantic", (type_added,)) if target == "aiohttp" else ("exact", ())
    assert found == [("exact", ()), form, *[("exact", ())] * 3]


@pytest.mark.parametrize("target", ["requests", "httpx", "aiohttp", "http.client"])
def test_a_header_that_comes_twice_leaves_what_comes_of_the_rest(target: str, tmp_path: Path) -> None:
    header = [{"key": "A", "value": "1"}, {"key": "A", "value": "2"}, {"key": "Content-Type", "value": "application/json"}]
    basic = {"type": "basic", "basic": {"username": "u", "password": "p"}}
    settings = {"disabledSystemHeaders": {"accept": True}}
    one = {**item("a", f"{BASE}/x", "POST", header=header, body=raw("[1, 2]", "json"), auth=basic), "protocolProfileBehavior": settings}  # fmt: skip
    (file,) = code_of(one, target=target, body="exact")
    assert checked(tmp_path, [file]) == [Verdict(kind="exact")]
    assert target != "requests" or 'headers.discard("Accept")' in file.text


@pytest.mark.parametrize("target", ["requests", "http.client"])
def test_what_is_made_anew_is_told_from_what_differs(target: str, tmp_path: Path) -> None:
    one = {"key": "X-Id", "value": "id-{{$guid}}"}
    made = item("r", f"{BASE}/x/{{{{$timestamp}}}}?n={{{{$randomInt}}}}", "POST", body=raw('{"id": "{{$guid}}", "n": 1}', "json"), header=[one])  # fmt: skip
    (file,) = code_of(made, target=target)
    assert [verdict.kind for verdict in checked(tmp_path, [file])] == ["exact"]
    for old, new in (
        ("/x/", "/y/"),
        ("id-", "no-"),
        ('"n": 1', '"n": 2'),
        ("n=", "m=") if target == "http.client" else ('"n": random', '"m": random'),
    ):
        assert old in file.text
        (verdict,) = checked(tmp_path, [replace(file, text=file.text.replace(old, new))])
        assert verdict.kind == "differs", (old, verdict)


def test_another_spelling_of_the_same_json_is_semantic(tmp_path: Path) -> None:
    (verdict,) = checked(tmp_path, code_of(item("j", method="POST", body=raw('{ "a":1 }', "json"))))
    assert verdict == Verdict(kind="semantic", reasons=("the JSON is written in another way",))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"a": 1', '"a": 2', "the body is b'{\"a\": 2}' instead of b'{ \"a\":1 }'"),
        ("api.test", "api.other", "the host is api.other instead of api.test"),
        ("https://", "http://", "the scheme is not https"),
        ("/v1/x", "/v1/y", "the target is /v1/y instead of /v1/x"),
        ("requests.post", "requests.put", "the method is PUT instead of POST"),
        ("headers=headers, ", "", "the header x-one is missing (1)"),
    ],
)
def test_what_differs_is_told(old: str, new: str, reason: str, tmp_path: Path) -> None:
    one = {"key": "X-One", "value": "1"}
    (file,) = code_of(item("j", method="POST", body=raw('{ "a":1 }', "json"), header=[one], url=f"{BASE}/x"))
    assert old in file.text
    (verdict,) = checked(tmp_path, [replace(file, text=file.text.replace(old, new))])
    assert verdict.kind == "differs"
    assert reason in verdict.reasons


def test_code_that_fails_or_leaves_the_machine_is_told(tmp_path: Path) -> None:
    (file,) = code_of(item("j"))
    broken = replace(file, text="import no_such_library")
    away = replace(file, text="import _socket\n_socket.socket().connect(('192.0.2.1', 80))")
    nothing = replace(file, text="pass")
    kinds = checked(tmp_path, [broken, away, nothing])
    assert [verdict.reasons for verdict in kinds] == [
        ("ModuleNotFoundError: No module named 'no_such_library'",),
        ("PermissionError: checked code may not reach ('192.0.2.1', 80)",),
        ("it sent nothing",),
    ]


def test_the_command_tells_verdicts_and_hides_secrets(tmp_path: Path) -> None:
    collection = tmp_path / "c.json"
    collection.write_text(json.dumps({"info": {"name": "T"}, "item": [item("twice", header=[SECRET, SECRET])]}))
    arguments = ["codegen", str(collection), "--env-var", "API_TOKEN=hush-hush-hush", "--check", "--report", "-", "-t", "curl"]
    result = CliRunner().invoke(cli, [*arguments, "--request", "twice"], standalone_mode=False)
    assert "hush" not in result.output
    (told,) = json.loads(result.stdout)
    assert told["environ"] == ["API_TOKEN"]
    assert told["verdict"] == "exact"
    assert result.return_value == 0


@pytest.mark.parametrize("target", [name for name in SINGLE if name not in PROGRAMS])
def test_a_part_with_an_empty_file_name(target: str, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"content\0\xff")
    form = {"mode": "formdata", "formdata": [{"key": "g", "type": "file", "src": ""}, *FORM["formdata"]]}
    (verdict,) = checked(tmp_path, code_of(item("m", method="POST", body=form), target=target, working_dir=tmp_path))
    assert verdict.good, verdict.reasons


@pytest.mark.parametrize("target", [name for name in SINGLE if name not in PROGRAMS])
def test_bytes_that_are_no_file(target: str, tmp_path: Path) -> None:
    form = {"mode": "formdata", "formdata": [{"key": "b", "type": "file", "value": "AP8="}, {"key": "c", "value": "d"}]}
    (verdict,) = checked(tmp_path, code_of(item("m", method="POST", body=form), target=target, working_dir=tmp_path))
    assert verdict.good, verdict.reasons
