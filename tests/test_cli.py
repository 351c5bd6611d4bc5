"""Golden cases of the command: `tests/cases/<name>/` holds `cmd`, what it needs, and `expected`: exit status and output.

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
    done = subprocess.run(
        [sys.executable, "-m", "runner", *words], cwd=case, env=environ, capture_output=True, text=True, timeout=60
    )
    text = f"exit {done.returncode}\n--- stdout\n{done.stdout}--- stderr\n{done.stderr}"
    for pattern, stand_in in VOLATILE:
        text = pattern.sub(stand_in, text)
    # A table is as wide as its numbers, and these are gone.
    text = re.sub(r"-{4,}| {2,}", lambda found: "----" if found[0][0] == "-" else "  ", text)
    return re.sub(r" +\|$", " |", text, flags=re.MULTILINE)


@pytest.mark.parametrize("case", sorted(path.parent for path in CASES.glob("*/cmd")), ids=lambda case: case.name)
def test_command(case: Path, recorder: Recorder) -> None:
    recorder.routes["/ok"] = answer(200, [("Content-Type", "application/json")], b'{"ok": true}')
    text = run(case, recorder.url("").rstrip("/"))
    expected = case / "expected"
    if os.environ.get("PABAL_GOLDEN") == "write":
        expected.write_text(text)
    assert text == expected.read_text()
    assert "Traceback" not in text
