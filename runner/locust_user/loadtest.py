"""A load test as one of its processes sees it: which part of the rows is its own, and when it is over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gevent
from locust.env import Environment
from locust.rpc.protocol import Message
from locust.runners import STATE_INIT, STATE_RUNNING, STATE_SPAWNING, MasterRunner, Runner, WorkerNode, WorkerRunner

from runner.locust_user.course import Course

PART = "pabal-part"
"""What the master tells each worker before users start: its place among the workers, and how many these are."""
OVER = "pabal-over"
"""Whether all users of a worker have come to their end by themselves: goes with its statistics, which are whole then."""
_LOOK_SECONDS = 0.1


def join(environment: Environment, courses: Sequence[Course]) -> None:
    """Have a process take its part in load tests; to be called when its runner is there, before a test starts."""
    match environment.runner:
        case MasterRunner() as runner:
            Master(environment, runner)
        case Runner() as runner:
            Users(environment, runner, courses)


class Master:
    """The master: it divides the rows among the workers, and ends the test when these have no user left that runs.

    Workers that join during a test have no part of their own: they take all rows.
    """

    def __init__(self, environment: Environment, runner: MasterRunner) -> None:
        self._environment, self._runner = environment, runner
        self._over: set[str] = set()
        environment.events.test_start.add_listener(self._start)
        environment.events.worker_report.add_listener(self._reported)

    def _start(self, **_: Any) -> None:
        self._over.clear()
        workers = [worker.id for worker in self._workers()]
        for place, worker in enumerate(workers):
            self._runner.send_message(PART, {"place": place, "of": len(workers)}, worker)

    def _workers(self) -> list[WorkerNode]:
        """Those that take part, in the order in which they came."""
        return [worker for worker in self._runner.clients.all if worker.state in (STATE_INIT, STATE_SPAWNING, STATE_RUNNING)]

    def _reported(self, client_id: str, data: dict[str, Any]) -> None:
        if data.get(OVER) and client_id not in self._over:
            self._over.add(client_id)
            if self._over.issuperset(worker.id for worker in self._workers()):
                gevent.spawn(end, self._environment, self._runner)


class Users:
    """A process with users: it has a part of the rows, all of them where it is alone, and notices when no user is left."""

    def __init__(self, environment: Environment, runner: Runner, courses: Sequence[Course]) -> None:
        self._environment, self._runner, self._courses = environment, runner, courses
        self._part = {"place": 0, "of": 1}
        self._over = False
        environment.events.test_start.add_listener(self._start)
        environment.events.spawning_complete.add_listener(self._spawned)
        if isinstance(runner, WorkerRunner):
            runner.register_message(PART, self._take_part)
            environment.events.report_to_master.add_listener(self._report)

    def _take_part(self, msg: Message, **_: Any) -> None:
        self._part = msg.data

    def _report(self, data: dict[str, Any], **_: Any) -> None:
        data[OVER] = self._over

    def _start(self, **_: Any) -> None:
        self._over = False
        for course in self._courses:
            course.begin(**self._part)

    def _spawned(self, **_: Any) -> None:
        gevent.spawn(self._watch)

    def _watch(self) -> None:
        """Wait for the end of the last user, unless something else ends the test or starts more of them."""
        while self._runner.state == STATE_RUNNING and self._runner.user_count:
            gevent.sleep(_LOOK_SECONDS)
        self._over = self._runner.state == STATE_RUNNING
        if self._over and not isinstance(self._runner, WorkerRunner):
            end(self._environment, self._runner)


def end(environment: Environment, runner: Runner) -> None:
    """End the test, and Locust with it where nobody looks at it in a browser."""
    if environment.parsed_options and environment.parsed_options.headless:
        runner.quit()
    else:
        runner.stop()
