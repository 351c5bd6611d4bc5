"""Numbers as Newman writes them: `553B`, `1.2kB`, `27ms`, `1m 2s`."""

from __future__ import annotations

import math

_SIZES = ("B", "kB", "MB", "GB", "TB", "PB")
_DAY, _HOUR, _MINUTE = 86_400, 3_600, 60


def size(count: int) -> str:
    """A number of bytes."""
    value, exponent = float(count), 0
    while _rounded(value, exponent) >= 1000 and exponent < len(_SIZES) - 1:
        value, exponent = value / 1000, exponent + 1
    return f"{_rounded(value, exponent):.15g}{_SIZES[exponent]}"


def _rounded(value: float, exponent: int) -> float:
    """Half up, as JavaScript does; whole bytes, else two decimals."""
    scale = 100 if exponent else 1
    return math.floor(value * scale + 0.5) / scale


def duration(ms: float) -> str:
    """A time span in milliseconds. Newman keeps whole milliseconds up to 1998, then seconds with one decimal."""
    if ms < 1:
        return f"{int(ms * 1000)}µs" if ms > 0 else "0ms"
    if ms < 1998:
        return f"{int(ms)}ms"
    # pretty-ms cuts off, it does not round: 59.99 s is 59.9 s
    seconds = math.floor(ms / 100 + 1e-7) / 10
    whole = int(seconds)
    parts = [(whole // _DAY, "d"), (whole % _DAY // _HOUR, "h"), (whole % _HOUR // _MINUTE, "m")]
    rest = round(seconds % _MINUTE, 1)
    shown = [f"{number}{unit}" for number, unit in parts if number]
    return " ".join(shown + ([f"{rest:g}s"] if rest else []))
