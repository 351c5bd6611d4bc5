"""A reader of a page of the documentation: types its commands, writes its files, and starts its servers, on this machine."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from threading import Thread

import pytest

from runner import load_collection
from runner.mock.match import saved_examples
from runner.mock.server import MockServer
from tests.reading_docs import ROOT, SAMPLES, Block

NOT_RUN = {
    r"pip install\b": "it would change the environment that the tests run in, and asks a package index",
    r"(python -m venv|\. \.venv)\b": "the tests have an environment already",
}
"""Commands that cannot be run here, and why."""

ENDLESS = re.compile(r"pabal (mock|simulate)\b|pabal run .*--watch\b")
"""Commands that go on until Ctrl-C."""

TOOLS = ("curl", "make")
"""Of the machine; where they are missing, blocks that use them are skipped."""

PORTS = ("4010", "5557", "8443", "9443")
"""Those of the documentation, which may be taken."""

NOWHERE = "http://127.0.0.1:9"
SURROUNDINGS = {
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "HTTP_PROXY": NOWHERE,
    "HTTPS_PROXY": NOWHERE,
    "NO_PROXY": "127.0.0.1,localhost",
    "NO_COLOR": "1",
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "PYTEST_PLUGINS": "runner.pytest_plugin",
    "shop_token": "tok-5f2e8c9a1b",
}
"""Nothing gets out, wherever a block would go; pytest starts without other plugins, which take it seconds."""

PRELUDE = f'make() {{ command make --dry-run --directory {shlex.quote(str(ROOT))} "$@"; }}\n'


class Walk:
    """A reader on the way down a page, with the files so far and the servers that were started."""

    def __init__(self, page: Path, folder: Path, stack: ExitStack) -> None:
        self.folder, self._stack = folder, stack
        text = page.read_text("utf-8")
        self._password = {} if "SHOP_PASSWORD" in text else {"SHOP_PASSWORD": "secret"}
        self._ports = {port: free_port() for port in PORTS}
        for sample in (sample for sample in SAMPLES.iterdir() if sample.name in text):
            (folder / sample.name).write_text(self.here(sample.read_text("utf-8")), "utf-8")
        (folder / "photo.jpg").write_bytes(b"\xff\xd8\xff\xd9")
        self.written: list[str] = []
        self.typed: list[str] = []

    def here(self, text: str) -> str:
        """The text with the ports of this walk."""
        return re.sub(rf"\b({'|'.join(PORTS)})\b", lambda port: self._ports[port[0]], text)

    def serve(self) -> None:
        """The shop of the samples."""
        shop = load_collection(SAMPLES / "orders.postman_collection.json")
        server = MockServer(lambda: saved_examples(shop, lambda text: text), port=int(self._ports["4010"]))
        Thread(target=server.serve, daemon=True).start()
        self._stack.callback(server.close)

    def write(self, block: Block) -> Path:
        """The block as a file, under a name of its own where it has none."""
        path = self.folder / (block.file or f"line-{block.line}.{block.language}")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.here(block.text), "utf-8")
        self.written.append(block.file)
        return path

    def shell(self, block: Block) -> None:
        """Commands of one shell; those that never end are started, and left on until the page ends."""
        self.run([(line, shown) for line, shown in block.commands if not not_run(line)])

    def run(self, commands: list[tuple[str, str | None]]) -> None:
        """Command lines, each with what it is to print where that is known; what prints nothing known has to go well."""
        for line, _ in commands:
            if (tool := line.partition(" ")[0]) in TOOLS and not shutil.which(tool):
                pytest.skip(f"{tool} is not installed")
            self.typed.append(line)
            if ENDLESS.match(line):
                self.start(self.here(line))
        lines = [(simulated(self.here(line)), shown) for line, shown in commands if not ENDLESS.match(line)]
        if lines and all(shown is None for _, shown in lines):
            done = self.bash("set -euo pipefail\n" + "\n".join(line for line, _ in lines))
            assert done.returncode == 0, done.stdout
        elif lines:
            self.compare(lines)

    def compare(self, lines: list[tuple[str, str | None]]) -> None:
        """Each command prints what is shown below it."""
        script = "".join(f"{line}\n_status=$?; printf '\\0'; (exit $_status)\n" for line, _ in lines)
        outputs = self.bash(script).stdout.split("\0")
        assert len(outputs) == len(lines) + 1
        for (line, shown), output in zip(lines, outputs[:-1], strict=True):
            said, expected = tidy(output), tidy(self.here(shown or ""))
            pattern = re.escape(expected).replace("…", ".*?")
            assert re.fullmatch(pattern, said, re.DOTALL) or f"$ {line}\n{said}" == f"$ {line}\n{expected}"

    def bash(self, script: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-c", PRELUDE + script],
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )

    @property
    def environ(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PABAL_", "GITHUB_", "COVERAGE_"))}
        return {**kept, **SURROUNDINGS, **self._password, "HOME": str(self.folder), "PYTHONPATH": str(self.folder)}

    def start(self, line: str) -> None:
        """A command that goes on until the page ends; then Ctrl-C ends it, and it has done well."""
        log = self.folder / f"endless-{len(self.typed)}.log"
        before = signal.signal(signal.SIGINT, signal.default_int_handler)  # where tests run in the background it is ignored
        with log.open("wb") as file:
            process = subprocess.Popen(
                ["bash", "-c", f"exec {line}"], cwd=self.folder, env=self.environ, stdout=file, stderr=file
            )
        signal.signal(signal.SIGINT, before)
        self._stack.callback(ended, process, log)
        until = time.monotonic() + 30
        while "Ctrl-C" not in log.read_text("utf-8"):
            assert process.poll() is None and time.monotonic() < until, log.read_text("utf-8")
            time.sleep(0.02)


def free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return str(server.getsockname()[1])


def ended(process: subprocess.Popen[bytes], log: Path) -> None:
    process.send_signal(signal.SIGINT)
    try:
        assert process.wait(30) == 0, log.read_text("utf-8")
    finally:
        process.kill()


def simulated(line: str) -> str:
    """What would go to the broker goes to the simulator, whose answers are the same."""
    missing = re.match(r"pabal run .*\bkis-", line) and not re.search(r"--simulate|VTS=http://127", line)
    return f"{line} --simulate" if missing else line


def tidy(text: str) -> str:
    """Without blanks at the edges, and with tables of one width: a port may have four digits or five."""
    text = re.sub("─+", "─", re.sub("(?<=\\S)  +", "  ", text))
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def not_run(line: str) -> bool:
    return any(re.match(pattern, line) for pattern in NOT_RUN)
