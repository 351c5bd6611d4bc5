"""The end of Newman's terminal report: the summary and the table of failures."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from typing import TYPE_CHECKING

from runner.errors import ExitCode
from runner.reporters.terminal import Terminal, clean
from runner.reporters.units import duration, size
from runner.result import Count, Failure, Results, RunResult, Spread

if TYPE_CHECKING:
    from rich.table import Table
    from rich.text import Text

_ROWS = {
    "iterations": "iterations",
    "requests": "requests",
    "testScripts": "test-scripts",
    "prerequestScripts": "prerequest-scripts",
    "assertions": "assertions",
}
_SENT_BY = {"script": "sent by scripts", "auth": "sent by auth", "extension": "sent by extensions", "retry": "tried again"}
_FIRST_COLUMN = 23
_ENOUGH = 10
"""Responses from which on percentiles are shown: of fewer, p90 is the slowest, which Newman's own line tells."""
# rich has no spanning cells: the counts are one table, the lines below another, and the border between belongs to the first
_UNICODE = ("┌─┬┐\n│ ││\n├─┼┤\n│ ││\n├─┼┤\n├─┼┤\n│ ││\n├─┴┤\n", "├──┤\n│  │\n├──┤\n│  │\n├──┤\n├──┤\n│  │\n└──┘\n")
_ASCII = ("----\n| ||\n--+-\n| ||\n--+-\n--+-\n| ||\n----\n", "----\n|  |\n----\n|  |\n----\n----\n|  |\n----\n")


def summary(result: RunResult, terminal: Terminal, *, verbose: bool) -> str:
    """The table of counts with the totals below it."""
    facts = [terminal.note(fact) for fact in _facts(result, verbose)]
    width = max(_FIRST_COLUMN + 4 + 2 * 19, 4 + max(map(len, facts)))
    counts, below = (_render(table, terminal, width) for table in (_counts(result, terminal), _below(facts, terminal)))
    return "\n".join([*counts, *below[1:]]) + "\n"


def _facts(result: RunResult, verbose: bool) -> Iterator[str]:
    yield f"total run duration: {duration(result.duration)}"
    yield f"total data received: {size(result.received)} (approx)"
    spreads = {"average response time": result.response}
    if verbose:
        spreads |= {"average DNS lookup time": result.dns, "average first byte time": result.first_byte}
    for text, spread in spreads.items():
        if spread.count:
            yield f"{text}: {_spread(spread)}"
    if result.percentiles.count >= _ENOUGH:
        percentiles = (f"{name}: {duration(time)}" for name, time in result.percentiles.usual.items())
        yield f"response time percentiles: {', '.join(percentiles)}"


def _spread(spread: Spread) -> str:
    edges = f"min: {duration(spread.min)}, max: {duration(spread.max)}, s.d.: {duration(spread.sd)}"
    return f"{duration(spread.average)} [{edges}]"


def _counts(result: RunResult, terminal: Terminal) -> Table:
    from rich.box import Box
    from rich.table import Table

    table = Table(
        box=Box(_UNICODE[0] if terminal.unicode else _ASCII[0]), show_lines=True, border_style="bright_black", header_style=""
    )
    table.add_column("", justify="right", width=_FIRST_COLUMN)
    table.add_column("executed", justify="right", ratio=1)
    table.add_column("failed", justify="right", ratio=1)
    for label, count in _lines(result):
        failed = _text(str(count.failed), "red" if count.failed else "")
        table.add_row(_text(label, "red" if count.failed else "green"), str(count.total), failed)
    return table


def _lines(result: RunResult) -> Iterator[tuple[str, Count]]:
    """Newman's rows; requests that scripts and auth sent, or that were refused, get a row of their own."""
    for name, label in _ROWS.items():
        yield label, result.stats[name]
        if name == "requests":
            for source, text in _SENT_BY.items():
                if (count := result.sources[source]).total:
                    yield text, count
            if result.planned:
                yield "not sent (dry run)", Count(total=result.planned)
            if result.refused:
                yield "refused", Count(failed=result.refused)


def _below(facts: list[str], terminal: Terminal) -> Table:
    from rich.box import Box
    from rich.table import Table

    table = Table(
        box=Box(_UNICODE[1] if terminal.unicode else _ASCII[1]), show_lines=True, border_style="bright_black", show_header=False
    )
    table.add_column(no_wrap=True, ratio=1)
    for fact in facts:
        table.add_row(_text(fact))
    return table


def _text(content: str, style: str = "") -> Text:
    from rich.text import Text

    return Text(content, style=style)


def _render(table: Table, terminal: Terminal, width: int) -> list[str]:
    from rich.console import Console

    table.width = width
    console = Console(
        file=StringIO(),
        width=width,
        color_system="standard",
        force_terminal=terminal.color,
        no_color=not terminal.color,
        markup=False,
        emoji=False,
        highlight=False,
        _environ={},
    )
    with console.capture() as drawn:
        console.print(table)
    return drawn.get().splitlines()


def outcomes(results: Results, of: int, terminal: Terminal) -> Iterator[str]:
    """A line for each of several collections, and one for those whose turn did not come."""
    yield f"{len(results.runs)} of {of} collections"
    for run in results.runs:
        passed = run.exit_code is ExitCode.OK
        word = terminal.paint("passed", "green") if passed else terminal.paint("failed", "red bold")
        facts = [_counted(run.stats["requests"].total, "request"), _counted(run.stats["assertions"].total, "assertion")]
        facts += [] if passed else [_counted(len(run.failures), "failure"), f"exit status {int(run.exit_code)}"]
        yield f"  {word}  {clean(run.collection)}: {', '.join(facts)}"
    if of > len(results.runs):
        yield f"  {terminal.paint('not run', 'cyan')}  {of - len(results.runs)}"


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def failures(found: list[Failure], terminal: Terminal) -> Iterator[str]:
    """The lines of the failures table. Laid out by hand: a table of thousands takes rich many seconds."""
    digits = len(str(len(found)))
    names = max(len("failure"), *(len(part) for failure in found for part in _names(failure)))
    head = f"{'#':>{digits + 1}}"
    yield f" {terminal.paint(head, 'red')}  {terminal.paint('failure'.ljust(names), 'red')}  {terminal.paint('detail', 'red')}"
    for number, failure in enumerate(found, 1):
        yield ""
        yield from _failure(failure, f" {number:>{digits}}.", names, terminal)


def _names(failure: Failure) -> list[str]:
    iteration = [f"iteration: {failure.iteration + 1}"] if failure.cycles > 1 else []
    return [clean(failure.name).partition("\n")[0], *iteration]


def _failure(failure: Failure, number: str, names: int, terminal: Terminal) -> Iterator[str]:
    left = _names(failure)
    indent = len(number) + names + 4
    right = [(line, "") for line in _wrapped(failure.test, terminal, indent)]
    for text in (failure.message, f"at {failure.at}", f'inside "{failure.full_name}"'):
        right += [(line, "gray") for line in _wrapped(text, terminal, indent)]
    for place, (line, style) in enumerate(right):
        first = number if place == 0 else " " * len(number)
        name = left[place].ljust(names) if place < len(left) else " " * names
        shown = terminal.paint(line, style) if style else clean(line)
        yield f"{first}  {terminal.paint(name, 'gray') if place and name.strip() else name}  {shown}".rstrip()


def _wrapped(text: str, terminal: Terminal, indent: int) -> list[str]:
    lines = clean(text).split("\n") if text else []
    room = (terminal.width or 0) - indent
    if room < 20 or all(2 * len(line) <= room or (line.isascii() and len(line) <= room) for line in lines):
        return lines
    from rich.console import Console
    from rich.text import Text

    console = Console(file=StringIO(), width=room, _environ={})
    return [str(part).rstrip() for line in lines for part in Text(line).wrap(console, room)]
