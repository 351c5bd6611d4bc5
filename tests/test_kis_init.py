"""`pabal init kis`."""

from __future__ import annotations

from pathlib import Path

import pytest
import rich_click as click
from click.testing import CliRunner, Result

from runner.cli.group import cli
from runner.errors import UsageError
from runner.kis.publish import documents, text_of


def call(*words: str) -> Result:
    return CliRunner().invoke(cli, words, standalone_mode=False)


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
