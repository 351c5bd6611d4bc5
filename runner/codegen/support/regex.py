"""Regular expressions of scripts, already written in Python's syntax, used as JavaScript uses them."""

from __future__ import annotations

import re
from typing import Any

from runner.codegen.support.values import OnlyJavaScript, join_units, split_units, text, undefined


class Pattern:
    """`/source/flags`; `everywhere` is the flag g."""

    __slots__ = ("everywhere", "rule")

    def __init__(self, source: str, flags: str = "") -> None:
        marks = {"i": re.IGNORECASE, "s": re.DOTALL}
        rule = re.ASCII
        for flag in flags:
            rule |= marks.get(flag, re.ASCII)
        self.rule = re.compile(source, rule)
        self.everywhere = "g" in flags

    def test(self, value: Any) -> bool:
        """`pattern.test(value)`."""
        return self.rule.search(split_units(text(value))) is not None

    def exec(self, value: Any) -> Any:
        """`pattern.exec(value)`: the match and its groups in a list, or null."""
        found = self.rule.search(split_units(text(value)))
        return _groups(found) if found else None


def _groups(found: re.Match[str]) -> list[Any]:
    parts = [found[0], *found.groups()]
    return [undefined if part is None else join_units(part) for part in parts]


def match(value: str, pattern: Pattern) -> Any:
    """`value.match(pattern)`."""
    if not pattern.everywhere:
        return pattern.exec(value)
    found = [join_units(each[0]) for each in pattern.rule.finditer(split_units(value))]
    return found or None


def replace(value: str, old: Any, new: Any) -> str:
    """`value.replace(old, new)` with a text that holds no `$`, or a function."""
    if not isinstance(old, Pattern):
        return value.replace(text(old), _replacement(new, text(old)), 1)
    rule, count = old.rule, 0 if old.everywhere else 1

    def put(found: re.Match[str]) -> str:
        return split_units(_replacement(new, *_groups(found)))

    return join_units(rule.sub(put, split_units(value), count=count))


def _replacement(new: Any, *found: Any) -> str:
    if callable(new):
        return text(new(*found))
    written = text(new)
    if "$" in written:
        raise OnlyJavaScript("a replacement with `$` is only known to JavaScript")
    return written
