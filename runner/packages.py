"""Packages for `pm.require`, from a folder: `@team/sum` is `DIR/@team/sum.js` or `DIR/@team/sum/index.js`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

from runner.errors import LoadError
from runner.model import Event, Json
from runner.reading import decode, read_bytes
from runner.sandbox import ScriptError

_REQUIRE = re.compile(r"\bpm\s*\??\.\s*require\b")
_REQUIRED = re.compile(rf"{_REQUIRE.pattern}\s*\(\s*([\"'`])(?P<name>(?:(?!\1)[^\\\n])+)\1")


class Packages:
    """Finds what scripts require; each file is read and parsed once. `syntax_error` says what is wrong with a text."""

    def __init__(self, folder: str | Path | None, syntax_error: Callable[[str], ScriptError | None]) -> None:
        """Raises:
        LoadError: there is no such folder.
        """
        if folder is not None and not Path(folder).is_dir():
            raise LoadError("there is no such folder of packages", where=str(folder))
        self._folder = folder
        self._syntax_error = syntax_error
        self._known: dict[str, Json] = {}

    def of(self, event: Event) -> Mapping[str, Json] | None:
        """What the sandbox resolves for a script: the packages it names and those that they name; None when it asks for none.

        A script that came with the text of a package, as the collection has it, is given that. Only names that are written
        out are found, as in Postman.
        """
        if not event.packages and "require" not in event.code:
            return None
        own = {
            name: found for name, found in event.packages.items() if isinstance(found, dict) and {"data", "error"} & set(found)
        }
        found: dict[str, Json] = {}
        open_names = [*event.packages, *_names(event.code)]
        while open_names:
            name = open_names.pop()
            if name not in found:
                found[name] = own.get(name) or self._package(name)
                open_names += _names(str(found[name].get("data", "")))
        return found if found or _REQUIRE.search(event.code) else None

    def _package(self, name: str) -> Json:
        if name not in self._known:
            self._known[name] = self._read(name)
        return self._known[name]

    def _read(self, name: str) -> Json:
        if self._folder is None:
            return {"error": "there is no folder of packages, name one with --packages"}
        parts = PurePosixPath(name).parts
        if not parts or ".." in parts or "\0" in name or Path(name).is_absolute():
            return {"error": f"this is no name of a package in {self._folder}"}
        files = [Path(self._folder, *parts[:-1], f"{parts[-1]}.js"), Path(self._folder, *parts, "index.js")]
        try:
            file = next((file for file in files if file.is_file()), None)
            if file is None:
                return {"error": f"there is neither {files[0]} nor {files[1]}"}
            code = decode(read_bytes(file))
        except (LoadError, OSError) as error:
            return {"error": str(error)}
        if wrong := self._syntax_error(code):
            return {"error": f"{wrong.message} ({file}{f':{wrong.line}' if wrong.line else ''})"}
        return {"data": code, "file": str(file)}


def _names(code: str) -> list[str]:
    return [found["name"] for found in _REQUIRED.finditer(code)]
