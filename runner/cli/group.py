"""The `pabal` command and its sub-commands. A command's module is only imported when it is called."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

import rich_click as click

from runner import __version__

COMMANDS = {
    "run": "runner.cli.run:command",
    "vars": "runner.cli.vars:command",
    "lint": "runner.cli.lint:command",
    "codegen": "runner.cli.codegen:command",
    "mock": "runner.cli.mock:command",
    "locust": "runner.cli.locust:command",
    "simulate": "runner.kis.commands:simulate",
    "init": "runner.kis.commands:init",
    "kis": "runner.kis.commands:kis",
}
"""Command name to the module and the attribute that has it; one whose package is not there is left out."""


class _Commands(click.RichGroup):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name, place in COMMANDS.items() if find_spec(place.rpartition(".")[0])]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-v", "--version", message="%(version)s")
def cli() -> None:
    """Run Postman collections, their scripts and all, from the command line.

    \b
    pabal run orders.postman_collection.json -e staging.postman_environment.json
    pabal vars orders.postman_collection.json -e staging.postman_environment.json
    pabal lint orders.postman_collection.json staging.postman_environment.json
    """
