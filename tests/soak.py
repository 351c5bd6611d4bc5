"""A long run of quotes, balances and orders against the simulator with limits and random faults on.

python -m tests.soak 1000
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from runner.assemble import Session
from runner.events import Asserted, Noted, RequestSent
from runner.kis.extension import CHECK_ORDERS
from runner.kis.simulator import Simulator
from runner.options import Options
from tests.kis_runs import balance, collection, order, price, token

FAULTS = ("EGW00201@1%", "EGW00215@1%:inquire", "drop@1%", "lose@1%", "EGW00302@2%:order-cash", "delay=30@2%", "expire@0.1%")
"""Refusals for the pace, connections that end before and after the call was carried out, and tokens that end early."""


@dataclass(kw_only=True)
class Figures:
    """What a soak came to: what the simulator counted on the real host, and what the run said."""

    simulator: dict[str, Any]
    seconds: float
    finished: int = 0
    unsure: int = 0
    failures: list[str] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)

    @property
    def lost(self) -> list[str]:
        """Failures of inquiries, and of tokens."""
        return [failure for failure in self.failures if not failure.startswith("order:")]


def soak(
    iterations: int,
    *,
    faults: Sequence[str] = FAULTS,
    rates: tuple[int, float] = (20, 18),
    first: bool = True,
    env: dict[str, str] | None = None,
    retry_delay: float = 500,
) -> Figures:
    """Run; `rates` are what the simulator enforces and what the run keeps, `first` asks for a token in each iteration."""
    buy = order(prefix="PROD")
    buy["request"]["header"].append({"key": "gt_uid", "value": "{{$guid}}"})  # by which the simulator knows an order again
    items = [price(prefix="PROD"), balance(prefix="PROD"), buy]
    target = collection(*([token(prefix="PROD")] if first else []), *items)
    with Simulator(rates={"real": rates[0], "mock": 2}, faults=faults) as simulator:
        options = Options(
            env_vars={**simulator.variables, **(env or {})},
            iterations=iterations,
            retries=5,
            retry_delay=retry_delay,
            extras={"rate": rates[1], "allow_real_orders": True},
        )
        started = time.monotonic()
        with Session(target, options) as session:
            figures = _told(session.events(bodies=False))
        figures.seconds = time.monotonic() - started
        figures.simulator = dict(simulator.counters["real"])
    return figures


def _told(happened: Any) -> Figures:
    figures = Figures(simulator={}, seconds=0)
    for event in happened:
        match event:
            case RequestSent(source="item", error=str(error)):
                figures.failures.append(f"{event.place.item.name}: {error}")
                figures.unsure += CHECK_ORDERS in error
            case RequestSent(source="item"):
                figures.finished += 1
            case Asserted(assertion=assertion) if not assertion.passed:
                figures.failures.append(f"{event.place.item.name}: {assertion.name}")
            case Noted():
                figures.notes[event.text.partition(" in ")[0].partition(" s:")[0]] += 1
            case _:
                pass
    return figures


if __name__ == "__main__":
    os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp()  # a simulator's tokens are of no use to anybody
    found = soak(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
    print(f"{found.seconds:.0f} s, {found.finished} items answered; the simulator counted {found.simulator}")
    print(f"orders in doubt: {found.unsure}; failures: {dict(Counter(found.failures))}")
    print(f"notes: {dict(found.notes)}")
    print(f"lost: {found.lost}")
