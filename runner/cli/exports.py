"""The scopes, the collection and the cookies as a run left them, written so that Postman imports them again."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from runner import __version__
from runner.assemble import Session
from runner.cookie_file import cookies_json
from runner.dump import collection_json, environment_json, stamp
from runner.model import Collection, Json
from runner.reporters.files import report_path, whole_file
from runner.variables import Scope

_USING = f"pabal/{__version__}"


def export_paths(values: Mapping[str, Any]) -> dict[str, Path]:
    """Where the `--export-…` options send things; a folder gets files with stamped names.

    Raises:
        UsageError: there can be no file at this place. Nothing has been sent then.
    """
    now = datetime.now(UTC)
    given = {kind: values[f"export_{kind.replace('-', '_')}"] for kind in ("environment", "globals", "collection", "cookie-jar")}
    return {kind: report_path(path, "json", now, stem=f"pabal-{kind}") for kind, path in given.items() if path}


def export(session: Session, paths: Mapping[str, Path]) -> None:
    """Write what is wanted, values and all: an export without its secrets could not be used again.

    Raises:
        UsageError: a file cannot be written.
    """
    scopes, now = session.scopes, datetime.now(UTC)
    contents: dict[str, Callable[[], Json]] = {
        "environment": lambda: _scope(scopes.environment, "environment", now),
        "globals": lambda: _scope(scopes.globals, "globals", now),
        "collection": lambda: _collection(session.collection, scopes.collection, now),
        "cookie-jar": lambda: cookies_json(session.cookies()),
    }
    for kind, path in paths.items():
        text = json.dumps(contents[kind](), indent=2, ensure_ascii=False)
        with whole_file(path) as file:
            file.write(text.encode("utf-8", "surrogatepass"))


def _scope(scope: Scope, kind: str, now: datetime) -> Json:
    exported = replace(scope.export(), id=scope.id or str(uuid.uuid4()))
    return environment_json(exported, kind, now=now, using=_USING)


def _collection(collection: Collection, scope: Scope, now: datetime) -> Json:
    return collection_json(replace(collection, variables=scope.export().values)) | stamp(now, _USING)
