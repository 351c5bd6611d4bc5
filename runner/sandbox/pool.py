"""A few script engines for many runs at once: each script has one to itself while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Condition

from runner.sandbox import Conversation, Execution, Sandbox, ScriptError

PATIENCE = 0.1
"""Seconds that a script waits for an engine before there is another one, if there may be: more engines slow each other down."""
BOOT = 3.0
"""The same while the first engine starts."""


class Pool:
    """Script engines that `make` makes when they are needed, at most so many; who finds none free waits for one.

    They end when the last share is closed. The engines must keep nothing of one script for the next.
    """

    def __init__(self, make: Callable[[], Sandbox], most: int) -> None:
        self._make = make
        self._left = most
        self._patience = 0.0
        self._free: list[Sandbox] = []
        self._shares = 0
        self._change = Condition()

    def share(self) -> Share:
        """The engines as one run sees them."""
        self._shares += 1
        return Share(self)

    def warm(self) -> None:
        """Start a first engine in the background."""
        if not self._patience:
            with self.one() as engine:
                engine.warm()
            self._patience = BOOT

    @contextmanager
    def one(self) -> Iterator[Sandbox]:
        """An engine of one's own for a while: that which was used last, a new one, or the next that becomes free."""
        engine = self._taken()
        try:
            yield engine
        finally:
            with self._change:
                self._patience = PATIENCE
                self._free.append(engine)
                self._change.notify()

    def leave(self) -> None:
        """One share less."""
        self._shares -= 1
        if not self._shares:
            for engine in self._free:
                engine.close()

    def _taken(self) -> Sandbox:
        with self._change:
            if self._patience and not self._free:
                self._change.wait_for(lambda: self._free, self._patience)
            while not (self._free or self._left):
                self._change.wait()
            if self._free:
                return self._free.pop()
            self._left -= 1
            self._patience = self._patience or BOOT
            return self._make()


class Share:
    """The pool as one run sees it; see the `Sandbox` protocol. What runs within a script has that script's engine."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._held: Sandbox | None = None

    def run(self, execution: Execution) -> Conversation:
        """Run one script."""
        with self._engine() as engine:
            return (yield from engine.run(execution))

    def replace_in(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        """Each text with its dynamic variables replaced."""
        with self._engine() as engine:
            return engine.replace_in(texts)

    def syntax_error(self, code: str) -> ScriptError | None:
        """Why and where a script does not parse."""
        with self._engine() as engine:
            return engine.syntax_error(code)

    def warm(self) -> None:
        """Begin to start an engine."""
        self._pool.warm()

    def close(self) -> None:
        """Give the share back."""
        self._pool.leave()

    @contextmanager
    def _engine(self) -> Iterator[Sandbox]:
        if self._held:
            yield self._held
            return
        with self._pool.one() as engine:
            self._held = engine
            try:
                yield engine
            finally:
                self._held = None
