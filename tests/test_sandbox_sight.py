"""What scripts see although nothing is made that they do not look at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from runner.sandbox import Assertion
from runner.sandbox.sight import EVERYTHING, Sight, sight
from runner.sandbox.v8 import V8Sandbox
from tests.scripts import run

NOTHING = Sight(request=False, legacy=False, bytes=False)
SURROUNDINGS = Sight(request=True, legacy=True, bytes=False)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[V8Sandbox]:
    with V8Sandbox() as box:
        yield box


@pytest.mark.parametrize(
    "code",
    [
        "pm.test('a', () => pm.expect(pm.response.json().a).to.eql(1))",
        "pm.environment.set('a', pm.globals.get('b')); pm.iterationData.get('c')",
        "const rows = pm.response.json().rows; rows.map((row) => row.environment)",
        "let my_tests = 1; x.data = 2; $globals",
        "pm.expect(pm.response.json().rows).to.be.an('array').with.lengthOf(2)",
    ],
)
def test_ordinary_scripts_see_neither_request_nor_legacy_globals(code: str) -> None:
    assert sight(code) == NOTHING


@pytest.mark.parametrize(
    ("code", "seen"),
    [
        ("console.log(pm.request.url)", Sight(request=True, legacy=False, bytes=False)),
        ("console.log(request.url)", Sight(request=True, legacy=True, bytes=False)),
        ("const p = pm; p.x", Sight(request=True, legacy=False, bytes=False)),
        ("pm['req' + 'uest']", Sight(request=True, legacy=False, bytes=False)),
        ("tests['a'] = true", Sight(request=False, legacy=True, bytes=False)),
        ("JSON.parse('1')", Sight(request=False, legacy=True, bytes=False)),
        ("_.map([], 1)", Sight(request=False, legacy=True, bytes=False)),
        ("pm.expect(pm.response.stream.length).to.eql(1)", Sight(request=False, legacy=False, bytes=True)),
        ("pm.expect(pm.response).to.have.responseSize.below(9)", Sight(request=False, legacy=False, bytes=True)),
        ("pm.visualizer.set(pm.response.dataURI())", Sight(request=False, legacy=False, bytes=True)),
        ("eval('a')", SURROUNDINGS),
        ("with (pm) { console.log(variables) }", SURROUNDINGS),
        ("(() => 1).constructor('return 1')()", SURROUNDINGS),
        ("new Function('return 1')()", SURROUNDINGS),
        ("console.log(Object.keys(this))", SURROUNDINGS),
        ("console.log(arguments)", SURROUNDINGS),
        (r"te\u0073ts.a = 1", SURROUNDINGS),
    ],
)
def test_what_a_text_names_or_could_reach_is_seen(code: str, seen: Sight) -> None:
    assert sight(code) == seen


def test_packages_could_look_at_anything() -> None:
    assert sight("1", {"@team/all": {"data": "module.exports = pm.request"}}) == EVERYTHING


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        ("console.log(typeof responseBody, typeof tests, typeof postman)", ["string", "object", "object"]),
        ("console.log(typeof eval('responseBody'), eval('pm.request.method'))", ["string", "POST"]),
        ("console.log((() => 1).constructor('return typeof responseBody')())", ["undefined"]),
        (r"console.log(typeof re\u0073ponseBody)", ["string"]),
        ("const p = pm; console.log(p.request.method)", ["POST"]),
        ("console.log(JSON.parse('\\ufeff1'))", [1]),
    ],
)
def test_legacy_globals_and_the_request_are_there_for_those_who_look(
    sandbox: V8Sandbox, code: str, printed: list[object]
) -> None:
    assert run(sandbox, code).printed == printed


def test_a_script_that_sees_nothing_leaves_the_globals_of_the_next_one_alone(sandbox: V8Sandbox) -> None:
    assert run(sandbox, "leaked = 1").result.error is None
    assert run(sandbox, "tests['a'] = true; console.log(typeof cheerio)").printed == ["function"]
    assert run(sandbox, "pm.variables.set('a', 1)", request=None).result.error is None


def test_the_request_of_a_script_that_does_not_look_at_it_need_not_be_given(sandbox: V8Sandbox) -> None:
    code = "pm.test('a', () => pm.response.to.have.status(200)); pm.cookies.get('a'); console.log(pm.info.eventName)"
    with_request, without = run(sandbox, code), run(sandbox, code, request=None)
    assert with_request.said == without.said
    assert without.result.request is None


LIBRARIES = {
    "_": "_.VERSION === '3.10.2' && _.map([1], (n) => n + 1)[0] === 2 && _.template('<%= a %>')({ a: 1 }) === '1'",
    "CryptoJS": "CryptoJS.MD5('a').toString() === '0cc175b9c0f1b6a831c399e269772661'",
    "tv4": "tv4.validate({ a: 1 }, { properties: { a: { type: 'number' } } }) && !tv4.validate(1, { type: 'string' })",
    "xml2Json": "xml2Json('<a b=\"1\"><c>2</c></a>').a.c === '2'",
    "Backbone": "new Backbone.Model({ a: 1 }).get('a') === 1",
    "cheerio": "cheerio.load('<p>x</p>')('p').text() === 'x'",
    "replaceIn": r"/^[A-Z]\w+ \d+\.\d+\.\d+$/.test(pm.variables.replaceIn('{{$randomFirstName}} {{$randomSemver}}'))",
}


@pytest.mark.parametrize("code", LIBRARIES.values(), ids=LIBRARIES)
def test_libraries_that_load_when_they_are_first_used_do_so(sandbox: V8Sandbox, code: str) -> None:
    engine = sandbox.pid
    for _ in range(2):
        found = run(sandbox, f"pm.test('it works', () => pm.expect({code}).to.be.true)")
        assert [(each.name, each.passed) for each in found.of(Assertion)] == [("it works", True)]
    assert engine is None or sandbox.pid == engine
