"""What a check says of a response."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from operator import ge, gt, le, lt
from typing import Any

from runner.checks.grammar import NUMERIC, Check, Literal
from runner.exchange import body_text
from runner.model import Response

_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}
_LONGEST = 200
"""Characters of a value that a message shows. A longer one is left out whole: half a secret would not be known as one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A value that a check is about. `label` goes before it in messages; `textual` values are compared with what was written."""

    value: Any
    label: str = ""
    unit: str = ""
    textual: bool = False

    def __str__(self) -> str:
        text = self.value if self.textual else json.dumps(self.value, ensure_ascii=False)
        shown = text if len(text) <= _LONGEST else f"{len(text)} characters"
        return f"{self.label}{shown}{self.unit}"


class Unfit(Exception):
    """A check that cannot be made on a response, in words."""


class Seen:
    """A response, with its body read once for all checks."""

    def __init__(self, response: Response) -> None:
        self.response = response

    @cached_property
    def json(self) -> Any:
        """The body as JSON.

        Raises:
            Unfit: it is none.
        """
        try:
            return json.loads(self.text.removeprefix("\ufeff"))
        except ValueError as error:
            raise Unfit(f"the body is no JSON: {error}") from error
        except RecursionError:
            raise Unfit("the body is no JSON: it is nested too deeply") from None

    @cached_property
    def text(self) -> str:
        """The body as text; what is no text as Latin-1."""
        text = body_text(self.response)
        return self.response.body.decode("latin-1") if text is None else text


def failure(check: Check, seen: Seen) -> str:
    """Why a check fails, empty if it does not.

    Where a path finds several values, each must do; where there is none, only `not exists` holds.
    """
    try:
        found = list(_find(check, seen))
    except Unfit as error:
        return f"expected {check.text}, but {error}"
    if check.operator == "exists":
        present = f", found {found[0]}" if found else ", found nothing"
        return f"expected {check.text}{present}" if bool(found) == check.negated else ""
    if not found:
        return f"expected {check.text}, found nothing there"
    wrong = next((one for one in found if _holds(check, one) == check.negated), None)
    return f"expected {check.text}, found {wrong}" if wrong else ""


def _find(check: Check, seen: Seen) -> Iterator[Found]:
    response = seen.response
    if check.kind in NUMERIC:
        values = {
            "status": (response.code, ""),
            "time": (math.ceil(response.timings.total), " ms"),
            "size": (len(response.body), " bytes"),
        }
        value, unit = values[check.kind]
        yield Found(value=value, unit=unit)
    elif check.kind == "body":
        if response.body:
            yield Found(value=seen.text, textual=True)
    elif check.kind == "header":
        header = response.header(check.name)
        if header is not None:
            yield Found(value=header, label=f"{check.name}: ", textual=True)
    else:
        yield from _followed(check.path, seen.json)


def _followed(path: Any, body: Any) -> Iterator[Found]:
    try:
        matches = path.find(body)
    except (TypeError, AttributeError, LookupError, ValueError, RecursionError) as error:  # of jsonpath-ng's own functions
        raise Unfit(f"the path cannot be followed here: {error}") from error
    for match in matches:
        yield Found(value=match.value, label=_label(match.path))


def _label(path: Any) -> str:
    """The field's name before its value, as in JSON: by it the value is known to be secret or not."""
    fields: tuple[str, ...] = getattr(path, "fields", ())
    return f"{json.dumps(fields[0], ensure_ascii=False)}: " if len(fields) == 1 else ""


def _holds(check: Check, found: Found) -> bool:
    if check.pattern:
        return isinstance(found.value, str | int | float) and bool(check.pattern.search(_text(found)))
    if check.operator in ("==", "in"):
        return any(_same(found, literal) for literal in check.values)
    if check.operator == "contains":
        return any(_contains(found, literal) for literal in check.values)
    number = _number(found)
    return number is not None and all(_ORDERS[check.operator](number, literal.value) for literal in check.values)


def _text(found: Found) -> str:
    return found.value if isinstance(found.value, str) else json.dumps(found.value)


def _same(found: Found, literal: Literal) -> bool:
    """Equal as JSON has it, where 1 is 1.0 but neither true nor "1"."""
    if found.textual:
        return bool(found.value == literal.text)
    return isinstance(found.value, bool) == isinstance(literal.value, bool) and bool(found.value == literal.value)


def _contains(found: Found, literal: Literal) -> bool:
    if isinstance(found.value, str):
        return literal.text in found.value
    if isinstance(found.value, list):
        return any(_same(Found(value=part), literal) for part in found.value)
    return isinstance(found.value, dict) and literal.text in found.value


def _number(found: Found) -> float | None:
    if not found.textual:
        return found.value if isinstance(found.value, int | float) and not isinstance(found.value, bool) else None
    try:
        return float(found.value)
    except ValueError:
        return None
