"""What `pabal run` exports: complete, importable, and there whatever became of the run."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from runner import dump
from runner.errors import UsageError
from runner.load import load_collection, load_environment
from runner.reporters.files import report_path
from tests.conftest import Pabal
from tests.servers import Recorder, answer
from tests.test_process import ROOT, environ

SDK = ROOT / "benchmarks" / "npm" / "node_modules" / "postman-collection"
SETS = """
pm.environment.set('token', 'abcdefghijklmnopqrstuvwxyz');
pm.globals.set('seen', 3);
pm.collectionVariables.set('count', 2);
"""
READ = """
const { Collection } = require(process.argv[1]);
const read = new Collection(JSON.parse(require('fs').readFileSync(process.argv[2], 'utf8')));
const items = [];
read.forEachItem((item) => items.push([item.name, item.request.method, item.request.url.toString(), item.events.count()]));
console.log(JSON.stringify({ name: read.name, items, variables: read.variables.toObject(true) }));
"""


def collection(url: str, test: str = "") -> dict[str, Any]:
    scripts = [{"listen": "prerequest", "script": {"exec": SETS}}, {"listen": "test", "script": {"exec": test}}]
    body = {"mode": "raw", "raw": "{}", "options": {"raw": {"language": "json"}}}
    buy = {"name": "Buy", "request": {"method": "POST", "url": {"raw": f"{url}?a=1"}, "body": body}, "event": scripts}
    return {
        "info": {"name": "Orders", "description": "d"},
        "variable": [{"key": "count", "value": 1}, {"key": "off", "value": "x", "disabled": True}],
        "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{token}}"}]},
        "item": [{"name": "주문", "item": [buy]}, {"name": "List", "request": url}],
    }


@pytest.fixture
def path(tmp_path: Path, recorder: Recorder) -> Path:
    made = tmp_path / "c.json"
    made.write_text(json.dumps(collection(recorder.url("/"))))
    return made


def test_scopes_and_collection_are_as_the_run_left_them(pabal: Pabal, path: Path, tmp_path: Path) -> None:
    done = pabal(
        "run", str(path), "--export-environment", "new/e.json", "--export-globals=g.json", "--export-collection", "out.json"
    )
    assert done.status == 0, done.err
    environment, globals_ = load_environment("new/e.json"), load_environment("g.json")
    assert [(entry.key, entry.value) for entry in environment.values] == [("token", "abcdefghijklmnopqrstuvwxyz")]
    assert [(entry.key, entry.value) for entry in globals_.values] == [("seen", 3)]
    exported = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert exported["_postman_exported_using"].startswith("pabal/")
    assert [(entry["key"], entry["value"]) for entry in exported["variable"]] == [("count", 2), ("off", "x")]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", exported["_postman_exported_at"])


def test_an_exported_collection_loads_to_the_same_model(pabal: Pabal, path: Path) -> None:
    assert pabal("run", str(path), "--export-collection", "one.json").status == 0
    assert pabal("run", "one.json", "--export-collection", "two.json").status == 0
    one, two = load_collection("one.json"), load_collection("two.json")
    assert one == two
    assert [item.name for item in one.walk()] == ["Buy", "List"]
    original = dump.collection_json(load_collection(path))
    assert dump.collection_json(one)["auth"] == original["auth"]
    assert [request["request"] for request in original["item"][0]["item"]] == [
        request["request"] for request in dump.collection_json(one)["item"][0]["item"]
    ]


@pytest.mark.skipif(not (shutil.which("node") and SDK.exists()), reason="Newman is not installed: npm ci --prefix benchmarks/npm")
def test_postmans_own_sdk_reads_the_export(pabal: Pabal, path: Path, recorder: Recorder) -> None:
    assert pabal("run", str(path), "--export-collection", "out.json").status == 0
    read = subprocess.run(["node", "-e", READ, str(SDK), "out.json"], capture_output=True, text=True, timeout=60)
    assert json.loads(read.stdout or "null") == {
        "name": "Orders",
        "items": [["Buy", "POST", recorder.url("/?a=1"), 2], ["List", "GET", recorder.url("/"), 0]],
        "variables": {"count": 2},
    }, read.stderr


def test_a_folder_gets_stamped_names(pabal: Pabal, path: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    done = pabal("run", str(path), "--export-environment", "out", "--export-globals", "out", "--export-collection", "fresh/")
    assert done.status == 0, done.err
    stamp = r"\d{4}-\d\d-\d\d-\d\d-\d\d-\d\d-\d{3}-0\.json"
    environment, globals_ = sorted(entry.name for entry in (tmp_path / "out").iterdir())
    assert re.fullmatch(f"pabal-environment-{stamp}", environment) and re.fullmatch(f"pabal-globals-{stamp}", globals_)
    assert [re.fullmatch(f"pabal-collection-{stamp}", entry.name) for entry in (tmp_path / "fresh").iterdir()] != [None]


@pytest.mark.parametrize("option", ["--export-environment", "--export-globals", "--export-collection"])
def test_a_place_where_no_file_can_be_is_known_before_anything_is_sent(
    pabal: Pabal, path: Path, recorder: Recorder, option: str
) -> None:
    done = pabal("run", str(path), option, "c.json/below")
    assert (done.status, recorder.requests) == (2, [])
    assert done.err == "error: c.json/below: cannot be written: Not a directory\n"


@pytest.mark.parametrize("name", ["\ud800", "~nobody-of-this-name/x"])
def test_names_that_no_file_can_have(pabal: Pabal, path: Path, recorder: Recorder, name: str) -> None:
    Path(".newmanrc").write_text(json.dumps({"exportEnvironment": name}))
    done = pabal("run", str(path))
    assert (done.status, recorder.requests) == (2, []), done.err
    assert "no file can be called that" in done.err


def test_a_nul_is_in_no_files_name() -> None:
    with pytest.raises(UsageError, match="no file can be called that"):
        report_path("a\0b", "json", datetime.now(UTC))


def test_a_failed_run_exports(pabal: Pabal, path: Path, tmp_path: Path) -> None:
    path.write_text(json.dumps(collection("http://127.0.0.1:1/", "pm.test('no', () => { throw new Error('no'); });")))
    assert pabal("run", str(path), "--export-environment", "e.json", "--bail").status == 4
    assert "abcdefghijkl" in (tmp_path / "e.json").read_text()


def test_an_interrupted_run_exports(path: Path, tmp_path: Path, recorder: Recorder) -> None:
    recorder.routes["/"] = answer(200, body=b"late", pause=30)
    words = ["run", str(path), "--export-environment", "e.json", "--export-collection", "out.json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "runner", *words], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd=tmp_path, env=environ()
    )
    while not recorder.requests:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert [entry.key for entry in load_environment(tmp_path / "e.json").values] == ["token"]
    assert load_collection(tmp_path / "out.json").variables[0].value == 2
