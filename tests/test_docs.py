"""Every command line and code block of the documentation is run: in an empty folder, against servers on this machine.

A page is walked from top to bottom in a folder that holds the files of `docs/samples` that it names. Blocks whose file is named
before them are written there. Where a block shows what a command prints, that is what it has to print; `…` stands for anything.
"""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import responses
import yaml
from dotenv import dotenv_values

from runner import load_collection, load_environment
from tests.reading_docs import PAGES, ROOT, Block, blocks, without_comments
from tests.walking_docs import NOT_RUN, SURROUNDINGS, Walk


def run_python(walk: Walk, block: Block) -> None:
    """A part of a file that is there, or else a program; a file is for a later command, see `test_pages`."""
    if block.file:
        walk.write(block)
    elif not is_excerpt(walk, block):
        run_program(walk, block)


def run_program(walk: Walk, block: Block) -> None:
    """Run it in this process; the shop that some code is for answers everything with an empty object."""
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
    parts = [part.strip("\n") for part in walk.here(block.text).split("\n\n\n")]
    paths = (path for path in walk.folder.rglob("*.py") if str(path.relative_to(walk.folder)) not in walk.written)
    return any(all(part in text for part in parts) for text in (path.read_text("utf-8") for path in paths))


def run_json(walk: Walk, block: Block) -> None:
    value = json.loads(block.text)
    path = walk.write(block)
    if "values" in value:
        assert load_environment(path).values
    elif "item" in value:
        assert list(load_collection(path).walk())


def run_toml(walk: Walk, block: Block) -> None:
    """A file that pabal reads in the next command; entry points are there from now on, as if that package were installed."""
    assert walk.write(block).name in ("pabal.toml", "pyproject.toml")
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
    value = yaml.safe_load(walk.write(block).read_text("utf-8"))
    scripts = list(hooks(value) if isinstance(value, list) else steps(value) if "jobs" in value else jobs(value))
    assert scripts
    for script in scripts:
        walk.shell(replace(block, language="sh", text=script))


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
    values = dotenv_values(walk.write(block))
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
                RUN[block.language](walk, block)
        for file in filter(re.compile(r".*\.py").fullmatch, walk.written):
            assert any(Path(file).stem in line for line in walk.typed), f"{file} is written and never run"


def test_what_is_not_run_is_still_there() -> None:
    shells = (block for page in PAGES for block in blocks(page) if block.language in ("sh", "console", "yaml"))
    text = "\n".join(block.text for block in shells)
    assert all(re.search(pattern, text) for pattern in NOT_RUN)


def test_the_korean_readme_has_the_same_code() -> None:
    english, korean = (list(blocks(ROOT / name)) for name in ("README.md", "README.ko.md"))
    code = [[(block.language, block.file, without_comments(block.text)) for block in each] for each in (korean, english)]
    assert code[0] == code[1]
