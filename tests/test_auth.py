"""The schemes that need nothing but their parameters, and how a request finds its scheme."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from runner import auth
from runner.model import Auth, Param, Prepared, Request, Response, Url
from runner.request import prepare


def signed(kind: str, headers: tuple[Param, ...] = (), url: str = "http://h/p", **params: Any) -> Prepared:
    request = Request(url=Url(text=url), headers=headers, auth=Auth(type=kind, params=params))
    flow = auth.sign(prepare(request))
    first = next(flow)
    with pytest.raises(StopIteration):
        flow.send(Response(code=200, reason="OK", url=url))
    return first


def test_basic_is_utf8_and_replaces_the_users_header_of_any_case() -> None:
    sent = signed("basic", (Param(key="authorization", value="old"),), username="u", password="p:비밀")
    assert [value for name, value in sent.headers if name.lower() == "authorization"] == [
        "Basic " + base64.b64encode("u:p:비밀".encode()).decode()
    ]


def test_basic_without_parameters_signs_with_empty_ones() -> None:
    assert signed("basic").header("Authorization") == "Basic Og=="


def test_bearer_token() -> None:
    assert signed("bearer", token="t").header("Authorization") == "Bearer t"


def test_bearer_without_token_keeps_the_users_header_and_warns() -> None:
    sent = signed("bearer", (Param(key="Authorization", value="mine"),), token="")
    assert sent.header("Authorization") == "mine"
    assert sent.warnings == ("bearer auth: `token` is missing, the request is not signed",)


@pytest.mark.parametrize("place", [{}, {"in": "header"}, {"in": "elsewhere"}])
def test_apikey_goes_into_a_header_by_default(place: dict[str, str]) -> None:
    sent = signed("apikey", (Param(key="x-key", value="old"),), key="X-Key", value=5, **place)
    assert [line for line in sent.headers if line[0].lower() == "x-key"] == [("X-Key", "5")]


def test_apikey_in_the_query_is_encoded_and_replaces_its_key() -> None:
    sent = signed("apikey", url="http://h/p?k=old&a", key="k", value="v &'", **{"in": "query"})
    assert sent.url == "http://h/p?a&k=v%20%26%27"


def test_apikey_without_value_in_the_query_is_the_bare_key() -> None:
    assert signed("apikey", key="k", **{"in": "query"}).url == "http://h/p?k"


def test_apikey_without_key_warns() -> None:
    sent = signed("apikey", value="v")
    assert sent.warnings == ("apikey auth: `key` is missing, the request is not signed",)
    assert sent.headers == prepare_headers(sent)


def prepare_headers(sent: Prepared) -> tuple[tuple[str, str], ...]:
    return tuple(line for line in sent.headers if line[0].lower() in sent.system_headers)


def test_noauth_and_no_auth_send_the_request_as_it_is() -> None:
    prepared = prepare(Request(url=Url(text="http://h/"), headers=(Param(key="Authorization", value="mine"),)))
    assert next(auth.sign(prepared)) is prepared
    assert signed("noauth", (Param(key="Authorization", value="mine"),)).header("authorization") == "mine"


def test_a_type_nobody_knows_is_sent_unsigned_with_a_warning() -> None:
    assert signed("carrier-pigeon").warnings == ("there is no auth of type `carrier-pigeon`, the request is not signed",)


def test_the_registry_finds_schemes_by_postmans_names() -> None:
    assert {"noauth", "basic", "bearer", "apikey"} <= set(auth.registry())
    assert auth.scheme("basic") is auth.registry()["basic"]
    assert auth.scheme("carrier-pigeon") is None
