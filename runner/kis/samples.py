"""Values of the published collections that look like somebody's own and are nobody's."""

from __future__ import annotations

from collections.abc import Iterator

from runner.kis.accounts import KEY, written
from runner.model import Request

ACCOUNT = "12345678"
USER_IDS = {"user_id": "abc1234"}


def samples(request: Request) -> Iterator[str]:
    """The example account in a body, and the example user id in a query."""
    if request.body and ACCOUNT in written(request.body):
        yield f"{KEY} {ACCOUNT}"
    for param in request.url.query:
        if not param.disabled and param.value and USER_IDS.get(param.key) == param.value:
            yield f"{param.key} {param.value}"
