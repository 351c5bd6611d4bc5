"""Inquiries that come in pages: fetched to the end, and put together as one answer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from runner.extension import Talk
from runner.kis import answers, calls
from runner.model import Prepared, Response
from runner.request import with_header

LIMIT = 100
"""Pages that are fetched at most."""

_CONTEXT = re.compile(r"ctx_area_\w+", re.IGNORECASE)


def goes_on(response: Response) -> bool:
    """Whether more pages follow: the broker says F or M in the header tr_cont, D or E on the last one."""
    return (response.header("tr_cont") or "").strip().upper() in ("F", "M") and answers.refusal(response) is None


def rest(prepared: Prepared, first: Response, send: Callable[[Prepared], Talk]) -> Talk:
    """Fetch the pages after the first one; the answer holds the rows of all, or is the refusal that one page got."""
    pages = [first]
    while goes_on(pages[-1]) and len(pages) < LIMIT:
        page = yield from send(_next(prepared, pages[-1]))
        if answers.refusal(page) is not None:
            return replace(page, note=f"page {len(pages) + 1}")
        if _rows(page) == _rows(pages[-1]) and _context(page) == _context(pages[-1]):
            yield f"page {len(pages) + 1} is page {len(pages)} once more: no further page is fetched"
            break
        pages.append(page)
    if goes_on(pages[-1]) and len(pages) == LIMIT:
        yield f"there are more than {LIMIT} pages: the rest is not fetched"
    return _merged(pages) if len(pages) > 1 else first


def _next(prepared: Prepared, page: Response) -> Prepared:
    """The request for the page after this one. What its body says about the place goes back as it came, blanks and all."""
    url, _, query = prepared.url.partition("?")
    context = {name.upper(): quote(str(value), safe="") for name, value in _context(page).items()}
    kept = [part for part in query.split("&") if part and part.partition("=")[0].upper() not in context]
    pairs = [*kept, *(f"{name}={value}" for name, value in context.items())]
    return with_header(replace(prepared, url=f"{url}?{'&'.join(pairs)}"), "tr_cont", "N")


def _context(page: Response) -> Mapping[str, Any]:
    return {name: value for name, value in calls.fields(page.body).items() if _CONTEXT.fullmatch(name)}


def _rows(page: Response) -> Mapping[str, Any]:
    return {name: value for name, value in calls.fields(page.body).items() if isinstance(value, list)}


def _merged(pages: Sequence[Response]) -> Response:
    """One answer: the rows of all pages, everything else as the last page has it."""
    last = pages[-1]
    whole = {**calls.fields(last.body), **{name: list(_joined(name, pages)) for name in _rows(last)}}
    body = json.dumps(whole, ensure_ascii=False).encode()
    headers = tuple((name, str(len(body)) if name.lower() == "content-length" else value) for name, value in last.headers)
    first = pages[0]
    return replace(last, url=first.url, headers=headers, body=body, sent=first.sent, note=f"{len(pages)} pages")


def _joined(name: str, pages: Sequence[Response]) -> Iterator[Any]:
    """The rows under one name; totals that are the same on each page are there once."""
    lists = [rows for page in pages if isinstance(rows := calls.fields(page.body).get(name), list)]
    same = len(lists[0]) == 1 and all(rows == lists[0] for rows in lists)
    for rows in lists[:1] if same else lists:
        yield from rows
