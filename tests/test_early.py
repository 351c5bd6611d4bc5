"""The script engine's process that is started before anything else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runner import early
from runner.sandbox import Execution
from runner.sandbox.v8 import V8Sandbox
from tests.servers import Recorder, answer


class Process:
    """In a real one's place."""

    ended = False

    def kill(self) -> None:
        self.ended = True

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        assert self.ended


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Process]]:
    made: list[Process] = []
    monkeypatch.setattr(early, "start", lambda *_: made.append(Process()) or made[-1])
    monkeypatch.setattr(early, "_begun", {})
    yield made


def collection(tmp_path: Path, exec_: Any, name: str = "c.json", indent: int | None = None) -> str:
    events = [{"listen": "test", "script": {"exec": exec_}}]
    path = tmp_path / name
    path.write_text(json.dumps({"item": [{"name": "a", "request": "http://h/", "event": events}]}, indent=indent))
    return str(path)


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize(
    ("exec_", "starts"),
    [
        (["pm.test('a')"], True),
        (["", "  ", "\t", "x()"], True),
        ("x()", True),
        ([""], False),
        (["", " \r", "\n"], False),
        ([], False),
        ("", False),
    ],
)
def test_only_a_script_with_text_starts_it(
    started: list[Process], tmp_path: Path, exec_: Any, starts: bool, indent: int | None
) -> None:
    early.glance(["run", collection(tmp_path, exec_, indent=indent), "-n", "2"])
    assert len(started) == starts


@pytest.mark.parametrize(
    "words", [[], ["run"], ["run", "none.json"], ["run", "."], ["run", "-"], ["run", "a\0b.json"], ["--help"]]
)
def test_what_is_no_file_starts_nothing_and_is_told_later(started: list[Process], words: list[str]) -> None:
    early.glance(words)
    assert started == []


def test_other_commands_and_other_files_start_nothing(started: list[Process], tmp_path: Path) -> None:
    early.glance(["lint", collection(tmp_path, ["x()"])])
    early.glance(["run", collection(tmp_path, ["x()"], name="rows.csv")])
    assert started == []


def test_it_is_taken_once_and_what_nobody_takes_is_ended(started: list[Process], tmp_path: Path) -> None:
    early.glance(["run", collection(tmp_path, ["x()"])])
    early.end()
    assert started[0].ended
    early.glance(["run", collection(tmp_path, ["x()"])])
    assert early.take(early.engine()) is started[-1]
    assert early.take(early.engine()) is started[-1] is not started[1]
    assert len(started) == 3


@pytest.mark.parametrize(
    ("words", "number"),
    [
        (["-j", "2"], 2),
        (["-j2"], 2),
        (["--jobs=9"], 2),
        (["--jobs", "auto"], 2),
        (["-j", "1"], 1),
        (["-j", "x"], 2),
        (["-n", "2"], 1),
    ],
)
def test_as_many_as_run_at_once(
    started: list[Process], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], number: int
) -> None:
    monkeypatch.setattr(early, "processors", lambda: 2)
    early.glance(["run", collection(tmp_path, ["x()"]), *words])
    assert len(started) == number
    early.end(early.worker(scripts=True), 1)
    assert sum(not process.ended for process in started) == (1 if number > 1 else 0)


@pytest.mark.skipif(sys.platform != "linux", reason="processes can be kept to processors on Linux only")
def test_processes_that_are_busy_at_once_share_the_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    def shares(number: int) -> list[list[int]]:
        return [list(early.share(place, number)) for place in range(number)]

    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 1, 2, 7})
    assert shares(1) == [[1, 2, 3, 7]]
    assert shares(2) == [[1, 2], [3, 7]]
    assert shares(3) == [[1], [2], [3, 7]]
    assert shares(4) == [[1], [2], [3], [7]]
    assert shares(6) == [[1], [1], [2], [3], [3], [7]]
    monkeypatch.undo()
    one = min(os.sched_getaffinity(0))
    with early.start(early.engine(), [one]) as process:
        assert os.sched_getaffinity(process.pid) == {one}
        process.kill()


def test_a_sandbox_takes_over_what_was_begun(tmp_path: Path) -> None:
    early.glance(["run", collection(tmp_path, ["x()"])])
    (begun,) = early._begun[early.engine()]
    with V8Sandbox() as sandbox:
        conversation = sandbox.run(Execution(listen="test", code="pm.variables.set('a', 1)"))
        with pytest.raises(StopIteration) as end:
            while True:
                next(conversation)
        assert (sandbox.pid, end.value.value.error) == (begun.pid, None)
    assert not any(early._begun.values()) and begun.returncode is not None


def test_another_engine_than_the_usual_is_started_anew(tmp_path: Path) -> None:
    early.glance(["run", collection(tmp_path, ["x()"])])
    (begun,) = early._begun[early.engine()]
    with V8Sandbox(console_limit=7) as sandbox:
        sandbox.warm()
        assert sandbox.pid != begun.pid
    early.end()
    assert begun.returncode is not None


def test_a_command_that_needs_no_engine_after_all_leaves_none(recorder: Recorder, tmp_path: Path) -> None:
    recorder.routes["/"] = answer(200, [], b"{}")
    path = collection(tmp_path, ["x()"])
    marker = str(tmp_path)
    words = [sys.executable, "-m", "runner", "run", path, "--folder", "none"]
    done = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": marker})
    assert done.returncode == 2
    deadline = time.monotonic() + 5
    while (left := [line for line in _commands() if marker in line and "worker.py" in line]) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert left == []


def _commands() -> list[str]:
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    return listed.stdout.splitlines()
