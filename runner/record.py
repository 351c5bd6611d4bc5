"""Answers of a run saved as examples of its collection (`--record`): what `pabal mock`, `--mock` and Postman answer with."""

from __future__ import annotations

from dataclasses import replace

from runner import events
from runner.events import RunEvent
from runner.exchange import body_text
from runner.model import Collection, Example, Folder, Item, Param, Request, Response

LARGEST = 1_000_000
"""Bytes of a body; a larger answer is not saved."""


class Recorder:
    """Feed it every event of a run, secrets removed; `recorded` gives the collection with what was seen.

    Of each item the last answer of each status code is kept. Bodies that are no text are left out, and so are answers that no
    server gave.
    """

    wants_bodies = True

    def __init__(self) -> None:
        self._seen: dict[str, dict[int, Example]] = {}

    def handle(self, event: RunEvent) -> None:
        """Take in an event."""
        if not isinstance(event, events.RequestSent) or event.source != "item" or event.response is None:
            return
        response = event.response
        if response.note or len(response.body) > LARGEST or (text := body_text(response)) is None:
            return
        example = _example(response, text, event.prepared.request)
        self._seen.setdefault(event.place.item.id, {})[response.code] = example

    def close(self) -> None:
        """Nothing: what becomes of the recorded is not this one's business."""

    def recorded(self, collection: Collection) -> Collection:
        """The collection with the examples; one that was recorded before gives way to the new one."""
        return replace(collection, items=tuple(self._node(node) for node in collection.items))

    def _node(self, node: Item | Folder) -> Item | Folder:
        if isinstance(node, Folder):
            return replace(node, items=tuple(self._node(child) for child in node.items))
        new = self._seen.get(node.id, {})
        names = {example.name for example in new.values()}
        return replace(node, examples=(*(old for old in node.examples if old.name not in names), *new.values())) if new else node


def _example(response: Response, text: str, request: Request | None) -> Example:
    return Example(
        name=f"recorded {response.code}",
        code=response.code,
        status=response.reason,
        headers=tuple(Param(key=key, value=value) for key, value in response.headers if key.lower() != "set-cookie"),
        body=text,
        language="json" if "json" in (response.header("content-type") or "") else "text",
        request=request and replace(request, auth=None),
    )
