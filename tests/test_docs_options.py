"""Commands and options that the documentation names in its sentences and tables exist; those in blocks are used there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import click
import pytest

from runner.cli.group import cli
from runner.pytest_plugin import pytest_addoption
from tests.reading_docs import PAGES, ROOT, code_in_sentences, prose

OF_OTHERS = {"--help", "--send", "--strict", "--lf", "--junitxml", "--processes", "--headless", "--host"}
"""Options of every command, of generated code, of mypy, pytest and Locust."""

every_page = pytest.mark.parametrize("page", [*PAGES, ROOT / "README.ko.md"], ids=lambda page: page.relative_to(ROOT).as_posix())


def commands(command: click.Command) -> Iterator[click.Command]:
    """A command and all below it."""
    yield command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            if found := command.get_command(context, name):
                yield from commands(found)


def known() -> set[str]:
    parser = Mock()
    pytest_addoption(parser)
    of_pytest = {call.args[0] for call in parser.getgroup.return_value.addoption.call_args_list}
    params = (param for command in commands(cli) for param in command.params)
    return {name for param in params for name in (*param.opts, *param.secondary_opts)} | of_pytest | OF_OTHERS


@every_page
def test_every_option_that_is_named_exists(page: Path) -> None:
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", prose(page)))
    unknown = {name for name in named - known() if not name.startswith("--reporter-")}
    assert not unknown


@every_page
def test_every_command_that_is_named_can_be_given(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for line in code_in_sentences(page):
        if line.startswith("pabal ") and "--help" not in line:
            parse(cli, shlex.split(line)[1:])


def parse(command: click.Command, words: list[str]) -> None:
    """Read a command line to its end, and run nothing. One that is only named has no arguments."""
    if isinstance(command, click.Group):
        name, found, rest = command.resolve_command(click.Context(command), words)
        assert found, name
        if rest:
            parse(found, rest)
    else:
        command.make_context(command.name, words)
