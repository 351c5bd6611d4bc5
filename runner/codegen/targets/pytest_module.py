"""Pytest modules of a whole collection: a test for each request, in order, with its scripts in Python."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby
from typing import Any

from runner import __version__
from runner.codegen.code import sorted_imports, templates
from runner.codegen.docs import digest_of, harmless
from runner.codegen.format import formatted
from runner.codegen.names import environ_name, identifier
from runner.codegen.registry import File, Job, Target
from runner.codegen.scripting import Script, Scripts, scripts_of
from runner.codegen.scripts.context import SUPPORT
from runner.codegen.suites import NAMES, Line, Module, fetched, flat
from runner.codegen.writer import call, literal, mapping
from runner.errors import SendError
from runner.plan import Step
from runner.request import prepare, resolve

_FIXTURES = ("import os", "from collections.abc import Iterator", "from typing import Any", "import pytest")


@dataclass(kw_only=True)
class Suite:
    """What is written of a collection: in one module, or in one for each folder with what they share beside them."""

    job: Job
    scripts: Scripts
    module: Module
    lines: list[Line] = field(default_factory=list)

    @cached_property
    def name(self) -> str:
        """The collection's name as a part of file names."""
        return identifier(self.job.name(self.job.plan.collection), fallback="collection").rstrip("_")

    def whole(self) -> Iterator[File]:
        """One module."""
        imports = [*_FIXTURES, *_support(self._scripts()), "from runner.testing import Run, Suite"]
        written = self._written(self._scripts()) | self._fixtures("module") | {"lines": self.lines}
        yield self._file(f"test_{self.name}.py", "pytest.py.j2", imports, **written)

    def by_folder(self) -> Iterator[File]:
        """What all share and their fixtures, then a module for each folder, numbered so that they run in order."""
        shared = f"{self.name}_suite"
        own = {id(script): number for number, lines in self._folders() for script in self._of(lines, shared=False)}
        common = [script for script in self._scripts() if id(script) not in own]
        folders = [line for line in self.lines if not line.test]
        imports = [*_support(common), "from runner.testing import Suite"]
        yield self._file(f"{shared}.py", "pytest_suite.py.j2", imports, **self._written(common), lines=folders)
        yield self._file(
            "conftest.py",
            "pytest_conftest.py.j2",
            [*_FIXTURES, "from runner.testing import Run", f"from {shared} import SUITE"],
            **self._fixtures("session"),
        )
        for number, lines in self._folders():
            yield self._folder(number, lines, shared, {script.name for script in common})

    def _folder(self, number: int, lines: list[Line], shared: str, common: Collection[str]) -> File:
        step, width = lines[0].step, len(str(len(self._folders())))
        assert step is not None  # noqa: S101 (only requests are tested)
        scripts = [script for script in self._of(lines, shared=True) if script.name not in common]
        used = {script.name for script in self._of(lines, shared=True)} & {*common} | {self.module.groups[id(step.chain[-1])]}
        folders = map(self.job.name, step.chain[1:])
        title = "_".join(identifier(folder, fallback="folder").rstrip("_") for folder in folders) or "top"
        imports = [
            "import pytest",
            *_support(scripts),
            "from runner.testing import Run",
            f"from {shared} import {', '.join(used)}",
        ]
        return self._file(
            f"test_{self.name}_{number:0{width}}_{title}.py",
            "pytest_folder.py.j2",
            imports,
            title=harmless(" › ".join((self.job.plan.collection.name, *step.path))),
            scripts=scripts,
            lines=lines,
            iterations=self.job.plan.iterations,
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
            id(each): each for item in mine.values() for kind in ("prerequest", "test") for each in self.scripts.of(item, kind)
        }
        if shared:
            return list(found.values())
        owners = [owner for step in self.job.plan.steps for owner in step.owners if id(owner) not in mine]
        others = {id(each) for owner in owners for kind in ("prerequest", "test") for each in self.scripts.of(owner, kind)}
        return [script for key, script in found.items() if key not in others]

    def _scripts(self) -> list[Script]:
        return list(self.scripts.found.values())

    def _written(self, scripts: list[Script]) -> dict[str, Any]:
        """The suite with its folders, and scripts."""
        collection = self.job.plan.collection
        named = self.module.owner(collection, collection.auth)
        if variables := self.module.variables(self.job.sources.scopes.collection):
            named = {"variables": literal(variables), **named}
        suite = flat(call("", literal(collection.name), **named))[1:-1].rstrip(",")
        return {"scripts": scripts, "suite": suite}

    def _fixtures(self, scope: str) -> dict[str, Any]:
        """What the fixtures are made of."""
        plan, scopes = self.job.plan, self.job.sources.scopes
        rows = [dict(row) for row in plan.rows]
        environment = self.module.variables(scopes.environment)
        environment |= {name: fetched(environ_name(name)) for name in self.module.secrets if name not in environment}
        return {
            "scope": scope,
            "guarded": any(_changes(step, self.job) for step in plan.steps),
            "rows": flat(literal(rows)) if rows else "",
            "environment": flat(mapping((literal(key), literal(value)) for key, value in environment.items())),
            "globals": flat(literal(found)) if (found := self.module.variables(scopes.globals)) else "",
            "settings": "".join(f", {setting}" for setting in _settings(self.job)),
            "iterations": plan.iterations,
        }

    def _file(self, path: str, template: str, imports: Iterable[str], **written: Any) -> File:
        blocks = sorted_imports(imports, beside=f"{self.name}_suite")
        doc = harmless(self.job.plan.collection.name)
        text = (
            templates()
            .get_template(template)
            .render(doc=doc, digest=digest_of(self.job.plan.collection), version=__version__, imports=blocks, **written)
        )
        told = tuple(self.scripts.diagnostics) if "suite" in written else ()
        environ = self.module.environ | {environ_name(name): value for name, value in self.module.secrets.items()}
        return File(path=path, text=formatted(text, self.job.settings.style), diagnostics=told, environ=environ)


def generate(job: Job) -> Iterator[File]:
    """The module, or those of the folders."""
    scripts = scripts_of(job.plan.steps, taken=NAMES, named=job.name, fallback=job.settings.sandbox_fallback)
    suite = Suite(job=job, scripts=scripts, module=Module(job=job, scripts=scripts, taken={*NAMES, *scripts.names}))
    suite.lines += suite.module.tree()
    yield from suite.by_folder() if job.settings.per_folder else suite.whole()


def _changes(step: Step, job: Job) -> bool:
    """Whether a request changes an account, as far as it can be told now."""
    try:
        prepared = prepare(resolve(step.item.request, job.sources.scopes.replace))
    except SendError:
        return False
    return any(extension.changes(prepared) for extension in job.sources.extensions)


def _settings(job: Job) -> Iterator[str]:
    """What a run of the suite is told."""
    if job.plan.rows:
        yield "data=ROWS"
    if job.plan.iterations > 1:
        yield f"iterations={job.plan.iterations}"
    if not job.sources.follow:
        yield "ignore_redirects=True"
    if not job.sources.verify:
        yield "insecure=True"


def _support(scripts: Iterable[Script]) -> Iterator[str]:
    """The imports that scripts need."""
    scripts = list(scripts)
    support = {name for script in scripts for name in script.imports}
    if "Any" in support:
        yield "from typing import Any"
    if names := sorted(support - {"Any"}):
        yield f"from {SUPPORT} import {', '.join(names)}"
    if any(script.reason and script.text.startswith("#") for script in scripts):
        yield "from runner.testing import JavaScript"


TARGETS = (
    Target(
        name="pytest",
        label="Python · pytest module of the whole collection",
        generate=generate,
        needs=("pabal", "pytest"),
        whole=True,
    ),
)
