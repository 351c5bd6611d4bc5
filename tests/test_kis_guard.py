"""What may go to the real host: nothing that moves money, however it is written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from runner.errors import ExitCode, Refused
from runner.kis.extension import KisExtension
from runner.kis.hosts import Hosts, Kind
from runner.kis.money import moves_money, names_real_order
from runner.kis.orders import Orders
from tests.kis_turns import MOCK, REAL, post, scopes, sent, turn

MONEY_MOVING = Path(__file__).parents[2] / "shared" / "kis" / "money_moving.json"
ORDER = "/uapi/domestic-stock/v1/trading/order-cash"
CASH = {"tr_id": "TTTC0802U"}


def refused(url: str, headers: dict[str, str] | None = None, *, method: str = "POST", source: str = "item") -> bool:
    try:
        KisExtension().guard(sent(url, headers, method=method), source)
    except Refused:
        return True
    return False


@pytest.mark.skipif(not MONEY_MOVING.exists(), reason="the broker's tables are not part of the project")
def test_every_known_order() -> None:
    entries = json.loads(MONEY_MOVING.read_text(encoding="utf-8"))["entries"]
    assert len({entry["tr_id"] for entry in entries}) == 84
    for entry in entries:
        headers = {"tr_id": entry["tr_id"]}
        assert refused(REAL + entry["path"], headers), entry
        assert refused(REAL + entry["path"]), entry
        assert refused(REAL + "/uapi/hashkey", headers), entry
        assert not refused(MOCK + entry["path"], headers), entry
        KisExtension(orders=Orders(allowed=1)).guard(sent(REAL + entry["path"], headers), "item")
        assert names_real_order(sent("https://gate.example.com/x", headers)) is (entry["tr_id"][0] != "V"), entry


def test_a_refusal_says_what_where_and_what_to_do() -> None:
    with pytest.raises(Refused) as caught:
        KisExtension().guard(sent(f"{REAL}{ORDER}?secret=1", {"tr_id": "ttTC0802u "}), "item")
    error = caught.value
    assert error.what == "refused: TTTC0802U moves money on a real account"
    assert error.where == f"POST {REAL}{ORDER}"
    assert "--allow-real-orders" in error.hint
    assert error.exit_code == ExitCode.REFUSED


@pytest.mark.parametrize("source", ["item", "script", "redirect", "auth"])
def test_whoever_sends_it(source: str) -> None:
    assert refused(REAL + ORDER, CASH, source=source)


def test_a_refusal_says_who_sent_it() -> None:
    for source, words in (("script", "sent by a script"), ("redirect", "after a redirect")):
        with pytest.raises(Refused, match=words):
            KisExtension().guard(sent(REAL + ORDER, CASH), source)


@pytest.mark.parametrize(
    "url",
    [
        "https://OpenAPI.KoreaInvestment.COM:9443",
        "https://openapi.koreainvestment.com.:9443",
        "https://openapi.koreainvestment.com",
        "http://openapi.koreainvestment.com:80",
        "https://openapi.koreainvestment.com:29443",
        "https://user:secret@openapi.koreainvestment.com:9443",
        "https://openapivts.koreainvestment.com@openapi.koreainvestment.com:9443",
        "https://a@b@openapi.koreainvestment.com:9443",
        "https:\\\\openapi.koreainvestment.com:9443",
        "https:////openapi.koreainvestment.com:9443",
        "openapi.koreainvestment.com:9443",
        "https://openapi。koreainvestment。com:9443",
        "https://ｏｐｅｎａｐｉ.koreainvestment.com:9443",
        "https://openapi%2Ekoreainvestment%2Ecom:9443",
        "https://openapi.korea\tinvestment.com:9443",
        "https://example.com\\@openapi.koreainvestment.com:9443",
        "https://other.koreainvestment.com",
        "https://koreainvestment.com",
    ],
)
def test_the_real_host_in_any_spelling(url: str) -> None:
    assert refused(url + ORDER, CASH)
    assert refused(url + ORDER)
    assert not refused(url + "/uapi/domestic-stock/v1/quotations/inquire-price", {"tr_id": "FHKST01010100"}, method="GET")


@pytest.mark.parametrize(
    "url",
    [
        MOCK,
        "https://OPENAPIVTS.koreainvestment.com.:1",
        "https://openapi.koreainvestment.com@127.0.0.1",
        "https://openapi.koreainvestment.com.example.com",
        "https://notkoreainvestment.com",
        "https://example.com/openapi.koreainvestment.com",
        "https://example.com?x=https://openapi.koreainvestment.com",
    ],
)
def test_other_hosts_are_not_the_real_one(url: str) -> None:
    assert not refused(url + ORDER, CASH)


def test_a_host_header_cannot_hide_the_real_host() -> None:
    assert refused("https://127.0.0.1:9443" + ORDER, CASH | {"Host": "openapi.koreainvestment.com"})


@pytest.mark.parametrize("name", ["tr_id", "TR_ID", "Tr_Id"])
@pytest.mark.parametrize(
    "value", ["TTTC0802U", " TTTC0802U ", "tttc0802u", "TTTC0802U,", "\tTTTC0802U\t", "VTTC0802U", "X, TTTC0802U"]
)
def test_the_tr_id_in_any_spelling(name: str, value: str) -> None:
    for method in ("GET", "POST", "get"):
        assert refused(REAL + "/uapi/anything", {name: value}, method=method)


def test_one_of_several_tr_ids_is_enough() -> None:
    for headers in ([("tr_id", "TTTC0802U"), ("TR_ID", "FHKST01010100")], [("tr_id", "FHKST01010100"), ("tr_id", "TTTC0802U")]):
        prepared = sent(REAL + "/x", method="GET")
        prepared = type(prepared)(method="GET", url=prepared.url, headers=tuple(headers))
        with pytest.raises(Refused):
            KisExtension().guard(prepared, "item")


@pytest.mark.parametrize("method", ["POST", "post", " POST ", "PUT", "PATCH", "DELETE", "ORDER"])
def test_methods_that_may_change_something(method: str) -> None:
    assert refused(REAL + ORDER, method=method)


@pytest.mark.parametrize(
    "path",
    [
        "//uapi/domestic-stock/v1/trading/order-cash",
        "/./uapi/domestic-stock/v1/trading/order-cash",
        "/oauth2/../uapi/domestic-stock/v1/trading/order-cash",
        "/oauth2/%2e%2e/uapi/domestic-stock/v1/trading/order-cash",
        "/oauth2%2F..%2Fuapi/domestic-stock/v1/trading/order-cash",
        "/oauth2/tokenP/../../uapi/domestic-stock/v1/trading/order-cash",
        "/uapi/hashkey/../domestic-stock/v1/trading/order-cash",
        "/uapi/hashkey/..;/domestic-stock/v1/trading/order-cash",
        "/uapi/domestic-stock/v1/trading/order-cash?x=/oauth2/tokenP",
        "/uapi/domestic-stock/v1/trading/order-cash#/uapi/hashkey",
        "/UAPI/domestic-stock/v1/trading/order-cash",
        "/uapi/hashkeys",
        "\\uapi\\order?/oauth2/tokenP",
        "\\uapi\\order/oauth2/tokenP",
        "",
    ],
)
def test_paths_that_pretend_to_be_harmless(path: str) -> None:
    assert refused(REAL + path)


@pytest.mark.parametrize(
    "path", ["/oauth2/tokenP", "/oauth2/Approval", "/oauth2/revokeP", "/uapi/hashkey", "//oauth2/tokenP", "/uapi/hashkey?x=1"]
)
def test_tokens_and_hashes_are_no_orders(path: str) -> None:
    assert not moves_money(sent(REAL + path))
    assert not refused(REAL + path)


def test_origins_that_stand_in_for_the_hosts() -> None:
    extension = KisExtension(hosts={"http://127.0.0.1:5001": "mock", "http://127.0.0.1:5002": "real"})
    extension.guard(sent("http://127.0.0.1:5001" + ORDER, CASH), "item")
    extension.guard(sent("http://127.0.0.1:5003" + ORDER, CASH), "item")
    for host in ("127.0.0.1", "localhost", "LOCALHOST", "127.1", "0x7f000001", "2130706433", "0.0.0.0", "[::1]", "127.0.0.2"):
        with pytest.raises(Refused):
            extension.guard(sent(f"http://{host}:5002{ORDER}", CASH), "item")


def test_what_vts_and_prod_hold_is_known_from_the_item_on() -> None:
    extension = KisExtension()
    known = scopes(VTS="https://openapi.koreainvestment.com:9443", PROD="https://gate.example.com")
    extension.prepare(turn(post("{{PROD}}/x", method="GET"), known))
    for url in ("https://gate.example.com:443/order", "https://openapi.koreainvestment.com/order"):
        with pytest.raises(Refused):
            extension.guard(sent(url, CASH), "item")
    extension.guard(sent("https://gate.example.com:8443/order"), "item")


def test_what_a_script_writes_into_prod_is_known_at_once() -> None:
    known = scopes(PROD="")
    extension = KisExtension()
    extension.prepare(turn(post("{{PROD}}/x", method="GET"), known))
    assert extension.accept("environment", "PROD", "", "https://gate.example.com") is None
    assert extension.accept("environment", "PROD", "", "{{gate}}:9443") is None
    known.environment.set("gate", "tunnel.example.com")
    known.environment.set("PROD", "{{gate}}:9443")
    for url in ("https://gate.example.com/order", "http://tunnel.example.com:9443/order"):
        with pytest.raises(Refused):
            extension.guard(sent(url, CASH), "item")
    extension.guard(sent("https://example.com/order"), "item")


def test_a_prod_of_a_narrower_scope_is_known_when_its_order_leaves() -> None:
    known = scopes()
    extension = KisExtension(lookup=known.lookup)
    known.local.set("PROD", "http://127.0.0.1:9")
    with pytest.raises(Refused):
        extension.guard(sent("http://localhost:9/order", CASH), "item")


def test_an_origin_that_is_both_is_real() -> None:
    orders: tuple[tuple[Kind, Kind], ...] = (("mock", "real"), ("real", "mock"))
    for first, second in orders:
        hosts = Hosts({"https://gate.example.com": first})
        hosts.add("https://GATE.example.com:443/", second)
        assert hosts.of("https://gate.example.com/order") == "real"


def test_a_broken_url_is_nobodys() -> None:
    assert Hosts().of("http://[openapi/") is None
    assert Hosts().of("") is None
