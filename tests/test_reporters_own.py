"""Reporters of other packages: found by their entry point, given their options, and kept from spoiling a run."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from click.testing import CliRunner

from runner.cli.run import command
from runner.errors import RunBroken, UsageError
from runner.reporters import Surroundings, create
from runner.reporters.own import GROUP
from tests.fakes import item
from tests.reporting import demo, show
from tests.servers import Recorder

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Lays out a distribution as an installer would, and puts it on the path."""

    def installed(code: str, name: str = "mine", value: str = "mine_reporter:make") -> None:
        site = tmp_path / "site"
        info = site / "mine-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[{GROUP}]\n{name} = {value}\n")
        (site / "mine_reporter.py").write_text(code)
        monkeypatch.syspath_prepend(site)
        monkeypatch.delitem(sys.modules, "mine_reporter", raising=False)

    return installed


SPY = """
class Spy:
    wants_bodies = True
    def __init__(self, options, surroundings):
        self.options, self.out, self.count = options, surroundings.out, 0
    def handle(self, event):
        self.count += 1
        {handle}
    def close(self):
        {close}
        self.out.write(f"{self.count} events, {self.options['my-option']}, {self.options['color']}")
make = Spy
"""


def spy(handle: str = "pass", close: str = "pass") -> str:
    return SPY.replace("{handle}", handle).replace("{close}", close)


def test_a_reporter_of_another_package_gets_every_event_and_its_options(install: Install) -> None:
    install(spy())
    shown = show(demo(), "mine", myOption="x")
    assert shown == f"{len(list(demo()))} events, x, off"


def test_unknown_names_are_told_with_what_is_installed(install: Install) -> None:
    install(spy())
    with pytest.raises(UsageError, match=r"no reporter 'mime' \(known: .*progress, mine\)\n  did you mean mine\?"):
        create("mime", {}, Surroundings(out=StringIO(), err=StringIO()))


@pytest.mark.parametrize(
    ("code", "value", "why"),
    [
        ("import nothing_of_this_name", "mine_reporter:make", "ModuleNotFoundError: No module named 'nothing_of_this_name'"),
        ("", "mine_reporter:make", "AttributeError: module 'mine_reporter' has no attribute 'make'"),
        ("def make(options): ...", "mine_reporter:make", "TypeError: make() takes 1 positional argument but 2 were given"),
        ("def make(*_): ...", "mine_reporter:make", "AttributeError: 'NoneType' object has no attribute 'wants_bodies'"),
    ],
)
def test_one_that_cannot_be_made_is_wrong_usage(install: Install, code: str, value: str, why: str) -> None:
    install(code, value=value)
    with pytest.raises(UsageError) as caught:
        create("mine", {}, Surroundings(out=StringIO(), err=StringIO()))
    assert str(caught.value) == f"the reporter 'mine' of mine cannot be used: {why}"


def test_an_error_in_it_is_told_at_the_end_and_only_once(install: Install) -> None:
    install(spy(handle="raise KeyError('oops')"))
    out = StringIO()
    with pytest.raises(RunBroken, match=r"^the reporter 'mine' failed: KeyError: 'oops'$"):
        show(demo(), "mine", out=out, myOption="x")
    assert out.getvalue() == "1 events, x, off"


def test_an_error_while_it_closes(install: Install) -> None:
    install(spy(close="raise ValueError('late')"))
    with pytest.raises(RunBroken, match=r"^the reporter 'mine' failed: ValueError: late$"):
        show(demo(), "mine", myOption="x")


def test_built_in_names_cannot_be_taken(install: Install) -> None:
    install("def make(*_): raise AssertionError", name="json")
    create("json", {}, Surroundings(out=StringIO(), err=StringIO()))


def test_a_broken_one_leaves_the_run_and_the_other_reports_alone(install: Install, tmp_path: Path, recorder: Recorder) -> None:
    install(spy(handle="raise KeyError('oops')"))
    collection, report = tmp_path / "c.json", tmp_path / "report.json"
    collection.write_text(
        json.dumps({"info": {}, "item": [item("a", url=recorder.url("/a")), item("b", url=recorder.url("/b"))]})
    )
    words = [str(collection), "-r", "mine,json", "--reporter-mine-my-option", "x", "--reporter-json-export", str(report)]
    with pytest.raises(RunBroken):
        CliRunner().invoke(command, words, standalone_mode=False, catch_exceptions=False)
    assert len(recorder.requests) == 2
    assert len(json.loads(report.read_text())["run"]["executions"]) == 2
