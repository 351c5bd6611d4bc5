"""The command as a process: interrupted, piped into something that ends, without the broker's folder, as the README says."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.servers import Recorder, answer

ROOT = Path(__file__).parent.parent
SCRIPT = "pm.test('scripts run', () => pm.response.to.have.status(200));"


def collection(folder: Path, *items: dict[str, Any]) -> str:
    path = folder / "c.json"
    path.write_text(json.dumps({"info": {"name": "c"}, "item": list(items)}))
    return str(path)


def item(name: str, url: str, test: str = SCRIPT) -> dict[str, Any]:
    return {"name": name, "request": url, "event": [{"listen": "test", "script": {"exec": test}}]}


def environ(root: Path = ROOT) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(root), **{k: v for k, v in os.environ.items() if k.startswith("COV")}}


def start(*words: str, **more: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "runner", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ(), **more)


def children(pid: int) -> list[int]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    return [int(word) for word in found.stdout.split() if Path(f"/proc/{word}/cmdline").exists()]


def gone(pid: int) -> bool:
    for _ in range(50):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


SLOW = {
    "request": ("/slow", "", []),
    "endless script": ("/", "for (;;);", []),
    "timer": ("/", "await new Promise((resolve) => setTimeout(resolve, 30_000))", []),
    "request of a script": ("/", "await pm.sendRequest('{slow}')", []),
    "pause before a retry": ("/fails", "", ["--retry", "3", "--retry-delay", "30000"]),
    "pause between requests": ("/", "", ["--delay-request", "500"]),
}


@pytest.mark.skipif(os.name == "nt", reason="signals are sent the POSIX way")
@pytest.mark.parametrize("where", SLOW)
def test_ctrl_c_ends_the_run_with_its_reports_and_no_child(tmp_path: Path, recorder: Recorder, where: str) -> None:
    recorder.routes["/slow"] = answer(200, body=b"late", pause=30)
    recorder.routes["/fails"] = answer(503)
    url, script, words = SLOW[where]
    slow = item("slow", recorder.url(url), script.replace("{slow}", recorder.url("/slow")))
    path = collection(tmp_path, item("quick", recorder.url("/")), slow, *[slow] * 100)
    report, cases, exported = tmp_path / "report.json", tmp_path / "report.xml", tmp_path / "environment.json"
    words = [*words, "-r", "cli,json,junit", "--reporter-json-export", str(report), "--reporter-junit-export", str(cases)]
    process = start("run", path, *words, "--export-environment", str(exported))
    while len(recorder.requests) < 2:
        time.sleep(0.05)
    time.sleep(0.5)
    workers = children(process.pid)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130, err
    assert "scripts run" in out and "\ninterrupted\n" in out and "Traceback" not in err
    data = json.loads(report.read_text())
    assert [entry["item"]["name"] for entry in data["run"]["executions"]][:1] == ["quick"]
    assert (data["run"]["interrupted"], data["run"]["exitCode"]) == (True, 130)
    assert 'type="Interrupted"' in cases.read_text("utf-8")
    assert json.loads(exported.read_text())["values"] == []
    assert {entry.name for entry in tmp_path.iterdir()} == {"c.json", "report.json", "report.xml", "environment.json"}
    assert workers and all(gone(pid) for pid in workers)


def test_a_closed_pipe_is_no_traceback(tmp_path: Path, recorder: Recorder) -> None:
    path = collection(tmp_path, *(item(f"r{number}", recorder.url("/"), "") for number in range(200)))
    process = start("run", path)
    assert process.stdout and process.stderr
    process.stdout.readline()
    process.stdout.close()
    assert "Traceback" not in process.stderr.read()
    assert process.wait(20) == 4
    process.stderr.close()


def test_without_the_brokers_folder_a_working_postman_runner_is_left(tmp_path: Path, recorder: Recorder) -> None:
    shutil.copytree(ROOT / "runner", tmp_path / "runner", ignore=shutil.ignore_patterns("kis", "__pycache__"))
    path = collection(tmp_path, item("one", recorder.url("/")))
    command = [sys.executable, "-m", "runner", "run", path]
    done = subprocess.run(command, capture_output=True, text=True, env=environ(tmp_path), cwd=tmp_path, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "scripts run" in done.stdout
    listed = subprocess.run([*command, "--help"], capture_output=True, text=True, env=environ(tmp_path), cwd=tmp_path, timeout=60)
    assert "--folder" in listed.stdout and "--simulate" not in listed.stdout


@pytest.mark.parametrize(("folders", "status"), [(100, 0), (101, 3)])
def test_folders_in_folders_and_values_in_values_end_somewhere(
    tmp_path: Path, recorder: Recorder, folders: int, status: int
) -> None:
    deep: dict[str, Any] = item("one", recorder.url("/"))
    for _ in range(folders):
        deep = {"name": "f", "item": [deep]}
    value: list[Any] = []
    for _ in range(800):
        value = [value]
    environment = tmp_path / "e.json"
    environment.write_text(json.dumps({"values": [{"key": "deep", "value": value}]}))
    report = tmp_path / "report.json"
    process = start(
        "run", collection(tmp_path, deep), "-e", str(environment), "-r", "cli,json", "--reporter-json-export", str(report)
    )
    _, err = process.communicate(timeout=60)
    assert (process.returncode, "Traceback" in err) == (status, False), err
    assert report.exists() == (status == 0)
