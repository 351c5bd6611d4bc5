"""The progress bar, and what stands in for it where no bar can be drawn."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from runner import events
from runner.events import RunEvent
from runner.reporters import Surroundings, create
from tests.reporting import FakeTerminal, asserted, demo, place, show, turn, whole_run

UNICODE = {"disable-unicode": False}


def bar(stream: Iterator[RunEvent], **options: Any) -> str:
    return show(stream, "progress", out=FakeTerminal(), environ={"TERM": "xterm", "COLUMNS": "100"}, **UNICODE | options)


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[?\d;]*[A-Za-z]", "", text)


def long_run(items: int = 5, iterations: int = 20) -> Iterator[RunEvent]:
    """A run of a hundred items, one of which fails."""
    turns: list[RunEvent] = []
    for number in range(items * iterations):
        iteration, position = divmod(number, items)
        where = place("One", ref=number, iteration=iteration, cycles=iterations, position=position, length=items)
        turns += turn(where, asserted(where, "t", passed=number != 42))
    yield from whole_run(*turns, iterations=iterations)


def test_lines_for_a_log_are_few_and_plain() -> None:
    lines = show(long_run(), "progress", **UNICODE).splitlines()
    assert lines == [
        f"progress {tenth}0% | {tenth}0/100{', 1 failed' if tenth > 4 else ''}" for tenth in range(1, 11)
    ]  # fmt: skip


def test_a_run_that_ends_early_says_how_far_it_came() -> None:
    first, second = (place("One", position=position, length=100) for position in (10, 12))
    lines = show(whole_run(*turn(first), *turn(second)), "progress").splitlines()
    assert lines == ["progress 11% | 11/100", "progress 13% | 13/100"]


def test_an_empty_run() -> None:
    stream = [event for event in whole_run() if isinstance(event, events.RunFinished)]
    assert show(iter(stream), "progress") == ""
    assert show(whole_run(), "progress") == "progress 0% | 0/6\n"


def test_the_bar_on_a_terminal() -> None:
    text = bar(demo())
    assert "\x1b[?25l" in text
    assert text.endswith("\x1b[?25h")  # the cursor is back
    assert plain(text).splitlines()[-1].split("\r")[-1].startswith("progress ━━━")
    assert re.search(r"━ 100% \| ETA: 0:00:00 \| 6/6, 4 failed$", plain(text).rstrip())


def test_the_bar_shows_the_first_state_before_anything_runs() -> None:
    assert re.search(r" 0% \| ETA: -:--:-- \| 0/6", plain(bar(whole_run())))


def test_the_bar_stays_where_the_run_stopped() -> None:
    where = place("One", position=2, length=4)
    assert re.search(r" 75% \| .*\| 3/4$", plain(bar(whole_run(*turn(where)))).rstrip())


def test_the_cursor_comes_back_when_the_run_breaks_off() -> None:
    out = FakeTerminal()
    reporter = create("progress", {}, Surroundings(out=out, err=FakeTerminal(), environ={"TERM": "xterm"}))
    reporter.handle(next(iter(demo())))
    assert "\x1b[?25h" not in out.getvalue()
    reporter.close()
    assert out.getvalue().endswith("\x1b[?25h")


def test_colours_are_off_when_they_should_be() -> None:
    assert re.search(r"\x1b\[[\d;]*m", bar(demo(), color="on"))
    assert not re.search(r"\x1b\[[\d;]*m", bar(demo(), color="off"))


@pytest.mark.parametrize(("environ", "options"), [({"TERM": "dumb"}, UNICODE), ({"TERM": "xterm"}, {"disable-unicode": True})])
def test_a_terminal_without_cursor_or_unicode_gets_lines(environ: dict[str, str], options: dict[str, bool]) -> None:
    text = show(demo(), "progress", out=FakeTerminal(), environ=environ, **options)
    assert text.isascii()
    assert "\x1b" not in text
    assert text.endswith("progress 100% | 6/6, 4 failed\n")


def test_silent_is_silent() -> None:
    assert bar(demo(), silent=True) == ""


def test_nothing_is_shown_of_a_run_that_never_began() -> None:
    assert bar(iter(())) == ""
