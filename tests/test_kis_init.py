"""`pabal init kis`, and the README's way from nothing to a balance, walked as it is written."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import rich_click as click
from click.testing import CliRunner, Result

from runner.cli.group import cli
from runner.errors import ExitCode, UsageError
from runner.kis.publish import documents, text_of

ROOT = Path(__file__).parents[1]


def call(*words: str) -> Result:
    return CliRunner().invoke(cli, words, standalone_mode=False)


def typed(line: str, *more: str) -> Result:
    """A line of the README, as a shell reads it."""
    return call(*shlex.split(line.replace("\\\n", " "))[1:], *more)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_files_are_written_and_the_next_steps_told(folder: Path) -> None:
    said = call("init", "kis").output
    for place, document in documents():
        assert (folder / place).read_text(encoding="utf-8") == text_of(document)
        assert place in said
    for word in (
        "VTS_APPKEY",
        "PROT_APPSECRET",
        "CANO_REAL_T",
        "다음에 할 일",
        "What to do next",
        "--simulate",
        "--env-file .env",
    ):
        assert word in said


def test_what_is_there_is_not_written_over_without_being_told_to(folder: Path) -> None:
    mine = folder / "trading/environments/kis-real.postman_environment.json"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    refused = call("init", "kis", "trading").exception
    assert isinstance(refused, UsageError)
    assert "environments/kis-real.postman_environment.json" in str(refused)
    assert "--force" in str(refused)
    assert [path.name for path in (folder / "trading").rglob("*.json")] == [mine.name]
    assert call("init", "kis", "trading", "--force").exception is None
    assert mine.read_text(encoding="utf-8") != "mine"


def test_a_folder_that_cannot_be_written(folder: Path) -> None:
    (folder / "collections").write_text("a file")
    error = call("init", "kis").exception
    assert isinstance(error, UsageError)
    assert "cannot be written" in str(error)


def test_nothing_else_can_be_started() -> None:
    assert isinstance(call("init", "other").exception, click.BadParameter)


@pytest.mark.parametrize("readme", ["README.md", "README.ko.md"])
def test_the_five_steps_of_the_readme(folder: Path, readme: str) -> None:
    text = (ROOT / readme).read_text(encoding="utf-8")
    steps = text[text.index("1. ", text.index("(KIS)" if "ko" in readme else "## KIS")) :]
    assert re.search(r"`(pabal init kis)`", steps)
    assert call("init", "kis").exception is None

    variables, everything, balance, *_ = (
        re.sub(r"(?m)^   ", "", block) for block in re.findall(r"```sh\n(.*?)```", steps, re.DOTALL)
    )
    (folder / ".env").write_text(variables, encoding="utf-8")
    assert typed(everything).return_value == ExitCode.OK

    answer = typed(balance, "--simulate")
    assert answer.return_value == ExitCode.OK
    assert "hldg_qty" in answer.output
    assert "50012345" not in answer.output
    assert "PSabcdefghijklmnop" not in answer.output


@pytest.mark.parametrize("readme", ["README.md", "README.ko.md"])
def test_the_fixture_of_the_readme(readme: str) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / readme).read_text(encoding="utf-8"), re.DOTALL)
    (example,) = (block for block in blocks if "fixture" in block)
    names: dict[str, Any] = {}
    exec(example.replace("@pytest.fixture\n", ""), names)
    simulator = next(fixture := names["kis"]())
    assert simulator.variables["VTS"].startswith("http://127.0.0.1:")
    assert simulator.faults.armed == ("EGW00201@3",)
    assert (simulator.counters["mock"]["calls"], simulator.orders, simulator.log) == (0, (), ())
    fixture.close()
