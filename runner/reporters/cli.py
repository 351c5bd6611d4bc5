"""Newman's terminal report: each request with its assertions as they happen, a summary and the failures at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from runner import events
from runner.events import RunEvent
from runner.reporters import Reporter, Settings, Surroundings, switched_on
from runner.reporters.cli_tables import failures, outcomes, summary
from runner.reporters.progress_line import ProgressLine
from runner.reporters.terminal import Terminal, clean, is_terminal
from runner.reporters.units import duration, size
from runner.result import Results

_LEVELS = {"log": "gray", "info": "cyan", "warn": "yellow", "debug": "blue", "error": "red"}
_NARROW = 60
"""Columns Newman takes console output to have when nobody is looking."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Show:
    """What to show, after Newman's options; the `no_…` ones leave something out."""

    verbose: bool = False
    dry_run: bool = False
    show_timestamps: bool = False
    no_summary: bool = False
    no_failures: bool = False
    no_assertions: bool = False
    no_success_assertions: bool = False
    no_console: bool = False
    no_banner: bool = False


class Silent:
    """Shows nothing at all."""

    wants_bodies = False

    def handle(self, event: RunEvent) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


def make(options: Settings, surroundings: Surroundings) -> Reporter:
    """The reporter for these options; the progress line is there only when stderr is a terminal that can erase it."""
    if switched_on(options, "silent"):
        return Silent()
    show = Show(**{name: switched_on(options, name.replace("_", "-")) for name in Show.__slots__})
    environ = surroundings.environ
    terminal = Terminal(
        surroundings.out, environ, color=str(options.get("color", "auto")), unicode=not switched_on(options, "disable-unicode")
    )
    progress = None
    if is_terminal(surroundings.err) and environ.get("TERM") != "dumb":
        progress = ProgressLine(surroundings.err, Terminal(surroundings.err, environ).width)
    return CliReporter(terminal, show, progress, surroundings.now)


class CliReporter:
    """Writes to a terminal line by line."""

    def __init__(self, terminal: Terminal, show: Show, progress: ProgressLine | None, now: Callable[[], datetime]) -> None:
        self.wants_bodies = show.verbose or show.dry_run
        self._terminal, self._show, self._progress, self._now = terminal, show, progress, now
        self._results = Results()
        self._of = 1
        self._lines: list[str] = []
        self._path: tuple[str, ...] = ()
        self._frame = ""
        self._next_request = ""

    def handle(self, event: RunEvent) -> None:
        """Print what there is to say about an event."""
        self._results.add(event)
        if self._progress:
            self._progress.handle(event, len(self._results.total.failures))
        if handler := self._handlers.get(type(event)):
            handler(self, event)
        if self._lines:
            self._flush()

    def close(self) -> None:
        """Tell the total of several collections, and leave nothing half drawn."""
        if self._of > 1 and not self._show.no_summary:
            self._say("", *outcomes(self._results, self._of, self._terminal), "")
            self._say(summary(self._results.total, self._terminal, verbose=self._show.verbose))
        self._close_frame()
        self._flush()
        if self._progress:
            self._progress.erase()

    def _flush(self) -> None:
        if self._progress:
            self._progress.erase()
        if self._lines:
            self._terminal.write("\n".join(self._lines) + "\n")
            self._lines.clear()
        if self._progress:
            self._progress.draw()

    def _say(self, *lines: str) -> None:
        self._close_frame()
        self._lines += lines

    def _paint(self, text: str, style: str) -> str:
        return self._terminal.paint(text, style)

    def _run_started(self, event: events.RunStarted) -> None:
        self._of, self._path = event.of, ()
        if event.number > 1:
            self._say("")
        elif not self._show.no_banner:
            self._say("pabal", "")
        if name := event.collection.name or event.collection.id:
            self._say(clean(name))

    def _iteration_started(self, event: events.IterationStarted) -> None:
        if event.cycles > 1:
            self._say("", self._paint(f"Iteration {event.iteration + 1}/{event.cycles}", "gray underline"))

    def _item_started(self, event: events.ItemStarted) -> None:
        place, symbols = event.place, self._terminal.symbols
        self._say("")
        if place.path != self._path and place.path:
            self._say(f"{symbols.folder} {clean(' / '.join(place.path))}")
        self._path = place.path
        self._say(f"{symbols.sub if place.path else symbols.root} {clean(place.item.name)}")

    def _item_finished(self, _: events.ItemFinished) -> None:
        if self._next_request:
            self._say("", self._paint(f"Attempting to set next request to {self._next_request}", "gray"))
            self._next_request = ""

    def _item_skipped(self, event: events.ItemSkipped) -> None:
        self._say(self._paint(f"  -  [skipped] {self._terminal.note(event.reason)}", "cyan"))

    def _noted(self, event: events.Noted) -> None:
        text = self._terminal.note(event.text)
        self._say(self._paint(f"  warning: {text}", "yellow") if event.level == "warning" else self._paint(f"  {text}", "gray"))

    def _request_sent(self, event: events.RequestSent) -> None:
        stamp = f"[{self._now():%Y-%m-%d %H:%M:%S}]  " if self._show.show_timestamps else ""
        line = self._paint(f"  {stamp}{event.prepared.method} {event.prepared.url}", "gray")
        if event.response is None:
            word = "[refused]" if event.refused else "[errored]"
            self._say(f"{line} {self._paint(word, 'red bold' if event.refused else 'red')}", *self._indented(event.error or ""))
            return
        if self._show.verbose:
            from runner.reporters.cli_verbose import details

            self._say(line, *details(event.prepared, event.response, self._terminal))
            return
        self._say(f"{line} {self._paint(self._answer(event.response), 'gray')}")

    def _request_planned(self, event: events.RequestPlanned) -> None:
        from runner.reporters.cli_dry import planned

        self._say(*planned(event, self._terminal))

    def _answer(self, response: Any) -> str:
        total = size(response.wire_size + response.header_size)
        status = f"{response.code} {response.reason}".rstrip()
        note = f", {self._terminal.note(response.note)}" if response.note else ""
        return f"[{status}, {total}, {self._terminal.note(duration(response.timings.total))}{note}]"

    def _indented(self, text: str) -> Iterator[str]:
        for line in clean(self._terminal.note(text)).splitlines():
            yield self._paint(f"     {line}", "red")

    def _asserted(self, event: events.Asserted) -> None:
        show, assertion = self._show, event.assertion
        if show.no_assertions or (show.no_success_assertions and (assertion.passed or assertion.skipped)):
            return
        name = assertion.name.replace("\n", "\n     ")
        if assertion.skipped:
            self._say(self._paint(f"  -  [skipped] {name}", "cyan"))
            return
        stamp = f"  {self._paint(f'[{self._now():%H:%M:%S}]', 'gray')}" if show.show_timestamps else ""
        if assertion.passed:
            self._say(f"{stamp}{self._paint(f'  {self._terminal.symbols.ok} ', 'green')} {self._paint(name, 'gray')}")
        else:
            self._say(f"{stamp}{self._paint(f'{len(self._results.current.failures):>3}. {name}', 'red bold')}")

    def _script_failed(self, event: events.ScriptFailed) -> None:
        sign = "⠄" if self._terminal.unicode else "."
        text = f"{len(self._results.current.failures):>3}{sign} {event.error.name} in {event.listen}-script"
        self._say(self._paint(text, "red bold"))

    def _script_finished(self, event: events.ScriptFinished) -> None:
        """Newman announces the jump once the item is over, and only for test scripts."""
        if event.listen == "test" and event.named_next and event.next_request:
            self._next_request = event.next_request

    def _console(self, event: events.ConsoleWritten) -> None:
        if self._show.no_console or event.console.level == "clear":
            return
        from runner.sandbox.inspect import format_console

        style = _LEVELS.get(event.console.level, "gray")
        if self._show.show_timestamps:
            self._say("", self._paint(f"  [{self._now():%H:%M:%S}]", "gray"))
        if not self._frame:
            self._lines.append(self._paint(f"  {self._terminal.symbols.top}", style))
        self._frame = self._paint(f"  {self._terminal.symbols.bottom}", style)
        bar = self._paint(f"  {self._terminal.symbols.middle}", style)
        width = self._terminal.width or 0
        width = width if width > 20 else _NARROW
        for line in clean(format_console(event.console.messages, width - 16)).split("\n"):
            self._lines += [f"{bar} {self._paint(part, 'gray')}" for part in _chopped(line, width - 6)]

    def _close_frame(self) -> None:
        """Console calls that follow each other share one frame, as in Newman."""
        if self._frame:
            self._lines.append(self._frame)
            self._frame = ""

    def _interrupted(self, _: events.Interrupted) -> None:
        self._say("", self._paint("interrupted", "red bold"))

    def _run_finished(self, event: events.RunFinished) -> None:
        show, result = self._show, self._results.current
        self._say("")
        if not show.no_summary:
            self._say(summary(result, self._terminal, verbose=show.verbose))
        if event.unresolved:
            self._say(self._paint(f"unresolved variables: {', '.join(event.unresolved)}", "yellow"), "")
        if result.failures and not show.no_failures:
            self._say(*failures(result.failures, self._terminal), "")
        if event.bail:
            self._say(self._paint(f"stopped early: {event.bail}", "yellow"))
        if event.error:
            self._say(self._paint(f"error: {event.error}", "red bold"))

    _handlers: ClassVar[dict[type[RunEvent], Callable[[CliReporter, Any], None]]] = {
        events.RunStarted: _run_started,
        events.IterationStarted: _iteration_started,
        events.ItemStarted: _item_started,
        events.ItemFinished: _item_finished,
        events.ItemSkipped: _item_skipped,
        events.Noted: _noted,
        events.RequestSent: _request_sent,
        events.RequestPlanned: _request_planned,
        events.Asserted: _asserted,
        events.ScriptFailed: _script_failed,
        events.ScriptFinished: _script_finished,
        events.ConsoleWritten: _console,
        events.Interrupted: _interrupted,
        events.RunFinished: _run_finished,
    }


def _chopped(line: str, width: int) -> list[str]:
    """A line in pieces of at most `width` columns; none for a blank line."""
    if not line.strip():
        return []
    if line.isascii():
        return [line[start : start + width] for start in range(0, len(line), width)]
    from rich.cells import chop_cells

    return chop_cells(line, width)
