"""The one door out: every request of a run, whoever asks for it, passes here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from runner.extension import Extension
from runner.model import Prepared, Response


class Sender(Protocol):
    """What puts a request on the wire: `runner.transport.Transport`, or a stand-in."""

    def send(
        self, prepared: Prepared, *, timeout: float | None = None, check: Callable[[Prepared, str], None] | None = None
    ) -> Response:
        """Send and follow redirects; `timeout` is in ms, `check` sees each redirect hop before it leaves."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


class Door:
    """Guards, answers in the server's place, then the wire."""

    def __init__(self, sender: Sender, extensions: Sequence[Extension] = ()) -> None:
        self._sender = sender
        self._extensions = extensions

    def send(self, prepared: Prepared, source: str, timeout: float | None = None) -> Response:
        """Let a request out and wait for its response.

        Raises:
            Refused: a guard holds it back, or one of its redirects.
            SendError: there was no response.
        """
        self._guard(prepared, source)
        for extension in self._extensions:
            if answer := extension.answer(prepared):
                return answer
        return self._sender.send(prepared, timeout=timeout, check=self._guard)

    def _guard(self, prepared: Prepared, source: str) -> None:
        for extension in self._extensions:
            extension.guard(prepared, source)
