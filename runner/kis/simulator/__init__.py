"""A stand-in for the KIS Open API on this machine: both hosts, with KIS's checks, answers, limits and a small order book.

with Simulator(limits=False) as simulator:
    environment = simulator.variables
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Any

from runner.errors import UsageError
from runner.kis.simulator.calls import LogEntry, OrderCall, Records
from runner.kis.simulator.faults import Faults
from runner.kis.simulator.gateway import RATES, SESSIONS, Gateway
from runner.kis.simulator.keys import HOST_OF, TEST_CREDENTIALS, OAuth, key_ring
from runner.kis.simulator.values import market

if TYPE_CHECKING:
    from runner.kis.simulator.server import Server

__all__ = ["LogEntry", "OrderCall", "Simulator"]


class Simulator:
    """The mock and the real host on two loopback ports; a context manager, or `start` and `close`.

    `limits` enforces KIS's calls a second (`rates`, by host), `strict_token_rate` one token a minute for each app key.
    `credentials` replaces test values by variable name, empty ones count as not given. `clock` gives seconds since 1970;
    `seed` decides the made-up values. Ports 0 are free ones. `faults` are armed from the start: `EGW00201@3` refuses the
    third call with that code, `faults.HINT` says what else there is.

    Raises:
        UsageError: a fault is none.
    """

    def __init__(
        self,
        *,
        limits: bool = True,
        strict_token_rate: bool = True,
        credentials: Mapping[str, str] | None = None,
        rates: Mapping[str, int] = RATES,
        clock: Callable[[], float] = time.time,
        seed: object = 0,
        mock_port: int = 0,
        real_port: int = 0,
        faults: Sequence[str] = (),
    ) -> None:
        given = {key: value for key, value in (credentials or {}).items() if value and key in TEST_CREDENTIALS}
        self.credentials: Mapping[str, str] = MappingProxyType({**TEST_CREDENTIALS, **given})
        self._market = market(seed)
        self.faults = Faults(seed)
        for text in faults:
            self.faults.arm(text)
        self._clock, self._ahead = clock, 0.0
        self._ports = {"mock": mock_port, "real": real_port}
        self._records = Records()
        ring = key_ring(self.credentials)
        self.gateways = {
            host: Gateway(
                host,
                OAuth(ring, strict=strict_token_rate, seed=f"{seed}|{host}"),
                rate=rates[host] if limits else None,
                clock=self.now,
                seed=seed,
                market=self._market,
                records=self._records,
                faults=self.faults,
            )
            for host in sorted(set(HOST_OF.values()))
        }
        self._servers: dict[str, Server] = {}

    def start(self) -> Simulator:
        """Begin to serve, if it does not already.

        Raises:
            OSError: a given port is taken.
        """
        from runner.kis.simulator.server import Server

        if self._servers:
            return self
        try:
            for host, gateway in self.gateways.items():
                self._servers[host] = Server(self, gateway, self._ports[host])
        except OSError:
            self.close()
            raise
        return self

    def close(self) -> None:
        """Stop serving; what was recorded can still be read."""
        for server in self._servers.values():
            server.close()
        self._servers = {}

    def __enter__(self) -> Simulator:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def mock_url(self) -> str:
        """Where the mock host listens: the value of `VTS`."""
        return self._servers["mock"].url

    @property
    def real_url(self) -> str:
        """Where the real host listens: the value of `PROD`."""
        return self._servers["real"].url

    @property
    def variables(self) -> Mapping[str, str]:
        """A value for every variable of KIS's environment files: both URLs and the credentials."""
        return {"VTS": self.mock_url, "PROD": self.real_url, **self.credentials}

    @property
    def log(self) -> tuple[LogEntry, ...]:
        """The last 10,000 calls to either host, oldest first."""
        return tuple(self._records.log)

    @property
    def orders(self) -> tuple[OrderCall, ...]:
        """The last 10,000 money-moving calls that arrived at either host, taken or refused, oldest first."""
        return tuple(self._records.orders)

    @property
    def counters(self) -> Mapping[str, Any]:
        """What each host counted since the start or the last reset: calls, limit violations, tokens issued, orders."""
        return {host: gateway.tally.json() for host, gateway in self.gateways.items()}

    @property
    def session(self) -> str:
        """The Korean market's session: `open`, or closed for the `night` or a `holiday`."""
        return self.gateways["real"].session

    @session.setter
    def session(self, session: str) -> None:
        if session not in SESSIONS:
            raise UsageError(f"no such session: {session!r}", hint=f"one of {', '.join(SESSIONS)}")
        for gateway in self.gateways.values():
            gateway.session = session

    def now(self) -> float:
        """The simulator's time in seconds since 1970."""
        return self._clock() + self._ahead

    def advance(self, seconds: float) -> None:
        """Put the simulator's clock forward."""
        self._ahead += seconds

    def move(self, code: str, price: Decimal | str) -> None:
        """Set an instrument's price; open orders that it reaches are filled."""
        self._market.move(code, Decimal(price))
        for gateway in self.gateways.values():
            gateway.settle()

    def reset(self) -> None:
        """Forget orders, log, counters, faults, moved prices and recent calls on both hosts; tokens stay valid."""
        self._records.log.clear()
        self._records.orders.clear()
        self.faults.clear()
        self._market.reset()
        for gateway in self.gateways.values():
            gateway.reset()
