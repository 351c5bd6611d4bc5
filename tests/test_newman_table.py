"""docs/newman.md says what there is: options, reporters, auth types and behaviours, no more and no less."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click
import pytest

from runner.auth import registry
from runner.behavior import BEHAVIORS
from runner.cli.run import command
from runner.reporters import BUILT_IN
from runner.reporters.cli import Show

PAGE = (Path(__file__).parent.parent / "docs/newman.md").read_text("utf-8")
STATUSES = {"supported", "deviates", "beyond", "missing"}
NEWMAN = set(
    """
    --environment --globals --reporters --iteration-count --iteration-data --folder --global-var --env-var --export-environment
    --export-globals --export-collection --postman-api-key --bail --ignore-redirects --suppress-exit-code --silent
    --disable-unicode --color --delay-request --timeout --timeout-request --timeout-script --working-dir
    --no-insecure-file-read --insecure --ssl-client-cert-list --ssl-client-cert --ssl-client-key --ssl-client-passphrase
    --ssl-extra-ca-certs --cookie-jar --export-cookie-jar --verbose --help
    """.split()
)


class Row(NamedTuple):
    """One name in a table; several may share a line."""

    name: str
    status: str
    notes: str


def rows(section: str) -> list[Row]:
    text = PAGE.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    lines = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| `")]
    return [Row(name, status.strip(), notes) for names, status, notes in lines for name in re.findall(r"`([^`]+)`", names)]


def options() -> Iterator[tuple[str, ...]]:
    """The spellings of each option of the command, without those that stand for an option of one reporter."""
    context = click.Context(command, **command.context_settings)
    for param in command.get_params(context):
        names = (*param.opts, *param.secondary_opts)
        if isinstance(param, click.Option) and not names[0].startswith("--reporter-"):
            yield names


def there() -> set[str]:
    return {row.name for row in rows("Options") if row.status != "missing"}


@pytest.mark.parametrize("names", list(options()), ids=lambda names: names[-1])
def test_every_option_has_a_row(names: tuple[str, ...]) -> None:
    status = "supported" if set(names) & NEWMAN else "beyond"
    row = f"| {' '.join(f'`{name}`' for name in names)} | {status} | what is special about it |"
    listed = [found for found in rows("Options") if found.name in names]
    assert {found.name for found in listed} == set(names), f'docs/newman.md, section "Options", lacks this row:\n{row}'
    assert {found.status for found in listed} != {"missing"}, f"docs/newman.md: {names} is there now; the row should be\n{row}"


def test_every_row_has_an_option() -> None:
    known = {name for names in options() for name in names}
    gone = sorted(there() - known)
    assert not gone, f"docs/newman.md names options that `pabal run` lacks (delete the row, or its status is `missing`): {gone}"


def test_every_option_of_newman_has_a_row() -> None:
    assert {row.name for row in rows("Options") if row.status != "beyond" and row.name.startswith("--")} == NEWMAN
    assert not [row.name for row in rows("Options") if row.status == "missing"]


@pytest.mark.parametrize(("section", "names"), [("Auth", set(registry())), ("protocolProfileBehavior", set(BEHAVIORS))])
def test_every_auth_type_and_behavior_has_a_row(section: str, names: set[str]) -> None:
    listed = {row.name for row in rows(section)}
    lacking = "\n".join(f"| `{name}` | supported | |" for name in sorted(names - listed))
    assert not lacking, f'docs/newman.md, section "{section}", lacks:\n{lacking}'
    assert listed == names


def test_every_reporter_and_option_of_the_cli_reporter_has_a_row() -> None:
    cli = {f"cli {name.replace('_', '-')}" for name in {*Show.__slots__, "silent"} - {"verbose"}}
    listed = {row.name for row in rows("Reporters") if row.status != "missing"}
    lacking = "\n".join(f"| `{name}` | beyond | what it is for |" for name in sorted({*BUILT_IN, *cli} - listed))
    assert not lacking, f'docs/newman.md, section "Reporters", lacks:\n{lacking}'
    assert {name for name in listed if " " not in name or name.startswith("cli ")} == {*BUILT_IN, *cli}


@pytest.mark.parametrize("section", ["Options", "Reporters", "Auth", "protocolProfileBehavior"])
def test_each_row_is_there_once_and_has_a_status(section: str) -> None:
    found = rows(section)
    assert len(found) > 10
    assert len({row.name for row in found}) == len(found)
    assert {row.status for row in found} <= STATUSES
    for row in found:
        reason_due = row.status in ("deviates", "beyond")
        assert not reason_due or row.notes.strip(), f"{row.name}: {row.status}, but why?"
