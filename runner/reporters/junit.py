"""Newman's JUnit report, mended so that a CI server shows what really happened.

There is one testsuite for each time an item ran, with Newman's name, id, times and class names. Readers tell tests apart by
class and name, and lay one over the other where both are equal. So with several iterations the class of a case ends in
`.Iteration2` and the suite's name in `(iteration 2)`, an item that runs again within an iteration gets `.Run2`, and a test's
name that comes again within an item gets `(2)`. Only the second and later are marked, and the iteration only where there are
several: a plain run keeps the names that Newman gave, and with them its history. The iteration stands behind the item, so
that Jenkins, for which all before the last dot is the package, shows the iterations of an item side by side.

Several collections share one report. There the class of a case begins with its collection's name, as with a package's, and so
does the name of a suite.

Skipped tests and items are `<skipped>`. A request without an answer, a refused one and a script that died are an `<error>` in
a case of their own, as is a run that broke off: readers look at cases, and a suite without any is shown green. The totals of
`testsuites` count cases, as readers expect; Newman has the number of items there.
"""

from __future__ import annotations

import codecs
import re
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Any, ClassVar, Protocol
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from runner import events
from runner.events import Place, RunEvent
from runner.model import Collection
from runner.reporters import Settings, Surroundings
from runner.reporters.files import report_path, whole_file
from runner.sandbox import ScriptError

_IN_MEMORY = 1_000_000
"""Characters of finished suites that are kept before they go to a temporary file."""

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, not even escaped."""

_APOSTROPHE = re.compile(r"['’]")
_WORD = re.compile(r"[^\W_]+")
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=\d)(?=[^\W\d])|(?<=[^\W\d])(?=\d)")


class _Sink(Protocol):
    def write(self, data: str, /) -> object: ...


def make(options: Settings, surroundings: Surroundings) -> JunitReporter:
    """The reporter for the option `export`: a file, a folder, or `-` for stdout."""
    export = options.get("export")
    return JunitReporter(export if isinstance(export, str) and export else None, surroundings)


class JunitReporter:
    """Appends each finished suite to a temporary file, and writes the report when it is closed."""

    wants_bodies = False

    def __init__(self, export: str | None, surroundings: Surroundings) -> None:
        self._export, self._surroundings = export, surroundings
        self._path: Path | None = None
        self._collection = Collection(id="", name="")
        self._names: list[str] = []
        self._package = ""
        self._packages: Counter[str] = Counter()
        self._timestamp = ""
        self._suite: _Suite | None = None
        self._runs: Counter[str] = Counter()
        self._totals = _Totals()
        self._spool: SpooledTemporaryFile[str] | None = None
        self._ending: ScriptError | None = None

    def handle(self, event: RunEvent) -> None:
        """Take in an event.

        Raises:
            UsageError: the run starts and the report has no place to go.
        """
        if handler := self._handlers.get(type(event)):
            handler(self, event)
        elif self._suite:
            self._suite.add(event)

    def close(self) -> None:
        """Write the report, unless the run has not even begun."""
        if self._spool is None:
            return
        with self._spool as spool:
            self._finish()
            self._end()
            spool.seek(0)
            if self._path is None:
                self._write(self._surroundings.out, spool)
            else:
                with whole_file(self._path) as file:
                    self._write(codecs.getwriter("utf-8")(file), spool)

    def _run_started(self, event: events.RunStarted) -> None:
        self._open(event.collection, event.started)
        self._ending = ScriptError(name="RunBroken", message="the run did not come to its end")
        if event.of > 1:
            name = self._collection_class()
            self._packages[name] += 1
            self._package = name + (str(self._packages[name]) if self._packages[name] > 1 else "")

    def _iteration_started(self, _: events.IterationStarted) -> None:
        self._runs.clear()

    def _item_started(self, event: events.ItemStarted) -> None:
        self._finish()
        place = event.place
        full_name = " / ".join((*place.path, place.item.name))
        class_name = _class_name(full_name) or self._collection_class()
        self._runs[class_name] += 1
        run = self._runs[class_name]
        iteration = place.iteration + 1 if place.cycles > 1 else 0
        if self._package:
            class_name = f"{self._package}.{class_name}"
        self._suite = _Suite(
            name=self._title(full_name)
            + (f" (iteration {iteration})" if iteration else "")
            + (f" (run {run})" if run > 1 else ""),
            class_name=class_name + (f".Iteration{iteration}" if iteration else "") + (f".Run{run}" if run > 1 else ""),
            full_name=full_name,
            collection=self._collection,
            place=place,
        )

    def _item_finished(self, _: events.ItemFinished) -> None:
        self._finish()

    def _interrupted(self, _: events.Interrupted) -> None:
        self._ending = ScriptError(name="Interrupted", message="the run was interrupted")

    def _run_finished(self, event: events.RunFinished) -> None:
        if self._spool is None:
            self._open(event.collection, event.finished)
        self._finish()
        if event.error is not None:
            self._ending = ScriptError(name="RunBroken", message=event.error)
        elif self._ending and self._ending.name != "Interrupted":
            self._ending = None
        self._end()

    _handlers: ClassVar[dict[type[RunEvent], Callable[[JunitReporter, Any], None]]] = {
        events.RunStarted: _run_started,
        events.IterationStarted: _iteration_started,
        events.ItemStarted: _item_started,
        events.ItemFinished: _item_finished,
        events.Interrupted: _interrupted,
        events.RunFinished: _run_finished,
    }

    def _open(self, collection: Collection, moment: float) -> None:
        self._collection = collection
        self._names.append(collection.name)
        self._timestamp = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        if self._spool:
            return
        if self._export != "-":
            self._path = report_path(self._export, "xml", self._surroundings.now())
        self._spool = SpooledTemporaryFile(  # noqa: SIM115 (closed by close)
            max_size=_IN_MEMORY, mode="w+", encoding="utf-8", newline=""
        )

    def _collection_class(self) -> str:
        return _class_name(self._collection.name) or "Collection"

    def _finish(self) -> None:
        if self._suite:
            self._append(self._suite)
            self._suite = None

    def _end(self) -> None:
        """Tell what kept the collection from its end, if anything did."""
        if self._ending:
            self._append(self._run_suite(self._ending))
            self._ending = None

    def _title(self, full_name: str) -> str:
        """A suite's name: with the collection's before it where there are several."""
        return f"{self._collection.name} / {full_name}" if self._package else full_name

    def _run_suite(self, error: ScriptError) -> _Suite:
        """The suite that tells of the run itself, where an error belongs that is no item's."""
        collection = self._collection
        class_name = self._package or self._collection_class()
        suite = _Suite(name=collection.name, class_name=class_name, full_name=collection.name, collection=collection)
        suite.error("run", error.name, error.message)
        return suite

    def _append(self, suite: _Suite) -> None:
        self._totals.add(suite)
        element = suite.element(self._timestamp)
        indent(element, "  ", 1)
        if self._spool:
            self._spool.write(f"  {tostring(element, 'unicode')}\n")

    def _write(self, file: _Sink, suites: IO[str]) -> None:
        root = Element("testsuites", {"name": _legal(", ".join(self._names)), **self._totals.counts()})
        file.write('<?xml version="1.0" encoding="UTF-8"?>\n')
        file.write(tostring(root, "unicode").removesuffix(" />") + ">\n")
        shutil.copyfileobj(suites, file, 1 << 18)
        file.write("</testsuites>\n")


@dataclass(slots=True)
class _Totals:
    tests: int = 0
    failures: int = 0
    errors: int = 0
    seconds: float = 0.0

    def add(self, suite: _Suite) -> None:
        self.tests += len(suite.cases)
        self.failures += suite.outcomes["failure"]
        self.errors += suite.outcomes["error"]
        self.seconds += suite.seconds

    def counts(self) -> dict[str, str]:
        counted = {name: str(getattr(self, name)) for name in ("tests", "failures", "errors")}
        return counted | {"time": f"{self.seconds:.3f}"}


@dataclass(slots=True, kw_only=True)
class _Suite:
    """What one item did in one go. `seconds` is the time of its own response: Newman has no other for a suite or case."""

    name: str
    class_name: str
    full_name: str
    collection: Collection
    place: Place | None = None
    seconds: float = 0.0
    cases: list[Element] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    _names: set[str] = field(default_factory=set)
    _log: list[str] = field(default_factory=list)

    def add(self, event: RunEvent) -> None:
        """Take in an event of this item."""
        if handler := self._handlers.get(type(event)):
            handler(self, event)

    def error(self, name: str, kind: str, message: str, **more: str) -> None:
        """A case for something that went wrong outside of any test."""
        self._outcome(name, "error", {"type": kind, "message": message}, self._described({"Error message": message, **more}))

    def element(self, timestamp: str) -> Element:
        """The testsuite; times of cases are the suite's, as with Newman."""
        seconds = f"{self.seconds:.3f}"
        outcomes = self.outcomes
        suite = Element("testsuite", {"name": _legal(self.name)})
        if self.place:
            suite.set("id", _legal(self.place.item.id))
        suite.set("timestamp", timestamp)
        for name, count in (("tests", len(self.cases)), ("failures", outcomes["failure"]), ("errors", outcomes["error"])):
            suite.set(name, str(count))
        suite.set("skipped", str(outcomes["skipped"]))
        suite.set("time", seconds)
        for case in self.cases:
            case.set("time", seconds)
        suite.extend(self.cases)
        if self._log and self.place:
            log = "".join(f"{entry}\n---\n" for entry in self._log)
            SubElement(suite, "system-err").text = _legal(f"Iteration: {self.place.iteration + 1}\n{log}")
        return suite

    def _request_sent(self, event: events.RequestSent) -> None:
        if event.response is not None and event.source == "item":
            self.seconds = event.response.timings.total / 1000
        if event.error is None or event.source == "retry":
            return
        kind = "Refused" if event.refused else event.error_code or "RequestError"
        name = "request" if event.source == "item" else f"request by {event.source}"
        self.error(name, kind, event.error, Request=f"{event.prepared.method} {event.prepared.url}")
        self._log.append(f"RequestError: {event.error}")

    def _request_planned(self, event: events.RequestPlanned) -> None:
        name = "request" if event.source == "item" else f"request by {event.source}"
        if event.refused:
            self.error(name, "Refused", event.objection, Request=f"{event.prepared.method} {event.prepared.url}")
        else:
            self._outcome(name, "skipped", {"message": f"dry run: not sent. {event.objection}".strip()})

    def _asserted(self, event: events.Asserted) -> None:
        assertion = event.assertion
        if assertion.skipped:
            self._outcome(assertion.name, "skipped", {})
        elif assertion.passed:
            self._case(assertion.name)
        else:
            error = assertion.error or ScriptError(name="AssertionError", message="")
            lines = {"Test description": assertion.name, "Error message": error.message, "Stacktrace": error.stack}
            text = self._described(lines)
            self._outcome(assertion.name, "failure", {"type": "AssertionFailure", "message": error.message}, text)

    def _script_failed(self, event: events.ScriptFailed) -> None:
        error = event.error
        script = ":".join(str(part) for part in (event.where, error.line, error.column) if part is not None)
        self.error(f"{event.listen}-script", error.name, error.message, Script=script, Stacktrace=error.stack)
        self._log.append(f"{event.listen}ScriptError: {error.stack or error.message}")

    def _item_skipped(self, event: events.ItemSkipped) -> None:
        self._outcome("request", "skipped", {"message": event.reason})

    _handlers: ClassVar[dict[type[RunEvent], Callable[[_Suite, Any], None]]] = {
        events.RequestSent: _request_sent,
        events.RequestPlanned: _request_planned,
        events.Asserted: _asserted,
        events.ScriptFailed: _script_failed,
        events.ItemSkipped: _item_skipped,
    }

    def _case(self, name: str) -> Element:
        name = unique = _legal(name)
        number = 1
        while unique in self._names:
            number += 1
            unique = f"{name} ({number})"
        self._names.add(unique)
        case = Element("testcase", {"name": unique, "classname": self.class_name})
        self.cases.append(case)
        return case

    def _outcome(self, name: str, outcome: str, attributes: dict[str, str], text: str = "") -> None:
        self.outcomes[outcome] += 1
        attributes = {key: _legal(value) for key, value in attributes.items()}
        SubElement(self._case(name), outcome, attributes).text = _legal(text) or None

    def _described(self, lines: dict[str, str]) -> str:
        """Newman's lines about a failure, less the number of failures: a case here stands for one."""
        place = {"Collection JSON ID": self.collection.id, "Collection name": self.collection.name}
        if self.place:
            place["Request name"] = self.full_name
        return "\n".join(f"{title}: {line}" for title, line in (place | lines).items() if line)


def _class_name(name: str) -> str:
    """The name in UpperCamelCase. Newman drops letters beyond ASCII, which leaves nothing of a Korean name; they stay here."""
    words = _WORD.findall(_APOSTROPHE.sub("", name))
    return "".join(part.capitalize() for word in words for part in _HUMP.split(word))


def _legal(text: str) -> str:
    return _ILLEGAL.sub("", text)
