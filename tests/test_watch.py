"""Runs that come again when a file changes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from runner.cli.watch import stamps, watch
from runner.errors import LoadError
from tests.servers import Recorder, answer


def test_stamps_change_with_files_and_with_those_of_a_folder(tmp_path: Path) -> None:
    file, folder = tmp_path / "a.json", tmp_path / "folder"
    file.write_text("1")
    folder.mkdir()
    places = [str(file), str(folder), "http://somewhere/", str(tmp_path / "none.json")]
    before = stamps(places)
    assert stamps(places) == before
    (folder / "b.json").write_text("1")
    assert len(stamps(places)) == len(before) + 1
    file.write_text("12")
    assert stamps(places)[0] != before[0]


def test_it_runs_again_after_a_change_and_after_an_error_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.json"
    file.write_text("1")
    runs: list[str] = []

    def run() -> int:
        runs.append(file.read_text())
        if runs[-1] == "broken":
            raise LoadError("is not valid JSON", where="a.json")
        return 7

    texts = iter(["broken", "mended"])

    def sleep(_: float) -> None:
        text = next(texts, None)
        if text is None:
            raise KeyboardInterrupt
        file.write_text(text)

    assert watch([str(file)], run, sleep=sleep) == 7
    assert runs == ["1", "broken", "mended"]
    assert "a.json" in capsys.readouterr().err


def test_the_command_watches_its_files(recorder: Recorder, tmp_path: Path) -> None:
    recorder.routes["/one"] = recorder.routes["/two"] = answer(200, [], b"{}")
    path = tmp_path / "c.json"

    def write(name: str) -> None:
        path.write_text(json.dumps({"item": [{"name": name, "request": recorder.url(f"/{name}")}]}))

    def wait_for(count: int) -> None:
        deadline = time.monotonic() + 30
        while len(recorder.requests) < count and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(recorder.requests) == count

    write("one")
    words = [sys.executable, "-m", "runner", "run", str(path), "--watch", "-r", "tap"]
    environ = {**os.environ, "HOME": str(tmp_path)}
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path, env=environ) as process:
        try:
            wait_for(1)
            assert process.stderr and "Waiting for a change" in process.stderr.readline()
            write("two")
            wait_for(2)
            assert "Waiting for a change" in process.stderr.readline()
            process.send_signal(signal.SIGINT)
            assert process.wait(10) == 0
        finally:
            process.kill()
    assert [request.target for request in recorder.requests] == ["/one", "/two"]
