"""The generated pytest module of each of Newman's integration collections says of each assertion what the run says."""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import runner.testing  # noqa: F401  once, not again in each run of pytest within pytest
from runner import Options, Session, events
from runner.generate import CodeOptions, generate
from runner.sandbox.v8 import V8Sandbox

PARITY = Path(__file__).parents[2] / "shared" / "parity"
CASES = sorted(path.name for path in (PARITY / "cases").glob("*") if path.is_dir())
HALVES = {"test script of", "prerequest script of"}

pytest_plugins = "pytester"
pytestmark = pytest.mark.skipif(not CASES, reason="the parity cases are not here")


@pytest.fixture(scope="module")
def harness() -> Iterator[Any]:
    sys.path.insert(0, str(PARITY))
    yield importlib.import_module("parity")
    sys.path.remove(str(PARITY))


def options_of(case: Any, config: dict[str, Any]) -> Options:
    names = {"environment": case.environment, "globals": case.globals, "data": case.data}
    found: dict[str, Any] = {name: Path(path.name) for name, path in names.items() if path}
    return Options(**found, ignore_redirects=config.get("ignoreRedirects", False), insecure=config.get("insecure", False))


@pytest.fixture(scope="module")
def engine() -> Iterator[V8Sandbox]:
    with V8Sandbox() as sandbox:
        yield sandbox


def outcomes_of_run(collection: Path, options: Options, engine: V8Sandbox) -> list[tuple[str, str]]:
    with Session(collection, options, scripts=lambda _: engine) as session:
        told = [event for event in session.events() if isinstance(event, events.Asserted)]
    return [
        (each.assertion.name, "skipped" if each.assertion.skipped else "passed" if each.assertion.passed else "failed")
        for each in told
    ]


def outcomes_of_pytest(pytester: pytest.Pytester, path: Path) -> list[tuple[str, str]]:
    recorded = pytester.inline_run("-p", "no:cacheprovider", "-p", "no:randomly", str(path))
    reports = [report for report in recorded.getreports("pytest_runtest_logreport") if isinstance(report, pytest.SubtestReport)]
    names = [(str(report.context.msg), report.outcome) for report in reports]
    return [(name, outcome) for name, outcome in names if not any(half in name for half in HALVES)]


def steady(outcomes: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Outcomes without what no two runs have in common: random values, and whose turn it was where one test ran several items."""
    return [(re.sub(r"^(?:post|html|method): |(?<=: )[-\w]+$", "", name), outcome) for name, outcome in outcomes]


@pytest.mark.parametrize("name", CASES)
def test_assertions_come_out_as_in_the_run(
    harness: Any, name: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, engine: V8Sandbox
) -> None:
    (case,) = harness.discover([PARITY / "cases" / name])
    bench = harness.Bench(harness.Options(), case)
    try:
        work = bench.prepare(case, pytester.path / "case")
        monkeypatch.chdir(work)
        monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
        configs = [json.loads(path.read_text())["run"] for path in case.folder.glob("*config.json")]
        options = options_of(case, configs[0] if configs else {})
        collection = Path(case.collection.name)
        (file,) = generate(collection, options, CodeOptions(target="pytest", inline_values=True))
        (work / "test_generated.py").write_text(file.text, "utf-8")
        ours = outcomes_of_pytest(pytester, work / "test_generated.py")
        bench.server.reset(None)
        assert steady(ours) == steady(outcomes_of_run(collection, options, engine))
    finally:
        bench.close()
