"""Made-up but plausible response values, the same every time for one seed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from functools import cache
from random import Random
from typing import Any, TypeAlias

from runner.kis.endpoints import Output, read

KST = timezone(timedelta(hours=9), "KST")
Row: TypeAlias = dict[str, str]


@dataclass(slots=True, kw_only=True)
class Scene:
    """What the values of one row have in common."""

    random: Random
    row: int
    now: datetime
    code: str
    name: str
    price: Decimal


class Market:
    """Prices and names of instruments, known ones from the data file, others made up from the seed."""

    def __init__(self, seed: object) -> None:
        self._seed = seed
        self._known = {**_tables()["instruments"], **_tables()["indices"]}
        self._moved: dict[str, Decimal] = {}

    def price(self, code: str) -> Decimal:
        """The current price, with as many places as its market quotes."""
        if code in self._moved:
            return self._moved[code]
        if code in self._known:
            return Decimal(self._known[code][1])
        random = Random(f"{self._seed}|{code}")
        if re.fullmatch(r"\d{6}", code):
            return Decimal(random.randrange(10, 3000) * 100)
        return Decimal(random.randrange(1000, 50000)) / 100

    def name(self, code: str) -> str:
        """The instrument's name."""
        return str(self._known[code][0]) if code in self._known else f"종목 {code}"

    def move(self, code: str, price: Decimal) -> None:
        """Set a price."""
        self._moved[code] = price

    def reset(self) -> None:
        """Take all prices back."""
        self._moved.clear()


class Values:
    """Makes response rows for any list of field names."""

    def __init__(self, seed: object, market: Market) -> None:
        self._seed = seed
        self._market = market

    def rows(self, path: str, output: Output, query: Mapping[str, str], count: int, now: datetime) -> list[Row]:
        """`count` rows of an output. `query` has upper-case keys; its values are echoed where a field repeats one."""
        code = subject(query)
        random = Random(f"{self._seed}|{path}|{output.name}|{code}")
        fixed = {field: value for field in output.fields if (value := _echo(field, query))}
        scene = Scene(random=random, row=0, now=_latest(query, now), code=code, name=self._market.name(code), price=Decimal(0))
        rows = []
        for scene.row in range(count):
            drift = Decimal(random.randrange(-30, 31) if scene.row else 0) / 1000
            scene.price = _round(self._market.price(code) * (1 + drift), self._market.price(code))
            rows.append({field: fixed.get(field) or _value(field, scene) for field in output.fields})
        return rows


def subject(query: Mapping[str, str]) -> str:
    """The instrument a query is about; Samsung Electronics when it names none."""
    tables = _tables()
    found = (query.get(key, "") for key in tables["subjects"])
    return next((code for code in found if code and code not in tables["blank"]), "005930")


def plain(number: Decimal) -> str:
    """A number as KIS writes it: no exponent."""
    return format(number, "f")


@cache
def _tables() -> Mapping[str, Any]:
    tables: Mapping[str, Any] = read("values.json")
    return tables


@cache
def _kind(field: str) -> tuple[str, tuple[str, ...]]:
    name = field.lower()
    for pattern, kind, *args in _tables()["patterns"]:
        if re.search(pattern, name):
            return kind, tuple(args)
    kind, *args = _tables()["default"]
    return kind, tuple(args)


def _value(field: str, scene: Scene) -> str:
    kind, args = _kind(field)
    return _MAKERS[kind](scene, args)


def _echo(field: str, query: Mapping[str, str]) -> str:
    blank = _tables()["blank"]
    return next((value for key in _sources(field) if (value := query.get(key, "")) and value not in blank), "")


@cache
def _sources(field: str) -> tuple[str, ...]:
    """The parameters whose value a field repeats."""
    return (field.upper(), *_tables()["echo"].get(field.lower(), ()))


def _latest(query: Mapping[str, str], now: datetime) -> datetime:
    """The newest day a query asks for, so that made-up rows lie in its range."""
    keys = (key for key in query if re.search(r"DT|DATE|YMD", key))
    days = [query[key] for key in keys if re.fullmatch(r"(19|20)\d\d(0[1-9]|1[0-2])([01]\d|2[0-8])", query[key])]
    if not days:
        return now
    return min(now, datetime.strptime(max(days), "%Y%m%d").replace(tzinfo=KST, hour=15, minute=30))


def _business_day(scene: Scene) -> datetime:
    last = scene.now - timedelta(days=max(0, scene.now.weekday() - 4))
    weekends = (scene.row - last.weekday() + 4) // 5
    return last - timedelta(days=scene.row + 2 * max(0, weekends))


def _round(number: Decimal, like: Decimal) -> Decimal:
    return number.quantize(Decimal(1).scaleb(int(like.as_tuple().exponent)))


def _integer(scene: Scene, args: Sequence[str]) -> str:
    return str(scene.random.randint(int(args[0]), int(args[1])))


def _decimal(scene: Scene, args: Sequence[str]) -> str:
    low, high, places = args
    return f"{scene.random.uniform(float(low), float(high)):.{places}f}"


def _price(scene: Scene, args: Sequence[str]) -> str:
    factor = Decimal(str(round(scene.random.uniform(float(args[0]), float(args[1])), 4)))
    return plain(_round(scene.price * factor, scene.price))


def _change(scene: Scene, args: Sequence[str]) -> str:
    return plain(_round(scene.price * Decimal(scene.random.randint(0, 20)) / 1000, scene.price))


def _moment(scene: Scene, form: str) -> str:
    return (_business_day(scene) - timedelta(minutes=scene.row)).strftime(form)


Maker: TypeAlias = Callable[[Scene, Sequence[str]], str]
_MAKERS: Mapping[str, Maker] = {
    "text": lambda scene, args: args[0],
    "pick": lambda scene, args: scene.random.choice(args),
    "code": lambda scene, args: args[0] + scene.code,
    "name": lambda scene, args: scene.name,
    "rank": lambda scene, args: str(scene.row + 1),
    "market": lambda scene, args: plain(scene.price),
    "amount": lambda scene, args: str(scene.random.randrange(0, 50_000_000, 10)),
    "date": lambda scene, args: _business_day(scene).strftime("%Y%m%d"),
    "month": lambda scene, args: _moment(scene, "%Y%m"),
    "day": lambda scene, args: _moment(scene, "%m%d"),
    "time": lambda scene, args: (scene.now - timedelta(minutes=scene.row)).strftime("%H%M%S"),
    "moment": lambda scene, args: _moment(scene, "%Y%m%d%H%M%S"),
    "int": _integer,
    "decimal": _decimal,
    "price": _price,
    "change": _change,
}
