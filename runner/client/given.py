"""What is given at a call of a generated method, merged over what the collection has."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias
from urllib.parse import quote, unquote_plus, urlsplit

from runner.jstext import js_text

Headers: TypeAlias = Mapping[str, str | None] | Sequence[tuple[str, str | None]]
"""Headers for one call; None leaves one of the collection's out."""

Value: TypeAlias = str | int | float
Params: TypeAlias = Mapping[str, Value | Sequence[Value] | None] | Sequence[tuple[str, Value | None]]
"""Parameters for one call; None leaves one of the collection's out, a list repeats the name."""

_SAFE = "-._~!*'()"
_WRITTEN = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"


def with_headers(own: Mapping[str, str | None], given: Headers | None) -> dict[str, str | None]:
    """Headers with those given in their place, whatever the case of their names; what is None is not even the library's own.

    Of several values of one name the last counts, since requests sends only one.
    """
    return dict(_merged_headers(own, given))


def header_lines(own: Headers, given: Headers | None) -> list[tuple[str, str]]:
    """The same as a list, in which a name may come twice and nothing is None."""
    return [(name, value) for name, value in _merged_headers(own, given) if value is not None]


def _merged_headers(own: Headers, given: Headers | None) -> Iterator[tuple[str, str | None]]:
    more = list(_pairs(given or {}))
    names = {name.lower() for name, _ in more}
    yield from (pair for pair in _pairs(own) if pair[0].lower() not in names)
    yield from more


def with_params(own: Params, given: Params | None) -> tuple[tuple[str, str], ...] | None:
    """Parameters with those given in their place, None for none at all."""
    more = list(_parameters(given or {}))
    names = {name for name, _ in more}
    merged = [*((name, value) for name, value in _parameters(own) if name not in names), *more]
    return tuple((name, js_text(value)) for name, value in merged if value is not None) or None


def with_query(url: str, given: Params | None) -> str:
    """The same for parameters in a URL; what stays is as it was written."""
    if not given:
        return url
    more = list(_parameters(given))
    names = {name for name, _ in more}
    head, mark, fragment = url.partition("#")
    address, _, query = head.partition("?")
    kept = [part for part in query.split("&") if part and unquote_plus(part.partition("=")[0]) not in names]
    kept += [f"{quote(name, _SAFE)}={quote(js_text(value), _SAFE)}" for name, value in more if value is not None]
    return f"{address}?{'&'.join(kept)}{mark}{fragment}" if kept else f"{address}{mark}{fragment}"


def with_json(own: Any, given: Any) -> Any:
    """A JSON body with the members given in their place; what is no object takes the place of the whole."""
    if given is None:
        return own
    return {**own, **given} if isinstance(own, dict) and isinstance(given, Mapping) else given


def with_text(own: str, given: Any) -> str:
    """The same for a JSON body that is sent as text."""
    return own if given is None else json.dumps(with_json(_parsed(own), given), ensure_ascii=False)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _parameters(given: Params) -> Iterator[tuple[str, Value | None]]:
    for name, value in _pairs(given):
        if isinstance(value, str | int | float) or value is None:
            yield name, value
        else:
            yield from ((name, each) for each in value)


def _pairs(given: Any) -> Iterable[tuple[str, Any]]:
    return given.items() if isinstance(given, Mapping) else given


def target_of(url: str) -> bytes:
    """What a request line names of a URL, as it is written."""
    target = url.partition(urlsplit(url).netloc)[2].partition("#")[0]
    return quote(target if target.startswith("/") else f"/{target}", _WRITTEN).encode()
