"""Every command line and code block of the documentation is run: in an empty folder, against servers on this machine.

A page is walked from top to bottom in a folder that holds the files of `docs/samples` that it names. Blocks whose file is named before them are written
there. Where a block shows what a command prints, that is what it has to print; `…` stands for anything.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import responses
import yaml
from dotenv import dotenv_values

from runner import load_collection, load_environment
from runner.mock.match import saved_examples
from runner.mock.server import MockServer
from tests.reading_docs import PAGES, ROOT, SAMPLES, Block, blocks, without_comments

NOT_RUN = {
    r"pip install\b": "it would change the environment that the tests run in, and asks a package index",
    r"(python -m venv|\. \.venv)\b": "the tests have an environment already",
}
"""Commands that cannot be run here, and why."""

ENDLESS = re.compile(r"pabal (mock|simulate)\b|pabal run .*--watch\b")
"""Commands that go on until Ctrl-C."""

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
        self.written: dict[str, Block] = {}
        self.typed: list[str] = []

    def here(self, text: str) -> str:
        """The text with the ports of this walk."""
        return re.sub(r"\b" + "|".join(PORTS) + r"\b", lambda port: self._ports[port[0]], text)

    def serve(self) -> None:
        """The shop of the samples."""
        shop = load_collection(SAMPLES / "orders.postman_collection.json")
        server = MockServer(lambda: saved_examples(shop, lambda text: text), port=int(self._ports["4010"]))
        Thread(target=server.serve, daemon=True).start()
        self._stack.callback(server.close)

    def go(self, block: Block) -> None:
        """Do what the block says."""
        if block.file:
            path = self.folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self.here(block.text), "utf-8")
            self.written[block.file] = block
        RUN[block.language](self, block)

    def shell(self, block: Block) -> None:
        """Commands of one shell; those that never end are started, and left on until the page ends."""
        self.run([(line, shown) for line, shown in block.commands if not not_run(line)])

    def run(self, commands: list[tuple[str, str | None]]) -> None:
        for line, _ in commands:
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
        for (line, shown), output in zip(lines, outputs, strict=False):
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
        with log.open("wb") as file:
            process = subprocess.Popen(
                ["bash", "-c", f"exec {line}"], cwd=self.folder, env=self.environ, stdout=file, stderr=file
            )
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
    assert process.wait(30) == 0, log.read_text("utf-8")


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


def run_python(walk: Walk, block: Block) -> None:
    """A part of a file that is there, or else a program; a file is for a later command, see `test_pages`."""
    if block.file or is_excerpt(walk, block):
        return
    with pytest.MonkeyPatch.context() as patch, responses.RequestsMock(assert_all_requests_are_fired=False) as elsewhere:
        elsewhere.add_passthru("http://127.0.0.1")
        for method in (responses.GET, responses.POST):
            elsewhere.add(method, re.compile(r"https://shop\.example/v1/"), json={})
        patch.chdir(walk.folder)
        patch.syspath_prepend(walk.folder)
        for name, value in SURROUNDINGS.items():
            patch.setenv(name, value)
        try:
            exec(compile(walk.here(block.text), str(block), "exec"), {"__name__": "__main__"})
        except SystemExit as end:
            assert end.code == 0


def is_excerpt(walk: Walk, block: Block) -> bool:
    """Whether each part of it stands in one file that a command before it wrote."""
    files = (path.read_text("utf-8") for path in walk.folder.rglob("*.py"))
    return any(all(part.strip("\n") in file for part in walk.here(block.text).split("\n\n\n")) for file in files)


def run_json(walk: Walk, block: Block) -> None:
    value = json.loads(block.text)
    path = walk.folder / (block.file or "block.json")
    path.write_text(walk.here(block.text), "utf-8")
    if "values" in value:
        assert load_environment(path).values
    elif "item" in value:
        assert list(load_collection(path).walk())


def run_toml(walk: Walk, block: Block) -> None:
    """A file that pabal reads in the next command; entry points are there from now on, as if that package were installed."""
    assert block.file in ("pabal.toml", "pyproject.toml")
    groups = tomllib.loads(block.text).get("project", {}).get("entry-points", {})
    for group, names in groups.items():
        info = walk.folder / "block-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: block\nVersion: 1\n")
        lines = [f"{name} = {target}" for name, target in names.items()]
        (info / "entry_points.txt").write_text("\n".join([f"[{group}]", *lines, ""]))
        walk.typed += names.values()


def run_yaml(walk: Walk, block: Block) -> None:
    """The commands of a workflow, or a hook of this repository with its arguments."""
    value = yaml.safe_load(block.text)
    scripts = list(hooks(value) if isinstance(value, list) else steps(value) if "jobs" in value else jobs(value))
    assert scripts
    for script in scripts:
        commands = Block(page=block.page, line=block.line, language="sh", text=script).commands
        walk.run([(line, None) for line, _ in commands if not not_run(line)])


def steps(workflow: dict[str, Any]) -> Iterator[str]:
    """What GitHub Actions would run."""
    for step in (step for job in workflow["jobs"].values() for step in job["steps"]):
        assert re.fullmatch(r"[\w-]+/[\w-]+@v\d+", step["uses"]) if "uses" in step else step["run"]
        yield "\n".join([*(f"export {name}=secret" for name in step.get("env", ())), step.get("run", "")])


def jobs(pipeline: dict[str, Any]) -> Iterator[str]:
    """What GitLab CI would run, with the secret that is kept there."""
    for job in pipeline.values():
        yield "\n".join(["export SHOP_PASSWORD=secret", *job.get("before_script", ()), *job["script"]])


def hooks(repositories: list[dict[str, Any]]) -> Iterator[str]:
    """What pre-commit would run."""
    known = {hook["id"]: hook["entry"] for hook in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))}
    for hook in (hook for repository in repositories for hook in repository["hooks"]):
        files = ("orders.postman_collection.json", "staging.postman_environment.json")
        yield shlex.join([*known[hook["id"]].split(), *hook.get("args", ()), *files])


def run_ini(walk: Walk, block: Block) -> None:
    values = dotenv_values(walk.folder / block.file)
    assert values and all(values.values())


def made_by_sphinx(walk: Walk, block: Block) -> None:
    """`make docs` fails where it cannot be made."""


RUN: dict[str, Callable[[Walk, Block], None]] = {
    "sh": Walk.shell,
    "console": Walk.shell,
    "python": run_python,
    "json": run_json,
    "toml": run_toml,
    "yaml": run_yaml,
    "ini": run_ini,
    "{include}": made_by_sphinx,
    "{toctree}": made_by_sphinx,
    "{eval-rst}": made_by_sphinx,
}
"""How a block is run, by its language. One that is not here cannot be."""


@pytest.mark.filterwarnings("ignore:.*photo.jpg:ResourceWarning")  # the code that Postman writes leaves it open
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_pages(page: Path, tmp_path: Path, subtests: pytest.Subtests) -> None:
    with ExitStack() as stack:
        walk = Walk(page, tmp_path, stack)
        if not any(line.startswith("pabal mock") for block in blocks(page) for line, _ in block.commands):
            walk.serve()
        for block in blocks(page):
            with subtests.test(str(block)):
                assert block.language in RUN, "nobody knows how to run this: give it a language, or give the test a way"
                walk.go(block)
        unused = [
            file for file in walk.written if file.endswith(".py") and not any(Path(file).stem in line for line in walk.typed)
        ]
        assert not unused, "these files are written and never run"


def test_what_is_not_run_is_still_there() -> None:
    shells = (block for page in PAGES for block in blocks(page) if block.language in ("sh", "console", "yaml"))
    text = "\n".join(block.text for block in shells)
    assert all(re.search(pattern, text) for pattern in NOT_RUN)


def test_the_korean_readme_has_the_same_code() -> None:
    english, korean = (list(blocks(ROOT / name)) for name in ("README.md", "README.ko.md"))
    code = [[(block.language, block.file, without_comments(block.text)) for block in each] for each in (korean, english)]
    assert code[0] == code[1]
