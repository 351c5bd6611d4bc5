"""Newman's progress bar over items × iterations, on stdout. Where no bar can be drawn, a line for each tenth of the way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from runner import events
from runner.events import RunEvent
from runner.reporters import Reporter, Settings, Surroundings, switched_on
from runner.reporters.cli import Silent
from runner.reporters.terminal import Terminal
from runner.result import RunResult


class _Display(Protocol):
    def show(self, done: int, total: int, failed: int) -> None: ...

    def close(self) -> None: ...


def make(options: Settings, surroundings: Surroundings) -> Reporter:
    """The reporter for these options; the bar needs a terminal that can move its cursor, and Unicode."""
    if switched_on(options, "silent"):
        return Silent()
    terminal = Terminal(
        surroundings.out,
        surroundings.environ,
        color=str(options.get("color", "auto")),
        unicode=not switched_on(options, "disable-unicode"),
    )
    movable = terminal.live and surroundings.environ.get("TERM") != "dumb"
    return ProgressReporter(_Bar(terminal, surroundings.environ) if movable and terminal.unicode else _Lines(terminal))


class ProgressReporter:
    """Shows how far the run is: the place of the last item that is over, so that a jump back or ahead shows as what it is."""

    wants_bodies = False

    def __init__(self, display: _Display) -> None:
        self._display = display
        self._result = RunResult()
        self._done = self._total = 0

    def handle(self, event: RunEvent) -> None:
        """Show what an event has changed."""
        self._result.add(event)
        if isinstance(event, events.RunStarted):
            self._done, self._total = 0, event.items * event.iterations
        elif isinstance(event, events.ItemFinished):
            place = event.place
            self._done, self._total = place.iteration * place.length + place.position + 1, place.length * place.cycles
        else:
            return
        self._display.show(self._done, self._total, len(self._result.failures))

    def close(self) -> None:
        """Leave the last state on the screen."""
        self._display.close()


def _numbers(done: int, total: int, failed: int) -> str:
    return f"{done}/{total}" + (f", {failed} failed" if failed else "")


class _Bar:
    """A bar that rich draws anew ten times a second."""

    def __init__(self, terminal: Terminal, environ: Mapping[str, str]) -> None:
        console = Console(
            file=terminal.out,
            force_terminal=True,
            no_color=not terminal.color,
            width=terminal.width or 80,
            highlight=False,
            _environ=environ,
        )
        columns = ("progress", BarColumn(), "{task.percentage:.0f}% | ETA:", TimeRemainingColumn(), "|")
        numbers = TextColumn("{task.fields[numbers]}", markup=False)
        self._progress = Progress(*columns, numbers, console=console, redirect_stdout=False, redirect_stderr=False)
        self._task = self._progress.add_task("", total=None, numbers="")

    def show(self, done: int, total: int, failed: int) -> None:
        self._progress.update(self._task, completed=done, total=total, numbers=_numbers(done, total, failed))
        self._progress.start()

    def close(self) -> None:
        self._progress.stop()


class _Lines:
    """Plain lines, for logs."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._tenths = 0
        self._line = self._written = ""

    def show(self, done: int, total: int, failed: int) -> None:
        percent = done * 100 // total if total else 0
        if not done:  # the next collection
            self.close()
            self._tenths = 0
        self._line = f"progress {percent}% | {_numbers(done, total, failed)}\n"
        if percent // 10 > self._tenths:
            self._tenths = percent // 10
            self._write()

    def close(self) -> None:
        self._write()

    def _write(self) -> None:
        if self._line != self._written:
            self._terminal.write(self._line)
            self._terminal.out.flush()
            self._written = self._line
