"""A collection as pytest sees it: a file of iterations and folders down to requests, in the order they run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from runner.assemble import Session
from runner.errors import PabalError
from runner.plan import Plan
from runner.testing.given import options_from
from runner.testing.steps import Steps


class CollectionFile(pytest.File):
    """One collection; its session is opened for the first of its tests that runs, and closed after the last."""

    _steps: Steps | None = None
    _session: Session | None = None

    def collect(self) -> Iterator[pytest.Item | pytest.Collector]:
        """The requests, within their folders; within iterations where there are several."""
        try:
            with Session(self.path, options_from(self.config)) as session:
                plan = session.plan
        except PabalError as error:
            raise self.CollectError(str(error)) from None
        for iteration in range(plan.iterations):
            top: pytest.Collector = self
            if plan.iterations > 1:
                top = Group.from_parent(self, name=f"iteration {iteration + 1}")
            yield from _children(top, plan, iteration, self)

    @property
    def steps(self) -> Steps:
        """What runs the requests."""
        if self._steps is None:
            self._session = Session(self.path, options_from(self.config), warm=True)
            self._steps = Steps(self._session)
        return self._steps

    def teardown(self) -> None:
        """Let go of script engine and connections."""
        if self._session:
            self._session.close()
        self._steps = self._session = None


class Group(pytest.Collector):
    """A folder or an iteration."""

    children: list[pytest.Item | pytest.Collector]

    def collect(self) -> list[pytest.Item | pytest.Collector]:
        """What is in it, in order."""
        return self.children


def _children(
    top: pytest.Collector, plan: Plan, iteration: int, file: CollectionFile
) -> Iterator[pytest.Item | pytest.Collector]:
    """The nodes right below `top`. A folder that is left and entered again, as with jumbled selections, is a node of its own."""
    found: list[pytest.Item | pytest.Collector] = []
    open_groups: list[tuple[str, Group]] = []
    names: Counter[tuple[str, str]] = Counter()
    for position, step in enumerate(plan.steps):
        same = 0
        while same < min(len(open_groups), len(step.path)) and open_groups[same][0] == step.path[same]:
            same += 1
        del open_groups[same:]
        for folder in step.path[same:]:
            parent = open_groups[-1][1] if open_groups else top
            group: Group = Group.from_parent(parent, name=_unique(names, parent, folder))
            group.children = []
            (open_groups[-1][1].children if open_groups else found).append(group)
            open_groups.append((folder, group))
        parent = open_groups[-1][1] if open_groups else top
        item = _request(parent, _unique(names, parent, step.item.name), position, iteration, file)
        for depth in range(len(step.path)):
            item.add_marker(pytest.mark.folder(path="/".join(step.path[: depth + 1])))
        (open_groups[-1][1].children if open_groups else found).append(item)
    if isinstance(top, Group):
        top.children = found
        yield top
    else:
        yield from found


def _unique(names: Counter[tuple[str, str]], parent: pytest.Collector, name: str) -> str:
    """A name that no sibling has: the second of equal ones gets `(2)`."""
    key = (parent.nodeid, name)
    names[key] += 1
    return name if names[key] == 1 else f"{name} ({names[key]})"


def _request(parent: pytest.Collector, name: str, position: int, iteration: int, file: CollectionFile) -> pytest.Function:
    def call(subtests: pytest.Subtests) -> None:
        file.steps.item(position, subtests, iteration)

    item: pytest.Function = pytest.Function.from_parent(parent, name=name, callobj=call)
    return item
