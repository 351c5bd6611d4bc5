"""URLs that every HTTP client sends as they are, and what the others would do to the rest."""

from __future__ import annotations

import re

_KEPT = re.compile(r"(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/?]|%[0-9A-F]{2})*")
_NEEDLESS = re.compile(r"%(?:2D|2E|5F|7E|3\d|4[1-9A-F]|5[0-9A]|6[1-9A-F]|7[0-9A])")
_DOTS = re.compile(r"[^?]*/\.{1,2}(?:[/?]|\Z)")


def target_of(url: str) -> str:
    """Path and query of a final URL."""
    return "/" + url.partition("://")[2].partition("/")[2]


def has_dots(url: str) -> bool:
    """Whether a path has `.` or `..` among its segments, which most clients work out before they send it."""
    return bool(_DOTS.match(url))


def has_bare_percent(url: str) -> bool:
    """Whether a `%` stands for itself."""
    return bool(re.search(r"%(?![0-9A-Fa-f]{2})", url))


def rewritten(url: str) -> str | None:
    """In words, what clients that normalise URLs change in this one besides its dots; None if nothing."""
    path = url.partition("://")[2].partition("/")[2]
    if has_bare_percent(path):
        others = re.search(r"%[0-9A-Fa-f]{2}", path)
        return "every % is sent as %25, that of escapes too" if others else "the bare % is sent as %25"
    if found := re.search(r"%(?:[a-f][0-9A-Fa-f]|[0-9A-F][a-f])", path):
        return f"{found[0]} is sent in capital letters"
    if found := _NEEDLESS.search(path):
        return f"{found[0]} is sent as the letter it stands for"
    if not _KEPT.fullmatch(path):
        found = re.search(r"[^A-Za-z0-9\-._~!$&'()*+,;=:@/?%]", path)
        return f"{found[0]} is sent percent-encoded" if found else None
    return None
