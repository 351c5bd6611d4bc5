"""KIS as an extension of the runner: account numbers, tokens, hashes, and the guard before the real host."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from runner import url as urls
from runner.extension import Prepare, Turn
from runner.kis import accounts, answers, hashkey, tokens
from runner.kis.guard import OrderGuard, moves_money
from runner.kis.hosts import VARIABLES, Kind, expanded
from runner.kis.samples import samples
from runner.model import Item, Prepared, Request, Response


class KisExtension(OrderGuard):
    """One run against the broker."""

    secret_names = tokens.SECRET_NAMES

    def __init__(
        self,
        *,
        hosts: Mapping[str, Kind] | None = None,
        lookup: Callable[[str], Any] | None = None,
        allow_real_orders: bool = False,
        allow_revoke: bool = False,
        keep_account: bool = False,
    ) -> None:
        super().__init__(hosts=hosts, lookup=lookup, allow_real_orders=allow_real_orders)
        self._allow_revoke = allow_revoke
        self._keep_account = keep_account
        self._watch = hashkey.Watch()
        self._revoking = False

    def prepare(self, turn: Turn) -> Prepare:
        """Skip a revocation, or put the account number into a POST body, before scripts hash it."""
        self._lookup = turn.lookup
        self._learn()
        self._watch, self._revoking = hashkey.Watch(turn), False
        request = turn.item.request
        if request.method.strip().upper() != "POST":
            return Prepare()
        url = self._broker_url(turn)
        if url is None:
            return Prepare()
        if tokens.is_revocation(url):
            self._revoking = turn.named or self._allow_revoke or self._is_simulated_end(turn)
            return Prepare() if self._revoking else Prepare(skip=tokens.REVOKE_REASON)
        return Prepare() if self._keep_account else self._filled(turn, request)

    def _is_simulated_end(self, turn: Turn) -> bool:
        """Whether no request of the run needs the token any more; that of a simulator is of no use to later runs either."""
        return self._simulated and all(tokens.revokes(item) for item in turn.after())

    def _broker_url(self, turn: Turn) -> str | None:
        """Where an item goes, None if not to the broker. VTS or PROD may still be empty: then a script is to fill it."""

        def filled(name: str) -> Any:
            value = turn.lookup(name)
            return None if name in VARIABLES and not str(value).strip() else value

        written = turn.item.request.url
        texts: tuple[Callable[[str], str], ...] = (turn.resolve, lambda text: expanded(text, filled))
        found = (urls.wire(urls.substitute(written, text)) for text in texts)
        return next((url for url in found if self._hosts.of(url)), None)

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
        super().accept(scope, key, old, new)
        return None if self._revoking else tokens.objection(key, old, new)

    def placeholders(self, request: Request) -> Iterable[str]:
        """The sample account and user of the published collections."""
        return samples(request)

    def remark(self, item: Item, prepared: Prepared, response: Response) -> Iterable[str]:
        """Name the broker's reason where it refused, whatever the item's tests look at."""
        if self._hosts.of_request(prepared) is None:
            return ()
        reason = answers.refusal(response)
        return (f"KIS: {reason}",) if reason else ()
