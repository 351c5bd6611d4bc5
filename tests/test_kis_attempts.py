"""Attempts to get round the guard before the real host. Every one runs as a whole; none may let an order out.

Nothing here leaves the machine: the wire is a list, or a server on loopback that stands for the real host.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from runner.assemble import Session
from runner.events import RequestSent, RunEvent
from runner.model import Collection, Prepared, Response
from runner.options import Options
from runner.series import Series
from runner.transport import Transport
from tests.kis_runs import ORDER, collection, item, order, rewritten
from tests.servers import Recorder, answer

REAL = "https://openapi.koreainvestment.com:9443"
CASH = {"CANO": "70012347", "ACNT_PRDT_CD": "01", "PDNO": "005930", "ORD_DVSN": "00", "ORD_QTY": "1", "ORD_UNPR": "55000"}
KEYS = {
    f"{prefix}_{kind}": f"{prefix.lower()}-{kind.lower()}-of-the-test"
    for prefix in ("VTS", "PROD")
    for kind in ("APPKEY", "APPSECRET", "TOKEN")
}
VARIABLES = {
    "VTS": "https://openapivts.koreainvestment.com:29443",
    "PROD": REAL,
    "CANO": "50012345",
    "CANO_REAL": "70012347",
    **KEYS,
}


@pytest.fixture(autouse=True)
def wire(monkeypatch: pytest.MonkeyPatch) -> list[Prepared]:
    """What would have gone out, with redirects followed as the transport does."""
    left: list[Prepared] = []

    def send(self: Transport, prepared: Prepared, *, timeout: Any = None, check: Any = None) -> Response:
        left.append(prepared)
        if "redirects.example" in prepared.url:
            hop = Prepared(method=prepared.method, url=REAL + ORDER, headers=prepared.headers, body=prepared.body)
            check(hop, "redirect")
            left.append(hop)
        return Response(code=200, reason="OK", url=prepared.url, body=b'{"rt_cd": "0", "HASH": "0", "access_token": "eyJ"}')

    monkeypatch.setattr(Transport, "send", send)
    return left


def run(target: Collection, **extras: Any) -> list[RunEvent]:
    variables = {**VARIABLES, **extras.pop("env", {})}
    with Session(target, Options(env_vars=variables, extras=extras)) as session:
        return list(session.events())


AT = json.dumps(ORDER)
"""The path of an order, for scripts."""


def call(url: str, headers: Mapping[str, str] | None = None, body: Any = None, method: str = "POST") -> str:
    """A script that sends an order; `url` is JavaScript."""
    header = (
        headers
        if headers is not None
        else {"tr_id": "TTTC0802U", "appkey": KEYS["PROD_APPKEY"], "content-type": "application/json"}
    )
    raw = json.dumps({"mode": "raw", "raw": json.dumps(CASH if body is None else body)})
    return f"pm.sendRequest({{url: {url}, method: {json.dumps(method)}, header: {json.dumps(header)}, body: {raw}}}, () => {{}});"


def quiet(pre: str = "", test: str = "") -> Any:
    """An inquiry that is allowed, with scripts that try something."""
    return item("quiet", "/uapi/domestic-stock/v1/quotations/inquire-price", "FHKST01010100", prefix="PROD", pre=pre, test=test)


def real(**more: Any) -> Any:
    return order("attempt", prefix="PROD", **more)


def with_headers(found: Any, *headers: tuple[str, str]) -> Any:
    kept = [header for header in found["request"]["header"] if header["key"] != "tr_id"]
    return rewritten(found, header=[*kept, *({"key": key, "value": value} for key, value in headers)])


def to(url: str, **more: Any) -> Any:
    return rewritten(real(**more), url=url)


HOSTS = {
    "a variable that holds the host": "https://{{where}}:9443" + ORDER,
    "a variable within a variable": "{{outer}}" + ORDER,
    "a host in two halves": "https://openapi.{{half}}.com:9443" + ORDER,
    "the mock host's variable": "{{elsewhere}}" + ORDER,
    "angle brackets": "<<PROD>>" + ORDER,
    "upper case": "https://OPENAPI.KOREAINVESTMENT.COM:9443" + ORDER,
    "a trailing dot": "https://openapi.koreainvestment.com.:9443" + ORDER,
    "another port": "https://openapi.koreainvestment.com:29443" + ORDER,
    "no port": "https://openapi.koreainvestment.com" + ORDER,
    "no scheme": "openapi.koreainvestment.com:9443" + ORDER,
    "http": "http://openapi.koreainvestment.com:9443" + ORDER,
    "user info": "https://openapivts.koreainvestment.com:29443@openapi.koreainvestment.com:9443" + ORDER,
    "a backslash": "https:\\\\openapi.koreainvestment.com:9443" + ORDER,
    "full width letters": "https://ｏｐｅｎａｐｉ.koreainvestment.com:9443" + ORDER,
    "an ideographic full stop": "https://openapi。koreainvestment。com:9443" + ORDER,
    "percent escapes in the host": "https://openapi%2Ekoreainvestment.com:9443" + ORDER,
    "another host of the domain": "https://apiportal.koreainvestment.com" + ORDER,
}
PATHS = {
    "dot segments": "/oauth2/../uapi/domestic-stock/v1/trading/order-cash",
    "escaped dot segments": "/oauth2/%2e%2e/uapi/domestic-stock/v1/trading/order-cash",
    "a path that ends like the hash": "/uapi/domestic-stock/v1/trading/order-cash?x=/uapi/hashkey",
    "a fragment": "/uapi/domestic-stock/v1/trading/order-cash#/oauth2/tokenP",
    "double slashes": "//uapi//domestic-stock//v1//trading//order-cash",
    "a parameter behind the hash": "/uapi/hashkey;/../domestic-stock/v1/trading/order-cash",
    "an unknown path": "/uapi/domestic-stock/v1/quotations/inquire-price",
}
TR_IDS = {
    "lower case": [("tr_id", "tttc0802u")],
    "blanks around it": [("tr_id", "  TTTC0802U ")],
    "the name in capitals": [("TR_ID", "TTTC0802U")],
    "none at all": [],
    "only in the query": [("x-tr", "TTTC0802U")],
    "a harmless one first": [("tr_id", "FHKST01010100"), ("Tr_Id", "TTTC0802U")],
    "a harmless one last": [("tr_id", "TTTC0802U"), ("tr_id", "FHKST01010100")],
    "from a variable": [("tr_id", "{{order_tr}}")],
    "a mock one": [("tr_id", "VTTC0802U")],
}
BODIES: dict[str, Any] = {
    "nested JSON": {"mode": "raw", "raw": json.dumps({"request": {"list": [{"CANO": "70012347"}]}, "tr_id": "TTTC0802U"})},
    "a form": {"mode": "urlencoded", "urlencoded": [{"key": "CANO", "value": "70012347"}]},
    "form data": {"mode": "formdata", "formdata": [{"key": "CANO", "value": "70012347", "type": "text"}]},
    "no body": None,
}
METHODS = ("PUT", "PATCH", "DELETE", "post", "ORDER")
OVERRIDES = ("X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method")

SCRIPTS = {
    "pm.sendRequest before the request": (call(f"pm.environment.get('PROD') + {AT}"), ""),
    "pm.sendRequest after it": ("", call(f"pm.environment.get('PROD') + {AT}")),
    "an address in pieces": (call(f"'https://openapi.korea' + 'investment.com:9443' + {AT}"), ""),
    "a late pm.sendRequest": (f"setTimeout(() => {{ {call(json.dumps(REAL + ORDER))} }}, 20)", ""),
    "one request within another": (
        f"pm.sendRequest({json.dumps(VARIABLES['VTS'])}, () => {{ {call(json.dumps(REAL + ORDER))} }})",
        "",
    ),
    "a GET with the tr_id of an order": (call(json.dumps(REAL + ORDER), method="GET"), ""),
    "PROD set and used by one script": (
        "pm.environment.set('PROD', 'https://gate.example.com'); " + call(f"'https://gate.example.com' + {AT}"),
        "",
    ),
    "a gate that is in no variable": (call("'http://127.0.0.1:9/' + 'x'"), ""),
    "a gate and no tr_id, but the real key": (call("'https://gate.example.com/order'", {"appkey": KEYS["PROD_APPKEY"]}), ""),
    "a gate and the real key in the body": (call("'https://gate.example.com/order'", {}, {"appkey": KEYS["PROD_APPKEY"]}), ""),
    "a redirect": (call(f"'https://redirects.example' + {AT}", {"content-type": "application/json"}), ""),
    "a host header": (call(f"'https://127.0.0.1:9443' + {AT}", {"Host": "openapi.koreainvestment.com"}), ""),
}
MUTATIONS = {
    "another host": "pm.request.url.host = ['openapi', 'koreainvestment', 'com']; pm.request.url.port = '9443'",
    "another url": f"pm.request.url.update({json.dumps(REAL + ORDER)})",
    "another tr_id": f"pm.request.url.update({json.dumps(REAL + '/x')}); pm.request.method = 'GET';"
    "pm.request.headers.upsert({key: 'tr_id', value: 'TTTC0802U'})",
    "a gate in VTS": "pm.environment.set('VTS', 'https://gate.example.com');"
    "pm.request.headers.upsert({key: 'tr_id', value: 'TTTC0802U'})",
    "the real host in VTS": f"pm.environment.set('VTS', {json.dumps(REAL)})",
}


def written() -> Iterator[tuple[str, Any]]:
    """Attempts of the collection's author."""
    for name, url in HOSTS.items():
        yield f"host: {name}", to(url)
    for name, path in PATHS.items():
        yield f"path: {name}", to("{{PROD}}" + path)
    for name, headers in TR_IDS.items():
        yield f"tr_id: {name}", with_headers(real(), *headers)
    for name, body in BODIES.items():
        yield f"body: {name}", with_headers(rewritten(real(), body=body))
    for method in METHODS:
        yield f"method: {method}", with_headers(rewritten(real(), method=method))
    for header in OVERRIDES:
        yield f"override: {header}", with_headers(rewritten(real(), method="GET"), (header, "POST"), ("tr_id", "TTTC0802U"))
    yield "redirect of an item", to("https://redirects.example" + ORDER)
    yield "the mock collection on the real host", rewritten(order(), url=REAL + ORDER)


def scripted() -> Iterator[tuple[str, Any]]:
    """Attempts of scripts; those that change variables come last."""
    for name, (pre, test) in SCRIPTS.items():
        yield name, quiet(pre, test)
    for name, code in MUTATIONS.items():
        yield name, order(pre=code)


ATTEMPTS = {name: found | {"name": name} for name, found in (*written(), *scripted())}
KNOWN = {
    "where": "openapi.koreainvestment.com",
    "outer": "{{inner}}",
    "inner": REAL,
    "half": "koreainvestment",
    "elsewhere": REAL,
    "order_tr": "TTTC0802U",
}


def orders(left: list[Prepared]) -> list[Prepared]:
    """What went out and is not the inquiry, a call to the mock host, or the start of a redirect."""
    return [found for found in left if not re.search("inquire-price|openapivts|redirects.example", found.url)]


@pytest.mark.parametrize("off", [{}, {"no_kis": True}], ids=["kis", "no-kis"])
def test_no_attempt_gets_through(off: dict[str, bool], wire: list[Prepared]) -> None:
    happened = run(collection(quiet(), *ATTEMPTS.values()), env=KNOWN, keep_account=True, **off)
    refused = {event.place.item.name for event in happened if isinstance(event, RequestSent) and event.refused}
    assert [name for name in ATTEMPTS if name not in refused] == []
    assert orders(wire) == []
    assert any(REAL in found.url for found in wire)  # what is no order may go there


def test_there_are_more_than_forty() -> None:
    assert len(ATTEMPTS) >= 60


LOOP = "pm.execution.setNextRequest(pm.info.requestName)"


@pytest.mark.parametrize("off", [{}, {"no_kis": True}], ids=["kis", "no-kis"])
def test_a_loop_sends_no_more_orders_than_were_counted(off: dict[str, bool], wire: list[Prepared]) -> None:
    count = "pm.environment.set('n', Number(pm.environment.get('n') || 0) + 1); if (pm.environment.get('n') < 6) " + LOOP
    two = collection(real() | {"name": "one"}, with_headers(real(pre=count), ("tr_id", "TTTC0801U")) | {"name": "two"})
    happened = run(two, allow_real_orders=True, **off)
    assert len(orders(wire)) == 2
    refused = [event.error or "" for event in happened if isinstance(event, RequestSent) and event.refused]
    assert len(refused) == 5
    assert "2 real orders were counted before the run, and this would be one more" in refused[0]


def test_orders_of_scripts_are_counted_with_those_of_items(wire: list[Prepared]) -> None:
    target = collection(quiet(pre=call(json.dumps(REAL + ORDER))), real())
    happened = run(target, allow_real_orders=True)
    assert len(orders(wire)) == 1
    assert [event.source for event in happened if isinstance(event, RequestSent) and event.refused] == ["item"]
    wire.clear()
    happened = run(target, allow_real_orders=True, max_real_orders=2)
    assert len(orders(wire)) == 2
    assert not [event for event in happened if isinstance(event, RequestSent) and event.refused]


def test_one_limit_holds_for_all_collections_of_a_command(wire: list[Prepared]) -> None:
    two = collection(real() | {"name": "one"}, real() | {"name": "two"})
    for limit, sent in ((3, 3), (None, 6)):
        wire.clear()
        extras = {"allow_real_orders": True, "max_real_orders": limit}
        asked: list[str] = []
        options = Options(env_vars=VARIABLES, extras=extras)

        def ask(session: Session, asked: list[str] = asked) -> None:
            asked += [extension.question() for extension in session.extensions if extension.question()]

        with Series([two, two, two], options, before_next=ask) as series:
            happened = list(series.events())
        assert len(orders(wire)) == sent
        assert len([event for event in happened if isinstance(event, RequestSent) and event.refused]) == 6 - sent
        assert [text.partition(" on account")[0] for text in asked] == (
            ["1 real order goes out"] if limit else ["up to 2 real orders go out"] * 2
        )


def test_a_redirect_on_the_wire_is_held_back_at_the_hop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    with Recorder() as gate, Recorder() as broker:
        gate.answers(answer(307, [("Location", broker.url(ORDER))]))
        variables = {"PROD": broker.url("").rstrip("/"), "VTS": gate.url("").rstrip("/")}
        happened = run(collection(order()), env=variables)
        assert [event.refused for event in happened if isinstance(event, RequestSent)] == [True]
        assert (len(gate.requests), broker.requests) == (1, [])


def test_a_proxy_is_told_nothing_of_an_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    with Recorder() as proxy:
        address = proxy.url("").rstrip("/")
        options = Options(env_vars=VARIABLES, environ={"HTTP_PROXY": address, "HTTPS_PROXY": address})
        with Session(collection(real(), to("http://openapi.koreainvestment.com" + ORDER)), options) as session:
            happened = list(session.events())
        assert [event.refused for event in happened if isinstance(event, RequestSent)] == [True, True]
        assert proxy.requests == []
