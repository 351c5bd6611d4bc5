"""A call to a gateway, its answer, and what is kept of both for tests to read."""

from __future__ import annotations

import hashlib
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

KEPT = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request as it was received; header names in lower case, query names in upper case."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def tr_id(self) -> str:
        """The tr_id without outer blanks."""
        return self.headers.get("tr_id", "").strip()

    @property
    def client_order(self) -> str:
        """What tells one order of a client from the next: its `gt_uid` header, or else a digest of tr_id and body."""
        return self.headers.get("gt_uid", "").strip() or digest_of(self.tr_id.encode() + self.body)[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str]

    @property
    def code(self) -> str:
        """KIS's code, empty where the answer has none."""
        return str(self.body.get("msg_cd", self.body.get("error_code", "")))


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One call and how it came out; `msg_cd` is KIS's code, empty where the answer has none."""

    host: str
    method: str
    path: str
    tr_id: str
    status: int
    msg_cd: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCall:
    """A money-moving call that reached a host, taken or not; `number` is the order number if it was taken.

    `client` is the same for calls that are one order of the client: see `Call.client_order`.
    """

    host: str
    path: str
    tr_id: str
    account: str
    body: Mapping[str, str]
    msg_cd: str
    client: str
    number: int | None = None

    @property
    def accepted(self) -> bool:
        """Whether an order came of it."""
        return self.number is not None


@dataclass(frozen=True, slots=True)
class Records:
    """What tests read afterwards; both hosts write to one."""

    log: deque[LogEntry] = field(default_factory=lambda: deque(maxlen=KEPT))
    orders: deque[OrderCall] = field(default_factory=lambda: deque(maxlen=KEPT))


@dataclass(slots=True)
class Tally:
    """What one host counted since the start or the last reset; `taken` counts the orders that were taken, by client order."""

    calls: int = 0
    faults: int = 0
    violations: int = 0
    token_refusals: int = 0
    tokens: Counter[str] = field(default_factory=Counter)
    received: int = 0
    taken: Counter[str] = field(default_factory=Counter)

    def json(self) -> Mapping[str, Any]:
        """For the outside: `repeated` is how many orders were taken for a client order that had been taken before."""
        orders = {"received": self.received, "taken": self.taken.total(), "repeated": sum(self._again())}
        counts = {name: getattr(self, name) for name in ("calls", "faults", "violations", "token_refusals")}
        return {**counts, "tokens": dict(self.tokens), "orders": orders}

    def _again(self) -> Iterator[int]:
        return (count - 1 for count in self.taken.values())


def digest_of(body: bytes) -> str:
    """The hashkey of a body: it stands for these very bytes."""
    return hashlib.sha256(body).hexdigest()
