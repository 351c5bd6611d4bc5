"""KIS as an extension of the runner: account numbers, tokens, hashes, and the guard before the real host."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from runner import url as urls
from runner.errors import Refused
from runner.extension import Extension, Prepare, Turn
from runner.kis import accounts, hashkey, tokens
from runner.kis.guard import moves_money, refusal
from runner.kis.hosts import DOMAIN, VARIABLES, Hosts, Kind
from runner.model import Collection, Event, Folder, Item, Prepared, Request

_NAME = re.compile(r"\{\{([^{}]*)\}\}|<<([^<>]*)>>")
_HOST_VARIABLE = re.compile(rf"(?:\{{\{{|<<)(?:{'|'.join(VARIABLES)})(?:\}}\}}|>>)/+(?:uapi|oauth2)/")
_NESTING = 5


class OrderGuard(Extension):
    """Holds back what moves money on the real host. This much is on in every run, whatever the collection is for.

    `hosts` names origins that stand in for the official ones, such as a simulator's; with them nothing may go to the
    broker itself.
    """

    name = "kis"

    def __init__(self, *, hosts: Mapping[str, Kind] | None = None, allow_real_orders: bool = False) -> None:
        self._hosts = Hosts(hosts)
        self._simulated = hosts is not None
        self._allow_real_orders = allow_real_orders

    def guard(self, prepared: Prepared, source: str) -> None:
        """Hold back an order for the real host, and in a simulation everything for the broker.

        Raises:
            Refused: the request must not go out.
        """
        kind = self._hosts.of_request(prepared)
        if kind is None:
            return
        if self._simulated and self._hosts.official(prepared.url):
            raise Refused("this run is simulated, nothing goes to the broker", hint="leave out --simulate to reach the broker")
        if kind == "real" and not self._allow_real_orders and moves_money(prepared):
            raise refusal(prepared, source)


class KisExtension(OrderGuard):
    """One run against the broker."""

    secret_names = tokens.SECRET_NAMES

    def __init__(
        self,
        *,
        hosts: Mapping[str, Kind] | None = None,
        allow_real_orders: bool = False,
        allow_revoke: bool = False,
        keep_account: bool = False,
    ) -> None:
        super().__init__(hosts=hosts, allow_real_orders=allow_real_orders)
        self._allow_revoke = allow_revoke
        self._keep_account = keep_account
        self._watch = hashkey.Watch()
        self._revoking = False

    def prepare(self, turn: Turn) -> Prepare:
        """Skip a revocation, or put the account number into a POST body, before scripts hash it."""
        self._hosts.learn(turn.lookup)
        self._watch, self._revoking = hashkey.Watch(turn), False
        request = turn.item.request
        if request.method.strip().upper() != "POST":
            return Prepare()
        url = urls.wire(urls.substitute(request.url, turn.resolve))
        if self._hosts.of(url) is None:
            return Prepare()
        if tokens.is_revocation(url):
            self._revoking = turn.named or self._allow_revoke
            return Prepare() if self._revoking else Prepare(skip=tokens.REVOKE_REASON)
        return Prepare() if self._keep_account else self._filled(turn, request)

    def _filled(self, turn: Turn, request: Request) -> Prepare:
        try:
            filled = accounts.fill(request, turn.lookup, turn.resolve)
        except accounts.AccountError as error:
            return Prepare(stop=error.what)
        request = filled.request
        if hashkey.wants_hash(turn):
            request, fixed = hashkey.fix_body(request, turn.resolve)
            self._watch = hashkey.Watch(turn, fixed)
        return Prepare(request=request, notes=(filled.note,) if filled.note else ())

    def guard(self, prepared: Prepared, source: str) -> None:
        """Hold back what moves money on the real host, and an order whose hash cannot be right.

        Raises:
            Refused: an order for the real host, which the user did not allow.
            SendError: an order with an empty or stale hash.
        """
        super().guard(prepared, source)
        if self._hosts.of_request(prepared) is None:
            return
        if not moves_money(prepared):
            if hashkey.is_hash_call(prepared):
                self._watch.asked()
        elif source == "item":
            self._watch.check(prepared)

    def accept(self, scope: str, key: str, old: Any, new: Any) -> str | None:
        """Keep a good token or hash where a script would replace it with nothing; after a revocation it may."""
        if tokens.is_hash_variable(key) and not tokens.is_empty(new):
            self._watch.stored(key)
        return None if self._revoking else tokens.objection(key, old, new)


def applies(collection: Collection, lookup: Callable[[str], Any]) -> bool:
    """Whether a run is for the broker: a request, a script, VTS or PROD names one of its hosts, or a request uses these two."""
    if any(DOMAIN in str(lookup(name)).lower() for name in VARIABLES):
        return True
    if any(DOMAIN in event.code.lower() for event in _events(collection)):
        return True
    return any(_is_for_broker(urls.unparse(item.request.url), lookup) for item in collection.walk())


def _events(part: Folder | Item) -> Iterator[Event]:
    yield from part.events
    if isinstance(part, Folder):
        for child in part.items:
            yield from _events(child)


def _is_for_broker(text: str, lookup: Callable[[str], Any]) -> bool:
    # VTS and PROD are names anyone may use: they count together with the broker's paths only.
    return bool(_HOST_VARIABLE.match(text.lstrip())) or DOMAIN in _expanded(text, lookup).lower()


def _expanded(text: str, lookup: Callable[[str], Any]) -> str:
    def value(found: re.Match[str]) -> str:
        known = lookup(found[1] or found[2] or "")
        return found[0] if known is None else str(known)

    for _ in range(_NESTING):
        if (expanded := _NAME.sub(value, text)) == text:
            break
        text = expanded
    return text
