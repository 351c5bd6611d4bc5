"""What trades leave behind: how many of an instrument, what they cost, and what was gained by closing."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from runner.kis.simulator.prices import Quote

SELL, BUY = "01", "02"
ZERO = Decimal(0)


@dataclass(slots=True, kw_only=True)
class Day:
    """What was traded today: quantities, and what was paid and received for them."""

    bought: Decimal = ZERO
    sold: Decimal = ZERO
    paid: Decimal = ZERO
    received: Decimal = ZERO


@dataclass(slots=True, kw_only=True)
class Position:
    """A running position; `quantity` and `cost` are negative while it is short. `worth_of_one` is the contract's multiplier."""

    worth_of_one: Decimal = Decimal(1)
    quantity: Decimal = ZERO
    cost: Decimal = ZERO
    realized: Decimal = ZERO
    exchange: str = ""
    day: Day = field(default_factory=Day)

    def trade(self, side: str, quantity: Decimal, price: Decimal) -> None:
        """Take a trade of today into account: first it closes what is open the other way, then it opens."""
        amount = quantity * price * self.worth_of_one
        if side == BUY:
            self.day.bought += quantity
            self.day.paid += amount
        else:
            self.day.sold += quantity
            self.day.received += amount
        self.hold(quantity if side == BUY else -quantity, price)

    def hold(self, quantity: Decimal, price: Decimal) -> None:
        """Add to the position, or take from it, at a price."""
        closing = min(abs(quantity), abs(self.quantity)) if quantity * self.quantity < 0 else ZERO
        if closing:
            share = self.cost * closing / abs(self.quantity)
            closed = closing * price * self.worth_of_one
            self.realized += closed - share if self.quantity > 0 else -share - closed
            self.cost -= share
        opening = (abs(quantity) - closing).copy_sign(quantity)
        self.cost += opening * price * self.worth_of_one
        self.quantity += quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What an account holds of one instrument, as inquiries show it: quantities are positive, `side` tells short from long."""

    book: str
    account: str
    name: str
    quote: Quote
    position: Position
    waiting: Decimal
    product: str = "01"

    @property
    def code(self) -> str:
        """The instrument."""
        return self.quote.code

    @property
    def exchange(self) -> str:
        """Where it was bought, for those abroad."""
        return self.position.exchange

    @property
    def side(self) -> str:
        """Sell for a short position, else buy."""
        return SELL if self.position.quantity < 0 else BUY

    @property
    def side_name(self) -> str:
        """Sell or buy in Korean."""
        return "매도" if self.side == SELL else "매수"

    @property
    def quantity(self) -> Decimal:
        """How many."""
        return abs(self.position.quantity)

    @property
    def sellable(self) -> Decimal:
        """How many are not in open orders already."""
        return max(ZERO, self.quantity - self.waiting)

    @property
    def price(self) -> Decimal:
        """Today's price."""
        return self.quote.price

    @property
    def cost(self) -> Decimal:
        """What they were bought, or sold short, for."""
        return abs(self.position.cost)

    @property
    def average(self) -> Decimal:
        """Mean price paid."""
        return (self.cost / self.quantity / self.position.worth_of_one).quantize(Decimal("0.0001")) if self.quantity else ZERO

    @property
    def worth(self) -> Decimal:
        """Value at today's price."""
        return self.quantity * self.price * self.position.worth_of_one

    @property
    def profit(self) -> Decimal:
        """What closing the position would gain."""
        return self.worth - self.cost if self.side == BUY else self.cost - self.worth

    @property
    def profit_rate(self) -> Decimal:
        """Profit in percent of cost."""
        return (self.profit * 100 / self.cost).quantize(Decimal("0.01")) if self.cost else ZERO

    @property
    def bought(self) -> Decimal:
        """How many were bought today."""
        return self.position.day.bought

    @property
    def sold(self) -> Decimal:
        """How many were sold today."""
        return self.position.day.sold

    @property
    def change_rate(self) -> Decimal:
        """What the price gained since yesterday, in percent."""
        return self.quote.rate

    @property
    def none(self) -> Decimal:
        """There is no such thing: loans, fees, trades of yesterday."""
        return ZERO
