"""How JavaScript writes a value as text: what `{{name}}` puts in for a number, a list or null."""

from __future__ import annotations

import math
from typing import Any


def js_text(value: Any) -> str:
    """`String(value)` as JavaScript has it, for anything JSON can hold."""
    if isinstance(value, str):
        return value
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, int | float):
        return _number(value)
    if isinstance(value, list | tuple):
        return ",".join("" if entry is None else js_text(entry) for entry in value)
    return "[object Object]"


_SAFE = 2**53
"""Up to here every whole number has a double of its own."""


def _padded(digits: str, exponent: int) -> str:
    """A whole number too large to be exact: the shortest digits that mean it, then zeros."""
    whole, _, rest = digits.partition(".")
    return whole + rest.ljust(exponent, "0")


def _number(value: float) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if value == int(value) and abs(value) <= _SAFE:
        return str(int(value))
    digits, _, exponent = repr(float(value)).partition("e")
    if _SAFE < abs(value) < 1e21:
        return _padded(digits.removesuffix(".0"), int(exponent or 0))
    if not exponent:
        return digits
    # Python leaves the decimal notation below 1e-4, JavaScript below 1e-6.
    if -7 < int(exponent) < 0:
        return f"{float(value):.{len(digits.replace('.', '').replace('-', '')) - int(exponent) - 1}f}"
    return f"{digits.removesuffix('.0')}e{int(exponent):+d}"
