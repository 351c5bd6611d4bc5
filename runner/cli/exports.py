"""The scopes and the collection as a run left them, written so that Postman imports them again."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from runner import __version__
from runner.assemble import Session
from runner.dump import collection_json, environment_json, stamp
from runner.model import Json
from runner.reporters.files import report_path, whole_file
from runner.variables import Scope

_USING = f"pabal/{__version__}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exports:
    """Where environment, globals and collection go, each None where they are not wanted."""

    environment: Path | None = None
    globals: Path | None = None
    collection: Path | None = None

    def write(self, session: Session) -> None:
        """Write what is wanted, values and all: an export without its secrets could not be used again.

        Raises:
            UsageError: a file cannot be written.
        """
        scopes, now = session.scopes, datetime.now(UTC)
        if self.environment:
            _write(self.environment, _scope(scopes.environment, "environment", now))
        if self.globals:
            _write(self.globals, _scope(scopes.globals, "globals", now))
        if self.collection:
            left = replace(session.collection, variables=scopes.collection.export().values)
            _write(self.collection, collection_json(left) | stamp(now, _USING))


def exports_from(values: Mapping[str, Any]) -> Exports:
    """The exports of `--export-…`; a folder gets files with stamped names.

    Raises:
        UsageError: there can be no file at this place. Nothing has been sent then.
    """
    now = datetime.now(UTC)
    given = {kind: values[f"export_{kind}"] for kind in Exports.__slots__}
    return Exports(**{kind: report_path(path, "json", now, stem=f"pabal-{kind}") for kind, path in given.items() if path})


def _scope(scope: Scope, kind: str, now: datetime) -> Json:
    exported = replace(scope.export(), id=scope.id or str(uuid.uuid4()))
    return environment_json(exported, kind, now=now, using=_USING)


def _write(path: Path, data: Json) -> None:
    text = json.dumps(data, indent=2, ensure_ascii=False)
    with whole_file(path) as file:
        file.write(text.encode("utf-8", "surrogatepass"))
