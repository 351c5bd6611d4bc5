"""The simulator's own paths, `/_simulator/…` on both hosts: read what it counted, arm faults, set prices, start anew."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, TypeAlias

from runner.errors import UsageError
from runner.secrets import mask

if TYPE_CHECKING:
    from runner.kis.simulator import Simulator

PREFIX = "/_simulator/"


def answer(simulator: Simulator, method: str, path: str, body: bytes) -> tuple[int, Any]:
    """HTTP status and JSON value for a call to one of these paths; what is wrong with a call is said in `error`."""
    action = _ACTIONS.get((method, path.removeprefix(PREFIX)))
    if action is None:
        known = [f"{name} {PREFIX}{rest}" for name, rest in _ACTIONS]
        return 404, {"error": "there is no such thing here", "known": known}
    try:
        return 200, action(simulator, _given(body))
    except KeyError as error:
        return 400, {"error": f"missing: {error.args[0]}"}
    except (UsageError, ValueError) as error:
        return 400, {"error": str(error)}


def _given(body: bytes) -> Mapping[str, Any]:
    given = json.loads(body or b"{}")
    if not isinstance(given, dict):
        raise ValueError("the body must be a JSON object")
    return given


def _number(value: object) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal(0)
    if not (number.is_finite() and 0 < number < 10**9):
        raise ValueError(f"not a positive number: {value}")
    return number


def _counters(simulator: Simulator, given: Mapping[str, Any]) -> Any:
    return simulator.counters


def _orders(simulator: Simulator, given: Mapping[str, Any]) -> Any:
    return [{**asdict(order), "account": mask(order.account), "body": _shown(order.body)} for order in simulator.orders]


def _shown(body: Mapping[str, str]) -> Mapping[str, str]:
    return {key: mask(value) if key == "CANO" else value for key, value in body.items()}


def _faults(simulator: Simulator, given: Mapping[str, Any]) -> Any:
    return {"faults": simulator.faults.armed}


def _arm(simulator: Simulator, given: Mapping[str, Any]) -> Any:
    simulator.faults.arm(str(given["fault"]))
    return _faults(simulator, given)


def _disarm(simulator: Simulator, given: Mapping[str, Any]) -> Any:
    simulator.faults.clear()
    return _faults(simulator, given)


def _session(simulator: Simulator, given: Mapping[str, Any]) -> Any:
    simulator.session = str(given["session"])
    return {"session": simulator.session}


def _advance(simulator: Simulator, given: Mapping[str, Any]) -> Any:
    simulator.advance(float(_number(given["advance"])))
    return {"now": simulator.now()}


def _prices(simulator: Simulator, given: Mapping[str, Any]) -> Any:
    for code, price in {code: _number(price) for code, price in given.items()}.items():
        simulator.move(code, price)
    return {"moved": len(given)}


def _reset(simulator: Simulator, given: Mapping[str, Any]) -> Any:
    simulator.reset()
    return {"reset": True}


Action: TypeAlias = "Callable[[Simulator, Mapping[str, Any]], Any]"
_ACTIONS: Mapping[tuple[str, str], Action] = {
    ("GET", "counters"): _counters,
    ("GET", "orders"): _orders,
    ("GET", "faults"): _faults,
    ("POST", "faults"): _arm,
    ("DELETE", "faults"): _disarm,
    ("POST", "session"): _session,
    ("POST", "clock"): _advance,
    ("POST", "prices"): _prices,
    ("POST", "reset"): _reset,
}
