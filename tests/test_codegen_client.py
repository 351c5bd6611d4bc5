"""The client generated from a collection: what its methods send, take and remember."""

from __future__ import annotations

import base64
import importlib.util
import inspect
import itertools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from ruff import find_ruff_bin

from runner import Environment, Options, Refused, SendError, Variable, run
from runner.codegen.registry import File
from runner.generate import CodeOptions, generate
from runner.kis.simulator import Simulator
from runner.load import collection_from_json
from tests.servers import Recorder, answer

ROOT = Path(__file__).parents[1]
MOCK = ROOT / "collections" / "kis-mock.postman_collection.json"
REAL = ROOT / "collections" / "kis-real.postman_collection.json"
COUNT = itertools.count()


def client_of(items: list[Any], *, values: dict[str, str] | None = None, root: Any = None, **options: Any) -> File:
    collection = collection_from_json({"info": {"name": "Shop API"}, "item": items, **(root or {})})
    environment = Environment(values=tuple(Variable(key=key, value=value) for key, value in (values or {}).items()))
    (file,) = generate(collection, Options(environment=environment), CodeOptions(**{"target": "client", **options}))
    return file


def module_of(text: str, folder: Path) -> ModuleType:
    path = folder / f"client_{next(COUNT)}.py"
    path.write_text(text, "utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def made(file: File, folder: Path, **arguments: Any) -> Any:
    module = module_of(file.text, folder)
    return getattr(module, module.__all__[0])(**arguments)


def item(name: str, url: str, method: str = "GET", test: str = "", prerequest: str = "", **request: Any) -> dict[str, Any]:
    events = [
        {"listen": listen, "script": {"exec": code}} for listen, code in (("prerequest", prerequest), ("test", test)) if code
    ]
    return {"name": name, "request": {"method": method, "url": url, **request}, "event": events}


def raw(text: str) -> dict[str, Any]:
    return {"mode": "raw", "raw": text, "options": {"raw": {"language": "json"}}}


@pytest.fixture(scope="module")
def mock_client() -> File:
    environment = ROOT / "environments" / "kis-mock.postman_environment.json"
    (file,) = generate(MOCK, Options(environment=environment), CodeOptions(target="client"))
    return file


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(limits=False) as found:
        yield found


def test_a_cash_order_is_placed_found_and_cancelled_on_the_simulator(
    mock_client: File, simulator: Simulator, tmp_path: Path
) -> None:
    names = ("CANO", "VTS_APPKEY", "VTS_APPSECRET")
    given = {name.lower(): simulator.credentials[name] for name in names}
    with made(mock_client, tmp_path, vts=simulator.mock_url, allow_changes=True, **given) as client:
        client.oauth인증.v_접근토큰발급()
        client.시세.국내주식시세.v_주식현재가_시세()
        order = client.주문.국내주식주문_주문.v_주식주문_현금(pdno="005930", ord_qty="3").json()
        assert client.failures == []
        number = order["output"]["ODNO"]
        assert client["ORDER_NO"] == number
        found = client.계좌.국내주식주문_계좌.v_주식일별주문체결조회().json()["output1"]
        assert [(row["odno"], row["ord_qty"]) for row in found] == [(number, "3")]
        cancelled = client.주문.국내주식주문_주문.v_주식주문_정정취소_취소().json()
        assert (cancelled["rt_cd"], client.failures) == ("0", [])


def test_what_changes_an_account_is_off_and_stays_off_for_the_real_host(
    mock_client: File, simulator: Simulator, tmp_path: Path
) -> None:
    with made(mock_client, tmp_path, vts=simulator.mock_url) as client, pytest.raises(Refused, match="changes an account"):
        client.주문.국내주식주문_주문.v_주식주문_현금()
    real = "https://openapi.koreainvestment.com:9443"
    order = f"{real}/uapi/domestic-stock/v1/trading/order-cash"
    client = made(mock_client, tmp_path, vts=real, vts_token="t", allow_changes=True)
    with client, pytest.raises(Refused, match="moves money on a real account"):
        client.check("POST", order, [("tr_id", "TTTC0012U")])


def test_a_real_account_is_known_behind_whatever_host_its_variable_names(tmp_path: Path) -> None:
    (file,) = generate(REAL, Options(), CodeOptions(target="client", requests=("*현금*",)))
    proxy, order = "https://proxy.example:9443", "/uapi/domestic-stock/v1/trading/order-cash"
    with made(file, tmp_path, prod=proxy, allow_changes=True) as client:
        with pytest.raises(Refused, match="moves money on a real account"):
            client.check("POST", proxy + order, [("tr_id", "TTTC0012U")])
        client.check("GET", f"{proxy}/uapi/domestic-stock/v1/quotations/inquire-price", [("tr_id", "FHKST01010100")])
    with made(file, tmp_path, prod=proxy, allow_changes=True, allow_real_changes=True) as client:
        client.check("POST", proxy + order, [("tr_id", "TTTC0012U")])
    with made(file, tmp_path, prod=proxy, allow_real_changes=True) as client, pytest.raises(Refused, match="changes an account"):
        client.check("POST", proxy + order, [("tr_id", "TTTC0012U")])


def test_the_two_credential_sets_stay_two(mock_client: File) -> None:
    assert "vtt_appkey" in mock_client.text and "vts_appkey" in mock_client.text
    futures = mock_client.text.partition("def v_선물옵션_잔고현황(")[2].partition("    def ")[0]
    assert 'call["VTT_TOKEN"]' in futures and "VTS_TOKEN" not in futures


def test_parameters_have_the_collections_values_and_descriptions_are_docstrings(recorder: Recorder, tmp_path: Path) -> None:
    items = [
        item(
            "Find orders",
            "{{base}}/orders?state=open&who={{user}}&page=1&tag=a&tag=b",
            description="All of them.\n\nEven old ones.",
        ),
        {
            "name": "Orders",
            "item": [
                item("Place", "{{base}}/orders", "POST", body=raw('{"qty": 3, "note": "x", "who": "{{user}}", "lines": [1]}'))
            ],
        },
    ]
    client = made(client_of(items, values={"base": recorder.url(""), "user": "kim"}), tmp_path)
    signature = inspect.signature(client.find_orders)
    found = {name: each.default for name, each in signature.parameters.items()}
    assert found == {"state": "open", "who": None, "page": "1", "headers": None, "params": None, "json": None}
    assert all(each.kind is inspect.Parameter.KEYWORD_ONLY for each in signature.parameters.values())
    assert "Even old ones." in client.find_orders.__doc__
    client.find_orders(page="2")
    client.orders.place(qty=5)
    client["user"] = "lee"
    client.orders.place(who="park")
    client.find_orders()
    assert [each.target for each in recorder.requests if each.line.startswith("GET")] == [
        "/orders?state=open&who=kim&page=2&tag=a&tag=b",
        "/orders?state=open&who=lee&page=1&tag=a&tag=b",
    ]
    assert [each.body for each in recorder.requests if each.line.startswith("POST")] == [
        b'{"qty": 5, "note": "x", "who": "kim", "lines": [1]}',
        b'{"qty": 3, "note": "x", "who": "park", "lines": [1]}',
    ]


def test_tokens_are_stored_as_the_scripts_store_them(recorder: Recorder, tmp_path: Path) -> None:
    store = 'const d = pm.response.json(); pm.environment.set("TOKEN", d.access_token); pm.test("has one", () => { pm.expect(d.access_token).to.be.ok })'
    hash_ = (
        'pm.sendRequest({url: pm.variables.get("base") + "/hash", method: "POST", body: {mode: "raw", raw: request.data}},'
        ' (err, res) => { pm.environment.set("HASH", res.json().hash) })'
    )
    header = [{"key": "Authorization", "value": "Bearer {{TOKEN}}"}, {"key": "hash", "value": "{{HASH}}"}]
    items = [
        item("token", "{{base}}/token", "POST", test=store),
        item("order", "{{base}}/order", "POST", prerequest=hash_, header=header, body=raw('{"q": "1"}')),
    ]
    recorder.routes |= {"/token": answer(body=b'{"access_token": "t-1"}'), "/hash": answer(body=b'{"hash": "h-1"}')}
    client = made(client_of(items, values={"base": recorder.url(""), "TOKEN": "", "HASH": ""}), tmp_path)
    client.token()
    assert client.failures == []
    client.order(q="2")
    asked, order = recorder.requests[1:]
    assert asked.body == order.body == b'{"q": "2"}'
    assert (order.values("authorization"), order.values("hash")) == (["Bearer t-1"], ["h-1"])
    recorder.routes["/token"] = answer(body=b"{}")
    client.token()
    assert client.failures == ["has one"]


def test_a_pre_request_script_fills_what_url_and_body_hold(recorder: Recorder, tmp_path: Path) -> None:
    make = 'pm.environment.set("id", "n-" + JSON.parse(pm.request.body.raw).id.length)'
    items = [item("place", recorder.url("/{{id}}"), "POST", prerequest=make, body=raw('{"id": "{{id}}", "n": 1}'))]
    client = made(client_of(items), tmp_path)
    client.place()
    client.place(id_="own")
    assert [(each.target, each.body) for each in recorder.requests] == [
        ("/n-6", b'{"id": "n-6", "n": 1}'),
        ("/n-6", b'{"id": "own", "n": 1}'),
    ]


def test_folders_sign_their_requests_and_scripts_fill_what_no_scope_has(recorder: Recorder, tmp_path: Path) -> None:
    oauth = {"type": "oauth1", "oauth1": {"consumerKey": "k", "consumerSecret": "{{later}}", "addParamsToHeader": True}}
    items = [
        item("x", recorder.url("/x?{{later}}")),
        {"name": "F", "item": [item("a", recorder.url("/a"), prerequest='pm.environment.set("later", "s1")', auth=oauth)]},
    ]
    client = made(client_of(items), tmp_path)
    client.f.a()
    client.x()
    assert recorder.requests[0].values("authorization")[0].startswith("OAuth ")
    assert recorder.requests[1].target == "/x?s1"


def test_scripts_see_cookies_and_the_time_it_took(recorder: Recorder, tmp_path: Path) -> None:
    check = 'pm.test("both", () => { pm.expect(pm.cookies.get("sid")).to.equal("s1"); pm.expect(pm.response.responseTime).to.be.above(0) })'
    recorder.routes["/a"] = answer(headers=[("Set-Cookie", "sid=s1; Path=/")])
    client = made(client_of([item("a", recorder.url("/a"), test=check)]), tmp_path)
    client.a()
    assert client.failures == []


def test_secrets_that_stand_in_requests_are_arguments_one_for_each_value(recorder: Recorder, tmp_path: Path) -> None:
    def signed(name: str, password: str) -> dict[str, Any]:
        return item(name, recorder.url(f"/{name}"), auth={"type": "basic", "basic": {"username": "u", "password": password}})

    file = client_of([signed("a", "first-secret"), signed("b", "second-secret"), signed("c", "first-secret")])
    assert "first-secret" not in file.text and "second-secret" not in file.text
    client = made(file, tmp_path, password="one", password_2="two")
    client.a(), client.b(), client.c()
    sent = [base64.b64decode(each.values("authorization")[0].split()[1]).decode() for each in recorder.requests]
    assert sent == ["u:one", "u:two", "u:one"]


def test_failures_show_no_secrets(recorder: Recorder, tmp_path: Path) -> None:
    check = """pm.test("key " + pm.environment.get("API_KEY"), () => { throw new Error("x") });
               pm.test("odd " + pm.environment.get("ODD"), () => { throw new Error("x") });
               throw new Error("got " + pm.response.json().access_token)"""
    recorder.routes["/a"] = answer(body=b'{"access_token": "given-out-just-now"}')
    root = {"variable": [{"key": "ODD", "value": "", "type": "secret"}]}
    file = client_of([item("a", recorder.url("/a"), test=check)], values={"API_KEY": ""}, root=root)
    client = made(file, tmp_path, api_key="hunter2hunter2", odd="opensesame-opensesame")
    client.a()
    assert len(client.failures) == 3
    assert not any(word in text for text in client.failures for word in ("hunter2hunter2", "opensesame", "given-out"))


def test_requests_are_found_by_the_collections_names_and_take_other_headers(recorder: Recorder, tmp_path: Path) -> None:
    header = [{"key": "Tr_Id", "value": "A", "description": "the kind"}, {"key": "X", "value": "1"}]
    first = item("J_주문(현금)", recorder.url("/a?n=1"), header=header)
    first["request"]["url"] = {"raw": recorder.url("/a?n=1"), "host": [recorder.url("")], "path": ["a"], "query": [{"key": "n", "value": "1", "description": "how many"}]}  # fmt: skip
    items = [{"name": "F", "item": [first, item("same", recorder.url("/b"))]}, item("same", recorder.url("/c"))]
    client = made(client_of(items), tmp_path)
    client.request("J_주문(현금)", n="2", headers={"tr_id": "B"})
    client.request("F/same")
    assert [request.target for request in recorder.requests] == ["/a?n=2", "/b"]
    assert (recorder.requests[0].values("tr_id"), recorder.requests[0].values("x")) == (["B"], ["1"])
    assert "n: how many" in client.f.j_주문_현금.__doc__
    for name in ("nope", "ame"):
        with pytest.raises(LookupError, match="there are 0 requests called"):
            client.request(name)


def test_an_environment_is_saved_and_loaded(tmp_path: Path) -> None:
    file = client_of(
        [item("a", "{{base}}/", header=[{"key": "k", "value": "{{API_KEY}}"}])], values={"base": "http://h", "API_KEY": ""}
    )
    client = made(file, tmp_path)
    client["API_KEY"], client["TOKEN"] = "hunter2hunter2", "t"
    client.save(tmp_path / "env.json")
    assert (tmp_path / "env.json").stat().st_mode & 0o77 == 0
    other = made(file, tmp_path, base="http://other")
    other.load(tmp_path / "env.json")
    assert (other["API_KEY"], other["TOKEN"], other["base"]) == ("hunter2hunter2", "t", "http://h")


@pytest.mark.parametrize("target", ["client", "pytest", "requests", "http.client", "aiohttp", "curl"])
def test_no_literal_secret_is_written_wherever_it_stands(target: str) -> None:
    sets = 'pm.environment.set("id", "1")'
    query = [{"key": "api_key", "value": "opensesame-1", "disabled": True}, {"key": "token", "value": "opensesame-2"}]
    url = {"protocol": "http", "host": ["h"], "path": ["x"], "query": query}
    fields = [{"key": "client_secret", "value": "opensesame-3", "disabled": True}, {"key": "password", "value": "opensesame-4"}]
    json_body = raw('{"id": "{{id}}", "password": "opensesame-5"}')
    header = [{"key": "X-Api-Key", "value": "opensesame-6", "disabled": True}]
    items = [
        item("body", "http://h/x?api_key=opensesame-7", "POST", prerequest=sets, body=json_body, header=header),
        item(
            "form", url, "POST", prerequest='pm.environment.set("other", "1")', body={"mode": "urlencoded", "urlencoded": fields}
        ),  # type: ignore[arg-type]
        item("user", "http://me:opensesame-8@h/x", prerequest=sets),
    ]
    collection = collection_from_json({"info": {"name": "Shop"}, "item": items})
    texts = [file.text for file in generate(collection, Options(), CodeOptions(target=target, describe="full"))]
    assert not [line for text in texts for line in text.splitlines() if "opensesame" in line]
    assert not any(base64.b64encode(b"me:opensesame-8").decode() in text for text in texts)


def test_a_variable_without_a_value_is_an_error_that_names_it(recorder: Recorder, tmp_path: Path) -> None:
    client = made(client_of([item("a", recorder.url("/{{nowhere}}"))]), tmp_path)
    with pytest.raises(LookupError, match="the variable nowhere has no value"):
        client.a()
    assert recorder.requests == []


def test_variables_come_from_the_process_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = client_of(
        [item("a", "{{base}}/", header=[{"key": "k", "value": "{{API_KEY}}"}])],
        values={"base": "http://h", "API_KEY": "hunter2hunter2"},
    )
    assert "hunter2" not in file.text
    monkeypatch.setenv("API_KEY", "from-outside")
    module = module_of(file.text, tmp_path)
    client = module.ShopApi.from_env()
    assert (client["base"], client["API_KEY"]) == ("http://h", "from-outside")


def test_scripts_that_stay_javascript_run_in_the_sandbox(recorder: Recorder, tmp_path: Path) -> None:
    items = [
        item(
            "a",
            recorder.url("/a"),
            test='const _2 = require("lodash"); pm.environment.set("seen", _2.toUpper(pm.response.text()))',
        )
    ]
    recorder.routes["/a"] = answer(body=b"abc")
    with made(client_of(items), tmp_path) as client:
        client.a()
        assert client["seen"] == "ABC"


def bodies(base: str) -> list[dict[str, Any]]:
    form = [{"key": "a", "value": "1 2"}, {"key": "b", "value": "한"}, {"key": "c", "value": "3", "disabled": True}]
    return [
        item("same", f"{base}/x?a=b%20c"),
        item("Same", f"{base}/y", "PUT", body={"mode": "urlencoded", "urlencoded": form}),
        item(
            "text",
            f"{base}/z",
            "POST",
            body={"mode": "raw", "raw": 'line "one"\nline two 한글'},
            header=[{"key": "Content-Type", "value": "text/plain"}],
        ),
        item(
            "class",
            f"{base}/w",
            "DELETE",
            header=[{"key": "X-A", "value": "1"}],
            auth={"type": "basic", "basic": {"username": "u", "password": "p"}},
        ),
        item("이름 (하나)", f"{base}/v/{{{{$guid}}}}/{{{{id}}}}"),
        item("graph", f"{base}/g", "POST", body={"mode": "graphql", "graphql": {"query": "{ a }", "variables": '{"x": 1}'}}),
        item(
            "lots", f"{base}/l", "POST", body=raw('{"big": 12345678901234567890, "list": [1, {"a": null}], "t": true, "f": 1.5}')
        ),
    ]


def test_methods_send_what_a_run_sends(recorder: Recorder, tmp_path: Path) -> None:
    items, values = bodies(recorder.url("")), {"id": "a/b", "password": "p"}
    collection = collection_from_json({"info": {"name": "Shop API"}, "item": items})
    environment = Environment(values=tuple(Variable(key=key, value=value) for key, value in values.items()))
    list(run(collection, Options(environment=environment)))
    sent, recorder.requests[:] = list(recorder.requests), []
    client = made(client_of(items, values=values), tmp_path, password_2="p")
    for method in ("same", "same_2", "text", "class_", "이름_하나", "graph", "lots"):
        getattr(client, method)()
    for theirs, ours in zip(sent, recorder.requests, strict=True):
        assert ours.line[:5] == theirs.line[:5]
        assert ours.target[-4:] == theirs.target[-4:]
        assert ours.values("content-type") == theirs.values("content-type")
        assert ours.body.replace(b" ", b"") == theirs.body.replace(b" ", b"").replace(b"%20", b"+")
        assert ours.values("authorization") == theirs.values("authorization")


@pytest.mark.parametrize("target", ["client", "client-async"])
def test_a_request_that_cannot_be_sent_does_not_stop_the_others(target: str) -> None:
    file = client_of([item("broken", ""), item("fine", "http://h/")], target=target)
    assert (
        file.diagnostics[0].text == "broken: there is no method for this request, it cannot be sent: the request's URL is empty"
    )
    assert "def fine(" in file.text and "def broken(" not in file.text
    with pytest.raises(SendError, match="URL is empty"):
        client_of([item("broken", "")], target=target)


def shapes() -> list[dict[str, Any]]:
    """Requests whose code is of every shape: bodies, auth, settings, names that the code needs itself."""

    def signed(type: str, **parameters: Any) -> dict[str, Any]:
        return {"type": type, type: parameters}

    settings = [
        {"disabledSystemHeaders": {"accept": True}, "followOriginalHttpMethod": True, "maxRedirects": 3},
        {"followAuthorizationHeader": True, "tlsDisabledProtocols": ["TLSv1_2"]},
        {"strictSSL": False, "disableCookies": True},
        {"followRedirects": False},
    ]
    auths = [
        signed("digest", username="u", password="p"),
        signed("ntlm", username="u", password="p"),
        signed("oauth1", consumerKey="k", consumerSecret="s"),
        signed("oauth1", consumerKey="k", consumerSecret="s", addParamsToHeader=True, includeBodyHash=True),
        signed("edgegrid", accessToken="a", clientToken="c", clientSecret="s", baseURL="https://h.test"),
        signed("hawk", authId="i", authKey="k", includePayloadHash=True),
        signed("jwt", secret="s", algorithm="HS256", payload='{"a": "{{id}}"}'),
        signed("jwt", secret="s", algorithm="HS256", payload="{}", addTokenTo="queryParam"),
    ]
    header = [{"key": "A", "value": "1"}, {"key": "A", "value": "2"}]
    key = [{"key": "Authorization", "value": "x"}]
    form = {"mode": "urlencoded", "urlencoded": [{"key": "a", "value": "{{id}}"}]}
    parts = {"mode": "formdata", "formdata": [{"key": "a", "value": "b"}, {"key": "f", "type": "file", "src": "x.txt"}]}
    taken = "self=1&call=2&pabal=3&headers=4&params=5&json=6&session=7&response=8&loads=9"
    return [
        *bodies("http://h"),
        *({**item("set", "https://h/o", "POST", header=key), "protocolProfileBehavior": each} for each in settings),
        *(item("signed", "http://h/o?a=1", "POST", auth=auth, body=body) for auth in auths for body in (form, raw('{"a": 1}'))),
        item("odd", "http://h/o/../x?a=%%", "POST", header=header, body=parts),
        item("file", "http://h/o", "POST", body={"mode": "file", "file": {"src": "x.txt"}}),
        item("names", f"http://h/o?{taken}", "POST"),
    ]


def test_modules_are_clean_and_typed(mock_client: File, tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="mypy comes with the lint group")
    environment = ROOT / "environments" / "kis-mock.postman_environment.json"
    tests, program, waiting = (
        next(generate(MOCK, Options(environment=environment), CodeOptions(target=name)))
        for name in ("pytest", "script", "client-async")
    )
    root = {"variable": [{"key": "n", "value": 5}]}
    odd, odd_waiting = (client_of(shapes(), values={"id": "1"}, root=root, target=name) for name in ("client", "client-async"))
    texts = {
        "mock_client.py": mock_client.text,
        "mock_client_async.py": waiting.text,
        "test_mock.py": tests.text,
        "run_mock.py": program.text,
        "shapes.py": odd.text,
        "shapes_async.py": odd_waiting.text,
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, "utf-8")
    typed = [
        "-m",
        "mypy",
        "--strict",
        "--follow-imports=silent",
        "--disable-error-code=import-untyped",
        f"--cache-dir={ROOT / '.mypy_cache'}",
        *texts,
    ]
    for command in (
        [find_ruff_bin(), "check", "--isolated"],
        [find_ruff_bin(), "format", "--isolated", "--check"],
        [sys.executable, *typed],
    ):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
