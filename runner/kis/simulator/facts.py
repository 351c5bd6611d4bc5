"""KIS's refusals and their texts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from runner.kis.endpoints import read


class Fault(Exception):
    """KIS refuses: a code of `messages.json`, and the field its text names."""

    def __init__(self, code: str, field: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.field = field


@cache
def codes() -> frozenset[str]:
    """Every message code the simulator knows."""
    return frozenset(_messages())


@cache
def message(code: str) -> tuple[int, str, str]:
    """HTTP status, rt_cd and text of a message code."""
    status, rt_cd, text = _messages()[code]
    return status, rt_cd, text


@cache
def _messages() -> Mapping[str, Any]:
    messages: Mapping[str, Any] = read("messages.json")["messages"]
    return messages
