"""Account numbers in bodies: the value of `CANO` is set from the variable that belongs to the request's appkey."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from runner.body import strip_comments
from runner.errors import PabalError
from runner.kis.hosts import expanded
from runner.model import Body, FormParam, Param, Request
from runner.secrets import mask

KEY = "CANO"
ACCOUNT_OF = {"VTS": "CANO", "VTT": "CANO_T", "PROD": "CANO_REAL", "PROT": "CANO_REAL_T"}
"""App key prefix to account variable: of all published items none breaks this rule, while some placeholders lie."""

_TEMPLATE = r"\{\{[^{}]*+\}\}|<<[^<>]*+>>"
_STRING = r'"(?:[^"\\]|\\.)*+"'
_OPEN = re.compile(rf"({_STRING})|{_TEMPLATE}", re.DOTALL)
_COMMENT = r"//[^\n]*+|/\*.*?(?:\*/|\Z)"
_GAP = rf"(?:\s|{_COMMENT})*+"
_TOKEN = re.compile(rf"(?P<string>{_STRING})|{_TEMPLATE}|{_COMMENT}", re.DOTALL)
_VALUE = re.compile(
    rf'{_GAP}:{_GAP}(?P<value>{_STRING}|(?:{_TEMPLATE}|(?!//|/\*)[^\s,"\[\]{{}}])*+)(?P<nested>[\[{{]?)', re.DOTALL
)
_APPKEY = re.compile(r"(?:\{\{\s*|<<\s*)(VTS|VTT|PROD|PROT)_APPKEY(?:\s*\}\}|\s*>>)")
_NUMBER = re.compile(r"[0-9]{8}")


class AccountError(PabalError):
    """The account number of a request cannot be told or is not usable; the request must not go out."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A request with its account number in place, and a line for the report (empty: nothing was changed)."""

    request: Request
    note: str = ""


def fill(request: Request, lookup: Callable[[str], Any], resolve: Callable[[str], str]) -> Filled:
    """Set every `CANO` of a body.

    Raises:
        AccountError: which variable counts is not clear, it holds no eight digits, or an account in the body is out of reach.
    """
    body = request.body and _visible(request.body, resolve)
    if body is None:
        return Filled(request)
    if not written(body):
        _check_filled(body, None, lookup)
        return Filled(request)
    name = account_variable(request)
    if name is None:
        _check_literal(body, resolve)
        return Filled(request)
    number = _number(name, lookup, resolve)
    filled = _with_account(body, number)
    _check_filled(filled, number, lookup)
    return Filled(replace(request, body=filled), f"account: {KEY} ← {name} ({mask(number)})")


def account_variable(request: Request) -> str | None:
    """The account variable that belongs to the request's appkey header, None when that holds no known variable.

    Raises:
        AccountError: there are several appkey headers and they disagree.
    """
    values = [param.value or "" for param in request.headers if param.key.strip().lower() == "appkey" and not param.disabled]
    names = {ACCOUNT_OF[found[1]] if (found := _APPKEY.fullmatch(value.strip())) else None for value in values}
    if len(names) > 1:
        raise AccountError("not sent: the request has several appkey headers that belong to different accounts")
    return next(iter(names), None)


def replace_account(text: str, number: str) -> str:
    """The JSON text with every `CANO` value set to the number; every other character stays what and where it is.

    The text may hold `{{variables}}` and need not be valid JSON yet.

    Raises:
        AccountError: a `CANO` is a list or an object.
    """
    pieces, end = [], 0
    for found in _account_values(text):
        if found["nested"]:
            raise AccountError(f"not sent: {KEY} in the body is a list or an object, not an account number")
        pieces += [text[end : found.start("value")], f'"{number}"']
        end = found.end("value")
    return "".join((*pieces, text[end:]))


def _account_values(text: str) -> Iterator[re.Match[str]]:
    for token in _TOKEN.finditer(text):
        if _is_account_key(token["string"]) and (found := _VALUE.match(text, token.end())):
            yield found


def _is_account_key(token: str | None) -> bool:
    if token is None or (KEY not in token and "\\" not in token):
        return False
    try:
        return bool(json.loads(token) == KEY)
    except ValueError:
        return False


def _visible(body: Body, resolve: Callable[[str], str]) -> Body:
    """The body, with its variables put in where one of them holds the account key."""
    if body.mode != "raw" or written(body):
        return body
    resolved = replace(body, raw=resolve(body.raw))
    return resolved if written(resolved) else body


def written(body: Body) -> list[str]:
    """What stands for CANO in a body now, as text."""
    if body.mode == "urlencoded":
        return [param.value or "" for param in body.urlencoded if _is_account(param)]
    if body.mode == "formdata":
        return [field.value or "" for field in body.formdata if _is_account(field)]
    return [found["value"].strip('"') for found in _account_values(body.raw)] if body.mode == "raw" else []


def _is_account(param: Param | FormParam) -> bool:
    return param.key == KEY and not param.disabled


def _with_account(body: Body, number: str) -> Body:
    if body.mode == "raw":
        return replace(body, raw=replace_account(body.raw, number))
    params = tuple(replace(param, value=number) if _is_account(param) else param for param in body.urlencoded)
    fields = tuple(replace(field, value=number) if _is_account(field) else field for field in body.formdata)
    return replace(body, urlencoded=params, formdata=fields)


def _check_filled(body: Body, number: str | None, lookup: Callable[[str], Any]) -> None:
    """Read the body as the broker will: whatever its spelling, no other account may be left in it."""
    if body.mode == "raw" and any(account != number for account in _accounts(strip_comments(expanded(body.raw, lookup)))):
        raise AccountError(f"not sent: the body holds a {KEY} that could not be replaced; write it as plain JSON")


def _accounts(text: str) -> list[Any]:
    """The value of each CANO in a JSON text, of repeated ones too."""
    found: list[Any] = []

    def collect(pairs: list[tuple[str, Any]]) -> None:
        found.extend(value for key, value in pairs if key == KEY)

    try:
        json.loads(_OPEN.sub(lambda name: name[1] or "null", text), object_pairs_hook=collect, strict=False)
    except (ValueError, RecursionError):  # no JSON, at least not before the scripts have run
        return [value["value"].strip('"') for value in _account_values(text)]
    return found


def _number(name: str, lookup: Callable[[str], Any], resolve: Callable[[str], str]) -> str:
    value = lookup(name)
    number = resolve(f"{{{{{name}}}}}") if value is not None else ""
    if not _NUMBER.fullmatch(number):
        missing = "is empty" if value is not None else "does not exist"
        wrong = f"has {len(number)} characters" if number else missing
        raise AccountError(
            f"not sent: {name} must hold the account number, eight digits, but it {wrong}; fill in {name} in the environment"
            " file, or give it in the process environment or in a .env file (--env-file)"
        )
    return number


def _check_literal(body: Body, resolve: Callable[[str], str]) -> None:
    """Without a known appkey variable the body must already hold a number."""
    if not all(_NUMBER.fullmatch(resolve(value)) for value in written(body)):
        known = ", ".join(f"{{{{{prefix}_APPKEY}}}}" for prefix in ACCOUNT_OF)
        raise AccountError(
            f"not sent: the appkey header does not tell which account this is; use one of {known} there,"
            f" or write eight digits as {KEY}"
        )
