"""Requests made ready, against what Newman 6.2.2 put on the wire for the same requests (recorded once on loopback)."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner import auth
from runner.body import payload, strip_comments
from runner.errors import SendError
from runner.load import request_from_json
from runner.model import Auth, Body, FormParam, Param, Prepared, Request, Url
from runner.request import effective_auth, prepare, resolve, with_header, with_query

WIRE: list[Any] = json.loads((Path(__file__).parent / "data" / "newman_wire.json").read_text("utf-8"))
FILES = {"a.json": b'{"a":1}', "b.txt": b"hello", "blob": b"\0\1", "한글 name.txt": b"x", "empty.txt": b""}
VALUES = {"v": "a b", "base": "http://127.0.0.1:8080/", "m": "put"}
BOUNDARY = re.compile(r"-{26}\d{24}")


def read_file(path: str) -> bytes:
    if path not in FILES:
        raise FileNotFoundError(2, "No such file or directory", path)
    return FILES[path]


def replace(text: str) -> str:
    return re.sub(r"{{([^{}]*)}}", lambda match: VALUES.get(match[1], match[0]), text)


def ready(request: Any, **settings: Any) -> Prepared:
    prepared = prepare(resolve(request_from_json(request), replace), read_file=read_file, **settings)
    return next(auth.sign(prepared))


def get(**fields: Any) -> Request:
    return Request(**{"url": Url(text="http://h.kr/p"), **fields})


def form(*params: FormParam) -> Request:
    return get(method="POST", body=Body(mode="formdata", formdata=params))


@pytest.mark.parametrize("case", WIRE, ids=[str(index) for index in range(len(WIRE))])
def test_on_the_wire_as_newman_sends_it(case: Any) -> None:
    prepared = ready(case["request"], behavior=case.get("behavior", {}))
    target = "/" + prepared.url.partition("://")[2].partition("#")[0].partition("/")[2]
    body = BOUNDARY.sub("BOUNDARY", (prepared.body or b"").decode())
    headers = [[name, BOUNDARY.sub("BOUNDARY", value)] for name, value in prepared.headers]
    headers = [[name, "TOKEN" if re.fullmatch(r"[0-9a-f-]{36}", value) else value] for name, value in headers]
    assert f"{prepared.method} {target}" == case["line"]
    assert headers == case["headers"]
    assert body == case["body"]


def test_variable_free_request_is_returned_as_it_is() -> None:
    body = Body(mode="graphql", graphql={"query": "q", "variables": {"a": [1, "b"]}})
    request = get(url=Url(host=("h",), query=(Param(key="a"),)), headers=(Param(key="H", value="v"),), body=body)
    calls: list[str] = []

    def spy(text: str) -> str:
        calls.append(text)
        return text

    assert resolve(request, spy) is request
    assert calls == []


def test_unknown_names_leave_the_request_the_same_object() -> None:
    request = get(url=Url(host=("{{nobody}}",)), headers=(Param(key="<<x>>", value="{{y}}"),), body=Body(mode="raw", raw="{{z}}"))
    assert resolve(request, lambda text: text) is request


@pytest.mark.parametrize(
    ("body", "field", "expected"),
    [
        (Body(mode="raw", raw="x<<v>>"), "raw", "xV"),
        (Body(mode="urlencoded", urlencoded=(Param(key="<<v>>", value=None),)), "urlencoded", (Param(key="V", value=None),)),
        (Body(mode="file", file_src="<<v>>.txt"), "file_src", "V.txt"),
        (Body(mode="graphql", graphql={"variables": {"a": ["<<v>>", 1]}}), "graphql", {"variables": {"a": ["V", 1]}}),
        (
            Body(mode="formdata", formdata=(FormParam(key="<<v>>", src=("<<v>>",), content_type="<<v>>", file_name="<<v>>"),)),
            "formdata",
            (FormParam(key="V", src=("V",), content_type="V", file_name="V"),),
        ),
    ],
)
def test_variables_in_every_body_mode(body: Body, field: str, expected: object) -> None:
    resolved = resolve(get(body=body), lambda text: text.replace("<<v>>", "V")).body
    assert getattr(resolved, field) == expected


def test_variables_in_auth_parameters_however_deep() -> None:
    request = get(auth=Auth(type="jwt", params={"payload": {"sub": "{{v}}"}, "list": ["{{v}}"], "n": 1}))
    resolved = resolve(request, replace).auth
    assert resolved == Auth(type="jwt", params={"payload": {"sub": "a b"}, "list": ["a b"], "n": 1})


def test_raw_bytes_are_the_text_untouched() -> None:
    text = '{\r\n\t"CANO": "12345678",\r\n\t"이름": "" }\r\n'
    prepared = prepare(get(method="POST", body=Body(mode="raw", raw=text, language="json")))
    assert prepared.body == text.encode()
    assert prepared.header("content-length") == str(len(text.encode()))


def test_header_values_lose_outer_blanks_and_empty_ones_stay() -> None:
    headers = (Param(key="tr_id", value=" VTTS0311U \r\n"), Param(key="tr_cont", value=""), Param(key="null", value=None))
    sent = dict(prepare(get(headers=headers)).headers)
    assert (sent["tr_id"], sent["tr_cont"], sent["null"]) == ("VTTS0311U", "", "")


def test_system_headers_are_named_and_the_model_request_has_the_final_url() -> None:
    prepared = prepare(get(url=Url(text="H.kr/é"), method="post", headers=(Param(key="accept", value="x"),)), user_agent="me/1")
    assert prepared.url == "http://h.kr/%C3%A9"
    assert prepared.header("User-Agent") == "me/1"
    assert "user-agent" in prepared.system_headers
    assert "accept" not in prepared.system_headers
    assert prepared.request is not None
    assert prepared.request.url.path == ("%C3%A9",)
    assert prepared.request.method == "POST"


def test_an_empty_body_never_goes_out() -> None:
    body = Body(mode="raw", raw="")
    prepared = prepare(get(body=body), behavior={"disableBodyPruning": True})
    assert prepared.body is None
    assert prepared.header("content-length") is None


def test_every_file_of_every_part_is_sent() -> None:
    # Newman sends the files after a list of files empty.
    prepared = prepare(
        form(FormParam(key="f", type="file", src=("a.json", "b.txt")), FormParam(key="g", type="file", src=("b.txt",))),
        read_file=read_file,
    )
    assert prepared.body is not None
    assert prepared.body.count(b"hello") == 2
    assert prepared.body.count(b'name="f"') == 2


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (FileNotFoundError(2, "No such file"), '"x", no such file'),
        (IsADirectoryError(21, "Is a directory"), '"x", is not a file'),
        (PermissionError(13, "Permission denied"), '"x", read permission denied'),
        (
            PermissionError("PPERM: insecure file access outside working directory"),
            "PPERM: insecure file access outside working directory",
        ),
    ],
)
def test_unreadable_file_is_left_out_with_a_warning(error: OSError, text: str) -> None:
    def refuse(path: str) -> bytes:
        raise error

    prepared = prepare(form(FormParam(key="f", type="file", src=("x",)), FormParam(key="t", value="1")), read_file=refuse)
    assert prepared.warnings == (f"Form param `f`, file load error: {text}",)
    assert prepared.body is not None
    assert b'name="f"' not in prepared.body
    whole = prepare(get(method="POST", body=Body(mode="file", file_src="x")), read_file=refuse)
    assert whole.warnings == (f"Binary file load error: {text}",)
    assert whole.body is None


def test_without_a_reader_no_file_is_read() -> None:
    prepared = prepare(get(method="POST", body=Body(mode="file", file_src="x")))
    assert prepared.warnings == ("Binary file load error: file resolver not supported",)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (get(url=Url()), "URL is empty"),
        (get(url=Url(text="/only/path")), 'Invalid URI "http:///only/path"'),
        (get(headers=(Param(key="a b", value="x"),)), 'valid HTTP token ["a b"]'),
        (get(headers=(Param(key="X", value="a\r\nEvil: 1"),)), 'Invalid character in header content ["X"]'),
        (get(headers=(Param(key="X", value="계좌"),)), 'Invalid character in header content ["X"]'),
    ],
)
def test_what_http_cannot_carry_is_an_error(request_: Request, message: str) -> None:
    with pytest.raises(SendError, match=re.escape(message)):
        prepare(request_)


def test_unencoded_blank_in_the_path_is_an_error_as_in_node() -> None:
    with pytest.raises(SendError, match="unescaped characters"):
        prepare(get(url=Url(text="http://h/a b")), behavior={"disableUrlEncoding": True})


def test_added_header_replaces_any_case_and_stands_before_the_system_headers() -> None:
    prepared = prepare(get(headers=(Param(key="AUTHORIZATION", value="old"), Param(key="Z", value="z"))))
    signed = with_header(with_header(prepared, "Authorization", "new"), "X-Date", "now")
    assert [name for name, _ in signed.headers[:4]] == ["Z", "Authorization", "X-Date", "User-Agent"]
    assert signed.request is not None
    assert signed.request.headers == (
        Param(key="Z", value="z"),
        Param(key="Authorization", value="new"),
        Param(key="X-Date", value="now"),
    )
    assert {"authorization", "x-date"} <= signed.system_headers


def test_added_header_cannot_smuggle_a_line() -> None:
    with pytest.raises(SendError):
        with_header(prepare(get()), "Authorization", "Bearer a\nX: 1")


def test_added_query_goes_last_and_replaces_its_key() -> None:
    prepared = with_query(prepare(get(url=Url(text="http://h/?k=1&a=%20&k=2#f"))), "k", "v &#")
    assert prepared.url == "http://h/?a=%20&k=v%20%26%23#f"
    assert prepared.request is not None
    assert prepared.request.url.query[-1] == Param(key="k", value="v%20%26%23")


def test_nearest_auth_counts_and_noauth_or_an_unknown_type_ends_the_search() -> None:
    basic, none, odd = Auth(type="basic"), Auth(type="noauth"), Auth(type="carrier-pigeon")
    assert effective_auth([None, basic, none]) is basic
    assert effective_auth([None, odd, basic]) is odd
    assert effective_auth([none, basic]) is none
    assert effective_auth([None, None]) is None


@pytest.mark.parametrize("method", ["get", "COPY", "head", "PURGE", "UNLOCK"])
def test_methods_without_body_are_pruned_unless_told_not_to(method: str) -> None:
    body = Body(mode="raw", raw="x")
    assert payload(body, method=method).data == b""
    assert payload(body, method=method, prune=False).data == b"x"


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(json_values, st.text(st.characters(exclude_characters="\n*")), st.booleans())
def test_comments_go_and_the_json_stays(value: Any, comment: str, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    assert strip_comments(f"/* {comment} */{text}// {comment}\n") == text + "\n"
