"""What `pabal codegen` can make, and how: its targets, and the options of each."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields

import rich_click as click

from runner.codegen.registry import target, targets
from runner.generate import CodeOptions

_WHAT = frozenset({"target", "requests"})
_POSTMANS = {
    "indent_count": "indentCount",
    "indent_type": "indentType",
    "request_timeout": "requestTimeout",
    "follow_redirect": "followRedirect",
    "trim_request_body": "trimRequestBody",
}
_CAMEL = re.compile(r"(?<=[a-z])[A-Z]")


def hyphened(name: str) -> str:
    """An option's name however it is spelled: `--indentCount`, as Postman has it, is `--indent-count`."""
    return _CAMEL.sub(lambda found: f"-{found[0].lower()}", name)


def list_targets(ctx: click.Context, param: click.Parameter, wanted: bool) -> None:
    """Show the targets, and end."""
    if wanted:
        width = max(map(len, targets()))
        for name, found in targets().items():
            needs = f", needs {' and '.join(found.needs)}" if found.needs else ""
            click.echo(f"{name:{width}}  {found.label}{needs}")
        ctx.exit()


def list_options(ctx: click.Context, param: click.Parameter, name: str | None) -> None:
    """Show the options that mean something to a target, and end."""
    if name is not None:
        found = target(name)
        rows = [row for each, row in _options(ctx.command) if found.takes(each)]
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        for row in rows:
            click.echo("  ".join(f"{text:{width}}" for text, width in zip(row, (*widths, 0), strict=True)).rstrip())
        ctx.exit()


def _options(command: click.Command) -> Iterator[tuple[str, tuple[str, str, str, str, str]]]:
    """Spelling, Postman's name, type, default and meaning of each option that says what code is like."""
    defaults = {field.name: field.default for field in fields(CodeOptions)}
    for param in command.params:
        if isinstance(param, click.Option) and param.name in defaults and param.name not in _WHAT:
            default = defaults[param.name]
            usual = "boolean" if isinstance(default, bool) else "integer" if isinstance(default, int) else "text"
            kind = "|".join(getattr(param.type, "choices", ())) or usual
            shown = str(default).lower() if default not in (None, "") else "-"
            yield param.name, (param.opts[-1], _POSTMANS.get(param.name, "-"), kind, shown, param.help or "")
