"""What the broker's answers say about themselves: a refusal often comes with status 200."""

from __future__ import annotations

import json
from typing import Any

from runner.model import Response

_LONGEST = 1_000_000


def refusal(response: Response) -> str | None:
    """The broker's reason in its own words (`EGW00201 …`), None for an answer that is no refusal."""
    answer = _fields(response.body)
    if response.code < 400 and str(answer.get("rt_cd", "0")).strip() == "0":
        return None
    code = answer.get("msg_cd") or answer.get("error_code") or f"HTTP {response.code}"
    text = answer.get("msg1") or answer.get("error_description") or ""
    return " ".join(f"{code} {text}".split())


def _fields(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body) if len(body) <= _LONGEST else {}
    except (ValueError, RecursionError):
        answer = {}
    return answer if isinstance(answer, dict) else {}
