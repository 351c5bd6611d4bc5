"""The one door out: every request of a run, whoever asks for it, passes here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from runner.clock import Clock
from runner.errors import NotSent, Refused, SendError
from runner.extension import Extension, Talk, plain
from runner.model import Prepared, Response


class Sender(Protocol):
    """What puts a request on the wire: `runner.transport.Transport`, or a stand-in."""

    def send(
        self, prepared: Prepared, *, timeout: float | None = None, check: Callable[[Prepared, str], None] | None = None
    ) -> Response:
        """Send and follow redirects; `timeout` is in ms, `check` sees each redirect hop before it leaves."""
        ...

    def first(self, prepared: Prepared) -> Prepared:
        """The request as it would go out, with what is only known here: Host, the jar's cookies."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


INTERRUPTED = "EINTR"
"""The code of a request that Ctrl-C cut off: the server may have got it all the same, which the report has to tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """A request is to be tried once more after `wait` seconds; `limit` is how often at most, where there is one."""

    wait: float
    limit: int | None


class Door:
    """Guards, answers in the server's place, the pace, then the wire.

    `unsent` says that a dry run has left a request out, so that scripts may miss what its answer would have brought.
    """

    unsent = False

    def __init__(self, sender: Sender, extensions: Sequence[Extension] = (), clock: Clock | None = None) -> None:
        self._sender = sender
        self._extensions = extensions
        self._clock = clock or Clock()

    def send(self, prepared: Prepared, source: str, timeout: float | None = None) -> Response:
        """Let a request out and wait for its response; `timeout` is in ms and does not count the wait for its turn.

        Raises:
            Refused: a guard holds it back, or one of its redirects.
            SendError: there was no response, or the run ended before its turn came; with INTERRUPTED the run is to end.
        """
        self._guard(prepared, source)
        for extension in self._extensions:
            if answer := extension.answer(prepared):
                return answer
        self._await_turn(prepared, source)
        try:
            return self._sender.send(prepared, timeout=self._clock.within(timeout), check=self._hop)
        except KeyboardInterrupt:
            raise SendError("interrupted before the answer came", code=INTERRUPTED) from None

    def again(self, prepared: Prepared, source: str, attempt: int, outcome: Response | SendError) -> Retry | None:
        """Whether to try once more: the longest wait that an extension asks for, unless one forbids it or the run ends sooner."""
        wishes = [
            Retry(wait=wait, limit=extension.retries)
            for extension in self._extensions
            if (wait := extension.again(prepared, source, attempt, outcome)) is not None
        ]
        longest = max(wishes, key=lambda wish: wish.wait, default=None)
        return longest if longest and longest.wait < self._clock.left else None

    def converse(self, prepared: Prepared) -> Talk:
        """The talk about a request: that of the first extension that wants one, else the request and its response."""
        talks = (extension.converse(prepared) for extension in self._extensions)
        return next((talk for talk in talks if talk), None) or plain(prepared)

    def _hop(self, prepared: Prepared, source: str) -> None:
        self._guard(prepared, source)
        self._await_turn(prepared, source)

    def _guard(self, prepared: Prepared, source: str) -> None:
        for extension in self._extensions:
            extension.guard(prepared, source)

    def _await_turn(self, prepared: Prepared, source: str) -> None:
        for extension in self._extensions:
            if wait := extension.pace(prepared, source):
                self._clock.wait(wait)
        if not self._clock.left:
            raise SendError("not sent: the run's time was up before its turn came", code="ETIMEDOUT")


class DryDoor(Door):
    """Shows what would go out and lets nothing out. Extensions say what they have against a request, and do nothing else."""

    def send(self, prepared: Prepared, source: str, timeout: float | None = None) -> Response:
        """Only ever ends with a response where an extension has one that needs no server.

        Raises:
            NotSent: it would go out now, or be held back.
        """
        try:
            self._guard(prepared, source)
        except Refused as refusal:
            raise self._left_out(prepared, objection=str(refusal), refused=True) from refusal
        except SendError as error:
            raise self._left_out(prepared, objection=error.what) from error
        for extension in self._extensions:
            if answer := extension.answer(prepared):
                return answer
        raise self._left_out(prepared)

    def _left_out(self, prepared: Prepared, *, objection: str = "", refused: bool = False) -> NotSent:
        self.unsent = True
        return NotSent(self._sender.first(prepared), objection=objection, refused=refused)

    def again(self, prepared: Prepared, source: str, attempt: int, outcome: Response | SendError) -> Retry | None:
        """Nothing is tried once more that was not tried."""
        return None

    def converse(self, prepared: Prepared) -> Talk:
        """Extensions that keep accounts of requests must not count this one."""
        return plain(prepared)
