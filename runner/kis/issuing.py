"""Access tokens: reused while they are good, asked for no more than once a minute, replaced once when they are dead."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from runner.errors import SendError
from runner.extension import Talk, plain
from runner.kis import calls
from runner.kis.hosts import Hosts
from runner.kis.money import path_of
from runner.kis.store import Entry, Store, digest
from runner.model import Body, Param, Prepared, Request, Response, Url
from runner.request import USER_AGENT, prepare

PAUSE = 61.0
"""Seconds between two issues for an app key: a minute by the broker's clock, and some for what lies between it and ours."""
EARLY = 300.0
"""Seconds before its end at which a token counts as expired."""

Renewal: TypeAlias = Generator[Prepared | str, Response | None, str | None]

_ISSUE = re.compile(r"/+oauth2/+tokenp/*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Ask:
    """Whose token is asked for."""

    origin: str
    appkey: str
    secret: str


class Tokens:
    """The tokens of a run.

    `reuse` False asks for each one anew; `patient` False asks without waiting for the minute to be over, for simulators
    that are to show what happens then. `now` gives seconds since 1970.
    """

    def __init__(
        self, hosts: Hosts, store: Store, *, reuse: bool = True, patient: bool = True, now: Callable[[], float] = time.time
    ) -> None:
        self._hosts, self._store, self._reuse, self._patient, self._now = hosts, store, reuse, patient, now

    def asked(self, prepared: Prepared) -> Ask | None:
        """What a request asks for, None where it is not for a token."""
        if prepared.method.strip().upper() != "POST" or not _ISSUE.fullmatch(path_of(prepared.url)):
            return None
        body = calls.fields(prepared.body)
        appkey, secret = (body.get(name) for name in ("appkey", "appsecret"))
        if body.get("grant_type") != "client_credentials" or not (isinstance(appkey, str) and isinstance(secret, str)):
            return None
        return Ask(self._hosts.origin(prepared.url), appkey, secret) if appkey and secret else None

    def answer(self, prepared: Prepared) -> Response | None:
        """The answer that brought the token which is still good, as if the server had sent it once more."""
        ask = self.asked(prepared)
        entry = self._good(ask) if ask else None
        if entry is None:
            return None
        answer = {**entry.answer, "expires_in": int(entry.expires - self._now())}
        body = json.dumps(answer, ensure_ascii=False).encode()
        headers = (("content-type", "application/json;charset=UTF-8"), ("content-length", str(len(body))))
        return Response(code=200, reason="OK", url=prepared.url, headers=headers, body=body, note="cached")

    def pause(self, prepared: Prepared) -> float:
        """Seconds until a request may leave for the sake of the minute; it counts as sent then."""
        ask = self.asked(prepared)
        if ask is None:
            return 0.0
        wait = self._left(ask)
        self._keep(ask, asked=self._now() + wait)
        return wait

    def issue(self, prepared: Prepared, ask: Ask) -> Talk:
        """Get a token: from the cache, or from the server while other processes wait for it."""
        with self._store.locked(ask.origin, ask.appkey):
            yield from self._announced(ask)
            before = self._entry(ask).asked
            try:
                response = yield from plain(prepared)
            except (SendError, GeneratorExit) as error:
                waiting = self._now() < self._entry(ask).asked
                if waiting or (isinstance(error, SendError) and calls.never_left(error)):
                    self._keep(ask, asked=before)
                raise
            if not response.note:
                self._learn(ask, response)
            return response

    def renew(self, refused: Prepared, code: str) -> Renewal:
        """A token in place of a dead one, None if there is none to be had; `refused` is the request that was sent with it."""
        ask = Ask(self._hosts.origin(refused.url), calls.appkey(refused), (refused.header("appsecret") or "").strip())
        dead = calls.bearer(refused)
        if not (ask.appkey and ask.secret and dead):
            return None
        with self._store.locked(ask.origin, ask.appkey):
            known = self._good(ask)
            if known is None or known.answer["access_token"] == dead:
                yield f"{code}: the token is no longer good, a new one is issued"
                self._keep(ask, expires=0.0, answer={})
                yield from self._announced(ask)
                try:
                    response = yield from plain(_token_request(refused, ask))
                except SendError:  # told where the request is
                    return None
                return self._learn(ask, response)
            return str(known.answer["access_token"])

    def forget(self, prepared: Prepared) -> None:
        """A token is being revoked."""
        appkey = calls.appkey(prepared)
        origin = self._hosts.origin(prepared.url)
        with self._store.locked(origin, appkey):
            entry = self._store.entry(origin, appkey)
            self._store.keep(origin, appkey, Entry(asked=entry.asked))

    def _announced(self, ask: Ask) -> Iterator[str]:
        wait = 0.0 if self._good(ask) else self._left(ask)
        if wait > 0:
            yield f"waiting {wait:.0f} s: the broker issues one token a minute for each app key"

    def _left(self, ask: Ask) -> float:
        since = self._now() - self._entry(ask).asked
        # A time in the future is that of a clock which was set back: it must not hold up anything for more than a minute.
        return min(PAUSE, max(0.0, PAUSE - since)) if self._patient else 0.0

    def _good(self, ask: Ask) -> Entry | None:
        entry = self._entry(ask)
        good = self._reuse and entry.answer.get("access_token") and entry.secret == digest(ask.secret)
        return entry if good and self._now() < entry.expires - EARLY else None

    def _entry(self, ask: Ask) -> Entry:
        return self._store.entry(ask.origin, ask.appkey)

    def _keep(self, ask: Ask, **changes: Any) -> None:
        self._store.keep(ask.origin, ask.appkey, replace(self._entry(ask), **changes))

    def _learn(self, ask: Ask, response: Response) -> str | None:
        """Keep what the server has just answered; the minute counts from the later end of the call."""
        answer = calls.fields(response.body)
        token, life = answer.get("access_token"), answer.get("expires_in")
        self._keep(ask, asked=self._now())
        if response.code != 200 or not isinstance(token, str) or not token:
            return None
        if self._reuse and isinstance(life, int | float):
            self._keep(ask, expires=self._now() + life, secret=digest(ask.secret), answer=answer)
        return token


def _token_request(refused: Prepared, ask: Ask) -> Prepared:
    parts = urlsplit(refused.url)
    body = {"grant_type": "client_credentials", "appkey": ask.appkey, "appsecret": ask.secret}
    request = Request(
        url=Url(text=f"{parts.scheme}://{parts.netloc}/oauth2/tokenP"),
        method="POST",
        headers=(Param(key="content-type", value="application/json"),),
        body=Body(mode="raw", raw=json.dumps(body)),
    )
    behavior = {name: refused.behavior[name] for name in ("strictSSL",) if name in refused.behavior}
    return prepare(request, behavior=behavior, user_agent=refused.header("User-Agent") or USER_AGENT)
