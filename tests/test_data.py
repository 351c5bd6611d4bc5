"""Iteration data, held against what csv-parse 4 with Newman's settings returned for the same texts."""

from __future__ import annotations

import pickle

import pytest

from runner.data import Rows, csv_rows, load_rows
from runner.errors import LoadError


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("a,b\n1,x\n\n2,y\n", [{"a": 1, "b": "x"}, {"a": ""}, {"a": 2, "b": "y"}]),
        ('a, b\n "1" , "x ""q"" z"\n', [{"a": "1", "b": 'x "q" z'}]),
        ("a,b\n1,2,3\n4\n", [{"a": 1, "b": 2}, {"a": 4}]),
        ("a,b\n007,1e3\n0,-5\n.5,1.\n", [{"a": 7, "b": 1000}, {"a": 0, "b": -5}, {"a": 0.5, "b": 1}]),
        ('a,b\nhe said "hi", 5"\n', [{"a": 'he said "hi"', "b": '5"'}]),
        ('a,b\r\n1,"multi\nline"\r\n', [{"a": 1, "b": "multi\nline"}]),
        ("a,a\n1,2\n", [{"a": 2}]),
        ("a,\n1,2\n", [{"a": 1, "": 2}]),
        ("a,b\ntrue,null", [{"a": "true", "b": "null"}]),
        ("", []),
    ],
)
def test_csv_as_newman_reads_it(text: str, rows: list[dict[str, object]]) -> None:
    assert list(csv_rows(text)) == rows


def test_an_id_of_twenty_digits_keeps_its_digits() -> None:
    for digits in ("12345678901234567890", "-9007199254740992", "9" * 5000):
        assert list(csv_rows(f"id\n{digits}\n")) == [{"id": digits}]
    assert list(csv_rows("id\n-9007199254740991\n")) == [{"id": -9007199254740991}]


def test_broken_quotes_name_the_line(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "rows.csv"
    path.write_text('a\nx\n"x" y\n')
    with pytest.raises(LoadError, match=r"rows\.csv: line 3"):
        load_rows(path)


def test_json_rows_and_their_shape(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "rows.data"
    path.write_bytes('\ufeff[{"a": 1}, {"a": null}]'.encode())
    assert list(load_rows(path)) == [{"a": 1}, {"a": None}]
    for text, message in (('{"a": 1}', "not a list"), ('[{"a": 1}, 2]', "row 2 is not an object"), ("7", "not a list")):
        path.write_text(text)
        with pytest.raises(LoadError, match=message):
            load_rows(path)


def test_json_beyond_all_measure(tmp_path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "rows.json"
    for text, message in (("[" * 100_000, "nested too deeply"), (f'[{{"a": {"1" * 5000}}}]', "a number of 5000 digits")):
        path.write_text(text)
        with pytest.raises(LoadError, match=rf"rows\.json: .*{message}"):
            load_rows(path)


def test_rows_are_as_they_were_and_small() -> None:
    rows = [
        {"id": number, "name": f"이름 \ud800 {number}", "price": 1e999, "deep": {"a": [None, True, 0.1]}}
        for number in range(1000)
    ]
    kept = Rows(rows)
    assert list(kept) == rows
    assert (len(kept), kept[-1], kept[1:3]) == (1000, rows[-1], rows[1:3])
    with pytest.raises(IndexError):
        kept[1000]
    assert len(pickle.dumps(kept)) < 200_000
