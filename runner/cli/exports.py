"""The scopes, the collection and the cookies as a run left them, written so that Postman imports them again."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from runner import __version__
from runner.dump import collection_json, environment_json, stamp
from runner.errors import UsageError
from runner.model import Environment, Json
from runner.record import Recorder
from runner.reporters.files import report_path, whole_file
from runner.series import Series

_USING = f"pabal/{__version__}"


def export_paths(values: Mapping[str, Any], collections: int) -> dict[str, Path]:
    """Where `--record` and the `--export-…` options send things; a folder gets files with stamped names.

    Raises:
        UsageError: there can be no file at this place, or one file is given for several collections. Nothing has been sent then.
    """
    now = datetime.now(UTC)
    given = {kind: values[f"export_{kind.replace('-', '_')}"] for kind in ("environment", "globals", "collection", "cookie-jar")}
    given["record"] = values["record"]
    paths = {kind: report_path(path, "json", now, stem=f"pabal-{kind}") for kind, path in given.items() if path}
    if collections > 1 and "collection" in paths and paths["collection"].name == Path(given["collection"]).name:
        raise UsageError("--export-collection needs a folder for several collections", where=given["collection"])
    if collections > 1 and "record" in paths:
        raise UsageError("--record is for one collection", where=given["record"])
    return paths


def export(series: Series, paths: Mapping[str, Path], recorder: Recorder) -> None:
    """Write what is wanted, values and all: an export without its secrets could not be used again. What was recorded has none.

    Raises:
        UsageError: a file cannot be written.
    """
    state, now = series.state, datetime.now(UTC)
    for kind, scope in (("environment", state.environment), ("globals", state.globals)):
        if path := paths.get(kind):
            _write(path, _scope(scope, kind, now))
    if path := paths.get("collection"):
        for number, collection in enumerate(series.left):
            _write(_nth(path, number) if number else path, collection_json(collection) | stamp(now, _USING))
    if path := paths.get("record"):
        _write(path, collection_json(recorder.recorded(series.session.collection)))
    if path := paths.get("cookie-jar"):
        from runner.cookie_file import cookies_json

        _write(path, cookies_json(state.cookies))


def _scope(scope: Environment, kind: str, now: datetime) -> Json:
    return environment_json(replace(scope, id=scope.id or str(uuid.uuid4())), kind, now=now, using=_USING)


def _nth(path: Path, number: int) -> Path:
    """A stamped name for one more collection: the number at its end goes up."""
    head, _, first = path.stem.rpartition("-")
    return path.with_stem(f"{head}-{int(first) + number}")


def _write(path: Path, data: Json) -> None:
    text = json.dumps(data, indent=2, ensure_ascii=False)
    with whole_file(path) as file:
        file.write(text.encode("utf-8", "surrogatepass"))
