"""The collections and environments that come with the project: made from the catalogue, blank, and they run."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from runner import load_collection, load_environment
from runner.assemble import Session
from runner.errors import ExitCode
from runner.events import Asserted, ItemSkipped, Noted, RequestSent
from runner.kis.accounts import ACCOUNT_OF
from runner.kis.catalogue import catalogue
from runner.kis.publish import FILES, documents, text_of
from runner.model import Item
from runner.options import Options
from runner.result import RunResult

ROOT = Path(__file__).parents[1]
HOSTS = {"VTS": "https://openapivts.koreainvestment.com:29443", "PROD": "https://openapi.koreainvestment.com:9443"}
PREFIXES = {"V": ("VTS", "VTT"), "J": ("PROD", "PROT")}
ROWS = {"V": 44, "J": 136}
letters = pytest.mark.parametrize("letter", ["V", "J"])


def collection_of(letter: str) -> Path:
    return ROOT / "collections" / f"{FILES[letter]}.postman_collection.json"


def environment_of(letter: str) -> Path:
    return ROOT / "environments" / f"{FILES[letter]}.postman_environment.json"


def items(letter: str) -> list[Item]:
    return list(load_collection(collection_of(letter)).walk())


def rows_of(letter: str, names: list[str]) -> set[str]:
    """The rows of the guide that items of these names belong to."""
    known = {api.name for api in catalogue() if letter in api.offered}
    found = {name.removeprefix(f"{letter}_").partition(" · ")[0] for name in names}
    assert found <= known
    return found


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for part in value.values():
            yield from texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from texts(part)
    elif isinstance(value, str):
        yield value


@dataclass
class Seen:
    """A run, told: what was sent by items and by scripts, what failed, was refused or skipped."""

    sent: list[str] = field(default_factory=list)
    calls: int = 0
    failed: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    codes: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    exit_code: int = -1


def run(letter: str, folders: tuple[str, ...] = (), env_vars: dict[str, str] | None = None, **extras: Any) -> Seen:
    options = Options(
        environment=environment_of(letter), folders=folders, env_vars=env_vars or {}, extras={"simulate": True, **extras}
    )
    seen, result = Seen(), RunResult()
    with Session(collection_of(letter), options) as session:
        for event in session.events():
            result.add(event)
            match event:
                case Asserted(assertion=assertion) if not assertion.passed:
                    seen.failed.append(f"{event.place.title}: {assertion.name}")
                case RequestSent(refused=True):
                    seen.refused.append(event.place.item.name)
                case RequestSent(source="item", response=response) if response:
                    seen.sent.append(event.place.item.name)
                    seen.codes[json.loads(response.body).get("msg_cd", "")] += 1
                case RequestSent(source="script"):
                    seen.calls += 1
                case ItemSkipped():
                    seen.skipped[event.place.item.name] = event.reason
                case Noted():
                    seen.notes.append(event.text)
                case _:
                    pass
    seen.exit_code = result.exit_code
    return seen


def test_the_files_are_what_the_catalogue_makes_of_them() -> None:
    for place, document in documents():
        assert (ROOT / place).read_text(encoding="utf-8") == text_of(document), f"{place}: run `make collections`"


def test_nothing_else_lies_among_them() -> None:
    found = {path.relative_to(ROOT).as_posix() for name in ("collections", "environments") for path in (ROOT / name).rglob("*")}
    assert found == {place for place, _ in documents()}
    assert all(place.isascii() for place in found)


@letters
def test_environments_are_blank(letter: str) -> None:
    environment = load_environment(environment_of(letter))
    kinds = ("APPKEY", "APPSECRET", "TOKEN", "HASH")
    keys = {f"{prefix}_{kind}" for prefix in PREFIXES[letter] for kind in kinds}
    others = {"V": {"V_APPROVAL_KEY"}, "J": {"APPROVAL_KEY", "HTS_ID"}}[letter]
    assert {variable.key for variable in environment.values} == {
        *HOSTS,
        *keys,
        *others,
        *(ACCOUNT_OF[prefix] for prefix in PREFIXES[letter]),
    }
    for variable in environment.values:
        assert variable.value == HOSTS.get(variable.key, ""), f"{variable.key} must be left empty"
        public = variable.key in HOSTS or variable.key.endswith("_HASH")
        assert variable.type == ("default" if public else "secret")
        assert not variable.disabled


@letters
def test_the_collection_holds_no_account_number_and_no_variable_that_a_run_has_filled(letter: str) -> None:
    for text in texts(json.loads(collection_of(letter).read_text(encoding="utf-8"))):
        if not re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", text):  # an id of Postman's
            assert not re.search(r"(?<![A-Za-z0-9])\d{8}(?![A-Za-z0-9])", text), text
    filled = {variable.key for variable in load_collection(collection_of(letter)).variables if variable.value}
    assert filled == {"FUTURES_CODE", "OVERSEAS_FUTURES_CODE"}


@letters
def test_keys_and_tokens_are_variables_of_one_credential_set(letter: str) -> None:
    secret, found = re.compile("appkey|appsecret|secretkey|token|hashkey|authorization", re.IGNORECASE), 0
    for item in items(letter):
        fields = json.loads(item.request.body.raw) if item.request.body else {}
        query = {param.key: param.value for param in item.request.url.query}
        sets = set()
        for name, value in (*fields.items(), *((header.key, header.value) for header in item.request.headers)):
            if secret.fullmatch(name):
                variable = re.fullmatch(r"(?:Bearer )?\{\{([A-Z]+)_[A-Z]+\}\}", value)
                assert variable, (item.name, name)
                sets.add(variable[1])
                found += 1
        assert len(sets) == 1, item.name
        (prefix,) = sets
        assert prefix in PREFIXES[letter]
        assert {**fields, **query}.get("CANO", f"{{{{{ACCOUNT_OF[prefix]}}}}}") == f"{{{{{ACCOUNT_OF[prefix]}}}}}", item.name
    assert found > 150


@letters
def test_every_request_goes_to_its_own_host(letter: str) -> None:
    host, other = (("VTS", "PROD"), ("PROD", "VTS"))[letter == "J"]
    for item in items(letter):
        assert item.request.url.host == (f"{{{{{host}}}}}",), item.name
        assert other not in json.dumps([event.code for event in item.events])
        assert item.name.startswith(f"{letter}_")


@letters
def test_every_row_of_the_guide_is_there_once_or_under_labels(letter: str) -> None:
    names = [item.name for item in items(letter)]
    assert len(set(names)) == len(names)
    assert len(rows_of(letter, names)) == ROWS[letter]


@letters
def test_the_order_of_the_items(letter: str) -> None:
    collection = load_collection(collection_of(letter))
    assert [folder.name for folder in collection.items] == ["OAuth인증", "시세", "계좌", "주문", "접근토큰폐기"]
    kinds = []
    for item in collection.walk():
        path = "/".join(item.request.url.path)
        tr_id = next((header.value for header in item.request.headers if header.key == "tr_id"), "")
        account = any(param.key == "CANO" for param in item.request.url.query)
        kinds.append(4 if path.endswith("revokeP") else 0 if not tr_id else 3 if tr_id.endswith("U") else 2 if account else 1)
    assert kinds == sorted(kinds)
    assert set(kinds) == {0, 1, 2, 3, 4}


@letters
def test_folders_are_called_as_in_the_guide(letter: str) -> None:
    categories = {api.category for api in catalogue() if letter in api.offered}
    names = [folder.name for group in load_collection(collection_of(letter)).items[1:4] for folder in group.items]
    assert {name.partition(" · ")[0] for name in names} | {"OAuth인증"} == categories
    assert len(set(names)) == len(names)


def test_every_v_row_is_sent_and_passes_against_the_simulator() -> None:
    seen = run("V")
    assert (seen.failed, seen.refused, seen.skipped, seen.exit_code) == ([], [], {}, ExitCode.OK)
    assert len(rows_of("V", seen.sent)) == ROWS["V"]
    assert (len(seen.sent), seen.calls) == (50, 11)
    assert seen.notes.count("account: CANO ← CANO_T (50****02)") == 4


def test_every_j_row_is_sent_and_passes_within_the_limits_where_real_orders_are_allowed() -> None:
    seen = run("J", allow_real_orders=True, simulate_limits=True)
    assert (seen.failed, seen.refused, seen.skipped, seen.exit_code) == ([], [], {}, ExitCode.OK)
    assert len(rows_of("J", seen.sent)) == ROWS["J"]
    assert (len(seen.sent), seen.calls) == (146, 22)
    assert not {code for code in seen.codes if code.startswith("EGW")}


def test_real_orders_are_refused_otherwise() -> None:
    kept = {name: "1" for api in catalogue() for sample in api.samples for name in sample.keep}
    seen = run("J", folders=("주문",), env_vars=kept)
    assert rows_of("J", seen.refused) == {api.name for api in catalogue() if api.moves_money}
    assert (seen.sent, seen.failed, seen.exit_code) == ([], [], ExitCode.REFUSED)


def test_orders_are_not_sent_without_the_values_they_need() -> None:
    """The folder alone: what no quote and no order before them has brought is missing."""
    seen = run("V", folders=("국내주식주문 · 주문",))
    assert list(seen.skipped) == ["V_주식주문(현금)", "V_주식주문(정정취소) · 정정", "V_주식주문(정정취소) · 취소"]
    assert {line.partition(": ")[2] for line in seen.failed} == {"앞선 요청에서 값을 받았습니다"}
    assert (seen.sent, seen.calls, seen.exit_code) == ([], 0, ExitCode.ASSERTION_FAILED)
