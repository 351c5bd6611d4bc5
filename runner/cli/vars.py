"""`pabal vars`: which variables a collection uses, where their values come from, and which are missing."""

from __future__ import annotations

from typing import Any

import rich_click as click

from runner.assemble import Session
from runner.cli.config import ConfiguredCommand
from runner.cli.extras import EXTRA_OPTIONS, extras_from
from runner.cli.options import decorate, options_from, variable_options
from runner.cli.table import show_table
from runner.errors import ExitCode
from runner.jstext import js_text
from runner.secrets import mask
from runner.usage import Use, used_variables
from runner.variables import Scope


@click.command("vars", cls=ConfiguredCommand, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("collection", metavar="COLLECTION")
@variable_options
@decorate(*EXTRA_OPTIONS)
def command(collection: str, **values: Any) -> int:
    """Show every variable a collection uses: its value (secrets masked), where that comes from, and what is missing.

    Exit status: 0 all have a value or get one from a script, 1 some are missing or empty.

    \b
    pabal vars orders.postman_collection.json -e staging.postman_environment.json
    """
    with Session(collection, options_from(values, extras_from(values))) as session:
        session.scopes.data = Scope.of(session.plan.row(0))
        uses = used_variables(session.plan, session.scopes)
        rows = [_row(session, use) for use in uses]
    show_table(("variable", "value", "from", "used in"), rows)
    missing = [use.name for use in uses if _lacking(use)]
    if missing:
        click.echo(f"\n{len(missing)} without a value: {', '.join(missing)}")
        return ExitCode.ASSERTION_FAILED
    return ExitCode.OK


def _lacking(use: Use) -> bool:
    return (use.missing or use.empty) and not use.set_by_script


def _row(session: Session, use: Use) -> tuple[str, str, str, str]:
    return use.name, _value(session, use), _source(session, use), _places(use)


def _value(session: Session, use: Use) -> str:
    if use.missing or use.empty:
        return "(set by a script)" if use.set_by_script else "missing" if use.missing else "empty"
    text = js_text(session.scopes.lookup(use.name))
    if session.options.show_secrets:
        return text
    return mask(text) if session.secrets.is_secret(use.name, "any") else session.secrets.hide(text)


def _source(session: Session, use: Use) -> str:
    if use.missing or use.empty:
        return ""
    scope = next((name for name, scope in session.scopes.layers() if use.name in scope), "iteration data")
    return session.origins.get((scope, use.name), scope)


def _places(use: Use) -> str:
    more = len(use.places) - 1
    return use.places[0] + (f" and {more} more" if more else "")
