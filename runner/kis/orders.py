"""The real orders of a run: how many there are to be is counted before it starts, and no more than these go out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from runner import url as urls
from runner.errors import Refused
from runner.kis.accounts import AccountError, account_variable
from runner.kis.hosts import VARIABLES, Hosts, expanded
from runner.kis.money import moves_money
from runner.model import Item, Json, Prepared
from runner.plan import Plan
from runner.secrets import mask

Lookup: TypeAlias = Callable[[str], Any]


@dataclass(kw_only=True)
class Orders:
    """The orders that are allowed: `allowed` in all, for `accounts` (masked), of the items with these `names`.

    `taken` are those that have left, of an earlier collection too where all share one limit.
    """

    allowed: int
    accounts: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    taken: int = 0

    def question(self) -> str:
        """What to ask the user before the first one leaves; empty where there is none."""
        left = self.allowed - self.taken
        if left < 1:
            return ""
        accounts = f" on account {', '.join(self.accounts)}" if self.accounts else ""
        number = "1 real order goes" if left == 1 else f"up to {left} real orders go"
        return f"{number} out{accounts} ({_listed(self.names)}). This moves real money. Send?"

    def take(self) -> None:
        """One more is about to leave.

        Raises:
            Refused: that would be more than are allowed.
        """
        if self.taken >= self.allowed:
            raise Refused(
                f"refused: {self.allowed} real orders were counted before the run, and this would be one more",
                hint="requests of scripts and repetitions are not counted; allow them with --max-real-orders N",
            )
        self.taken += 1


def counted(plan: Plan, lookup: Lookup, limit: int | None, earlier: Orders | None = None) -> Orders:
    """The orders in a plan that go to the real host; `limit` allows another number of them, less those `earlier` ones taken."""
    hosts = Hosts()
    hosts.learn(lookup)
    rows = plan.rows[: plan.iterations] or ({},)
    found = [list(_orders(plan, hosts, _with_row(row, lookup))) for row in rows]
    number = sum(map(len, found)) + (plan.iterations - len(rows)) * len(found[-1])
    every = [order for orders in found for order in orders]
    return Orders(
        allowed=number if limit is None else limit,
        accounts=tuple(dict.fromkeys(account for _, account in every if account)),
        names=tuple(dict.fromkeys(name for name, _ in every)),
        taken=earlier.taken if earlier and limit is not None else 0,
    )


def _with_row(row: Json, lookup: Lookup) -> Lookup:
    """The variables as an iteration sees them; VTS or PROD may still be empty: then a script is to fill it."""

    def value(name: str) -> Any:
        found = row.get(name, lookup(name))
        return None if name in VARIABLES and not str(found).strip() else found

    return value


def _orders(plan: Plan, hosts: Hosts, lookup: Lookup) -> Iterator[tuple[str, str]]:
    """Name and masked account of each order."""
    for step in plan.steps:
        request = as_far_as_known(step.item, lookup)
        if hosts.of(request.url) == "real" and moves_money(request):
            yield step.item.name, _account(step.item, lookup)


def as_far_as_known(item: Item, lookup: Lookup) -> Prepared:
    """An item's request with the variables that have a value now."""

    def text(template: str) -> str:
        return expanded(template, lookup)

    written = item.request
    headers = [(text(param.key), text(param.value or "")) for param in written.headers if not param.disabled]
    return Prepared(method=text(written.method), url=urls.wire(urls.substitute(written.url, text)), headers=tuple(headers))


def _account(item: Item, lookup: Lookup) -> str:
    try:
        name = account_variable(item.request)
    except AccountError:  # the item stops there, with that reason
        name = None
    value = lookup(name) if name else None
    return mask(expanded(str(value), lookup)) if value else ""


def _listed(names: tuple[str, ...]) -> str:
    first, more = names[:5], len(names) - 5
    return ", ".join(first) + (f" and {more} more" if more > 0 else "") or "sent by scripts"
