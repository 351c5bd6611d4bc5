"""The hash of an order: over the bytes that are sent, and never an empty or an old one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from runner.errors import SendError
from runner.extension import Turn
from runner.kis.money import path_of
from runner.kis.tokens import is_empty
from runner.model import Param, Prepared, Request

_NAME = re.compile(r"\{\{([^{}]*)\}\}|<<([^<>]*)>>")
_DYNAMIC = re.compile(r"\{\{\$[^{}]*\}\}")
_HASH_PATH = re.compile(r"/+uapi/+hashkey/*")


def is_hash_call(prepared: Prepared) -> bool:
    """Whether a request to the broker asks for a hash."""
    return bool(_HASH_PATH.fullmatch(path_of(prepared.url)))


def wants_hash(turn: Turn) -> bool:
    """Whether the item's request goes out with a hash: its header is on, or not there and a script may add it."""
    if headers := _hash_headers(turn.item.request):
        return any(not param.disabled for param in headers)
    return any(event.listen == "prerequest" and "hashkey" in event.code.lower() for event in turn.item.events)


@dataclass(frozen=True, slots=True)
class Fixed:
    """A body's text with its variables put in before the scripts run, and the text they were put into."""

    template: str
    text: str


def fix_body(request: Request, resolve: Callable[[str], str]) -> tuple[Request, Fixed | None]:
    """Put the variables of a raw body in now: scripts hash the text as it stands, but Postman resolves it only after them."""
    body = request.body
    if body is None or body.mode != "raw" or not _NAME.search(body.raw):
        return request, None
    template = _DYNAMIC.sub(lambda found: resolve(found[0]), body.raw)
    text = resolve(template)
    # A value that is new each time cannot be compared later on.
    fixed = Fixed(template, text) if resolve(template) == text else None
    return replace(request, body=replace(body, raw=text)), fixed


class Watch:
    """Follows one item from before its scripts to the moment its request leaves."""

    def __init__(self, turn: Turn | None = None, fixed: Fixed | None = None) -> None:
        self._resolve = turn.resolve if turn else None
        self._fixed = fixed
        self._variable = _header_variable(turn.item.request) if turn else None
        self._before = turn.lookup(self._variable) if turn and self._variable else None
        self._asked = False
        self._renewed = False

    def asked(self) -> None:
        """A script has asked the broker for a hash."""
        self._asked = True

    def stored(self, key: str) -> None:
        """A script has stored a good hash."""
        self._renewed = self._renewed or key == self._variable

    def check(self, prepared: Prepared) -> None:
        """Look at an order that is about to leave.

        Raises:
            SendError: its hash is missing, is that of an earlier order, or covers other values than the body.
        """
        hash_ = prepared.header("hashkey")
        if hash_ is None:
            return
        if is_empty(hash_) or _NAME.search(hash_):
            raise _stopped("its hashkey is empty: no hash was fetched for it")
        if self._asked and not self._renewed and self._variable and hash_ == str(self._before):
            raise _stopped(f"the hash call failed, and {self._variable} still holds the hash of an earlier order")
        if self._fixed and self._resolve and self._resolve(self._fixed.template) != self._fixed.text:
            raise _stopped("a script changed a variable of the body after it was fixed for the hash; set it in an earlier item")


def _header_variable(request: Request) -> str | None:
    values = [param.value or "" for param in _hash_headers(request) if not param.disabled]
    found = _NAME.fullmatch(values[-1].strip()) if values else None
    return found[1] or found[2] if found else None


def _hash_headers(request: Request) -> list[Param]:
    return [param for param in request.headers if param.key.strip().lower() == "hashkey"]


def _stopped(reason: str) -> SendError:
    return SendError(f"not sent: {reason}", code="ESTOPPED")
