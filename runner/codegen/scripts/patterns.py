"""JavaScript's regular expressions in Python's syntax, where both mean the same."""

from __future__ import annotations

import re
import warnings

_SPACE = r"\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_WORD = re.compile(r"\\.|\[\^?|\]|\(\?<(?=[A-Za-z])|.", re.DOTALL)
_KEPT = frozenset("dDwWbBnrtfv")


def python_pattern(pattern: str, flags: str) -> str | None:
    """The same pattern for `re` with ASCII classes, None where there is none for certain."""
    if set(flags) - set("gis") or ("i" in flags and not pattern.isascii()) or not _basic(pattern):
        return None
    parts: list[str] = []
    inside = False
    for word in _WORD.findall(pattern):
        written = _class_part(word) if inside else _part(word, "s" in flags)
        if written is None:
            return None
        inside = word[0] == "[" or (inside and word != "]")
        parts.append(written)
    return _checked("".join(parts))


def _basic(pattern: str) -> bool:
    beyond = any(char > "\uffff" for char in pattern)
    return not (beyond or re.search(r"\[\^?\]|\(\?<[=!]|\\[1-9]|\\k|\\c|\\p|\\P|\\u\{|\\0", pattern))


def _escape(word: str, space: str) -> str | None:
    letter = word[1]
    if letter in "sS":
        return space
    if letter.isalnum():
        return word if letter in _KEPT or letter in "xu" else None
    return letter if letter in "/\"'#&~<>=!@%`,;:_ " else word


def _part(word: str, dot_all: bool) -> str | None:
    if word[0] == "\\":
        return _escape(word, f"[{'^' if word[1] == 'S' else ''}{_SPACE}]")
    if word == "." and not dot_all:
        return r"[^\n\r\u2028\u2029]"
    return {"$": r"\Z", "(?<": "(?P<"}.get(word, word)


def _class_part(word: str) -> str | None:
    if word[0] == "\\":
        return None if word[1] in "SB" else r"\x08" if word[1] == "b" else _escape(word, _SPACE)
    return f"\\{word}" if word[0] in "[&~|" else word


def _checked(pattern: str) -> str | None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            re.compile(pattern, re.ASCII)
        except (re.error, FutureWarning, DeprecationWarning, OverflowError):
            return None
    return pattern
