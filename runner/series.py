"""Several collections, one after the other, as one run: what `pabal run a.json b.json` does."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Self

from runner.assemble import Session, find_scopes, plan_of
from runner.model import Collection
from runner.options import Options
from runner.outside import open_sources
from runner.sources import Place, Sources, spread

if TYPE_CHECKING:
    from runner.events import RunEvent


class Series:
    """Each collection finds environment, globals and cookies as the one before left them; collection variables stay its own.

    Everything is read, and every folder looked for, before anything is sent. A run that is interrupted, breaks off or stops
    early on purpose (`bail`) ends the series. `before_next` sees each session after the first before it sends anything, and may
    raise. Use as a context manager.

    Raises:
        LoadError: a file could not be read.
        UsageError: a folder does not exist in one of the collections.
    """

    def __init__(
        self,
        collections: Sequence[Collection | Place],
        options: Options,
        *,
        warm: bool = False,
        before_next: Callable[[Session], object] = lambda _: None,
    ) -> None:
        self._sources = open_sources(options)
        self._collections = [self._sources.collection(place) for place in spread(collections)]
        self._options = options if len(self._collections) == 1 else read_once(options, self._sources)
        for collection in self._collections[1:]:
            plan_of(collection, options, ())
        find_scopes(options, self._collections)
        self._left: list[Collection] = []
        self._interrupted = False
        self._before_next = before_next
        self.session = Session(self._collections[0], self._options, warm=warm, sources=self._sources)
        """Of the collection that runs, or ran last."""

    def __len__(self) -> int:
        """How many collections there are to run."""
        return len(self._collections)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.session.close()

    @property
    def left(self) -> list[Collection]:
        """The collections that have run so far, with their variables as the run left them."""
        return [*self._left, _with_variables(self.session)]

    def events(self, *, bodies: bool = True) -> Iterator[RunEvent]:
        """The runs' events, secrets removed; `bodies` as for `Session.events`."""
        for number, collection in enumerate(self._collections, 1):
            if number > 1:
                self._go_on(collection)
            goes_on = yield from self._run(number, bodies)
            if not goes_on:
                return

    def interrupt(self) -> None:
        """End the run early, with its last events; for signal handlers."""
        self._interrupted = True
        self.session.interrupt()

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
        self._left.append(_with_variables(before))
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


def _with_variables(session: Session) -> Collection:
    return replace(session.collection, variables=session.scopes.collection.export().values)
