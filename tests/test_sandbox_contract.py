"""What a script can do and what the sandbox hands out: Postman's contract, one bullet a test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from runner.model import Mutation
from runner.sandbox import (
    UNSET,
    Assertion,
    Console,
    CookieAnswer,
    CookieCall,
    RequestAnswer,
    RequestCall,
    ScriptError,
    ScriptResult,
    Skipped,
)
from runner.sandbox.v8 import V8Sandbox
from tests.scripts import run


@pytest.fixture(scope="module")
def sandbox() -> Iterator[V8Sandbox]:
    with V8Sandbox() as made:
        yield made


def test_assertions_arrive_once_in_order_with_their_errors(sandbox: V8Sandbox) -> None:
    ran = run(
        sandbox,
        "pm.test('good', () => {});\npm.test('bad', () => pm.expect(1).to.eql(2));\npm.test.skip('not now', () => {});\n"
        "pm.test('done', (done) => setTimeout(done, 1));",
    )
    found = ran.of(Assertion)
    assert [(each.name, each.index, each.passed, each.skipped) for each in found] == [
        ("good", 0, True, False),
        ("bad", 1, False, False),
        ("not now", 2, True, True),
        ("done", 3, True, False),
    ]
    error = found[1].error
    assert (error.name, error.message) == ("AssertionError", "expected 1 to deeply equal 2")
    assert (error.line, error.column) == (2, 38)
    assert ran.result.error is None


def test_legacy_tests_and_globals(sandbox: V8Sandbox) -> None:
    code = """
    tests['code'] = responseCode.code === 200;
    tests['body'] = JSON.parse(responseBody).a === 2;
    postman.setEnvironmentVariable('t', 5);
    console.log(request.method, responseTime, postman.getResponseHeader('content-type'), iteration, data.row);
    """
    ran = run(sandbox, code, iteration=3, data={"row": "x"})
    assert [(each.name, each.passed) for each in ran.of(Assertion)] == [("code", True), ("body", False)]
    assert ran.of(Assertion)[1].error.message == "expected false to be truthy"
    assert ran.printed == ["POST", 7, "application/json", 3, "x"]
    assert ran.result.environment == (Mutation(key="t", value="5"),)


def test_deprecation_warnings_are_muted_unless_asked_for() -> None:
    with V8Sandbox(mute_deprecations=False) as loud:
        warned = run(loud, "tests['a'] = true; console.warn('own')").of(Console)
    assert [each.level for each in warned] == ["warn", "warn"]
    assert "deprecated" in warned[0].messages[0]


def test_mute_keeps_the_warnings_of_the_script(sandbox: V8Sandbox) -> None:
    assert run(sandbox, "tests['a'] = true; console.warn('own')").printed == ["own"]


def test_scopes_come_back_as_what_changed(sandbox: V8Sandbox) -> None:
    code = """
    pm.environment.set('b', {x: 1}); pm.environment.unset('a'); pm.environment.set('b', 2);
    pm.globals.set('g', null); pm.collectionVariables.set('c', 'v'); pm.variables.set('l', true);
    console.log(pm.environment.get('a'), pm.environment.name, pm.variables.get('row'), pm.iterationData.get('row'));
    """
    given = ({"key": "a", "value": "1", "type": "any"},)
    result = (ran := run(sandbox, code, environment=given, environment_name="dev", data={"row": "r"})).result
    assert set(result.environment) == {Mutation(key="b", value=2), Mutation(key="a", unset=True)}
    assert result.globals == (Mutation(key="g", value=None),)
    assert result.collection_variables == (Mutation(key="c", value="v"),)
    assert [(each["key"], each["value"]) for each in result.local] == [("l", True)]
    assert ran.printed[1:] == ["dev", "r", "r"]


def test_nothing_comes_back_unchanged(sandbox: V8Sandbox) -> None:
    result = run(sandbox, "pm.request.url.toString(); pm.variables.get('x');", local=({"key": "x", "value": 1},)).result
    assert result == ScriptResult()


@pytest.mark.parametrize(
    "reach", ["pm.request", "pm['req' + 'uest']", "(p => p.request)(pm)", "this.pm.request", "eval('pm').request"]
)
def test_a_changed_request_comes_back(sandbox: V8Sandbox, reach: str) -> None:
    result = run(sandbox, f"{reach}.headers.add({{key: 'B', value: '2'}})", listen="prerequest", response=None).result
    assert [each["key"] for each in result.request["header"]] == ["X-A", "B"]
    assert result.request["url"]["query"] == [{"key": "a", "value": "1"}]


@pytest.mark.parametrize(
    ("code", "named"),
    [
        ("1", UNSET),
        ("pm.execution.setNextRequest('B')", "B"),
        ("postman.setNextRequest(null)", None),
        ("postman.setNextRequest(undefined)", UNSET),
        ("pm.execution.setNextRequest(5)", "5"),
        ("pm.execution.setNextRequest(false)", "false"),
        ("pm.execution.setNextRequest(['A', 1.5])", "A,1.5"),
        ("pm.execution.setNextRequest({ a: 1 })", "[object Object]"),
    ],
)
def test_next_request(sandbox: V8Sandbox, code: str, named: Any) -> None:
    assert run(sandbox, code).result.next_request == named


def test_visualizer_data(sandbox: V8Sandbox) -> None:
    result = run(sandbox, "const d = {a: 1}; d.self = d; pm.visualizer.set('<b>{{a}}</b>', d)").result
    assert result.visualizer == {"template": "<b>{{a}}</b>", "data": {"a": 1, "self": "[Circular]"}}


def test_nothing_counts_after_a_skip(sandbox: V8Sandbox) -> None:
    code = "console.log(1); pm.execution.skipRequest(); console.log(2); pm.test('x', () => {}); throw new Error('late')"
    ran = run(sandbox, code, listen="prerequest", response=None)
    assert [type(each) for each in ran.said] == [Console, Skipped]
    assert ran.result.skipped
    assert ran.result.error is None


def test_a_call_that_nobody_waits_for_any_more_leaves_the_engine_whole(sandbox: V8Sandbox) -> None:
    engine = sandbox.pid
    skipped = run(sandbox, "pm.sendRequest('http://h', () => {}); pm.execution.skipRequest()", listen="prerequest")
    late = "const again = () => pm.sendRequest('http://h', again); again()"
    stopped = run(sandbox, late, {RequestCall: RequestAnswer(response={"code": 200})}, timeout=50)
    assert [type(each) for each in skipped.said] == [RequestCall, Skipped]
    assert stopped.result.error.message == "sandbox: asynchronous script execution timeout"
    assert run(sandbox, "console.log('next')").printed == ["next"]
    assert sandbox.pid == engine


def test_info_and_location(sandbox: V8Sandbox) -> None:
    ran = run(
        sandbox,
        "console.log(pm.info.eventName, pm.info.iteration, pm.info.iterationCount, pm.info.requestName, pm.info.requestId);"
        "console.log([...pm.execution.location], pm.execution.location.current)",
        iteration=1,
        iteration_count=4,
        item_name="Buy",
        item_id="i-1",
        item_path=("Shop", "Buy"),
        script_place="Buy",
    )
    assert ran.printed == ["test", 1, 4, "Buy", "i-1", ["Shop", "Buy"], "Buy"]


SENDING = [
    "pm.sendRequest('http://localhost/x', (err, res, {cookies}) => console.log(err, res.code, cookies.get('c')))",
    "pm.sendRequest('http://localhost/x').then((res) => console.log(null, res.code, 'v'))",
    "const res = await pm.sendRequest({url: 'http://localhost/x'}); console.log(null, res.code, 'v')",
]


@pytest.mark.parametrize("code", SENDING)
def test_send_request(sandbox: V8Sandbox, code: str) -> None:
    cookie = {"name": "c", "value": "v", "domain": "localhost", "path": "/"}
    ran = run(sandbox, code, {RequestCall: RequestAnswer(response={"code": 201, "body": "{}"}, cookies=(cookie,))})
    (call,) = ran.of(RequestCall)
    assert call.request["url"]["host"] == ["localhost"]
    assert ran.printed == [None, 201, "v"]


def test_send_request_that_fails(sandbox: V8Sandbox) -> None:
    code = "pm.sendRequest('http://localhost:1', (err, res) => console.log(err.message, err.code, typeof res))"
    ran = run(sandbox, code, {RequestCall: RequestAnswer(error="connect ECONNREFUSED", code="ECONNREFUSED")})
    assert ran.printed == ["connect ECONNREFUSED", "ECONNREFUSED", "undefined"]
    assert ran.result.error is None


def test_many_requests_at_once_and_a_big_answer_while_the_script_prints(sandbox: V8Sandbox) -> None:
    code = """
    const urls = ['a', 'b', 'c'].map((name) => 'http://localhost/' + name);
    const all = await Promise.all(urls.map((url) => pm.sendRequest(url).then((res) => {
        console.log('x'.repeat(200000)); return res.text().length;
    })));
    console.log(all);
    """
    ran = run(sandbox, code, {RequestCall: RequestAnswer(response={"code": 200, "body": "y" * 300_000})})
    assert len(ran.of(RequestCall)) == 3
    assert ran.printed[-1] == [300_000] * 3


def test_timers_fire_by_time_while_a_request_is_on_its_way(sandbox: V8Sandbox) -> None:
    code = """
    setTimeout(() => console.log('late'), 30); setTimeout(() => console.log('soon'), 5);
    const stop = setInterval(() => { console.log('tick'); clearInterval(stop); }, 15);
    setImmediate(() => console.log('now')); await null; console.log('micro');
    """
    assert run(sandbox, code).printed == ["micro", "now", "soon", "tick", "late"]


def test_cookie_jar(sandbox: V8Sandbox) -> None:
    stored = {"key": "a", "value": "b", "domain": "localhost", "path": "/", "hostOnly": True}
    code = "pm.cookies.jar().get('http://localhost/', 'a', (err, value) => console.log(err, value))"
    ran = run(sandbox, code, {CookieCall: CookieAnswer(result=[stored])})
    assert [call.method for call in ran.of(CookieCall)] == ["findCookies"]
    assert ran.of(CookieCall)[0].args[:2] == ("localhost", "/")
    assert ran.printed == [None, "b"]


def test_cookie_jar_denied(sandbox: V8Sandbox) -> None:
    denied = 'CookieStore: programmatic access to "localhost" is denied'
    code = "pm.cookies.jar().set('http://localhost/', 'a', 'b', (err) => console.log(err.message || err))"
    assert run(sandbox, code, {CookieCall: CookieAnswer(error=denied)}).printed == [denied]


def test_cookies_of_the_request(sandbox: V8Sandbox) -> None:
    cookie = {"name": "sid", "value": "1", "domain": "localhost", "path": "/"}
    assert run(sandbox, "console.log(pm.cookies.get('sid'))", cookies=(cookie,)).printed == ["1"]


def test_packages(sandbox: V8Sandbox) -> None:
    packages = {"@team/sum": {"data": "module.exports = (a, b) => a + b"}, "@team/bad": {"error": "gone"}}
    assert run(sandbox, "console.log(pm.require('@team/sum')(1, 2))", packages=packages).printed == [3]
    assert "gone" in run(sandbox, "pm.require('@team/bad')", packages=packages).result.error.message
    assert run(sandbox, "console.log(typeof pm.require)").printed == ["undefined"]


def test_require_and_top_level_await(sandbox: V8Sandbox) -> None:
    code = "const _ = require('lodash'); const v = await Promise.resolve(_.sum([1, 2])); console.log(v, CryptoJS.MD5('a').toString())"
    assert run(sandbox, code).printed == [3, "0cc175b9c0f1b6a831c399e269772661"]


def test_binary_body(sandbox: V8Sandbox) -> None:
    response = {"code": 200, "header": [], "stream": {"type": "Base64", "data": "AAH/"}}
    assert run(sandbox, "console.log([...pm.response.stream])", response=response).printed == [[0, 1, 255]]


def test_schema_and_chai_postman(sandbox: V8Sandbox) -> None:
    code = """
    pm.test('schema', () => pm.response.to.have.jsonSchema({type: 'object', required: ['a']}));
    pm.test('status', () => pm.response.to.have.status(404));
    """
    passed = [each.passed for each in run(sandbox, code).of(Assertion)]
    assert passed == [True, False]


def test_replace_in(sandbox: V8Sandbox) -> None:
    city, guid, plain = sandbox.replace_in(("{{$randomCity}}", "id {{$guid}}", "{{mine}} 'quoted'"))
    assert city
    assert "{{" not in city + guid
    assert plain == "{{mine}} 'quoted'"


def test_empty_scripts_end(sandbox: V8Sandbox) -> None:
    assert run(sandbox, "").result == run(sandbox, "   \n").result == ScriptResult()


def test_scripts_do_not_see_each_others_names(sandbox: V8Sandbox) -> None:
    run(sandbox, "const mine = 1; var other = 2;")
    assert run(sandbox, "console.log(typeof mine, typeof other)").printed == ["undefined", "undefined"]


def test_error_of_a_sandbox2_script(sandbox: V8Sandbox) -> None:
    error = run(sandbox, '"use sandbox2";\nnope()').result.error
    assert isinstance(error, ScriptError)
    assert (error.name, error.line) == ("ReferenceError", 2)


def test_half_a_surrogate_pair_is_a_character_like_any_other(sandbox: V8Sandbox) -> None:
    ran = run(
        sandbox,
        "pm.environment.set('b', pm.environment.get('a') + '\\\\' + '\ud801');\nconsole.log(pm.info.requestName.length)",
        environment=({"key": "a", "value": "x\\\ud800"},),
        item_name="R\udfff",
    )
    assert ran.printed == [2]
    assert ran.result.environment == (Mutation(key="b", value="x\\\ud800\\\ud801"),)
    error = run(sandbox, "'\ud800'\n)").result.error
    assert (error.name, error.line) == ("SyntaxError", 2)


def test_half_a_surrogate_pair_in_an_answer(sandbox: V8Sandbox) -> None:
    code = "pm.sendRequest('http://h', (error) => console.log(error.message === '\\ud800'))"
    assert run(sandbox, code, {RequestCall: RequestAnswer(error="\ud800")}).printed == [True]


def test_infinity_is_null(sandbox: V8Sandbox) -> None:
    environment = ({"key": "a", "value": float("inf")}, {"key": "b", "value": [1.5, float("-inf")]})
    ran = run(sandbox, "console.log(pm.environment.get('a'), pm.environment.get('b'))", environment=environment)
    assert ran.printed == [None, [1.5, None]]
