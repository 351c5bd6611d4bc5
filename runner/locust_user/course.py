"""What the users of one class have in common within a process: the files, read once, the rows, and the script engines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, Literal

from runner.assemble import Session
from runner.errors import UsageError
from runner.model import Collection, Json
from runner.options import Options
from runner.outside import open_sources
from runner.sandbox.pool import Pool
from runner.sandbox.v8 import V8Sandbox
from runner.series import read_once

AtEnd = Literal["start over", "stop"]


class Course:
    """A collection and what it is run with.

    `engines` is how many script engines its users share at most, None for one each. `at_end` says what follows the last row.

    Raises:
        LoadError: a file could not be read.
        UsageError: a folder does not exist, there is no request, or options do not go together.
    """

    def __init__(self, collection: Collection | str | Path, options: Options, *, engines: int | None, at_end: AtEnd) -> None:
        sources = open_sources(options)
        self._collection = sources.collection(collection)
        self._options = replace(read_once(options, sources), extras={**options.extras, "load_test": True})
        with Session(self._collection, self._options) as session:
            if not session.plan.steps:
                raise UsageError("there is no request to run", where=self._collection.name)
        self._pool = Pool(lambda: V8Sandbox(tidy=True), engines) if engines else None
        self._at_end = at_end
        self.begin()

    def begin(self, place: int = 0, of: int = 1) -> None:
        """Start with the first row of this process's part: every `of`th one, from the `place`th on."""
        self._rows = self._part(self._options.data or (), place, of)

    def session(self) -> Session:
        """A run of one user's own."""
        return Session(self._collection, self._options, warm=True, engine=self._pool.share if self._pool else None)

    def deal(self) -> Iterator[Json]:
        """The rows of one user: whoever begins an iteration gets the next one, until there are none."""
        for _ in range(self._options.iterations) if self._options.iterations else count():
            row = next(self._rows, None)
            if row is None:
                return
            yield row

    def _part(self, rows: Any, place: int, of: int) -> Iterator[Json]:
        part: Sequence[Json] = rows[place::of] if rows else ({},)
        while part:
            yield from part
            if rows and self._at_end == "stop":
                return
