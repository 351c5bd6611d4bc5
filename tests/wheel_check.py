"""Run with the Python of an environment where pabal is installed, and no Node.js on the PATH: scripts must run all the same.

Exits with a message when they do not.
"""

from __future__ import annotations

import http.server
import json
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import runner

PASSING = 'pm.test("the answer is read", () => pm.expect(pm.response.json().answer).to.eql(42));'
FAILING = 'pm.test("the answer is wrong", () => pm.expect(pm.response.json().answer).to.eql(41));'


class Answer(http.server.BaseHTTPRequestHandler):
    """Answers every GET with the same JSON."""

    def do_GET(self) -> None:
        body = b'{"answer": 42}'
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep quiet."""


def collection(port: int, script: str) -> dict[str, Any]:
    return {
        "info": {"name": "wheel", "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},
        "item": [
            {
                "name": "ask",
                "request": {"method": "GET", "url": f"http://127.0.0.1:{port}/"},
                "event": [{"listen": "test", "script": {"type": "text/javascript", "exec": [script]}}],
            }
        ],
    }


def assertions(folder: Path, port: int, script: str, exit_code: int) -> dict[str, int]:
    """Run a collection with one test script; the counts of its assertions."""
    source, report = folder / "collection.json", folder / "report.json"
    source.write_text(json.dumps(collection(port, script)))
    pabal = shutil.which("pabal", path=str(Path(sys.executable).parent))
    command = [pabal or "pabal", "run", str(source), "-r", "json", "--reporter-json-export", str(report)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=folder)
    if ran.returncode != exit_code:
        sys.exit(f"exit code {ran.returncode} where {exit_code} was expected\n{ran.stdout}\n{ran.stderr}")
    counts: dict[str, int] = json.loads(report.read_text())["run"]["stats"]["assertions"]
    return counts


def main() -> None:
    if node := shutil.which("node"):
        sys.exit(f"there is a Node.js on the PATH: {node}")
    if not Path(runner.__file__).is_relative_to(sys.prefix):
        sys.exit(f"not the installed pabal: {runner.__file__}")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as name:
        passed = assertions(Path(name), server.server_port, PASSING, exit_code=0)
        failed = assertions(Path(name), server.server_port, FAILING, exit_code=1)
    if (passed["total"], passed["failed"], failed["total"], failed["failed"]) != (1, 0, 1, 1):
        sys.exit(f"assertions were not counted right: {passed} and {failed}")
    print("the installed wheel runs scripts without Node.js")


if __name__ == "__main__":
    main()
