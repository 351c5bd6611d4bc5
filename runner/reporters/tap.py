"""The Test Anything Protocol, version 14: a line for each assertion as it comes out, the plan at the end."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any, ClassVar

from runner import events
from runner.events import Place, RunEvent
from runner.reporters import Settings, Surroundings
from runner.reporters.files import Sink, TextSink, report_path, whole_file
from runner.reporters.terminal import clean


def make(options: Settings, surroundings: Surroundings) -> TapReporter:
    """The reporter for the option `export`: a file or a folder; without it stdout."""
    export = options.get("export")
    return TapReporter(export if isinstance(export, str) and export else "-", surroundings)


class TapReporter:
    """Numbers what comes out. What is no assertion and failed is a test point of its own, as is a run that broke off."""

    wants_bodies = False

    def __init__(self, export: str, surroundings: Surroundings) -> None:
        self._export, self._surroundings = export, surroundings
        self._stack = ExitStack()
        self._sink: Sink | None = None
        self._count = 0

    def handle(self, event: RunEvent) -> None:
        """Write what an event comes to.

        Raises:
            UsageError: the run starts and the report has no place to go.
        """
        if isinstance(event, events.RunStarted):
            self._sink = self._sink or self._opened()
        elif handler := self._handlers.get(type(event)):
            handler(self, event)

    def close(self) -> None:
        """Write the plan, unless the run has not even begun."""
        with self._stack:
            if self._sink:
                self._write(f"1..{self._count}")

    def _opened(self) -> Sink:
        if self._export == "-":
            self._sink = TextSink(self._surroundings.out)
        else:
            self._sink = self._stack.enter_context(whole_file(report_path(self._export, "tap", self._surroundings.now())))
        self._write("TAP version 14")
        return self._sink

    def _write(self, line: str) -> None:
        if self._sink:
            self._sink.write(f"{line}\n".encode("utf-8", "replace"))

    def _point(
        self, passed: bool, place: Place | None, name: str, *, skip: str | None = None, fault: Mapping[str, Any] | None = None
    ) -> None:
        """A test point; `fault` is what its YAML block tells, in JSON, which is YAML too."""
        self._count += 1
        iteration = f" [{place.iteration + 1}/{place.cycles}]" if place and place.cycles > 1 else ""
        where = f"{' / '.join((*place.path, place.item.name))}{iteration}: " if place else ""
        directive = "" if skip is None else f" # SKIP {_line(skip)}".rstrip()
        self._write(f"{'ok' if passed else 'not ok'} {self._count} - {_line(where + name)}{directive}")
        if fault:
            self._write("  ---")
            for key, value in fault.items():
                self._write(f"  {key}: {json.dumps(value, ensure_ascii=False)}")
            self._write("  ...")

    def _asserted(self, event: events.Asserted) -> None:
        assertion = event.assertion
        if assertion.skipped:
            self._point(True, event.place, assertion.name, skip="")
        elif assertion.passed:
            self._point(True, event.place, assertion.name)
        else:
            message = assertion.error.message if assertion.error else ""
            self._point(False, event.place, assertion.name, fault={"message": message, "severity": "fail"})

    def _request_sent(self, event: events.RequestSent) -> None:
        if event.error is not None and event.source != "retry":
            name = "the request is refused" if event.refused else "the request is answered"
            self._point(False, event.place, name, fault={"message": event.error, "severity": "error"})

    def _request_planned(self, event: events.RequestPlanned) -> None:
        if event.refused:
            self._point(False, event.place, "the request is refused", fault={"message": event.objection, "severity": "error"})
        else:
            self._point(True, event.place, "is sent", skip=f"dry run. {event.objection}".strip())

    def _script_failed(self, event: events.ScriptFailed) -> None:
        error = event.error
        fault: dict[str, Any] = {"message": f"{error.name}: {error.message}", "severity": "error"}
        if error.line:
            fault["line"] = error.line
        self._point(False, event.place, f"{event.listen} script", fault=fault)

    def _item_skipped(self, event: events.ItemSkipped) -> None:
        self._point(True, event.place, "is sent", skip=event.reason)

    def _run_finished(self, event: events.RunFinished) -> None:
        if event.error is not None:
            self._point(False, None, "the run comes to its end", fault={"message": event.error, "severity": "error"})

    def _interrupted(self, _: events.Interrupted) -> None:
        self._write("Bail out! interrupted")

    _handlers: ClassVar[dict[type[RunEvent], Callable[[TapReporter, Any], None]]] = {
        events.Asserted: _asserted,
        events.RequestSent: _request_sent,
        events.RequestPlanned: _request_planned,
        events.ScriptFailed: _script_failed,
        events.ItemSkipped: _item_skipped,
        events.RunFinished: _run_finished,
        events.Interrupted: _interrupted,
    }


def _line(text: str) -> str:
    """A text as a description: on one line, without a sign that begins a directive, or one that commands a terminal."""
    return re.sub(r"([\\#])", r"\\\1", clean(" ".join(text.split())))
