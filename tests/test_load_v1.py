"""Collections of format 1 against what postman-collection-transformer 4.1.8 makes of them, recorded once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import LoadError
from runner.load import collection_from_json, environment_from_json, load_collection
from runner.model import Auth, Collection, Example, Folder, Item, Request
from runner.url import as_parts

TABLE: list[Any] = json.loads((Path(__file__).parent / "data" / "postman_v1.json").read_text("utf-8"))

# What the transformer adds for the app's forms; no scheme reads them.
FORM_ONLY = {"saveHelperData", "showPassword"}


def settled(node: Item | Folder) -> Item | Folder:
    """The same without what may differ: ids, the spelling of a URL, and auth settings nobody gave."""
    node = replace(node, id="", events=tuple(replace(event, id="") for event in node.events))
    if isinstance(node, Item):
        examples = tuple(settled_example(example) for example in node.examples)
        return replace(node, request=settled_request(node.request), examples=examples)
    return replace(node, items=tuple(map(settled, node.items)), auth=settled_auth(node.auth))


def settled_request(request: Request) -> Request:
    return replace(request, url=as_parts(request.url), auth=settled_auth(request.auth))


def settled_example(example: Example) -> Example:
    return replace(example, request=settled_request(example.request) if example.request else None)


def settled_auth(auth: Auth | None) -> Auth | None:
    if auth is None:
        return None
    return replace(auth, params={key: value for key, value in auth.params.items() if value is not None and key not in FORM_ONLY})


@pytest.mark.parametrize(("v1", "v21"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_format_1_as_postman_converts_it(v1: Any, v21: Any) -> None:
    before = json.dumps(v1)
    loaded, expected = collection_from_json(v1), collection_from_json(v21)
    assert (loaded.id, loaded.name) == ("c", "C")
    assert (loaded.schema.split("/")[-2], expected.schema.split("/")[-2]) == ("v1.0.0", "v2.1.0")
    assert settled(replace(loaded, schema="")) == settled(replace(expected, schema=""))
    assert json.dumps(v1) == before


def request(id_: Any, **more: Any) -> dict[str, Any]:
    return {"id": id_, "name": id_, "url": "http://h.test/", **more}


def collection(**more: Any) -> dict[str, Any]:
    return {"name": "C", "order": [], "requests": [], **more}


def ids(node: Folder) -> Iterator[str]:
    for child in node.items:
        yield child.id
        if isinstance(child, Folder):
            yield from ids(child)


def test_from_a_file_and_out_of_a_wrapper(tmp_path: Path) -> None:
    path = tmp_path / "old.json"
    path.write_text(json.dumps({"collection": collection(order=["a"], requests=[request("a")])}))
    (item,) = load_collection(path).items
    assert (item.id, item.name) == ("a", "a")


def test_ids_stay_and_are_unique() -> None:
    folders = [
        {"id": "F", "name": "F", "order": ["a", "a"], "folders_order": ["H"]},
        {"id": "G", "name": "G", "folders_order": ["H"]},
        {"id": "H", "name": "H", "order": ["a"]},
    ]
    loaded = collection_from_json(collection(order=["a"], requests=[request("a")], folders=folders))
    found = list(ids(loaded))
    assert len(found) == len(set(found)) == 9
    assert {"a", "F", "G", "H"} < set(found)


def test_numbers_are_ids_too() -> None:
    loaded = collection_from_json(collection(order=[7.0], requests=[request(7)], folders=[{"id": 8, "order": ["7"]}]))
    assert [item.name for item in loaded.walk()] == ["7", "7"]


@pytest.mark.parametrize("missing", ["name", "order", "requests"])
def test_what_is_not_format_1(missing: str) -> None:
    data = collection()
    del data[missing]
    with pytest.raises(LoadError, match="is not a Postman collection"):
        collection_from_json(data)


def test_format_2_is_not_taken_for_format_1() -> None:
    more = {"item": [{"name": "new", "request": "http://h.test/"}]}
    for data in (collection(**more), collection(info={"name": "I"}, **more)):
        assert [item.name for item in collection_from_json(data).walk()] == ["new"]


def test_not_an_environment() -> None:
    with pytest.raises(LoadError, match="is not an environment: it is a collection"):
        environment_from_json(collection())


def one(**more: Any) -> dict[str, Any]:
    return collection(order=["R"], requests=[request("R", **more)])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (collection(requests={}), "requests: expected a list, found an object"),
        (collection(requests=[request("a"), "b"]), "requests › 2: expected an object, found text"),
        (collection(folders="F"), "folders: expected a list, found text"),
        (collection(folders=[[]]), "folders › 1: expected an object, found a list"),
        (collection(order=3), "order: expected a list, found a number"),
        (collection(folders_order={}), "folders_order: expected a list, found an object"),
        (collection(folders=[{"id": "f", "name": "F", "order": True}]), "F › order: expected a list, found true or false"),
        (collection(folders=[{"id": "f", "folders_order": "g"}]), "f › folders_order: expected a list, found text"),
        (collection(variables=7), "variable: expected a list, found a number"),
        (one(url=7), "R › url: expected an object, found a number"),
        (one(queryParams=7), "R › url › query: expected a list, found a number"),
        (one(queryParams=[1]), "R › url › query › 1: expected an object, found a number"),
        (one(pathVariableData=[1]), "R › url › variable › 1: expected an object, found a number"),
        (one(headers=7), "R › header: expected a list, found a number"),
        (one(headerData=7), "R › header: expected a list, found a number"),
        (one(headerData=[7]), "R › header › 1: expected an object, found a number"),
        (one(dataMode="params", data=[7]), "R › body › formdata › 1: expected an object, found a number"),
        (one(tests=7), "R › event › script › exec: expected a list, found a number"),
        (one(events=[7]), "R › event › 1: expected an object, found a number"),
        (one(auth="basic"), "R › auth: expected an object, found text"),
        (one(responses={}), "R › response: expected a list, found an object"),
        (one(protocolProfileBehavior=[]), "R › protocolProfileBehavior: expected an object, found a list"),
    ],
)
def test_errors_name_the_place(tmp_path: Path, data: Any, message: str) -> None:
    path = tmp_path / "old.json"
    path.write_text(json.dumps(data))
    with pytest.raises(LoadError) as caught:
        load_collection(path)
    assert str(caught.value) == f"{path}: {message}"


def test_a_folder_within_itself() -> None:
    folders = [
        {"id": "f", "name": "F", "folders_order": ["g"]},
        {"id": "g", "name": "G", "folders_order": ["h"]},
        {"id": "h", "name": "H", "folders_order": ["g"]},
    ]
    with pytest.raises(LoadError, match=r"^G: the folder lies within itself"):
        collection_from_json(collection(folders=folders))


def test_folders_nested_too_deeply() -> None:
    folders = [{"id": str(depth), "folders_order": [str(depth + 1)]} for depth in range(5000)]
    with pytest.raises(LoadError, match="folders are nested too deeply"):
        collection_from_json(collection(folders=folders))


# Requests, folders and whatever else format 1 knows, in any shape and all pointing at each other.
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["a", "file", "//a: b", "text", "{}", "[1]"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("key value type enabled src script exec listen id name".split()), inner, max_size=4),
    max_leaves=6,
)  # fmt: skip
IDS = st.lists(st.integers(0, 3), max_size=3)
PARTS = "url queryParams pathVariables pathVariableData headers headerData data rawModeData graphqlModeData dataOptions events tests currentHelper helperAttributes auth responses responses_order"
MODES = st.sampled_from(["params", "urlencoded", "raw", "binary", "graphql", None, 1])
REQUEST = st.builds(
    lambda parts, **known: {**parts, **known},
    st.dictionaries(st.sampled_from(PARTS.split()), JSON, max_size=6),
    id=st.integers(0, 3),
    dataMode=MODES,
)
FOLDER = st.fixed_dictionaries({"id": st.integers(0, 3), "order": IDS, "folders_order": IDS})
COLLECTION = st.fixed_dictionaries(
    {
        "name": st.just("C"),
        "order": IDS | JSON,
        "requests": st.lists(REQUEST, max_size=3) | JSON,
        "folders": st.lists(FOLDER, max_size=4) | JSON,
    }
)


@given(COLLECTION)
def test_anything_brings_a_collection_or_a_load_error(data: Any) -> None:
    try:
        loaded = collection_from_json(data)
    except LoadError:
        return
    assert isinstance(loaded, Collection)
    found = list(ids(loaded))
    assert len(found) == len(set(found))
