"""What shows a run to people and machines. A reporter is fed every event of a run, then closed; it never changes the run."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from importlib import import_module
from typing import Protocol, TextIO, TypeAlias

from runner.errors import UsageError
from runner.events import RunEvent
from runner.result import Results

Settings: TypeAlias = Mapping[str, str | bool]


class Reporter(Protocol):
    """Takes the events of one run. `wants_bodies` says whether it shows bodies, scripts or the collection's content."""

    wants_bodies: bool

    def handle(self, event: RunEvent) -> None:
        """Take in the next event."""
        ...

    def close(self) -> None:
        """Write what is still to be written; called once, whatever happened to the run."""
        ...


class Running(Protocol):
    """What is to be run: `interrupt` ends it early."""

    def events(self, *, bodies: bool = ...) -> Iterator[RunEvent]: ...
    def interrupt(self) -> None: ...


def report(running: Running, reporters: Sequence[Reporter]) -> Results:
    """Run, tell every reporter, and have their files written whatever happens; Ctrl-C ends the run early."""
    results = Results()
    bodies = any(reporter.wants_bodies for reporter in reporters)
    with ExitStack() as stack:
        before = signal.signal(signal.SIGINT, lambda *_: running.interrupt())
        stack.callback(signal.signal, signal.SIGINT, before)
        for reporter in reporters:
            stack.callback(reporter.close)
        for event in running.events(bodies=bodies):
            results.add(event)
            for reporter in reporters:
                reporter.handle(event)
    return results


def in_github_actions(environ: Mapping[str, str]) -> bool:
    """Whether this runs in a job of GitHub Actions, where the reporter `github` is there by itself."""
    return environ.get("GITHUB_ACTIONS") == "true"


def _local_now() -> datetime:
    return datetime.now().astimezone()


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Where a reporter writes: results to `out`, progress to `err`. `environ` is the process environment (colour, width).

    `secrets` gives what is hidden in events, for who can have it hidden elsewhere too.
    """

    out: TextIO
    err: TextIO
    environ: Mapping[str, str] = field(default_factory=dict)
    now: Callable[[], datetime] = _local_now
    secrets: Callable[[], Iterable[str]] = tuple


BUILT_IN: Mapping[str, str] = {
    "cli": "runner.reporters.cli",
    "json": "runner.reporters.json_report",
    "junit": "runner.reporters.junit",
    "html": "runner.reporters.html",
    "markdown": "runner.reporters.markdown",
    "tap": "runner.reporters.tap",
    "github": "runner.reporters.github",
    "progress": "runner.reporters.progress",
}
"""The reporters that come with pabal: name to the module whose `make` makes one, imported when it is asked for."""


def create(name: str, options: Settings, surroundings: Surroundings) -> Reporter:
    """A reporter by its name, built in or of another package (see `own`).

    Options are Newman's (`no-summary`, `export` …, in kebab or camel case); others are ignored.

    The options of the run that reporters heed go in here as well: `silent`, `verbose`, `color` and `disable-unicode`.

    Raises:
        UsageError: there is no reporter of that name, or it cannot be used.
    """
    settings = {_kebab(key): value for key, value in options.items()}
    if name in BUILT_IN:
        made: Reporter = import_module(BUILT_IN[name]).make(settings, surroundings)
        return made
    from runner.reporters import own

    found = own.make(name, settings, surroundings)
    if found is None:
        raise _unknown(name, [*BUILT_IN, *own.names()])
    return found


def _unknown(name: str, known: list[str]) -> UsageError:
    import difflib

    near = difflib.get_close_matches(name, known, n=1)
    what = f"there is no reporter {name!r}"
    if near:
        return UsageError(f"{what} (known: {', '.join(known)})", hint=f"did you mean {near[0]}?")
    return UsageError(what, hint=f"there are: {', '.join(known)}")


def _kebab(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"-\1", name).replace("_", "-").lower()


def switched_on(options: Settings, name: str) -> bool:
    """Whether a switch is given; `--reporter-cli-silent false` turns it off again."""
    value = options.get(name, False)
    return value.lower() not in ("", "0", "false", "off", "no") if isinstance(value, str) else value
