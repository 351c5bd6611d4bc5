"""What the broker's codes mean and what to do about them, in Korean and English."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files


def explained(code: str) -> str:
    """One line in each language for a code, empty for one that is not known."""
    found = _codes().get(code, {})
    return "\n".join(f"{_sentence(meaning)} {_sentence(advice)}" for meaning, advice in found.values())


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


@cache
def _codes() -> Mapping[str, Mapping[str, tuple[str, str]]]:
    codes: Mapping[str, Mapping[str, tuple[str, str]]]
    codes = json.loads(files("runner.kis").joinpath("data", "codes.json").read_text("utf-8"))["codes"]
    return codes
