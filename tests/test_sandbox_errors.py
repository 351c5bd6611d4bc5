"""Errors of scripts: where they happened in the user's own text, and that each is told exactly once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from runner.sandbox import (
    Assertion,
    Console,
    CookieAnswer,
    CookieCall,
    RequestAnswer,
    RequestCall,
    RunAnswer,
    RunCall,
    ScriptError,
    VaultAnswer,
    VaultCall,
)
from runner.sandbox.v8 import V8Sandbox
from tests.scripts import run


@pytest.fixture(scope="module")
def sandbox() -> Iterator[V8Sandbox]:
    with V8Sandbox() as made:
        yield made


@pytest.mark.parametrize(
    ("code", "name", "message", "place"),
    [
        ("throw new TypeError('x')", "TypeError", "x", (1, 7)),
        ("const a = 1;\n\n  nope();", "ReferenceError", "nope is not defined", (3, 3)),
        ("let a = 1;\nlet b = ;", "SyntaxError", "Unexpected token ';'", (2, 9)),
        ("if (true) {\n", "SyntaxError", "Unexpected token ')'", None),
        ("class Own extends Error {}\nthrow new Own('mine')", "Error", "mine", (2, 7)),
        ("const e = new Error('m'); e.name = 'Special'; throw e", "Special", "m", (1, 11)),
        ("throw 'text'", "Error", "text", None),
        ("throw {a: 1}", "Error", '{"a":1}', None),
        ("await null;\nnull.x", "TypeError", "Cannot read properties of null (reading 'x')", (2, 6)),
        ("(function named() {\n  throw new RangeError('deep');\n})()", "RangeError", "deep", (2, 9)),
        ("function f() { f() } f()", "RangeError", "Maximum call stack size exceeded", (1, 16)),
    ],
)
def test_name_message_and_place(sandbox: V8Sandbox, code: str, name: str, message: str, place: tuple[int, int] | None) -> None:
    ran = run(sandbox, code)
    error = ran.result.error
    assert ran.said == [error]
    assert (error.name, error.message) == (name, message)
    if place:
        assert (error.line, error.column) == place


def test_the_stack_shows_the_script_and_nothing_of_the_inside(sandbox: V8Sandbox) -> None:
    stack = run(sandbox, "function outer() {\n  throw new Error('s');\n}\nouter();").result.error.stack
    assert stack.split("\n") == ["Error: s", "    at outer (sandbox-script.js:2:9)", "    at sandbox-script.js:4:1"]


def test_scripts_cannot_play_with_the_stack(sandbox: V8Sandbox) -> None:
    code = (
        "Error.prepareStackTrace = (e, frames) => { console.log(frames[0].getFunction()); return 'mine' };\nthrow new Error('p')"
    )
    ran = run(sandbox, code)
    assert not ran.of(Console)
    assert ran.result.error.line == 2


THROWN_LATER = [
    "setTimeout(() => { throw new Error('boom') }, 1)",
    "setImmediate(() => { throw new Error('boom') })",
    "queueMicrotask(() => { throw new Error('boom') })",
    "Promise.reject(new Error('boom'))",
    "new Promise((resolve, reject) => setTimeout(() => reject(new Error('boom')), 1))",
    "Promise.resolve().then(() => { throw new Error('boom') })",
    "Promise.reject(new Error('boom')).finally(() => {})",
    "(async () => { throw new Error('boom') })()",
    "const f = async () => { await null; throw new Error('boom') }\nf()",
    "async function f() { return g() } async function g() { throw new Error('boom') } f()",
    "[1].forEach(async n => { await null; throw new Error('boom') })",
    "Array.from([1], async n => await Promise.reject(new Error('boom')))",
    "const o = { async m(a = {b: 1}) { throw new Error('boom') } }; o.m()",
    "class C { async m() { await null; throw new Error('boom') } } new C().m()",
    "pm.test('t', async () => { await null; throw new Error('boom') })",
    "setTimeout(async () => { throw new Error('boom') }, 1)",
    "const e = new Error('boom'); Promise.reject(e); Promise.reject(e)",
    "Promise.all([1, Promise.reject(new Error('boom'))])",
    "await new Promise((resolve, reject) => setTimeout(() => reject(new Error('boom')), 1))",
    "await new Promise((resolve) => setTimeout(resolve, 1)); throw new Error('boom')",
    "await null; await new Promise((resolve) => setTimeout(resolve, 1)); await Promise.reject(new Error('boom'))",
]


@pytest.mark.parametrize("code", THROWN_LATER)
def test_what_nobody_handles_is_told_once(sandbox: V8Sandbox, code: str) -> None:
    ran = run(sandbox, code)
    assert [error.message for error in ran.of(ScriptError)] == ["boom"]
    assert ran.result.error == ran.of(ScriptError)[0]


@pytest.mark.parametrize(
    "call",
    ["pm.sendRequest('http://x')", "pm.vault.get('k')", "pm.execution.runRequest('id')", "pm.cookies.jar().get('http://x', 'a')"],
)
def test_an_answer_that_is_an_error_ends_a_script_that_awaits_it(sandbox: V8Sandbox, call: str) -> None:
    answers = {RequestCall: RequestAnswer(error="boom"), VaultCall: VaultAnswer(error="boom"), RunCall: RunAnswer(error="boom"),
               CookieCall: CookieAnswer(error="boom")}  # fmt: skip
    for code in (f"await {call}", f"const found = await {call};\nconsole.log(found)"):
        ran = run(sandbox, code, answers)
        assert [error.message for error in ran.of(ScriptError)] == ["boom"]
        assert ran.printed == []


HANDLED = [
    "await Promise.reject(new Error('x')).catch(() => {})",
    "try { await Promise.reject(new Error('x')) } catch (e) {}",
    "const f = async () => { throw new Error('x') }; try { await f() } catch (e) {}",
    "const f = async () => { throw new Error('x') }; f().catch(() => {}); f().then(null, () => {})",
    "const f = async () => { throw new Error('x') }; await Promise.allSettled([f(), f()]); await Promise.race([f()]).catch(() => {})",
    "const f = async () => { throw new Error('x') }; Promise.all([f(), f()]).catch(() => {})",
    "const f = async () => g(); const g = async () => { throw new Error('x') }; f().catch(() => {})",
    "const f = async () => { try { await g() } catch (e) { return 1 } }; const g = async () => { throw new Error('x') }; f()",
    "new Promise((r) => r(Promise.reject(new Error('x')))).catch(() => {})",
    "for await (const v of (async function* () { yield 1 })()) { v }",
]


@pytest.mark.parametrize("code", HANDLED)
def test_what_is_handled_is_not_told(sandbox: V8Sandbox, code: str) -> None:
    assert run(sandbox, code).said == []


def test_place_in_an_async_function_is_that_of_the_users_text(sandbox: V8Sandbox) -> None:
    code = "const f = async (x) => { const g = async () => { throw new Error('q') }; await g() }; f()"
    error = run(sandbox, code).result.error
    assert (error.line, error.column) == (1, code.index("new Error") + 1)


@pytest.mark.parametrize(
    "code",
    [
        "const async = 3; console.log(async)",
        "const r = /async \\(`/; const s = 'async () => {'; console.log(3) // async () => {",
        "const f = async x => x\nconst g = async () => 3\nconsole.log(await g())",
        "const t = `${(async () => 1) && `async ${3}`}`; console.log(+t.slice(-1))",
        "const f = async () => ({ a: 3 }); console.log((await f()).a)",
        "const a = 6 / 2, b = async (x) => x / 1 / 1; console.log(await b(a))",
        "async function f(a, { b } = {}) { /* } */ return a; } console.log(await f(3, {}))",
        "const o = { async: () => 3 }; console.log(o.async())",
    ],
)
def test_scripts_with_async_in_them_run_as_written(sandbox: V8Sandbox, code: str) -> None:
    ran = run(sandbox, code)
    assert ran.printed == [3]
    assert ran.result.error is None


def test_an_exception_in_a_send_request_callback_is_told_once(sandbox: V8Sandbox) -> None:
    code = "pm.sendRequest('http://localhost/', (err, res) => {\n  console.log(err ? 'again' : 'first');\n  res.nope();\n})"
    ran = run(sandbox, code, {RequestCall: RequestAnswer(response={"code": 200})})
    assert ran.printed == ["first", "again"]  # Postman calls back a second time with the callback's own error
    (error,) = ran.of(ScriptError)
    assert (error.name, error.message, error.line) == ("TypeError", "res.nope is not a function", 3)


def test_an_async_send_request_callback_that_rejects_is_told_once(sandbox: V8Sandbox) -> None:
    code = "pm.sendRequest('http://localhost/', async (err, res) => { await null; pm.expect(res.code).to.eql(1) })"
    ran = run(sandbox, code, {RequestCall: RequestAnswer(response={"code": 200})})
    assert [error.message for error in ran.of(ScriptError)] == ["expected 200 to deeply equal 1"]


def test_a_failed_request_without_a_handler_is_told(sandbox: V8Sandbox) -> None:
    ran = run(sandbox, "pm.sendRequest('http://localhost/')", {RequestCall: RequestAnswer(error="connect ECONNREFUSED")})
    assert ran.result.error.message == "connect ECONNREFUSED"


def test_the_first_error_is_the_one_of_the_result(sandbox: V8Sandbox) -> None:
    ran = run(sandbox, "setTimeout(() => { throw new Error('one') }, 1); setTimeout(() => { throw new Error('two') }, 5)")
    assert [error.message for error in ran.of(ScriptError)] == ["one", "two"]
    assert ran.result.error.message == "one"


def test_what_was_set_before_the_error_stays(sandbox: V8Sandbox) -> None:
    result = run(sandbox, "pm.environment.set('a', 1); throw new Error('x')").result
    assert [each.key for each in result.environment] == ["a"]


@pytest.mark.parametrize(
    ("code", "message", "place"),
    [
        ("let a = 1;\nlet b = ;", "Unexpected token ';'", (2, 9)),
        ("a b", "Unexpected identifier 'b'", (1, 3)),
        ("const x = 1;\r\nconst x = 2;", "Identifier 'x' has already been declared", (2, 7)),
        ("'\u2028' + ;", "Unexpected token ';'", (2, 5)),
        ("'never closed", "Invalid or unexpected token", (1, 1)),
        ("import 'x'", "Cannot use import statement outside a module", (1, 1)),
        ("if (true) {", "Unexpected token ')' behind its end: something is left open, or closed once too often", (None, None)),
        (
            "`never closed",
            "Unexpected end of input behind its end: something is left open, or closed once too often",
            (None, None),
        ),
        ("}", "Unexpected token ';' behind its end: something is left open, or closed once too often", (None, None)),
    ],
)
def test_what_does_not_parse_is_told_without_running_it(
    sandbox: V8Sandbox, code: str, message: str, place: tuple[int | None, int | None]
) -> None:
    error = sandbox.syntax_error(code)
    assert error and (error.name, error.message, (error.line, error.column)) == ("SyntaxError", message, place)


@pytest.mark.parametrize(
    "code", ["", "for (;;);", "return await pm.sendRequest('x')", "// )", "'use strict'; let a\u2028let b\rlet c\r\n", "'\ud800'"]
)
def test_what_parses_is_not_run(sandbox: V8Sandbox, code: str) -> None:
    assert sandbox.syntax_error(code) is None


def test_parsing_leaves_the_engine_as_it_was(sandbox: V8Sandbox) -> None:
    assert sandbox.syntax_error("leaked = 1") is None
    deep = sandbox.syntax_error("(" * 200_000)
    assert deep and (deep.message, deep.line) == ("Maximum call stack size exceeded", None)
    assert run(sandbox, "pm.test(typeof leaked, () => {})").said[0].name == "undefined"


@pytest.mark.parametrize(
    ("code", "sides"),
    [
        ("pm.expect({a: [1, 2]}).to.eql({a: [1, 3]})", ('{"a":[1,2]}', '{"a":[1,3]}')),
        ("pm.expect(1).to.equal('1')", ("1", '"1"')),
        ("const a = {}; a.self = a; pm.expect(a).to.eql(1)", ('{"self":"[Circular]"}', "1")),
        ("pm.expect(1).to.be.a('string')", (None, None)),
        ("pm.expect('x'.repeat(70000)).to.eql('y')", (None, None)),
        ("throw new Error('no')", (None, None)),
    ],
)
def test_what_an_assertion_compared(sandbox: V8Sandbox, code: str, sides: tuple[str | None, str | None]) -> None:
    (assertion,) = run(sandbox, f"pm.test('t', () => {{ {code} }})").of(Assertion)
    assert (assertion.error.actual, assertion.error.expected) == sides
