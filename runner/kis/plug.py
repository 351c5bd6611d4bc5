"""How KIS joins a run: on by itself where the collection is the broker's, with the simulator in its place if asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from runner.errors import UsageError
from runner.extension import Extension, Host
from runner.kis.guard import OrderGuard
from runner.kis.hosts import Kind
from runner.kis.limits import RATES
from runner.kis.whose import applies

if TYPE_CHECKING:
    from runner.kis.orders import Orders


def plug(host: Host, extras: Mapping[str, Any]) -> Extension:
    """The extension for a run, by the user's settings (`runner.kis.commands.NAMES`); for other collections only the guard.

    Raises:
        UsageError: settings that do not go together, or not with this collection.
    """
    lookup = host.scopes.lookup
    broker = applies(host.collection, lookup)
    ours = broker and not extras.get("no_kis")
    if extras.get("simulate") and extras.get("no_kis"):
        raise UsageError("--simulate is part of what --no-kis turns off", hint="leave out one of them")
    if extras.get("simulate") and not ours:
        raise UsageError("--simulate is for collections that call the KIS Open API, and this one does not")
    for name in ("simulate_limits", "simulate_fault"):
        if extras.get(name) and not extras.get("simulate"):
            raise UsageError(f"--{name.replace('_', '-')} needs --simulate")
    load = bool(extras.get("load_test"))
    if load and (extras.get("allow_real_orders") or extras.get("simulate")):
        raise UsageError("a load test sends no orders, and a simulator for it is started by itself: pabal simulate")
    shared = bool(extras.get("parallel"))
    if shared and not extras.get("simulate") and (broker or extras.get("allow_real_orders")):
        raise UsageError(
            "one process alone keeps the broker's limits, its tokens and the count of orders: no --jobs for its collections",
            hint="leave out --jobs, or give --simulate: there it may be",
        )
    if extras.get("max_real_orders") is not None and not extras.get("allow_real_orders"):
        raise UsageError("--max-real-orders needs --allow-real-orders")
    if not ours:
        # A PROD in somebody else's collection is somebody else's host.
        return OrderGuard(lookup=lookup if broker else None, orders=_orders(host, extras), load=load, shared=shared)
    from runner.kis.extension import KisExtension

    for name in KisExtension.secret_names:
        host.secrets.add_name(name)
    hosts = _simulated(host, extras) if extras.get("simulate") else None
    return KisExtension(
        hosts=hosts,
        lookup=lookup,
        orders=_orders(host, extras),
        load=load,
        shared=shared,
        allow_revoke=bool(extras.get("allow_revoke")),
        keep_account=bool(extras.get("keep_account")),
        checks=not extras.get("no_kis_checks"),
        all_pages=bool(extras.get("all_pages")),
        supply=lambda values: host.supply(values, "a token that was issued anew", override=True),
        **_manners(extras),
    )


def _manners(extras: Mapping[str, Any]) -> dict[str, Any]:
    """How a run treats limits and tokens: a simulator has its own keys, and limits only where it is told to.

    A load test only ever meets stand-ins for the broker; its users share tokens, as those of one app key have to.
    """
    from runner.kis.store import Store, default_folder

    cache, rate = extras.get("token_cache"), extras.get("rate")
    simulated = bool(extras.get("simulate"))
    limited = bool(extras.get("simulate_limits")) or not (simulated or extras.get("load_test"))
    rates = dict.fromkeys(RATES, rate) if rate else RATES
    return {
        "rates": rates if limited else {},
        "store": Store(default_folder if not simulated or cache else None),
        "reuse": cache is not False,
        "patient": limited,
    }


def _orders(host: Host, extras: Mapping[str, Any]) -> Orders | None:
    """The real orders that the user lets out."""
    if not extras.get("allow_real_orders"):
        return None
    from runner.kis.orders import counted

    earlier = next((each.orders for each in host.before if isinstance(each, OrderGuard)), None)
    return counted(host.plan, host.scopes.lookup, extras.get("max_real_orders"), earlier)


def _simulated(host: Host, extras: Mapping[str, Any]) -> Mapping[str, Kind]:
    """Start the simulator and point the run at it; it knows the user's own keys and accounts where there are any."""
    from runner.kis.simulator import Simulator
    from runner.kis.simulator.keys import TEST_CREDENTIALS

    own = {name: str(value) for name in TEST_CREDENTIALS if (value := host.scopes.lookup(name))}
    limits, faults = bool(extras.get("simulate_limits")), extras.get("simulate_fault", ())
    simulator = Simulator(limits=limits, strict_token_rate=limits, credentials=own, faults=faults)
    simulator.start()
    host.on_close(simulator.close)
    host.supply({"VTS": simulator.mock_url, "PROD": simulator.real_url}, "the simulator", override=True)
    host.supply(simulator.credentials, "the simulator")
    return {simulator.mock_url: "mock", simulator.real_url: "real"}
