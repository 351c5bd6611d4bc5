"""Requests that failed for a passing reason are sent once more, with growing pauses (`--retry`)."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime

from runner.errors import SendError
from runner.extension import Extension
from runner.model import Prepared, Response

IDEMPOTENT = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"})
"""Methods that may reach a server twice and do the same as once (RFC 9110, section 9.2.2)."""

PASSING = frozenset({429, 502, 503, 504})
"""Status codes of a server, or of what stands before it, that has no time just now."""

_PASSING_ERRORS = frozenset(
    """
    ECONNREFUSED ECONNRESET ECONNABORTED EPIPE ETIMEDOUT ESOCKETTIMEDOUT EAI_AGAIN EHOSTUNREACH EHOSTDOWN ENETUNREACH ENETDOWN
    """.split()
)
_LONGEST = 60.0
"""Seconds that no pause exceeds, whatever Retry-After says."""


class Retries(Extension):
    """At most `limit` more attempts; `delay` is the first pause in ms, which doubles each time and loses up to half by chance."""

    def __init__(self, limit: int, delay: float, *, chance: Callable[[], float] = random.random) -> None:
        self.retries = limit
        self._limit = limit
        self._delay = delay / 1000
        self._chance = chance

    def again(self, prepared: Prepared, source: str, attempt: int, outcome: Response | SendError) -> float | None:
        """Only methods that change nothing when they come twice, and only what may go better in a while."""
        if attempt > self._limit or prepared.method.upper() not in IDEMPOTENT:
            return None
        if outcome.code not in (PASSING if isinstance(outcome, Response) else _PASSING_ERRORS):
            return None
        asked = _retry_after(outcome) if isinstance(outcome, Response) else None
        return min(_LONGEST, self._pause(attempt) if asked is None else asked)

    def _pause(self, attempt: int) -> float:
        return self._delay * 2.0 ** min(attempt - 1, 20) * (1 - self._chance() / 2)


def _retry_after(response: Response) -> float | None:
    """Seconds from a Retry-After header, which holds a number of them or a date; None where it says nothing sensible."""
    text = (response.header("retry-after") or "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
