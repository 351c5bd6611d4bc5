"""The simulator's own paths: faults on request, counters, the session, the clock, prices, and starting anew."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, RemoteDisconnected
from typing import Any
from urllib.parse import urlsplit

import pytest

from runner.errors import UsageError
from runner.kis.commands import simulate
from runner.kis.simulator import Simulator
from runner.kis.simulator.faults import Effect, Faults, Rule

PRICE = "domestic-stock/v1/quotations/inquire-price"
BALANCE = "domestic-stock/v1/trading/inquire-balance"
ORDER = "domestic-stock/v1/trading/order-cash"
FUTURES = "domestic-futureoption/v1/trading/order"
OVERSEAS = "overseas-stock/v1/trading/order"


@dataclass
class Browser:
    """Somebody who calls both the broker's paths and the simulator's own, over HTTP."""

    simulator: Simulator
    token: str = ""

    def call(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> tuple[int, Any]:
        connection = HTTPConnection(urlsplit(self.simulator.mock_url).netloc, timeout=10)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"content-type": "application/json", **(headers or {})})
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def control(self, method: str, path: str, body: Any = None) -> Any:
        status, value = self.call(method, f"/_simulator/{path}", body)
        assert status == 200, value
        return value

    def pair(self) -> dict[str, str]:
        return {name: self.simulator.credentials[f"VTS_{name.upper()}"] for name in ("appkey", "appsecret")}

    def issue(self) -> str:
        answer = self.call("POST", "/oauth2/tokenP", {"grant_type": "client_credentials", **self.pair()})[1]
        self.token = answer.get("access_token", self.token)
        return str(answer.get("error_code", ""))

    def signed(self, tr_id: str, **headers: str) -> dict[str, str]:
        return {**self.pair(), "authorization": f"Bearer {self.token}", "tr_id": tr_id, **headers}

    def quote(self) -> str:
        query = "FID_COND_MRKT_DIV_CODE=J&FID_INPUT_ISCD=005930"
        return str(self.call("GET", f"/uapi/{PRICE}?{query}", None, self.signed("FHKST01010100"))[1]["msg_cd"])

    def buy(self, price: str = "55000", path: str = ORDER, tr_id: str = "VTTC0802U", **headers: str) -> str:
        body = {"CANO": self.simulator.credentials["CANO"], "ACNT_PRDT_CD": "01", "PDNO": "005930", "ORD_DVSN": "00"}
        body |= {"ORD_QTY": "1", "ORD_UNPR": price, "OVRS_EXCG_CD": "NASD", "OVRS_ORD_UNPR": price, "ORD_SVR_DVSN_CD": "0"}
        return str(self.call("POST", f"/uapi/{path}", body, self.signed(tr_id, **headers))[1]["msg_cd"])


@pytest.fixture
def browser() -> Iterator[Browser]:
    with Simulator(limits=False) as simulator:
        browser = Browser(simulator)
        browser.issue()
        yield browser


@pytest.mark.parametrize(
    ("text", "hits"),
    [
        ("EGW00201", [1, 2, 3, 4, 5, 6]),
        ("EGW00201@3", [3]),
        ("EGW00201@2-4", [2, 3, 4]),
        ("EGW00201@5-", [5, 6]),
        ("egw00201@*3", [3, 6]),
        ("EGW00201@0%", []),
        ("EGW00201@100%", [1, 2, 3, 4, 5, 6]),
        ("EGW00201@2:inquire-price", [2]),
        ("EGW00201@2:FHKST01010100", [2]),
        ("EGW00201:order-cash", []),
    ],
)
def test_which_calls_a_fault_hits(text: str, hits: list[int]) -> None:
    faults = Faults(0)
    faults.arm(text)
    drawn = [faults.draw(f"/uapi/{PRICE}", "FHKST01010100") for _ in range(6)]
    assert [place for place, effect in enumerate(drawn, 1) if effect.code] == hits


def test_a_fault_without_a_place_is_for_the_apis_only() -> None:
    faults = Faults(0)
    faults.arm("drop")
    assert faults.draw("/oauth2/tokenP", "") == Effect()
    faults.arm("EGW00133:tokenP")
    assert faults.draw("/oauth2/tokenP", "").code == "EGW00133"


def test_random_faults_are_the_same_for_one_seed_and_about_as_many_as_asked() -> None:
    def drawn(seed: int) -> list[bool]:
        faults = Faults(seed)
        faults.arm("drop@10%")
        return [faults.draw("/uapi/x", "").drop for _ in range(1000)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert 60 < sum(drawn(1)) < 140


def test_faults_add_up() -> None:
    faults = Faults(0)
    for text in ("delay=20", "delay=30", "expire", "EGW00201"):
        faults.arm(text)
    assert faults.draw("/uapi/x", "") == Effect(code="EGW00201", delay=50, expire=True)


@pytest.mark.parametrize("text", ["", "EGW99999", "delay", "drop=3", "EGW00201@", "EGW00201@x", "EGW00201@*0", "a b"])
def test_what_is_no_fault(text: str) -> None:
    with pytest.raises(UsageError, match="not a fault"):
        Rule.parse(text)


def test_a_refusal_is_not_carried_out_and_counts_as_no_violation(browser: Browser) -> None:
    browser.control("POST", "faults", {"fault": "EGW00201@2"})
    assert [browser.quote(), browser.buy(), browser.buy()] == ["MCA00000", "EGW00201", "APBK0013"]
    counted = browser.control("GET", "counters")["mock"]
    assert (counted["faults"], counted["violations"]) == (1, 0)
    assert counted["orders"] == {"received": 2, "taken": 1, "repeated": 0}


@pytest.mark.parametrize("code", ["EGW00301", "EGW00302"])
def test_an_order_that_timed_out_was_taken(browser: Browser, code: str) -> None:
    browser.control("POST", "faults", {"fault": f"{code}@1"})
    assert [browser.buy(), browser.buy("54000")] == [code, "APBK0013"]
    assert [order["number"] for order in browser.control("GET", "orders")] == [5000001, 5000002]


def test_a_dropped_call_was_not_looked_at_and_a_lost_answer_was_given(browser: Browser) -> None:
    for way in ("drop", "lose"):
        browser.control("POST", "faults", {"fault": f"{way}@1"})
        with pytest.raises(RemoteDisconnected):
            browser.buy(gt_uid=way)
    assert [order["client"] for order in browser.control("GET", "orders")] == ["lose"]


def test_a_delayed_call_waits_and_the_others_do_not(browser: Browser) -> None:
    browser.control("POST", "faults", {"fault": "delay=80@1"})
    began = time.perf_counter()
    browser.quote()
    slow = time.perf_counter() - began
    assert browser.quote() == "MCA00000"
    assert slow >= 0.08
    assert time.perf_counter() - began - slow < slow


def test_an_expired_token_is_replaced_only_a_minute_after_it_was_issued(browser: Browser) -> None:
    browser.control("POST", "faults", {"fault": "expire@1"})
    old = browser.token
    assert [browser.quote(), browser.issue()] == ["EGW00123", "EGW00133"]
    browser.control("POST", "clock", {"advance": 60})
    assert [browser.issue(), browser.quote()] == ["", "MCA00000"]
    counted = browser.control("GET", "counters")["mock"]
    assert (counted["tokens"], counted["token_refusals"]) == ({"VTS": 2}, 1)
    assert browser.token != old


def test_a_token_can_be_refused_on_request(browser: Browser) -> None:
    browser.control("POST", "clock", {"advance": 60})
    browser.control("POST", "faults", {"fault": "EGW00002@1:tokenP"})
    assert [browser.issue(), browser.issue()] == ["EGW00002", ""]


def test_a_token_dies_of_age(browser: Browser) -> None:
    browser.control("POST", "clock", {"advance": 86_400})
    assert browser.quote() == "EGW00123"


def test_limit_violations_are_counted() -> None:
    with Simulator(clock=lambda: 1_800_000_000.0) as simulator:
        browser = Browser(simulator)
        browser.issue()
        assert [browser.quote() for _ in range(4)] == ["MCA00000"] * 2 + ["EGW00201"] * 2
        assert browser.control("GET", "counters")["mock"]["violations"] == 2


def test_orders_are_told_apart_by_gt_uid_or_else_by_what_they_say(browser: Browser) -> None:
    for price in ("55000", "55000", "56000"):
        browser.buy(price)
    for _ in range(2):
        browser.buy("57000", gt_uid="order-1")
    orders = browser.control("GET", "orders")
    assert len({order["client"] for order in orders}) == 3
    assert browser.control("GET", "counters")["mock"]["orders"] == {"received": 5, "taken": 5, "repeated": 2}


def test_the_list_of_orders_shows_no_account_number(browser: Browser) -> None:
    browser.buy()
    text = json.dumps(browser.control("GET", "orders"))
    assert browser.simulator.credentials["CANO"] not in text
    assert "50****01" in text


@pytest.mark.parametrize("session", ["night", "holiday"])
def test_outside_the_session_domestic_orders_are_refused_and_overseas_ones_are_not(browser: Browser, session: str) -> None:
    browser.control("POST", "session", {"session": session})
    assert [browser.buy(), browser.quote()] == ["40570000", "MCA00000"]
    assert browser.buy("1", OVERSEAS, "VTTT1002U") == "APBK0013"
    browser.control("POST", "session", {"session": "open"})
    assert browser.buy() == "APBK0013"


def test_a_price_fills_what_was_waiting_for_it_and_reset_starts_anew(browser: Browser) -> None:
    browser.buy("55000")
    browser.control("POST", "prices", {"005930": "54900"})
    browser.control("POST", "faults", {"fault": "drop"})
    book = browser.simulator.gateways["mock"].desk.book
    assert [order.filled for order in book.orders("stock", browser.simulator.credentials["CANO"])] == [1]

    browser.control("POST", "reset")
    assert browser.control("GET", "orders") == []
    assert browser.control("GET", "counters")["mock"]["calls"] == 0
    assert browser.control("GET", "faults") == {"faults": []}
    assert browser.quote() == "MCA00000"
    assert browser.simulator.gateways["mock"].desk.book.orders("stock", browser.simulator.credentials["CANO"]) == []


def test_faults_are_listed_and_taken_back(browser: Browser) -> None:
    browser.control("POST", "faults", {"fault": "drop@9"})
    assert browser.control("GET", "faults") == {"faults": ["drop@9"]}
    assert browser.control("DELETE", "faults") == {"faults": []}


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "error"),
    [
        ("GET", "nothing", None, 404, "no such thing"),
        ("GET", "reset", None, 404, "no such thing"),
        ("POST", "faults", {"fault": "EGW99999"}, 400, "not a fault"),
        ("POST", "faults", {}, 400, "missing: fault"),
        ("POST", "faults", [], 400, "JSON object"),
        ("POST", "session", {"session": "lunch"}, 400, "no such session"),
        ("POST", "clock", {"advance": "soon"}, 400, "not a positive number"),
        ("POST", "clock", {"advance": -1}, 400, "not a positive number"),
        ("POST", "prices", {"005930": "NaN"}, 400, "not a positive number"),
    ],
)
def test_calls_that_make_no_sense(browser: Browser, method: str, path: str, body: Any, status: int, error: str) -> None:
    answer = browser.call(method, f"/_simulator/{path}", body)
    assert answer[0] == status
    assert error in answer[1]["error"]


def test_faults_from_the_start() -> None:
    with Simulator(limits=False, faults=["EGW00002@1"]) as simulator:
        browser = Browser(simulator)
        browser.issue()
        assert [browser.quote(), browser.quote()] == ["EGW00002", "MCA00000"]


def test_a_bad_fault_on_the_command_line_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="not a fault"):
        simulate.main(["--fault", "EGW99999"], standalone_mode=False)
