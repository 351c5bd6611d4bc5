"""Options that several commands take, in Newman's spelling, and how they become `Options`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import rich_click as click

from runner.options import Options
from runner.plan import Settings
from runner.sources import POSTMAN_API

F = TypeVar("F", bound=Callable[..., Any])


_GREATEST = 2**31 - 1
"""As milliseconds nearly 25 days, the longest a timer can wait."""


class Positive(click.ParamType[int]):
    """A positive whole number; anything else is wrong usage (Newman prints an error and exits with 0)."""

    name = "integer"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value)
        if not (text.isascii() and text.isdigit() and len(text) <= 10 and 0 < int(text) <= _GREATEST):
            self.fail(f"the value must be a positive integer, at most {_GREATEST}", param, ctx)
        return int(text)


POSITIVE = Positive()


class KeyValue(click.ParamType[tuple[str, str]]):
    """`NAME=VALUE`, split at the first `=`."""

    name = "name=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        key, equals, text = str(value).partition("=")
        if not (key and equals):
            self.fail(f"{value!r} is not of the form NAME=VALUE", param, ctx)
        return key, text


KEY_VALUE = KeyValue()

WORKING_DIR: Callable[[Any], Any] = click.option(
    "--working-dir",
    type=click.Path(exists=True, file_okay=False),
    metavar="DIR",
    help="Where the files of request bodies are looked for.",
    panel="Run",
)


def decorate(*decorators: Callable[[Any], Any]) -> Callable[[F], F]:
    """Several decorators as one, the first one outermost."""

    def apply(function: F) -> F:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return apply


variable_options = decorate(
    click.option(
        "-e", "--environment", metavar="PLACE", help="Environment: file, - (stdin), URL or UID.", panel="Variables and data"
    ),
    click.option(
        "-g", "--globals", "globals_", metavar="PLACE", help="Globals: file, - (stdin) or URL.", panel="Variables and data"
    ),
    click.option(
        "-d",
        "--iteration-data",
        metavar="PLACE",
        help="Rows for the iterations, JSON or CSV: file, - (stdin) or URL.",
        panel="Variables and data",
    ),
    click.option(
        "--postman-api-key", metavar="KEY", help="For collections and environments given by their Postman UID.", panel="Postman"
    ),
    click.option(
        "--postman-api-url",
        metavar="URL",
        default=POSTMAN_API,
        help="Where Postman's API is.",
        show_default=True,
        panel="Postman",
    ),
    click.option(
        "--env-var",
        multiple=True,
        type=KEY_VALUE,
        help="Set an environment variable; wins over every file.",
        panel="Variables and data",
    ),
    click.option(
        "--global-var",
        multiple=True,
        type=KEY_VALUE,
        help="Set a global variable; wins over the file.",
        panel="Variables and data",
    ),
    click.option(
        "--env-file",
        multiple=True,
        metavar="PATH",
        help="A .env file: fills variables the environment leaves empty.",
        panel="Variables and data",
    ),
    click.option(
        "--vault",
        metavar="PLACE",
        help="Secrets for pm.vault and {{vault:name}}: a JSON or .env file, or keyring.",
        panel="Variables and data",
    ),
    click.option(
        "--show-secrets", is_flag=True, allow_from_autoenv=False, help="Mask nothing, in no report.", panel="Variables and data"
    ),
    click.option(
        "--folder",
        multiple=True,
        metavar="NAME",
        help="Run only this folder or request: name, id, path or pattern (Orders/*, **/Buy); repeatable.",
        panel="Run",
    ),
    click.option(
        "--exclude",
        multiple=True,
        metavar="NAME",
        help="Leave out folders and requests: name, id, path or pattern; repeatable.",
        panel="Run",
    ),
    click.option(
        "--folder-order",
        type=click.Choice(["collection", "given"]),
        default="collection",
        help="Run several --folder in the order of the collection, or as given.",
        panel="Run",
    ),
)


def _read_stdin() -> bytes:
    return sys.stdin.buffer.read() if sys.stdin else b""


def options_from(values: Mapping[str, Any], extras: Mapping[str, Any]) -> Options:
    """Options from what click parsed; what a command does not offer keeps its default."""
    bail = values.get("bail") or ""
    return Options(
        environment=values["environment"],
        globals=values["globals_"],
        data=values["iteration_data"] or None,
        iterations=values.get("iteration_count"),
        vault=values.get("vault"),
        show_secrets=bool(values.get("show_secrets")),
        folders=values["folder"],
        exclude=values["exclude"],
        folders_as_given=values["folder_order"] == "given",
        env_vars=dict(values["env_var"]),
        global_vars=dict(values["global_var"]),
        env_files=values["env_file"],
        environ=dict(os.environ),
        stdin=_read_stdin,
        postman_api_key=values["postman_api_key"],
        postman_api=values["postman_api_url"],
        settings=Settings(
            delay=values.get("delay_request") or 0,
            timeout=values.get("timeout") or 0,
            request_timeout=values.get("timeout_request") or 0,
            script_timeout=values.get("timeout_script") or 0,
            bail="failure" in bail.split(","),
            abort="folder" in bail.split(","),
            fail_on_unresolved=bool(values.get("fail_on_unresolved")),
            dry_run=bool(values.get("dry_run")),
        ),
        working_dir=values.get("working_dir") or ".",
        outside_files=not values.get("no_insecure_file_read"),
        extras=extras,
    )
