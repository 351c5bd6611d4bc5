"""Faults on request: which calls go wrong, and in what way."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from random import Random
from threading import Lock

from runner.errors import UsageError
from runner.kis.simulator.facts import codes

_RULE = re.compile(r"(?P<what>[A-Za-z0-9]+)(?:=(?P<ms>\d{1,6}))?(?:@(?P<when>[^:@]+))?(?::(?P<where>\S+))?")
_WHEN = re.compile(r"(?P<first>\d+)(?P<on>-(?P<last>\d*))?|\*(?P<each>[1-9]\d*)|(?P<percent>\d+(?:\.\d+)?)%")
_WAYS = frozenset({"delay", "drop", "lose", "expire"})
HINT = "write CODE, delay=MS, drop, lose or expire, then where wanted @3, @3-5, @3-, @*10 or @5%, and :PART of a path or a tr_id"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What is to happen to one call: a refusal with `code`, `delay` in ms, no answer (`drop`), the answer lost (`lose`)."""

    code: str = ""
    delay: int = 0
    drop: bool = False
    lose: bool = False
    expire: bool = False


class Dropped(Exception):
    """The connection ends without an answer."""


@dataclass(slots=True, kw_only=True)
class Rule:
    """One fault, the calls it is for, and how many of those there have been."""

    text: str
    effect: Effect
    when: re.Match[str] | None
    where: str
    seen: int = 0

    @classmethod
    def parse(cls, text: str) -> Rule:
        """`EGW00201@3` and the like; see `HINT`.

        Raises:
            UsageError: it is not written like that, or the code is not known.
        """
        found = _RULE.fullmatch(text.strip())
        when = _WHEN.fullmatch(found["when"]) if found and found["when"] else None
        if found is None or (found["when"] and when is None):
            raise UsageError(f"not a fault: {text!r}", hint=HINT)
        return cls(text=text.strip(), effect=_effect(found), when=when, where=found["where"] or "")

    def concerns(self, path: str, tr_id: str) -> bool:
        """Whether a call is one of those it counts: all below /uapi/ where no part of a path or a tr_id is named."""
        return self.where in path or self.where == tr_id if self.where else path.startswith("/uapi/")

    def hits(self, random: Random) -> bool:
        """Whether the call that was counted last is one that goes wrong."""
        if self.when is None:
            return True
        if self.when["percent"]:
            return random.random() * 100 < float(self.when["percent"])
        if self.when["each"]:
            return self.seen % int(self.when["each"]) == 0
        first = int(self.when["first"])
        last = int(self.when["last"] or self.seen) if self.when["on"] else first
        return first <= self.seen <= last


class Faults:
    """The faults that are armed, for both hosts together; random ones are the same every time for one seed."""

    def __init__(self, seed: object) -> None:
        self._random = Random(f"{seed}|faults")
        self._rules: list[Rule] = []
        self._lock = Lock()

    def arm(self, text: str) -> None:
        """Add a fault; its calls are counted from now on.

        Raises:
            UsageError: it is not one.
        """
        rule = Rule.parse(text)
        with self._lock:
            self._rules.append(rule)

    def clear(self) -> None:
        """No more faults."""
        with self._lock:
            self._rules.clear()

    @property
    def armed(self) -> tuple[str, ...]:
        """The faults as they were written."""
        return tuple(rule.text for rule in self._rules)

    def draw(self, path: str, tr_id: str) -> Effect:
        """Count a call, and say what happens to it."""
        effect = Effect()
        with self._lock:
            for rule in self._rules:
                if rule.concerns(path, tr_id):
                    rule.seen += 1
                    effect = _both(effect, rule.effect) if rule.hits(self._random) else effect
        return effect


def _effect(found: re.Match[str]) -> Effect:
    what = found["what"]
    if what.upper() in codes():
        effect = Effect(code=what.upper())
    elif what.lower() not in _WAYS or (what.lower() == "delay") != (found["ms"] is not None):
        raise UsageError(f"not a fault: {found[0]!r}", hint=HINT)
    else:
        way = what.lower()
        effect = Effect(delay=int(found["ms"] or 0), drop=way == "drop", lose=way == "lose", expire=way == "expire")
    return effect


def _both(one: Effect, other: Effect) -> Effect:
    return replace(
        one,
        code=one.code or other.code,
        delay=one.delay + other.delay,
        drop=one.drop or other.drop,
        lose=one.lose or other.lose,
        expire=one.expire or other.expire,
    )
