"""A session that goes from request to request, each in a test of its own: what pytest is told of it."""

from __future__ import annotations

import logging

import pytest

from runner import events
from runner.assemble import Session
from runner.events import RunEvent
from runner.model import Item
from runner.sandbox import ScriptError

_LOG = logging.getLogger("pabal")
_LEVELS = {"error": logging.ERROR, "warn": logging.WARNING, "warning": logging.WARNING, "debug": logging.DEBUG}


class Steps:
    """Runs the items of a session one by one; its variables, cookies and tokens last from one to the next."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._engine = session.engine()
        self._wanted: tuple[int, int | None] | None = None

    def item(self, position: int, subtests: pytest.Subtests, iteration: int = 0) -> None:
        """Run the request at a position, and its scripts; each `pm.test` becomes a subtest under its name.

        What `setNextRequest` jumps over is skipped; what it jumps back to runs again at once, in the test that asked for it.
        """
        if self._wanted and self._wanted[0] == iteration and self._wanted[1] != position:
            pytest.skip("setNextRequest jumped over this request")
        story = _Story(subtests, self._session.plan.steps[position].item)
        following: int | None = position
        while following is not None and following <= position:
            following = self._turn(story, following, iteration)
        self._wanted = (iteration, following) if following != position + 1 else None
        story.end()

    def _turn(self, story: _Story, position: int, iteration: int) -> int | None:
        happened, following = self._engine.turn(position, iteration)
        for event in self._session.shown(happened):
            story.tell(event)
        return following


class _Story:
    """What one test tells pytest."""

    def __init__(self, subtests: pytest.Subtests, item: Item) -> None:
        self._subtests = subtests
        self._item = item
        self._failed: str | None = None
        self._skipped: str | None = None

    def tell(self, event: RunEvent) -> None:
        """Report an event."""
        match event:
            case events.Asserted(assertion=found):
                self._part(event, found.name, found.error, skipped=found.skipped)
            case events.ScriptFailed(error=error):
                self._part(event, f"{event.listen} script of {event.where}", error)
            case events.RequestSent(source="item", error=str() as reason):
                self._failed, self._skipped = (None, reason) if event.refused else (reason, None)
            case events.ItemSkipped(reason=reason):
                self._skipped = reason
            case events.ConsoleWritten(console=console):
                _LOG.log(_LEVELS.get(console.level, logging.INFO), "%s", " ".join(map(str, console.messages)))
            case events.Noted(text=text):
                _LOG.log(_LEVELS.get(event.level, logging.INFO), "%s", text)

    def _part(
        self, event: events.Asserted | events.ScriptFailed, name: str, error: ScriptError | None, *, skipped: bool = False
    ) -> None:
        again = event.place.item.id != self._item.id
        with self._subtests.test(msg=f"{event.place.item.name}: {name}" if again else name):
            if skipped:
                pytest.skip("pm.test.skip")
            if error:
                pytest.fail(f"{error.name}: {error.message}", pytrace=False)

    def end(self) -> None:
        """What the request itself came to."""
        if self._failed:
            pytest.fail(self._failed, pytrace=False)
        if self._skipped:
            pytest.skip(self._skipped)
