"""The simulator over HTTP: kept connections, and how it starts and stops."""

from __future__ import annotations

import json
import time
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest
from click import BadParameter

from runner.errors import UsageError
from runner.kis.commands import simulate
from runner.kis.simulator import Simulator

PRICE = "/uapi/domestic-stock/v1/quotations/inquire-price"


def exchange(
    connection: HTTPConnection, path: str, headers: dict[str, str], body: bytes | None = None
) -> tuple[int, dict[str, str], Any]:
    connection.request("POST" if body else "GET", path, body, headers)
    response = connection.getresponse()
    return response.status, dict(response.getheaders()), json.loads(response.read())


def connected(url: str) -> HTTPConnection:
    return HTTPConnection(urlsplit(url).netloc, timeout=5)


def pair(simulator: Simulator) -> dict[str, str]:
    return {"appkey": simulator.credentials["VTS_APPKEY"], "appsecret": simulator.credentials["VTS_APPSECRET"]}


def signed(simulator: Simulator, connection: HTTPConnection) -> dict[str, str]:
    body = json.dumps({"grant_type": "client_credentials", **pair(simulator)}).encode()
    token = exchange(connection, "/oauth2/tokenP", {"content-type": "application/json"}, body)[2]["access_token"]
    basic = {"content-type": "application/json", "authorization": f"Bearer {token}", "tr_id": " FHKST01010100 "}
    return {**basic, **pair(simulator)}


def test_a_connection_is_kept_and_bare_keys_count_as_present() -> None:
    with Simulator(limits=False) as simulator:
        connection = connected(simulator.mock_url)
        headers = signed(simulator, connection)
        first = connection.sock
        replies = [exchange(connection, f"{PRICE}?fid_cond_mrkt_div_code&fid_input_iscd=005930", headers) for _ in range(3)]
        exchange(connection, f"{PRICE}?fid_input_iscd=005930", headers)
        assert connection.sock is first is not None
        connection.close()

    assert [reply[0] for reply in replies] == [200] * 3
    assert replies[0][1]["tr_id"] == "FHKST01010100"
    assert replies[0][1]["content-type"] == "application/json; charset=utf-8"
    assert [entry.msg_cd for entry in simulator.log] == ["", *["MCA00000"] * 3, "OPSQ2001"]
    assert {(entry.host, entry.path, entry.tr_id) for entry in simulator.log[1:]} == {("mock", PRICE, "FHKST01010100")}


def test_a_body_is_read_whole_between_requests() -> None:
    with Simulator(limits=False) as simulator:
        connection = connected(simulator.real_url)
        headers = {"content-type": "application/json", **pair(simulator)}
        replies = [exchange(connection, "/nowhere", headers, b"x" * 100_000) for _ in range(2)]
        connection.close()

    assert [(status, body["msg_cd"]) for status, _, body in replies] == [(500, "EGW02004")] * 2
    assert [order.host for order in simulator.orders] == ["real", "real"]


def test_start_and_stop_are_quick_even_with_an_open_connection() -> None:
    Simulator().start().close()
    began = time.perf_counter()
    simulator = Simulator(limits=False).start()
    started = time.perf_counter()
    connection = connected(simulator.mock_url)
    exchange(connection, PRICE, {})
    stopping = time.perf_counter()
    simulator.close()
    ended = time.perf_counter()

    with pytest.raises(ConnectionError):
        exchange(connection, PRICE, {})
    connection.close()
    assert started - began < 1
    assert ended - stopping < 1


def test_a_taken_port_is_an_os_error() -> None:
    with Simulator() as simulator:
        port = urlsplit(simulator.mock_url).port
        with pytest.raises(OSError, match="in use"):
            Simulator(real_port=port or 0).start()


def test_a_given_port_is_used_again_at_once() -> None:
    with Simulator() as simulator:
        port = urlsplit(simulator.mock_url).port or 0
    with Simulator(mock_port=port).start() as again:
        assert urlsplit(again.mock_url).port == port


@pytest.mark.parametrize("option", ["--mock-port", "--real-port"])
def test_a_port_that_is_taken_is_a_usage_error(option: str) -> None:
    with Simulator() as simulator, pytest.raises(UsageError, match="cannot listen"):
        simulate.main([option, str(urlsplit(simulator.mock_url).port)], standalone_mode=False)


@pytest.mark.parametrize("port", ["99999", "-1"])
def test_ports_out_of_range_are_not_taken(port: str) -> None:
    with pytest.raises(BadParameter, match="range"):
        simulate.main(["--mock-port", port], standalone_mode=False)
