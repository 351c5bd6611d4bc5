"""Reading collections and environments: every shape Postman accepts becomes one, every other names its place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import ExitCode, LoadError
from runner.load import collection_from_json, environment_from_json, load_collection, load_environment, request_from_json
from runner.model import Auth, Body, Folder, FormParam, Item, Param, Request, Url, Variable
from runner.reading import decode

COLLECTION = {"info": {"name": "한글", "schema": "…/v2.1.0/collection.json"}, "item": [{"name": "a", "request": "http://x/"}]}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "c.json"
    path.write_bytes(json.dumps(COLLECTION, ensure_ascii=False).encode(encoding))
    assert load_collection(path).name == "한글"


def test_latin_1_is_what_is_left() -> None:
    assert decode('{"a": "é"}'.encode("latin-1")) == '{"a": "é"}'


@given(
    st.text(st.characters(exclude_characters="\0\ufeff", exclude_categories=("Cs",))),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_any_text_is_decoded_as_it_was(text: str, encoding: str) -> None:
    # Plain UTF-16 is recognised by its byte order mark.
    assert decode(text.encode(encoding)) == text


def test_wrappers_are_peeled() -> None:
    assert collection_from_json({"collection": COLLECTION}).name == "한글"
    values = {"name": "e", "values": [{"key": "a", "value": 1}]}
    for wrapped in (values, {"environment": values}, {"globals": values}, values["values"]):
        assert environment_from_json(wrapped).values == (Variable(key="a", value=1),)


def test_disabled_in_either_spelling() -> None:
    values = [{"key": "a", "enabled": False}, {"key": "b", "disabled": True}, {"key": "c", "enabled": True}]
    assert [entry.disabled for entry in environment_from_json({"values": values}).values] == [True, True, False]


def test_a_variable_without_a_value_is_empty_and_null_is_null() -> None:
    found = environment_from_json({"values": [{"key": "a"}, {"key": "b", "value": None}]})
    assert [entry.value for entry in found.values] == ["", None]


@pytest.mark.parametrize(
    ("exec_", "code"),
    [
        ("one\ntwo", "one\ntwo"),
        (["one", "two"], "one\ntwo"),
        (None, ""),
        ([None, "x"], "\nx"),
        ([], ""),
        (["a\r", "b\r"], "a\r\nb\r"),
    ],
)
def test_scripts(exec_: Any, code: str) -> None:
    item = {"name": "a", "request": "x", "event": [{"listen": "test", "script": {"exec": exec_}}, None]}
    (loaded,) = collection_from_json({"item": [item]}).walk()
    assert [event.code for event in loaded.events] == [code]


def test_scripts_in_other_places() -> None:
    def codes(**item: Any) -> list[str]:
        return [event.code for event in next(collection_from_json({"item": [{"request": "x", **item}]}).walk()).events]

    assert codes() == codes(event=None) == codes(event=[]) == []
    assert codes(event={"listen": "test", "script": {"exec": "x"}}) == ["x"]
    assert codes(events=[{"listen": "test", "script": "y"}]) == ["y"]
    assert codes(event=[{"listen": "test"}]) == [""]


def test_a_request_in_full() -> None:
    request = request_from_json(
        {
            "method": "POST",
            "url": {
                "raw": "ignored", "protocol": "https", "host": ["{{h}}", "io"], "port": 8443, "path": ["a", ":id", {"value": "old"}],
                "query": [{"key": "n", "value": None}, {"key": "e", "value": ""}, {"key": "off", "value": "1", "disabled": True}, None],
                "variable": [{"key": "id", "value": 7}, {"id": "old", "value": "x"}],
            },
            "header": [{"key": "A", "value": 1}, "B: 2", {"key": "C", "value": None, "disabled": True}],
            "auth": {"type": "basic", "basic": [{"key": "username", "value": "u"}, {"key": "password", "value": None}]},
            "body": {"mode": "formdata", "formdata": [{"key": "f", "type": "file", "src": ["a", None, "b"], "contentType": "x/y"}, {"key": "j", "value": {"a": 1}}]},
        }
    )  # fmt: skip
    assert request == Request(
        method="POST",
        url=Url(
            protocol="https",
            host=("{{h}}", "io"),
            port="8443",
            path=("a", ":id", "old"),
            query=(Param(key="n", value=None), Param(key="e"), Param(key="off", value="1", disabled=True)),
            variables=(Variable(key="id", value=7), Variable(key="old", value="x")),
        ),
        headers=(Param(key="A", value="1"), Param(key="B", value="2"), Param(key="C", value=None, disabled=True)),
        auth=Auth(type="basic", params={"username": "u", "password": None}),
        body=Body(
            mode="formdata",
            formdata=(
                FormParam(key="f", value=None, type="file", src=("a", "b"), content_type="x/y"),
                FormParam(key="j", value='{"a":1}'),
            ),
        ),
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (None, None),
        ({}, None),
        ("text", Body(mode="raw", raw="text")),
        ({"mode": "RAW", "raw": "x"}, Body(mode="raw", raw="x")),
        ({"mode": "novel", "raw": "x"}, Body(mode="raw", raw="x")),
        ({"mode": "raw", "raw": {"a": 1}, "options": {"raw": {"language": "json"}}}, Body(mode="raw", raw='{"a":1}', language="json")),
        ({"mode": "raw", "raw": None, "options": None}, Body(mode="raw")),
        ({"mode": "urlencoded", "urlencoded": "a=1&b&c="}, Body(mode="urlencoded", urlencoded=(Param(key="a", value="1"), Param(key="b", value=None), Param(key="c")))),
        ({"mode": "urlencoded", "urlencoded": None}, Body(mode="urlencoded")),
        ({"mode": "file", "file": {"src": "f.bin"}}, Body(mode="file", file_src="f.bin")),
        ({"mode": "file", "file": {"content": "x"}}, Body(mode="file", file_content="x")),
        ({"mode": "graphql", "graphql": {"query": "{a}"}, "disabled": True}, Body(mode="graphql", graphql={"query": "{a}"}, disabled=True)),
    ],
)  # fmt: skip
def test_bodies(body: Any, expected: Body | None) -> None:
    assert request_from_json({"url": "x", "body": body}).body == expected


def test_auth_of_both_formats_and_none() -> None:
    expected = Auth(type="basic", params={"username": "u"})
    for params in ([{"key": "username", "value": "u", "type": "string"}], {"username": "u"}):
        assert request_from_json({"url": "x", "auth": {"type": "basic", "basic": params}}).auth == expected
    assert request_from_json({"url": "x", "auth": None}).auth is None


def test_urls_and_headers_as_text() -> None:
    assert request_from_json("http://a/b").url == Url(text="http://a/b")
    assert request_from_json({"url": {"raw": "http://only/raw"}}).url == Url(text="http://only/raw")
    assert request_from_json({"url": {"host": "a.b", "path": "/x/y", "query": "q=1"}}).url == Url(
        host=("a", "b"), path=("x", "y"), query=(Param(key="q", value="1"),)
    )
    assert request_from_json({"url": "x", "header": "A: 1\r\n// X: 0\nbad\nB:2\n\n"}).headers == (
        Param(key="A", value="1"),
        Param(key="B", value="2"),
    )


def test_null_lists_and_missing_names() -> None:
    nulls = {
        "name": None,
        "request": {"url": None, "header": None, "body": None, "method": None},
        "event": None,
        "response": None,
    }
    collection = collection_from_json({"info": None, "item": [nulls, {"name": "f", "item": []}], "variable": None, "auth": None})
    item, folder = collection.items
    assert isinstance(item, Item) and isinstance(folder, Folder)
    assert (item.name, item.request.method, item.request.url) == ("", "GET", Url(text=""))
    assert item.id and item.id != folder.id


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ([], "expected an object, found a list"),
        ({"values": []}, "is not a Postman collection: it is an environment or globals file"),
        ({"requests": [], "order": []}, "is not a Postman collection: it is a collection of format 1"),
        ({"item": {}}, "item: expected a list, found an object"),
        ({"item": [{"name": "F", "item": [{"name": "R", "request": 7}]}]}, "F › R › request: expected an object or a URL, found a number"),
        ({"item": [{"name": "R", "request": {"url": 7}}]}, "R › url: expected an object, found a number"),
        ({"item": [{"name": "R", "request": {"url": "x", "header": True}}]}, "R › header: expected a list, found true or false"),
        ({"item": [3]}, "item 1: expected a request or a folder, found a number"),
        ({"item": [{"name": "R", "request": "x", "event": [{"script": {"exec": 1}}]}]}, "R › event › script › exec: expected a list, found a number"),
    ],
)  # fmt: skip
def test_what_cannot_be_understood_names_its_place(tmp_path: Path, data: Any, message: str) -> None:
    path = tmp_path / "broken.json"
    path.write_text(json.dumps(data))
    with pytest.raises(LoadError) as caught:
        load_collection(path)
    assert str(caught.value).splitlines()[0].startswith(f"{path}: {message}")
    assert caught.value.exit_code is ExitCode.UNREADABLE


def test_files_that_are_missing_or_broken(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match=r"nowhere\.json: cannot be read: No such file"):
        load_collection(tmp_path / "nowhere.json")
    path = tmp_path / "e.json"
    path.write_text('{"values": [\n  oops')
    with pytest.raises(LoadError, match=r"e\.json: is not valid JSON: .* at line 2, column 3"):
        load_environment(path)
    path.write_text("[" * 100_000)
    with pytest.raises(LoadError, match="nested too deeply"):
        load_environment(path)
    path.write_text(f'{{"values": [{{"key": "a", "value": {"1" * 5000}}}]}}')
    with pytest.raises(LoadError, match=r"e\.json: holds a number of 5000 digits"):
        load_environment(path)
    path.write_text(json.dumps(COLLECTION))
    with pytest.raises(LoadError, match="is not an environment: it is a collection"):
        load_environment(path)


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
    st.sampled_from(["item", "name", "request", "url", "header", "body", "mode", "raw", "event", "script", "exec", "query", "auth", "type", "info", "variable", "response"]),
    inner, max_size=4))  # fmt: skip


@given(JSON)
def test_no_json_brings_anything_but_a_collection_or_a_load_error(data: Any) -> None:
    try:
        collection = collection_from_json(data)
    except LoadError:
        return
    assert all(isinstance(item, Item) for item in collection.walk())


def behaving(behavior: Any) -> Any:
    folder = {"name": "F", "item": [{"name": "R", "protocolProfileBehavior": behavior}]}
    return collection_from_json({"info": {}, "item": [folder]}).items[0].items[0].behavior  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (None, {}),
        ({"maxRedirects": "3", "strictSSL": None}, {"maxRedirects": 3}),
        ({"maxRedirects": 3.0, "followRedirects": False}, {"maxRedirects": 3, "followRedirects": False}),
        ({"disabledSystemHeaders": {"host": True, "accept": None}}, {"disabledSystemHeaders": {"host": True}}),
        ({"tlsEnabledProtocols": ["x"], "new": {"a": 1}}, {"tlsEnabledProtocols": ["x"], "new": {"a": 1}}),
    ],
)
def test_protocol_profile_behavior(written: Any, read: Any) -> None:
    assert behaving(written) == read


@pytest.mark.parametrize(
    ("behavior", "message"),
    [
        ("x", "F › R › protocolProfileBehavior: expected an object, found text"),
        ({"maxRedirects": "abc"}, 'F › R › protocolProfileBehavior › maxRedirects: expected a whole number, found "abc"'),
        ({"maxRedirects": 2.5}, "F › R › protocolProfileBehavior › maxRedirects: expected a whole number, found 2.5"),
        (
            {"maxRedirects": float("inf")},
            "F › R › protocolProfileBehavior › maxRedirects: expected a whole number, found Infinity",
        ),
        ({"maxRedirects": True}, "F › R › protocolProfileBehavior › maxRedirects: expected a whole number, found true or false"),
        ({"strictSSL": "false"}, "F › R › protocolProfileBehavior › strictSSL: expected true or false, found text"),
        (
            {"disabledSystemHeaders": ["host"]},
            "F › R › protocolProfileBehavior › disabledSystemHeaders: expected an object, found a list",
        ),
        (
            {"disabledSystemHeaders": {"host": 1}},
            "F › R › protocolProfileBehavior › disabledSystemHeaders › host: expected true or false, found a number",
        ),
    ],
)
def test_a_malformed_behavior_names_its_place(behavior: Any, message: str) -> None:
    with pytest.raises(LoadError) as caught:
        behaving(behavior)
    assert str(caught.value) == message


def test_the_behaviors_of_collection_and_folder_are_looked_at_too() -> None:
    bad = {"protocolProfileBehavior": {"strictSSL": 1}}
    for data in ({"item": [], **bad}, {"item": [{"name": "F", "item": [], **bad}]}):
        with pytest.raises(LoadError, match="protocolProfileBehavior › strictSSL"):
            collection_from_json(data)
