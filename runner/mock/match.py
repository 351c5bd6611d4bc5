"""Which saved example answers a request: Postman's matching for mock servers.

The rules are those of Postman's documentation of the matching algorithm: the method has to be the same, the headers
`x-mock-response-code`, `-name` and `-id` narrow the choice, then paths and parameters are compared, and what is most alike
wins. Of equals an example with a 2xx code comes first, then the one saved first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from runner.model import Collection, Example, Item, Param, Url
from runner.url import parse, substitute, unparse

Pairs = tuple[tuple[str, str], ...]

EXACT, VARIABLE, OTHER_CASE, LEAST = 100.0, 1.0, 10.0, 50.0
"""What a path that is the same scores, what a variable segment and another case cost, and what is too little to answer."""

_VARIABLE = re.compile(r":[^/]+|.*\{\{[^{}]+\}\}.*")
_BASE = re.compile(r"^\{\{[^{}]+\}\}$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request to be answered. Names of headers are in lower case."""

    method: str
    path: str
    query: Pairs = ()
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """An example and the request it answers. `rooted` is false where a variable stands for the beginning of its URL."""

    item: Item
    example: Example
    method: str
    segments: tuple[str, ...]
    query: Pairs
    rooted: bool


def saved_examples(collection: Collection, replace: Callable[[str], str]) -> tuple[Saved, ...]:
    """All examples of a collection; `replace` fills the variables in their URLs that have a value."""
    return tuple(_saved(item, example, replace) for item in collection.walk() for example in item.examples)


def _saved(item: Item, example: Example, replace: Callable[[str], str]) -> Saved:
    request = example.request or item.request
    url = _filled(request.url, replace)
    return Saved(
        item=item,
        example=example,
        method=request.method.upper() or "GET",
        segments=tuple(unquote(segment) for segment in url.path),
        query=tuple((unquote(each.key), unquote(each.value or "")) for each in url.query if not each.disabled),
        rooted=not (len(url.host) == 1 and _BASE.match(url.host[0])),
    )


def _filled(url: Url, replace: Callable[[str], str]) -> Url:
    """With variables filled, but path variables left as `:name`: they stand for any value."""
    bare = parse(unparse(url))
    filled = substitute(bare, replace)
    return filled if filled.path or filled.host else bare


def query_of(text: str) -> Pairs:
    """The parameters of a query string."""
    return tuple(parse_qsl(text, keep_blank_values=True))


def best(asked: Asked, examples: Iterable[Saved]) -> Saved | None:
    """The example that answers, None where none is like enough."""
    scored = ((score(asked, saved), saved) for saved in _eligible(asked, examples))
    found = [(points, saved) for points, saved in scored if points >= LEAST]
    return max(found, key=lambda entry: (entry[0], entry[1].example.code // 100 == 2), default=(0.0, None))[1]


def _eligible(asked: Asked, examples: Iterable[Saved]) -> Iterator[Saved]:
    wanted: Mapping[str, Callable[[Saved], str]] = {
        "x-mock-response-code": lambda saved: str(saved.example.code),
        "x-mock-response-name": lambda saved: saved.example.name,
        "x-mock-response-id": lambda saved: saved.example.id,
    }
    for saved in examples:
        if saved.method != asked.method.upper():
            continue
        if all(asked.headers[name].strip() == value(saved) for name, value in wanted.items() if name in asked.headers):
            yield saved


def score(asked: Asked, saved: Saved) -> float:
    """How much alike path and parameters are, 100 at most; 0 where the paths are different ones."""
    segments = tuple(unquote(segment) for segment in asked.path.strip("/").split("/") if segment)
    own = tuple(segment for segment in saved.segments if segment)
    if not saved.rooted and len(segments) > len(own):
        segments = segments[len(segments) - len(own) :]
    if len(segments) != len(own):
        return 0.0
    lost = 0.0
    for asked_one, saved_one in zip(segments, own, strict=True):
        if asked_one == saved_one:
            continue
        if _VARIABLE.fullmatch(saved_one):
            lost += VARIABLE
        elif asked_one.lower() == saved_one.lower():
            lost += OTHER_CASE
        else:
            return 0.0
    return max(EXACT - lost, 0.0) - _query_loss(asked.query, saved.query)


def _query_loss(asked: Pairs, saved: Pairs) -> float:
    """Up to 30 points for parameters that only one of the two has; a variable stands for any value."""
    left, missing = list(asked), 0
    for key, value in saved:
        same = next((pair for pair in left if pair[0] == key and (pair[1] == value or _VARIABLE.fullmatch(value))), None)
        if same:
            left.remove(same)
        else:
            missing += 1
    return 30.0 * (missing + len(left)) / max(len(asked) + len(saved), 1)


def header_pairs(headers: Iterable[Param]) -> Pairs:
    """The headers of an example that still hold for its text: it is neither compressed nor cut into chunks any more."""
    gone = {"content-encoding", "transfer-encoding", "content-length", "connection", "date", "keep-alive"}
    return tuple((each.key, each.value or "") for each in headers if not each.disabled and each.key.lower() not in gone)
