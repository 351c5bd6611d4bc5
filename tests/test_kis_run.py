"""Whole runs against the simulator: the published collections, and what the extension does in them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from runner.assemble import Session
from runner.errors import ExitCode
from runner.events import ItemSkipped, Noted, RequestSent, RunEvent, ScriptFailed
from runner.load import collection_from_json
from runner.model import Collection
from runner.options import Options
from runner.result import RunResult
from tests.servers import Recorder, answer
from tests.test_kis_accounts import PUBLISHED

ENVIRONMENT = {"모의": PUBLISHED / "모의계좌_POSTMAN_환경변수.json", "실전": PUBLISHED / "실전계좌_POSTMAN_환경변수.json"}
MOCK_FILES = ("모의계좌_POSTMAN_샘플코드_v1.5", "모의계좌_POSTMAN_샘플코드_v1.6")
REAL_FILES = {"실전계좌_POSTMAN_샘플코드_v2.3": (155, 30), "실전계좌_POSTMAN_샘플코드_v2.6": (261, 33)}
published = pytest.mark.skipif(not PUBLISHED.exists(), reason="the broker's published collections are not part of the project")


@dataclass
class Seen:
    """A run, counted: items sent and refused, notes, and the broker's message codes."""

    sent: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    stopped: dict[str, str] = field(default_factory=dict)
    skipped: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    codes: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    exit_code: int = -1


def run(
    collection: Collection | Path, environment: Path | None = None, env_vars: dict[str, str] | None = None, **extras: Any
) -> Seen:
    options = Options(environment=environment, env_vars=env_vars or {}, extras={"simulate": True, **extras})
    with Session(collection, options) as session:
        return seen(session.events())


def seen(events: Iterator[RunEvent]) -> Seen:
    found, result = Seen(), RunResult()
    for event in events:
        result.add(event)
        match event:
            case RequestSent(refused=True):
                found.refused.append(event.place.item.name)
            case RequestSent(error=str(reason)):
                found.stopped[event.place.item.name] = reason
            case RequestSent(source="item", response=response) if response:
                found.sent.append(event.place.item.name)
                found.codes[json.loads(response.body).get("msg_cd", "")] += 1
            case ItemSkipped():
                found.skipped.append(event.place.item.name)
            case Noted():
                found.notes.append(event.text)
            case ScriptFailed():
                found.broken.append(f"{event.place.item.name}: {event.error.message}")
            case _:
                pass
    found.exit_code = result.exit_code
    return found


@published
@pytest.mark.parametrize("name", MOCK_FILES)
def test_the_published_mock_collections(name: str) -> None:
    found = run(PUBLISHED / f"{name}.json", ENVIRONMENT["모의"])
    assert found.skipped == ["V_토큰폐기", "V_토큰폐기(선물옵션)"]
    assert (len(found.sent), found.exit_code) == (56, ExitCode.OK)
    assert (found.broken, found.refused, found.stopped) == ([], [], {})
    assert not {code for code in found.codes if code.startswith(("EGW", "OPSQ"))}, found.codes
    assert found.notes.count("account: CANO ← CANO_T (50****02)") == 3
    assert found.notes.count("account: CANO ← CANO (50****01)") == 18


@published
@pytest.mark.parametrize("name", REAL_FILES)
def test_the_published_real_collections(name: str) -> None:
    items, orders = REAL_FILES[name]
    found = run(PUBLISHED / f"{name}.json", ENVIRONMENT["실전"])
    assert found.skipped == ["J_토큰폐기", "J_토큰폐기(선물옵션)"]
    assert len(found.refused) == orders
    assert (len(found.sent), found.exit_code) == (items - orders - 2, ExitCode.REFUSED)
    assert (found.broken, found.stopped) == ([], {})
    assert not {code for code in found.codes if code.startswith("EGW")}, found.codes


@published
@pytest.mark.parametrize("name", REAL_FILES)
def test_real_orders_where_they_are_allowed(name: str) -> None:
    items, _ = REAL_FILES[name]
    found = run(PUBLISHED / f"{name}.json", ENVIRONMENT["실전"], allow_real_orders=True)
    assert (len(found.sent), found.exit_code) == (items - 2, ExitCode.OK)
    assert (found.refused, found.broken, found.stopped) == ([], [], {})
    assert not {code for code in found.codes if code.startswith("EGW")}, found.codes


SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
ORDER = "/uapi/domestic-stock/v1/trading/order-cash"
HASH = """pm.sendRequest({url: pm.environment.get('VTS') + '/uapi/hashkey', method: 'POST', header: {'Content-Type': 'application/json',
    'appKey': pm.environment.get('VTS_APPKEY'), 'appSecret': pm.environment.get('VTS_APPSECRET')%s},
    body: {mode: 'raw', raw: request.data}}, (err, res) => { pm.environment.set('VTS_HASH', res.json().HASH); });"""


def item(
    name: str, url: str, *, headers: dict[str, str] | None = None, body: Any = None, pre: str = "", test: str = ""
) -> dict[str, Any]:
    raw = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    header = [{"key": key, "value": value} for key, value in {"content-type": "application/json", **(headers or {})}.items()]
    events = [{"listen": listen, "script": {"exec": code}} for listen, code in (("prerequest", pre), ("test", test)) if code]
    return {
        "name": name,
        "request": {"method": "POST", "url": url, "header": header, "body": {"mode": "raw", "raw": raw}},
        "event": events,
    }


TOKEN = item(
    "token",
    "{{VTS}}/oauth2/tokenP",
    body={"grant_type": "client_credentials", "appkey": "{{VTS_APPKEY}}", "appsecret": "{{VTS_APPSECRET}}"},
    test="pm.environment.set('VTS_TOKEN', pm.response.json().access_token)",
)


def order(
    name: str = "order", host: str = "{{VTS}}", tr_id: str = "VTTC0802U", quantity: str = "1", pre: str = HASH % ""
) -> dict[str, Any]:
    headers = {
        "authorization": "Bearer {{VTS_TOKEN}}",
        "appkey": "{{VTS_APPKEY}}",
        "appsecret": "{{VTS_APPSECRET}}",
        "tr_id": tr_id,
        "hashkey": "{{VTS_HASH}}",
    }
    body = {"CANO": "※", "ACNT_PRDT_CD": "01", "PDNO": "005930", "ORD_DVSN": "00", "ORD_QTY": quantity, "ORD_UNPR": "50000"}
    return item(name, host + ORDER, headers=headers, body=body, pre=pre)


def collection(*items: dict[str, Any]) -> Collection:
    return collection_from_json({"info": {"name": "c", "schema": SCHEMA}, "item": list(items)})


def test_the_bytes_hashed_are_the_bytes_sent() -> None:
    found = run(collection(TOKEN, order(quantity="{{qty}}")), env_vars={"qty": "3"})
    assert found.codes["APBK0013"] == 1
    assert "account: CANO ← CANO (50****01)" in found.notes


def test_the_simulator_of_a_run_goes_wrong_on_request() -> None:
    found = run(collection(TOKEN, order("first"), order("second")), simulate_fault=("EGW00002@1:order-cash",))
    assert (found.codes["EGW00002"], found.codes["APBK0013"]) == (1, 1)
    assert found.exit_code == ExitCode.ASSERTION_FAILED


def test_a_second_token_within_a_minute_does_not_destroy_the_first() -> None:
    found = run(collection(TOKEN, TOKEN | {"name": "again"}, order()), token_cache=False, simulate_fault=["EGW00133@2:tokenP"])
    assert found.codes["APBK0013"] == 1
    assert [note for note in found.notes if "VTS_TOKEN keeps its value" in note]


def test_a_failed_hash_call_stops_the_order() -> None:
    failing = HASH.replace("'appSecret'", "'appSecretX'") % ""
    found = run(collection(TOKEN, order("good"), order("bad", quantity="2", pre=failing)))
    assert found.codes["APBK0013"] == 1
    assert found.stopped["bad"] == "not sent: the hash call failed, and VTS_HASH still holds the hash of an earlier order"


def test_an_order_whose_hash_was_never_fetched_is_stopped() -> None:
    found = run(collection(TOKEN, order(pre="")), env_vars={"VTS_HASH": ""})
    assert "hashkey is empty" in found.stopped["order"]


def test_a_script_that_changes_the_order_after_it_was_fixed() -> None:
    for change in ("pm.environment.set('qty', '1');", "pm.variables.set('qty', '1');"):
        found = run(collection(TOKEN, order(quantity="{{qty}}", pre=change + HASH % "")), env_vars={"qty": "100"})
        assert "changed a variable of the body" in found.stopped["order"]


def test_a_missing_account_number_stops_the_order() -> None:
    found = run(collection(TOKEN, order()), env_vars={"CANO": "1234"})
    assert "CANO must hold the account number, eight digits, but it has 4 characters" in found.stopped["order"]
    assert "order" not in found.sent


def test_real_orders_are_refused_from_items_and_from_scripts() -> None:
    call = {"method": "POST", "header": {"tr_id": "TTTC0802U"}}
    script = f"pm.sendRequest({{...{json.dumps(call)}, url: pm.environment.get('PROD') + '{ORDER}'}}, () => {{}});"
    sneaky = TOKEN | {"name": "sneaky", "event": [{"listen": "prerequest", "script": {"exec": script}}]}
    found = run(collection(TOKEN, order("real", "{{PROD}}", "TTTC0802U"), sneaky))
    assert found.refused == ["real", "sneaky"]
    assert found.sent == ["token", "sneaky"]


def test_a_redirect_cannot_lead_an_order_to_the_real_host() -> None:
    with Recorder() as mock, Recorder() as real:
        mock.answers(answer(307, [("Location", real.url(ORDER))]))
        origins = {"VTS": mock.url("").rstrip("/"), "PROD": real.url("").rstrip("/")}
        sent = order(pre="")
        sent["request"]["header"] = [{"key": "tr_id", "value": "VTTC0802U"}, {"key": "appkey", "value": "{{VTS_APPKEY}}"}]
        with Session(collection(sent), Options(env_vars={**origins, "CANO": "50012345"})) as session:
            found = seen(session.events())
        assert found.refused == ["order"]
        assert [request.target for request in mock.requests] == [ORDER]
        assert b'"CANO": "50012345"' in mock.last.body
        assert real.requests == []
