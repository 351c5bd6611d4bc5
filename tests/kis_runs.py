"""What the tests of whole KIS runs share: small collections against a simulator that the test can look into."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from runner.assemble import Session
from runner.events import Asserted, Noted, RequestSent, RunEvent
from runner.kis.simulator import Simulator
from runner.load import collection_from_json
from runner.model import Collection
from runner.options import Options

PRICE = "/uapi/domestic-stock/v1/quotations/inquire-price?FID_COND_MRKT_DIV_CODE=J&FID_INPUT_ISCD=005930"
ORDER = "/uapi/domestic-stock/v1/trading/order-cash"
BALANCE = (
    "/uapi/domestic-stock/v1/trading/inquire-balance?CANO={{%s}}&ACNT_PRDT_CD=01&AFHR_FLPR_YN=N&OFL_YN=&INQR_DVSN=02"
    "&UNPR_DVSN=01&FUND_STTL_ICLD_YN=N&FNCG_AMT_AUTO_RDPT_YN=N&PRCS_DVSN=00&CTX_AREA_FK100=&CTX_AREA_NK100="
)
ACCOUNTS = {"VTS": "CANO", "PROD": "CANO_REAL"}


def item(name: str, url: str, tr_id: str, *, prefix: str = "VTS", body: Any = None, pre: str = "", test: str = "") -> Any:
    """A request to the broker with all its headers; a POST where there is a body."""
    headers = {
        "content-type": "application/json",
        "authorization": f"Bearer {{{{{prefix}_TOKEN}}}}",
        "appkey": f"{{{{{prefix}_APPKEY}}}}",
        "appsecret": f"{{{{{prefix}_APPSECRET}}}}",
        "tr_id": tr_id,
    }
    request: dict[str, Any] = {
        "method": "GET" if body is None else "POST",
        "url": f"{{{{{prefix}}}}}{url}",
        "header": [{"key": key, "value": value} for key, value in headers.items()],
    }
    if body is not None:
        request["body"] = {"mode": "raw", "raw": body if isinstance(body, str) else json.dumps(body)}
    events = [{"listen": listen, "script": {"exec": code}} for listen, code in (("prerequest", pre), ("test", test)) if code]
    return {"name": name, "request": request, "event": events}


def token(name: str = "token", prefix: str = "VTS", path: str = "/oauth2/tokenP") -> Any:
    """The request for a token, whose script keeps it."""
    keys = {field: f"{{{{{prefix}_{field.upper()}}}}}" for field in ("appkey", "appsecret")}
    found = item(name, path, "", prefix=prefix, body={"grant_type": "client_credentials", **keys})
    found["request"]["header"] = [{"key": "content-type", "value": "application/json"}]
    test = f"pm.environment.set('{prefix}_TOKEN', pm.response.json().access_token)"
    return found | {"event": [{"listen": "test", "script": {"exec": test}}]}


def price(name: str = "price", prefix: str = "VTS", **more: Any) -> Any:
    return item(name, PRICE, "FHKST01010100", prefix=prefix, **more)


def balance(name: str = "balance", prefix: str = "VTS", **more: Any) -> Any:
    tr_id = "VTTC8434R" if prefix == "VTS" else "TTTC8434R"
    return item(name, BALANCE % ACCOUNTS[prefix], tr_id, prefix=prefix, **more)


def order(name: str = "order", prefix: str = "VTS", tr_id: str | None = None, **more: Any) -> Any:
    fields = {"ACNT_PRDT_CD": "01", "PDNO": "005930", "ORD_DVSN": "00", "ORD_QTY": "1", "ORD_UNPR": "55000"}
    body = more.pop("body", {"CANO": f"{{{{{ACCOUNTS[prefix]}}}}}", **fields})
    given = tr_id if tr_id is not None else "VTTC0802U" if prefix == "VTS" else "TTTC0802U"
    return item(name, more.pop("url", ORDER), given, prefix=prefix, body=body, **more)


def rewritten(found: Any, **changes: Any) -> Any:
    """An item with another url, method or the like."""
    return {**found, "request": {**found["request"], **changes}}


def collection(*items: Any) -> Collection:
    return collection_from_json({"info": {"name": "kis"}, "item": list(items)})


def run(simulator: Simulator, *items: Any, env: Mapping[str, str] | None = None, **more: Any) -> list[RunEvent]:
    """The events of a run whose VTS and PROD are the simulator's, as if that were the broker; hardly paced unless told to."""
    options = {name: more.pop(name) for name in ("iterations", "settings", "show_secrets") if name in more}
    variables = {**simulator.variables, **(env or {})}
    with Session(collection(*items), Options(env_vars=variables, extras={"rate": 1000, **more}, **options)) as session:
        return list(session.events())


def sent(happened: list[RunEvent]) -> list[str]:
    """`item token 200 cached` for each request."""
    lines = []
    for event in happened:
        if isinstance(event, RequestSent):
            code, note = (event.response.code, event.response.note) if event.response else (event.error, "")
            name = (
                event.place.item.name if event.source != "extension" else event.prepared.url.partition("?")[0].rpartition("/")[2]
            )
            lines.append(f"{event.source} {name} {code} {note}".strip())
    return lines


def notes(happened: list[RunEvent]) -> list[str]:
    return [event.text for event in happened if isinstance(event, Noted)]


def failures(happened: list[RunEvent]) -> list[str]:
    return [event.assertion.name for event in happened if isinstance(event, Asserted) and not event.assertion.passed]


def issues(simulator: Simulator) -> int:
    """How often a token was asked for."""
    return sum(entry.path == "/oauth2/tokenP" for entry in simulator.log)
