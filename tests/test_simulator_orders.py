"""The simulator's order book, through the gateway as a client sees it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.kis.endpoints import endpoints
from runner.kis.simulator import Simulator
from runner.kis.simulator.book import AMENDED, CANCELLED, Book, Order, Start
from runner.kis.simulator.calls import Call
from runner.kis.simulator.facts import Fault
from runner.kis.simulator.positions import BUY, SELL
from runner.kis.simulator.prices import Market
from runner.kis.simulator.values import KST

ACCOUNTS = {"VTS": "CANO", "VTT": "CANO_T", "PROD": "CANO_REAL", "PROT": "CANO_REAL_T"}
STOCK = "domestic-stock/v1/trading/"
FUTURES = "domestic-futureoption/v1/trading/"
OVERSEAS = "overseas-stock/v1/trading/"
BOND = "domestic-bond/v1/trading/"
OVERSEAS_FUTURES = "overseas-futureoption/v1/trading/"


def noon() -> float:
    return datetime(2026, 1, 15, 12, 0, tzinfo=KST).timestamp()


@dataclass(frozen=True)
class Trader:
    """One app key's user on its own host."""

    simulator: Simulator
    prefix: str
    token: str

    def ask(self, path: str, tr: str, **fields: str) -> dict[str, Any]:
        endpoint = endpoints()[path]
        known = dict.fromkeys(endpoint.required.get(tr, ()), "")
        sent = {**known, "CANO": self.simulator.credentials[ACCOUNTS[self.prefix]], "ACNT_PRDT_CD": "01", **fields}
        post = endpoint.method == "POST"
        call = Call(
            method=endpoint.method,
            path=f"/uapi/{path}",
            headers={**self.pair(), "content-type": "application/json", "authorization": f"Bearer {self.token}", "tr_id": tr},
            query={} if post else sent,
            body=json.dumps(sent).encode() if post else b"",
        )
        return dict(self.simulator.gateways["mock" if self.prefix[0] == "V" else "real"].handle(call).body)

    def pair(self) -> dict[str, str]:
        names = {"appkey": f"{self.prefix}_APPKEY", "appsecret": f"{self.prefix}_APPSECRET"}
        return {field: self.simulator.credentials[name] for field, name in names.items()}

    def buy(self, price: str, quantity: str = "1", **changed: str) -> dict[str, Any]:
        fields = {"PDNO": "005930", "ORD_DVSN": "00", "ORD_QTY": quantity, "ORD_UNPR": price, **changed}
        return self.ask(STOCK + "order-cash", "VTTC0802U" if self.prefix == "VTS" else "TTTC0802U", **fields)

    def day(self, **changed: str) -> list[dict[str, str]]:
        today = {"INQR_STRT_DT": "20260115", "INQR_END_DT": "20260115", **changed}
        rows: list[dict[str, str]] = self.ask(STOCK + "inquire-daily-ccld", "VTTC8001R", **today)["output1"]
        return rows

    def held(self) -> dict[str, str]:
        rows = self.ask(STOCK + "inquire-balance", "VTTC8434R")["output1"]
        return {row["pdno"]: row["hldg_qty"] for row in rows}

    def change(self, number: str, action: str, quantity: str = "0", price: str = "0", whole: str = "Y") -> dict[str, Any]:
        fields = {"ORGN_ODNO": number, "RVSE_CNCL_DVSN_CD": action, "QTY_ALL_ORD_YN": whole, "ORD_QTY": quantity}
        return self.ask(STOCK + "order-rvsecncl", "VTTC0803U", KRX_FWDG_ORD_ORGNO="06010", ORD_UNPR=price, **fields)


@pytest.fixture
def simulator() -> Simulator:
    return Simulator(limits=False, clock=noon)


@pytest.fixture
def trade(simulator: Simulator) -> Callable[[str], Trader]:
    def trader(prefix: str) -> Trader:
        without = Trader(simulator, prefix, "")
        body = json.dumps({"grant_type": "client_credentials", **without.pair()}).encode()
        gateway = simulator.gateways["mock" if prefix[0] == "V" else "real"]
        answer = gateway.handle(Call(method="POST", path="/oauth2/tokenP", body=body))
        return Trader(simulator, prefix, answer.body["access_token"])

    return trader


@pytest.fixture
def trader(trade: Callable[[str], Trader]) -> Trader:
    return trade("VTS")


def test_order_answer_has_kis_shape(trader: Trader) -> None:
    assert trader.buy("55000") == {
        "rt_cd": "0",
        "msg_cd": "APBK0013",
        "msg1": "주문 전송 완료 되었습니다.",
        "output": {"KRX_FWDG_ORD_ORGNO": "06010", "ODNO": "0005000001", "ORD_TMD": "120000"},
    }


def test_low_limit_order_rests_and_is_listed(trader: Trader) -> None:
    number = trader.buy("55000", "3")["output"]["ODNO"]
    (row,) = trader.day()

    shown = {key: row[key] for key in ("odno", "pdno", "prdt_name", "ord_qty", "ord_unpr", "tot_ccld_qty", "rmn_qty", "ord_dt")}
    assert shown == {
        "odno": number,
        "pdno": "005930",
        "prdt_name": "삼성전자",
        "ord_qty": "3",
        "ord_unpr": "55000",
        "tot_ccld_qty": "0",
        "rmn_qty": "3",
        "ord_dt": "20260115",
    }
    assert trader.held() == {"005930": "10"}


@pytest.mark.parametrize("changed", [{"ORD_DVSN": "01", "ORD_UNPR": "0"}, {"ORD_UNPR": "70000"}, {"ORD_UNPR": "90000"}])
def test_market_and_crossing_orders_fill_at_the_price(trader: Trader, changed: dict[str, str]) -> None:
    trader.buy("1", "2", **changed)
    (row,) = trader.day()

    assert (row["tot_ccld_qty"], row["avg_prvs"], row["tot_ccld_amt"], row["rmn_qty"]) == ("2", "70000", "140000", "0")
    assert trader.held() == {"005930": "12"}


def test_balance_adds_up(trader: Trader) -> None:
    trader.buy("0", "2", ORD_DVSN="01")
    trader.buy("55000", "1")
    answer = trader.ask(STOCK + "inquire-balance", "VTTC8434R")
    (row,), (total,) = answer["output1"], answer["output2"]

    assert (row["pchs_avg_pric"], row["pchs_amt"], row["evlu_amt"], row["evlu_pfls_amt"]) == (
        "68333.3333",
        "820000",
        "840000",
        "20000",
    )
    assert int(total["dnca_tot_amt"]) == 100_000_000 - 140_000
    assert int(total["tot_evlu_amt"]) == int(total["dnca_tot_amt"]) + int(total["scts_evlu_amt"])


def test_resting_order_fills_when_the_price_gets_there(trader: Trader) -> None:
    trader.buy("55000")
    trader.simulator.move("005930", "60000")
    assert trader.held() == {"005930": "10"}
    trader.simulator.move("005930", "54000")

    assert trader.held() == {"005930": "11"}
    assert trader.day()[0]["avg_prvs"] == "54000"


def test_selling_holdings_and_more_than_them(trader: Trader) -> None:
    fields = {"PDNO": "005930", "ORD_DVSN": "01", "ORD_UNPR": "0"}
    assert trader.ask(STOCK + "order-cash", "VTTC0801U", ORD_QTY="4", **fields)["rt_cd"] == "0"
    assert trader.held() == {"005930": "6"}
    refused = trader.ask(STOCK + "order-cash", "VTTC0011U", ORD_QTY="7", **fields)

    assert (refused["rt_cd"], refused["msg_cd"]) == ("7", "APBK0400")
    assert trader.ask(STOCK + "order-cash", "VTTC0011U", ORD_QTY="6", **fields)["rt_cd"] == "0"
    assert trader.held() == {}
    assert trader.ask(STOCK + "inquire-balance", "VTTC8434R")["output1"] == []


def test_open_sale_is_set_aside(trader: Trader) -> None:
    fields = {"PDNO": "005930", "ORD_DVSN": "00", "ORD_UNPR": "99000", "ORD_QTY": "8"}
    codes = [trader.ask(STOCK + "order-cash", "VTTC0801U", **fields)["msg_cd"] for _ in range(2)]
    (row,) = trader.ask(STOCK + "inquire-balance", "VTTC8434R")["output1"]

    assert codes == ["APBK0013", "APBK0400"]
    assert (row["hldg_qty"], row["ord_psbl_qty"]) == ("10", "2")


def test_buying_beyond_cash_is_refused(trader: Trader) -> None:
    query = {"PDNO": "005930", "ORD_UNPR": "50000"}
    possible = trader.ask(STOCK + "inquire-psbl-order", "VTTC8908R", **query)["output"]
    refused = trader.buy("50000", "2001")

    assert (possible["ord_psbl_cash"], possible["max_buy_qty"]) == ("100000000", "2000")
    assert (refused["rt_cd"], refused["msg_cd"], refused["msg1"]) == ("7", "APBK0952", "주문가능금액을 초과 했습니다")
    assert trader.day() == []
    assert trader.buy("50000", "2000")["rt_cd"] == "0"
    assert trader.buy("50000", "1")["msg_cd"] == "APBK0952"


def test_cancel_takes_the_open_rest(trader: Trader) -> None:
    number = trader.buy("55000", "3")["output"]["ODNO"]
    answer = trader.change(number.lstrip("0"), "02")
    cancel, original = trader.day()

    assert answer["output"]["ODNO"] == cancel["odno"] != number
    assert (cancel["orgn_odno"], cancel["rmn_qty"]) == (number, "0")
    assert (original["cncl_yn"], original["cnc_cfrm_qty"], original["rmn_qty"]) == ("Y", "3", "0")
    assert trader.change(number, "02")["msg_cd"] == "APBK0400"
    trader.simulator.move("005930", "100")
    assert trader.held() == {"005930": "10"}


def test_amending_a_part_leaves_the_rest_as_it_was(trader: Trader) -> None:
    number = trader.buy("55000", "5")["output"]["ODNO"]
    trader.change(number, "01", quantity="2", price="56000", whole="N")
    amended, original = trader.day()

    assert (amended["ord_qty"], amended["ord_unpr"], amended["rmn_qty"]) == ("2", "56000", "2")
    assert (original["ord_unpr"], original["rmn_qty"]) == ("55000", "3")
    assert trader.change(number, "01", quantity="4", whole="N")["msg_cd"] == "APBK0400"


def test_amending_over_the_price_fills(trader: Trader) -> None:
    number = trader.buy("55000", "2")["output"]["ODNO"]
    trader.change(number, "01", price="71000")
    assert trader.held() == {"005930": "12"}


@pytest.mark.parametrize("number", ["6636", "0000000000", "made up"])
def test_unknown_original_number_is_a_business_refusal(trader: Trader, number: str) -> None:
    answer = trader.change(number, "02")
    assert (answer["rt_cd"], answer["msg_cd"], answer["msg1"]) == ("7", "40320000", "원주문번호가 존재하지 않습니다")


def test_orders_are_seen_by_their_account_and_host_only(trade: Callable[[str], Trader], trader: Trader) -> None:
    number = trader.buy("55000")["output"]["ODNO"]
    real = trade("PROD")
    rows = real.ask(STOCK + "inquire-daily-ccld", "TTTC8001R", INQR_STRT_DT="20260115", INQR_END_DT="20260115")

    assert rows["output1"] == []
    cancel = {"ORGN_ODNO": number, "RVSE_CNCL_DVSN_CD": "02", "QTY_ALL_ORD_YN": "Y"}
    assert trade("VTT").ask(STOCK + "order-rvsecncl", "VTTC0803U", **cancel)["msg_cd"] == "40320000"


def test_amendable_orders_are_the_open_ones(trade: Callable[[str], Trader]) -> None:
    real = trade("PROD")
    real.buy("0", ORD_DVSN="01")
    number = real.buy("55000", "4")["output"]["ODNO"]
    rows = real.ask(STOCK + "inquire-psbl-rvsecncl", "TTTC8036R")["output"]
    assert [(row["odno"], row["psbl_qty"]) for row in rows] == [(number, "4")]


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({"CCLD_DVSN": "01"}, 1),
        ({"CCLD_DVSN": "02"}, 2),
        ({"CCLD_DVSN": "00"}, 3),
        ({"PDNO": "000660"}, 1),
        ({"SLL_BUY_DVSN_CD": "01"}, 0),
        ({"SLL_BUY_DVSN_CD": "02"}, 3),
        ({"ODNO": "5000002"}, 1),
        ({"ODNO": "0005000002"}, 1),
    ],
)
def test_day_orders_are_filtered(trader: Trader, filters: dict[str, str], count: int) -> None:
    trader.buy("0", ORD_DVSN="01")
    trader.buy("55000")
    trader.buy("100", PDNO="000660")
    rows = trader.day(**filters)
    assert len(rows) == count


def test_days_gone_by_have_a_history_and_no_orders_of_today(trader: Trader) -> None:
    number = trader.buy("55000")["output"]["ODNO"]
    rows = trader.day(INQR_STRT_DT="20220801", INQR_END_DT="20220810")

    assert [row["ord_dt"] for row in rows] == ["20220810", "20220809"]
    assert number not in {row["odno"] for row in rows}


@pytest.mark.parametrize("quantity", ["x", "-1", "NaN", "Infinity"])
def test_a_quantity_that_is_none(trader: Trader, quantity: str) -> None:
    assert trader.buy("55000", quantity)["msg_cd"] == "OPSQ2002"


def test_an_order_without_an_instrument(trader: Trader) -> None:
    assert trader.buy("55000", PDNO="")["msg1"] == "ERROR INPUT FIELD NOT FOUND [PDNO]"


def test_domestic_reservation(trade: Callable[[str], Trader]) -> None:
    real = trade("PROD")
    order = {"PDNO": "005930", "ORD_QTY": "1", "ORD_UNPR": "99000", "SLL_BUY_DVSN_CD": "02", "ORD_DVSN_CD": "00"}
    sequence = real.ask(STOCK + "order-resv", "CTSC0008U", **order)["output"]["RSVN_ORD_SEQ"]
    today = {"RSVN_ORD_ORD_DT": "20260115", "RSVN_ORD_END_DT": "20260115"}
    (row,) = real.ask(STOCK + "order-resv-ccnl", "CTSC0004R", **today)["output"]

    assert (row["rsvn_ord_seq"], row["ord_rsvn_qty"], row["tot_ccld_qty"]) == (sequence, "1", "0")
    cancel = real.ask(STOCK + "order-resv-rvsecncl", "CTSC0009U", RSVN_ORD_SEQ=sequence)
    assert cancel["output"] == {"nrml_prcs_yn": "Y"}
    assert real.ask(STOCK + "order-resv-rvsecncl", "CTSC0009U", RSVN_ORD_SEQ=sequence)["msg_cd"] == "APBK0400"


@pytest.mark.parametrize(
    ("path", "tr", "extra"),
    [
        ("order-resv-ccnl", "VTTT3017U", {}),
        ("order-resv", "VTTT3017U", {}),
        ("order-resv", "VTTS3013U", {"RVSE_CNCL_DVSN_CD": "02"}),
    ],
)
def test_overseas_reservation_is_cancelled_by_all_three_ways(trader: Trader, path: str, tr: str, extra: dict[str, str]) -> None:
    order = {"PDNO": "TSLA", "OVRS_EXCG_CD": "NASD", "FT_ORD_QTY": "1", "FT_ORD_UNPR3": "900.0"}
    number = trader.ask(OVERSEAS + "order-resv", "VTTT3014U", **order)["output"]["OVRS_RSVN_ODNO"]

    answers = [trader.ask(OVERSEAS + path, tr, OVRS_RSVN_ODNO=number, **extra)["msg_cd"] for _ in range(2)]
    assert answers == ["APBK0013", "APBK0400"]


def test_overseas_order_is_open_then_held(trader: Trader) -> None:
    order = {"PDNO": "4689", "OVRS_EXCG_CD": "TKSE", "ORD_QTY": "100", "OVRS_ORD_UNPR": "400.0", "ORD_DVSN": "00"}
    number = trader.ask(OVERSEAS + "order", "VTTS0308U", **order)["output"]["ODNO"]
    (row,) = trader.ask(OVERSEAS + "inquire-nccs", "VTTS3018R", OVRS_EXCG_CD="TKSE")["output"]
    assert (row["odno"], row["nccs_qty"], row["ft_ord_unpr3"], row["ovrs_excg_cd"]) == (number, "100", "400.0", "TKSE")

    amend = {"ORGN_ODNO": number, "RVSE_CNCL_DVSN_CD": "01", "ORD_QTY": "100", "OVRS_ORD_UNPR": "430.0"}
    assert trader.ask(OVERSEAS + "order-rvsecncl", "VTTS0309U", PDNO="4689", OVRS_EXCG_CD="TKSE", **amend)["rt_cd"] == "0"
    rows = trader.ask(OVERSEAS + "inquire-balance", "VTTS3012R")["output1"]
    assert {row["ovrs_pdno"]: row["ovrs_cblc_qty"] for row in rows} == {"AAPL": "5", "GRAB": "3", "4689": "100"}
    assert trader.ask(OVERSEAS + "inquire-nccs", "VTTS3018R", OVRS_EXCG_CD="TKSE")["output"] == []


def test_us_sale_under_the_id_that_mock_refuses(trader: Trader) -> None:
    order = {"PDNO": "AAPL", "OVRS_EXCG_CD": "NASD", "ORD_QTY": "5", "OVRS_ORD_UNPR": "1.0"}
    refused = trader.ask(OVERSEAS + "order", "VTTT1006U", **order)

    assert (refused["rt_cd"], refused["msg_cd"]) == ("1", "90000000")
    assert trader.ask(OVERSEAS + "order", "VTTT1001U", **order)["rt_cd"] == "0"
    assert [row["ovrs_pdno"] for row in trader.ask(OVERSEAS + "inquire-balance", "VTTS3012R")["output1"]] == ["GRAB"]


def test_futures_order_is_listed_and_cancelled(trade: Callable[[str], Trader]) -> None:
    futures = trade("VTT")
    order = {"SLL_BUY_DVSN_CD": "02", "SHTN_PDNO": "101S09", "ORD_QTY": "10", "UNIT_PRICE": "300", "NMPR_TYPE_CD": "01"}
    number = futures.ask(FUTURES + "order", "VTTO1101U", **order)["output"]["ODNO"]
    cancel = {"ORGN_ODNO": number, "RVSE_CNCL_DVSN_CD": "02", "ORD_QTY": "", "RMN_QTY_YN": "Y"}
    answer = futures.ask(FUTURES + "order-rvsecncl", "VTTO1103U", **cancel)
    today = {"STRT_ORD_DT": "20260115", "END_ORD_DT": "20260115"}
    rows = futures.ask(FUTURES + "inquire-ccnl", "VTTO5201R", **today)["output1"]

    assert [row["ORGN_ODNO"] for row in answer["output"]] == [number]
    assert [(row["odno"], row["ord_qty"]) for row in rows][1:] == [(number, "10")]


def test_bond_order_is_held(trade: Callable[[str], Trader]) -> None:
    real = trade("PROD")
    order = {"PDNO": "KR6095572D81", "ORD_QTY2": "3", "BOND_ORD_UNPR": "10000.0"}
    assert real.ask(BOND + "buy", "TTTC0952U", **order)["rt_cd"] == "0"
    assert [row["cblc_qty"] for row in real.ask(BOND + "inquire-balance", "CTSC8407R")["output"]] == ["13"]
    assert real.ask(BOND + "sell", "TTTC0958U", **order)["rt_cd"] == "0"
    assert [row["cblc_qty"] for row in real.ask(BOND + "inquire-balance", "CTSC8407R")["output"]] == ["10"]


def test_overseas_futures_order_is_listed(trade: Callable[[str], Trader]) -> None:
    futures = trade("PROT")
    order = {"OVRS_FUTR_FX_PDNO": "6BZ22", "SLL_BUY_DVSN_CD": "02", "PRIC_DVSN_CD": "1", "FM_LIMIT_ORD_PRIC": "1.1"}
    placed = futures.ask(OVERSEAS_FUTURES + "order", "OTFM3001U", FM_ORD_QTY="2", **order)["output"]
    (row,) = futures.ask(OVERSEAS_FUTURES + "inquire-ccld", "OTFM3116R", SLL_BUY_DVSN_CD="02")["output"]

    assert placed == {"ORD_DT": "20260115", "ODNO": row["odno"]}
    assert (row["fm_ord_qty"], row["fm_ord_pric"], row["fm_ord_rmn_qty"]) == ("2", "1.1", "2")


def test_money_moving_calls_are_recorded_taken_or_not(trade: Callable[[str], Trader], trader: Trader) -> None:
    real = trade("PROD")
    trader.buy("55000")
    real.buy("100", "9")
    real.ask(STOCK + "order-cash", "VTTC0802U", PDNO="005930")
    real.ask(STOCK + "inquire-balance", "TTTC8434R")

    seen = [(call.host, call.tr_id, call.msg_cd, call.accepted) for call in trader.simulator.orders]
    assert seen == [
        ("mock", "VTTC0802U", "APBK0013", True),
        ("real", "TTTC0802U", "APBK0013", True),
        ("real", "VTTC0802U", "EGW02004", False),
    ]
    assert trader.simulator.orders[1].path == "/uapi/domestic-stock/v1/trading/order-cash"
    assert (trader.simulator.orders[1].account, trader.simulator.orders[1].body["ORD_QTY"]) == ("50000003", "9")


def test_reset_forgets_orders_but_not_tokens(trader: Trader) -> None:
    trader.buy("0", ORD_DVSN="01")
    trader.simulator.reset()

    assert (trader.simulator.log, trader.simulator.orders) == ((), ())
    assert trader.held() == {"005930": "10"}
    assert trader.day() == []


Step = tuple[str, int, int, int]
steps = st.lists(
    st.tuples(
        st.sampled_from(["buy", "sell", "amend", "cancel", "move"]), st.integers(1, 30), st.integers(1, 200), st.integers(0, 9)
    ),
    max_size=25,
)


@settings(max_examples=80, deadline=None)
@given(steps=steps)
def test_the_book_stays_sound_whatever_is_ordered(steps: list[Step]) -> None:
    market = Market(0, {})
    market.move("X", Decimal(100))
    book = Book(market, Start(cash=Decimal(10_000), held={"stock": [["X", "20", "90"]]}))
    for step in steps:
        take(book, market, step)
        orders = book.orders("stock", "1")
        assert all(order.open >= 0 for order in orders)
        assert all(order.filled + order.cancelled <= order.quantity for order in orders)
        assert all(0 <= held.sellable <= held.quantity for held in book.holdings("stock", "1"))
        bought = sum(order.filled if order.side == BUY else -order.filled for order in orders)
        assert sum(held.quantity for held in book.holdings("stock", "1")) == 20 + bought


def take(book: Book, market: Market, step: Step) -> None:
    kind, quantity, price, which = step
    if kind == "move":
        market.move("X", Decimal(price))
        book.settle()
        return
    order = Order(
        number=0,
        book="stock",
        account="1",
        product="01",
        code="X",
        name="X",
        side=SELL if kind == "sell" else BUY,
        quantity=Decimal(quantity),
        price=Decimal(price),
        placed=datetime(2026, 1, 15, tzinfo=KST),
        change={"amend": AMENDED, "cancel": CANCELLED}.get(kind, "00"),
        strict=True,
    )
    try:
        if kind in ("buy", "sell"):
            book.place(order)
        else:
            book.change("stock", "1", 5_000_001 + which, order)
    except Fault as fault:
        assert fault.code in {"APBK0400", "APBK0952", "40320000"}
