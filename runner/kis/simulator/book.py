"""The order book: what was ordered, what of it was filled, and what an account holds and can still spend."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from runner.kis.simulator.facts import Fault
from runner.kis.simulator.positions import BUY, SELL, ZERO, Holding, Position
from runner.kis.simulator.prices import Market, tick

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
    def cancelled_on(self) -> str:
        """The day it was cancelled, or empty."""
        return self.date if self.cancelled else ""

    @property
    def yes(self) -> str:
        """Done as asked."""
        return "Y"

    @property
    def none(self) -> Decimal:
        """Nothing of it was turned down."""
        return Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What every account starts out with: won, and holdings as code, quantity and price, for each book.

    In the books called `short` more can be sold than is held. `earlier` are orders of former days by book and number, with
    code, quantity and price: they can be changed by those who know the number.
    """

    cash: Decimal
    held: Mapping[str, Sequence[Sequence[str]]]
    short: Sequence[str] = ()
    earlier: Mapping[str, Mapping[str, Sequence[str]]] = field(default_factory=dict)


class Book:
    """All orders of one host."""

    def __init__(self, market: Market, start: Start) -> None:
        self._market = market
        self._start = start
        self._orders: dict[int, Order] = {}

    def orders(self, book: str, account: str) -> list[Order]:
        """An account's orders, newest first."""
        mine = [order for order in self._orders.values() if (order.book, order.account) == (book, account)]
        return mine[::-1]

    def place(self, order: Order) -> Order:
        """Take a new order, give it its number and fill it if the price allows.

        Raises:
            Fault: the cash does not suffice, there is less to sell, or the price cannot be quoted.
        """
        self._check_price(order)
        self._afford(order)
        return self._keep(order)

    def change(self, book: str, account: str, number: int, made: Order) -> Order:
        """Amend or cancel `made.quantity` of an open order (0: all that is open) and keep `made` as the order that did it.

        Raises:
            Fault: there is no such order, less of it is open, or the price cannot be quoted.
        """
        original = self._found(book, account, number, made.placed)
        quantity = made.quantity or original.open
        if not original.open or quantity > original.open:
            raise Fault("APBK0400")
        price = made.price if made.change == AMENDED and made.price else original.price
        heir = replace(original, quantity=quantity, price=price, filled=Decimal(0), cancelled=Decimal(0), original=number)
        self._check_price(heir)
        self._orders[number] = replace(original, cancelled=original.cancelled + quantity)
        return self._keep(replace(heir, change=made.change, placed=made.placed))

    def revise(self, book: str, account: str, number: int, made: Order) -> Order:
        """Amend or cancel an open order under its old number, as it is with reservations.

        Raises:
            Fault: there is no such order, it is no longer open, or the price cannot be quoted.
        """
        original = self._found(book, account, number, made.placed)
        if not original.open:
            raise Fault("APBK0400")
        if made.change == CANCELLED:
            revised = replace(original, cancelled=original.open)
        else:
            revised = replace(original, quantity=made.quantity or original.quantity, price=made.price or original.price)
        self._check_price(revised)
        self._orders[number] = revised
        return revised

    def _found(self, book: str, account: str, number: int, now: datetime) -> Order:
        order = self._orders.get(number) or self._earlier(book, account, number, now)
        if order is None or (order.book, order.account) != (book, account):
            raise Fault("40320000")
        return order

    def _earlier(self, book: str, account: str, number: int, now: datetime) -> Order | None:
        found = self._start.earlier.get(book, {}).get(str(number))
        if found is None:
            return None
        code, quantity, price = found
        return Order(
            number=number,
            book=book,
            account=account,
            product="01",
            code=code,
            name=self._market.name(code),
            side=BUY,
            quantity=Decimal(quantity),
            price=Decimal(price),
            placed=now - timedelta(days=1),
            rests=book.endswith("-reserved"),
        )

    def settle(self) -> None:
        """Fill every open order that today's price allows."""
        for order in self._orders.values():
            self._orders[order.number] = self._filled(order)

    def holdings(self, book: str, account: str) -> list[Holding]:
        """What an account holds, at today's prices."""
        positions = self.positions(book, account).items()
        return [self._holding(book, account, code, position) for code, position in positions if position.quantity]

    def positions(self, book: str, account: str) -> dict[str, Position]:
        """What was held or traded, by code; what is all sold again is there too."""
        found: dict[str, Position] = {}
        for code, quantity, price in self._start.held.get(book, ()):
            self._position(found, code).hold(Decimal(quantity), Decimal(price))
        for order in reversed(self.orders(book, account)):
            if order.filled:
                position = self._position(found, order.code)
                position.trade(order.side, order.filled, order.average)
                position.exchange = order.exchange
        return found

    def deposit(self, account: str) -> Decimal:
        """An account's won once all of today's trades are settled."""
        return self._start.cash + sum((_paid(order) for order in self._in_cash(account)), ZERO)

    def cash(self, account: str) -> Decimal:
        """What an account can still spend: open buys are set aside."""
        waiting = (order.open * self._limit(order) for order in self._in_cash(account) if order.side == BUY)
        return self.deposit(account) - sum(waiting, ZERO)

    def before(self, book: str, account: str) -> Decimal:
        """What an account was worth at yesterday's close."""
        held = self._start.held.get(book, ())
        worth = (Decimal(quantity) * self._market.days(code, 1)[0].previous for code, quantity, _ in held)
        return self._start.cash + sum(worth, ZERO)

    def _in_cash(self, account: str) -> Iterable[Order]:
        return (order for order in self._orders.values() if order.account == account and order.strict)

    def _position(self, found: dict[str, Position], code: str) -> Position:
        return found.setdefault(code, Position(worth_of_one=self._market.multiplier(code)))

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

    def _check_price(self, order: Order) -> None:
        domestic = order.book.startswith("stock")
        if domestic and order.price and (order.price % 1 or order.price % tick(order.code, order.price)):
            raise Fault("APBK0506")

    def _afford(self, order: Order) -> None:
        if order.strict and order.side == BUY and order.quantity * self._limit(order) > self.cash(order.account):
            raise Fault("APBK0952")
        if order.side == SELL and not order.rests and order.book not in self._start.short:
            held = (holding for holding in self.holdings(order.book, order.account) if holding.code == order.code)
            if order.quantity > sum(holding.sellable for holding in held):
                raise Fault("APBK0400")

    def _limit(self, order: Order) -> Decimal:
        return order.price or self._market.price(order.code)

    def _holding(self, book: str, account: str, code: str, position: Position) -> Holding:
        closing = BUY if position.quantity < 0 else SELL
        waiting = (order.open for order in self.orders(book, account) if order.code == code and order.side == closing)
        return Holding(
            book=book,
            account=account,
            name=self._market.name(code),
            quote=self._market.days(code, 1)[0],
            position=position,
            waiting=sum(waiting, ZERO),
        )


def _paid(order: Order) -> Decimal:
    return order.amount if order.side == SELL else -order.amount
