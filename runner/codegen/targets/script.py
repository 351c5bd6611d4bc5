"""A whole collection as one program, which runs it in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from runner.codegen.registry import File, Job, Target
from runner.codegen.suites import Module, support


def generate(job: Job) -> Iterator[File]:
    """The program."""
    module = Module.of(job)
    lines, scripts = list(module.tree()), list(module.scripts.found.values())
    written = module.values() | module.suite(scripts) | {"lines": lines}
    imports = ["import os", "import sys", "from typing import Any", *support(scripts), "from runner.testing import Suite"]
    yield replace(module.file(f"run_{module.title}.py", "script.py.j2", imports, **written), program=True)


TARGETS = (
    Target(
        name="script",
        label="Python · program that runs the whole collection in order",
        generate=generate,
        needs=("pabal",),
        whole=True,
        runs=True,
        ignores=frozenset({"request_timeout", "trim_request_body", "describe", "per_folder"}),
    ),
)
