"""Whether a collection is for the broker at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from runner import url as urls
from runner.kis.hosts import DOMAIN, VARIABLES, expanded
from runner.model import Collection, Event, Folder, Item

_HOST_VARIABLE = re.compile(rf"(?:\{{\{{|<<)(?:{'|'.join(VARIABLES)})(?:\}}\}}|>>)/+(?:uapi|oauth2)/")


def applies(collection: Collection, lookup: Callable[[str], Any]) -> bool:
    """Whether a run is for the broker: a request, a script, VTS or PROD names one of its hosts, or a request uses these two."""
    if any(DOMAIN in str(lookup(name)).lower() for name in VARIABLES):
        return True
    if any(DOMAIN in event.code.lower() for event in _events(collection)):
        return True
    return any(_is_for_broker(urls.unparse(item.request.url), lookup) for item in collection.walk())


def _events(part: Folder | Item) -> Iterator[Event]:
    yield from part.events
    if isinstance(part, Folder):
        for child in part.items:
            yield from _events(child)


def _is_for_broker(text: str, lookup: Callable[[str], Any]) -> bool:
    # VTS and PROD are names anyone may use: they count together with the broker's paths only.
    return bool(_HOST_VARIABLE.match(text.lstrip())) or DOMAIN in expanded(text, lookup).lower()
