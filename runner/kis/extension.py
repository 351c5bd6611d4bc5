"""KIS as an extension of the runner: account numbers, tokens, hashes, limits, checks, and the guard before the real host."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from runner import url as urls
from runner.errors import SendError
from runner.extension import Prepare, Talk, Turn, plain
from runner.kis import accounts, answers, calls, codes, hashkey, limits, mixups, pages, tokens
from runner.kis.guard import OrderGuard
from runner.kis.hosts import VARIABLES, Kind, expanded
from runner.kis.issuing import Tokens
from runner.kis.money import moves_money
from runner.kis.orders import Orders
from runner.kis.samples import samples
from runner.kis.store import Store
from runner.model import Item, Prepared, Request, Response
from runner.request import with_header
from runner.sandbox import Assertion, ScriptError

CHECK_ORDERS = (
    "주문이 접수되었을 수 있으니 다시 내기 전에 주문내역을 확인하세요"
    " · the order may have reached the broker: check the order list before sending it again"
)


class KisExtension(OrderGuard):
    """One run against the broker.

    `rates` are calls a second for each app key, by kind of host; `checks` makes a refusal of the broker a failed assertion,
    `all_pages` fetches inquiries to their end.
    `store`, `reuse` and `patient` say how tokens are kept, as in `Tokens`; `supply` gives variables a value.
    """

    secret_names = tokens.SECRET_NAMES
    retries = limits.RETRIES

    def __init__(
        self,
        *,
        hosts: Mapping[str, Kind] | None = None,
        lookup: Callable[[str], Any] | None = None,
        orders: Orders | None = None,
        load: bool = False,
        shared: bool = False,
        allow_revoke: bool = False,
        keep_account: bool = False,
        checks: bool = True,
        all_pages: bool = False,
        rates: Mapping[Kind, float] = MappingProxyType({}),
        store: Store | None = None,
        reuse: bool = True,
        patient: bool = True,
        supply: Callable[[Mapping[str, str]], None] = lambda values: None,
    ) -> None:
        super().__init__(hosts=hosts, lookup=lookup, orders=orders, load=load, shared=shared)
        self._checks, self._all_pages = checks, all_pages
        self._limits = limits.Limits(rates)
        self._tokens = Tokens(self._hosts, store or Store(), reuse=reuse, patient=patient)
        self._supply = supply
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
            Refused: an order for the real host, which the user did not allow, or a key or tr_id of the other host.
            SendError: an order with an empty or stale hash.
        """
        super().guard(prepared, source)
        kind = self._hosts.of_request(prepared)
        if kind is None:
            return
        if self._lookup and not self._hosts.both(prepared.url):
            mixups.check(prepared, kind, self._lookup)
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

    def answer(self, prepared: Prepared) -> Response | None:
        """The token that is still good."""
        return self._tokens.answer(prepared) if self._hosts.of_request(prepared) else None

    def pace(self, prepared: Prepared, source: str) -> float:
        """Keep the broker's limits, and the minute between two tokens."""
        kind = self._hosts.of_request(prepared)
        if kind is None:
            return 0.0
        return max(
            self._limits.take(kind, self._hosts.origin(prepared.url), calls.appkey(prepared)), self._tokens.pause(prepared)
        )

    def again(self, prepared: Prepared, source: str, attempt: int, outcome: Response | SendError) -> float | None:
        """Try again what came too fast; never what may have moved money, asks for a token, or needs another token first."""
        self._limits.answered()
        if self._hosts.of_request(prepared) is None:
            return None
        code = answers.code(outcome) if isinstance(outcome, Response) else ""
        orders = moves_money(prepared)
        if code == answers.AT_GATEWAY or (code in answers.TOO_FAST and not orders):
            return limits.pause_after(attempt) if attempt <= limits.RETRIES else math.inf
        return math.inf if orders or code in answers.DEAD_TOKEN or self._tokens.asked(prepared) else None

    def converse(self, prepared: Prepared) -> Talk | None:
        """Count orders, take tokens from the cache, and go on where the broker wants another token."""
        if self._hosts.of_request(prepared) is None:
            return super().converse(prepared)
        ask = self._tokens.asked(prepared)
        return self._tokens.issue(prepared, ask) if ask else self._talk(prepared)

    def _talk(self, prepared: Prepared) -> Talk:
        self._take(prepared)
        if tokens.is_revocation(prepared.url):
            self._tokens.forget(prepared)
        try:
            response = yield from self._said(prepared)
        except SendError as error:
            if moves_money(prepared) and not calls.never_left(error):
                raise SendError(f"{error.what}: {CHECK_ORDERS}", code=error.code, hint=error.hint) from error
            raise
        if moves_money(prepared) and answers.code(response) in answers.UNSURE:
            yield CHECK_ORDERS
        if self._all_pages and pages.goes_on(response) and prepared.method.strip().upper() == "GET":
            response = yield from pages.rest(prepared, response, self._said)
        return response

    def _said(self, prepared: Prepared) -> Talk:
        response = yield from plain(prepared)
        if answers.code(response) in answers.DEAD_TOKEN:
            response = yield from self._revived(prepared, response)
        return response

    def _revived(self, prepared: Prepared, response: Response) -> Talk:
        """Send a request once more with another token: with the old one it went no further than the gateway."""
        refused = response.sent or prepared
        token = yield from self._tokens.renew(refused, answers.code(response))
        if token is None:
            return response
        self._replace_token(calls.bearer(refused), token)
        request = prepared.request and replace(prepared.request, auth=None)
        return (yield from plain(with_header(replace(prepared, request=request), "authorization", f"Bearer {token}")))

    def _replace_token(self, dead: str, token: str) -> None:
        """Requests to come find the new token where the old one was."""
        if self._lookup:
            names = [name for name in tokens.VARIABLES if self._lookup(name) == dead]
            self._supply(dict.fromkeys(names, token))

    def judge(self, item: Item, prepared: Prepared, response: Response) -> Iterable[Assertion]:
        """A refusal of the broker is a failed assertion, though it often comes with status 200."""
        reason = self._refusal(prepared, response) if self._checks else None
        if reason:
            error = ScriptError(name="KIS", message=codes.explained(answers.code(response)) or "the broker refused this")
            yield Assertion(name=reason, index=0, passed=False, error=error)

    def remark(self, item: Item, prepared: Prepared, response: Response) -> Iterable[str]:
        """Without the checks, a refusal of the broker is still a line of the report."""
        reason = None if self._checks else self._refusal(prepared, response)
        return (f"KIS: {reason}",) if reason else ()

    def _refusal(self, prepared: Prepared, response: Response) -> str | None:
        return answers.refusal(response) if self._hosts.of_request(prepared) else None
