"""One turn of an item as the page draws it: plain JSON, bodies cut, nothing kept that is not shown."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable
from typing import Any, ClassVar

from runner import events
from runner.events import Place, RunEvent
from runner.model import Json, Prepared, Response
from runner.reporters.text import text_of
from runner.sandbox import ScriptError
from runner.sandbox.inspect import inspect

DIFF_LINES = 400
"""A comparison of more lines than these is not drawn as a diff."""


class Entry:
    """What one item did in one iteration. `outcome` is passed, failed (an assertion), broken, refused or skipped.

    Times are in ms; `start` counts from the start of the run. `body_limit` is how many characters of a body are kept, and
    `collection` its name where there are several.
    """

    def __init__(self, place: Place, started: float, body_limit: int, collection: str = "") -> None:
        self._started, self._body_limit = started, body_limit
        self.outcome = "passed"
        self.content: Json = {
            "name": place.item.name,
            "path": [*filter(None, [collection]), *place.path],
            "iteration": place.iteration,
        }

    def add(self, event: RunEvent) -> None:
        """Take in an event of this item."""
        if handler := self._handlers.get(type(event)):
            handler(self, event)

    @property
    def failed(self) -> bool:
        """Whether people will want to read all of it."""
        return self.outcome not in ("passed", "skipped")

    def encoded(self, *, details: bool = True) -> bytes:
        """As JSON that may stand in a script element; without `details` only what the list shows."""
        content = self.content if details else _outline(self.content)
        text = json.dumps({"outcome": self.outcome, **content}, ensure_ascii=False, separators=(",", ":"), default=str)
        return text.replace("<", "\\u003c").encode("utf-8", "backslashreplace")

    def _list(self, name: str) -> list[Any]:
        found: list[Any] = self.content.setdefault(name, [])
        return found

    def _worsen(self, outcome: str) -> None:
        order = ("passed", "skipped", "failed", "broken", "refused")
        self.outcome = max(self.outcome, outcome, key=order.index)

    def _request_sent(self, event: events.RequestSent) -> None:
        prepared, response = event.prepared, event.response
        took = response.timings.total if response else 0.0
        entry: Json = {
            "source": event.source,
            "method": prepared.method,
            "url": prepared.url,
            "start": round((event.at - self._started) * 1000 - took, 1),
            "request": self._message(prepared),
        }
        if response:
            entry |= self._answer(response)
        elif event.error is not None:
            entry["error"] = event.error
            if event.source != "retry":
                self._worsen("refused" if event.refused else "broken")
        self._list("requests").append(entry)

    def _request_planned(self, event: events.RequestPlanned) -> None:
        self._worsen("refused" if event.refused else "skipped")
        entry = {"source": event.source, "method": event.prepared.method, "url": event.prepared.url, "start": 0.0}
        error = event.objection if event.refused else f"not sent: dry run. {event.objection}".strip()
        self._list("requests").append({**entry, "request": self._message(event.prepared), "error": error})

    def _answer(self, response: Response) -> Json:
        timings = response.timings
        phases = (timings.dns, timings.connect, timings.tls, timings.first_byte, timings.download)
        return {
            "code": response.code,
            "reason": response.reason,
            "time": round(timings.total, 2),
            "phases": [round(phase, 2) for phase in phases],
            "size": response.wire_size + response.header_size,
            "response": self._message(response),
            **({"note": response.note} if response.note else {}),
        }

    def _message(self, message: Prepared | Response) -> Json:
        content: Json = {"headers": [list(pair) for pair in message.headers]}
        body = message.body or b""
        if not body:
            return content
        text = text_of(body, message.header("content-type"))
        if text is None:
            return content | {"binary": len(body)}
        if len(text) > self._body_limit:
            return content | {"body": text[: self._body_limit], "cut": len(body)}
        return content | {"body": text}

    def _asserted(self, event: events.Asserted) -> None:
        assertion = event.assertion
        entry: Json = {"name": assertion.name}
        if assertion.skipped:
            entry["skipped"] = True
        elif not assertion.passed:
            self._worsen("failed")
            error = assertion.error or ScriptError(name="AssertionError", message="")
            entry["error"] = error.message
            if found := diff(error):
                entry["diff"] = found
        self._list("assertions").append(entry)

    def _script_failed(self, event: events.ScriptFailed) -> None:
        self._worsen("broken")
        entry = {"where": f"{event.where}, {event.listen} script", "message": f"{event.error.name}: {event.error.message}"}
        self._list("errors").append(entry | ({"line": event.error.line} if event.error.line else {}))

    def _console(self, event: events.ConsoleWritten) -> None:
        text = " ".join(value if isinstance(value, str) else inspect(value) for value in event.console.messages)
        self._list("console").append([event.console.level, text[: self._body_limit]])

    def _noted(self, event: events.Noted) -> None:
        self._list("notes").append(event.text)

    def _item_skipped(self, event: events.ItemSkipped) -> None:
        self._worsen("skipped")
        self._list("notes").append(event.reason)

    _handlers: ClassVar[dict[type[RunEvent], Callable[[Entry, Any], None]]] = {
        events.RequestSent: _request_sent,
        events.RequestPlanned: _request_planned,
        events.Asserted: _asserted,
        events.ScriptFailed: _script_failed,
        events.ConsoleWritten: _console,
        events.Noted: _noted,
        events.ItemSkipped: _item_skipped,
    }


def _outline(content: Json) -> Json:
    """An entry without headers, bodies and console output, which says so."""
    requests = [_without(each, "request", "response") for each in content.get("requests", ())]
    return {**_without(content, "requests", "console"), "requests": requests, "outline": True}


def _without(content: Json, *names: str) -> Json:
    return {name: part for name, part in content.items() if name not in names}


def diff(error: ScriptError) -> list[list[str]] | None:
    """Lines of what was expected and what was there: each `["-"|"+"|" ", text]`; None where there is nothing to compare."""
    if error.actual is None or error.expected is None:
        return None
    expected, actual = _lines(error.expected), _lines(error.actual)
    if max(len(expected), len(actual)) > DIFF_LINES or len(expected) == len(actual) == 1:
        return None
    compared = difflib.Differ().compare(expected, actual)
    return [[line[0], line[2:]] for line in compared if line[0] != "?"]


def _lines(text: str) -> list[str]:
    """A JSON text over several lines; a string's own lines."""
    value = json.loads(text)
    return value.splitlines() if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False).splitlines()
