"""The async client generated from a collection: what the other does, with await and several at a time."""

from __future__ import annotations

import asyncio
import inspect
import operator
import socket
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest
from httpx import HTTPStatusError, RemoteProtocolError
from requests.adapters import HTTPAdapter

from runner import Options, Refused, Session
from runner.codegen.checking import Checker
from runner.codegen.registry import File
from runner.generate import CodeOptions, expected, files, generate
from runner.kis.simulator import Simulator
from runner.load import collection_from_json
from tests.servers import Answer, Recorder, answer
from tests.test_codegen_client import MOCK, REAL, ROOT, bodies, client_of, item, made, raw

ORDER = "/uapi/domestic-stock/v1/trading/order-cash"


def async_client_of(items: list[Any], **options: Any) -> File:
    return client_of(items, target="client-async", **options)


def ran(sent: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(sent)


@pytest.fixture
def only_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Should a guard fail, there is no other host than this one."""
    lookup = socket.getaddrinfo

    def here(host: Any, *args: Any, **settings: Any) -> Any:
        assert host in ("127.0.0.1", b"127.0.0.1")
        return lookup(host, *args, **settings)

    monkeypatch.setattr(socket, "getaddrinfo", here)


@pytest.fixture(scope="module")
def mock_client() -> File:
    environment = ROOT / "environments" / "kis-mock.postman_environment.json"
    (file,) = generate(MOCK, Options(environment=environment), CodeOptions(target="client-async"))
    return file


def test_a_cash_order_is_placed_found_and_cancelled_on_the_simulator(mock_client: File, tmp_path: Path) -> None:
    async def orders(simulator: Simulator) -> None:
        given = {name.lower(): simulator.credentials[name] for name in ("CANO", "VTS_APPKEY", "VTS_APPSECRET")}
        async with made(mock_client, tmp_path, vts=simulator.mock_url, allow_changes=True, **given) as client:
            await client.oauth인증.v_접근토큰발급()
            await client.시세.국내주식시세.v_주식현재가_시세()
            placed = (await client.주문.국내주식주문_주문.v_주식주문_현금(pdno="005930", ord_qty="3")).json()
            assert client.failures == []
            number = placed["output"]["ODNO"]
            assert client["ORDER_NO"] == number
            found = (await client.계좌.국내주식주문_계좌.v_주식일별주문체결조회()).json()["output1"]
            assert [(row["odno"], row["ord_qty"]) for row in found] == [(number, "3")]
            cancelled = (await client.request("V_주식주문(정정취소) · 취소")).json()
            assert (cancelled["rt_cd"], client.failures) == ("0", [])

    with Simulator(limits=False) as simulator:
        ran(orders(simulator))


def test_what_changes_an_account_is_off_and_stays_off_for_the_real_host(mock_client: File, tmp_path: Path) -> None:
    async def refused(client: Any) -> None:
        async with client:
            with pytest.raises(Refused, match="changes an account"):
                await client.주문.국내주식주문_주문.v_주식주문_현금()

    ran(refused(made(mock_client, tmp_path, vts="http://127.0.0.1:1", vts_token="t")))
    (real,) = generate(REAL, Options(), CodeOptions(target="client-async", requests=("*현금*",)))
    proxy = "https://proxy.invalid:9443"
    client = made(real, tmp_path, prod=proxy, allow_changes=True)
    with pytest.raises(Refused, match="moves money on a real account"):
        client.check("POST", proxy + ORDER, [("tr_id", "TTTC0012U")])


def test_methods_are_those_of_the_other_client(mock_client: File, tmp_path: Path) -> None:
    environment = ROOT / "environments" / "kis-mock.postman_environment.json"
    (other,) = generate(MOCK, Options(environment=environment), CodeOptions(target="client"))
    clients = [made(file, tmp_path) for file in (mock_client, other)]
    assert mock_client.calls == other.calls
    for call in other.calls:
        asynchronous, plain = (operator.attrgetter(call)(client) for client in clients)
        assert inspect.iscoroutinefunction(asynchronous) and not inspect.iscoroutinefunction(plain)
        assert inspect.signature(asynchronous).parameters == inspect.signature(plain).parameters
        assert asynchronous.__doc__ == plain.__doc__


@pytest.mark.parametrize("target", ["client", "client-async"])
def test_what_really_leaves_is_guarded(recorder: Recorder, tmp_path: Path, only_here: None, target: str) -> None:
    """Neither headers given at a call, nor the session's own, nor its adapters and hooks, nor a redirect are a way around."""
    sends = f'pm.sendRequest({{url: "{recorder.url("/hop")}", method: "POST"}}, () => {{}})'
    items = [
        item("plain", recorder.url("/plain"), "POST"),
        item("hop", recorder.url("/hop"), "POST"),
        item("script", recorder.url("/plain"), test=sends),
        item("host", "{{base}}" + ORDER, "POST"),
    ]
    recorder.routes["/hop"] = answer(307, [("Location", f"https://openapi.koreainvestment.com:9443{ORDER}")])
    client = made(client_of(items, values={"base": "https://openapi.koreainvestment.com:9443"}, target=target), tmp_path)

    async def awaited(found: Any) -> None:
        if asyncio.iscoroutine(found):
            await found

    async def refused() -> None:
        for allowed in (False, True):
            client.allow_changes = allowed
            for name in ("hop", "script", "host"):
                with pytest.raises(Refused, match="moves money on a real account" if allowed else "changes an account"):
                    await awaited(getattr(client, name)())
        with pytest.raises(Refused, match="TTTC0012U moves money on a real account"):
            await awaited(client.plain(headers={"TR_ID": "TTTC0012U"}))
        client.session.headers["tr_id"] = "TTTC0012U"
        if target == "client":
            client.session.mount("http://", HTTPAdapter(max_retries=1))
        else:
            client.session.event_hooks = {}
        with pytest.raises(Refused, match="TTTC0012U moves money on a real account"):
            await awaited(client.plain())
        await awaited(client.close() if target == "client" else client.aclose())

    ran(refused())
    assert [request.target for request in recorder.requests] == ["/hop", "/plain", "/hop"] * 2


def test_requests_at_a_time_do_not_mix_their_variables_up(recorder: Recorder, tmp_path: Path) -> None:
    before = """pm.variables.set("mine", JSON.parse(pm.request.body.raw).n);
        pm.sendRequest(pm.environment.get("base") + "/hash-" + pm.variables.get("mine"), (e, r) => {
            pm.environment.set("HASH", r.json().hash) })"""
    after = (
        'pm.test("own " + pm.variables.get("mine"), () => { pm.expect(pm.response.json().n).to.equal(pm.variables.get("mine")) })'
    )
    header = [{"key": "hash", "value": "{{HASH}}"}, {"key": "mine", "value": "{{mine}}"}]
    items = [item("a", "{{base}}/a?n=0", "POST", prerequest=before, test=after, header=header, body=raw('{"n": 0}'))]
    for number in range(6):
        body, wait = f'{{"hash": "h-{number}"}}'.encode(), 0.02 * (6 - number)
        recorder.routes[f"/hash-{number}"] = answer(body=body, pause=wait)
    recorder.routes["/a"] = answer(body=b'{"n": 3}', pause=0.01)
    client = made(async_client_of(items, values={"base": recorder.url(""), "HASH": ""}), tmp_path)

    async def all_at_once() -> list[Any]:
        async with client:
            return await asyncio.gather(*(client.a(json={"n": number}) for number in range(6)))

    responses = ran(all_at_once())
    sent = {each.body: (each.values("hash"), each.values("mine")) for each in recorder.requests if each.method == "POST"}
    assert sent == {f'{{"n":{number}}}'.encode(): ([f"h-{number}"], [str(number)]) for number in range(6)}
    assert [client.failures_of(each) for each in responses] == [[f"own {n}"] if n != 3 else [] for n in range(6)]


def test_scripts_that_stay_javascript_take_turns(recorder: Recorder, tmp_path: Path) -> None:
    code = """const lodash = require("lodash"); pm.sendRequest(pm.request.url.toString().replace("/a", "/more"), (e, r) => {
        pm.environment.set(lodash.toUpper(r.json().name), pm.request.url.query.get("n")) })"""
    recorder.routes["/more"] = answer(body=b'{"name": "seen"}', pause=0.01)
    busy = 'require("lodash"); const end = Date.now() + 300; while (Date.now() < end) {}'
    items = [item("a", recorder.url("/a?n=0"), test=code), item("busy", recorder.url("/busy"), test=busy)]
    client = made(async_client_of(items), tmp_path)

    async def all_at_once() -> None:
        async with client:
            await asyncio.gather(*(client.a(params={"n": number}) for number in range(4)))
            assert client["SEEN"] in ("0", "1", "2", "3")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(client.busy(), 0.15)  # in the middle of its script
            await client.a(params={"n": 9})
            assert (client["SEEN"], client.failures) == ("9", [])

    ran(all_at_once())


def test_methods_send_what_a_run_sends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.generate._A_SECOND", 0)
    (tmp_path / "x.txt").write_text("of a file")
    upload = [{"key": "a", "value": "b"}, {"key": "f", "type": "file", "src": "x.txt"}]
    header = [{"key": "A", "value": "1"}, {"key": "A", "value": "2"}]
    items = [
        *(each for each in bodies("http://shop.test") if "$guid" not in each["request"]["url"]),
        item("이름 (하나)", "http://shop.test/v/{{id}}?guid={{$guid}}"),
        item("form", "http://shop.test/form", "POST", body={"mode": "formdata", "formdata": upload}),
        item("file", "http://shop.test/file", "POST", body={"mode": "file", "file": {"src": "x.txt"}}),
        item("dots", "http://shop.test/a/../dots?x=%%", "POST"),
        item("twice", "https://shop.test/twice", "POST", header=header, body=raw("[1]")),
        {**item("off", "https://shop.test/off"), "protocolProfileBehavior": {"disabledSystemHeaders": {"accept": True}}},
    ]
    collection = collection_from_json({"info": {"name": "Shop API"}, "item": items})
    options, code = Options(env_vars={"id": "a/b"}, working_dir=str(tmp_path)), CodeOptions(target="client-async")
    with Session(collection, options) as session, Checker(tmp_path) as checker:
        verdict = checker.check_whole(list(files(session, code)), *expected(session, code))
    other = ("the JSON is written in another way", "the form is encoded in another way")
    assert verdict.kind == "semantic", verdict.reasons
    assert [reason for reason in verdict.reasons if not reason.endswith(other)] == []


def test_one_connection_is_kept_nothing_is_sent_again_and_cookies_last(recorder: Recorder, tmp_path: Path) -> None:
    own = {**item("own", recorder.url("/own")), "protocolProfileBehavior": {"maxRedirects": 3}}
    client = made(async_client_of([item("a", recorder.url("/a")), own]), tmp_path)

    async def several() -> None:
        async with client:
            recorder.answers(answer(headers=[("Set-Cookie", "sid=s1; Path=/")]), answer(503), answer(), answer(304))
            await client.a()
            with pytest.raises(HTTPStatusError):
                await client.a()
            await client.own()
            await client.a()  # no error, as with requests
            recorder.routes["/a"] = Answer((), close=True)
            with pytest.raises(RemoteProtocolError):
                await client.a()
            assert len(recorder.requests) == 5

    ran(several())
    assert [each.connection for each in recorder.requests[:2]] == [0, 0]
    assert recorder.requests[2].values("cookie") == ["sid=s1"]


def test_a_redirect_from_an_address_with_dots_goes_where_it_leads(recorder: Recorder, tmp_path: Path) -> None:
    recorder.answers(answer(302, [("Location", "/there")]), answer())
    client = made(async_client_of([item("a", recorder.url("/x/../a"))]), tmp_path)

    async def redirected() -> None:
        async with client:
            await client.a()

    ran(redirected())
    assert [each.target for each in recorder.requests] == ["/x/../a", "/there"]
