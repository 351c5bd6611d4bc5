"""Collections as one run: what `pabal run a.json b.json` does, one after the other or, with `-j`, in several processes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Self

from runner import early
from runner.assemble import Session, State, find_scopes, plan_of
from runner.model import Collection
from runner.options import Options
from runner.outside import open_sources
from runner.plan import Plan, Share
from runner.sources import Place, Sources, spread

if TYPE_CHECKING:
    from runner.events import RunEvent
    from runner.parallel import Parallel
    from runner.parallel.job import Job

LEARNED = 1000
"""Secrets learned by other processes that are kept."""


class Series:
    """Each collection finds environment, globals and cookies as the one before left them; collection variables stay its own.

    Everything is read, and every folder looked for, before anything is sent. A run that is interrupted, breaks off or stops
    early on purpose (`bail`) ends the series. `before_next` sees each session after the first before it sends anything, and may
    raise. Use as a context manager.

    With `jobs` more than 1 that many processes share the work: the iterations of one collection, which they take by turns (of
    two the first has the 1st, 3rd, 5th …), or several collections, of which each starts as the options say, whatever the others
    do. A process has variables, cookies and a script engine of its own. Events come in the same order as from one process.

    Raises:
        LoadError: a file could not be read.
        UsageError: a folder does not exist in one of the collections, or the run cannot be shared.
    """

    def __init__(
        self,
        collections: Sequence[Collection | Place],
        options: Options,
        *,
        jobs: int = 1,
        warm: bool = False,
        before_next: Callable[[Session], object] = lambda _: None,
    ) -> None:
        self._sources = open_sources(options)
        self._collections = [self._sources.collection(place) for place in spread(collections)]
        self._options = options if len(self) == jobs == 1 else read_once(options, self._sources)
        for collection in self._collections[1:]:
            plan_of(collection, options, ())
        find_scopes(options, self._collections)
        self._left: list[Collection] = []
        self._interrupted = False
        self._before_next = before_next
        self._jobs = min(jobs, self._parts()) if jobs > 1 else 1
        self._parallel: Parallel | None = None
        self._ends: list[State | None] = []
        self._learned: deque[str] = deque(maxlen=LEARNED)
        if jobs > 1:
            early.end(early.worker(scripts=True), self._jobs if self._jobs > 1 else 0)  # no more wait than are needed
        if self._jobs > 1:
            self._options = replace(self._options, extras={**options.extras, "parallel": True})
        self.session = Session(self._collections[0], self._options, warm=warm and self._jobs < 2, sources=self._sources)
        """Of the collection that runs, or ran last; of the first where several processes run."""
        if self._jobs > 1:
            self._check_others()

    def __len__(self) -> int:
        """How many collections there are to run."""
        return len(self._collections)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._parallel:
            self._parallel.close()
        self.session.close()

    @property
    def left(self) -> list[Collection]:
        """The collections that have run so far, with their variables as the run left them."""
        if self._ends:
            return [_with_variables(*pair) for pair in zip(self._collections, self._ends, strict=False)]
        return [*self._left, _with_variables(self.session.collection, self.session.state)]

    @property
    def secrets(self) -> tuple[str, ...]:
        """What is known to be secret: of what several processes have learned, the latest."""
        return (*self.session.secrets.values, *self._learned)

    @property
    def state(self) -> State:
        """What the run left: with several processes the one that had the last iteration, or the last collection."""
        return (self._ends and self._ends[-1]) or self.session.state

    def events(self, *, bodies: bool = True) -> Iterator[RunEvent]:
        """The runs' events, secrets removed; `bodies` as for `Session.events`.

        Raises:
            RunBroken: one of several processes ended before its first event.
        """
        if self._jobs > 1:
            yield from self._shared(bodies)
            return
        for number, collection in enumerate(self._collections, 1):
            if number > 1:
                self._go_on(collection)
            goes_on = yield from self._run(number, bodies)
            if not goes_on:
                return

    def interrupt(self) -> None:
        """End the run early, with its last events; for signal handlers."""
        self._interrupted = True
        (self._parallel or self.session).interrupt()

    def _parts(self) -> int:
        """Into how many parts the work can be divided."""
        if len(self) > 1:
            return len(self)
        plan = self._plan(self._collections[0])
        return plan.iterations if plan.steps else 0

    def _plan(self, collection: Collection) -> Plan:
        return plan_of(collection, self._options, self._sources.rows(self._options.data))

    def _check_others(self) -> None:
        """Let the extensions of the other collections object, too, before anything is sent."""
        for collection in self._collections[1:]:
            with Session(collection, self._options, sources=self._sources) as session:
                self._before_next(session)

    def _shared(self, bodies: bool) -> Iterator[RunEvent]:
        from runner.parallel import Parallel

        self._parallel = parallel = Parallel(list(self._shares(bodies)), self._jobs, self._learned.append)
        with parallel:
            if len(self) > 1:
                self._ends = yield from parallel.by_collection()
            else:
                self._ends = yield from parallel.by_iteration(self.session.plan.iterations)

    def _shares(self, bodies: bool) -> Iterator[Job]:
        from runner.parallel.job import Job

        number = self._jobs if len(self) == 1 else 1
        options = replace(self._options, stdin=None)
        for collection in self._collections:
            scripts = self._plan(collection).has_scripts
            for each in range(number):
                share = Share(number=each, of=number)
                yield Job(collection=collection, options=options, share=share, scripts=scripts, bodies=bodies)

    def _run(self, number: int, bodies: bool) -> Generator[RunEvent, None, bool]:
        from runner.events import Interrupted, RunFinished, RunStarted

        goes_on = True
        for event in self.session.events(bodies=bodies):
            if isinstance(event, RunStarted):
                event = replace(event, number=number, of=len(self))
            elif isinstance(event, Interrupted) or (isinstance(event, RunFinished) and (event.error or event.bail)):
                goes_on = False
            yield event
        return goes_on

    def _go_on(self, collection: Collection) -> None:
        if self._interrupted:  # after the last event of a collection, which therefore does not tell of it
            raise KeyboardInterrupt
        before = self.session
        self._left.append(_with_variables(before.collection, before.state))
        self.session = Session(collection, self._options, warm=True, sources=self._sources, after=before)
        self._before_next(self.session)


def read_once(options: Options, sources: Sources) -> Options:
    """The options with everything read that several runs share: stdin gives it once, and a server might give another."""
    return replace(
        options,
        environment=options.environment and sources.environment(options.environment),
        globals=options.globals and sources.globals(options.globals),
        data=sources.rows(options.data),
    )


def _with_variables(collection: Collection, state: State | None) -> Collection:
    return replace(collection, variables=state.variables) if state else collection
