"""What the broker's answers say about themselves: a refusal often comes with status 200."""

from __future__ import annotations

from runner.kis.calls import fields
from runner.model import Response

DEAD_TOKEN = frozenset({"EGW00121", "EGW00123"})
"""The token is not, or no longer, valid: the gateway has sent the call nowhere."""

TOO_FAST = frozenset({"EGW00201", "EGW00215"})
"""Too many calls a second, at the gateway and at the ledger behind it."""

AT_GATEWAY = "EGW00201"
"""The one of these that says for certain that an order has gone nowhere."""

UNSURE = frozenset({"EGW00301", "EGW00302"})
"""Something took too long behind the gateway: an order may have been taken."""


def code(response: Response) -> str:
    """The broker's code of an answer (`EGW00201`), empty where it has none."""
    answer = fields(response.body)
    return str(answer.get("msg_cd") or answer.get("error_code") or "").strip()


def refusal(response: Response) -> str | None:
    """The broker's reason in its own words (`EGW00201 …`), None for an answer that is no refusal."""
    answer = fields(response.body)
    if response.code < 400 and str(answer.get("rt_cd", "0")).strip() == "0":
        return None
    text = answer.get("msg1") or answer.get("error_description") or ""
    return " ".join(f"{code(response) or f'HTTP {response.code}'} {text}".split())
