"""The reporters of `pabal run`, each with the options that are meant for it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from runner.errors import UsageError
from runner.reporters import Reporter, Settings, Surroundings, create, in_github_actions

_OF_THE_RUN = ("silent", "verbose", "color", "disable_unicode", "dry_run")


def make_reporters(
    values: Mapping[str, Any], reporter_options: Settings, secrets: Callable[[], Iterable[str]] = tuple
) -> list[Reporter]:
    """The reporters of `--reporters`, each with its own options, those for all reporters, and those of the run.

    In a job of GitHub Actions its reporter is there too.

    Raises:
        UsageError: it names none, or one that does not exist.
    """
    names = [name.strip() for name in values["reporters"].split(",") if name.strip()]
    if not names:
        raise UsageError("--reporters names none", hint="for no output at all: --silent")
    if in_github_actions(os.environ):
        names.append("github")
    nobody = Path(os.devnull)  # a stream that was closed from the start is None
    out, err = (stream or nobody.open("w", encoding="utf-8") for stream in (sys.stdout, sys.stderr))
    surroundings = Surroundings(out=out, err=err, environ=os.environ, secrets=secrets)
    shared = {name: values[name] for name in _OF_THE_RUN}
    return [create(name, {**shared, **_options_of(name, names, reporter_options)}, surroundings) for name in dict.fromkeys(names)]


def _options_of(name: str, names: list[str], given: Settings) -> dict[str, str | bool]:
    """`--reporter-json-export` is json's; `--reporter-export` is everybody's and, as in Newman, wins over the former."""
    own = {key.removeprefix(f"{name}-"): value for key, value in given.items() if key.startswith(f"{name}-")}
    return own | {key: value for key, value in given.items() if not any(key.startswith(f"{other}-") for other in names)}
