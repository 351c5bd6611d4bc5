"""A Locust user that runs a collection."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import gevent
from locust import User, events, task
from locust.env import Environment
from locust.exception import StopUser

from runner.assemble import Session
from runner.errors import PabalError, UsageError
from runner.events import Interrupted, IterationStarted, RunEvent, RunFinished
from runner.locust_user.course import AtEnd, Course
from runner.locust_user.loadtest import join
from runner.locust_user.statistics import Statistics
from runner.model import Collection
from runner.options import Options
from runner.secrets import without_credentials

_LOG = logging.getLogger("pabal")


class CollectionUser(User):
    """Runs a collection over and over, as one `pabal run` would that never ends: its variables and cookies are its own and last.

    `wait_time` is the pause between iterations, in seconds; the pause between requests is `options.settings.delay`, in ms. Each
    iteration takes the next row of `options.data`, whichever user it belongs to; `at_end` says whether the rows start over after
    the last one, or the users stop. With `options.iterations` each user stops after so many. The test ends with its last user.

    The users of a process share up to `engines` script engines, and a script keeps one until it is over, waits included; what
    scripts leave in variables that they have not declared is gone when they end. None gives each user an engine of its own, as
    a plain run has it, for 60 MB and more. `host_variable` is the environment variable that Locust's `--host` goes into.
    """

    abstract = True
    collection: ClassVar[Collection | str | Path]
    options: ClassVar[Options] = Options()
    at_end: ClassVar[AtEnd] = "start over"
    engines: ClassVar[int | None] = 4
    host_variable: ClassVar[str] = ""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._stack = ExitStack()
        self._events: Iterator[RunEvent] = iter(())
        self._statistics = Statistics(environment.events.request, self.context)

    @classmethod
    @cache
    def course(cls) -> Course:
        """What all users of this class have in common.

        Raises:
            LoadError: a file could not be read.
            UsageError: options do not go together, or there is no request, or no collection at all.
        """
        if not hasattr(cls, "collection"):
            raise UsageError("no collection is given", where=cls.__name__, hint='say which: collection = "orders.json"')
        return Course(cls.collection, cls.options, engines=cls.engines, at_end=cls.at_end)

    def on_start(self) -> None:
        """Make the run ready."""
        course = self.course()
        session = self._stack.enter_context(course.session())
        if self.host_variable and (host := self.environment.host or self.host):
            session.scopes.environment.set(self.host_variable, host)
        self._events = self._told(session, course)

    def _told(self, session: Session, course: Course) -> Iterator[RunEvent]:
        """The run's events; what keeps it from going on is told, and is Locust's exit status."""
        try:
            yield from session.events(bodies=False, rows=course.deal())
        except PabalError as error:
            _LOG.error("a user stops: %s", without_credentials(str(error)))
            self.environment.process_exit_code = error.exit_code

    def on_stop(self) -> None:
        """Close connections and let go of the script engine."""
        self._stack.close()

    @task
    def iteration(self) -> None:
        """Run all requests once, or whatever way the scripts choose.

        Raises:
            StopUser: there is no row for another one, or the run came to an end.
        """
        for event in self._events:
            self._statistics.tell(event)
            match event:
                case IterationStarted(iteration=number) if number:
                    return
                case RunFinished():
                    if reason := event.error or event.bail:
                        _LOG.error("a user stops: %s", reason)
                    raise StopUser
                case Interrupted():
                    raise KeyboardInterrupt
        raise StopUser


def prepare(environment: Environment, **_: Any) -> None:
    """Read all files before anything starts: what is wrong with them ends Locust with pabal's exit status."""
    classes = [each for each in environment.user_classes if issubclass(each, CollectionUser)]
    try:
        courses = [each.course() for each in classes]
    except PabalError as error:
        _LOG.error("%s", without_credentials(str(error)))
        sys.exit(error.exit_code)
    if courses:
        join(environment, courses)
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # which would hit the user that happens to run
            gevent.signal_handler(signal.SIGINT, gevent.kill, gevent.getcurrent(), KeyboardInterrupt)


events.init.add_listener(prepare)
