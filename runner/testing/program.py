"""A suite as a program: one run of it, told as `pabal run` tells it, with the same exit status."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from io import TextIOWrapper
from typing import Any

from runner.errors import ExitCode, PabalError
from runner.reporters import Surroundings, create, report
from runner.secrets import without_credentials
from runner.testing.run import Run
from runner.testing.suite import Suite


def main(
    suite: Suite,
    doc: str | None,
    environment: Mapping[str, Any],
    environ: Mapping[str, str],
    argv: Sequence[str] | None = None,
    **settings: Any,
) -> int:
    """Run a suite as the command line says; `doc` is what `--help` shows, `settings` are those of `Run`.

    The exit status is that of `pabal run`: 0 all passed, 1 an assertion failed, 2 wrong usage, 3 a file could not be read,
    4 a request or a script failed, 5 nothing ran, 6 refused by a guard, 130 interrupted.
    """
    given = _parser(doc).parse_args(argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        with suite.run(environment, environ, over=given.environment, **settings | _said(given)) as run:
            return _told(run, environ)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except PabalError as error:
        sys.stderr.write(f"error: {without_credentials(str(error))}\n")
        return error.exit_code


def _parser(doc: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-e", "--environment", metavar="FILE", help="variables that win over those of the program")
    parser.add_argument("--env-var", type=_pair, action="append", metavar="NAME=VALUE", help="a variable that wins over all")
    parser.add_argument("-d", "--iteration-data", metavar="FILE", help="CSV or JSON, an iteration for each row")
    parser.add_argument("-n", "--iteration-count", type=_positive, metavar="N", help="how often to run")
    parser.add_argument("--bail", action="store_true", help="stop at the first failure")
    return parser


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number")
    return int(text)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME=VALUE")
    return name, value


def _said(given: argparse.Namespace) -> dict[str, Any]:
    """What was said on the command line, as settings of the run."""
    found: dict[str, Any] = {"bail": given.bail, "env_vars": dict(given.env_var or ())}
    if given.iteration_data is not None:
        found |= {"data": given.iteration_data, "iterations": None}
    if given.iteration_count is not None:
        found["iterations"] = given.iteration_count
    return found


def _told(run: Run, environ: Mapping[str, str]) -> int:
    """Run, and report on standard output."""
    reporter = create("cli", {}, Surroundings(out=sys.stdout, err=sys.stderr, environ=environ))
    try:
        return report(run, [reporter]).exit_code
    except BrokenPipeError:  # whoever read the report has gone, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return ExitCode.BROKEN
