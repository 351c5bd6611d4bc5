"""What a run would send, told by an extension that answers in every server's place: nothing leaves the machine."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from runner.extension import Extension, Prepare, Turn
from runner.model import Prepared, Response
from runner.plan import Step

_MEMBER = re.compile(r"""\.\s*([A-Za-z_$][\w$]*)|\[\s*["']([^"'\]]+)["']\s*\]""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """A request of a run, and the item that it is for; `again` is what another run makes of it."""

    title: str
    prepared: Prepared
    again: Prepared | None = None


class Witness(Extension):
    """Answers every request with the same body, and keeps what it was asked."""

    name = "witness"

    def __init__(self, body: bytes) -> None:
        self.body = body
        self._title = ""
        self.heard: list[Expected] = []

    def prepare(self, turn: Turn) -> Prepare:
        """Remember whose requests come next."""
        self._title = " › ".join((*turn.path, turn.item.name))
        return Prepare()

    def answer(self, prepared: Prepared) -> Response:
        """Keep the request, and answer it."""
        self.heard.append(Expected(title=self._title, prepared=prepared))
        headers = (("Content-Type", "application/json"),)
        return Response(code=200, reason="OK", url=prepared.url, headers=headers, body=self.body)


class Rules(Extension):
    """Another extension's rules for what is sent, without its dealings with a server; `skips` are among them."""

    def __init__(self, other: Extension, *, skips: bool) -> None:
        self.name = other.name
        self._other, self._skips = other, skips

    def prepare(self, turn: Turn) -> Prepare:
        """What the other wants of an item."""
        wish = self._other.prepare(turn)
        return wish if self._skips else replace(wish, skip=None)

    def guard(self, prepared: Prepared, source: str) -> None:
        """What the other has against a request.

        Raises:
            Refused: the request must not go out.
        """
        self._other.guard(prepared, source)

    def accept(self, scope: str, key: str, old: Any, new: Any) -> str | None:
        """What the other has against a variable's new value."""
        return self._other.accept(scope, key, old, new)


def overheard(extensions: Sequence[Extension], witness: Witness, *, skips: bool) -> tuple[Extension, ...]:
    """The extensions of a run that a witness answers."""
    return (witness, *(Rules(other, skips=skips) for other in extensions))


def answer_for(steps: Iterable[Step]) -> bytes:
    """An answer with a member for each name that scripts look for, so that what they store is there."""
    codes = (event.code for step in steps for owner in step.owners for event in owner.events)
    names = {first or second for code in codes for first, second in _MEMBER.findall(code)}
    return json.dumps({name: f"the {name}" for name in sorted(names)}).encode()
