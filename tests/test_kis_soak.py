"""A short soak; the long one is run by hand (`python -m tests.soak 1000`)."""

from __future__ import annotations

from tests.soak import soak

FAULTS = ("EGW00201@70", "drop@*23", "lose@*31", "EGW00302@5:order-cash", "delay=5@*10")


def test_limits_tokens_and_orders_under_faults() -> None:
    found = soak(40, faults=FAULTS, rates=(80, 80), first=False, env={"PROD_TOKEN": "eyJ.of-yesterday"}, retry_delay=5)
    counted = found.simulator
    assert counted["faults"] > 15
    assert (counted["violations"], counted["token_refusals"], counted["orders"]["repeated"]) == (0, 0, 0)
    assert list(counted["tokens"].values()) == [1]
    assert found.lost == []
    assert found.unsure > 0
    assert counted["orders"]["taken"] <= 40
    assert all("order list" in failure or "EGW00302" in failure for failure in found.failures)
