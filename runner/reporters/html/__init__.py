"""A report for people: one HTML file that needs nothing else, made of a page, and the run as JSON that the page draws.

What the run came to is in the page itself. Memory stays flat and the file below 20 MB however long the run is: once the
details of what passed have taken their share, only its line in the list is kept, and in the end only its number.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO

from runner import __version__, events
from runner.errors import UsageError
from runner.events import RunEvent
from runner.reporters import Settings, Surroundings, switched_on
from runner.reporters.files import Sink, TextSink, report_path, whole_file
from runner.reporters.html.entry import Entry
from runner.reporters.units import duration, size
from runner.result import Results, RunResult

BODY_LIMIT = 20_000
"""Characters of a body that are shown, where `--reporter-html-body-limit` does not say otherwise."""

DETAILS, LINES, ALL = 11_000_000, 14_000_000, 18_000_000
"""Bytes of the file after which what passed loses its details, then its line, and after which nothing more is listed."""

_IN_MEMORY = 4_000_000
_GAP = "<!-- entries -->"


def make(options: Settings, surroundings: Surroundings) -> HtmlReporter:
    """The reporter for the options `export` (a file, a folder, or `-` for stdout), `title`, `body-limit` and `no-details`.

    Raises:
        UsageError: `body-limit` is no number.
    """
    limit = str(options.get("body-limit", BODY_LIMIT))
    if not (limit.isascii() and limit.isdigit()):
        raise UsageError(f"--reporter-html-body-limit takes a number of characters, not {limit!r}")
    export, title = options.get("export"), options.get("title")
    return HtmlReporter(
        export if isinstance(export, str) and export else None,
        title if isinstance(title, str) else "",
        surroundings,
        body_limit=int(limit),
        details=not switched_on(options, "no-details"),
    )


class HtmlReporter:
    """Appends each finished item to a temporary file, and writes the page around them when it is closed."""

    wants_bodies = True

    def __init__(self, export: str | None, title: str, surroundings: Surroundings, *, body_limit: int, details: bool) -> None:
        self._export, self._title, self._surroundings = export, title, surroundings
        self._body_limit, self._details = body_limit, details
        self._path: Path | None = None
        self._results = Results()
        self._starts: list[events.RunStarted] = []
        self._entry: Entry | None = None
        self._spool: SpooledTemporaryFile[bytes] | None = None
        self._unlisted = 0

    def handle(self, event: RunEvent) -> None:
        """Take in an event.

        Raises:
            UsageError: the run starts and the report has no place to go.
        """
        self._results.add(event)
        if isinstance(event, events.ItemStarted):
            self._entry = Entry(event.place, self._starts[0].started, self._body_limit, self._collection)
        elif isinstance(event, events.RunStarted):
            self._begin(event)
        elif self._entry:
            self._entry.add(event)
        if isinstance(event, events.ItemFinished | events.RunFinished):
            self._append()

    def close(self) -> None:
        """Write the report, unless the run has not even begun."""
        if self._spool is None:
            return
        with self._spool as spool:
            self._append()
            spool.seek(0)
            if self._path:
                with whole_file(self._path) as file:
                    self._write(file, spool)
            else:
                self._write(TextSink(self._surroundings.out), spool)

    def _begin(self, event: events.RunStarted) -> None:
        """The first of several collections opens the report."""
        self._starts.append(event)
        if self._spool is None:
            if self._export != "-":
                self._path = report_path(self._export, "html", self._surroundings.now())
            self._spool = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 (closed by close)

    @property
    def _collection(self) -> str:
        """What goes before the folders of an item, where there are several collections."""
        start = self._starts[-1]
        return _name(start) if start.of > 1 else ""

    def _append(self) -> None:
        entry, self._entry = self._entry, None
        if entry is None or self._spool is None:
            return
        written = self._spool.tell()
        if written > (ALL if entry.failed else LINES):
            self._unlisted += 1
            return
        if entry.failed:
            entry.content["failures"] = len(self._results.total.failures)
        details = self._details and (entry.failed or written <= DETAILS)
        self._spool.write((b",\n" if written else b"\n") + entry.encoded(details=details))

    def _write(self, file: Sink, entries: IO[bytes]) -> None:
        before, after = self._page().split(_GAP)
        file.write(before.encode("utf-8", "backslashreplace"))
        shutil.copyfileobj(entries, file, 1 << 20)
        file.write(after.encode("utf-8", "backslashreplace"))

    def _page(self) -> str:
        from jinja2 import Environment, PackageLoader, StrictUndefined

        environment = Environment(
            loader=PackageLoader("runner.reporters.html", "."), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )
        result, start = self._results.total, self._starts[0]
        style, script = (files(__name__).joinpath(name).read_text("utf-8") for name in ("page.css", "page.js"))
        return environment.get_template("page.html.j2").render(
            title=self._title or ", ".join(map(_name, self._starts)),
            environment=start.environment.name,
            result=result,
            status=self._results.exit_code,
            figures=list(_figures(result)),
            when=datetime.fromtimestamp(start.started, UTC).astimezone(self._surroundings.now().tzinfo),
            version=__version__,
            iterations=max(each.iterations for each in self._starts),
            unlisted=self._unlisted,
            style=style,
            script=script,
            hashes={"style": _hash(style), "script": _hash(script)},
            gap=_GAP,
        )


def _name(start: events.RunStarted) -> str:
    return start.collection.name or "pabal"


def _hash(text: str) -> str:
    """What a content security policy calls this very text by."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _figures(result: RunResult) -> Iterator[tuple[str, str, int]]:
    """The figures of the summary: a name, a value, and how much of it failed."""
    for name in ("iterations", "items", "requests", "assertions"):
        count = result.stats[name]
        yield name, str(count.total), count.failed
    yield "sent by scripts", str(result.sources["script"].total), result.sources["script"].failed
    if result.skipped:
        yield "skipped", str(result.skipped), 0
    if result.refused:
        yield "refused", str(result.refused), result.refused
    yield "duration", duration(result.duration), 0
    yield "received", size(result.received), 0
    yield "average response", duration(result.response.average), 0
    for name, value in result.percentiles.usual.items():
        yield name, duration(value), 0
