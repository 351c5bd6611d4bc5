"""What moves money, and the refusal to send it to the real host."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from runner.errors import Refused
from runner.extension import Extension
from runner.kis.hosts import Hosts, Kind
from runner.model import Prepared

_HARMLESS_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_PATH = re.compile(r"[^/?#]*//[^/?#]*([^?#]*)")
_LETTERS = re.compile(r"[A-Z0-9]+")
# Only spellings without dots, `%` or `\` are let through, so that no path trick can turn an order into one of these.
_NO_ORDER = re.compile(r"/+oauth2/+[A-Za-z]+/*|/+uapi/+hashkey/*")
_ASKED = {"script": " (sent by a script)", "redirect": " (after a redirect)"}


def path_of(url: str) -> str:
    """The path of a URL as it is written, without query and fragment; `\\` counts as `/`, as it does in Postman."""
    found = _PATH.match(url.replace("\\", "/"))
    return found[1] if found else ""


def tr_ids(prepared: Prepared) -> tuple[str, ...]:
    """The values of every tr_id header, in upper case and without what surrounds them: published files have `'VTTS0311U '`."""
    values = [value for key, value in prepared.headers if key.strip().lower() == "tr_id"]
    return tuple(word for value in values for word in _LETTERS.findall(value.upper()))


def moves_money(prepared: Prepared) -> bool:
    """Whether a request to the broker places, changes or cancels an order.

    The broker's rule, true of every published item: the tr_id ends in U, or it is a POST outside of /oauth2 and the hash.
    """
    if any(tr_id.endswith("U") for tr_id in tr_ids(prepared)):
        return True
    return prepared.method.strip().upper() not in _HARMLESS_METHODS and not _NO_ORDER.fullmatch(path_of(prepared.url))


def refusal(prepared: Prepared, source: str) -> Refused:
    """The error for a money-moving request to the real host; `source` says who wanted to send it."""
    order = " ".join(tr_ids(prepared)) or "it"
    return Refused(
        f"refused{_ASKED.get(source, '')}: {order} moves money on a real account",
        where=f"{prepared.method.strip().upper()} {prepared.url.partition('?')[0]}",
        hint="give --allow-real-orders to send real orders",
    )


class OrderGuard(Extension):
    """Holds back what moves money on the real host. This much is on in every run, whatever the collection is for.

    `hosts` names origins that stand in for the official ones, such as a simulator's; with them nothing may go to the
    broker itself. `lookup`, for runs that are for the broker, gives the variables that name its hosts.
    """

    name = "kis"

    def __init__(
        self,
        *,
        hosts: Mapping[str, Kind] | None = None,
        lookup: Callable[[str], Any] | None = None,
        allow_real_orders: bool = False,
    ) -> None:
        self._hosts = Hosts(hosts)
        self._lookup = lookup
        self._learn()
        self._simulated = hosts is not None
        self._allow_real_orders = allow_real_orders

    def guard(self, prepared: Prepared, source: str) -> None:
        """Hold back an order for the real host, and in a simulation everything for the broker.

        Raises:
            Refused: the request must not go out.
        """
        self._learn()
        kind = self._hosts.of_request(prepared)
        if kind is None:
            return
        if self._simulated and self._hosts.official(prepared.url):
            raise Refused("this run is simulated, nothing goes to the broker", hint="leave out --simulate to reach the broker")
        if kind == "real" and not self._allow_real_orders and moves_money(prepared):
            raise refusal(prepared, source)

    def accept(self, scope: str, key: str, old: Any, new: Any) -> str | None:
        """Take note of a new host, though another may follow before anything is sent there."""
        if self._lookup:
            self._hosts.learn_value(key, new, self._lookup)
        return None

    def _learn(self) -> None:
        if self._lookup:
            self._hosts.learn(self._lookup)
