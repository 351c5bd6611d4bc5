"""What `pabal locust` writes: Python that ruff would leave alone, without secrets, and that Locust runs from anywhere."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruff import find_ruff_bin

from tests.conftest import Pabal
from tests.servers import Recorder
from tests.test_process import environ


def write(path: Path, name: str = "c", url: str = "http://127.0.0.1:1/", **more: Any) -> None:
    path.write_text(json.dumps({"info": {"name": name}, "item": [{"name": "one", "request": url}], **more}))


def code_of(text: str) -> str:
    """The text if it is Python, formatted and without anything that ruff would mend."""
    ast.parse(text)
    for command in (["format", "--check"], ["check", "--select", "E,F,I,UP,B"]):
        words = [find_ruff_bin(), *command, "--isolated", "-"]
        done = subprocess.run(words, input=text, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
    return text


def test_what_it_writes_runs(pabal: Pabal, tmp_path: Path, recorder: Recorder) -> None:
    """From another folder, with its secret from the environment, and with the data and the environment beside it."""
    write(tmp_path / "c.json", url="{{base}}/{{id}}?{{api_key}}")
    values = [{"key": "base", "value": recorder.url("").rstrip("/"), "enabled": True}]
    tmp_path.joinpath("e.json").write_text(json.dumps({"name": "e", "values": values}))
    tmp_path.joinpath("rows.csv").write_text("id\na\nb\n")
    words = ["--env-var", "api_key=hidden-value", "--pause", "0", "--at-end", "stop", "-o", "load/locustfile.py"]
    done = pabal("locust", "c.json", "-e", "e.json", "-d", "rows.csv", *words)
    assert (done.status, done.out) == (0, "") and "api_key" in done.err
    assert "hidden-value" not in code_of(tmp_path.joinpath("load/locustfile.py").read_text())
    command = [sys.executable, "-m", "locust", "-f", str(tmp_path / "load/locustfile.py"), "--headless", "-u", "1", "-t", "80s"]
    ran = subprocess.run(command, capture_output=True, text=True, env={**environ(), "api_key": "k1"}, cwd="/", timeout=100)
    assert ran.returncode == 0, ran.stderr
    assert [request.target for request in recorder.requests] == ["/a?k1", "/b?k1"]


@pytest.mark.parametrize("name", ['"""\nimport os', "\\", "한국투자증권 [모의투자]", "", "1st", "class", 'a"', "{{ x }}"])
def test_whatever_the_collection_is_called(pabal: Pabal, tmp_path: Path, name: str) -> None:
    write(tmp_path / "c.json", name)
    assert "(CollectionUser):" in code_of(pabal("locust", "c.json").out)


def test_options_that_are_as_they_are_anyway_are_left_out(pabal: Pabal, tmp_path: Path) -> None:
    write(tmp_path / "c.json", url="https://example.com/")
    text = code_of(pabal("locust", "c.json", "--pause", "2").out)
    assert "options = Options(environ=os.environ)" in text and "wait_time = constant(2)" in text
    assert "at_end" not in text and "host_variable" not in text and "Settings" not in text


def test_secrets_come_from_the_environment(pabal: Pabal, tmp_path: Path) -> None:
    write(tmp_path / "c.json")
    words = ["--global-var", "token=glob-secret-1", "--postman-api-key", "PMAK-secret-2", "--env-var", "plain=seen"]
    done = pabal("locust", "c.json", *words)
    assert "secret" not in code_of(done.out) and '"plain": "seen"' in done.out
    assert done.err.splitlines()[0].endswith(": token, PABAL_POSTMAN_API_KEY")


def test_it_is_written_without_locust_too(pabal: Pabal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.cli.locust.find_spec", lambda name: None)
    write(tmp_path / "c.json")
    done = pabal("locust", "c.json")
    assert done.status == 0 and done.err == "Locust is not installed here: pip install 'pabal[locust]'\n"


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["none.json"], 3, "none.json: cannot be read"),
        (["-"], 2, "a locustfile needs files"),
        (["c.json", "-e", "-"], 2, "a locustfile needs files"),
        (["c.json", "--folder", "Nope"], 2, 'Unable to find a folder or request: "Nope"'),
        (["c.json", "--exclude", "one"], 5, ""),
        (["c.json", "--pause", "3-1"], 2, "is no pause"),
        (["c.json", "--pause", "nan"], 2, "is no pause"),
        (["c.json", "-o", "c.json/x.py"], 2, "cannot be written"),
        (["c.json", "--allow-real-orders"], 2, "No such option"),
    ],
)
def test_bad_input(pabal: Pabal, tmp_path: Path, words: list[str], status: int, told: str) -> None:
    write(tmp_path / "c.json")
    done = pabal("locust", *words, stdin=tmp_path.joinpath("c.json").read_bytes() if words == ["-"] else b'{"values": []}')
    assert (done.status, told in done.err, "Traceback" in done.err) == (status, True, False), done.err


@pytest.mark.parametrize("words", [["locust"], ["codegen", "-t", "client"], ["codegen", "-t", "pytest"]])
def test_half_a_surrogate_pair_in_a_name_stays_python(pabal: Pabal, tmp_path: Path, words: list[str]) -> None:
    path = tmp_path / "c.json"
    path.write_text(r'{"info": {"name": "a\ud800"}, "item": [{"name": "x\ud800", "request": "http://127.0.0.1:9/"}]}')
    done = pabal(*words, str(path), "-o", "made/it.py")
    assert (done.status, "Traceback" in done.err) == (0, False), done.err
    text = tmp_path.joinpath("made/it.py").read_text("utf-8")
    compile(text, "it.py", "exec")
    assert text.startswith(('"""a ', '"""a\n'))  # a blank stands for what has no looks
