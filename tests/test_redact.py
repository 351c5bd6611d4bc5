"""Secrets do not survive on their way to the reporters."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner import events
from runner.events import Place, RunEvent
from runner.model import (
    Auth,
    Body,
    Collection,
    Cookie,
    Environment,
    Event,
    Folder,
    FormParam,
    Item,
    Param,
    Prepared,
    Request,
    Response,
    Url,
    Variable,
)
from runner.redact import redacted
from runner.sandbox import Assertion, Console, ScriptError
from runner.secrets import REMEMBERED, Secrets, is_secret_name, mask

SECRET = "s3cr3t-V4lue-0123456789"


@pytest.mark.parametrize(
    "name",
    [
        "token",
        "access_token",
        "accessToken",
        "Authorization",
        "Proxy-Authorization",
        "appkey",
        "appsecret",
        "approval_key",
        "api-key",
        "X-API-KEY",
        "apiKey",
        "password",
        "passwd",
        "db_passwd",
        "Cookie",
        "Set-Cookie",
        "client_secret",
        "consumerKey",
        "my-key",
        "jwt",
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "name",
        "token_type",
        "accessTokenUrl",
        "access_token_token_expired",
        "monkey",
        "key",
        "keyword",
        "publicKey",
        "cache_key",
        "Postman-Token",
        "max_tokens",
        "host",
    ],
)
def test_names_of_other_things(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("60123445", "60****45"),
        ("abcdefghijklmnopqrstuvwxyz", "abcd****wxyz"),
        ("short", "****"),
        ("123456789", "****"),
        ("-----BEGIN KEY-----\nabc\n-----END KEY-----", "****"),
        ("a sentence with many words in it", "****"),
    ],
)
def test_masks(value: str, shown: str) -> None:
    assert mask(value) == shown


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ('{"access_token": "abc", "token_type": "Bearer"}', '{"access_token": "****", "token_type": "Bearer"}'),
        ('{"a":1,"password":12345678,"b":"x"}', '{"a":1,"password":"12****78","b":"x"}'),
        (r'{"inner":"{\"secret\":\"a\",\"x\":\"y\"}"}', r'{"inner":"{\"secret\":\"****\",\"x\":\"y\"}"}'),
        (r'{"secret":"a\"b","x":1}', '{"secret":"****","x":1}'),
        ("{ 'appkey': 'PSabc' }", "{ 'appkey': '****' }"),
        ("Authorization: Bearer abc", "Authorization: Bearer ****"),
        ("sent Bearer eyJhbGciOi.J9.xyz to it", "sent Bearer **** to it"),
        ("Basic dXNlcjpwYXNzd29yZA==", "Basic dXNl****ZA=="),
        ("grant_type=password&client_secret=abc&x=1", "grant_type=password&client_secret=****&x=1"),
        ("https://h/p?key=AIza&q=1", "https://h/p?key=****&q=1"),
        ("https://me:hunter2@h/p", "https://me:****@h/p"),
        ("Cookie: a=1; b=2", "Cookie: a=****; b=****"),
        ("Set-Cookie: a=1; Path=/", "Set-Cookie: a=****; Path=/"),
        ("İ is longer in lower case, secret=abc", "İ is longer in lower case, secret=****"),
        ("mail me@example.test", "mail me@example.test"),
        ("appsecret: abc", "appsecret: ****"),
        ("invalid token: it has expired", "invalid token: it has expired"),
        ("the key to success is a basic token", "the key to success is a basic token"),
        ("Basic authentication is needed", "Basic authentication is needed"),
    ],
)
def test_texts_are_cleaned_by_name(text: str, hidden: str) -> None:
    assert Secrets().hide(text) == hidden


def test_a_learned_value_is_hidden_wherever_it_turns_up() -> None:
    secrets = Secrets()
    secrets.learn("api_key", 'pass"word/1 &x')
    assert secrets.hide('got pass"word/1 &x!') == "got ****!"
    assert secrets.hide(json.dumps({"a": 'pass"word/1 &x'})) == '{"a": "****"}'
    assert secrets.hide("?a=pass%22word%2F1%20%26x&b=1") == "?a=****&b=1"
    assert secrets.hide("a=pass%22word%2F1+%26x&b=1") == "a=****&b=1"


def test_a_secret_of_several_lines() -> None:
    secrets = Secrets()
    secrets.learn("private_key", "-----BEGIN-----\nabc\n\ud800")
    assert secrets.hide("key: -----BEGIN-----\nabc\n\ud800.") == "key: ****."
    assert secrets.hide(r'{"pem": "-----BEGIN-----\nabc\n\ud800"}') == '{"pem": "****"}'


def test_overlapping_secrets_leave_nothing_behind() -> None:
    secrets = Secrets()
    secrets.learn("token", "abcdef")
    secrets.learn("token", "x****y")
    assert secrets.hide("xabcdefy") == "****"


def test_a_token_inside_a_json_string_is_learned() -> None:
    secrets = Secrets()
    secrets.learn_fields(r'{"data": "{\"token\": \"inner-secret\"}", "other_token": "outer\/secret", "cookie": "plain-cookie"}')
    assert secrets.hide("inner-secret outer/secret plain-cookie") == "**** **** plain-cookie"


def test_what_is_not_learned() -> None:
    secrets = Secrets()
    secrets.learn("name", "Newman the runner")
    secrets.learn("token", "short")
    secrets.learn("token", "{{other_token}}")
    secrets.learn("token", True)
    secrets.learn("token", None)
    assert (
        secrets.hide("Newman the runner short {{other_token}} True None") == "Newman the runner short {{other_token}} True None"
    )
    assert secrets.version == 0


def test_a_variable_of_type_secret_and_a_registered_name() -> None:
    secrets = Secrets(names=["Account"])
    secrets.learn("plain", "value-of-type", type="secret")
    secrets.learn("ACCOUNT", 60123445)
    assert secrets.hide("value-of-type 60123445") == "**** 60****45"
    assert secrets.hide('{"account":"99"}') == '{"account":"****"}'


def test_a_short_variable_of_type_secret_is_hidden_where_it_stands_alone() -> None:
    secrets = Secrets()
    for value in ("a1", "비밀", "+x+", "true", "--", ""):
        secrets.learn("pin", value, "secret")
    secrets.learn("password", "b2")
    assert secrets.hide("a1") == "****"
    assert secrets.hide('{"pin":"a1", "x": [a1]} /a1?a1=1') == '{"pin":"****", "x": [****]} /****?****=1'
    assert secrets.hide("a11 ba1 a_a1 비밀번호 b2 true --") == "a11 ba1 a_a1 비밀번호 b2 true --"
    assert secrets.hide("비밀 1 +x+") == "**** 1 ****"


def test_a_path_before_a_colon_is_no_header() -> None:
    refusal = "POST https://h/oauth2/tokenP: refused: it moves money"
    assert Secrets().hide(refusal) == refusal
    for before in ("", " ", '"', "> ", "\n"):
        assert Secrets().hide(f"{before}access-token: abcdefgh") == f"{before}access-token: ****"


def test_unchanged_text_is_the_same_object() -> None:
    secrets = Secrets()
    secrets.learn("token", SECRET)
    text = "GET https://example.test/token?grant_type=x and then some"
    assert secrets.hide(text) is text


def test_passing_values_give_way_and_lasting_ones_stay() -> None:
    secrets = Secrets()
    secrets.learn("token", "the-first-lasting", lasting=True)
    for number in range(REMEMBERED + 10):
        secrets.learn("token", f"passing-{number:05}")
    assert secrets.hide("the-first-lasting") == "****"
    assert secrets.hide("passing-00000") == "passing-00000"
    assert secrets.hide(f"passing-{REMEMBERED + 9:05}") == "****"


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("Authorization", f"Bearer {SECRET}", "Bearer s3cr****6789"),
        ("Authorization", "hunter two", "****"),
        ("appkey", "PSabcdefghijklmnopqrstuv", "PSab****stuv"),
        ("Cookie", "sid=abc; theme=dark", "sid=****; theme=****"),
        ("Set-Cookie", "sid=abc; Path=/; HttpOnly", "sid=****; Path=/; HttpOnly"),
        ("Content-Type", "application/json", "application/json"),
        ("X-Link", "https://h/?access_token=abc", "https://h/?access_token=****"),
    ],
)
def test_headers(name: str, value: str, shown: str) -> None:
    assert Secrets().hide_header(name, value) == shown


def test_hostile_texts_take_no_time() -> None:
    secrets = Secrets()
    began = time.perf_counter()
    for text in (
        "\\" * 50_000 + "token",
        '"token":' * 10_000,
        "token=" * 20_000,
        "Bearer " * 20_000,
        "://a:" * 20_000,
        "'a':\"token" * 5000,
    ):
        secrets.hide(text)
        secrets.learn_fields(text)
    assert time.perf_counter() - began < 5


# ------------------------------------------------------------------------------------------------------------- events


def place(item: Item | None = None, path: tuple[str, ...] = ()) -> Place:
    item = item or Item(id="1", name="One", request=Request(url=Url(text="http://h/")))
    return Place(ref=1, iteration=0, cycles=1, position=0, length=1, item=item, path=path)


def everything(secret: str) -> list[RunEvent]:
    """One event of each type with the secret in every text it has."""
    url = f"http://h/{secret}?a={secret}"
    request = Request(
        url=Url(text=url, query=(Param(key="q", value=secret),)),
        headers=(Param(key="X-Thing", value=secret),),
        body=Body(mode="raw", raw=f"body {secret}"),
        auth=Auth(type="bearer", params={"token": secret}),
    )
    item = Item(id="1", name=f"item {secret}", request=request, events=(Event(listen="test", code=f"// {secret}"),))
    here = place(item, (f"folder {secret}",))
    environment = Environment(
        name="env", values=(Variable(key="anything", value=secret, type="secret"), Variable(key="other", value=[secret]))
    )
    collection = Collection(
        id="c", name=f"c {secret}", items=(Folder(id="f", name=secret, items=(item,)),), variables=environment.values
    )
    prepared = Prepared(
        method="POST",
        url=url,
        headers=(("X-Thing", secret), ("Cookie", f"a={secret}")),
        body=secret.encode(),
        request=request,
        warnings=(secret,),
    )
    response = Response(
        code=200,
        reason=secret,
        url=url,
        headers=(("Set-Cookie", f"a={secret}"),),
        body=b'{"a":' + json.dumps(secret).encode() + b"}",
        cookies=(Cookie(name="a", value=secret, domain="h"),),
        note=secret,
        sent=prepared,
    )
    error = ScriptError(name="Error", message=f"m {secret}", stack=f"s {secret}")
    cyclic: dict[str, Any] = {"text": secret, secret: 1}
    cyclic["self"] = cyclic
    return [
        events.RunStarted(
            collection=collection, environment=environment, globals=environment, iterations=1, items=1, started=0.0
        ),
        events.IterationStarted(iteration=0, cycles=1, data={"row": secret}),
        events.ItemStarted(place=here),
        events.Noted(place=None, text=f"note {secret}"),
        events.Noted(place=here, text=f"note {secret}"),
        events.ItemSkipped(place=here, reason=secret),
        events.ConsoleWritten(
            place=here,
            listen="test",
            console=Console(level="log", messages=(secret, [secret, (secret,)], cyclic, secret.encode())),
        ),
        events.RequestSent(place=here, source="item", prepared=prepared, response=response),
        events.RequestSent(place=here, source="item", prepared=prepared, error=f"no {secret}"),
        events.Asserted(
            place=here, listen="test", index=0, assertion=Assertion(name=f"t {secret}", index=0, passed=False, error=error)
        ),
        events.ScriptFailed(place=here, listen="test", where=secret, error=error),
        events.ScriptFinished(
            place=here, listen="test", where=secret, failed=True, named_next=True, next_request=secret, visualizer={"t": secret}
        ),
        events.ItemFinished(place=here),
        events.IterationFinished(iteration=0),
        events.Interrupted(),
        events.RunFinished(
            finished=1.0,
            environment=environment,
            globals=environment,
            collection=collection,
            unresolved=(secret,),
            error=secret,
            bail=secret,
        ),
    ]


@given(
    secret=st.text(st.characters(codec="utf-8", exclude_characters="*"), min_size=6, max_size=40).filter(
        lambda text: text.strip() == text
    )
)
@settings(max_examples=60, deadline=None)
def test_no_learned_secret_survives(secret: str) -> None:
    happenings = everything(secret)
    before = repr(happenings)
    if before.count(repr(secret)[1:-1]) != repr(everything("\0" * 6)).count(repr("\0" * 6)[1:-1]):
        return  # the text is part of what the events say anyway, as `return` is
    secrets = Secrets()
    secrets.learn("token", secret)
    if not secrets.version:
        return  # a word such as `password`, or a {{placeholder}}
    for bodies in (True, False):
        shown = repr(list(redacted(happenings, secrets, bodies=bodies)))
        assert repr(secret)[1:-1] not in shown
        assert repr(secret.encode())[2:-1] not in shown
    assert repr(happenings) == before


def test_secrets_of_the_environment_are_learned_before_anything_is_shown() -> None:
    shown = list(redacted(everything(SECRET), Secrets()))
    assert SECRET not in repr(shown)
    started, finished = shown[0], shown[-1]
    assert isinstance(started, events.RunStarted)
    assert isinstance(finished, events.RunFinished)
    assert started.environment.values[0].value == "s3cr****6789"
    assert finished.collection.variables[1].value == ["s3cr****6789"]


def test_credentials_in_the_collection_are_learned() -> None:
    auth = Auth(type="apikey", params={"key": "X-Custom", "value": "custom-header-value", "in": "header"})
    item = Item(id="1", name="i", request=Request(url=Url(text="http://h"), auth=auth))
    collection = Collection(id="c", name="c", items=(Folder(id="f", name="f", items=(item,)),))
    nothing = Environment()
    stream = [
        events.RunStarted(collection=collection, environment=nothing, globals=nothing, iterations=1, items=1, started=0.0),
        events.Noted(place=place(item), text="sent custom-header-value"),
    ]
    shown = list(redacted(stream, Secrets()))
    assert "custom-header-value" not in repr(shown)
    assert "X-Custom" in repr(shown)


def signed(auth: Auth, url: str, **variables: str) -> list[RunEvent]:
    """A run of one request that is signed with variables of innocuous names."""
    item = Item(id="1", name="i", request=Request(url=Url(text="http://h"), auth=auth))
    resolved = {key: variables.get(value.strip("{}"), value) for key, value in auth.params.items()}
    request = Request(url=Url(text=url), auth=Auth(type=auth.type, params=resolved))
    response = Response(code=200, reason="OK", url=url, body=f"you sent {url}".encode())
    prepared = Prepared(method="GET", url=url, request=request)
    written = tuple(Variable(key=key, value=value) for key, value in variables.items())
    environment, nothing = Environment(values=written), Environment()
    collection = Collection(id="c", name="c", items=(item,))
    return [
        events.RunStarted(collection=collection, environment=environment, globals=nothing, iterations=1, items=1, started=0.0),
        events.RequestSent(place=place(item), source="item", prepared=prepared, response=response),
        events.ConsoleWritten(place=place(item), listen="test", console=Console(level="log", messages=(url,))),
        events.RunFinished(finished=1.0, environment=environment, globals=nothing, collection=collection),
    ]


@pytest.mark.parametrize(
    "auth",
    [
        Auth(type="apikey", params={"key": "q", "value": "{{mine}}", "in": "query"}),
        Auth(type="basic", params={"username": "someone", "password": "{{mine}}"}),
        Auth(type="digest", params={"username": "someone", "password": "{{mine}}"}),
        Auth(type="bearer", params={"token": "{{mine}}"}),
        Auth(type="hawk", params={"authId": "someone", "authKey": "{{mine}}"}),
        Auth(type="oauth2", params={"accessToken": "{{mine}}", "addTokenTo": "queryParams"}),
        Auth(type="awsv4", params={"accessKey": "{{mine}}", "region": "someone"}),
    ],
)
def test_what_signs_a_request_is_secret_whatever_its_variable_is_called(auth: Auth) -> None:
    run = signed(auth, "http://h/?q=in%2Fnocuous+1&queryParams", mine="in/nocuous 1")
    for happenings in (run, run[1:]):
        shown = repr(list(redacted(happenings, Secrets())))
        assert "nocuous" not in shown
        assert auth.type in shown
    assert "queryParams" in repr(list(redacted(run, Secrets())))
    assert "someone" in repr(list(redacted([*run, events.Noted(place=None, text="someone")], Secrets())))


def test_a_password_in_the_parts_of_a_url() -> None:
    url = Url(protocol="https", auth="user:hidden-word", host=("h",))
    template = Item(id="2", name="i", request=Request(url=replace(url, auth="{{user}}:{{word}}")))
    item = Item(id="1", name="i", request=Request(url=url))
    shown = list(redacted([events.ItemStarted(place=place(one)) for one in (item, template)], Secrets()))
    assert [event.place.item.request.url.auth for event in shown if isinstance(event, events.ItemStarted)] == [
        "user:****",
        "{{user}}:{{word}}",
    ]
    prepared = Prepared(method="GET", url="https://h/", request=item.request)
    sent = events.RequestSent(place=place(template), source="item", prepared=prepared, error="no: hidden-word")
    assert "hidden-word" not in repr(list(redacted([sent], Secrets())))


def test_a_token_given_out_by_a_server_is_hidden_in_what_scripts_say_next() -> None:
    body = json.dumps({"access_token": "given-out-by-server", "expires_in": 86400}).encode()
    form = Body(mode="formdata", formdata=(FormParam(key="password", value="typed-by-a-user"), FormParam(key="a", value="b")))
    prepared = Prepared(
        method="POST",
        url="http://h/",
        headers=(("X-Session-Token", "sent-by-a-script"),),
        body=b'name="password"\r\n\r\ntyped-by-a-user\r\n',
        request=Request(url=Url(text="http://h/"), body=form),
    )
    headers = (("Set-Cookie", 'sid="1-made-by-server"; Path=/'), ("Set-Cookie", "theme=dark"), ("X-Auth-Token", "told-by-server"))
    response = Response(code=200, reason="OK", url="http://h/", body=body, headers=headers)
    said = ("given-out-by-server", {"sid": "sent-by-a-script"}, "1-made-by-server told-by-server typed-by-a-user")
    stream = [
        events.RequestSent(place=place(), source="item", prepared=prepared, response=response),
        events.ConsoleWritten(place=place(), listen="test", console=Console(level="log", messages=said)),
    ]
    for bodies in (True, False):
        assert "by-" not in repr(list(redacted(stream, Secrets(), bodies=bodies)))


def test_console_values_are_hidden_by_key() -> None:
    message = {
        "password": "x",
        "headers": [{"key": "appkey", "value": "y"}, {"key": "Accept", "value": "z"}],
        "token": {"a": [1]},
        "count": 12,
    }
    stream = [
        events.ConsoleWritten(place=place(), listen="test", console=Console(level="log", messages=(message, 12, None, True)))
    ]
    (shown,) = redacted(stream, Secrets())
    assert isinstance(shown, events.ConsoleWritten)
    assert shown.console.messages == (
        {
            "password": "****",
            "headers": [{"key": "appkey", "value": "****"}, {"key": "Accept", "value": "z"}],
            "token": {"a": ["****"]},
            "count": 12,
        },
        12,
        None,
        True,
    )


def test_a_bottomless_console_value_is_shown_down_to_where_nobody_can_look() -> None:
    deep: list[Any] = [SECRET]
    for _ in range(100_000):
        deep = [deep]
    (shown,) = redacted(
        [events.ConsoleWritten(place=place(), listen="test", console=Console(level="log", messages=(deep,)))], Secrets()
    )
    assert isinstance(shown, events.ConsoleWritten)
    bottom, depth = shown.console.messages[0], 0
    while isinstance(bottom, list):
        (bottom,), depth = bottom, depth + 1
    assert bottom == "****" and 0 < depth < 1000
    while isinstance(deep, list):
        deep = deep.pop()


def test_bytes_that_are_no_text_stay_as_they_are() -> None:
    body = bytes(range(256)) * 4
    sent = events.RequestSent(
        place=place(),
        source="item",
        prepared=Prepared(method="PUT", url="http://h/", body=body),
        response=Response(code=200, reason="OK", url="http://h/", body=body),
    )
    secrets = Secrets()
    secrets.learn("token", SECRET)
    (shown,) = redacted([sent], secrets)
    assert isinstance(shown, events.RequestSent) and shown.response
    assert shown.prepared.body == body and shown.response.body == body


def test_without_bodies_the_heavy_parts_are_left_out() -> None:
    happenings = everything("nothing to see here")
    for event in redacted(happenings, Secrets(), bodies=False):
        if isinstance(event, events.RequestSent):
            assert event.prepared.body is None and event.prepared.request is None
            assert event.response is None or event.response.body == b""
        elif isinstance(event, events.RunStarted):
            assert event.collection.items == () and event.collection.name
        elif isinstance(event, events.ItemStarted):
            assert event.place.item.events == () and event.place.item.request.method == "GET"


def test_what_is_learned_later_is_hidden_in_the_same_item() -> None:
    item = Item(id="1", name=f"uses {SECRET}", request=Request(url=Url(text="http://h")))
    secrets = Secrets()
    here = place(item)
    (first,) = redacted([events.ItemStarted(place=here)], secrets)
    assert isinstance(first, events.ItemStarted) and SECRET in first.place.item.name
    stream = redacted(
        [
            events.ItemStarted(place=here),
            events.IterationStarted(iteration=0, cycles=1, data={"token": SECRET}),
            events.ItemStarted(place=replace(here, ref=2)),
        ],
        secrets,
    )
    assert SECRET in repr(next(stream))
    assert SECRET not in repr(list(stream))


def test_basic_credentials_are_hidden_in_headers() -> None:
    credentials = base64.b64encode(b"user:password-of-user").decode()
    sent = events.RequestSent(
        place=place(),
        source="item",
        prepared=Prepared(method="GET", url="http://h/", headers=(("Authorization", f"Basic {credentials}"),)),
        error="no",
    )
    assert credentials not in repr(list(redacted([sent], Secrets())))
