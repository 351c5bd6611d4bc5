"""The refusal to move money on the real host, unless the user allows it, and then no more often than was counted."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from runner.errors import Refused
from runner.extension import Extension, Talk, plain
from runner.kis.hosts import Hosts, Kind
from runner.kis.mixups import carries_real_key
from runner.kis.money import moves_money, names_order, names_real_order, tr_ids
from runner.model import Prepared

if TYPE_CHECKING:
    from runner.kis.orders import Orders

_LOAD_HINT = "start `pabal simulate --no-limits` and put its two addresses into VTS and PROD"
_ASKED = {"script": " (sent by a script)", "redirect": " (after a redirect)"}


def refusal(prepared: Prepared, source: str) -> Refused:
    """The error for a money-moving request to the real host; `source` says who wanted to send it."""
    order = " ".join(tr_ids(prepared)) or "it"
    return Refused(
        f"refused{_ASKED.get(source, '')}: {order} moves money on a real account",
        where=_place(prepared),
        hint="give --allow-real-orders to send real orders",
    )


def _place(prepared: Prepared) -> str:
    return f"{prepared.method.strip().upper()} {prepared.url.partition('?')[0]}"


class OrderGuard(Extension):
    """Holds back what moves money on the real host. This much is on in every run, whatever the collection is for.

    `hosts` names origins that stand in for the official ones, such as a simulator's; with them nothing may go to the
    broker itself. `lookup`, for runs that are for the broker, gives the variables that name its hosts and hold its keys.
    `orders` are those that are allowed, None for none. A `load` test reaches no host of the broker and sends no order at all;
    a run that is `shared` by several processes reaches none either, as its limits hold within one process.
    """

    name = "kis"

    def __init__(
        self,
        *,
        hosts: Mapping[str, Kind] | None = None,
        lookup: Callable[[str], Any] | None = None,
        orders: Orders | None = None,
        load: bool = False,
        shared: bool = False,
    ) -> None:
        self._load, self._shared = load, shared
        self._hosts = Hosts(hosts)
        self._lookup = lookup
        self._learn()
        self._simulated = hosts is not None
        self.orders = orders

    def question(self) -> str:
        """Ask before real orders go out; a simulation needs no consent."""
        return self.orders.question() if self.orders and not self._simulated else ""

    def guard(self, prepared: Prepared, source: str) -> None:
        """Hold back an order for the real host, and in a simulation or a load test everything for the broker.

        Raises:
            Refused: the request must not go out.
        """
        self._learn()
        if self._load:
            self._check_load(prepared)
        if self._shared and self._is_for_broker(prepared):
            raise Refused("refused: a run shared by several processes sends nothing to the broker", hint="leave out --jobs")
        if self._simulated and self._hosts.official(prepared.url):
            raise Refused("this run is simulated, nothing goes to the broker", hint="leave out --simulate to reach the broker")
        if self._is_real_order(prepared):
            if self.orders is None:
                raise refusal(prepared, source)
            if source == "redirect":
                self.orders.take()

    def _check_load(self, prepared: Prepared) -> None:
        """The broker counts calls a second, and who else answers an order may be a proxy before it."""
        if self._is_for_broker(prepared):
            raise Refused("refused: a load test sends nothing to the broker", where=_place(prepared), hint=_LOAD_HINT)
        if names_order(prepared) or self.changes(prepared):
            raise Refused("refused: a load test sends no orders, not even to a stand-in for the broker", where=_place(prepared))

    def _is_for_broker(self, prepared: Prepared) -> bool:
        return any(map(self._hosts.official, (prepared.url, f"https://{prepared.header('host') or ''}")))

    def converse(self, prepared: Prepared) -> Talk | None:
        """Count a real order once, however often its request is made again."""
        return self._ordered(prepared) if self.orders and self._is_real_order(prepared) else None

    def _ordered(self, prepared: Prepared) -> Talk:
        self._take(prepared)
        return (yield from plain(prepared))

    def _take(self, prepared: Prepared) -> None:
        if self.orders and self._is_real_order(prepared):
            self.orders.take()

    def _is_real_order(self, prepared: Prepared) -> bool:
        """Whether it moves money on the real host, or where the real host may be behind: a script can keep that to itself."""
        kind = self._hosts.of_request(prepared)
        if kind == "real":
            return moves_money(prepared)
        known = kind == "mock" and (self._simulated or self._hosts.official(prepared.url))
        if known or self._lookup is None:
            return False
        return names_real_order(prepared) or (moves_money(prepared) and carries_real_key(prepared, self._lookup))

    def changes(self, prepared: Prepared) -> bool:
        """Whether a request places, changes or cancels an order, on a paper account too."""
        self._learn()
        return self._hosts.of_request(prepared) is not None and moves_money(prepared)

    def accept(self, scope: str, key: str, old: Any, new: Any) -> str | None:
        """Take note of a new host, though another may follow before anything is sent there."""
        if self._lookup:
            self._hosts.learn_value(key, new, self._lookup)
        return None

    def _learn(self) -> None:
        if self._lookup:
            self._hosts.learn(self._lookup)
