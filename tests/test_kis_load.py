"""Under load nothing reaches the broker, on neither host, and no order goes anywhere at all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from runner.errors import Refused, UsageError
from runner.events import RequestSent
from runner.kis.extension import KisExtension
from runner.kis.guard import OrderGuard
from runner.kis.simulator import Simulator
from tests.kis_runs import ORDER, PRICE, failures, issues, order, price, run, token
from tests.kis_turns import MOCK, REAL, scopes, sent

STAND_IN = "http://127.0.0.1:8443"
MONEY_MOVING = Path(__file__).parents[2] / "shared" / "kis" / "money_moving.json"


def refusal(url: str, headers: Mapping[str, str] | None = None, *, method: str = "GET", source: str = "item") -> str:
    """What the guard of a load test says, whose VTS is a server on this machine; empty where it lets the request out."""
    try:
        KisExtension(load=True, lookup=scopes(VTS=STAND_IN, PROD=REAL).lookup).guard(sent(url, headers, method=method), source)
    except Refused as error:
        return error.what
    return ""


@pytest.mark.parametrize("source", ["item", "script", "redirect", "auth"])
@pytest.mark.parametrize(
    "host", [REAL, MOCK, "https://OpenAPI.KoreaInvestment.com.:1", "https://openapi%2Ekoreainvestment%2Ecom"]
)
def test_the_brokers_hosts_are_never_asked_anything(host: str, source: str) -> None:
    for prepared in (host + PRICE, host + "/oauth2/tokenP"):
        assert refusal(prepared, source=source) == "refused: a load test sends nothing to the broker"
        assert refusal(prepared, method="POST", source=source) == "refused: a load test sends nothing to the broker"


def test_nor_behind_a_host_header() -> None:
    assert "nothing to the broker" in refusal(f"http://127.0.0.1:1{PRICE}", {"host": MOCK.removeprefix("https://")})


@pytest.mark.parametrize("url", [STAND_IN + ORDER, "http://localhost:8443" + ORDER])
def test_a_stand_in_gets_no_order_either(url: str) -> None:
    assert "sends no orders" in refusal(url, method="POST")
    assert "sends no orders" in refusal(url, {"tr_id": "VTTC0802U"})


@pytest.mark.parametrize("tr_id", ["TTTC0802U", "VTTC0802U", " ttTC0801u "])
def test_an_order_is_known_by_its_tr_id_wherever_it_goes(tr_id: str) -> None:
    prepared = sent("https://gate.example.com/x", {"tr_id": tr_id}, method="GET")
    for guard in (OrderGuard(load=True), KisExtension(load=True)):
        with pytest.raises(Refused, match="sends no orders"):
            guard.guard(prepared, "item")
    OrderGuard().guard(prepared, "item")  # which somebody else's collection may send otherwise


@pytest.mark.skipif(not MONEY_MOVING.exists(), reason="the broker's tables are not part of the project")
def test_every_known_order() -> None:
    for entry in json.loads(MONEY_MOVING.read_text(encoding="utf-8"))["entries"]:
        for host in (REAL, MOCK, STAND_IN, "https://gate.example.com"):
            assert refusal(host + entry["path"], {"tr_id": entry["tr_id"]}, method="POST"), entry


def test_what_else_is_asked_of_a_stand_in_goes_out() -> None:
    assert not refusal(STAND_IN + PRICE, {"tr_id": "FHKST01010100"})
    assert not refusal(STAND_IN + "/oauth2/tokenP", method="POST")
    assert not refusal("https://api.example.com/orders", method="POST")


@pytest.mark.parametrize("name", ["allow_real_orders", "simulate"])
def test_orders_cannot_be_allowed(name: str) -> None:
    with Simulator() as simulator, pytest.raises(UsageError, match="a load test sends no orders"):
        run(simulator, price(), load_test=True, **{name: True})


def test_a_run_under_load_holds_back_the_order_and_is_not_slowed_down() -> None:
    with Simulator(limits=False) as simulator:
        happened = run(simulator, token(), *[price()] * 30, order(), load_test=True, rate=None)
    sent = [event for event in happened if isinstance(event, RequestSent)]
    assert [event.refused for event in sent] == [False] * 31 + [True]
    assert sent[-1].at - sent[0].at < 5  # at two calls a second it would be 15


def test_users_share_a_token() -> None:
    """As they have to, if they have one app key: the broker issues one a minute."""
    with Simulator(limits=False) as simulator:
        for _ in range(2):
            assert failures(run(simulator, token(), price(), load_test=True)) == []
        assert issues(simulator) == 1
