"""The run's time: when it must be over, and waiting that goes no further than that."""

from __future__ import annotations

import math
import time
from collections.abc import Callable


class Clock:
    """Starts with the run. `timeout` is how long the run may take, in ms, 0 for ever; `sleep` waits for seconds."""

    def __init__(self, timeout: float = 0, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep
        self._end = time.monotonic() + timeout / 1000 if timeout else math.inf

    @property
    def left(self) -> float:
        """Seconds until the run must be over: infinite where there is no end, 0 when the time is up."""
        return max(0.0, self._end - time.monotonic())

    def within(self, limit: float | None) -> float | None:
        """A limit in ms, no longer than what is left of the run; 0 and None are no limit."""
        least = min(limit or math.inf, max(1.0, self.left * 1000))
        return None if math.isinf(least) else least

    def wait(self, seconds: float) -> None:
        """Sleep, but not beyond the end of the run. Ctrl-C ends it."""
        if (seconds := min(seconds, self.left)) > 0:
            self._sleep(seconds)
