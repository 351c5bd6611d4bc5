"""The order book: what was ordered, what of it was filled, and what an account holds and can still spend."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from runner.kis.simulator.facts import Fault
from runner.kis.simulator.prices import Market

SELL, BUY = "01", "02"
NEW, AMENDED, CANCELLED = "00", "01", "02"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order as it stands. `price` 0 is a market order; `change` says whether it amends or cancels `original`."""

    number: int
    book: str
    account: str
    product: str
    code: str
    name: str
    side: str
    quantity: Decimal
    price: Decimal
    placed: datetime
    type: str = "00"
    exchange: str = ""
    original: int | None = None
    change: str = NEW
    filled: Decimal = Decimal(0)
    cancelled: Decimal = Decimal(0)
    average: Decimal = Decimal(0)
    strict: bool = False
    rests: bool = False

    @property
    def open(self) -> Decimal:
        """What is neither filled nor cancelled."""
        return Decimal(0) if self.change == CANCELLED else self.quantity - self.filled - self.cancelled

    @property
    def amount(self) -> Decimal:
        """What the filled part cost."""
        return self.filled * self.average

    @property
    def odno(self) -> str:
        """The order number with KIS's ten digits."""
        return f"{self.number:010d}"

    @property
    def orgn_odno(self) -> str:
        """The number of the order this one changes, or empty."""
        return "" if self.original is None else f"{self.original:010d}"

    @property
    def sequence(self) -> str:
        """The number without leading zeros, as reservations have it."""
        return str(self.number)

    @property
    def branch(self) -> str:
        """The branch that took the order."""
        return "06010"

    @property
    def date(self) -> str:
        """The day it was placed, YYYYMMDD."""
        return self.placed.strftime("%Y%m%d")

    @property
    def time(self) -> str:
        """The time it was placed, HHMMSS."""
        return self.placed.strftime("%H%M%S")

    @property
    def side_name(self) -> str:
        """Sell or buy in Korean."""
        return "매도" if self.side == SELL else "매수"

    @property
    def change_name(self) -> str:
        """New (empty), amended or cancelled in Korean."""
        return {NEW: "", AMENDED: "정정", CANCELLED: "취소"}[self.change]

    @property
    def is_cancelled(self) -> str:
        """Y when a part of it was cancelled."""
        return "Y" if self.cancelled else "N"

    @property
    def yes(self) -> str:
        """Done as asked."""
        return "Y"

    @property
    def none(self) -> Decimal:
        """Nothing of it was turned down."""
        return Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What an account holds of one instrument; `cost` is what it was bought for, `price` today's."""

    book: str
    account: str
    code: str
    name: str
    quantity: Decimal
    cost: Decimal
    price: Decimal
    sellable: Decimal
    product: str = "01"
    exchange: str = ""

    @property
    def average(self) -> Decimal:
        """Mean price paid."""
        return (self.cost / self.quantity).quantize(Decimal("0.0001")) if self.quantity else Decimal(0)

    @property
    def worth(self) -> Decimal:
        """Value at today's price."""
        return self.quantity * self.price

    @property
    def profit(self) -> Decimal:
        """Value above cost."""
        return self.worth - self.cost

    @property
    def profit_rate(self) -> Decimal:
        """Profit in percent of cost."""
        return (self.profit * 100 / self.cost).quantize(Decimal("0.01")) if self.cost else Decimal(0)


class Book:
    """All orders of one host. `cash` is what each account starts with, `held` what it starts out holding, for each book."""

    def __init__(self, market: Market, cash: Decimal, held: dict[str, list[list[str]]]) -> None:
        self._market = market
        self._cash = cash
        self._held = held
        self._orders: dict[int, Order] = {}

    def orders(self, book: str, account: str) -> list[Order]:
        """An account's orders, newest first."""
        mine = [order for order in self._orders.values() if (order.book, order.account) == (book, account)]
        return mine[::-1]

    def place(self, order: Order) -> Order:
        """Take a new order, give it its number and fill it if the price allows.

        Raises:
            Fault: cash or holdings do not suffice, where the order is strict.
        """
        if order.strict:
            self._afford(order)
        return self._keep(order)

    def change(self, book: str, account: str, number: int, made: Order) -> Order:
        """Amend or cancel `made.quantity` of an open order (0: all that is open) and keep `made` as the order that did it.

        Raises:
            Fault: there is no such order, or less of it is open.
        """
        original = self._found(book, account, number)
        quantity = made.quantity or original.open
        if not original.open or quantity > original.open:
            raise Fault("APBK0400")
        self._orders[number] = replace(original, cancelled=original.cancelled + quantity)
        price = made.price if made.change == AMENDED and made.price else original.price
        heir = replace(original, quantity=quantity, price=price, filled=Decimal(0), cancelled=Decimal(0), original=number)
        return self._keep(replace(heir, change=made.change, placed=made.placed))

    def revise(self, book: str, account: str, number: int, made: Order) -> Order:
        """Give an open order another quantity and price under its old number, as reservations are amended.

        Raises:
            Fault: there is no such order, or it is no longer open.
        """
        original = self._found(book, account, number)
        if not original.open:
            raise Fault("APBK0400")
        revised = replace(original, quantity=made.quantity or original.quantity, price=made.price or original.price)
        self._orders[number] = revised
        return revised

    def _found(self, book: str, account: str, number: int) -> Order:
        order = self._orders.get(number)
        if order is None or (order.book, order.account) != (book, account):
            raise Fault("40320000")
        return order

    def settle(self) -> None:
        """Fill every open order that today's price allows."""
        for order in self._orders.values():
            self._orders[order.number] = self._filled(order)

    def holdings(self, book: str, account: str) -> list[Holding]:
        """What an account holds, at today's prices."""
        quantities: dict[str, Decimal] = {}
        costs: dict[str, Decimal] = {}
        exchanges: dict[str, str] = {}
        for code, side, quantity, price, exchange in self._trades(book, account):
            held, cost = quantities.get(code, Decimal(0)), costs.get(code, Decimal(0))
            gone = cost * quantity / held if side == SELL and held else Decimal(0)
            quantities[code] = held - quantity if side == SELL else held + quantity
            costs[code] = cost - gone if side == SELL else cost + quantity * price
            exchanges[code] = exchange
        return [
            self._holding(book, account, code, quantity, costs[code], exchanges[code])
            for code, quantity in quantities.items()
            if quantity > 0
        ]

    def cash(self, account: str) -> Decimal:
        """What an account can still spend on stocks: open buys are set aside."""
        cash = self._cash
        for order in self.orders("stock", account):
            if order.strict:
                cash += order.amount if order.side == SELL else -order.amount - order.open * self._limit(order)
        return cash

    def _keep(self, order: Order) -> Order:
        number = 5_000_001 + len(self._orders)
        self._orders[number] = self._filled(replace(order, number=number))
        return self._orders[number]

    def _filled(self, order: Order) -> Order:
        price = self._market.price(order.code)
        crosses = order.price <= price if order.side == SELL else order.price >= price
        if order.rests or not order.open or not (crosses or not order.price):
            return order
        return replace(order, filled=order.filled + order.open, average=price)

    def _afford(self, order: Order) -> None:
        if order.side == BUY and order.quantity * self._limit(order) > self.cash(order.account):
            raise Fault("APBK0952")
        if order.side == SELL:
            held = (holding for holding in self.holdings(order.book, order.account) if holding.code == order.code)
            if order.quantity > sum(holding.sellable for holding in held):
                raise Fault("APBK0400")

    def _limit(self, order: Order) -> Decimal:
        return order.price or self._market.price(order.code)

    def _trades(self, book: str, account: str) -> Iterator[tuple[str, str, Decimal, Decimal, str]]:
        for code, quantity, price in self._held.get(book, ()):
            yield code, BUY, Decimal(quantity), Decimal(price), ""
        for order in reversed(self.orders(book, account)):
            if order.filled:
                yield order.code, order.side, order.filled, order.average, order.exchange

    def _holding(self, book: str, account: str, code: str, quantity: Decimal, cost: Decimal, exchange: str) -> Holding:
        waiting = _selling(self.orders(book, account), code)
        return Holding(
            book=book,
            account=account,
            code=code,
            name=self._market.name(code),
            quantity=quantity,
            cost=cost,
            price=self._market.price(code),
            sellable=quantity - waiting,
            exchange=exchange,
        )


def _selling(orders: Iterable[Order], code: str) -> Decimal:
    open_sales = (order.open for order in orders if order.code == code and order.side == SELL)
    return sum(open_sales, Decimal(0))
