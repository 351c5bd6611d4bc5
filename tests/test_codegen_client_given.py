"""What generated clients, plain and async, take at a call, keep in an environment, and show of it."""

from __future__ import annotations

import asyncio
import inspect
import json
import operator
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from runner import Options, Variable, run
from runner.client import header_lines, with_headers, with_json, with_params, with_query, with_text
from runner.load import collection_from_json, load_environment
from tests.servers import Recorder, answer
from tests.test_codegen_client import client_of, item, made, module_of, raw

Send = Callable[..., Any]
Open = Callable[[Any], Send]


@pytest.fixture(params=["client", "client-async"])
def target(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def opened(target: str) -> Iterator[Open]:
    """Sends requests of a client of either kind by the names of its methods, and closes it at the end."""
    with asyncio.Runner() as loop:
        clients: list[Any] = []

        def awaited(found: Any) -> Any:
            return loop.run(found) if asyncio.iscoroutine(found) else found

        def opened(client: Any) -> Send:
            clients.append(client)
            return lambda method, /, *words, **given: awaited(operator.attrgetter(method)(client)(*words, **given))

        yield opened
        for client in clients:
            awaited(client.close() if target == "client" else client.aclose())


def test_a_call_goes_over_what_the_collection_has(recorder: Recorder, tmp_path: Path, target: str, opened: Open) -> None:
    header = [{"key": "Tr_Id", "value": "A"}, {"key": "X", "value": "1"}]
    form = {"mode": "urlencoded", "urlencoded": [{"key": "a", "value": "1"}]}
    items = [
        item("split", recorder.url("/split?state=open&page=1"), header=header, body=None),
        item("whole", recorder.url("/whole?a=x%2Fy&b=2&b=3#part"), "POST", body=raw('{"n": 1, "m": {"x": 1}}')),
        item("text", recorder.url("/text"), "POST", body=raw('{"n": 1.10, "m": 2}')),
        item("form", recorder.url("/form"), "POST", body=form),
        item("parts", recorder.url("/parts"), "POST", body={"mode": "formdata", "formdata": [{"key": "a", "value": "1"}]}),
        item("twice", recorder.url("/twice"), header=[{"key": "A", "value": "1"}, {"key": "A", "value": "2"}, *header]),
    ]
    send = opened(made(client_of(items, target=target), tmp_path))
    send("split", headers={"TR_ID": "B", "X": None, "Y": "2"}, params={"page": 7, "state": None, "tag": ["a b", "c"]})
    send("whole", params={"b": "4", "한": "글"}, json={"n": 2, "new": None})
    send("text", json={"n": 3})
    send("text")
    send("form", json=[1])
    send("form")
    send("parts", json={"a": 1})
    send("twice", headers=[("A", "3"), ("A", "4")], json={"a": 1})
    got = recorder.requests
    assert got[0].target == "/split?page=7&tag=a+b&tag=c"
    assert got[1].target == "/whole?a=x%2Fy&b=4&%ED%95%9C=%EA%B8%80"
    assert [got[0].values(name) for name in ("tr_id", "x", "y")] == [["B"], [], ["2"]]
    assert json.loads(got[1].body) == {"n": 2, "m": {"x": 1}, "new": None}
    assert (json.loads(got[2].body), got[3].body) == ({"n": 3, "m": 2}, b'{"n": 1.10, "m": 2}')
    assert (got[4].body, got[4].values("content-type")) == (b"[1]", ["application/json"])
    assert (got[5].body, got[5].values("content-type")) == (b"a=1", ["application/x-www-form-urlencoded"])
    assert (json.loads(got[6].body), got[6].values("content-type")) == ({"a": 1}, ["application/json"])
    assert (got[7].values("a"), got[7].values("tr_id"), json.loads(got[7].body)) == (["3", "4"], ["A"], {"a": 1})


def test_what_is_signed_takes_only_what_the_signature_sees(tmp_path: Path, target: str) -> None:
    oauth = {"type": "oauth1", "oauth1": {"consumerKey": "k", "consumerSecret": "s", "addParamsToHeader": True}}
    form = {"mode": "urlencoded", "urlencoded": [{"key": "a", "value": "1"}]}
    token = {"type": "jwt", "jwt": {"secret": "s", "algorithm": "HS256", "payload": "{}", "addTokenTo": "queryParam"}}
    items = [
        item("form", "http://h/", "POST", body=form, auth=oauth),
        item("text", "http://h/", "POST", body=raw('{"a": 1}'), auth=oauth),
        item("token", "http://h/", "POST", body=form, auth=token),
    ]
    client = made(client_of(items, target=target), tmp_path)
    found = {name: set(inspect.signature(getattr(client, name)).parameters) & {"headers", "params", "json"} for name in ("form", "text", "token")}  # fmt: skip
    assert found == {"form": {"headers", "params"}, "text": {"headers", "params", "json"}, "token": {"headers", "json"}}


def test_scripts_see_what_is_sent(recorder: Recorder, tmp_path: Path, target: str, opened: Open) -> None:
    script = 'pm.environment.set("seen", pm.request.body.raw); pm.environment.set("at", pm.request.url.toString())'
    items = [
        item("as json", recorder.url("/a?n=1"), "POST", prerequest=script, body=raw('{"n": "한"}')),
        item("as text", recorder.url("/b"), "POST", prerequest=script, body=raw('{"n": 1.10}')),
    ]
    client = made(client_of(items, target=target), tmp_path)
    send = opened(client)
    for name in ("as_json", "as_text"):
        for given in ({}, {"json": {"n": 2}, "params": {"n": 3}}):
            send(name, **given)
            assert client["seen"].encode() == recorder.last.body
            assert client["at"] == recorder.url(recorder.last.target)


def test_names_that_come_twice_are_found_by_their_paths(recorder: Recorder, tmp_path: Path, target: str, opened: Open) -> None:
    items = [
        item("same", recorder.url("/root?name=1")),
        {"name": "F", "item": [item("same", recorder.url("/f?name=1")), item("J_주문(현금)", recorder.url("/order?name=1"))]},
        {
            "name": "G",
            "item": [
                item("same", recorder.url("/g?name=1")),
                item("same", recorder.url("/g2?name=1")),
                item("other", recorder.url("/")),
            ],
        },
        {"name": "H", "item": [item("other", recorder.url("/"))]},
    ]
    client = made(client_of(items, target=target), tmp_path)
    send = opened(client)
    for name in ("same", "F/same", "J_주문(현금)", "g.same", "g.same_2"):
        send("request", name, name="x")
    assert [request.target for request in recorder.requests] == [f"/{name}?name=x" for name in ("root", "f", "order", "g", "g2")]
    for name, hint in {"G/same": "2 .* g.same or g.same_2", "other": "2 .* g.other or h.other", "nope": "0 requests"}.items():
        with pytest.raises(LookupError, match=hint):
            client.request(name)


def test_one_connection_each_credential_and_no_second_try(recorder: Recorder, tmp_path: Path, target: str, opened: Open) -> None:
    def signed(name: str, token: str) -> Any:
        return item(name, f"{{{{base}}}}/{name}", auth={"type": "bearer", "bearer": {"token": f"{{{{{token}}}}}"}})

    items = [signed("stocks", "VTS_TOKEN"), signed("futures", "VTT_TOKEN")]
    values = {"base": recorder.url(""), "VTS_TOKEN": "one-token", "VTT_TOKEN": "other-token"}
    client = made(client_of(items, values=values, target=target), tmp_path, vts_token="one-token", vtt_token="other-token")
    send = opened(client)
    send("stocks"), send("futures")
    assert [request.values("authorization") for request in recorder.requests] == [["Bearer one-token"], ["Bearer other-token"]]
    assert {request.connection for request in recorder.requests} == {0}
    recorder.answers(answer(503), answer(close=True, length=False, pause=0.0))
    with pytest.raises(Exception, match="503"):
        send("stocks")
    assert (len(recorder.requests), client.timeout) == (3, 30)
    client.timeout = 0.05
    recorder.script.clear()
    recorder.answers(answer(pause=0.3))
    with pytest.raises(Exception, match=r"(?i)time|^$"):
        send("stocks")
    assert len(recorder.requests) == 4


def test_an_environment_is_kept_in_a_file_that_postman_and_a_run_read(
    recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    header = [{"key": "k", "value": "{{API_KEY}}"}, {"key": "t", "value": "{{TOKEN}}"}]
    items = [item("a", "{{base}}/a", header=header)]
    module = module_of(client_of(items, values={"base": "http://h", "API_KEY": ""}, target=target).text, tmp_path)
    staging = {
        "name": "Staging",
        "id": "e-1",
        "values": [
            {"key": "base", "value": recorder.url("")},
            {"key": "API_KEY", "value": ""},
            {"key": "odd", "value": "opensesame-opensesame", "type": "secret"},
            {"key": "off", "value": "x", "enabled": False},
        ],
    }
    (tmp_path / "staging.json").write_text(json.dumps(staging))
    monkeypatch.setenv("API_KEY", "hunter2hunter2")
    client = module.ShopApi.from_postman(tmp_path / "staging.json", allow_changes=True, timeout=7)
    assert (client["base"], client["API_KEY"]) == (recorder.url(""), "hunter2hunter2")
    assert (client.allow_changes, client.timeout) == (True, 7)
    client["TOKEN"] = "captured-just-now"
    shown = repr(client)
    assert "ShopApi" in shown and recorder.url("") in shown
    assert not any(secret in shown for secret in ("hunter2", "opensesame", "captured"))
    client.save(saved := tmp_path / "saved.json")
    written = json.loads(saved.read_text())
    assert (written["name"], written["id"], written["_postman_variable_scope"]) == ("Staging", "e-1", "environment")
    types = {entry["key"]: entry["type"] for entry in written["values"]}
    assert (types["odd"], types["TOKEN"], types["API_KEY"], saved.stat().st_mode & 0o777) == ("secret", "secret", "secret", 0o600)
    list(run(collection_from_json({"info": {"name": "Shop"}, "item": items}), Options(environment=saved)))
    assert (recorder.last.values("k"), recorder.last.values("t")) == (["hunter2hunter2"], ["captured-just-now"])
    again = module.ShopApi.from_postman(saved)
    assert {entry.key: entry.value for entry in load_environment(saved).values}.items() >= {"TOKEN": again["TOKEN"]}.items()


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    client = made(client_of([item("a", "http://h/")]), tmp_path)
    client["half"] = "\ud800"
    client.save(path := tmp_path / "env.json")
    before = path.read_bytes()
    assert load_environment(path).values == (Variable(key="half", value="\ud800", type="any"),)
    client["bad"] = object()
    with pytest.raises(TypeError):
        client.save(path)
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir() if "env" in each.name] == ["env.json"]


@pytest.mark.parametrize(
    ("url", "given", "expected"),
    [
        ("http://h/a", None, "http://h/a"),
        ("http://h/a", {"x": 1.5, "y": True}, "http://h/a?x=1.5&y=true"),
        ("http://h/a?x=%%&y", {"z": "&="}, "http://h/a?x=%%&y&z=%26%3D"),
        ("http://h/a?x=1&y=2#f?x", {"x": None}, "http://h/a?y=2#f?x"),
        ("http://h/a?a%20b=1", [("a b", 2), ("a b", 3)], "http://h/a?a%20b=2&a%20b=3"),
        ("http://h/a?x=1", {"x": None}, "http://h/a"),
    ],
)
def test_parameters_in_a_url(url: str, given: Any, expected: str) -> None:
    assert with_query(url, given) == expected


def test_what_is_given_takes_the_place_of_what_is_there() -> None:
    assert with_headers({"A": "1", "b": "2"}, {"a": "3", "B": None}) == {"a": "3", "B": None}
    assert header_lines({"A": "1", "b": "2"}, {"B": None}) == [("A", "1")]
    assert with_params({"a": "1"}, {"a": None}) is None
    assert with_params([("a", "1"), ("b", "2"), ("a", "3")], {"b": [1, 2]}) == (("a", "1"), ("a", "3"), ("b", "1"), ("b", "2"))
    assert with_json({"a": 1}, None) == {"a": 1}
    assert with_json([1], {"a": 1}) == {"a": 1}
    assert with_text("no json", {"a": 1}) == '{"a": 1}'
    assert with_text("1.10", None) == "1.10"
