"""Reporters that other packages bring, by the entry-point group `pabal.reporters.v1`.

An entry point is a function like each built-in reporter's `make`: it is given the reporter's options and its surroundings
and gives a `Reporter`. It is only looked for when a name is asked for that no built-in reporter has.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

from runner.errors import PabalError, RunBroken, UsageError
from runner.events import RunEvent
from runner.reporters import Reporter, Settings, Surroundings

GROUP = "pabal.reporters.v1"


def names() -> list[str]:
    """The names of all that are installed."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def make(name: str, options: Settings, surroundings: Surroundings) -> Reporter | None:
    """The reporter of this name, None when there is no such entry point.

    Raises:
        UsageError: it cannot be loaded or made.
    """
    point = next(iter(entry_points(group=GROUP, name=name)), None)
    if point is None:
        return None
    try:
        return _Watched(name, point.load()(options, surroundings))
    except PabalError:
        raise
    except Exception as error:
        raise UsageError(f"the reporter {name!r} of {_owner(point)} cannot be used: {_told(error)}") from error


def _owner(point: EntryPoint) -> str:
    return point.dist.name if point.dist else point.value


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


class _Watched:
    """Keeps what goes wrong in somebody else's reporter from the run: it is fed no more, and the error is told at the end."""

    def __init__(self, name: str, reporter: Reporter) -> None:
        self.wants_bodies = bool(reporter.wants_bodies)
        self._name, self._reporter = name, reporter
        self._error: Exception | None = None

    def handle(self, event: RunEvent) -> None:
        """Pass the event on."""
        if self._error is None:
            try:
                self._reporter.handle(event)
            except (PabalError, BrokenPipeError):
                raise
            except Exception as error:
                self._error = error

    def close(self) -> None:
        """Close the reporter, even after an error.

        Raises:
            RunBroken: an event or this was too much for it.
        """
        try:
            self._reporter.close()
        except (PabalError, BrokenPipeError):
            raise
        except Exception as error:
            self._error = self._error or error
        if self._error:
            raise RunBroken(f"the reporter {self._name!r} failed: {_told(self._error)}") from self._error
