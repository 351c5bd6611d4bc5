"""The catalogue: whole in itself, and in agreement with the broker's material where that is at hand."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.kis.accounts import ACCOUNT_OF
from runner.kis.catalogue import HOSTS, VARIABLE_PREFIXES, Api, Sample, catalogue, meanings
from runner.kis.endpoints import endpoints

KIS = Path(__file__).resolve().parents[1].parent / "shared" / "kis"
broker = pytest.mark.skipif(not KIS.is_dir(), reason="the broker's files are not on this machine")

MOVED = {
    37: "/uapi/domestic-stock/v1/quotations/inquire-daily-indexchartprice",
    105: "/uapi/overseas-stock/v1/trading/order-resv",
}
"""Paths of published items that the catalogue corrects, by row."""

NO_TR_ID = {"MCA05918"}


def samples() -> Iterator[tuple[Api, Sample, str]]:
    for api in catalogue():
        for sample in api.samples:
            for letter in sample.trs:
                yield api, sample, letter


def account(sample: Sample, letter: str) -> str:
    return ACCOUNT_OF[VARIABLE_PREFIXES[letter, sample.keys]]


def seed() -> list[dict[str, str]]:
    with (KIS / "seed_table.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def words(cell: str) -> set[str]:
    return {word.strip().strip("'").strip() for word in re.split(r"[;,]", cell)} - {""}


def test_there_are_as_many_rows_as_in_the_guide() -> None:
    assert [api.number for api in catalogue()] == list(range(1, 137))
    assert [sum(letter in api.offered for api in catalogue()) for letter in "VJ"] == [44, 136]


def test_every_offered_host_has_a_request() -> None:
    for api in catalogue():
        assert {letter for sample in api.samples for letter in sample.trs} == set(api.offered), api.name


def test_every_tr_id_is_taken_at_its_path_and_host() -> None:
    for api, sample, letter in samples():
        tr_id = sample.trs[letter]
        if tr_id:
            assert tr_id in api.tr_ids(letter), api.name
            assert tr_id not in api.endpoint.stray
        else:
            assert api.path.startswith("/oauth2/") or api.path == "/uapi/hashkey"


def test_every_parameter_has_a_meaning_and_every_value_a_parameter() -> None:
    used = set()
    for api, sample, letter in samples():
        names = api.parameters(sample, letter)
        assert set(sample.values) <= set(names), (api.name, sample.label)
        assert "CANO" not in sample.values
        used |= set(names)
    assert used == set(meanings())
    assert all(re.search("[가-힣]", text) and len(text) < 70 for text in meanings().values())


def test_siblings_are_told_apart_by_labels() -> None:
    for api in catalogue():
        labels = [sample.label for sample in api.samples]
        assert len(set(labels)) == len(labels), api.name


def test_successors_are_taken_at_the_same_path() -> None:
    found = 0
    for api in catalogue():
        for old, new in api.successors.items():
            assert api.endpoint.trs[old] == api.endpoint.trs[new], (api.name, old)
            assert api.endpoint.required[old] == api.endpoint.required[new]
            found += 1
    assert found > 15


def test_every_further_tr_id_of_an_order_says_what_it_is_for() -> None:
    found = 0
    for api in catalogue():
        sent = {tr for sample in api.samples for tr in sample.trs.values()}
        further = {tr for letter in HOSTS for tr in api.tr_ids(letter)} - sent
        assert set(api.others) <= set(api.endpoint.trs) - sent, api.name
        if api.moves_money:
            assert further <= set(api.others), api.name
            found += len(further)
    assert found > 40


def test_stray_tr_ids_belong_to_another_path() -> None:
    found = 0
    for endpoint in endpoints().values():
        for tr_id, path in endpoint.stray.items():
            assert tr_id in endpoint.trs
            assert path != endpoint.path
            assert tr_id in endpoints()[path].trs, (endpoint.path, tr_id)
            found += 1
    assert found >= 12


def test_every_api_has_response_fields_and_what_is_asked_for_page_by_page_says_so() -> None:
    assert all(output.fields for api in catalogue() for output in api.outputs)
    for api, sample, letter in samples():
        if any(name.startswith("CTX_AREA") for name in api.parameters(sample, letter)):
            assert {name.upper() for name in api.paging} <= set(api.parameters(sample, letter)), api.name


@broker
def test_the_rows_are_those_of_the_guide() -> None:
    rows = seed()
    assert [(int(row["no"]), row["category"], row["api_name"]) for row in rows] == [
        (api.number, api.category, api.name) for api in catalogue()
    ]
    for row, api in zip(rows, catalogue(), strict=True):
        assert ("V" if row["mock_offered"] else "") + ("J" if row["real_offered"] else "") == api.offered
        assert {row["v15_method"], row["j23_method"]} - {""} == {api.method}
        published = words(row["v15_path"]) | words(row["j23_path"])
        assert published - {MOVED.get(api.number)} == {api.path}
        assert (row["moves_money"] == "Y") == api.moves_money, api.name


@broker
def test_every_published_tr_id_is_known_where_it_is_published() -> None:
    for row, api in zip(seed(), catalogue(), strict=True):
        for column, letter in (("v15_tr_ids", "V"), ("j23_tr_ids", "J")):
            assert words(row[column]) <= set(api.tr_ids(letter)), api.name
        paths = {path.removeprefix("/uapi/") for path in words(row["v15_path"]) | words(row["j23_path"])}
        known = {tr_id for path in paths for tr_id in endpoints()[path].trs}
        assert words(row["examples_tr_ids"]) - NO_TR_ID <= known, api.name


@broker
def test_what_was_corrected_says_so() -> None:
    """Where the catalogue leaves the published path, tr_id or blanks, the entry tells."""
    for row, api in zip(seed(), catalogue(), strict=True):
        blank = "'" in row["v15_tr_ids"] + row["j23_tr_ids"]
        sent = {tr for sample in api.samples for tr in sample.trs.values() if tr}
        published = words(row["v15_tr_ids"]) | words(row["j23_tr_ids"])
        if api.number in MOVED or blank or not sent <= published:
            assert api.corrected, api.name


@broker
def test_the_account_fits_the_broker_s_intention() -> None:
    for row, api in zip(seed(), catalogue(), strict=True):
        for column, letter in (("v15_account_intended", "V"), ("j23_account_intended", "J")):
            intended = words(row[column]) - {"none"}
            made = {account(sample, letter) for sample in api.samples if letter in sample.trs} if api.takes_account else set()
            assert made == intended, (api.name, letter)


@broker
def test_the_money_moving_tr_ids_are_all_there() -> None:
    entries = json.loads((KIS / "money_moving.json").read_text(encoding="utf-8"))["entries"]
    apis = {api.path: api for api in catalogue() if api.moves_money}
    assert len({(entry["path"], entry["tr_id"]) for entry in entries}) >= 84
    for entry in entries:
        trs = endpoints()[entry["path"].removeprefix("/uapi/")].trs
        assert trs[entry["tr_id"]] in (entry["env"], "closed"), entry
        assert entry["path"] in apis or entry["path"].startswith("/uapi/domestic-bond/")
    known = {(entry["path"], entry["tr_id"]) for entry in entries}
    for path, api in apis.items():
        assert {(path, tr) for letter in HOSTS for tr in api.tr_ids(letter)} <= known, path


@broker
def test_response_fields_are_those_of_the_broker_s_examples() -> None:
    published = json.loads((KIS / "response_fields.json").read_text(encoding="utf-8"))
    for api in catalogue():
        fields = {field.lower() for part in published[api.path].values() for field in part}
        assert {field.lower() for output in api.outputs for field in output.fields} <= fields, api.name
