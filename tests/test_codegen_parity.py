"""The test module and the program generated from each of Newman's integration collections say of each assertion what the run says."""

from __future__ import annotations

import importlib
import json
import re
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runner import Options, Session, events
from runner.events import RunEvent
from runner.generate import CodeOptions, generate
from runner.sandbox.v8 import V8Sandbox
from runner.testing import program  # here, not again in each run of pytest within pytest

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


def happenings_of_run(collection: Path, options: Options, engine: V8Sandbox) -> list[RunEvent]:
    with Session(collection, options, scripts=lambda _: engine) as session:
        return list(session.events())


def outcomes(happened: list[RunEvent]) -> list[tuple[str, str]]:
    told = [event for event in happened if isinstance(event, events.Asserted)]
    return [
        (each.assertion.name, "skipped" if each.assertion.skipped else "passed" if each.assertion.passed else "failed")
        for each in told
    ]


def requests(happened: list[RunEvent]) -> list[tuple[str, ...]]:
    """What was sent, in order: by whom, and with what result. One case has a random number for `a`."""
    sent = [event for event in happened if isinstance(event, events.RequestSent)]
    return [
        (
            each.source,
            each.place.title,
            each.prepared.method,
            re.sub(r"(?<=/get\?a=)\d{2,}$", "…", each.prepared.url),
            str(each.response and each.response.code),
        )
        for each in sent
    ]


def outcomes_of_pytest(pytester: pytest.Pytester, path: Path) -> list[tuple[str, str]]:
    recorded = pytester.inline_run("-p", "no:cacheprovider", "-p", "no:randomly", str(path))
    reports = [report for report in recorded.getreports("pytest_runtest_logreport") if isinstance(report, pytest.SubtestReport)]
    names = [(str(report.context.msg), report.outcome) for report in reports]
    return [(name, outcome) for name, outcome in names if not any(half in name for half in HALVES)]


class Listener:
    """A reporter that keeps what it is told."""

    wants_bodies = True

    def __init__(self) -> None:
        self.told: list[RunEvent] = []

    def handle(self, event: RunEvent) -> None:
        self.told.append(event)

    def close(self) -> None: ...


def happenings_of_program(path: Path, monkeypatch: pytest.MonkeyPatch) -> list[RunEvent]:
    listener = Listener()
    monkeypatch.setattr(program, "create", lambda *_: listener)
    monkeypatch.setattr(sys, "argv", [str(path)])
    with pytest.raises(SystemExit):
        runpy.run_path(str(path), run_name="__main__")
    return listener.told


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
        for target in ("pytest", "script"):
            (file,) = generate(collection, options, CodeOptions(target=target, inline_values=True))
            (work / f"test_{target}.py").write_text(file.text, "utf-8")
        ours = outcomes_of_pytest(pytester, work / "test_pytest.py")
        bench.server.reset(None)
        theirs = happenings_of_program(work / "test_script.py", monkeypatch)
        bench.server.reset(None)
        run = happenings_of_run(collection, options, engine)
        assert steady(ours) == steady(outcomes(run))
        assert steady(outcomes(theirs)) == steady(outcomes(run))
        assert requests(theirs) == requests(run)
    finally:
        bench.close()
