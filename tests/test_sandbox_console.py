"""Console arguments: decoded into Python values, and written as Node's `util.inspect` writes them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.sandbox.inspect import format_console, inspect
from runner.sandbox.teleport import (
    DEEPEST,
    UNDEFINED,
    BigInt,
    Bytes,
    InvalidDate,
    JSMap,
    JSSet,
    RegExp,
    Symbol,
    TypedArray,
    decode,
)
from runner.sandbox.v8 import V8Sandbox
from tests.scripts import run


@pytest.fixture(scope="module")
def sandbox() -> Iterator[V8Sandbox]:
    with V8Sandbox() as made:
        yield made


VALUES = [
    ("undefined", UNDEFINED, "undefined"),
    ("null", None, "null"),
    ("true", True, "true"),
    ("-1.5", -1.5, "-1.5"),
    ("1e21", 1e21, "1e+21"),
    ("1e-7", 1e-7, "1e-7"),
    ("0.00001", 0.00001, "0.00001"),
    ("Infinity", math.inf, "Infinity"),
    ("-Infinity", -math.inf, "-Infinity"),
    ("10n", BigInt(10), "10n"),
    ("new Date(0)", datetime(1970, 1, 1, tzinfo=UTC), "1970-01-01T00:00:00.000Z"),
    ("/a\\/b/gi", RegExp("/a\\/b/gi"), "/a\\/b/gi"),
    ("new Map([[1, {a: 2}]])", JSMap([[1, {"a": 2}]]), "Map(1) { 1 => { a: 2 } }"),
    ("new Set(['x'])", JSSet(["x"]), "Set(1) { 'x' }"),
    ("Buffer.from('ab')", Bytes(b"ab"), "<Buffer 61 62>"),
    ("new Uint8Array([1, 2])", TypedArray("Uint8Array", (1, 2)), "Uint8Array(2) [ 1, 2 ]"),
    ("new Float64Array([0.5, 2])", TypedArray("Float64Array", (0.5, 2)), "Float64Array(2) [ 0.5, 2 ]"),
    ("Symbol('s')", Symbol("s"), "Symbol(s)"),
    ("[]", [], "[]"),
    ("({})", {}, "{}"),
    ("[[1], {a: ['3', '_1']}]", [[1], {"a": ["3", "_1"]}], "[ [ 1 ], { a: [ '3', '_1' ] } ]"),
    ("'it\\'s'", "it's", '"it\'s"'),
    ("(function named() {})", "[Function: named]", "'[Function: named]'"),
    ("new TypeError('x')", {"type": "Error", "name": "TypeError", "message": "x"}, None),
]


@pytest.mark.parametrize(("code", "value", "text"), VALUES)
def test_a_value_arrives_and_is_written(sandbox: V8Sandbox, code: str, value: Any, text: str | None) -> None:
    (printed,) = run(sandbox, f"console.log({code})").printed
    assert printed == value
    assert type(printed) is type(value)
    if text is not None:
        assert inspect(printed) == text


def test_nan_and_an_invalid_date() -> None:
    (nan,) = decode('[["_0"],["nNaN"]]')
    assert math.isnan(nan)
    assert inspect(nan) == "NaN"
    assert inspect(InvalidDate()) == "Invalid Date"


def test_cycles_and_shared_values(sandbox: V8Sandbox) -> None:
    (printed,) = run(sandbox, "const o = {a: {}}; o.self = o; o.list = [o.a, o.a]; console.log(o)").printed
    assert printed["self"] is printed
    assert printed["list"][0] is printed["list"][1] is printed["a"]
    assert inspect(printed) == "<ref *1> { a: {}, self: [Circular *1], list: [ {}, {} ] }"


def test_what_is_nested_too_deeply_is_cut(sandbox: V8Sandbox) -> None:
    deep = "let a = {}, b = []; for (let i = 0; i < 5000; i++) { a = { a }; b = [b] }"
    for value, text in zip(run(sandbox, f"{deep} console.log(a, b)").printed, ("[Object]", "[Array]"), strict=True):
        levels = 0
        while not isinstance(value, str):
            value, levels = value["a"] if isinstance(value, dict) else value[0], levels + 1
        assert (value, levels) == (text, DEEPEST - 1)


@pytest.mark.parametrize("level", ["log", "info", "warn", "error", "debug", "clear"])
def test_levels(sandbox: V8Sandbox, level: str) -> None:
    (console,) = run(sandbox, f"console.{level}(1, 'two')").said
    assert (console.level, console.messages) == (level, (1, "two"))


def test_several_arguments_are_joined() -> None:
    assert format_console(("a", 1, [None])) == "'a', 1, [ null ]"


# What Node 20 answers to `util.inspect(value, {depth: 25, maxArrayLength: 100, breakLength: 44})`.
NODE = [
    ('{"b c":1,"x1":2,"한":3,"__proto":4}', "{\n  'b c': 1,\n  x1: 2,\n  '한': 3,\n  __proto: 4\n}"),
    ('{"a":{"b":{"c":{}}}}', "{ a: { b: { c: {} } } }"),
    ('{"a":{"b":{"c":{"d":{}}}}}', "{\n  a: { b: { c: { d: {} } } }\n}"),
    ('{"name":"a long text that does not fit here","other":"and one more"}',
     "{\n  name: 'a long text that does not fit here',\n  other: 'and one more'\n}"),
    ("[1,2,3,4,5,6,7,800]", "[\n  1, 2, 3,   4,\n  5, 6, 7, 800\n]"),
    ('["aa","bb","cc","dd","ee","ff","gggg"]', "[\n  'aa',   'bb',\n  'cc',   'dd',\n  'ee',   'ff',\n  'gggg'\n]"),
    ('"one line of text\\nand another\\n"', "'one line of text\\nand another\\n'"),
    ('"it\'s \\"x\\" `y`\\u0001"', "'it\\'s \"x\" `y`\\x01'"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), NODE)
def test_layout_is_that_of_node(text: str, expected: str) -> None:
    assert inspect(json.loads(text), 44) == expected


def test_long_things_are_cut() -> None:
    assert inspect(list(range(102))).endswith("... 2 more items\n]")
    assert inspect(Bytes(bytes(52))).endswith("00 ... 2 more bytes>")
    assert inspect("x" * 10_001).endswith("'... 1 more character")
    deep: list[Any] = []
    for _ in range(40):
        deep = [deep]
    assert "[Array]" in inspect(deep)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_any_json_value_can_be_written(value: Any) -> None:
    assert inspect(value, 44)
