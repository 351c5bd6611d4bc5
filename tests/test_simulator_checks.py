"""The simulator's checks of single parameters, and what depends on the market's session."""

from __future__ import annotations

import pytest

from runner.kis.endpoints import endpoints
from runner.kis.simulator import Simulator
from tests.test_simulator import ORDER, PRICE, QUOTE, Client, Clock, code, order_body, other


@pytest.fixture
def client() -> Client:
    client = Client(Simulator(limits=False, clock=Clock()))
    client.issue()
    return client


@pytest.mark.parametrize(
    ("changed", "expected", "field"),
    [
        ({"ACNT_PRDT_CD": "1"}, "OPSQ2002", "ACNT_PRDT_CD"),
        ({"ORD_QTY": "one"}, "OPSQ2002", "ORD_QTY"),
        ({"ORD_QTY": "0"}, "OPSQ2002", "ORD_QTY"),
        ({"ORD_UNPR": "0"}, "OPSQ2002", "ORD_UNPR"),
        ({"ORD_UNPR": "cheap"}, "OPSQ2002", "ORD_UNPR"),
        ({"PDNO": ""}, "OPSQ2001", "PDNO"),
        ({"ORD_UNPR": "55050"}, "APBK0506", ""),
        ({"ORD_UNPR": "55000.5"}, "APBK0506", ""),
    ],
)
def test_orders_with_a_bad_value(client: Client, changed: dict[str, str], expected: str, field: str) -> None:
    answer = client.post(ORDER, "VTTC0802U", order_body(client, **changed))
    assert (answer.status, code(answer)) == (200, expected)
    assert f"[{field}]" in answer.body["msg1"] or not field


def test_a_market_order_needs_no_price(client: Client) -> None:
    assert code(client.post(ORDER, "VTTC0802U", order_body(client, ORD_DVSN="01", ORD_UNPR="0"))) == "APBK0013"


@pytest.mark.parametrize("value", ["2026-01-15", "260115", "today"])
def test_dates_have_eight_digits(client: Client, value: str) -> None:
    path = "domestic-stock/v1/trading/inquire-daily-ccld"
    query = dict.fromkeys(endpoints()[path].required["VTTC8001R"], "") | {"CANO": client.account, "ACNT_PRDT_CD": "01"}
    assert client.get(path, "VTTC8001R", query | {"INQR_STRT_DT": value}).body["msg1"].endswith("[INQR_STRT_DT]")
    assert code(client.get(path, "VTTC8001R", query)) == "KIOK0510"


def test_a_market_that_does_not_exist(client: Client) -> None:
    answer = client.get(PRICE, "FHKST01010100", QUOTE | {"FID_COND_MRKT_DIV_CODE": "주식"})
    assert code(answer) == "OPSQ2001"


@pytest.mark.parametrize(("session", "today"), [("open", "Y"), ("holiday", "N")])
def test_trading_days_go_on_from_the_day_asked_for(client: Client, session: str, today: str) -> None:
    real = other(client, "PROD")  # 2027-01-15, a Friday
    client.simulator.session = session
    query = {"BASS_DT": "20270114", "CTX_AREA_NK": "", "CTX_AREA_FK": ""}
    rows = real.get("domestic-stock/v1/quotations/chk-holiday", "CTCA0903R", query).body["output"]
    assert [(row["bass_dt"], row["wday_dvsn_cd"], row["opnd_yn"]) for row in rows[:5]] == [
        ("20270114", "05", "Y"),
        ("20270115", "06", today),
        ("20270116", "07", "N"),
        ("20270117", "01", "N"),
        ("20270118", "02", "Y"),
    ]


@pytest.mark.parametrize(
    ("session", "day", "night"), [("open", "ok", "closed"), ("night", "closed", "ok"), ("holiday", "closed", "closed")]
)
def test_night_orders_are_for_the_night(client: Client, session: str, day: str, night: str) -> None:
    futures = other(client, "PROT")
    client.simulator.session = session
    order = {"CANO": futures.account, "ACNT_PRDT_CD": "03", "SLL_BUY_DVSN_CD": "02", "SHTN_PDNO": "A01612", "ORD_QTY": "1"}
    path = "domestic-futureoption/v1/trading/order"
    order |= {"ORD_PRCS_DVSN_CD": "02", "UNIT_PRICE": "300", "NMPR_TYPE_CD": "01", "KRX_NMPR_CNDT_CD": "0", "ORD_DVSN_CD": "01"}
    codes = [code(futures.post(path, tr, order)) for tr in ("TTTO1101U", "JTCE1001U")]
    closed = "APBK0919" if session == "holiday" else "APBK0918"
    assert codes == ["APBK0013" if word == "ok" else closed for word in (day, night)]
