"""`pm.require` from a local folder: what is found, what is not, and errors that name file and line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.cli.run import command
from runner.errors import LoadError
from runner.model import Event
from runner.packages import Packages
from runner.sandbox import Assertion, ScriptError
from runner.sandbox.v8 import V8Sandbox
from tests.fakes import item
from tests.scripts import Ran, run
from tests.servers import Recorder

FILES = {
    "@team/sum.js": "module.exports = (a, b) => a + b;",
    "@team/shop/index.js": "const sum = pm.require('@team/sum');\nexports.total = (list) => list.reduce(sum, 0);",
    "even.js": "exports.is = (n) => n === 0 || pm.require('odd').is(n - 1);",
    "odd.js": "exports.early = true;\nconst even = pm.require('even');\nexports.is = (n) => n !== 0 && even.is(n - 1);",
    "strict.js": "'use strict';\nexports.self = (function () { return this; })();\nreturn;\nexports.never = 1;",
    "throws.js": "const a = 1;\n\nthrow new TypeError('boom');",
    "boom.js": "throw new Error('boom');",
    "outer.js": "\npm.require('throws');",
    "later.js": "module.exports = function deep() {\n  return nope.x;\n}",
    "async.js": "exports.go = async () => {\n  throw new Error('too late');\n};",
    "checks.js": "exports.ok = (code) => {\n  pm.test('ok', () => pm.expect(code).to.equal(200));\n};",
    "wrong.js": "const a = 1;\nconst b = ;\n",
    "open.js": "function f() {",
    "utf16.js": "\ufeffmodule.exports = '한글';",
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[V8Sandbox]:
    with V8Sandbox() as engine:
        yield engine


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packages")
    for name, code in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(code, "utf-16" if name == "utf16.js" else "utf-8")
    (folder / "folder.js").mkdir()
    return folder


def ran(sandbox: V8Sandbox, folder: Path | None, code: str, **event: Any) -> Ran:
    packages = Packages(folder, sandbox.syntax_error)
    return run(sandbox, code, packages=packages.of(Event(listen="test", code=code, **event)))


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        ("console.log(pm.require('@team/sum')(1, 2))", [3]),
        ('console.log(pm.require("@team/shop").total([1, 2, 3]))', [6]),
        ("console.log(pm.require(`even`).is(4), pm . require ( 'odd' ).is(4))", [True, False]),
        ("console.log(pm.require('odd') === pm.require('odd'), pm.require('odd').early)", [True, True]),
        ("const s = pm.require('strict'); console.log(s.self === undefined, s.never === undefined)", [True, True]),
        ("console.log(pm.require('utf16'))", ["한글"]),
        ("console.log(typeof pm.require)", ["function"]),
        ("console.log(typeof pm.sendRequest)", ["function"]),
    ],
)
def test_packages_are_found_with_those_they_require(sandbox: V8Sandbox, folder: Path, code: str, printed: list[Any]) -> None:
    done = ran(sandbox, folder, code + "; // pm.require('@team/sum')")
    assert (done.printed, done.result.error) == (printed, None)


def failed(sandbox: V8Sandbox, folder: Path | None, code: str, **event: Any) -> ScriptError:
    error = ran(sandbox, folder, code, **event).result.error
    assert error is not None
    return error


def test_an_error_while_a_package_is_loaded_names_its_file_and_line(sandbox: V8Sandbox, folder: Path) -> None:
    error = failed(sandbox, folder, "\n pm.require('throws')")
    assert error.message == f"Error in package 'throws': boom ({folder}/throws.js:3)"
    assert error.stack.splitlines()[1:] == [f"    at {folder}/throws.js:3", "    at sandbox-script.js:2:5"]
    assert (error.line, error.column) == (2, 5)
    error = failed(sandbox, folder, "try { pm.require('boom') } catch (_) {}\npm.require('outer')")
    assert error.message.startswith("Error in package 'outer': Error in package 'throws': boom (")
    assert error.message.endswith(f"{folder}/throws.js:3)")


def test_an_error_in_a_function_of_a_package_does_too(sandbox: V8Sandbox, folder: Path) -> None:
    error = failed(sandbox, folder, "const f = pm.require('later');\nf();")
    assert error.message == f"nope is not defined ({folder}/later.js:2)"
    assert error.stack.splitlines()[1:] == [f"    at deep ({folder}/later.js:2)", "    at sandbox-script.js:2:1"]
    assert (error.name, error.line) == ("ReferenceError", 2)
    assert failed(sandbox, folder, "pm.require('async').go()").message == f"too late ({folder}/async.js:2)"


def test_an_assertion_in_a_package_keeps_its_message(sandbox: V8Sandbox, folder: Path) -> None:
    (assertion,) = ran(sandbox, folder, "pm.require('checks').ok(404)").of(Assertion)
    assert assertion.error.message == "expected 404 to equal 200"
    assert f"{folder}/checks.js:2" in assertion.error.stack


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("wrong", "Unexpected token ';' ({folder}/wrong.js:2)"),
        ("open", "behind its end: something is left open, or closed once too often ({folder}/open.js)"),
        ("@team/none", "there is neither {folder}/@team/none.js nor {folder}/@team/none/index.js"),
        ("folder", "there is neither {folder}/folder.js nor {folder}/folder/index.js"),
        ("../secret", "this is no name of a package in {folder}"),
        ("a/../../secret", "this is no name of a package in {folder}"),
        ("/etc/passwd", "this is no name of a package in {folder}"),
        ("x" * 300, "File name too long: '{folder}/" + "x" * 300 + ".js'"),
    ],
)
def test_what_cannot_be_loaded_says_why_and_where_it_was_looked_for(
    sandbox: V8Sandbox, folder: Path, name: str, message: str
) -> None:
    error = failed(sandbox, folder, f"pm.require('{name}')")
    assert error.message.startswith(f"Error while loading package '{name}': ")
    assert error.message.endswith(message.format(folder=folder))


def test_a_name_that_is_put_together_is_not_found(sandbox: V8Sandbox, folder: Path) -> None:
    assert failed(sandbox, folder, "pm.require('@team/' + 'sum')").message == "Cannot find package '@team/sum'"


def test_without_a_folder_the_option_is_named(sandbox: V8Sandbox) -> None:
    assert failed(sandbox, None, "pm.require('@team/sum')").message == (
        "Error while loading package '@team/sum': there is no folder of packages, name one with --packages"
    )


def test_packages_of_the_collection_come_first_and_mere_ids_are_looked_up(sandbox: V8Sandbox, folder: Path) -> None:
    packages: dict[str, Any] = {"@team/sum": {"data": "module.exports = () => 'own'"}, "odd": {"id": "1234"}}
    done = ran(sandbox, folder, "const n = 'odd'; console.log(pm.require('@team/sum')(), pm.require(n).early)", packages=packages)
    assert done.printed == ["own", True]


def test_scripts_that_require_nothing_are_given_nothing(folder: Path) -> None:
    packages = Packages(folder, lambda code: None)
    assert packages.of(Event(listen="test", code="const x = require('lodash')")) is None
    assert packages.of(Event(listen="test", code="pm.test('a', () => {})")) is None


def test_each_file_is_parsed_once(folder: Path) -> None:
    parsed: list[str] = []
    packages = Packages(folder, parsed.append)  # type: ignore[arg-type]
    for _ in range(3):
        assert set(packages.of(Event(listen="test", code="pm.require('odd')")) or ()) == {"odd", "even"}
    assert len(parsed) == 2


def test_a_folder_that_is_not_there_ends_before_anything_is_sent(tmp_path: Path) -> None:
    with pytest.raises(LoadError, match="no such folder of packages"):
        Packages(tmp_path / "none", lambda code: None)


def test_the_command(recorder: Recorder, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    test = "pm.require('checks').ok(pm.response.code); pm.require('later')()"
    collection = tmp_path / "c.json"
    collection.write_text(json.dumps({"info": {"name": "c"}, "item": [item("a", test=test, url=recorder.url("/"))]}))
    assert command([str(collection), "--packages", str(folder), "--disable-unicode"], standalone_mode=False) == 4
    shown = capsys.readouterr().out
    assert "Pass  ok" in shown
    assert f"nope is not defined ({folder}/later.js:2)" in shown.replace("\n" + " " * 22, "")
