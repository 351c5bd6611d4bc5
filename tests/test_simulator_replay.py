"""The broker's published collections, sent as they are to the simulator."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest

from runner.kis.simulator import Simulator

KIS = Path(__file__).resolve().parents[1].parent / "shared" / "kis"
MOCK_15, MOCK_16, REAL_23, REAL_26 = (
    "모의계좌_POSTMAN_샘플코드_v1.5.json",
    "모의계좌_POSTMAN_샘플코드_v1.6.json",
    "실전계좌_POSTMAN_샘플코드_v2.3.json",
    "실전계좌_POSTMAN_샘플코드_v2.6.json",
)
ACCOUNTS = {"VTS": "CANO", "VTT": "CANO_T", "PROD": "CANO_REAL", "PROT": "CANO_REAL_T"}

pytestmark = pytest.mark.skipif(not KIS.is_dir(), reason="the broker's files are not on this machine")


@dataclass(frozen=True, slots=True)
class Reply:
    name: str
    method: str
    path: str
    status: int
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def refused(self) -> bool:
        return self.status == 200 and self.body.get("rt_cd") not in (None, "0")


class Sender:
    """What a Postman user's run does, in the least code: variables, account numbers, hash, send."""

    def __init__(self, simulator: Simulator) -> None:
        self.variables = dict(simulator.variables)
        self._connections: dict[str, HTTPConnection] = {}

    def fill(self, text: str) -> str:
        return re.sub(r"\{\{(\w+)\}\}", lambda match: self.variables.get(match[1], match[0]), text)

    def send(self, item: dict[str, Any], *, hashes: bool = True) -> Reply:
        request = item["request"]
        headers = {h["key"]: h["value"] for h in request["header"] if not h.get("disabled")}
        prefix = next((m[1] for v in headers.values() if (m := re.search(r"\{\{(\w+)_APPKEY\}\}", v))), "")
        body = self._body(request, prefix)
        scripts = ("".join(event["script"]["exec"]) for event in item.get("event", []) if event["listen"] == "prerequest")
        if hashes and any("hashkey" in script for script in scripts):
            self._hash(prefix, body)
        path = "/" + "/".join(request["url"]["path"])
        query = "&".join(self._pair(param) for param in request["url"].get("query", []))
        host = request["url"]["host"][0]
        reply = self._ask(item["name"], host, request["method"], path, query, headers, body)
        self._remember(path, prefix or self._prefix_in(request), reply)
        return reply

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()

    def _ask(self, name: str, host: str, method: str, path: str, query: str, headers: dict[str, str], body: bytes) -> Reply:
        netloc = urlsplit(self.fill(host)).netloc
        connection = self._connections.setdefault(netloc, HTTPConnection(netloc, timeout=10))
        filled = {key: self.fill(value).strip() for key, value in headers.items()}
        connection.request(method, f"{path}?{query}" if query else path, body or None, filled)
        response = connection.getresponse()
        return Reply(name, method, path, response.status, dict(response.getheaders()), json.loads(response.read()))

    def _body(self, request: dict[str, Any], prefix: str) -> bytes:
        text = request.get("body", {}).get("raw", "")
        if prefix and request["url"]["path"][-1] != "hashkey":
            text = re.sub(r'("CANO"\s*:\s*)"[^"]*"', rf'\g<1>"{{{{{ACCOUNTS[prefix]}}}}}"', text)
        return self.fill(text).encode()

    def _pair(self, param: dict[str, Any]) -> str:
        key = quote(param["key"])
        return key if param["value"] is None else f"{key}={quote(self.fill(param['value']), safe='')}"

    def _hash(self, prefix: str, body: bytes) -> None:
        host = "{{VTS}}" if prefix.startswith("V") else "{{PROD}}"
        headers = {
            "Content-Type": "application/json",
            "appKey": f"{{{{{prefix}_APPKEY}}}}",
            "appSecret": f"{{{{{prefix}_APPSECRET}}}}",
        }
        reply = self._ask("hash", host, "POST", "/uapi/hashkey", "", headers, body)
        assert set(reply.body) == {"BODY", "HASH"}
        self.variables[f"{prefix}_HASH"] = reply.body["HASH"]

    def _prefix_in(self, request: dict[str, Any]) -> str:
        match = re.search(r"\{\{(\w+)_APPKEY\}\}", request.get("body", {}).get("raw", ""))
        return match[1] if match else ""

    def _remember(self, path: str, prefix: str, reply: Reply) -> None:
        if path == "/oauth2/tokenP":
            self.variables[f"{prefix}_TOKEN"] = reply.body["access_token"]


def items_of(file: str) -> list[dict[str, Any]]:
    def walk(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for child in node["item"]:
            if "item" in child:
                yield from walk(child)
            else:
                yield child

    return list(walk(json.loads((KIS / file).read_text("utf-8"))))


def replay(file: str, simulator: Simulator, *, pause: Callable[[], None] = lambda: None, hashes: bool = True) -> list[Reply]:
    """Send a whole collection except its revocations, with a pause before each item."""
    sender = Sender(simulator)
    replies = []
    for item in items_of(file):
        if item["request"]["url"]["path"][-1] != "revokeP":
            pause()
            replies.append(sender.send(item, hashes=hashes))
    sender.close()
    return replies


def wrong_fields(reply: Reply, published: dict[str, Any]) -> list[str]:
    """Field names in an answer that KIS's own lists do not have for its path (letter case aside)."""
    facts = published[reply.path]
    known = {field.lower() for fields in facts.values() for field in fields}
    outputs = {name: value for name, value in reply.body.items() if name.lower().startswith("out")}
    rows = [row for value in outputs.values() for row in (value if isinstance(value, list) else [value])]
    return [field for row in rows for field in row if field.lower() not in known]


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(("file", "sent"), [(MOCK_15, 56), (MOCK_16, 56), (REAL_23, 153), (REAL_26, 259)])
def test_every_published_item_is_answered(file: str, sent: int) -> None:
    with Simulator(limits=False) as simulator:
        replies = replay(file, simulator)

    published = json.loads((KIS / "response_fields.json").read_text("utf-8"))
    assert len(replies) == sent
    assert [(reply.name, reply.body) for reply in replies if reply.status != 200 or reply.refused] == []
    assert {reply.name: wrong for reply in replies if (wrong := wrong_fields(reply, published))} == {}


@pytest.mark.parametrize("file", [MOCK_15, REAL_26])
def test_limits_let_a_patient_run_through(file: str) -> None:
    clock = Clock()
    with Simulator(clock=clock) as simulator:
        replies = replay(file, simulator, pause=lambda: setattr(clock, "now", clock.now + 1))

    assert [(reply.name, reply.body) for reply in replies if reply.status != 200] == []


def test_limits_stop_a_hasty_run() -> None:
    with Simulator(clock=Clock()) as simulator:
        replies = replay(MOCK_15, simulator, hashes=False)

    codes = Counter(reply.body.get("msg_cd", "") for reply in replies)
    assert codes["EGW00201"] == len([r for r in replies if r.path.startswith("/uapi/")]) - 2 * 2
    assert {reply.status for reply in replies if reply.body.get("msg_cd") == "EGW00201"} == {500}


def test_every_enabled_hashkey_fits_the_bytes_received() -> None:
    with Simulator(limits=False) as simulator:
        items = [item for item in items_of(MOCK_15) if hash_enabled(item) or item["request"]["url"]["path"][-1] == "tokenP"]
        sender = Sender(simulator)
        good = [sender.send(item) for item in items]
        stale = Sender(simulator)
        stale.variables |= {**sender.variables, "VTS_HASH": "0" * 64, "VTT_HASH": "0" * 64}
        bad = [stale.send(item, hashes=False) for item in items if hash_enabled(item)]
        sender.close()
        stale.close()

    assert [reply.status for reply in good] == [200] * 6
    assert [reply.body["msg_cd"] for reply in bad] == ["EGW00131"] * 4


def hash_enabled(item: dict[str, Any]) -> bool:
    return any(header["key"] == "hashkey" and not header.get("disabled") for header in item["request"]["header"])
