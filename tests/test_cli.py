"""Golden cases of the command: `tests/cases/<name>/` holds `cmd`, what it needs, and `expected`: exit status and output.

A file `environ` adds variables, NAME=VALUE in each line; with a file `terminal` stdout is one (a pty of 100 columns),
and stderr as well where it says so. Escape characters are shown as ␛, carriage returns as ␍.

`PABAL_GOLDEN=write pytest tests/test_cli.py` writes the expected files anew; read the difference before you commit it.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.servers import Recorder, answer

CASES = Path(__file__).parent / "cases"
VOLATILE = (
    (re.compile(r"\b\d+(\.\d+)?(ms|µs|us|s)\b"), "<time>"),
    (re.compile(r"127\.0\.0\.1:(?!1/)\d+"), "127.0.0.1:<port>"),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "<uuid>"),
    (re.compile(r"[ \t]+$", re.MULTILINE), ""),
)


def run(case: Path, base: str) -> str:
    """Exit status, stdout and stderr of a case, without what differs from run to run."""
    words = shlex.split((case / "cmd").read_text().replace("{base}", base))
    environ = {
        "PATH": os.environ["PATH"],
        "COLUMNS": "100",
        "CI": "1",
        "PYTHONPATH": str(Path(__file__).parent.parent),
        "TZ": "UTC",
    }
    # Nothing leaves this machine, even if a guard should fail.
    environ |= {"HTTPS_PROXY": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "127.0.0.1"}
    environ |= {name: value for name, value in os.environ.items() if name.startswith("COV")}
    if (case / "environ").exists():
        environ |= dict(line.split("=", 1) for line in (case / "environ").read_text().splitlines())
    command = [sys.executable, "-m", "runner", *words]
    status, out, err = (on_terminal if (case / "terminal").exists() else piped)(command, case, environ)
    text = f"exit {status}\n--- stdout\n{out}--- stderr\n{err}".replace("\x1b", "␛")
    for pattern, stand_in in VOLATILE:
        text = pattern.sub(stand_in, text)
    # A table is as wide as its numbers, and these are gone.
    text = re.sub(r"-{4,}|(?<=[┌┬├┼└┴])─+| {2,}", lambda found: "  " if found[0][0] == " " else found[0][0] * 4, text)
    return re.sub(r" +((?:␛\[90m)?[|│](?:␛\[0m)?)$", r" \1", text, flags=re.MULTILINE)


def piped(command: list[str], folder: Path, environ: dict[str, str]) -> tuple[int, str, str]:
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def on_terminal(command: list[str], folder: Path, environ: dict[str, str]) -> tuple[int, str, str]:
    pty = pytest.importorskip("pty", reason="there are no pseudo-terminals here")
    master, slave = pty.openpty()
    both = "stderr" in (folder / "terminal").read_text()
    stderr = slave if both else subprocess.PIPE
    with subprocess.Popen(command, cwd=folder, env=environ, stdout=slave, stderr=stderr, text=True) as process:
        os.close(slave)
        shown = b"".join(iter(lambda: _read(master), b""))
        err = process.stderr.read() if process.stderr else ""
    os.close(master)
    return process.returncode, shown.decode().replace("\r\n", "\n").replace("\r", "␍"), err


def _read(master: int) -> bytes:
    try:
        return os.read(master, 65536)
    except OSError:  # EIO: nobody writes any more
        return b""


@pytest.mark.parametrize("case", sorted(path.parent for path in CASES.glob("*/cmd")), ids=lambda case: case.name)
def test_command(case: Path, recorder: Recorder) -> None:
    recorder.routes["/ok"] = answer(200, [("Content-Type", "application/json")], b'{"ok": true}')
    text = run(case, recorder.url("").rstrip("/"))
    expected = case / "expected"
    if os.environ.get("PABAL_GOLDEN") == "write":
        expected.write_text(text)
    assert text == expected.read_text()
    assert "Traceback" not in text
