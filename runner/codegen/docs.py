"""Docstrings from names and descriptions."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from runner.codegen.writer import visible
from runner.dump import collection_json
from runner.model import Collection


def digest_of(collection: Collection) -> str:
    """A short hash of a collection, by which generated code tells what it was made from; ids, which may be made up, left out."""
    text = json.dumps(_without_ids(collection_json(collection)), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _without_ids(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_ids(entry) for entry in value]
    if isinstance(value, dict):
        return {key: _without_ids(entry) for key, entry in value.items() if key not in ("id", "_postman_id")}
    return value


def docstring(title: str, notes: str, depth: int) -> str:
    """A docstring at a depth of indentation: the title, and a description below it."""
    indent = "    " * depth
    lines = [line.rstrip() for line in harmless(notes.strip()).splitlines()]
    below = ["", *(f"{indent}{line}".rstrip() for line in lines), indent] if lines else []
    return '"""' + "\n".join([harmless(title) or "A request without a name.", *below]) + '"""'


def harmless(text: str) -> str:
    """A text inside of a docstring."""
    text = "\n".join(visible(line) for line in text.split("\n"))
    return text.replace("\\", "\\\\").replace('"""', "'''").removesuffix('"') + ("'" if text.endswith('"') else "")
