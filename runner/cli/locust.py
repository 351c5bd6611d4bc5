"""`pabal locust`: a collection as a locustfile."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import rich_click as click

from runner.assemble import Session
from runner.cli.config import ConfiguredCommand
from runner.cli.network import NETWORK_OPTIONS, network_from
from runner.cli.options import POSITIVE, WORKING_DIR, decorate, options_from, variable_options
from runner.errors import ExitCode
from runner.locustfile import LoadOptions, locustfile
from runner.reporters.files import write_text


class Pause(click.ParamType[tuple[float, float]]):
    """Seconds, `2` or `1-3`."""

    name = "seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, float]:
        first, _, second = str(value).partition("-")
        try:
            shortest, longest = float(first), float(second or first)
        except ValueError:
            shortest, longest = 0.0, -1.0
        if not 0 <= shortest <= longest < float("inf"):
            self.fail(f"{value!r} is no pause: give seconds, such as 2 or 1-3", param, ctx)
        return shortest, longest


@click.command("locust", cls=ConfiguredCommand, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("collection", metavar="COLLECTION")
@variable_options
@decorate(
    click.option("-o", "--output", metavar="PATH", help="Where the locustfile goes; default: standard output.", panel="Load"),
    click.option(
        "--pause", type=Pause(), default="1-3", help="Seconds between two iterations of a user.", show_default=True, panel="Load"
    ),
    click.option(
        "--at-end",
        type=click.Choice(["start over", "stop"]),
        default="start over",
        help="What users do after the last row of data.",
        show_default=True,
        panel="Load",
    ),
    click.option(
        "--host-variable",
        metavar="NAME",
        help="The variable that locust --host fills; default: the one that most URLs begin with.",
        panel="Load",
    ),
    click.option("-n", "--iteration-count", type=POSITIVE, help="How often each user runs it; default: for ever.", panel="Run"),
    click.option("--delay-request", type=POSITIVE, metavar="MS", help="Pause between requests.", panel="Run"),
    click.option("--timeout-request", type=POSITIVE, metavar="MS", help="For each request.", panel="Run"),
    click.option("--timeout-script", type=POSITIVE, metavar="MS", help="For each script.", panel="Run"),
    WORKING_DIR,
    *NETWORK_OPTIONS,
)
def command(collection: str, output: str | None, **values: Any) -> int:
    """Write a locustfile that runs a collection under load, scripts and all. Nothing is sent, and no secret is written.

    It needs Locust: pip install 'pabal[locust]'.

    \b
    pabal locust orders.postman_collection.json -e staging.postman_environment.json -o locustfile.py
    locust -f locustfile.py --headless -u 10 -r 2 -t 1m
    """
    shortest, longest = values["pause"]
    load = LoadOptions(shortest=shortest, longest=longest, at_end=values["at_end"], host_variable=values["host_variable"])
    options = replace(options_from(values, {}), **network_from(values))
    path = Path(output or "locustfile.py")
    with Session(collection, options) as session:
        made = locustfile(session, collection, load, path)
        nothing = not session.plan.steps
    if nothing:
        return ExitCode.NOTHING_RAN
    if output:
        write_text(path, made.text)
    else:
        click.echo(made.text, nl=False)
    if made.environ:
        click.echo(f"set these in the environment before it runs: {', '.join(made.environ)}", err=True)
    if not find_spec("locust"):
        click.echo("Locust is not installed here: pip install 'pabal[locust]'", err=True)
    return ExitCode.OK
