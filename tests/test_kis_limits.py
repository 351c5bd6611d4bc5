"""Calls a second: what leaves keeps the broker's limits, what came too fast is sent again, and orders never are in doubt."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import SendError
from runner.extension import Extension
from runner.kis.extension import CHECK_ORDERS, KisExtension
from runner.kis.limits import RATES, RETRIES, Limits, Window
from runner.kis.orders import Orders
from runner.kis.simulator import Simulator
from runner.model import Prepared, Response
from tests.fakes import Bench, FakeWire, item
from tests.kis_runs import balance, failures, order, price, run, sent, token
from tests.kis_turns import MOCK, REAL

ORDER = "/uapi/domestic-stock/v1/trading/order-cash"
HEADERS = [{"key": "appkey", "value": "k"}, {"key": "tr_id", "value": "VTTC0802U"}]

# ----------------------------------------------------------------------------------------------------------------- windows

spans = st.floats(0, 3, allow_nan=False)


@given(rate=st.sampled_from([0.4, 1, 1.5, 2, 3.7, 18]), calls=st.lists(st.tuples(spans, spans, st.floats(0, 1)), max_size=60))
def test_no_second_holds_more_calls_than_the_rate_wherever_they_are_counted(
    rate: float, calls: Sequence[tuple[float, float, float]]
) -> None:
    now = 0.0
    window = Window(rate, lambda: now)
    arrived: list[float] = []
    for think, way, part in calls:
        now += think
        now += window.take()
        arrived.append(now + way * part)  # anywhere between leaving and being answered
        now += way
        window.answered()
    size = max(1, int(rate))
    assert all(later - earlier >= size / rate for earlier, later in zip(arrived, arrived[size:], strict=False))


def test_a_rate_is_used_up_before_anything_waits() -> None:
    window = Window(18, lambda: 5.0)
    assert [window.take() for _ in range(18)] == [0.0] * 18
    assert window.take() == pytest.approx(1.01)


def test_each_key_on_each_host_has_a_window_of_its_own() -> None:
    limits = Limits({"mock": 1})
    first = [("mock", "m", "a"), ("mock", "m", "b"), ("mock", "n", "a"), ("real", "r", "a"), ("real", "r", "a")]
    assert [limits.take(*place) for place in first] == [0.0] * 5
    assert limits.take("mock", "m", "a") == pytest.approx(1.01, abs=0.1)


def test_runs_that_follow_each_other_share_the_windows() -> None:
    assert Limits({"mock": 1}).take("mock", "following", "a") == 0.0
    assert Limits({"mock": 1}).take("mock", "following", "a") > 0.5


def test_a_simulators_limits_are_kept_for_items_and_scripts() -> None:
    """At the very rate that is enforced, and with both hosts in one run."""
    call = "pm.sendRequest({url: pm.environment.get('VTS') + '/uapi/hashkey', method: 'POST', header: {'content-type':"
    call += "'application/json', appkey: pm.environment.get('VTS_APPKEY'), appsecret: pm.environment.get('VTS_APPSECRET')},"
    call += "body: {mode: 'raw', raw: '{}'}})"
    rates = {"real": 40, "mock": 40}
    with Simulator(rates=rates) as simulator:
        happened = run(simulator, token(), token(prefix="PROD"), price(pre=call), price(prefix="PROD"), rate=40, iterations=30)
        codes = [entry.msg_cd for entry in simulator.log]
    assert failures(happened) == []
    assert len(codes) == 2 + 3 * 30
    assert "EGW00201" not in codes


def test_the_defaults_keep_the_limits_of_a_simulated_run() -> None:
    with Simulator() as simulator:
        happened = run(simulator, token(), price(), balance(), simulate=True, simulate_limits=True, rate=None)
    assert failures(happened) == []
    assert RATES == {"real": 18, "mock": 2}


# ----------------------------------------------------------------------------------------------------------------- retries


def answering(*codes: str, status: int = 500) -> FakeWire:
    """A wire that answers with these codes of the broker in turn; `drop` is a connection that ends."""
    left = iter(codes)

    def answer(prepared: Prepared) -> Response:
        code = next(left)
        if code != "ok" and not code.startswith("EGW"):
            raise SendError("the connection is gone", code=code)
        body = {"rt_cd": "0" if code == "ok" else "1", "msg_cd": "MCA00000" if code == "ok" else code, "msg1": "글"}
        return Response(code=200 if code == "ok" else status, reason="", url=prepared.url, body=json.dumps(body).encode())

    return FakeWire(answer)


def bench(
    wire: FakeWire, *items: Any, extensions: Sequence[Extension] = (), host: str = MOCK
) -> tuple[list[str], list[float], Any]:
    slept: list[float] = []
    setup = Bench(wire=wire, extensions=(KisExtension(), *extensions), sleep=slept.append)
    return sent(happened := setup.run(items)), slept, happened


GET = item("get", url=MOCK + "/uapi/x", header=HEADERS[:1])
POST = item("post", url=MOCK + ORDER, method="POST", header=HEADERS)


class Stubborn(Extension):
    """Wants everything sent again, as `--retry` may."""

    def again(self, prepared: Prepared, source: str, attempt: int, outcome: Response | SendError) -> float | None:
        answered = isinstance(outcome, Response) and outcome.code == 200
        return 0.0 if attempt < 3 and not answered else None


@pytest.mark.parametrize("code", ["EGW00201", "EGW00215"])
def test_an_inquiry_that_came_too_fast_is_made_again(code: str) -> None:
    lines, slept, happened = bench(answering(code, code, "ok"), GET)
    assert lines == ["retry get 500", "retry get 500", "item get 200"]
    assert slept == [1.0, 2.0]
    assert failures(happened) == []


def test_not_for_ever() -> None:
    lines, slept, happened = bench(answering(*["EGW00201"] * (RETRIES + 1)), GET, extensions=(Stubborn(),))
    assert lines == ["retry get 500"] * RETRIES + ["item get 500"]
    assert slept == [1.0, 2.0, 4.0, 8.0, 8.0]
    assert failures(happened) == ["EGW00201 글"]


def test_an_order_that_the_gateway_refused_for_its_pace_is_sent_again() -> None:
    assert bench(answering("EGW00201", "ok"), POST)[0] == ["retry post 500", "item post 200"]


@pytest.mark.parametrize("code", ["EGW00215", "EGW00301", "EGW00302", "EGW00002"])
def test_an_order_whose_answer_leaves_doubt_is_never_sent_again(code: str) -> None:
    lines, _, happened = bench(answering(code, "ok"), POST, extensions=(Stubborn(),))
    assert lines == ["item post 500"]
    assert failures(happened) == [f"{code} 글"]


@pytest.mark.parametrize("code", ["ESOCKETTIMEDOUT", "ECONNRESET", "EPIPE", "HPE_INVALID_CONSTANT", "ETIMEDOUT"])
@pytest.mark.parametrize("host", [MOCK, REAL])
def test_an_order_without_an_answer_is_never_sent_again_and_the_report_says_what_to_do(code: str, host: str) -> None:
    slept: list[float] = []
    wire = answering(code, "ok")
    extensions = (KisExtension(orders=Orders(allowed=5)), Stubborn())
    tr_id = {"key": "tr_id", "value": "TTTC0802U" if host == REAL else "VTTC0802U"}
    happened = Bench(wire=wire, extensions=extensions, sleep=slept.append).run(
        [item("post", url=host + ORDER, method="POST", header=[*HEADERS[:1], tr_id])]
    )
    assert len(wire.sent) == 1
    assert sent(happened) == [f"item post the connection is gone: {CHECK_ORDERS}"]
    assert "주문내역을 확인하세요" in CHECK_ORDERS
    assert "check the order list" in CHECK_ORDERS


@pytest.mark.parametrize("code", ["ECONNREFUSED", "ENOTFOUND", "CERT_HAS_EXPIRED"])
def test_an_order_that_never_left_needs_no_look_at_the_list(code: str) -> None:
    assert bench(answering(code), POST)[0] == ["item post the connection is gone"]


def test_an_order_that_timed_out_behind_the_gateway_is_marked() -> None:
    _, _, happened = bench(answering("EGW00302", status=200), POST)
    assert CHECK_ORDERS in [getattr(event, "text", "") for event in happened]


def test_an_order_that_ctrl_c_cut_off_is_in_doubt_too() -> None:
    def pressed(prepared: Prepared) -> Response:
        raise KeyboardInterrupt

    lines, _, happened = bench(FakeWire(pressed), POST, GET, extensions=(Stubborn(),))
    assert lines == [f"item post interrupted before the answer came: {CHECK_ORDERS}"]
    assert [type(event).__name__ for event in happened[-2:]] == ["Interrupted", "RunFinished"]
    assert bench(FakeWire(pressed), GET)[0] == ["item get interrupted before the answer came"]


def test_other_retries_still_work_for_inquiries_and_elsewhere() -> None:
    wire = answering("ECONNRESET", "EGW00002", "ok", "EGW00201", "ok")
    elsewhere = item("elsewhere", url="http://server/uapi/x", method="POST")
    lines, _, _ = bench(wire, GET, elsewhere, extensions=(Stubborn(),))
    assert lines[:3] == ["retry get the connection is gone", "retry get 500", "item get 200"]
    assert lines[3:] == ["retry elsewhere 500", "item elsewhere 200"]


def test_a_request_for_a_token_is_not_repeated() -> None:
    body = {"grant_type": "client_credentials", "appkey": "k", "appsecret": "s"}
    asking = item("token", url=MOCK + "/oauth2/tokenP", method="POST", body={"mode": "raw", "raw": json.dumps(body)})
    lines, _, _ = bench(answering("EGW00105", "ok", status=403), asking, extensions=(Stubborn(),))
    assert lines == ["item token 403"]


def test_a_window_is_told_of_what_happened_to_calls_elsewhere() -> None:
    """A call to another service between two of the broker's leaves the broker's window as it was."""
    extension = KisExtension(rates={"mock": 1})
    here = Prepared(method="GET", url=MOCK + "/uapi/x", headers=(("appkey", "k"),))
    there = Prepared(method="GET", url="http://server/x")
    gone = SendError("gone", code="ECONNRESET")
    assert extension.pace(here, "item") == 0.0
    assert extension.again(here, "item", 1, gone) is None
    assert (extension.pace(there, "item"), extension.again(there, "item", 1, gone)) == (0.0, None)
    assert 0.5 < extension.pace(here, "item") <= 1.01
    assert math.isinf(extension.again(Prepared(method="POST", url=MOCK + ORDER), "item", 1, gone) or 0)


def test_an_order_is_sent_once_whatever_the_simulator_does_with_it() -> None:
    faults = ("EGW00201@1:order-cash", "lose@3:order-cash", "EGW00302@4:order-cash")
    with Simulator(limits=False, faults=faults) as simulator:
        happened = run(simulator, token(), order("first"), order("second"), order("third"))
        orders = [(call.msg_cd, call.accepted) for call in simulator.orders]
    assert [line.partition(":")[0] for line in sent(happened)] == [
        "item token 200",
        "retry first 500",
        "item first 200",
        "item second socket hang up",
        "item third 500",
    ]
    assert orders == [("EGW00201", False), *[("APBK0013", True)] * 3]
