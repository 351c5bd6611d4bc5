"""Model to Postman's JSON and back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from runner import auth, dump, load
from runner.model import (
    Auth,
    Body,
    Collection,
    Environment,
    Event,
    Example,
    Folder,
    FormParam,
    Item,
    Param,
    Prepared,
    Request,
    Url,
    Variable,
)
from runner.request import prepare
from runner.url import parse

texts = st.text(max_size=8)
some = st.none() | texts
params = st.lists(st.builds(Param, key=texts, value=some, disabled=st.booleans(), description=texts), max_size=3).map(tuple)
values = st.none() | st.booleans() | st.integers() | texts
variables = st.lists(
    st.builds(Variable, key=texts, value=values, type=st.just("string"), disabled=st.booleans(), description=texts), max_size=2
).map(tuple)
form_params = st.builds(
    FormParam,
    key=texts,
    value=some,
    type=st.sampled_from(["text", "file"]),
    src=st.lists(texts, max_size=2).map(tuple),
    content_type=some,
    file_name=some,
    disabled=st.booleans(),
    description=texts,
)
bodies = st.one_of(
    st.builds(Body, mode=st.just("raw"), raw=texts, language=some, content_type=some, disabled=st.booleans()),
    st.builds(Body, mode=st.just("urlencoded"), urlencoded=params),
    st.builds(Body, mode=st.just("formdata"), formdata=st.lists(form_params, max_size=2).map(tuple)),
    st.builds(Body, mode=st.just("file"), file_src=some, file_content=some),
    st.builds(Body, mode=st.just("graphql"), graphql=st.dictionaries(st.sampled_from(["query", "variables"]), texts)),
)
auths = st.builds(Auth, type=st.sampled_from(["basic", "jwt"]), params=st.dictionaries(texts, values, max_size=2))
urls = st.builds(Url, text=texts) | st.text(st.sampled_from("ab:/?#@&=.{}% "), min_size=1, max_size=20).map(parse)
requests = st.builds(
    Request,
    url=urls,
    method=st.sampled_from(["GET", "POST"]),
    headers=params,
    body=st.none() | bodies,
    auth=st.none() | auths,
    description=texts,
)
codes = st.lists(texts, max_size=3).map("\n".join)
events = st.lists(st.builds(Event, listen=st.just("test"), code=codes, id=texts, disabled=st.booleans()), max_size=2).map(tuple)
examples = st.builds(
    Example,
    name=texts,
    id=texts,
    code=st.integers(100, 599),
    status=texts,
    headers=params,
    body=some,
    language=texts,
    rest=st.fixed_dictionaries({}, optional={"responseTime": st.integers(), "cookie": st.lists(st.just({"key": "a"}))}),
)
items = st.builds(
    Item,
    id=texts.filter(bool),
    name=texts,
    request=requests,
    events=events,
    examples=st.lists(examples, max_size=1).map(tuple),
    behavior=st.dictionaries(texts, st.booleans(), max_size=1),
    description=texts,
)


@given(requests)
def test_a_request_comes_back_as_it_was(request: Request) -> None:
    data = dump.request_json(request)
    back = load.request_from_json(data)
    assert dump.request_json(back) == data
    assert (back.method, back.headers, back.auth, back.description) == (
        request.method,
        request.headers,
        request.auth,
        request.description,
    )
    if request.url.text is None:
        assert back.url == request.url


EMPTY_FILE = Request(url=Url(), body=Body(mode="formdata", formdata=(FormParam(key="f", type="file", src=("",)),)))


@example([], [Item(id="i", name="I", request=EMPTY_FILE)], (), ())
@given(st.lists(items, max_size=2), st.lists(items, max_size=1), events, variables)
def test_a_collection_comes_back_as_it_was(inner: list[Item], outer: list[Item], scripts: tuple[Event, ...], scope: Any) -> None:
    folder = Folder(
        id="f", name="F", items=tuple(inner), events=scripts, auth=Auth(type="noauth"), behavior={"x": True}, description="d"
    )
    collection = Collection(
        id="c", name="C", items=(folder, *outer), events=scripts, variables=scope, description="D", version="1"
    )
    data = dump.collection_json(collection)
    back = load.collection_from_json(data)
    assert dump.collection_json(back) == data
    assert (back.id, back.name, back.events, back.variables) == ("c", "C", scripts, scope)
    assert [item.name for item in back.walk()] == [item.name for item in collection.walk()]


@given(variables)
def test_an_environment_comes_back_as_it_was(scope: tuple[Variable, ...]) -> None:
    environment = Environment(id="e", name="E", values=scope)
    assert load.environment_from_json(dump.environment_json(environment)) == environment


def test_export_is_stamped_as_newman_stamps_it() -> None:
    now = datetime(2024, 3, 5, 1, 2, 3, 456789, tzinfo=UTC)
    assert dump.environment_json(Environment(), "globals", now=now, using="pabal/1") == {
        "id": "",
        "name": "globals",
        "values": [],
        "_postman_variable_scope": "globals",
        "_postman_exported_at": "2024-03-05T01:02:03.456Z",
        "_postman_exported_using": "pabal/1",
    }


def test_a_disabled_variable_is_off_for_the_app_and_for_newman() -> None:
    data = dump.variable_json(Variable(key="k", value=1, disabled=True))
    assert data == {"type": "any", "value": 1, "key": "k", "disabled": True, "enabled": False}


def test_url_parts_have_the_sdks_shape() -> None:
    assert dump.url_json(parse("http://u:p@h.kr:1/:id?a&b=#f")) == {
        "protocol": "http",
        "auth": {"user": "u", "password": "p"},
        "host": ["h", "kr"],
        "port": "1",
        "path": [":id"],
        "query": [{"key": "a", "value": None}, {"key": "b", "value": ""}],
        "hash": "f",
        "variable": [{"type": "any", "value": None, "key": "id"}],
    }


def test_sent_request_marks_what_was_added() -> None:
    request = Request(
        url=Url(text="http://h/p"),
        method="POST",
        body=Body(mode="raw", raw="x"),
        auth=Auth(type="bearer", params={"token": "t"}),
        headers=(Param(key="A", value=" 1 "), Param(key="off", value="2", disabled=True)),
    )
    data = dump.sent_request_json(next(auth.sign(prepare(request))))
    headers = {entry["key"]: entry for entry in data["header"]}
    assert headers["A"] == {"key": "A", "value": "1"}
    assert headers["off"] == {"key": "off", "value": "2", "disabled": True}
    assert headers["Authorization"] == {"key": "Authorization", "value": "Bearer t", "system": True}
    assert headers["Content-Length"] == {"key": "Content-Length", "value": "1", "system": True}
    assert {"Host", "User-Agent", "Postman-Token", "Content-Type"} <= set(headers)
    assert data["body"] == {"mode": "raw", "raw": "x"}
    assert data["url"]["host"] == ["h"]


def test_sent_request_shows_the_cookie_line_as_it_went_out() -> None:
    request = Request(url=Url(text="http://h/"), headers=(Param(key="Cookie", value="u=1"),))
    prepared = prepare(request)
    headers = tuple((name, "u=1; a=2" if name == "Cookie" else value) for name, value in prepared.headers)
    sent = Prepared(method="GET", url=prepared.url, headers=headers, system_headers=prepared.system_headers, request=request)
    assert {"key": "Cookie", "value": "u=1; a=2"} in dump.sent_request_json(sent)["header"]


def test_a_request_without_model_is_shown_from_the_wire() -> None:
    data = dump.sent_request_json(Prepared(method="PUT", url="http://h/", headers=(("A", "1"),), body="한".encode()))
    assert data == {
        "url": "http://h/",
        "method": "PUT",
        "body": {"mode": "raw", "raw": "한"},
        "header": [{"key": "A", "value": "1", "system": True}],
    }
