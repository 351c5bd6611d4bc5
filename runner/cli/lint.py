"""`pabal lint`: what there is to mend in collections and environments, without sending anything."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import rich_click as click

from runner.assemble import lint
from runner.cli.config import ConfiguredCommand
from runner.cli.options import decorate, options_from, variable_options
from runner.errors import ExitCode, LoadError
from runner.linter import RULES, Finding
from runner.options import Options
from runner.reporters.github import workflow_command
from runner.reporters.terminal import clean


def _text(found: Sequence[Finding]) -> Iterator[str]:
    return (clean(str(finding)).replace("\n", "\\n") for finding in found)


def _json(found: Sequence[Finding]) -> Iterator[str]:
    yield json.dumps([asdict(finding) for finding in found], ensure_ascii=False, indent=2)


def _github(found: Sequence[Finding]) -> Iterator[str]:
    """Workflow commands, which GitHub shows beside the file."""
    for finding in found:
        place = finding.place + (f" line {finding.line}" if finding.line else "")
        message = f"{place}: {finding.message}" if place else finding.message
        yield workflow_command("error", message, file=finding.file, title=finding.rule)


_FORMATS: Mapping[str, Callable[[Sequence[Finding]], Iterator[str]]] = {"text": _text, "json": _json, "github": _github}
_RULE = click.Choice(list(RULES))


@click.command("lint", cls=ConfiguredCommand, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@variable_options
@decorate(
    click.option("--select", multiple=True, type=_RULE, metavar="RULE", help="Only this rule; repeatable."),
    click.option("--ignore", multiple=True, type=_RULE, metavar="RULE", help="All rules but this one; repeatable."),
    click.option("--format", "format_", type=click.Choice(list(_FORMATS)), default="text", help="How findings are written."),
)
def command(files: tuple[str, ...], select: tuple[str, ...], ignore: tuple[str, ...], format_: str, **values: Any) -> int:
    """Tell what there is to mend in collections, environments and globals. Nothing is sent, and no script runs.

    Rules: unresolved-variable, disabled-variable, duplicate-variable, script-syntax, invalid-json, placeholder,
    unknown-next-request, ambiguous-next-request, plain-secret, unknown-behavior.

    Exit status: 0 nothing found, 1 something was, 3 a file could not be read.

    \b
    pabal lint orders.postman_collection.json -e staging.postman_environment.json
    pabal lint *.postman_collection.json --ignore unresolved-variable --format github
    """
    rules = [name for name in select or RULES if name not in ignore]
    found, unread = _lint(files, options_from(values, {}), rules)
    for line in _FORMATS[format_](found):
        click.echo(line)
    for error in unread:
        click.echo(f"error: {error}", err=True)
    if unread:
        return ExitCode.UNREADABLE
    return ExitCode.ASSERTION_FAILED if found else ExitCode.OK


def _lint(files: Sequence[str], options: Options, rules: Sequence[str]) -> tuple[list[Finding], list[str]]:
    """What is found in the files that can be read, and what is said of the others."""
    found: list[Finding] = []
    unread: dict[str, None] = {}
    for file in dict.fromkeys(files):
        try:
            found += lint(file, options, rules=rules)
        except LoadError as error:
            unread.setdefault(str(error))
    return found, list(unread)
