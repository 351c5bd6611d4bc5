"""The KIS extension as the engine sees it: what it prepares, skips, stops, accepts and holds back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from runner.errors import Refused, SendError, UsageError
from runner.extension import Extension
from runner.kis.extension import KisExtension
from runner.kis.guard import OrderGuard
from runner.kis.orders import Orders
from runner.kis.plug import plug
from runner.kis.whose import applies
from runner.load import collection_from_json
from runner.model import Body, Collection, Item, Request, Response
from runner.plan import Plan, make_plan
from runner.secrets import Secrets
from runner.variables import Scopes
from tests.kis_turns import MOCK, NUMBERS, REAL, post, scopes, sent, turn

ORDER = "/uapi/domestic-stock/v1/trading/order-cash"
HASHED = {"appkey": "{{VTS_APPKEY}}", "tr_id": "VTTC0802U", "hashkey": "{{VTS_HASH}}"}
SIMULATED = "http://127.0.0.1:8443"
HASH_SCRIPT = "pm.sendRequest({url: pm.environment.get('VTS') + '/uapi/hashkey'})"


def raw(request: Request | None) -> str:
    assert request is not None
    assert request.body is not None
    return request.body.raw


# ------------------------------------------------------------------------------------------------------------- accounts


def test_the_account_is_filled_before_the_scripts_run() -> None:
    wish = KisExtension().prepare(turn(post("{{VTS}}" + ORDER, '{"CANO": "※",\r\n\t"Q": "1"}', HASHED), scopes()))
    assert raw(wish.request) == f'{{"CANO": "{NUMBERS["CANO"]}",\r\n\t"Q": "1"}}'
    assert wish.notes == ("account: CANO ← CANO (50****45)",)
    assert wish.stop is None
    assert wish.skip is None


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_only_posts_are_filled(method: str) -> None:
    assert KisExtension().prepare(turn(post("{{VTS}}/x", '{"CANO": "x"}', HASHED, method=method), scopes())).request is None


def test_other_hosts_get_no_account_number() -> None:
    assert KisExtension().prepare(turn(post("https://example.com/uapi/x", '{"CANO": "x"}', HASHED), scopes())).request is None


def test_keep_account_leaves_the_body_alone() -> None:
    request = post("{{VTS}}" + ORDER, '{"CANO": "{{CANO}}"}', HASHED)
    wish = KisExtension(keep_account=True).prepare(turn(request, scopes()))
    assert wish.request is None
    assert wish.notes == ()


def test_a_missing_number_stops_the_item() -> None:
    wish = KisExtension().prepare(turn(post("{{VTS}}" + ORDER, '{"CANO": "12345678"}', HASHED), scopes(CANO="")))
    assert wish.stop is not None
    assert "CANO" in wish.stop


@pytest.mark.parametrize("url", ["{{PROD}}", "<<VTS>>", "{{base}}", "https://{{PROD}}"])
@pytest.mark.parametrize("known", [scopes(PROD="", VTS=" ", base="{{PROD}}"), scopes(without="PROD", VTS="", base="{{PROD}}")])
def test_a_host_that_a_script_will_set_counts_too(url: str, known: Scopes) -> None:
    extension = KisExtension()
    wish = extension.prepare(turn(post(url + ORDER, '{"CANO": "12345678"}', HASHED), known))
    assert "50012345" in raw(wish.request)
    assert extension.prepare(turn(post(url + "/oauth2/revokeP"), known)).skip
    assert extension.prepare(turn(post("https://example.com/{{PROD}}", '{"CANO": "1"}', HASHED), known)).request is None


# --------------------------------------------------------------------------------------------------------------- hashes


def body_after_prepare(headers: dict[str, str], *, disabled: tuple[str, ...] = (), script: str = "") -> str:
    request = post("{{VTS}}" + ORDER, '{"CANO": "x", "ORD_QTY": "{{qty}}"}', headers, disabled=disabled)
    return raw(KisExtension().prepare(turn(request, scopes(qty="3"), script=script)).request)


def test_variables_are_put_in_where_the_body_is_hashed() -> None:
    done, open_ = '{"CANO": "50012345", "ORD_QTY": "3"}', '{"CANO": "50012345", "ORD_QTY": "{{qty}}"}'
    assert body_after_prepare(HASHED) == done
    assert body_after_prepare(HASHED, disabled=("hashkey",), script=HASH_SCRIPT) == open_
    assert body_after_prepare({"appkey": "{{VTS_APPKEY}}"}) == open_
    assert body_after_prepare({"appkey": "{{VTS_APPKEY}}"}, script=HASH_SCRIPT) == done


def test_a_variable_changed_after_the_body_was_fixed_stops_the_order() -> None:
    extension, known = KisExtension(), scopes(qty="100", VTS_HASH="old")
    extension.prepare(turn(post("{{VTS}}" + ORDER, '{"CANO": "x", "ORD_QTY": "{{qty}}", "id": "{{$guid}}"}', HASHED), known))
    order = sent(MOCK + ORDER, {"tr_id": "VTTC0802U", "hashkey": "new"})
    extension.guard(order, "item")
    known.environment.set("qty", "1")
    with pytest.raises(SendError, match="changed a variable of the body"):
        extension.guard(order, "item")


def test_values_that_are_new_each_time_stop_nothing() -> None:
    extension, known = KisExtension(), scopes(memo="{{$guid}}", VTS_HASH="old")
    wish = extension.prepare(turn(post("{{VTS}}" + ORDER, '{"CANO": "x", "memo": "{{memo}}"}', HASHED), known))
    assert "{{" not in raw(wish.request)
    extension.guard(sent(MOCK + ORDER, {"tr_id": "VTTC0802U", "hashkey": "new"}), "item")


def ask_hash(extension: KisExtension) -> None:
    extension.guard(sent(MOCK + "/uapi/hashkey"), "script")


def prepared_order(before: Any = "old") -> KisExtension:
    extension = KisExtension()
    extension.prepare(turn(post("{{VTS}}" + ORDER, '{"CANO": "x"}', HASHED), scopes(VTS_HASH=before)))
    return extension


@pytest.mark.parametrize("value", ["", "  ", "undefined", "{{VTS_HASH}}"])
def test_an_order_without_its_hash_does_not_go_out(value: str) -> None:
    with pytest.raises(SendError, match="hashkey is empty") as caught:
        prepared_order().guard(sent(MOCK + ORDER, {"tr_id": "VTTC0802U", "hashkey": value}), "item")
    assert caught.value.code == "ESTOPPED"


def test_an_order_with_the_hash_of_another_does_not_go_out() -> None:
    extension = prepared_order()
    ask_hash(extension)
    assert extension.accept("environment", "VTS_HASH", "old", None)
    with pytest.raises(SendError, match="VTS_HASH still holds the hash of an earlier order"):
        extension.guard(sent(MOCK + ORDER, {"hashkey": "old"}), "item")


def test_a_renewed_hash_may_be_the_same() -> None:
    extension = prepared_order()
    ask_hash(extension)
    assert extension.accept("environment", "VTS_HASH", "old", "old") is None
    extension.guard(sent(MOCK + ORDER, {"hashkey": "old"}), "item")


def test_a_hash_from_an_earlier_item_is_the_users_business() -> None:
    prepared_order().guard(sent(MOCK + ORDER, {"hashkey": "old"}), "item")


def test_a_hash_that_a_script_puts_into_the_header_itself() -> None:
    extension = prepared_order()
    ask_hash(extension)
    extension.guard(sent(MOCK + ORDER, {"hashkey": "new"}), "item")


def test_orders_that_a_script_sends_are_its_own_business() -> None:
    extension = prepared_order()
    ask_hash(extension)
    extension.guard(sent(MOCK + ORDER, {"hashkey": "old"}), "script")


def test_no_hash_header_no_check() -> None:
    prepared_order().guard(sent(MOCK + ORDER, {"tr_id": "VTTC0802U"}), "item")


def test_what_happened_in_one_item_does_not_count_in_the_next() -> None:
    extension = prepared_order()
    ask_hash(extension)
    extension.prepare(turn(post("{{VTS}}" + ORDER, '{"CANO": "x"}', HASHED), scopes(VTS_HASH="old")))
    extension.guard(sent(MOCK + ORDER, {"hashkey": "old"}), "item")


# --------------------------------------------------------------------------------------------------------------- checks


@pytest.mark.parametrize(
    ("code", "body", "said"),
    [
        (
            200,
            {"rt_cd": "1", "msg_cd": "EGW00201", "msg1": " 초당 거래건수를 초과하였습니다.  "},
            "EGW00201 초당 거래건수를 초과하였습니다.",
        ),
        (200, {"rt_cd": "7", "msg_cd": "IGW00009"}, "IGW00009"),
        (
            500,
            {"rt_cd": "1", "msg_cd": "EGW00123", "msg1": "기간이 만료된 token 입니다."},
            "EGW00123 기간이 만료된 token 입니다.",
        ),
        (
            403,
            {"error_code": "EGW00103", "error_description": "유효하지 않은 AppKey입니다."},
            "EGW00103 유효하지 않은 AppKey입니다.",
        ),
        (502, "<html>", "HTTP 502"),
        (404, [1], "HTTP 404"),
        (200, {"rt_cd": "0", "msg_cd": "MCA00000", "msg1": "정상처리 되었습니다."}, None),
        (200, {"access_token": "x"}, None),
        (200, "", None),
    ],
)
def test_a_refusal_of_the_broker_is_told(code: int, body: Any, said: str | None) -> None:
    text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    response = Response(code=code, reason="", url="", body=text.encode())
    item = turn(post(MOCK), scopes()).item
    here, elsewhere = sent(MOCK + ORDER), sent("https://example.com" + ORDER)
    checking, telling = KisExtension(), KisExtension(checks=False)
    assert [(check.name, check.passed) for check in checking.judge(item, here, response)] == ([(said, False)] if said else [])
    assert list(telling.remark(item, here, response)) == ([f"KIS: {said}"] if said else [])
    assert [*checking.remark(item, here, response), *telling.judge(item, here, response)] == []
    assert [*checking.judge(item, elsewhere, response), *telling.remark(item, elsewhere, response)] == []
    assert [*OrderGuard().judge(item, here, response), *OrderGuard().remark(item, here, response)] == []


# --------------------------------------------------------------------------------------------------------------- tokens


@pytest.mark.parametrize("url", ["{{VTS}}/oauth2/revokeP", "{{PROD}}//oauth2/REVOKEP/", REAL + "/oauth2/revokeP?x=1"])
def test_revocations_are_skipped_unless_asked_for(url: str) -> None:
    request = post(url, '{"token": "{{VTS_TOKEN}}"}')
    skipped = KisExtension().prepare(turn(request, scopes()))
    assert skipped.skip is not None
    assert "--allow-revoke" in skipped.skip
    assert KisExtension().prepare(turn(request, scopes(), named=True)).skip is None
    assert KisExtension(allow_revoke=True).prepare(turn(request, scopes())).skip is None


@pytest.mark.parametrize(("after", "skipped"), [([], False), (["revokeP"], False), (["revokeP", "tokenP"], True)])
def test_at_the_end_of_a_simulated_run_tokens_are_revoked(after: list[str], skipped: bool) -> None:
    items = [Item(id=name, name=name, request=post(f"{{{{VTS}}}}/oauth2/{name}?x=1")) for name in after]
    last = replace(turn(post(SIMULATED + "/oauth2/revokeP"), scopes()), after=lambda: items)
    assert bool(KisExtension(hosts={SIMULATED: "mock"}).prepare(last).skip) is skipped
    assert KisExtension().prepare(replace(last, item=replace(last.item, request=post(MOCK + "/oauth2/revokeP")))).skip


@pytest.mark.parametrize("url", ["https://example.com/oauth2/revokeP", "{{VTS}}/oauth2/tokenP"])
def test_what_is_no_revocation_of_the_broker(url: str) -> None:
    assert KisExtension().prepare(turn(post(url), scopes())).skip is None


@pytest.mark.parametrize("key", ["VTS_TOKEN", "PROT_TOKEN", "VTT_HASH", "V_APPROVAL_KEY", "APPROVAL_KEY"])
@pytest.mark.parametrize("new", [None, "", " ", "undefined"])
def test_nothing_does_not_replace_a_good_value(key: str, new: str | None) -> None:
    extension = KisExtension()
    reason = extension.accept("environment", key, "eyJ.good", new)
    assert reason is not None
    assert key in reason
    assert "eyJ" not in reason
    assert extension.accept("environment", key, "eyJ.good", "eyJ.new") is None
    assert extension.accept("environment", key, "", new) is None
    assert extension.accept("environment", key, None, new) is None


@pytest.mark.parametrize("key", ["ORD_NO", "TOKEN_TYPE", "CANO", "vts_token", "VTS_APPKEY"])
def test_other_variables_may_be_emptied(key: str) -> None:
    assert KisExtension().accept("environment", key, "x", None) is None


def test_a_revocation_may_clear_the_token() -> None:
    extension = KisExtension(allow_revoke=True)
    extension.prepare(turn(post("{{VTS}}/oauth2/revokeP"), scopes()))
    assert extension.accept("environment", "VTS_TOKEN", "eyJ", None) is None
    extension.prepare(turn(post("{{VTS}}/oauth2/tokenP"), scopes()))
    assert extension.accept("environment", "VTS_TOKEN", "eyJ", None) is not None


# ----------------------------------------------------------------------------------------------------------- when it is on


def collection(url: Any, script: str = "") -> Any:
    item = {"name": "one", "request": {"url": url}, "event": [{"listen": "test", "script": {"exec": [script]}}]}
    schema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
    return collection_from_json({"info": {"name": "c", "schema": schema}, "item": [{"name": "folder", "item": [item]}]})


@pytest.mark.parametrize(
    "url",
    [
        {"raw": "x", "host": ["{{VTS}}"], "path": ["uapi", "hashkey"]},
        "{{PROD}}/oauth2/tokenP",
        "https://OPENAPI.koreainvestment.com:9443/x",
        "{{base}}/x",
        "{{outer}}/x",
    ],
)
def test_on_for_the_broker(url: Any) -> None:
    known = scopes(base=MOCK, outer="{{base}}", VTS="", PROD="")
    assert applies(collection(url), known.lookup)


def test_on_when_only_a_script_names_the_broker() -> None:
    assert applies(
        collection("https://example.com", "pm.sendRequest('https://openapi.koreainvestment.com:9443/x')"), scopes().lookup
    )


@pytest.mark.parametrize("url", ["https://example.com", "{{PROD}}/users", "{{PRODUCTION}}/uapi/x", "{{missing}}/x", ""])
def test_off_for_everybody_else(url: str) -> None:
    known = scopes(PROD="https://api.example.com", VTS="x")
    assert not applies(collection(url), known.lookup)


@dataclass
class FakeHost:
    """A run being made ready, as far as the extension looks at it."""

    collection: Collection
    scopes: Scopes
    secrets: Secrets = field(default_factory=Secrets)
    before: tuple[Extension, ...] = ()

    @property
    def plan(self) -> Plan:
        return make_plan(self.collection)

    def supply(self, values: Mapping[str, str], text: str, *, override: bool = False) -> None:
        raise AssertionError("nothing is to be supplied")

    def on_close(self, callback: Callable[[], object]) -> None:
        raise AssertionError("nothing is to be closed")


def test_the_extension_joins_runs_for_the_broker_only() -> None:
    ours = FakeHost(collection("{{VTS}}/uapi/x"), scopes())
    assert isinstance(plug(ours, {}), KisExtension)
    assert ours.secrets.is_secret("CANO_REAL")
    other = FakeHost(collection("{{PROD}}/users"), scopes(PROD="https://api.example.com", VTS="x"))
    guard = plug(other, {})
    assert type(guard) is OrderGuard
    assert not other.secrets.is_secret("CANO_REAL")
    guard.guard(sent("https://api.example.com/users"), "item")
    assert guard.accept("environment", "PROD", "", "https://other.example.com") is None
    guard.guard(sent("https://other.example.com/users"), "item")


def test_without_the_extension_the_guard_before_real_orders_stays() -> None:
    left = plug(FakeHost(collection("{{VTS}}/uapi/x"), scopes()), {"no_kis": True})
    assert type(left) is OrderGuard
    order = sent("https://openapi.koreainvestment.com:9443" + ORDER)
    for source in ("item", "script", "redirect"):
        with pytest.raises(Refused, match="moves money"):
            left.guard(order, source)
    left.guard(sent("https://openapivts.koreainvestment.com:29443" + ORDER), "item")
    plug(FakeHost(collection("{{VTS}}/x"), scopes()), {"no_kis": True, "allow_real_orders": True}).guard(order, "item")


def test_without_the_extension_the_brokers_variables_still_name_its_hosts() -> None:
    known = scopes(PROD="https://gate.example.com")
    left = plug(FakeHost(collection("{{PROD}}/uapi/x"), known), {"no_kis": True})
    known.environment.set("PROD", "http://127.0.0.1:9")
    for url in ("https://gate.example.com", "http://127.0.0.1:9"):
        with pytest.raises(Refused, match="moves money"):
            left.guard(sent(url + ORDER), "item")
    assert left.accept("environment", "PROD", "", "https://tunnel.example.com") is None
    with pytest.raises(Refused, match="moves money"):
        left.guard(sent("https://tunnel.example.com" + ORDER), "script")


@pytest.mark.parametrize(("name", "value"), [("simulate_limits", True), ("simulate_fault", ("drop",))])
def test_limits_and_faults_are_for_the_simulator(name: str, value: object) -> None:
    with pytest.raises(UsageError, match=f"--{name.replace('_', '-')} needs --simulate"):
        plug(FakeHost(collection("{{VTS}}/uapi/x"), scopes()), {name: value})


def test_no_simulator_beside_no_kis() -> None:
    with pytest.raises(UsageError, match="--no-kis turns off"):
        plug(FakeHost(collection("{{VTS}}/uapi/x"), scopes()), {"simulate": True, "no_kis": True})


def test_a_simulated_run_sends_nothing_to_the_broker_itself() -> None:
    extension = KisExtension(hosts={"http://127.0.0.1:1": "mock", "http://127.0.0.1:2": "real"}, orders=Orders(allowed=1))
    extension.guard(sent("http://127.0.0.1:2" + ORDER), "script")
    for host in ("openapi.koreainvestment.com:9443", "openapivts.koreainvestment.com"):
        with pytest.raises(Refused, match="simulated"):
            extension.guard(sent(f"https://{host}/uapi/hashkey"), "script")


@pytest.mark.parametrize("extras", [{"simulate": True, "no_kis": True}, {"simulate": True}])
def test_only_the_broker_can_be_simulated(extras: dict[str, bool]) -> None:
    with pytest.raises(UsageError, match="--simulate"):
        plug(FakeHost(collection("{{PROD}}/users"), scopes(PROD="https://api.example.com", VTS="x")), extras)


def test_names_that_hold_secrets() -> None:
    assert {"CANO", "CANO_REAL_T", "VTS_APPKEY", "PROT_APPSECRET", "PROD_TOKEN", "V_APPROVAL_KEY"} <= set(
        KisExtension.secret_names
    )


def test_bytes_of_the_body_are_kept() -> None:
    body = '{\r\n\t"CANO": "※계좌※",\r\n    "B": "가나 {{no_such}}"\r\n}'
    wish = KisExtension().prepare(turn(post("{{VTS}}" + ORDER, body, HASHED), scopes()))
    assert raw(wish.request).encode() == body.replace("※계좌※", NUMBERS["CANO"]).encode()
    assert json.loads(raw(wish.request))["B"] == "가나 {{no_such}}"
    assert wish.request is not None
    assert isinstance(wish.request.body, Body)
