"""What Locust's statistics are told of a run's events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from locust.event import EventHook

from runner import events
from runner.errors import Refused, RunBroken, SendError
from runner.events import Place, RunEvent


class Statistics:
    """Fires Locust's request event for each request, each failed assertion (type TEST) and each broken script (SCRIPT).

    Names are paths in the collection, `Folder/Request`; what a request brings about stands behind it: `Folder/Request › script`
    for `pm.sendRequest`, `› auth` for token calls, `› retry` for an attempt that did not count, `› status is 200` for a test.
    """

    def __init__(self, request: EventHook, context: Callable[[], Mapping[str, Any]]) -> None:
        self._request = request
        self._context = context

    def tell(self, event: RunEvent) -> None:
        """Report an event if it is one for the statistics."""
        match event:
            case events.RequestSent():
                self._sent(event)
            case events.Asserted(assertion=found) if found.error and not found.passed:
                self._fire("TEST", event.place, found.name, AssertionError(found.error.message))
            case events.ScriptFailed(error=error):
                self._fire("SCRIPT", event.place, f"{event.listen} of {event.where}", RunBroken(f"{error.name}: {error.message}"))

    def _sent(self, event: events.RequestSent) -> None:
        aside = "" if event.source == "item" else event.source
        if event.response is None:
            error = (Refused if event.refused else SendError)(event.error or "no response")
            self._fire(event.prepared.method, event.place, aside, error)
            return
        answer = event.response
        if answer.note:  # nothing was sent for it
            return
        self._fire(event.prepared.method, event.place, aside, None, time=answer.timings.total, length=answer.wire_size)

    def _fire(
        self, kind: str, place: Place, aside: str, error: Exception | None, *, time: float | None = None, length: int = 0
    ) -> None:
        """What has no response has no response time either: Locust then leaves it out of averages and percentiles."""
        name = "/".join((*place.path, place.item.name))
        self._request.fire(
            request_type=kind,
            name=f"{name} › {aside}" if aside else name,
            response_time=time,
            response_length=length,
            exception=error,
            context=self._context(),
        )
