"""`pabal run`: a collection from start to exit status."""

from __future__ import annotations

import gc
import os
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import rich_click as click

from runner.assemble import Session
from runner.cli.beyond import BEYOND_OPTIONS, beyond_from
from runner.cli.config import Config, ConfiguredCommand
from runner.cli.extras import EXTRA_OPTIONS, extras_from
from runner.cli.network import NETWORK_OPTIONS, network_from
from runner.cli.options import POSITIVE, WORKING_DIR, decorate, options_from, variable_options
from runner.errors import ExitCode, Refused, UsageError
from runner.reporters import report
from runner.series import Series

_BAIL_WORDS = re.compile(r"(folder|failure)(,(folder|failure))*")
_REPORTER = re.compile(r"--reporter-([\w-]+)(?:=(.*))?", re.DOTALL)


class RunCommand(ConfiguredCommand):
    """Takes `--reporter-<name>-<option> [value]` for any reporter, and `--bail` with or without its words, as Newman does."""

    strict = True

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        words, reporter_options = split_reporter_options(args)
        rest = super().parse_args(ctx, list(_with_bail_words(words)))
        config: Config = ctx.meta["config"]
        ctx.meta["reporter_options"] = config.reporters | reporter_options
        for name in reporter_options:
            config.origins.pop(f"reporter-{name}", None)
        return rest


def split_reporter_options(args: list[str]) -> tuple[list[str], dict[str, str | bool]]:
    """Arguments without the reporter options, and these by name: `json-export` → value, or true when none follows."""
    rest: list[str] = []
    found: dict[str, str | bool] = {}
    words = iter(range(len(args)))
    for place in words:
        option = _REPORTER.fullmatch(args[place])
        if not option:
            rest.append(args[place])
            continue
        value: str | bool = True if option[2] is None else option[2]
        if value is True and _is_value(option[1], *args[place + 1 : place + 2]):
            value = args[next(words)]
        found[option[1]] = value
    return rest, found


def _is_value(name: str, following: str = "-x") -> bool:
    """Whether the word that follows an option is its value; of a switch the collection of a careless command line is none."""
    if re.search(r"(^|-)(no-[\w-]+|silent|verbose|show-[\w-]+)$", name):
        return following in ("true", "false")
    return not re.match("-.", following)


def _with_bail_words(args: list[str]) -> Iterable[str]:
    for place, word in enumerate(args):
        following = args[place + 1] if place + 1 < len(args) else ""
        yield "--bail=failure" if word == "--bail" and not _BAIL_WORDS.fullmatch(following) else word


@click.command("run", cls=RunCommand, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("collection", metavar="COLLECTION...", nargs=-1)
@variable_options
@decorate(
    click.option(
        "-n", "--iteration-count", type=POSITIVE, help="How often to run; default: once for each row of data.", panel="Run"
    ),
    click.option("--delay-request", type=POSITIVE, metavar="MS", help="Pause between requests.", panel="Run"),
    click.option(
        "--bail",
        type=click.Choice(["failure", "folder", "folder,failure", "failure,folder"]),
        help="Stop at the first failure.",
        panel="Run",
    ),
    click.option("--timeout", type=POSITIVE, metavar="MS", help="For the whole run.", panel="Run"),
    click.option("--timeout-request", type=POSITIVE, metavar="MS", help="For each request.", panel="Run"),
    click.option("--timeout-script", type=POSITIVE, metavar="MS", help="For each script.", panel="Run"),
    click.option(
        "--fail-on-unresolved", is_flag=True, help="Variables without a value are an error, before anything is sent.", panel="Run"
    ),
    WORKING_DIR,
    click.option("--no-insecure-file-read", is_flag=True, help="Read no files outside the working directory.", panel="Run"),
    click.option(
        "-y",
        "--yes",
        is_flag=True,
        allow_from_autoenv=False,
        help="Answer yes to what would be asked before the run.",
        panel="Run",
    ),
    click.option("-x", "--suppress-exit-code", is_flag=True, help="Exit with 0 even if something failed.", panel="Run"),
    *NETWORK_OPTIONS,
    click.option(
        "-r",
        "--reporters",
        default="cli",
        metavar="LIST",
        help="Reporters, separated by commas: cli, json, junit, html, markdown, tap, github, progress.",
        panel="Reports",
    ),
    click.option("--reporter-json-export", metavar="PATH", help="Where the JSON report goes (- is stdout).", panel="Reports"),
    click.option("--reporter-junit-export", metavar="PATH", help="Where the JUnit report goes (- is stdout).", panel="Reports"),
    click.option("--reporter-html-export", metavar="PATH", help="Where the HTML report goes (- is stdout).", panel="Reports"),
    click.option("--export-environment", metavar="PATH", help="Write the environment as the run left it.", panel="Reports"),
    click.option("--export-globals", metavar="PATH", help="Write the globals as the run left them.", panel="Reports"),
    click.option(
        "--export-collection",
        metavar="PATH",
        help="Write the collection and its variables as the run left them.",
        panel="Reports",
    ),
    click.option("--export-cookie-jar", metavar="PATH", help="Write the cookies as the run left them.", panel="Reports"),
    click.option(
        "--color", type=click.Choice(["auto", "on", "off"]), default="auto", help="Colours on the terminal.", panel="Reports"
    ),
    click.option("--disable-unicode", is_flag=True, help="Plain ASCII symbols.", panel="Reports"),
    click.option("--verbose", is_flag=True, help="Headers, bodies and timings of each request.", panel="Reports"),
    click.option("--silent", is_flag=True, help="Nothing on the terminal; other reporters still write.", panel="Reports"),
    click.option(
        "--show-config",
        is_flag=True,
        allow_from_autoenv=False,
        help="Show each option, its value and where that comes from, and end.",
        panel="Run",
    ),
    *BEYOND_OPTIONS,
    *EXTRA_OPTIONS,
)
@click.pass_context
def command(ctx: click.RichContext, /, collection: tuple[str, ...], **values: Any) -> int:
    """Run Postman collections one after the other: files, folders of them, - for stdin, http(s) URLs, or Postman UIDs.

    Exit status: 0 all passed, 1 an assertion failed, 2 wrong usage, 3 a file could not be read, 4 a request or a script
    failed, 5 nothing ran, 6 refused by a guard, 130 interrupted.

    \b
    pabal run orders.postman_collection.json -e staging.postman_environment.json
    pabal run orders.postman_collection.json -d rows.csv --folder Orders -r cli,json --reporter-json-export report.json
    """
    if values["show_config"]:
        from runner.cli.show_config import show_config

        show_config(ctx)
        return ExitCode.OK
    if not collection:
        raise click.MissingParameter(ctx=ctx, param_hint="'COLLECTION...'", param_type="argument")
    if not values["watch"]:
        return once(ctx, collection, values)
    from runner.cli.watch import watch

    files = (values[name] for name in ("environment", "globals_", "iteration_data"))
    return watch([*collection, *values["env_file"], *filter(None, files)], lambda: once(ctx, collection, values))


def once(ctx: click.Context, collection: tuple[str, ...], values: Mapping[str, Any]) -> int:
    """One run of the collections, to its exit status."""
    options = replace(options_from(values, extras_from(values)), **network_from(values), **beyond_from(values))
    agree = partial(confirm, yes=values["yes"] or values["dry_run"], once=not values["watch"])
    with Series(collection, options, jobs=values["jobs"], warm=True, before_next=agree) as series:
        agree(series.session)
        from runner.cli.exports import export, export_paths
        from runner.cli.output import make_reporters
        from runner.record import Recorder

        exports, recorder = export_paths(values, len(series)), Recorder()
        reporters = make_reporters(values, ctx.meta["reporter_options"], lambda: series.secrets)
        if "record" in exports:
            reporters.append(recorder)
        # All that was loaded stays to the end: the collector need not look at it again, and seldom at what comes and goes.
        gc.freeze()
        gc.enable()
        gc.set_threshold(20_000, 20, 20)
        try:
            results = report(series, reporters)
        except BrokenPipeError:  # whoever read the report has gone, as `head` does
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            return ExitCode.BROKEN
        finally:
            export(series, exports, recorder)
    for run in results.runs:
        if run.exit_code is ExitCode.NOTHING_RAN:
            click.echo(f'nothing ran: there is no request to run in "{run.collection}"', err=True)
    return ExitCode.OK if values["suppress_exit_code"] else results.exit_code


def confirm(session: Session, *, yes: bool, once: bool) -> None:
    """Ask what the extensions want agreed to before anything is sent; it cannot be agreed to for runs to come.

    Raises:
        UsageError: there is nobody to ask, or there is more than this `once`.
        Refused: the user says no.
    """
    for question in filter(None, (extension.question() for extension in session.extensions)):
        if not once:
            raise UsageError(f"this is asked before each run, and cannot be with --watch: {question}")
        if yes:
            continue
        if not (sys.stdin and sys.stdin.isatty() and sys.stderr and sys.stderr.isatty()):
            raise UsageError(f"nobody is here to ask: {question}", hint="without a terminal, say --yes to agree")
        if not click.confirm(question, err=True):
            raise Refused("not agreed to, nothing was sent")
