"""Pytest modules of a whole collection: a test for each request, in order, with its scripts in Python."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import groupby

from runner.codegen.docs import harmless
from runner.codegen.names import identifier, short
from runner.codegen.registry import File, Job, Target
from runner.codegen.scripting import Script
from runner.codegen.suites import Line, Module, support

_FIXTURES = ("import os", "from collections.abc import Iterator", "from typing import Any", "import pytest")


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """What is written of a collection: in one module, or in one for each folder with what they share beside them."""

    module: Module
    lines: list[Line]

    def whole(self) -> Iterator[File]:
        """One module."""
        imports = [*_FIXTURES, *support(self._scripts()), "from runner.testing import Run, Suite, overrides"]
        written = self.module.suite(self._scripts()) | self.module.values() | {"scope": "module", "lines": self.lines}
        yield self.module.file(f"test_{self.module.title}.py", "pytest.py.j2", imports, **written)

    def by_folder(self) -> Iterator[File]:
        """What all share and their fixtures, then a module for each folder, numbered so that they run in order."""
        shared = f"{self.module.title}_suite"
        own = {id(script): number for number, lines in self._folders() for script in self._of(lines, shared=False)}
        common = [script for script in self._scripts() if id(script) not in own]
        folders = [line for line in self.lines if not line.test]
        written = self.module.suite(common)
        system = ["import os"] if "os.environ" in written["suite"] else []
        imports = [*system, *support(common), "from runner.testing import Suite"]
        yield self.module.file(f"{shared}.py", "pytest_suite.py.j2", imports, **written, lines=folders)
        yield self.module.file(
            "conftest.py",
            "pytest_conftest.py.j2",
            [*_FIXTURES, "from runner.testing import Run, overrides", f"from {shared} import SUITE"],
            scope="session",
            **self.module.values(),
        )
        for number, lines in self._folders():
            yield self._folder(number, lines, shared, {script.name for script in common})

    def _folder(self, number: int, lines: list[Line], shared: str, common: Collection[str]) -> File:
        step, width = lines[0].step, len(str(len(self._folders())))
        assert step is not None  # noqa: S101 (only requests are tested)
        scripts = [script for script in self._of(lines, shared=True) if script.name not in common]
        used = {script.name for script in self._of(lines, shared=True)} & {*common} | {self.module.groups[id(step.chain[-1])]}
        folders = map(self.module.job.name, step.chain[1:])
        title = short("_".join(identifier(folder, fallback="folder").rstrip("_") for folder in folders), 100) or "top"
        imports = [
            "import pytest",
            *support(scripts),
            "from runner.testing import Run",
            f"from {shared} import {', '.join(used)}",
        ]
        return self.module.file(
            f"test_{self.module.title}_{number:0{width}}_{title}.py",
            "pytest_folder.py.j2",
            imports,
            title=harmless(" › ".join((self.module.job.plan.collection.name, *step.path))),
            scripts=scripts,
            marks=[f"pytest.mark.folder(path={path})" for path in lines[0].folders],
            lines=[replace(line, folders=()) for line in lines],
            iterations=self.module.job.plan.iterations,
        )

    def _folders(self) -> list[tuple[int, list[Line]]]:
        """The requests, as long as they are in one folder, and a number for them."""
        tests = [line for line in self.lines if line.step]
        groups = [list(found) for _, found in groupby(tests, key=lambda line: id(line.step and line.step.chain[-1]))]
        return list(enumerate(groups, 1))

    def _of(self, lines: Iterable[Line], *, shared: bool) -> list[Script]:
        """The scripts of requests; unless `shared`, only those that no request of another folder and no folder has."""
        mine = {id(line.step.item): line.step.item for line in lines if line.step}
        found = {
            id(each): each
            for item in mine.values()
            for kind in ("prerequest", "test")
            for each in self.module.scripts.of(item, kind)
        }
        if shared:
            return list(found.values())
        owners = [owner for step in self.module.job.plan.steps for owner in step.owners if id(owner) not in mine]
        others = {id(each) for owner in owners for kind in ("prerequest", "test") for each in self.module.scripts.of(owner, kind)}
        return [script for key, script in found.items() if key not in others]

    def _scripts(self) -> list[Script]:
        return list(self.module.scripts.found.values())


def generate(job: Job) -> Iterator[File]:
    """The module, or those of the folders."""
    module = Module.of(job)
    suite = Suite(module=module, lines=list(module.tree()))
    yield from suite.by_folder() if job.settings.per_folder else suite.whole()


TARGETS = (
    Target(
        name="pytest",
        label="Python · pytest module of the whole collection",
        generate=generate,
        needs=("pabal", "pytest"),
        whole=True,
        runs=True,
        ignores=frozenset({"request_timeout", "trim_request_body", "describe"}),
    ),
)
