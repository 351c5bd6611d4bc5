"""Translated scripts do what the sandbox does with the originals, and what is not certain is not translated."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruff import find_ruff_bin

from runner.codegen.scripts import Untranslatable, translate
from runner.codegen.support.values import OnlyJavaScript
from runner.load import load_collection
from runner.model import Event, Folder
from runner.sandbox import RequestAnswer, RequestCall
from runner.sandbox.v8 import V8Sandbox
from tests.translating import in_sandbox, translated

SHARED = Path(__file__).parents[2] / "shared" / "kis"
SCRIPTS = (Path(__file__).parent / "data" / "scripts.js").read_text("utf-8").split("//---\n")
VARIABLES = {
    "environment": (
        {"key": "n", "value": "5", "type": "number"},
        {"key": "a", "value": "x", "type": "any"},
        {"key": "nul", "value": None, "type": "any"},
    ),
    "globals": ({"key": "g", "value": "G", "type": "any"},),
    "collection_variables": ({"key": "c", "value": "C {{a}}", "type": "any"},),
    "data": {"row": 1},
    "cookies": ({"name": "sid", "value": "s1", "domain": "localhost", "path": "/"},),
    "item_name": "Orders",
    "iteration": 2,
    "iteration_count": 3,
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[V8Sandbox]:
    with V8Sandbox() as engine:
        yield engine


@pytest.mark.parametrize("code", SCRIPTS)
def test_a_translation_does_what_the_sandbox_does(sandbox: V8Sandbox, code: str) -> None:
    settings = {**VARIABLES, "listen": "prerequest" if code.startswith("// prerequest") else "test"}
    assert translated(code, **settings) == in_sandbox(sandbox, code, **settings)


SUBJECTS = "d.s d.e d.n d.t d.nul d.missing d.list d.empty d.o d.nested d.len NaN 'abc' -0 pm.response.code d.list.length".split()
EXPECTATIONS = [
    *(f"equal({value})" for value in ("1", "'abc'", "true", "null", "undefined", "d.list", "0")),
    *(f"eql({value})" for value in ("1", "[1, 2]", "{a: 1, b: 2}", "null", "NaN", "0")),
    *(f"include({value})" for value in ("1", "'b'", "{a: 1}", "null")),
    *(f"a('{kind}')" for kind in ("string", "array", "object", "number", "boolean", "null", "undefined")),
    *(f"property({value})" for value in ("'a'", "'a', 1", "'length'", "'length', 2", "'0'", "0")),
    *(f"{bound}(1)" for bound in ("lengthOf", "above", "below", "least", "most")),
    *(
        "deep.equal([1, 2])",
        "deep.include({a: {b: [1]}})",
        "deep.property('a', {b: [1]})",
        "within(0, 5)",
        "closeTo(5, 4)",
        "match(/b|1/)",
    ),
    *("oneOf([1, 'abc', null])", "members([2, 1])", "have.keys('a')", "have.all.keys('a', 'b')", "have.any.keys('a', 'z')"),
    *("include.all.keys('a')", "string('b')", "be.ok", "be.true", "be.null", "be.undefined", "be.NaN", "exist", "be.empty"),
]
CHAI_BODY = {
    "s": "abc",
    "e": "",
    "n": 1,
    "t": True,
    "nul": None,
    "list": [1, 2],
    "empty": [],
    "o": {"a": 1, "b": 2},
    "nested": {"a": {"b": [1]}},
}


@pytest.mark.parametrize("words", ["to", "to.not"])
def test_every_expectation_holds_of_every_value_where_chai_says_so(sandbox: V8Sandbox, words: str) -> None:
    response = {
        "code": 200,
        "status": "OK",
        "header": [],
        "responseTime": 1,
        "body": json.dumps({**CHAI_BODY, "len": {"length": 2}}),
    }
    tests = [f"{subject}).{words}.{expectation}" for subject in SUBJECTS for expectation in EXPECTATIONS]
    written = [f"pm.test({json.dumps(test)}, () => {{ pm.expect({test} }});" for test in tests]
    lines = [line for line in written if translatable(line, "{}")]
    assert len(lines) > 0.95 * len(written)
    code = "\n".join(["const d = pm.response.json();", *lines])
    ours, theirs = translated(code, response=response)[0], in_sandbox(sandbox, code, response=response)[0]
    assert [mine for mine, other in zip(ours, theirs, strict=True) if mine != other] == []


HASH = """
pm.sendRequest({url: pm.environment.get("a") + "/hash", method: "POST", header: {"appKey": pm.environment.get("n")},
    body: {mode: "raw", raw: request.data}}, function (err, res) {
    res_data = res.json();
    console.log(res_data, err);
    // the value for the header
    pm.environment.set("HASH", res.json().HASH);
    pm.test("asked", () => { pm.expect(res.code).to.equal(200); pm.response; });
});
console.log("first");
"""


@pytest.mark.parametrize("body", ['{"HASH": "h1"}', "{}", "no JSON"])
def test_a_request_of_a_script_is_sent_after_the_script_and_its_callback_sees_the_response(sandbox: V8Sandbox, body: str) -> None:
    code = HASH.replace(" pm.response;", "")
    request = {"url": "http://h/o", "method": "POST", "body": {"mode": "raw", "raw": '{"a": 1}'}}

    def answer(call: RequestCall) -> RequestAnswer:
        url = call.request["url"]
        assert (url if isinstance(url, str) else "x/hash") == "x/hash" and call.request["body"]["raw"] == '{"a": 1}'
        return RequestAnswer(response={"code": 200, "status": "OK", "header": [], "body": body})

    settings = {**VARIABLES, "listen": "prerequest", "response": None, "request": request}
    ours, left = translated(code, answer, **settings)
    theirs, also_left = in_sandbox(sandbox, code, answer, **settings)
    said = [[event for event in events if event[0] != "request"] for events in (ours, theirs)]
    assert said[0] == said[1] and left == also_left
    assert said[0][0] == ("console", "log", [("is", "first")])


def test_a_request_of_a_script_that_has_no_answer_calls_back_with_an_error() -> None:
    code = 'pm.sendRequest("http://h/", function (err, res) { if (err) { pm.environment.set("err", "yes") } else { pm.environment.set("err", "no") } })'
    said, left = translated(code, lambda call: RequestAnswer(error="connect ECONNREFUSED"), listen="prerequest")
    assert said == [("request", {"url": "http://h/", "method": "GET"})]
    assert left[0][0] == {"err": ("is", "yes")}


@pytest.mark.parametrize(
    ("code", "line", "reason"),
    [
        ("var a = 1;\nvar Ajv = require('ajv');", 2, "a call of require"),
        ("pm.test('x', () => {\n  pm.expect(1).to.be.jsonSchema({}) })", 2, "the expectation `jsonSchema`"),
        ("if (", 1, "a syntax error"),
        ("console.log(neverDeclared)", 1, "neverDeclared is not declared in this script"),
        ("pm.test('x', async () => {})", 1, "an async function or a generator"),
        ("pm.test('x', (done) => { done() })", 1, "a test that calls back when it is done"),
        ("console.log(pm.response.code)", 1, "pm.response in a prerequest script"),
        ("/(?<=a)b/.test('ab')", 1, "a pattern that Python's `re` would read differently"),
        ("pm.vault.get('x')", 1, "pm.vault.get is not translated"),
        (
            "switch (1) {\n case 1: console.log(1)\n case 2: console.log(2) }",
            2,
            "a case that runs into the next, or ends in the middle",
        ),
        ("const a = (b = 1);", 1, "an assignment inside of an expression"),
    ],
)
def test_what_is_not_certain_is_refused_with_reason_and_line(code: str, line: int, reason: str) -> None:
    with pytest.raises(Untranslatable) as refusal:
        translate(code, listen="prerequest" if "pm.response" in code else "test")
    assert (refusal.value.line, refusal.value.reason) == (line, reason)


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("console.log(1 === 2)", "pm.log(strict_equal(1, 2))"),
        ("console.log(1 < 2)", "pm.log(less(1, 2))"),
        ("console.log(pm.response.text() === true)", "pm.log(strict_equal(pm.response.text(), True))"),
        ("if (pm.response.code > 1 && true) {}", "if both(greater(pm.response.code, 1), lambda: True):"),
    ],
)
def test_what_type_checkers_and_linters_would_mind_is_asked_of_a_function(code: str, line: str) -> None:
    assert translate(code, listen="test").lines[0].strip() == line


@pytest.mark.parametrize(
    "code",
    [
        "console.log(" + "(" * 5000 + "1" + ")" * 5000 + ")",
        "console.log(" + " * ".join(["pm.info.iteration"] * 600) + ")",
        "if (1) {" * 3000 + "}" * 3000,
        "console.log(" + "[" * 3000 + "]" * 3000 + ")",
    ],
)
def test_a_script_nested_too_deeply_is_refused(code: str) -> None:
    with pytest.raises(Untranslatable, match="nested too deeply"):
        translate(code)


def test_a_translation_reads_as_if_written_by_hand() -> None:
    code = """
    // the token for what follows
    var jsonData = JSON.parse(responseBody);
    if (jsonData) { pm.environment.set("TOKEN", jsonData.access_token); }
    pm.test("Status code is 200", function () { pm.response.to.have.status(200); });
    pm.test(`one of ${jsonData.list.length}`, () => { pm.expect(jsonData.list.map(e => e.id)).to.include("x"); });
    """
    assert translate(code).lines == (
        "    # the token for what follows",
        "    json_data = json_parse(pm.response.text())",
        "    if truthy(json_data):",
        '        pm.environment.set("TOKEN", get(json_data, "access_token"))',
        '    with pm.test("Status code is 200"):',
        "        assert pm.response.code == 200",
        '    with pm.test("one of " + text(get(get(json_data, "list"), "length"))):',
        '        assert includes(call(get(json_data, "list"), "map", lambda e, *_: get(e, "id")), "x")',
    )


def test_only_what_is_used_is_imported() -> None:
    for code in SCRIPTS:
        with contextlib.suppress(Untranslatable):
            found = translate(code, listen="prerequest" if code.startswith("// prerequest") else "test")
            module = "\n".join([f"from runner.codegen.support import {name}" for name in found.imports - {"Any"}])
            typing = "from typing import Any\n" if "Any" in found.imports else ""
            text = f"{typing}{module}\ndef script(pm):\n" + "\n".join(found.lines or ("    pass",))
            done = subprocess.run(
                [find_ruff_bin(), "check", "--isolated", "--select=F", "-"], input=text.encode(), capture_output=True
            )
            assert done.returncode == 0, done.stdout.decode()


def test_what_a_script_assigns_without_declaring_it_is_told() -> None:
    assert translate("token = 1; var known = 2; console.log(token, known)").leaked == {"token"}


def events(folder: Folder) -> Iterator[Event]:
    yield from folder.events
    for child in folder.items:
        yield from events(child) if isinstance(child, Folder) else child.events


@pytest.mark.skipif(not SHARED.is_dir(), reason="the broker's files are not here")
def test_every_script_of_the_brokers_files_is_translated() -> None:
    found = [event for path in sorted(SHARED.glob("*_v*.json")) for event in events(load_collection(path)) if event.code.strip()]
    for event in found:
        translate(event.code, listen=event.listen)
    assert len(found) == 118


# ------------------------------------------------------------------------------------------------- expressions at random

WORDS = st.sampled_from(["", "0", "12", " 3 ", "abc", "NaN", "0x1f", "1e3", "-5", "true", "null", "한글", "𝌆", "a,b", "b"])
NUMBERS = st.sampled_from([0, 1, -1, 2, 10, 0.1, 2.5, -0.5, 255, 1e21, 123456789012, 9007199254740992, 9007199254740993])
SCALARS = st.one_of(st.none(), st.booleans(), WORDS, NUMBERS)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "length", "1", "k"]), inner, max_size=3)
    ),
    max_leaves=5,
)
LITERALS = st.one_of(
    st.sampled_from(
        [
            "null",
            "undefined",
            "true",
            "false",
            "NaN",
            "[]",
            "[1, 'a']",
            "{a: 1}",
            "-1",
            "0.5",
            "pm.response.code",
            "responseBody.length",
        ]
    ),
    NUMBERS.map(repr),
    WORDS.map(json.dumps),
)
ATOMS = st.one_of(
    LITERALS, st.sampled_from(["d.a", "d.b", "d['c']", "d.missing", "d.a.b", "d.b[0]", "d.c.length", "d?.a?.k", "typeof d.a"])
)


def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    binary = st.sampled_from(["+", "-", "*", "/", "%", "===", "==", "!==", "!=", "<", ">", "<=", ">=", "&&", "||", "??", "in"])
    one = st.sampled_from(
        [
            "!({})",
            "-({})",
            "+({})",
            "String({})",
            "Number({})",
            "parseInt({})",
            "parseFloat({})",
            "JSON.stringify({})",
            "isNaN({})",
            "Array.isArray({})",
            "Object.keys({})",
            "Object.entries({})",
            "Boolean({})",
            "Math.round({})",
            "Math.floor({})",
            "({}).length",
            "({})[0]",
            "({}).a",
            "({})?.b",
            "typeof ({})",
            "`<${{{}}}>`",
            "[{}, 1]",
            "{{k: {}}}",
            "({}).toString()",
            "({}).trim()",
            "({}).split(',')",
            "({}).join('-')",
            "({}).slice(1)",
            "({}).slice(-2, 3)",
            "({}).map(x => x + 1)",
            "({}).filter(x => x)",
            "({}).hasOwnProperty('a')",
            "({}).toUpperCase()",
            "({}).toFixed(1)",
            "JSON.stringify({}, null, 2)",
            "encodeURIComponent({})",
        ]
    )
    two = st.sampled_from(
        [
            "({}).includes({})",
            "({}).indexOf({})",
            "({}).concat({})",
            "({})[{}]",
            "({}).startsWith({})",
            "({}).replace('a', {})",
            "({}).reduce((p, q) => p + q, {})",
        ]
    )
    return st.one_of(
        st.builds("({}) {} ({})".format, inner, binary, inner),
        st.builds(lambda form, part: form.format(part), one, inner),
        st.builds(lambda form, part, other: form.format(part, other), two, inner, inner),
        st.builds("({}) ? ({}) : ({})".format, inner, inner, inner),
    )


EXPRESSIONS = st.recursive(ATOMS, larger, max_leaves=5)


def attempts(expressions: list[str]) -> str:
    return "const d = pm.response.json();\n" + "\n".join(
        f"try {{ console.log({each}) }} catch (e) {{ console.log('threw') }}" for each in expressions
    )


def translatable(code: str, form: str = "try {{ console.log({}) }} catch (e) {{ console.log('threw') }}") -> bool:
    try:
        translate("const d = pm.response.json();\n" + form.format(code))
    except Untranslatable:
        return False
    return True


@settings(max_examples=80, deadline=None)
@given(
    st.lists(EXPRESSIONS.filter(translatable), min_size=5, max_size=20),
    st.fixed_dictionaries({"a": VALUES, "b": VALUES, "c": VALUES}),
)
def test_an_expression_has_the_value_it_has_in_javascript(
    sandbox: V8Sandbox, expressions: list[str], body: dict[str, object]
) -> None:
    response = {"code": 200, "status": "OK", "header": [], "responseTime": 1, "body": json.dumps(body)}
    certain = [each for each in expressions if known_to_python(each, response)]
    code = attempts(certain)
    assert translated(code, response=response) == in_sandbox(sandbox, code, response=response)


def known_to_python(expression: str, response: dict[str, object]) -> bool:
    try:
        translated(attempts([expression]), response=response)
    except OnlyJavaScript:
        return False
    return True
