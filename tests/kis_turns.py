"""What the tests of the KIS extension share: variables, items and turns."""

from __future__ import annotations

from collections.abc import Mapping

from runner.dynamic import Dynamic
from runner.extension import Turn
from runner.model import Body, Event, Item, Param, Prepared, Request, Url
from runner.variables import Scope, Scopes

MOCK = "https://openapivts.koreainvestment.com:29443"
REAL = "https://openapi.koreainvestment.com:9443"
NUMBERS = {"CANO": "50012345", "CANO_T": "60012346", "CANO_REAL": "70012347", "CANO_REAL_T": "80012348"}


def scopes(without: str = "", **values: str | None) -> Scopes:
    """Variables as in a filled environment, some of them different."""
    known: dict[str, str | None] = {"VTS": MOCK, "PROD": REAL, **NUMBERS, **values}
    known.pop(without, None)
    environment = Scope.of(known)
    return Scopes(environment=environment, globals=Scope(), collection=Scope(), dynamic=Dynamic(lambda texts: texts))


def turn(request: Request, known: Scopes, *, named: bool = False, script: str = "") -> Turn:
    """The item's turn, with a pre-request script if one is given."""
    events = (Event(listen="prerequest", code=script),) if script else ()
    item = Item(id="1", name="order", request=request, events=events)
    return Turn(item=item, path=(), named=named, lookup=known.lookup, resolve=known.replace)


def post(
    url: str, body: str = "", headers: Mapping[str, str] | None = None, *, disabled: tuple[str, ...] = (), method: str = "POST"
) -> Request:
    """A request with a raw body."""
    params = tuple(Param(key=key, value=value, disabled=key in disabled) for key, value in (headers or {}).items())
    return Request(url=Url(text=url), method=method, headers=params, body=Body(mode="raw", raw=body))


def sent(url: str, headers: Mapping[str, str] | None = None, *, method: str = "POST", body: bytes = b"") -> Prepared:
    """A request that is about to leave."""
    return Prepared(method=method, url=url, headers=tuple((headers or {}).items()), body=body)
