"""`Date`, as far as scripts use it to stamp things: now, milliseconds since 1970, ISO texts, and the parts of local time."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from runner.codegen.support.values import OnlyJavaScript, number


def now() -> int:
    """`Date.now()`: milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Date:
    """`new Date()` and `new Date(milliseconds)`; its methods have JavaScript's names, so that `call` finds them."""

    def __init__(self, stamp: Any = None) -> None:
        if isinstance(stamp, Date):
            stamp = stamp.getTime()
        if isinstance(stamp, str):
            raise OnlyJavaScript("the dates JavaScript finds in a text are only known to JavaScript")
        self._stamp = now() if stamp is None else int(number(stamp))

    def __str__(self) -> str:
        raise OnlyJavaScript("the text of a date is only known to JavaScript")

    def _local(self) -> datetime:
        return datetime.fromtimestamp(self._stamp / 1000).astimezone()

    def getTime(self) -> int:
        return self._stamp

    valueOf = getTime

    def toISOString(self) -> str:
        found = datetime.fromtimestamp(self._stamp // 1000, UTC)
        return f"{found:%Y-%m-%dT%H:%M:%S}.{self._stamp % 1000:03d}Z"

    toJSON = toISOString

    def getFullYear(self) -> int:
        return self._local().year

    def getMonth(self) -> int:
        return self._local().month - 1

    def getDate(self) -> int:
        return self._local().day

    def getDay(self) -> int:
        return self._local().isoweekday() % 7

    def getHours(self) -> int:
        return self._local().hour

    def getMinutes(self) -> int:
        return self._local().minute

    def getSeconds(self) -> int:
        return self._local().second

    def getMilliseconds(self) -> int:
        return self._stamp % 1000
