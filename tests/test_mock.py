"""Saved examples in the servers' place, and answers saved as examples."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from runner.load import collection_from_json, load_collection
from runner.mock.match import Asked, best, query_of, saved_examples
from runner.mock.server import MockServer
from tests.conftest import Pabal
from tests.servers import Recorder, answer


def example(
    name: str, code: int = 200, body: str = "", url: str | None = None, method: str = "GET", **more: Any
) -> dict[str, Any]:
    request = {"originalRequest": {"method": method, "url": url}} if url is not None else {}
    return {
        "name": name,
        "code": code,
        "body": body,
        "header": [{"key": "Content-Type", "value": "application/json"}],
        **request,
        **more,
    }


def item(name: str, url: str, *examples: dict[str, Any], method: str = "GET", test: str = "") -> dict[str, Any]:
    event = [{"listen": "test", "script": {"exec": test.split("\n")}}] if test else []
    return {"name": name, "request": {"method": method, "url": url}, "response": list(examples), "event": event}


ORDERS = {
    "info": {"name": "orders"},
    "variable": [{"key": "base", "value": "http://shop.example/api"}],
    "item": [
        item("list", "{{base}}/orders", example("all", body="[]"), example("none left", 404)),
        item("one", "{{base}}/orders/:id", example("seven", url="{{base}}/orders/7"), example("any", id="ex-any")),
        item("page", "{{base}}/orders?page=1&size=10", example("first"), example("second", url="{{base}}/orders?page=2&size=10")),
        item("new", "{{base}}/orders", example("made", 201, '{"id": 8}'), method="POST"),
        item("elsewhere", "{{nowhere}}/deep/{{what}}/end", example("deep")),
    ],
}


def found(path: str, method: str = "GET", **headers: str) -> str | None:
    where, _, query = path.partition("?")
    collection = collection_from_json(ORDERS)
    asked = Asked(method=method, path=where, query=query_of(query), headers={k.replace("_", "-"): v for k, v in headers.items()})
    saved = best(asked, saved_examples(collection, lambda text: text.replace("{{base}}", "http://shop.example/api")))
    return saved.example.name if saved else None


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/api/orders", "all"),
        ("/api/orders/", "all"),
        ("/API/Orders", "all"),
        ("/api/orders/7", "seven"),
        ("/api/orders/8", "any"),
        ("/api/orders?page=1&size=10", "first"),
        ("/api/orders?page=2&size=10", "second"),
        ("/api/orders?size=10&page=2", "second"),
        ("/any/prefix/deep/x/end", "deep"),
        ("/deep/x/end", "deep"),
        ("/deep/x/other", None),
        ("/orders", None),
        ("/api/orders/7/lines", None),
        ("/", None),
    ],
)
def test_what_is_most_alike_answers(path: str, name: str | None) -> None:
    assert found(path) == name


@pytest.mark.parametrize(
    ("method", "headers", "name"),
    [
        ("POST", {}, "made"),
        ("post", {}, "made"),
        ("PUT", {}, None),
        ("GET", {"x_mock_response_code": "404"}, "none left"),
        ("GET", {"x_mock_response_name": "none left"}, "none left"),
        ("GET", {"x_mock_response_code": "500"}, None),
    ],
)
def test_method_and_wishes_count(method: str, headers: dict[str, str], name: str | None) -> None:
    assert found("/api/orders", method, **headers) == name


def test_an_example_can_be_asked_for_by_its_id() -> None:
    assert found("/api/orders/7", x_mock_response_id="ex-any") == "any"


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    path = tmp_path / "orders.json"
    path.write_text(json.dumps(ORDERS))
    return path


@pytest.fixture
def log() -> list[str]:
    return []


@pytest.fixture
def server(orders: Path, log: list[str]) -> Iterator[MockServer]:
    def examples() -> Any:
        return saved_examples(load_collection(orders), lambda text: text.replace("{{base}}", "http://shop.example/api"))

    made = MockServer(examples, stamp=lambda: os.stat(orders).st_mtime_ns, log=log.append)
    thread = threading.Thread(target=made.serve)
    thread.start()
    yield made
    made.close()
    thread.join(5)


def get(url: str, **headers: str) -> tuple[int, Any, str | None]:
    request = Request(url, headers={name.replace("_", "-"): value for name, value in headers.items()})
    try:
        with urlopen(request, timeout=5) as response:
            return response.status, response.read().decode(), response.headers["Content-Type"]
    except HTTPError as error:
        with error:
            return error.code, error.read().decode(), error.headers["Content-Type"]


def test_the_server_answers_and_says_what_it_answered(server: MockServer, log: list[str]) -> None:
    assert get(f"{server.url}/api/orders") == (200, "[]", "application/json")
    assert get(f"{server.url}/api/orders", x_mock_response_code="404")[0] == 404
    assert log == ["GET /api/orders → 200 (all)", "GET /api/orders → 404 (none left)"]


def test_what_no_example_answers_is_404_with_what_there_is(server: MockServer) -> None:
    status, body, kind = get(f"{server.url}/api/customers")
    error = json.loads(body)["error"]
    assert (status, kind, error["name"]) == (404, "application/json", "mockRequestNotFoundError")
    assert "GET /api/orders/:id → 200 any" in error["examples"]


def test_a_changed_file_is_read_again_and_a_broken_one_leaves_what_there_was(
    server: MockServer, orders: Path, log: list[str]
) -> None:
    changed = {**ORDERS, "item": [item("list", "{{base}}/orders", example("new", body="[1]"))]}
    orders.write_text(json.dumps(changed))
    os.utime(orders, ns=(1, 1))
    assert get(f"{server.url}/api/orders")[1] == "[1]"
    orders.write_text("{")
    os.utime(orders, ns=(2, 2))
    assert get(f"{server.url}/api/orders")[1] == "[1]"
    assert log[0] == "read again: 1 examples"
    assert any(line.startswith("not read again: ") for line in log)


def test_a_run_against_the_mock_never_reaches_the_network(pabal: Pabal, orders: Path) -> None:
    collection = json.loads(orders.read_text())
    collection["item"] = [
        item("new", "{{base}}/orders", example("made", 201, '{"id": 8}'), method="POST",
             test="pm.test('made', () => { pm.response.to.have.status(201); pm.expect(pm.response.json().id).to.eql(8) })"),
        item("script", "{{base}}/orders", example("all", body="[]"),
             test="pm.sendRequest('http://shop.example/api/orders', (e, r) => pm.test('sent', () => pm.expect(r.json()).to.eql([])))"),
    ]  # fmt: skip
    orders.write_text(json.dumps(collection))
    done = pabal("run", str(orders), "--mock")
    assert (done.status, "mocked: made" in done.out, done.out.count("✓")) == (0, True, 2)


def test_without_an_example_a_mocked_request_fails_and_says_what_to_do(pabal: Pabal, tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text(json.dumps({"item": [item("a", "http://shop.example/a")]}))
    done = pabal("run", "c.json", "--mock")
    assert done.status == 4
    assert "no saved example answers GET /a" in done.out


def test_answers_are_recorded_and_replayed(pabal: Pabal, recorder: Recorder, tmp_path: Path) -> None:
    recorder.routes["/things"] = answer(
        200, [("Content-Type", "application/json"), ("X-Token", "tok-secret-123456")], b'{"n": 1}'
    )
    recorder.routes["/gone"] = answer(404, [], b"gone")
    test = "pm.test('n', () => pm.expect(pm.response.json().n).to.eql(1))"
    things = item("things", "{{base}}/things", example("by hand", body="kept"), test=test)
    things["request"]["header"] = [{"key": "X-Api-Key", "value": "{{key}}"}]
    things = {**things, "request": {**things["request"], "auth": {"type": "bearer", "bearer": {"token": "{{key}}"}}}}
    collection = {"info": {"name": "c"}, "item": [things, item("gone", "{{base}}/gone")]}
    (tmp_path / "c.json").write_text(json.dumps(collection))
    words = ("run", "c.json", "--env-var", f"base={recorder.url('').rstrip('/')}", "--env-var", "key=s3cret-key-98765")
    assert pabal(*words, "--record", "c.json").status == 0
    text = (tmp_path / "c.json").read_text()
    assert "s3cret-key-98765" not in text and "tok-secret-123456" not in text
    saved = load_collection(tmp_path / "c.json")
    assert [[each.name for each in one.examples] for one in saved.walk()] == [["by hand", "recorded 200"], ["recorded 404"]]
    sent = len(recorder.requests)
    done = pabal("run", "c.json", "--mock", "--env-var", "base=http://nowhere.invalid")
    assert (done.status, len(recorder.requests)) == (1, sent)  # "by hand" comes first of two that are alike
    assert pabal(*words, "--record", "c.json").status == 0
    assert [len(one.examples) for one in load_collection(tmp_path / "c.json").walk()] == [2, 1]


def test_a_recording_replayed_passes_the_same_tests(pabal: Pabal, recorder: Recorder, tmp_path: Path) -> None:
    recorder.routes["/things"] = answer(200, [("Content-Type", "application/json")], b'{"n": 1}')
    test = "pm.test('n', () => pm.expect(pm.response.json().n).to.eql(1))"
    (tmp_path / "c.json").write_text(json.dumps({"item": [item("things", recorder.url("/things"), test=test)]}))
    assert pabal("run", "c.json", "--record", "new/recorded.json").status == 0
    assert pabal("run", "new/recorded.json", "--mock").status == 0


def test_recording_several_collections_is_a_usage_error(pabal: Pabal, orders: Path) -> None:
    done = pabal("run", str(orders), str(orders), "--record", "x.json")
    assert (done.status, "--record is for one collection" in done.err) == (2, True)


def test_a_taken_port_is_a_usage_error(pabal: Pabal, orders: Path, recorder: Recorder) -> None:
    done = pabal("mock", str(orders), "--port", str(recorder.port))
    assert (done.status, "cannot listen there" in done.err) == (2, True)
