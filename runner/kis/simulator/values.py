"""Made-up but plausible response values, the same every time for one seed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from functools import cache
from random import Random
from typing import Any, TypeAlias

from runner.kis.endpoints import Output, read
from runner.kis.simulator.prices import Market, Quote

KST = timezone(timedelta(hours=9), "KST")
Row: TypeAlias = dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What the values of one row have in common."""

    random: Random
    row: int
    now: datetime
    name: str
    quote: Quote


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
        latest = _latest(query, now)
        rows = []
        for row, quote in enumerate(self._quotes(path, code, count)):
            scene = Scene(random=random, row=row, now=latest, name=self._market.name(quote.code), quote=quote)
            rows.append({field: fixed.get(field) or _value(field, scene) for field in output.fields})
        return rows

    def _quotes(self, path: str, code: str, count: int) -> Iterable[Quote]:
        """The last days of one instrument, or the day of several where the query is about none."""
        if code:
            return self._market.days(code, count)
        listed = self._market.listed(count, "abroad" if path.startswith("overseas") else "domestic")
        return (self._market.days(code, 1)[0] for code in listed)


def subject(query: Mapping[str, str]) -> str:
    """The instrument a query is about, or empty."""
    tables = _tables()
    found = (query.get(key, "") for key in tables["subjects"])
    return next((code for code in found if code and code not in tables["blank"]), "")


def market(seed: object) -> Market:
    """The market that the data file describes."""
    return Market(seed, {**_tables()["instruments"], **_tables()["indices"]}, _tables()["listed"])


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
    return _level(field, scene, args) if kind == "level" else _MAKERS[kind](scene, args)


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


def _integer(scene: Scene, args: Sequence[str]) -> str:
    return str(scene.random.randint(int(args[0]), int(args[1])))


def _decimal(scene: Scene, args: Sequence[str]) -> str:
    low, high, places = args
    return f"{scene.random.uniform(float(low), float(high)):.{places}f}"


def _price(scene: Scene, args: Sequence[str]) -> str:
    low, high = args
    return plain(scene.quote.times(scene.random.uniform(float(low), float(high))))


def _part(scene: Scene, args: Sequence[str]) -> str:
    part = getattr(scene.quote, args[0])
    return plain(part) if isinstance(part, Decimal) else str(part)


def _level(field: str, scene: Scene, args: Sequence[str]) -> str:
    number = re.search(r"\d+$", field)
    price: Decimal = getattr(scene.quote, args[0])(int(number[0]) if number else 1)
    return plain(price)


def _moment(scene: Scene, form: str) -> str:
    return (_business_day(scene) - timedelta(minutes=scene.row)).strftime(form)


Maker: TypeAlias = Callable[[Scene, Sequence[str]], str]
_MAKERS: Mapping[str, Maker] = {
    "text": lambda scene, args: args[0],
    "pick": lambda scene, args: scene.random.choice(args),
    "code": lambda scene, args: args[0] + scene.quote.code,
    "name": lambda scene, args: scene.name,
    "rank": lambda scene, args: str(scene.row + 1),
    "amount": lambda scene, args: str(scene.random.randrange(0, 50_000_000, 10)),
    "date": lambda scene, args: _business_day(scene).strftime("%Y%m%d"),
    "month": lambda scene, args: _moment(scene, "%Y%m"),
    "day": lambda scene, args: _moment(scene, "%m%d"),
    "time": lambda scene, args: (scene.now - timedelta(minutes=scene.row)).strftime("%H%M%S"),
    "moment": lambda scene, args: _moment(scene, "%Y%m%d%H%M%S"),
    "int": _integer,
    "decimal": _decimal,
    "price": _price,
    "quote": _part,
    "size": lambda scene, args: plain(abs(scene.quote.change)),
}
