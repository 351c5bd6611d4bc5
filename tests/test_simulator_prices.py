"""The simulator's prices: on the grid they are quoted in, and the parts of a day that fit each other."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.kis.simulator import Simulator
from runner.kis.simulator.prices import STOCK_TICKS, Market, Quote, on_grid, tick
from runner.kis.simulator.values import market
from tests.test_simulator import Client


@pytest.mark.parametrize(
    ("code", "price", "step"),
    [
        ("005930", "1999", "1"),
        ("005930", "2000", "5"),
        ("005930", "5000", "10"),
        ("005930", "20000", "50"),
        ("005930", "50000", "100"),
        ("005930", "200000", "500"),
        ("005930", "500000", "1000"),
        ("A01612", "355.50", "0.05"),
        ("101S09", "340.50", "0.05"),
        ("AAPL", "190.0000", "0.01"),
        ("601360", "9.10", "0.01"),
        ("6BZ26", "1.2700", "0.0001"),
        ("4689", "420.0", "0.1"),
    ],
)
def test_the_steps_of_prices(code: str, price: str, step: str) -> None:
    assert tick(code, Decimal(price)) == Decimal(step)


@given(st.integers(1, 2_000_000))
def test_a_price_on_the_grid_is_a_multiple_of_its_step_and_not_far_off(number: int) -> None:
    price = on_grid("005930", Decimal(number), Decimal(1))
    assert price % tick("005930", price) == 0
    assert 0 <= number - price < tick("005930", Decimal(number))


@given(price=st.integers(100, 20_000), previous=st.integers(-29, 29), seed=st.integers(0, 99))
def test_the_parts_of_a_day_fit(price: int, previous: int, seed: int) -> None:
    now = on_grid("005930", Decimal(price * 50), Decimal(1))
    before = on_grid("005930", now * (100 + previous) / 100, Decimal(1))
    day = Quote.of("005930", now, before, Random(seed))
    assert day.low <= min(day.price, day.open) <= max(day.price, day.open) <= day.high
    assert day.floor <= day.previous <= day.ceiling
    assert day.floor >= day.previous * Decimal("0.7")
    assert day.ceiling <= day.previous * Decimal("1.3")
    assert day.previous + day.change == day.price
    assert {"2": day.change > 0, "3": day.change == 0, "5": day.change < 0}[day.sign]
    assert day.bid(1) < day.ask(1)
    assert [day.ask(2) - day.ask(1), day.bid(1) - day.bid(2)] == [day.tick] * 2


def test_each_day_starts_where_the_one_before_ended() -> None:
    days = market(0).days("005930", 60)
    assert all(later.previous == earlier.price for later, earlier in pairwise(days))
    assert days[0].price == 70000


def test_a_price_that_is_moved_changes_today_and_not_yesterday() -> None:
    moved = market(0)
    before = moved.days("005930", 3)
    moved.move("005930", Decimal(60000))
    after = moved.days("005930", 3)
    assert (after[0].price, after[0].previous) == (60000, before[0].previous)
    assert after[0].change == 60000 - before[0].previous
    assert after[0].low <= 60000
    assert after[1:] == before[1:]


def test_a_known_instrument_costs_what_can_be_quoted() -> None:
    known = market(0)
    for code in known.listed(30, "domestic"):
        assert known.price(code) % tick(code, known.price(code)) == 0, code
    assert tuple(sorted(STOCK_TICKS)) == STOCK_TICKS


def test_lists_name_different_instruments_the_same_for_one_seed() -> None:
    one, same, other = Market(1, {}), Market(1, {}), Market(2, {})
    for kind in ("domestic", "abroad"):
        assert len(set(one.listed(50, kind))) == 50
        assert one.listed(50, kind) == same.listed(50, kind) != other.listed(50, kind)


@pytest.fixture
def client() -> Client:
    client = Client(Simulator(limits=False))
    client.issue()
    return client


def outputs(client: Client, path: str, tr_id: str, **query: str) -> Any:
    return client.get(path, tr_id, query).body


def test_two_apis_say_the_same_of_one_day(client: Client) -> None:
    quotes = "domestic-stock/v1/quotations/"
    asked = {"FID_COND_MRKT_DIV_CODE": "J", "FID_INPUT_ISCD": "000660"}
    now = outputs(client, quotes + "inquire-price", "FHKST01010100", **asked)["output"]
    days = outputs(client, quotes + "inquire-daily-price", "FHKST01010400", **asked, FID_PERIOD_DIV_CODE="D", FID_ORG_ADJ_PRC="1")
    today, before = days["output"][:2]
    for field in ("stck_oprc", "stck_hgpr", "stck_lwpr", "prdy_vrss", "prdy_vrss_sign", "prdy_ctrt", "acml_vol"):
        assert now[field] == today[field]
    assert (now["stck_prpr"], now["stck_sdpr"]) == (today["stck_clpr"], before["stck_clpr"])
    assert int(now["acml_tr_pbmn"]) == int(now["stck_prpr"]) * int(now["acml_vol"])


def test_the_order_book_is_a_ladder(client: Client) -> None:
    asked = {"FID_COND_MRKT_DIV_CODE": "J", "FID_INPUT_ISCD": "005930"}
    book = outputs(client, "domestic-stock/v1/quotations/inquire-asking-price-exp-ccn", "FHKST01010200", **asked)["output1"]
    ladder = [*(int(book[f"bidp{level}"]) for level in range(10, 0, -1)), *(int(book[f"askp{level}"]) for level in range(1, 11))]
    assert ladder == [70000 + 100 * step for step in range(-9, 11)]


def test_a_ranking_is_of_different_instruments(client: Client) -> None:
    real = Client(client.simulator, "PROD")
    real.issue()
    names = (
        "FID_COND_MRKT_DIV_CODE FID_COND_SCR_DIV_CODE FID_DIV_CLS_CODE FID_INPUT_ISCD FID_TRGT_CLS_CODE FID_TRGT_EXLS_CLS_CODE"
    ).split()
    query = {**dict.fromkeys((*names, "FID_INPUT_PRICE_1", "FID_INPUT_PRICE_2", "FID_VOL_CNT"), ""), "FID_INPUT_ISCD": "0000"}
    rows = outputs(real, "domestic-stock/v1/ranking/market-cap", "FHPST01740000", **query)["output"]
    assert len({row["mksc_shrn_iscd"] for row in rows}) == len({row["hts_kor_isnm"] for row in rows}) == len(rows) > 5
    assert [row["data_rank"] for row in rows] == [str(rank + 1) for rank in range(len(rows))]
