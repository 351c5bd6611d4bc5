"""Between KIS's parameters and the order book: reads order tickets, answers inquiries about orders and holdings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any

from runner.kis.endpoints import Endpoint, Output, read
from runner.kis.simulator.book import AMENDED, CANCELLED, Book, Order, Start
from runner.kis.simulator.facts import Fault
from runner.kis.simulator.positions import BUY, SELL, ZERO, Day, Holding
from runner.kis.simulator.prices import Market
from runner.kis.simulator.values import Row, Values, plain, subject

HISTORY = 2

_DEFAULT = "005930"
"""What can be bought is counted in shares of Samsung Electronics where a query names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Sums over the rows of an inquiry, and the account's money: `before` is what it was worth at yesterday's close."""

    quantity: Decimal
    filled: Decimal
    amount: Decimal
    cost: Decimal
    worth: Decimal
    profit: Decimal
    realized: Decimal
    day: Day
    deposit: Decimal
    cash: Decimal
    price: Decimal
    before: Decimal

    @property
    def profit_rate(self) -> Decimal:
        """Profit in percent of cost."""
        return (self.profit * 100 / self.cost).quantize(Decimal("0.01")) if self.cost else ZERO

    @property
    def assets(self) -> Decimal:
        """Deposit and holdings together."""
        return self.deposit + self.worth

    @property
    def equity(self) -> Decimal:
        """Deposit and what open contracts have gained: futures are not paid for."""
        return self.deposit + self.realized + self.profit

    @property
    def gain(self) -> Decimal:
        """What the account gained since yesterday."""
        return self.assets - self.before

    @property
    def gain_rate(self) -> Decimal:
        """What the account gained since yesterday, in percent."""
        return (self.gain * 100 / self.before).quantize(Decimal("0.01"))

    @property
    def paid(self) -> Decimal:
        """What was bought for today."""
        return self.day.paid

    @property
    def received(self) -> Decimal:
        """What was sold for today."""
        return self.day.received

    @property
    def affordable(self) -> Decimal:
        """How many the cash can buy at `price`."""
        return self.cash // self.price if self.price else ZERO

    @property
    def none(self) -> Decimal:
        """There is no such thing: loans, fees, trades of yesterday."""
        return ZERO


class Desk:
    """One host's order desk."""

    def __init__(self, values: Values, market: Market) -> None:
        self._values = values
        self._market = market
        facts = tables()
        start = Start(cash=Decimal(facts["cash"]), held=facts["holdings"], short=facts["short"], earlier=facts["earlier"])
        self.book = Book(market, start)

    def trade(self, endpoint: Endpoint, tr: str, body: Mapping[str, str], now: datetime) -> tuple[Order, dict[str, Any]]:
        """Carry out an order request; gives the order and the response's outputs.

        Raises:
            Fault: a parameter is missing, or the order is refused.
        """
        ticket = _ticket(endpoint.path, tr, body)
        order = self._change(ticket, tr, body, now) if "number" in ticket else self._place(ticket, tr, body, now)
        outputs = {output.name: self._overlaid(endpoint, output, body, [order], now) for output in endpoint.outputs}
        return order, {name: rows if endpoint.output(name).shape == "array" else rows[0] for name, rows in outputs.items()}

    def rows(self, endpoint: Endpoint, query: Mapping[str, str], now: datetime) -> dict[str, list[Row]]:
        """The rows of an inquiry about orders or holdings, by output name."""
        view = tables()["views"][endpoint.path]
        listed = self._listed(view, query)
        rows: dict[str, list[Row]] = {}
        if "output" in view:
            output = endpoint.output(view["output"])
            rows[output.name] = self._overlaid(endpoint, output, query, listed, now)
            if _ends_before(view, query, now):
                rows[output.name] = self._values.rows(endpoint.path, output, query, HISTORY, now)
        for name in view.get("totals", "").split():
            totals = self._totals(view["book"], listed, query)
            rows[name] = self._overlaid(endpoint, endpoint.output(name), query, [totals], now)
        return rows

    def _place(self, ticket: Mapping[str, Any], tr: str, body: Mapping[str, str], now: datetime) -> Order:
        code = _given(body, ticket["code"])
        kind = body.get(ticket.get("type", ""), "00")
        price = Decimal(0) if kind in ticket.get("market", ()) else _number(body, ticket["price"])
        quantity = _number(body, ticket["quantity"])
        if not quantity or (not price and kind in ticket.get("limit", ())):
            raise Fault("OPSQ2002", ticket["price"] if quantity else ticket["quantity"])
        return self.book.place(
            Order(
                number=0,
                book=ticket["book"],
                account=body["CANO"],
                product=body.get("ACNT_PRDT_CD", "01"),
                code=code,
                name=self._market.name(code),
                side=_side(ticket, tr, body),
                quantity=quantity,
                price=price,
                placed=now,
                type=kind,
                exchange=body.get(ticket.get("exchange", ""), ""),
                strict=ticket.get("strict", False),
                rests=ticket.get("rests", False),
            )
        )

    def _change(self, ticket: Mapping[str, Any], tr: str, body: Mapping[str, str], now: datetime) -> Order:
        cancels = _tail_in(tr, ticket.get("cancel", ())) or body.get(ticket.get("action", "")) == "02"
        whole = body.get(ticket.get("all", ""), "N") == "Y"
        text = _given(body, ticket["number"])
        made = Order(
            number=0,
            book=ticket["book"],
            account=body["CANO"],
            product=body.get("ACNT_PRDT_CD", "01"),
            code="",
            name="",
            side=BUY,
            quantity=Decimal(0) if whole else _number(body, ticket.get("quantity", "")),
            price=_number(body, ticket.get("price", "")),
            placed=now,
            change=CANCELLED if cancels else AMENDED,
        )
        change = self.book.revise if ticket.get("keeps") else self.book.change
        return change(ticket["book"], body["CANO"], int(text) if text.isdecimal() else -1, made)

    def _listed(self, view: Mapping[str, Any], query: Mapping[str, str]) -> Sequence[Order | Holding]:
        account = query.get("CANO", "")
        if view["lists"] == "nothing":
            return []
        if view["lists"] == "holdings":
            return [held for held in self.book.holdings(view["book"], account) if _matches(view, query, held)]
        orders = [order for order in self.book.orders(view["book"], account) if _matches(view, query, order)]
        wanted = "open" if view["lists"] == "open" else tables()["states"].get(query.get(view.get("state", ""), ""))
        return [order for order in orders if wanted is None or getattr(order, wanted)]

    def _totals(self, book: str, listed: Sequence[Order | Holding], query: Mapping[str, str]) -> Totals:
        account, asked = query.get("CANO", ""), query.get("ORD_UNPR", "")
        price = _number(query, "ORD_UNPR") if asked not in ("", "0") else self._market.price(subject(query) or _DEFAULT)
        positions = self.book.positions(book, account).values()
        return Totals(
            **{name: _sum(listed, name) for name in ("quantity", "filled", "amount", "cost", "worth", "profit")},
            realized=sum((position.realized for position in positions), ZERO),
            day=Day(
                paid=sum((position.day.paid for position in positions), ZERO),
                received=sum((position.day.received for position in positions), ZERO),
            ),
            deposit=self.book.deposit(account),
            cash=self.book.cash(account),
            price=price,
            before=self.book.before(book, account),
        )

    def _overlaid(
        self, endpoint: Endpoint, output: Output, query: Mapping[str, str], sources: Sequence[object], now: datetime
    ) -> list[Row]:
        rows = self._values.rows(endpoint.path, output, query, len(sources), now)
        for row, source in zip(rows, sources, strict=True):
            cells = tables()["cells"][type(source).__name__.lower()]
            row.update({field: _text(getattr(source, cells[field.lower()])) for field in row if field.lower() in cells})
        return rows


@cache
def tables() -> Mapping[str, Any]:
    """What `book.json` says."""
    facts: Mapping[str, Any] = read("book.json")
    return facts


def _ticket(path: str, tr: str, body: Mapping[str, str]) -> Mapping[str, Any]:
    tickets: Mapping[str, Mapping[str, Any]] = tables()["tickets"]
    ticket = tickets[path]
    instead = ticket.get("instead")
    if instead is None:
        return ticket
    key, value = instead["when"]
    return tickets[instead["use"]] if _tail_in(tr, instead["tr"]) or body.get(key) == value else ticket


def _side(ticket: Mapping[str, Any], tr: str, body: Mapping[str, str]) -> str:
    stated = body.get(ticket.get("side", ""), BUY)
    return SELL if stated == SELL or _tail_in(tr, ticket.get("sell", ())) else BUY


def _tail_in(tr: str, tails: Sequence[str]) -> bool:
    return tr[-5:] in tails


def _given(body: Mapping[str, str], key: str) -> str:
    if not body.get(key):
        raise Fault("OPSQ2001", key)
    return body[key]


def _number(body: Mapping[str, str], key: str) -> Decimal:
    try:
        number = Decimal(body.get(key) or "0")
    except InvalidOperation:
        raise Fault("OPSQ2002", key) from None
    if not number.is_finite() or number < 0:
        raise Fault("OPSQ2002", key)
    return number


def _matches(view: Mapping[str, Any], query: Mapping[str, str], source: Order | Holding) -> bool:
    wild = tables()["wildcards"]
    asked = {attribute: query.get(key, "") for key, attribute in view.get("match", {}).items()}
    return all(value in wild or _same(value, getattr(source, name)) for name, value in asked.items())


def _same(asked: str, value: object) -> bool:
    return int(asked) == value if isinstance(value, int) and asked.isdecimal() else asked == value


def _ends_before(view: Mapping[str, Any], query: Mapping[str, str], now: datetime) -> bool:
    """Whether an inquiry asks for days gone by only: those get a made-up history."""
    last = query.get(view["range"][1], "") if "range" in view else ""
    return last.isdecimal() and last < now.strftime("%Y%m%d")


def _sum(sources: Sequence[Order | Holding], name: str) -> Decimal:
    return sum((getattr(source, name, Decimal(0)) for source in sources), Decimal(0))


def _text(value: object) -> str:
    return plain(value) if isinstance(value, Decimal) else str(value)
