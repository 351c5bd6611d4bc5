"""What `pabal run` writes: its reporters, and the scopes as the run left them."""

from __future__ import annotations

import json
import os
import sys
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from runner import __version__
from runner.assemble import Session
from runner.dump import environment_json
from runner.errors import UsageError
from runner.reporters import Reporter, Settings, Surroundings, create
from runner.reporters.files import whole_file
from runner.variables import Scope

_OF_THE_RUN = ("silent", "verbose", "color", "disable_unicode")


def make_reporters(values: Mapping[str, Any], reporter_options: Settings) -> list[Reporter]:
    """The reporters of `--reporters`, each with its own options, those for all reporters, and those of the run."""
    names = [name.strip() for name in values["reporters"].split(",") if name.strip()]
    nobody = Path(os.devnull)  # a stream that was closed from the start is None
    out, err = (stream or nobody.open("w", encoding="utf-8") for stream in (sys.stdout, sys.stderr))
    surroundings = Surroundings(out=out, err=err, environ=os.environ)
    shared = {name: values[name] for name in _OF_THE_RUN}
    return [create(name, {**shared, **_options_of(name, names, reporter_options)}, surroundings) for name in dict.fromkeys(names)]


def _options_of(name: str, names: list[str], given: Settings) -> dict[str, str | bool]:
    """`--reporter-json-export` is json's; `--reporter-export` is everybody's and, as in Newman, wins over the former."""
    own = {key.removeprefix(f"{name}-"): value for key, value in given.items() if key.startswith(f"{name}-")}
    return own | {key: value for key, value in given.items() if not any(key.startswith(f"{other}-") for other in names)}


def export_scopes(session: Session, values: Mapping[str, Any]) -> None:
    """Write environment and globals, values and all, where the user wants them.

    Raises:
        UsageError: a file cannot be written.
    """
    for scope, kind, path in (
        (session.scopes.environment, "environment", values["export_environment"]),
        (session.scopes.globals, "globals", values["export_globals"]),
    ):
        if path:
            _export(scope, kind, Path(path))


def _export(scope: Scope, kind: str, path: Path) -> None:
    try:
        path = path / f"{kind}.json" if path.is_dir() else path
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"the {kind} cannot be exported: {error.strerror or error}", where=str(path)) from error
    exported = replace(scope.export(), id=scope.id or str(uuid.uuid4()))
    using = f"pabal/{__version__}"
    text = json.dumps(environment_json(exported, kind, now=datetime.now(UTC), using=using), indent=2, ensure_ascii=False)
    with whole_file(path) as file:
        file.write(text.encode("utf-8", "surrogatepass"))
