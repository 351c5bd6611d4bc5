"""Prices: what an instrument costs, on the grid its market quotes in, and how a day of it looks."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from random import Random
from string import ascii_uppercase

STOCK_TICKS = ((2_000, 1), (5_000, 5), (20_000, 10), (50_000, 50), (200_000, 100), (500_000, 500))
"""Domestic stocks: below so much, the price moves in steps of so much won (the exchange's rule since 2023)."""

LIMIT = Decimal("0.3")
"""How far a domestic price may move in a day."""

_STOCK = re.compile(r"\d{6}")
_INDEX_FUTURE = re.compile(r"(?:101|A01)[0-9A-Z]\d\d")
_POUND = re.compile(r"6B[A-Z]\d\d")
_AMERICAN = re.compile(r"[A-Z]{1,5}")


def tick(code: str, price: Decimal) -> Decimal:
    """The step in which the price of an instrument moves."""
    if _STOCK.fullmatch(code) and price == price.to_integral():
        return Decimal(next((step for below, step in STOCK_TICKS if price < below), 1000))
    if _INDEX_FUTURE.fullmatch(code):
        return Decimal("0.05")
    if _AMERICAN.fullmatch(code) and price > 1:
        return Decimal("0.01")
    return Decimal(1).scaleb(int(price.as_tuple().exponent))


def on_grid(code: str, number: Decimal, like: Decimal, rounding: str = ROUND_FLOOR) -> Decimal:
    """A number moved to the nearest price that can be quoted, with as many places as `like` has."""
    places = Decimal(1).scaleb(int(like.as_tuple().exponent))
    step = tick(code, number.quantize(places))
    return max(step, (number / step).to_integral_value(rounding) * step).quantize(places)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """An instrument's day: it closed at `previous` the day before, opened, went up to `high` and down to `low`, is at `price`.

    `volume` is how many changed hands.
    """

    code: str
    price: Decimal
    previous: Decimal
    open: Decimal
    high: Decimal
    low: Decimal
    volume: int

    @classmethod
    def of(cls, code: str, price: Decimal, previous: Decimal, random: Random) -> Quote:
        """A day between two closing prices."""
        start = on_grid(code, previous + (price - previous) * random.randint(0, 10) / 10, price)
        step = tick(code, price)
        high = max(price, start) + step * random.randint(0, 5)
        low = max(step, min(price, start) - step * random.randint(0, 5))
        volume = random.randint(1_000, 9_000_000)
        return cls(code=code, price=price, previous=previous, open=start, high=high, low=low, volume=volume)

    @property
    def change(self) -> Decimal:
        """What it gained since the day before."""
        return self.price - self.previous

    @property
    def rate(self) -> Decimal:
        """What it gained, in percent."""
        return (self.change * 100 / self.previous).quantize(Decimal("0.01"))

    @property
    def turnover(self) -> Decimal:
        """What was paid in all, at the day's last price."""
        return (self.price * self.volume).to_integral_value()

    @property
    def sign(self) -> str:
        """KIS's mark: 2 up, 3 unchanged, 5 down."""
        return "2" if self.change > 0 else "5" if self.change < 0 else "3"

    @property
    def flag(self) -> str:
        """Plus or minus."""
        return "-" if self.change < 0 else "+"

    @property
    def ceiling(self) -> Decimal:
        """The highest price of the day that the exchange allows."""
        return on_grid(self.code, self.previous * (1 + LIMIT), self.price)

    @property
    def floor(self) -> Decimal:
        """The lowest price of the day that the exchange allows."""
        return on_grid(self.code, self.previous * (1 - LIMIT), self.price, ROUND_CEILING)

    @property
    def tick(self) -> Decimal:
        """The step of the price."""
        return tick(self.code, self.price)

    def ask(self, level: int) -> Decimal:
        """The price of a level of the order book's sellers, from 1 on."""
        return self.price + self.tick * level

    def bid(self, level: int) -> Decimal:
        """The price of a level of the order book's buyers, from 1 on."""
        return max(self.tick, self.price - self.tick * (level - 1))

    def times(self, factor: float) -> Decimal:
        """A price that is so many times this one."""
        return on_grid(self.code, self.price * Decimal(str(round(factor, 4))), self.price)


class Market:
    """Prices and names of instruments: known ones from a table, others made up from the seed.

    `listed` names those that lists of the domestic market and of those abroad begin with.
    """

    def __init__(
        self, seed: object, known: Mapping[str, tuple[str, str]], listed: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        self._seed = seed
        self._known = known
        self._listed = listed or {"domestic": (), "abroad": ()}
        self._moved: dict[str, Decimal] = {}

    def price(self, code: str) -> Decimal:
        """The current price, with as many places as its market quotes."""
        return self._moved.get(code) or self._usual(code)

    def _usual(self, code: str) -> Decimal:
        if code in self._known:
            return Decimal(self._known[code][1])
        random = Random(f"{self._seed}|{code}")
        if _STOCK.fullmatch(code):
            return on_grid(code, Decimal(random.randrange(10, 3000) * 100), Decimal(1))
        return Decimal(random.randrange(1000, 50000)) / 100

    def name(self, code: str) -> str:
        """The instrument's name."""
        return str(self._known[code][0]) if code in self._known else f"종목 {code}"

    def multiplier(self, code: str) -> Decimal:
        """What one contract is worth for each point of its price; 1 for what is no future."""
        return Decimal(250_000) if _INDEX_FUTURE.fullmatch(code) else Decimal(62_500) if _POUND.fullmatch(code) else Decimal(1)

    def listed(self, count: int, market: str) -> list[str]:
        """So many instruments of the domestic market or of those abroad, known ones first."""
        known = list(self._listed[market])
        random = Random(f"{self._seed}|{market}")
        while len(known) < count:
            letters = "".join(random.choices(ascii_uppercase, k=4))
            known.append(letters if market == "abroad" else f"{random.randrange(1, 99999):05d}0")
        return known[:count]

    def days(self, code: str, count: int) -> list[Quote]:
        """The last days of an instrument, newest first; each closes where the next one starts from, in every answer alike."""
        random = Random(f"{self._seed}|{code}|days")
        quotes: list[Quote] = []
        usual = self._usual(code)
        for _ in range(count):
            price = usual if quotes else self.price(code)
            usual = on_grid(code, usual / (1 + Decimal(random.randrange(-30, 31)) / 1000), usual)
            quotes.append(Quote.of(code, price, usual, random))
        return quotes

    def move(self, code: str, price: Decimal) -> None:
        """Set a price."""
        self._moved[code] = price

    def reset(self) -> None:
        """Take all prices back."""
        self._moved.clear()
