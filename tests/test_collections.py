"""The collection and the environments that come with the project: what they may hold, and that they run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runner import load_collection, load_environment
from runner.assemble import Options, Session
from runner.events import Asserted, ItemSkipped, Noted, RequestSent, RunFinished, ScriptFailed
from runner.kis.accounts import ACCOUNT_OF

ROOT = Path(__file__).parents[1]
COLLECTION = ROOT / "collections" / "kis-mock.postman_collection.json"
MOCK = ROOT / "environments" / "kis-mock.postman_environment.json"
REAL = ROOT / "environments" / "kis-real.postman_environment.json"
HOSTS = {"VTS": "https://openapivts.koreainvestment.com:29443", "PROD": "https://openapi.koreainvestment.com:9443"}


def names(*prefixes: str, key: str) -> set[str]:
    kinds = ("APPKEY", "APPSECRET", "TOKEN", "HASH")
    return {
        *HOSTS,
        *(f"{prefix}_{kind}" for prefix in prefixes for kind in kinds),
        *(ACCOUNT_OF[prefix] for prefix in prefixes),
        key,
    }


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for part in value.values():
            yield from texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from texts(part)
    elif isinstance(value, str):
        yield value


def test_no_code_among_the_collections() -> None:
    found = [path for folder in ("collections", "environments") for path in (ROOT / folder).rglob("*")]
    assert found
    assert [path.name for path in found if path.suffix != ".json"] == []


@pytest.mark.parametrize(
    ("path", "expected"),
    [(MOCK, names("VTS", "VTT", key="V_APPROVAL_KEY")), (REAL, names("PROD", "PROT", key="APPROVAL_KEY"))],
    ids=["mock", "real"],
)
def test_environments_are_blank(path: Path, expected: set[str]) -> None:
    environment = load_environment(path)
    assert {variable.key for variable in environment.values} == expected
    for variable in environment.values:
        assert variable.value == HOSTS.get(variable.key, ""), f"{variable.key} must be left empty"
        public = variable.key in HOSTS or variable.key.endswith("_HASH")
        assert variable.type == ("default" if public else "secret")
        assert not variable.disabled


def test_the_collection_holds_no_account_number() -> None:
    for text in texts(json.loads(COLLECTION.read_text(encoding="utf-8"))):
        if not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text):  # an id of Postman's
            assert not re.search(r"(?<![A-Za-z0-9])\d{8}(?![A-Za-z0-9])", text), text


def test_keys_and_tokens_are_variables() -> None:
    secret, found = re.compile("appkey|appsecret|secretkey|token|hashkey|authorization", re.IGNORECASE), 0
    for item in load_collection(COLLECTION).walk():
        fields = json.loads(item.request.body.raw) if item.request.body else {}
        for name, value in (*fields.items(), *((header.key, header.value) for header in item.request.headers)):
            if secret.fullmatch(name):
                assert re.fullmatch(r"(Bearer )?\{\{[A-Z_]+\}\}", value), (item.name, name)
                found += 1
    assert found > 40


def test_every_request_goes_to_the_mock_host() -> None:
    for item in load_collection(COLLECTION).walk():
        assert item.request.url.host == ("{{VTS}}",), item.name
        assert "PROD" not in json.dumps([event.code for event in item.events])
        assert item.name.startswith("V_")


def test_the_order_of_the_items() -> None:
    collection = load_collection(COLLECTION)
    paths = ["/".join(item.request.url.path) for item in collection.walk()]
    assert 12 <= len(paths) <= 16
    assert [folder.name for folder in collection.items] == ["인증", "시세", "국내주식주문", "국내선물옵션주문", "폐기"]
    assert {path.partition("/")[0] for path in paths[:3]} == {"oauth2"}
    assert [index for index, path in enumerate(paths) if path.endswith("revokeP")] == [len(paths) - 1]


def test_account_numbers_are_placeholders_in_bodies_and_variables_in_queries() -> None:
    posts = queries = 0
    for item in load_collection(COLLECTION).walk():
        raw = item.request.body.raw if item.request.body else ""
        if "CANO" in raw:
            assert json.loads(raw)["CANO"].startswith("※")
            posts += 1
        for param in item.request.url.query:
            if param.key == "CANO":
                assert param.value in ("{{CANO}}", "{{CANO_T}}")
                queries += 1
    assert (posts, queries) == (5, 4)


def test_every_request_of_the_collection_passes_against_the_simulator() -> None:
    passed, sent, calls, skipped, notes = 0, [], 0, [], []
    with Session(COLLECTION, Options(environment=MOCK, extras={"simulate": True})) as session:
        for event in session.events():
            match event:
                case Asserted(assertion=assertion):
                    assert assertion.passed, (event.place.title, assertion)
                    passed += 1
                case RequestSent(error=error, source=source):
                    assert error is None, (event.place.title, error)
                    calls += source == "script"
                    sent += [event.place.item.name] if source == "item" else []
                case ScriptFailed():
                    pytest.fail(f"{event.place.title}: {event.error.message}")
                case ItemSkipped():
                    skipped.append(event.place.item.name)
                case Noted():
                    notes.append(event.text)
                case RunFinished():
                    assert (event.unresolved, event.error) == ((), None)
    assert (len(sent), calls, passed) == (15, 4, 36)
    assert skipped == ["V_접근토큰폐기"]
    assert notes == ["account: CANO ← CANO (50****01)"] * 4 + ["account: CANO ← CANO_T (50****02)"]
