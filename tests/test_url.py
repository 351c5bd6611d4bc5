"""URLs against answers recorded from postman-collection 4.4.0 and postman-url-encoder 3.0.5, and against invariants."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.load import request_from_json
from runner.model import Param, Url, Variable
from runner.url import host_header, parse, substitute, unparse, wire

DATA = Path(__file__).parent / "data"
TEXTS: list[Any] = json.loads((DATA / "postman_urls.json").read_text("utf-8"))
OBJECTS: list[Any] = json.loads((DATA / "postman_url_objects.json").read_text("utf-8"))


def shape(url: Url) -> list[Any]:
    query = [[param.key, param.value] for param in url.query]
    names = [variable.key for variable in url.variables]
    return [url.protocol, url.auth, list(url.host), url.port, list(url.path), query, url.hash, names]


@pytest.mark.parametrize(("text", "parts", "written", "sent", "unencoded"), TEXTS, ids=[row[0] for row in TEXTS])
def test_text_as_postman_reads_it(text: str, parts: list[Any], written: str, sent: str | None, unencoded: str | None) -> None:
    url = parse(text)
    assert url.text is None
    assert shape(url) == parts
    assert unparse(url) == unparse(Url(text=text)) == written
    if sent is not None:
        assert wire(url) == sent
        assert wire(url, encode=False) == unencoded


@pytest.mark.parametrize(("parts", "written", "sent"), OBJECTS)
def test_parts_as_postman_writes_them(parts: Any, written: str, sent: str) -> None:
    url = request_from_json({"url": parts}).url
    assert unparse(substitute(url, str)) == written
    assert wire(url) == sent


def test_path_variables_stay_in_text_and_are_filled_on_the_wire() -> None:
    url = Url(text="http://h/:id/:id.json/:none", variables=(Variable(key="id", value="a/b"),))
    assert unparse(url) == "http://h/:id/:id.json/:none"
    assert wire(url) == "http://h/a/b/a/b.json/:none"


def test_the_last_enabled_path_variable_counts_and_numbers_do_not() -> None:
    values = (Variable(key="id", value="1"), Variable(key="id", value="2", disabled=True), Variable(key="n", value=3))
    assert wire(Url(text="http://h/:id/:n", variables=values)) == "http://h/1/:n"


def test_one_variable_can_hold_scheme_host_port_and_query() -> None:
    url = Url(host=("{{base}}",), path=("x",), query=(Param(key="k", value="{{v}}"),))
    values = {"{{base}}": "https://h.kr:9443/api", "{{v}}": "1&b=2"}

    def replace(text: str) -> str:
        for name, value in values.items():
            text = text.replace(name, value)
        return text

    assert shape(substitute(url, replace)) == [
        "https",
        None,
        ["h", "kr"],
        "9443",
        ["api", "x"],
        [["k", "1"], ["b", "2"]],
        None,
        [],
    ]


def test_substitute_keeps_the_object_when_nothing_changes() -> None:
    url = parse("http://h.kr/a?b=c")
    assert substitute(url, str) is url


def test_host_header_has_the_port_as_written() -> None:
    assert host_header(Url(text="http://Bücher.example:80/x")) == "xn--bcher-kva.example:80"
    assert host_header(Url(text="h/x")) == "h"


def test_a_host_that_is_no_domain_is_kept_as_postman_keeps_it() -> None:
    assert host_header(Url(text="http://A\u2ff0b/")) == "a\u2ff0b"


def test_lone_surrogates_become_the_replacement_character() -> None:
    assert wire(Url(text="http://h/\ud83d?\ud83d\ude00")) == "http://h/%EF%BF%BD?%F0%9F%98%80"


plain = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
any_text = st.text(max_size=60)
urlish = st.text(st.sampled_from("abZ09:/?#@&=.[]{}\\%-_ é한"), max_size=40)


@given(any_text | urlish)
def test_text_survives_taking_apart_and_putting_together(text: str) -> None:
    once = unparse(Url(text=text))
    assert unparse(Url(text=once)) == once


@given(urlish)
def test_encoding_twice_changes_nothing(text: str) -> None:
    once = wire(Url(text="http://host/" + text))
    assert wire(Url(text=once)) == once
    assert once.isascii()


@given(st.lists(st.tuples(plain.filter(bool), st.none() | plain), max_size=8))
def test_order_duplicates_and_null_values_survive(pairs: list[tuple[str, str | None]]) -> None:
    url = Url(host=("h",), query=tuple(Param(key=key, value=value) for key, value in pairs))
    sent = wire(url).partition("?")[2]
    pieces = sent.split("&") if pairs else []
    assert len(pieces) == len(pairs)
    for piece, (key, value) in zip(pieces, pairs, strict=True):
        assert ("=" in piece) == (value is not None)
        assert piece.isascii()
        if key.isalnum() and key.isascii():
            assert piece.partition("=")[0] == key


@given(st.lists(st.integers(0, 255), min_size=1, max_size=12))
def test_what_is_encoded_already_is_not_encoded_again(codes: list[int]) -> None:
    encoded = "".join(f"%{code:02x}" for code in codes)
    assert (
        wire(Url(text=f"http://h/{encoded}?{encoded}={encoded}#{encoded}")) == f"http://h/{encoded}?{encoded}={encoded}#{encoded}"
    )
