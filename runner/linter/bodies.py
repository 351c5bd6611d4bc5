"""Bodies that say they are JSON and are not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from runner.linter.subject import Finding, Subject, within
from runner.model import Request

_PIECE = re.compile(
    r'(?P<text>"(?:[^"\\]|\\.)*+")|(?P<variable>\{\{[^{}]*+\}\}|<<[^<>]*+>>)|//[^\n]*+|/\*.*?(?:\*/|\Z)', re.DOTALL
)
_STAND_INS = ("null", "", '"":null')
"""What a variable outside quotes may hold: a value, nothing, members of an object."""


def invalid_json(subject: Subject) -> Iterator[Finding]:
    """JSON bodies and GraphQL variables that cannot be read, whatever their `{{variables}}` hold; comments may stay."""
    for step in subject.plan.steps:
        for part, text in _json_texts(step.item.request):
            if fault := _fault(text):
                yield Finding(message=f"no valid JSON: {fault[0]}", place=within(step.title, part), line=fault[1])


def _json_texts(request: Request) -> Iterator[tuple[str, str]]:
    body = request.body
    if body is None or body.disabled:
        return
    if body.mode == "graphql" and isinstance(variables := body.graphql.get("variables"), str) and variables.strip():
        yield "body variables", variables
    if body.mode == "raw" and body.raw.strip() and (body.language == "json" or _says_json(request)):
        yield "body", body.raw


def _says_json(request: Request) -> bool:
    types = [param.value or "" for param in request.headers if param.key.strip().lower() == "content-type" and not param.disabled]
    return any(re.match(r"\s*application/([\w.-]+\+)?json\b", type, re.IGNORECASE) for type in types)


def _fault(text: str) -> tuple[str, int | None] | None:
    """What is wrong with a JSON text and in which line, None when it is fine with some stand-in for its variables."""
    faults = [_read(text, stand_in) for stand_in in _STAND_INS]
    return faults[0] if all(faults) else None


def _read(text: str, stand_in: str) -> tuple[str, int | None] | None:
    def put(piece: re.Match[str]) -> str:
        return piece["text"] or (stand_in if piece["variable"] else "\n" * piece[0].count("\n"))

    try:
        json.loads(_PIECE.sub(put, text), parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        return error.msg, error.lineno
    except ValueError as error:
        return str(error), None
    except RecursionError:
        return "it is nested too deeply", None
    return None


def _no_constant(name: str) -> None:
    raise ValueError(f"there is no {name}")
