"""The seam for what a broker, or any service, needs beyond Postman's rules. KIS is one user of it.

An extension sees an item before its scripts run (`prepare`), every request before it leaves (`guard`, on each hop and
for script requests too), may answer in the server's place (`answer`), hold a request back until its turn (`pace`), have it
sent once more (`again`), go on from a response with further requests (`converse`), watch variables scripts set (`accept`), add
checks of its own (`judge`), say something about a response (`remark`), and know what is no value yet (`placeholders`). Each
has a default that does nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from runner.errors import SendError
from runner.model import Collection, Item, Prepared, Request, Response
from runner.plan import Plan
from runner.sandbox import Assertion
from runner.secrets import Secrets
from runner.variables import Scopes

Talk: TypeAlias = Generator[Prepared | str, Response | None, Response]
"""What an extension makes of one request: it yields requests to send and is sent the response to each, or lines for the
report; its return value is the response that counts. What keeps a request from being answered is thrown into it."""


def plain(prepared: Prepared) -> Talk:
    """The talk that is a request and its response."""
    response = yield prepared
    assert response is not None  # noqa: S101 (only a line for the report gets no response)
    return response


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """An item about to run: its place by name, whether the user picked it by name, and its variables.

    `lookup` gives a variable's value (None when there is no such variable), `resolve` replaces every `{{name}}` in a text,
    `after` gives the items still to come.
    """

    item: Item
    path: tuple[str, ...]
    named: bool
    lookup: Callable[[str], Any]
    resolve: Callable[[str], str]
    after: Callable[[], Iterable[Item]] = tuple


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepare:
    """What an extension wants of an item before its scripts run: another request, lines for the report, or not to send it.

    `skip` leaves the item out with that reason; `stop` is an error: the request is not sent and the run counts as broken.
    """

    request: Request | None = None
    notes: tuple[str, ...] = ()
    skip: str | None = None
    stop: str | None = None


class Extension:
    """Base of extensions; override what you need."""

    name = ""
    retries: int | None = None
    """How often at most `again` has a request sent once more, for the report; None where no such number is known."""

    def question(self) -> str:
        """What the user has to agree to before the run, in one sentence; empty for nothing. Asked by the command line only."""
        return ""

    def prepare(self, turn: Turn) -> Prepare:
        """Look at an item before its pre-request scripts run."""
        return Prepare()

    def guard(self, prepared: Prepared, source: str) -> None:
        """Look at a request about to leave; `source` is item, script, auth or redirect.

        Raises:
            Refused: the request must not go out.
        """

    def changes(self, prepared: Prepared) -> bool:
        """Whether a request changes an account, on a real host or not; generated tests and clients hold such ones back."""
        return False

    def answer(self, prepared: Prepared) -> Response | None:
        """Answer in the server's place, or None to let the request go out."""
        return None

    def pace(self, prepared: Prepared, source: str) -> float:
        """Seconds until this request may leave: asked once for each hop of each attempt, after the guards and `answer`.

        `source` is as in `guard`. The wait happens at once, so a limiter may count the request as sent then.
        """
        return 0

    def again(self, prepared: Prepared, source: str, attempt: int, outcome: Response | SendError) -> float | None:
        """Seconds to wait before the request is tried once more, None where the extension has no wish.

        `attempt` counts from 1, `outcome` is what came of it. Of several wishes the longest counts; infinity forbids it
        whoever wants it. A new attempt is signed anew and passes the guards again. A refusal is never tried again.
        """
        return None

    def converse(self, prepared: Prepared) -> Talk | None:
        """Take over the talk with the server about a request of an item or script; None leaves it at the request itself.

        Each request of the talk is signed, guarded, paced and tried again like any other, and reported.
        """
        return None

    def accept(self, scope: str, key: str, old: Any, new: Any) -> str | None:
        """A script sets or removes a variable: None lets it, a reason keeps the old value."""
        return None

    def judge(self, item: Item, prepared: Prepared, response: Response) -> Iterable[Assertion]:
        """Checks on an item's response, reported like a script's own."""
        return ()

    def placeholders(self, request: Request) -> Iterable[str]:
        """Texts in a request that look like values and are none, for `pabal lint`."""
        return ()

    def remark(self, item: Item, prepared: Prepared, response: Response) -> Iterable[str]:
        """Lines for the report about an item's response, that change nothing in how the run comes out."""
        return ()


class Host(Protocol):
    """What an extension may look at and do while a run is made ready, before anything is sent.

    `before` are the extensions of the collection that ran just before this one in the same command.
    """

    collection: Collection
    plan: Plan
    scopes: Scopes
    secrets: Secrets
    before: tuple[Extension, ...]

    def supply(self, values: Mapping[str, str], text: str, *, override: bool = False) -> None:
        """Give environment variables values: those that are empty, or with `override` all; `text` says where from."""
        ...

    def on_close(self, callback: Callable[[], object]) -> None:
        """Have something called when the run is over."""
        ...


Plug: TypeAlias = Callable[[Host, Mapping[str, Any]], Extension | None]
"""Makes an extension for a run, or None where it has nothing to do there; the mapping holds the user's settings."""
