"""The broker's limits: calls a second for each app key, and what to do where it says that they were too many."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Hashable, Mapping

from runner.kis.hosts import Kind

RATES: Mapping[Kind, float] = {"real": 18, "mock": 2}
"""Calls a second that are made at most: the broker lets 20 through on the real host and 2 on the mock one."""
RETRIES = 5
"""How often a call that came too fast is made once more."""

_LONGEST = 8.0
_SLACK = 0.01
"""Seconds by which the broker's clock may run differently from ours within a window."""


class Window:
    """At most `rate` calls within any second, for a server that counts them when they arrive.

    A call may arrive as late as its answer comes back, and the one it makes room for as early as it leaves: so a place is free
    a second after the answer.
    """

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        size = max(1, int(rate))
        self._span = size / rate + _SLACK
        self._clock = clock
        self._calls: deque[float] = deque(maxlen=size)

    def take(self) -> float:
        """Take the next place: seconds until the call may leave."""
        now = self._clock()
        full = len(self._calls) == self._calls.maxlen
        wait = max(0.0, self._calls[0] + self._span - now) if full else 0.0
        self._calls.append(now + wait)
        return wait

    def answered(self) -> None:
        """The last call has come back."""
        self._calls[-1] = max(self._calls[-1], self._clock())


_WINDOWS: dict[Hashable, Window] = {}
"""Those of this process: the broker counts by app key, and runs that follow each other may share one."""


class Limits:
    """The limits of a run: `rates` are calls a second for each app key, by kind of host; where none is given nothing waits."""

    def __init__(self, rates: Mapping[Kind, float]) -> None:
        self._rates = rates
        self._last: Window | None = None

    def take(self, kind: Kind, origin: str, appkey: str) -> float:
        """Seconds until a call with this key to this origin may leave; it counts as sent then."""
        rate = self._rates.get(kind)
        if rate is None:
            return 0.0
        window = _WINDOWS.setdefault((origin, appkey, rate), Window(rate))
        self._last = window
        return window.take()

    def answered(self) -> None:
        """The call that left last has been answered, or will not be."""
        if self._last:
            self._last.answered()
            self._last = None


def pause_after(attempt: int) -> float:
    """Seconds to wait after the attempt of that number (from 1) came too fast."""
    return min(_LONGEST, 2.0 ** (attempt - 1))
