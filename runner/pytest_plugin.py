"""The pytest plugin: a collection file is collected like a test module, each request as a test, each `pm.test` as a subtest.

Only this module is imported when pytest starts; what runs a collection comes when one is collected.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
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
SCHEDULERS = {
    "load": "LoadGroupScheduling",
    "worksteal": "LoadGroupScheduling",
    "loadgroup": "LoadGroupScheduling",
    "loadscope": "LoadScopeScheduling",
}
"""What of pytest-xdist keeps groups of tests together, by `--dist`; `loadfile` and `each` do no harm as they are."""
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
    """The mark of requests, for `-m`: `-m 'folder(path="Orders")'` means all in that folder and in those below it."""
    config.addinivalue_line("markers", "folder(path): the request is in this folder of its collection, such as Orders/Domestic")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A collection's requests build on each other: under pytest-xdist one process gets them all, whatever `--dist` says."""
    name = SCHEDULERS.get(config.getoption("dist"))
    if name is None:
        return None
    scheduler = getattr(import_module("xdist.scheduler"), name)(config, log)
    usual = scheduler._split_scope
    scheduler._split_scope = lambda nodeid: _collection(nodeid) or usual(nodeid)
    return scheduler


def _collection(nodeid: str) -> str:
    """The file, if a test is a request of a collection."""
    file = nodeid.partition("::")[0]
    return file if file.endswith(SUFFIX) else ""


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
