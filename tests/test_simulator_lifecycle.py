"""Every kind of order from placing over amending and cancelling to the balance, through the gateway as a client sees it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from runner.kis.endpoints import endpoints
from runner.kis.simulator import Simulator
from runner.kis.simulator.calls import Call
from tests.test_simulator_orders import BOND, FUTURES, OVERSEAS, OVERSEAS_FUTURES, STOCK, Trader, noon

TODAY = "20260115"


@dataclass(frozen=True, kw_only=True)
class Way:
    """How one kind of order is placed, changed and looked up. Fields may hold {number}, {price} and {quantity}."""

    prefix: str
    code: str
    prices: tuple[str, str, str]
    place: tuple[str, str]
    order: Mapping[str, str]
    amend: tuple[str, str]
    cancel: tuple[str, str]
    change: Mapping[str, str]
    listing: tuple[str, str, str]
    left: str
    sell: tuple[str, str] | None = None
    sale: Mapping[str, str] = field(default_factory=dict)
    balance: tuple[str, str, str] | None = None
    held: tuple[str, str] = ("", "")
    number: str = "ODNO"
    day: tuple[str, str] = ("", "")


STOCK_ORDER = {"PDNO": "005930", "ORD_DVSN": "00", "ORD_QTY": "{quantity}", "ORD_UNPR": "{price}"}
STOCK_CHANGE = {"ORGN_ODNO": "{number}", "RVSE_CNCL_DVSN_CD": "{action}", "QTY_ALL_ORD_YN": "Y", "ORD_UNPR": "{price}"}
US_ORDER = {"PDNO": "AAPL", "OVRS_EXCG_CD": "NASD", "ORD_QTY": "{quantity}", "OVRS_ORD_UNPR": "{price}"}
US_CHANGE = {
    "PDNO": "AAPL",
    "OVRS_EXCG_CD": "NASD",
    "ORGN_ODNO": "{number}",
    "RVSE_CNCL_DVSN_CD": "{action}",
    "ORD_QTY": "{quantity}",
}
WAYS = {
    "cash": Way(
        prefix="VTS",
        code="005930",
        prices=("50000", "51000", "70000"),
        place=(STOCK + "order-cash", "VTTC0802U"),
        order=STOCK_ORDER,
        amend=(STOCK + "order-rvsecncl", "VTTC0803U"),
        cancel=(STOCK + "order-rvsecncl", "VTTC0803U"),
        change=STOCK_CHANGE,
        listing=(STOCK + "inquire-daily-ccld", "VTTC8001R", "output1"),
        left="rmn_qty",
        sell=(STOCK + "order-cash", "VTTC0801U"),
        balance=(STOCK + "inquire-balance", "VTTC8434R", "output1"),
        held=("pdno", "hldg_qty"),
        day=("INQR_STRT_DT", "INQR_END_DT"),
    ),
    "credit": Way(
        prefix="PROD",
        code="005930",
        prices=("50000", "51000", "70000"),
        place=(STOCK + "order-credit", "TTTC0852U"),
        order={**STOCK_ORDER, "CRDT_TYPE": "21", "LOAN_DT": TODAY},
        amend=(STOCK + "order-rvsecncl", "TTTC0803U"),
        cancel=(STOCK + "order-rvsecncl", "TTTC0013U"),
        change=STOCK_CHANGE,
        listing=(STOCK + "inquire-psbl-rvsecncl", "TTTC8036R", "output"),
        left="psbl_qty",
        sell=(STOCK + "order-credit", "TTTC0851U"),
        balance=(STOCK + "inquire-balance", "TTTC8434R", "output1"),
        held=("pdno", "hldg_qty"),
    ),
    "reservation": Way(
        prefix="PROD",
        code="005930",
        prices=("50000", "51000", "70000"),
        place=(STOCK + "order-resv", "CTSC0008U"),
        order={"PDNO": "005930", "ORD_QTY": "{quantity}", "ORD_UNPR": "{price}", "SLL_BUY_DVSN_CD": "02", "ORD_DVSN_CD": "00"},
        amend=(STOCK + "order-resv-rvsecncl", "CTSC0013U"),
        cancel=(STOCK + "order-resv-rvsecncl", "CTSC0009U"),
        change={"RSVN_ORD_SEQ": "{number}", "PDNO": "005930", "ORD_QTY": "{quantity}", "ORD_UNPR": "{price}"},
        listing=(STOCK + "order-resv-ccnl", "CTSC0004R", "output"),
        left="ord_rsvn_qty",
        number="RSVN_ORD_SEQ",
        day=("RSVN_ORD_ORD_DT", "RSVN_ORD_END_DT"),
    ),
    "futures": Way(
        prefix="VTT",
        code="A01612",
        prices=("300.00", "301.00", "355.50"),
        place=(FUTURES + "order", "VTTO1101U"),
        order={
            "SLL_BUY_DVSN_CD": "{side}",
            "SHTN_PDNO": "A01612",
            "ORD_QTY": "{quantity}",
            "UNIT_PRICE": "{price}",
            "NMPR_TYPE_CD": "01",
        },
        amend=(FUTURES + "order-rvsecncl", "VTTO1103U"),
        cancel=(FUTURES + "order-rvsecncl", "VTTO1103U"),
        change={
            "ORGN_ODNO": "{number}",
            "RVSE_CNCL_DVSN_CD": "{action}",
            "ORD_QTY": "0",
            "UNIT_PRICE": "{price}",
            "RMN_QTY_YN": "Y",
        },
        listing=(FUTURES + "inquire-ccnl", "VTTO5201R", "output1"),
        left="qty",
        sell=(FUTURES + "order", "VTTO1101U"),
        balance=(FUTURES + "inquire-balance", "VTFO6118R", "output1"),
        held=("shtn_pdno", "cblc_qty"),
        day=("STRT_ORD_DT", "END_ORD_DT"),
    ),
    "overseas": Way(
        prefix="VTS",
        code="AAPL",
        prices=("100.00", "101.00", "190.0000"),
        place=(OVERSEAS + "order", "VTTT1002U"),
        order=US_ORDER,
        amend=(OVERSEAS + "order-rvsecncl", "VTTT1004U"),
        cancel=(OVERSEAS + "order-rvsecncl", "VTTT1004U"),
        change={**US_CHANGE, "OVRS_ORD_UNPR": "{price}"},
        listing=(OVERSEAS + "inquire-nccs", "VTTS3018R", "output"),
        left="nccs_qty",
        sell=(OVERSEAS + "order", "VTTT1001U"),
        balance=(OVERSEAS + "inquire-balance", "VTTS3012R", "output1"),
        held=("ovrs_pdno", "ovrs_cblc_qty"),
    ),
    "daytime": Way(
        prefix="PROD",
        code="AAPL",
        prices=("100.00", "101.00", "190.0000"),
        place=(OVERSEAS + "daytime-order", "TTTS6036U"),
        order=US_ORDER,
        amend=(OVERSEAS + "daytime-order-rvsecncl", "TTTS6038U"),
        cancel=(OVERSEAS + "daytime-order-rvsecncl", "TTTS6038U"),
        change={**US_CHANGE, "OVRS_ORD_UNPR": "{price}"},
        listing=(OVERSEAS + "inquire-nccs", "TTTS3018R", "output"),
        left="nccs_qty",
        sell=(OVERSEAS + "daytime-order", "TTTS6037U"),
        balance=(OVERSEAS + "inquire-balance", "TTTS3012R", "output1"),
        held=("ovrs_pdno", "ovrs_cblc_qty"),
    ),
    "overseas futures": Way(
        prefix="PROT",
        code="6BZ26",
        prices=("1.1000", "1.1100", "1.2700"),
        place=(OVERSEAS_FUTURES + "order", "OTFM3001U"),
        order={
            "OVRS_FUTR_FX_PDNO": "6BZ26",
            "SLL_BUY_DVSN_CD": "{side}",
            "PRIC_DVSN_CD": "1",
            "FM_LIMIT_ORD_PRIC": "{price}",
            "FM_ORD_QTY": "{quantity}",
        },
        amend=(OVERSEAS_FUTURES + "order-rvsecncl", "OTFM3002U"),
        cancel=(OVERSEAS_FUTURES + "order-rvsecncl", "OTFM3003U"),
        change={"ORGN_ORD_DT": TODAY, "ORGN_ODNO": "{number}", "FM_LIMIT_ORD_PRIC": "{price}"},
        listing=(OVERSEAS_FUTURES + "inquire-ccld", "OTFM3116R", "output"),
        left="fm_ord_rmn_qty",
        sell=(OVERSEAS_FUTURES + "order", "OTFM3001U"),
        balance=(OVERSEAS_FUTURES + "inquire-unpd", "OTFM1412R", "output"),
        held=("ovrs_futr_fx_pdno", "fm_ustl_qty"),
    ),
    "bond": Way(
        prefix="PROD",
        code="KR6095572D81",
        prices=("9000.0", "9100.0", "10000.0"),
        place=(BOND + "buy", "TTTC0952U"),
        order={"PDNO": "KR6095572D81", "ORD_QTY2": "{quantity}", "BOND_ORD_UNPR": "{price}"},
        amend=(BOND + "order-rvsecncl", "TTTC0953U"),
        cancel=(BOND + "order-rvsecncl", "TTTC0953U"),
        change={
            "PDNO": "KR6095572D81",
            "ORGN_ODNO": "{number}",
            "RVSE_CNCL_DVSN_CD": "{action}",
            "ORD_QTY2": "{quantity}",
            "BOND_ORD_UNPR": "{price}",
            "QTY_ALL_ORD_YN": "Y",
        },
        listing=(BOND + "inquire-psbl-rvsecncl", "CTSC8035R", "output"),
        left="ord_psbl_qty",
        sell=(BOND + "sell", "TTTC0958U"),
        balance=(BOND + "inquire-balance", "CTSC8407R", "output"),
        held=("pdno", "cblc_qty"),
    ),
}
kinds = pytest.mark.parametrize("kind", WAYS)
filled = pytest.mark.parametrize("kind", [kind for kind, way in WAYS.items() if way.balance])


def trader_of(simulator: Simulator, prefix: str) -> Trader:
    """A user of a key, with a token."""
    nobody = Trader(simulator, prefix, "")
    body = json.dumps({"grant_type": "client_credentials", **nobody.pair()}).encode()
    gateway = simulator.gateways["mock" if prefix[0] == "V" else "real"]
    return Trader(simulator, prefix, gateway.handle(Call(method="POST", path="/oauth2/tokenP", body=body)).body["access_token"])


@dataclass
class Hand:
    """Somebody who places orders of one kind."""

    way: Way
    trader: Trader

    @classmethod
    def of(cls, kind: str) -> Hand:
        way = WAYS[kind]
        return cls(way, trader_of(Simulator(limits=False, clock=noon), way.prefix))

    def ask(self, where: tuple[str, str], fields: Mapping[str, str], **values: str) -> dict[str, Any]:
        answer = self.trader.ask(*where, **{name: text.format(**values) for name, text in fields.items()})
        assert answer["rt_cd"] == "0", answer
        return answer

    def buy(self, price: str, quantity: str = "3") -> str:
        return self._number(self.ask(self.way.place, self.way.order, price=price, quantity=quantity, side="02"))

    def sell(self, price: str, quantity: str) -> str:
        assert self.way.sell
        return self._number(self.ask(self.way.sell, self.way.order, price=price, quantity=quantity, side="01"))

    def amend(self, number: str, price: str) -> str:
        answer = self.ask(self.way.amend, self.way.change, number=number, price=price, action="01", quantity="3")
        return self._number(answer) or number

    def cancel(self, number: str) -> None:
        self.ask(self.way.cancel, self.way.change, number=number, price="0", action="02", quantity="3")

    def waiting(self) -> list[str]:
        path, tr_id, output = self.way.listing
        days = {name: TODAY for name in self.way.day if name}
        rows: list[dict[str, str]] = self.ask((path, tr_id), days)[output]
        return [row[self.way.left] for row in rows if row[self.way.left] != "0" and not row.get("cncl_ord_dt")]

    def held(self) -> int:
        assert self.way.balance
        path, tr_id, output = self.way.balance
        code, quantity = self.way.held
        return sum(int(row[quantity]) for row in self.ask((path, tr_id), {})[output] if row[code] == self.way.code)

    def _number(self, answer: dict[str, Any]) -> str:
        (row,) = answer["output"] if isinstance(answer["output"], list) else [answer["output"]]
        return str(row.get(self.way.number, ""))


@kinds
def test_an_order_rests_is_amended_and_cancelled(kind: str) -> None:
    hand = Hand.of(kind)
    low, higher, _ = hand.way.prices
    number = hand.buy(low)
    assert hand.waiting() == ["3"]
    number = hand.amend(number, higher)
    assert hand.waiting() == ["3"]
    hand.cancel(number)
    assert hand.waiting() == []


@kinds
def test_what_is_cancelled_cannot_be_changed_again(kind: str) -> None:
    hand = Hand.of(kind)
    number = hand.buy(hand.way.prices[0])
    hand.cancel(number)
    with pytest.raises(AssertionError, match="APBK0400"):
        hand.cancel(number)


@filled
def test_an_order_that_the_price_reaches_is_in_the_balance_and_can_be_sold_again(kind: str) -> None:
    hand = Hand.of(kind)
    low, _, price = hand.way.prices
    before = hand.held()
    hand.buy(low)
    assert hand.held() == before
    hand.trader.simulator.move(hand.way.code, low)
    assert (hand.held(), hand.waiting()) == (before + 3, [])
    hand.trader.simulator.move(hand.way.code, price)
    hand.sell(low, "3")
    assert hand.held() == before


BALANCES = {
    "stock": ("VTS", STOCK + "inquire-balance", "VTTC8434R", "output1", "output2"),
    "realized": ("PROD", STOCK + "inquire-balance-rlz-pl", "TTTC8494R", "output1", "output2"),
    "assets": ("PROD", STOCK + "inquire-account-balance", "CTRP6548R", "output1", "output2"),
    "pension": ("PROD", STOCK + "pension/inquire-present-balance", "TTTC2202R", "output1", "output2"),
    "futures": ("VTT", FUTURES + "inquire-balance", "VTFO6118R", "output1", "output2"),
    "futures valuation": ("PROT", FUTURES + "inquire-balance-valuation-pl", "CTFO6159R", "output1", "output2"),
    "overseas": ("PROD", OVERSEAS + "inquire-present-balance", "CTRP6504R", "output1", "output3"),
}
COST, WORTH, PROFIT = ("pchs_amt", "frcr_pchs_amt"), ("evlu_amt", "frcr_evlu_amt2"), ("evlu_pfls_amt", "evlu_pfls_amt2")
SUMS = {
    COST: ("pchs_amt_smtl_amt", "pchs_amt_smtl"),
    WORTH: ("evlu_amt_smtl_amt", "evlu_amt_smtl"),
    PROFIT: ("evlu_pfls_smtl_amt", "evlu_pfls_amt_smtl"),
}


def number(row: Mapping[str, str], names: tuple[str, ...]) -> Decimal:
    return Decimal(next(row[name] for name in names if name in row))


@pytest.mark.parametrize("kind", BALANCES)
def test_the_totals_of_a_balance_are_the_sums_of_its_rows(kind: str) -> None:
    prefix, path, tr_id, rows_in, totals_in = BALANCES[kind]
    answer = trader_of(Simulator(limits=False, clock=noon), prefix).ask(path, tr_id)
    rows, totals = answer[rows_in], answer[totals_in]
    total = totals[0] if isinstance(totals, list) else totals
    assert rows
    for row in rows:
        assert number(row, PROFIT) == number(row, WORTH) - number(row, COST)
    shown = {part: names for part, names in SUMS.items() if any(name in total for name in names)}
    assert PROFIT in shown
    for part, names in shown.items():
        assert number(total, names) == sum(number(row, part) for row in rows)


@pytest.mark.parametrize("kind", ["cash", "reservation"])
def test_an_order_cannot_be_amended_to_a_price_between_two_ticks(kind: str) -> None:
    hand = Hand.of(kind)
    order = hand.buy("50000")
    with pytest.raises(AssertionError, match="APBK0506"):
        hand.amend(order, "50050")
    assert hand.waiting() == ["3"]
    hand.cancel(order)


@pytest.mark.parametrize(("inquiry", "tr_id"), [("trade-profit", "TTTC8715R"), ("profit", "TTTC8708R")])
def test_the_totals_of_a_period_are_the_sums_of_its_days(inquiry: str, tr_id: str) -> None:
    trader, path = trader_of(Simulator(limits=False, clock=noon), "PROD"), STOCK + f"inquire-period-{inquiry}"
    query = dict.fromkeys(endpoints()[path].required[tr_id], "") | {"CANO": trader.simulator.credentials["CANO_REAL"]}
    query |= {"ACNT_PRDT_CD": "01", "INQR_STRT_DT": "20260101", "INQR_END_DT": TODAY}
    pages = list(pages_of(trader, path, tr_id, query))
    rows, total = [row for page in pages for row in page["output1"]], pages[0]["output2"]
    assert len(pages) > 1
    assert all(page["output2"] == total for page in pages)
    for part, whole in (
        ("sll_amt", "sll_tr_amt_smtl"),
        ("buy_amt", "buy_tr_amt_smtl"),
        ("rlzt_pfls", "tot_rlzt_pfls"),
        ("fee", "tot_fee"),
    ):
        assert int(total[whole]) == sum(int(row[part]) for row in rows) > 0


def pages_of(trader: Trader, path: str, tr_id: str, query: dict[str, str]) -> Iterator[Mapping[str, Any]]:
    """Every page of an inquiry on the real host."""
    headers = {**trader.pair(), "content-type": "application/json", "authorization": f"Bearer {trader.token}", "tr_id": tr_id}
    more = "F"
    while more in ("F", "M"):
        answer = trader.simulator.gateways["real"].handle(Call(method="GET", path=f"/uapi/{path}", headers=headers, query=query))
        more, headers = answer.headers["tr_cont"], {**headers, "tr_cont": "N"}
        query = {**query, **{name.upper(): answer.body[name] for name in endpoints()[path].ctx}}
        yield answer.body


def test_an_account_is_worth_what_it_was_and_what_it_gained() -> None:
    hand = Hand.of("cash")
    hand.trader.simulator.move("005930", "72000")
    hand.buy("72000", "5")
    hand.trader.simulator.move("005930", "73000")
    hand.sell("73000", "4")
    hand.buy("60000", "2")
    answer = hand.trader.ask(STOCK + "inquire-balance", "VTTC8434R")
    (row,), (total,) = answer["output1"], answer["output2"]
    assert (row["hldg_qty"], row["thdt_buyqty"], row["thdt_sll_qty"]) == ("11", "5", "4")
    assert (total["thdt_buy_amt"], total["thdt_sll_amt"]) == ("360000", "292000")
    assert int(total["dnca_tot_amt"]) == 100_000_000 - 360_000 + 292_000
    assert int(total["tot_evlu_amt"]) == int(total["dnca_tot_amt"]) + 11 * 73_000
    assert int(total["asst_icdc_amt"]) == int(total["tot_evlu_amt"]) - int(total["bfdy_tot_asst_evlu_amt"])
    spendable = hand.trader.ask(STOCK + "inquire-psbl-order", "VTTC8908R", PDNO="005930", ORD_UNPR="0", ORD_DVSN="01")["output"]
    assert int(spendable["ord_psbl_cash"]) == int(total["dnca_tot_amt"]) - 2 * 60_000


def test_a_future_can_be_sold_short_and_is_worth_its_multiplier() -> None:
    hand = Hand.of("futures")
    hand.sell("355.50", "3")
    (row,) = hand.trader.ask(FUTURES + "inquire-balance", "VTFO6118R")["output1"]
    assert (row["cblc_qty"], row["sll_buy_dvsn_name"], row["ccld_avg_unpr1"]) == ("2", "매도", "355.5000")
    hand.trader.simulator.move("A01612", "354.50")
    answer = hand.trader.ask(FUTURES + "inquire-balance", "VTFO6118R")
    assert Decimal(answer["output1"][0]["evlu_pfls_amt"]) == 2 * 250_000
    assert Decimal(answer["output2"]["futr_trad_pfls_amt"]) == Decimal("3.5") * 250_000


@pytest.mark.parametrize("kind", ["credit", "overseas", "daytime", "bond"])
def test_what_is_not_held_cannot_be_sold(kind: str) -> None:
    hand = Hand.of(kind)
    with pytest.raises(AssertionError, match="APBK0400"):
        hand.sell(hand.way.prices[2], str(hand.held() + 1))
