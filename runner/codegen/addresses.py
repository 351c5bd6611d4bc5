"""Where a request goes, taken apart for a reader: only where putting it together again gives the very URL of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from urllib.parse import unquote, urlencode

from runner import url as urls
from runner.codegen.description import Address, Quoting, Text
from runner.codegen.holes import StandIns, filled
from runner.model import Url

_QUOTINGS: tuple[tuple[Quoting, Quoting], ...] = (("form", "form"), ("path", "query"), ("", ""))
"""Ways to encode holes in path and query, the one that is usual in code first; the second leaves all that the runner leaves.

With the last one a value may hold several parts of the URL.
"""
_SAMPLE = "1"


def address_of(found: str, real: str, url: Url, marks: StandIns, values: Mapping[str, str]) -> Address:
    """The address of a request: `found` with stand-ins, `real` as it is sent, and `url` as it was before it was made ready."""
    found = found.partition("#")[0]
    head, mark, query = found.partition("?")
    scheme, slashes, rest = head.partition("://")
    host, slash, path = rest.partition("/")
    written = real.partition("#")[0]
    addresses = []
    for origin in _origins(url, marks, f"{scheme}{slashes}", host):
        for in_path, in_query in _QUOTINGS:
            base = origin + Text.of(slash) + marks.text(path, in_path)
            whole = marks.text(query, in_query) if mark else None
            addresses.append(Address(base=base, query=whole))
            if filled(addresses[-1].exact, values) == written:
                return replace(addresses[-1], params=_params(query, whole, marks, values)) if whole else addresses[-1]
    return addresses[1]


def _origins(url: Url, marks: StandIns, scheme: str, host: str) -> Iterator[Text]:
    """What the URL may begin with, the likeliest first: a variable for the host may hold the scheme, too."""
    if names_the_host(url, marks):
        yield marks.text(host)
        if any(hole.is_open for hole in marks.text(host).holes()):
            return
    yield marks.text(f"{scheme}{host}")


def names_the_host(url: Url, marks: StandIns) -> bool:
    """Whether scheme and host come from one hole: `http://` before it is then the runner's guess, not the user's wish."""
    written = urls.as_parts(url)
    return written.protocol is None and any(written.host[:1] == (marks.word(hole),) for hole in marks.holes.values())


def _params(query: str, whole: Text, marks: StandIns, values: Mapping[str, str]) -> tuple[tuple[Text, Text], ...] | None:
    pairs = [piece.partition("=") for piece in query.split("&")]
    if not all(equals for _, equals, _ in pairs):
        return None
    params = tuple((marks.text(unquote(key)), marks.text(unquote(value))) for key, _, value in pairs)
    samples = {hole.name: _SAMPLE if hole.is_open else values[hole.name] for hole in whole.holes()}
    plain = urlencode([(filled(key, samples), filled(value, samples)) for key, value in params])
    return params if plain == filled(whole, samples) else None
