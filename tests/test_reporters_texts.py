"""The reporters markdown, tap and github."""

from __future__ import annotations

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import yaml

from runner import events
from runner.errors import UsageError
from runner.events import RunEvent
from runner.reporters import Surroundings, create
from tests.conftest import Pabal
from tests.reporting import MOMENT, asserted, demo, place, response, sent, show, turn, whole_run
from tests.servers import Recorder, answer

ONE = place("One")


def failing(count: int, message: str = "no") -> Iterator[RunEvent]:
    tests = (asserted(ONE, f"test {number}", number, passed=False, message=message) for number in range(count))
    return whole_run(*turn(ONE, sent(ONE), *tests))


class TestMarkdown:
    def test_figures_and_failures(self) -> None:
        text = show(demo(), "markdown", export="-")
        assert text.startswith("## Demo: ❌ failed\n")
        assert "| requests | 5 | 1 |" in text
        assert "| assertions | 3 | 1 |" in text
        assert "> Variables without a value: host, port" in text
        assert "| 1 | **bad one** expected 1 to deeply equal 2 | One |" in text
        assert "| 2 | **ReferenceError** nope is not defined | A / Inner |" in text

    def test_a_run_that_passed_has_no_table_of_failures(self) -> None:
        text = show(whole_run(*turn(ONE, sent(ONE))), "markdown", export="-")
        assert text.startswith("## Demo: ✅ passed\n")
        assert "failure" not in text

    def test_nothing_a_server_says_is_markup(self) -> None:
        text = show(failing(1, "a | b\n# <b>*x*</b> `y`"), "markdown", export="-")
        assert r"a \| b \# \<b\>\*x\*\</b\> \`y\`" in text

    def test_long_lists_and_long_messages_are_cut(self) -> None:
        text = show(failing(130, "x" * 900), "markdown", export="-")
        assert "30 more failures are not listed." in text
        assert "x" * 501 not in text

    def test_a_file(self, tmp_path: Path) -> None:
        assert show(demo(), "markdown", export=str(tmp_path / "a/run.md")) == ""
        assert (tmp_path / "a/run.md").read_text("utf-8").startswith("## Demo")


class TestTap:
    def test_a_line_for_each_thing_that_came_out(self) -> None:
        lines = [line for line in show(demo(), "tap").splitlines() if not line.startswith("  ")]
        assert lines == [
            "TAP version 14",
            "ok 1 - One: ok one",
            "not ok 2 - One: bad one",
            "ok 3 - One: later # SKIP",
            "not ok 4 - A / Inner: test script",
            "not ok 5 - A / Closed: the request is answered",
            "ok 6 - A / Skip me: is sent # SKIP a script said so",
            "not ok 7 - A / 주문: the request is refused",
            "1..7",
        ]

    def test_the_blocks_are_yaml(self) -> None:
        lines = show(failing(1, 'it said: "no"\n- ...\n'), "tap").splitlines()
        block = lines[lines.index("  ---") : lines.index("  ...")]
        assert yaml.safe_load("\n".join(line[2:] for line in block[1:])) == {
            "message": 'it said: "no"\n- ...\n',
            "severity": "fail",
        }

    def test_names_begin_no_directive_and_command_no_terminal(self) -> None:
        lines = show(whole_run(*turn(ONE, asserted(ONE, "a # SKIP\nb \\ c \x1b[2J"))), "tap").splitlines()
        assert lines[1] == r"ok 1 - One: a \# SKIP b \\ c \\x1b[2J"

    def test_iterations_are_told_apart(self) -> None:
        where = place("One", iteration=1, cycles=3)
        assert "ok 1 - One [2/3]: t" in show(whole_run(*turn(where, asserted(where, "t"))), "tap")

    def test_a_run_that_broke_off_or_was_interrupted(self) -> None:
        assert "not ok 1 - the run comes to its end" in show(whole_run(error="timeout"), "tap")
        assert "Bail out! interrupted" in show(whole_run(events.Interrupted()), "tap")

    def test_a_file_is_written_whole(self, tmp_path: Path) -> None:
        assert show(demo(), "tap", export=str(tmp_path / "run.tap")) == ""
        assert (tmp_path / "run.tap").read_text("utf-8").endswith("1..7\n")


class TestGithub:
    def run(self, stream: Iterator[RunEvent], secrets: tuple[str, ...] = (), **environ: str) -> list[str]:
        out = StringIO()
        surroundings = Surroundings(out=out, err=StringIO(), environ=environ, now=lambda: MOMENT, secrets=lambda: secrets)
        reporter = create("github", {}, surroundings)
        for event in stream:
            reporter.handle(event)
        reporter.close()
        return out.getvalue().splitlines()

    def test_failures_are_annotations(self) -> None:
        lines = self.run(demo())
        assert lines[0] == "::error title=One%3A bad one::expected 1 to deeply equal 2"
        assert lines[-1] == "::error title=A / 주문%3A Refused::an order to the real host%0A  allow it with --yes"
        assert len(lines) == 4

    def test_ten_are_shown_and_the_others_counted(self) -> None:
        lines = self.run(failing(25, "50%, ::error::x"))
        assert len(lines) == 11
        assert lines[0] == "::error title=One%3A test 0::50%25, ::error::x"
        assert lines[-1].startswith("::notice::15 more failures")

    def test_the_summary_is_appended(self, tmp_path: Path) -> None:
        path = tmp_path / "summary.md"
        path.write_text("before\n")
        self.run(demo(), GITHUB_STEP_SUMMARY=str(path))
        assert path.read_text("utf-8").startswith("before\n## Demo: ❌ failed")

    def test_a_summary_that_cannot_be_written_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="summary cannot be written"):
            self.run(demo(), GITHUB_STEP_SUMMARY=str(tmp_path))

    def test_secrets_are_told_to_github_and_to_nobody_else(self) -> None:
        stream = whole_run(*turn(ONE, sent(ONE, response=response())))
        secrets = ("s3cret-value", "two\nlines of it\n")
        assert self.run(stream, secrets) == []
        stream = whole_run(*turn(ONE, sent(ONE)))
        masks = ["::add-mask::s3cret-value", "::add-mask::two", "::add-mask::lines of it"]
        assert self.run(stream, secrets, GITHUB_ACTIONS="true") == masks

    def test_it_is_there_by_itself_in_a_job(
        self, pabal: Pabal, recorder: Recorder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        recorder.routes["/ok"] = answer(200, [], b"{}")
        test = {"listen": "test", "script": {"exec": ["pm.test('no', () => pm.expect(1).to.eql(2))"]}}
        item: dict[str, Any] = {"name": "a", "request": recorder.url("/ok"), "event": [test]}
        (tmp_path / "c.json").write_text(json.dumps({"info": {"name": "c"}, "item": [item]}))
        assert "::error" not in pabal("run", "c.json").out
        monkeypatch.setenv("GITHUB_ACTIONS", "true")
        monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
        assert "::error title=a%3A no::expected 1 to deeply equal 2" in pabal("run", "c.json").out
        assert "❌ failed" in (tmp_path / "summary.md").read_text("utf-8")
