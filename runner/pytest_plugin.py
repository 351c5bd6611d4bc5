"""The pytest plugin: a collection file is collected like a test module, each request as a test, each `pm.test` as a subtest.

Only this module is imported when pytest starts; what runs a collection comes when one is collected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from runner import RunResult
    from runner.kis.simulator import Simulator

SUFFIX = ".postman_collection.json"
OPTIONS = (
    ("--pabal-env", "PATH", "environment of the collections"),
    ("--pabal-globals", "PATH", "globals of the collections"),
    ("--pabal-data", "PATH", "rows for the iterations: CSV or JSON"),
    ("--pabal-iterations", "N", "how often each collection runs"),
)
LISTS = (
    ("--pabal-env-var", "NAME=VALUE", "set an environment variable, repeatable"),
    ("--pabal-env-file", "PATH", "a .env file, repeatable: fills variables the environment leaves empty"),
    ("--pabal-folder", "NAME", "only this folder or request, repeatable: name, id, path or pattern"),
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of `pabal run` that make sense here, with a prefix."""
    group = parser.getgroup("pabal", "Postman collections")
    for name, metavar, text in OPTIONS:
        group.addoption(name, metavar=metavar, help=text)
    for name, metavar, text in LISTS:
        group.addoption(name, metavar=metavar, action="append", default=[], help=text)
    group.addoption("--pabal-collect", action="store_true", help="collect collections in folders, too, not only those named")
    group.addoption("--pabal-simulate", action="store_true", help="run collections for KIS against the built-in simulator")


def pytest_configure(config: pytest.Config) -> None:
    """Name the marker that keeps a collection's requests together under pytest-xdist, whether that is there or not."""
    config.addinivalue_line("markers", "xdist_group(name): which tests run in the same process (pytest-xdist)")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collections are known by the name that Postman gives them, and collected where they are asked for: they send requests."""
    if not file_path.name.endswith(SUFFIX) or not _wanted(file_path, parent.config):
        return None
    from runner.testing.collect import CollectionFile

    node: pytest.Collector = CollectionFile.from_parent(parent, path=file_path)
    return node


def _wanted(path: Path, config: pytest.Config) -> bool:
    """Whether pytest was given this very file, or folders with `--pabal-collect`."""
    folder = config.invocation_params.dir
    named = (Path(folder, argument.partition("::")[0]).resolve() for argument in config.args)
    return bool(config.getoption("--pabal-collect")) or path.resolve() in named


@pytest.fixture
def collection_run() -> Callable[..., RunResult]:
    """Runs a collection in a test: `collection_run("smoke.json", environment="staging.json").failures == []`.

    The keywords are the fields of `runner.Options`.
    """
    from runner import Options, RunResult, run

    def call(collection: str | Path, **options: Any) -> RunResult:
        result = RunResult()
        for event in run(collection, Options(**options)):
            result.add(event)
        return result

    return call


@pytest.fixture
def kis_simulator() -> Iterator[Simulator]:
    """The KIS simulator for one test, without limits on calls a second; `.variables` go into an environment."""
    from runner.kis.simulator import Simulator

    with Simulator(limits=False) as simulator:
        yield simulator
