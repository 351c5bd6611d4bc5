"""What the command line of pytest says about runs, by the options of the plugin."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runner.errors import UsageError
from runner.options import Options

if TYPE_CHECKING:
    import pytest


def options_from(config: pytest.Config) -> Options:
    """What the command line of pytest says, as options of a run.

    Raises:
        UsageError: a value makes no sense.
    """
    given: dict[str, Any] = {name: config.getoption(f"--pabal-{name}") for name in ("env", "globals", "data", "iterations")}
    count = given["iterations"]
    if count is not None and not (count.isascii() and count.isdigit() and int(count)):
        raise UsageError(f"--pabal-iterations takes a positive number, not {count!r}")
    return Options(
        environment=_place(config, given["env"]),
        globals=_place(config, given["globals"]),
        data=_place(config, given["data"]),
        iterations=None if count is None else int(count),
        folders=tuple(config.getoption("--pabal-folder")),
        env_vars=_env_vars(config),
        env_files=tuple(config.getoption("--pabal-env-file")),
        environ=os.environ,
        extras={"simulate": config.getoption("--pabal-simulate")},
    )


def overrides(config: pytest.Config) -> dict[str, Any]:
    """What the command line of pytest says about variables, as settings of a generated module's `Run`.

    Raises:
        UsageError: a value makes no sense.
    """
    return {
        "over": _place(config, config.getoption("--pabal-env", None)),
        "env_vars": _env_vars(config),
        "env_files": tuple(config.getoption("--pabal-env-file", ())),
    }


def _env_vars(config: pytest.Config) -> dict[str, str]:
    pairs = [entry.partition("=") for entry in config.getoption("--pabal-env-var", ())]
    if wrong := [name for name, equals, _ in pairs if not (name and equals)]:
        raise UsageError(f"--pabal-env-var {wrong[0]!r} is not of the form NAME=VALUE")
    return {name: value for name, _, value in pairs}


def _place(config: pytest.Config, given: str | None) -> str | None:
    """Paths count from where pytest was called, also where a test changes the folder."""
    if given is None or "://" in given:
        return given
    return str(Path(config.invocation_params.dir, given))
