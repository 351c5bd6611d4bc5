"""The protocol of an authentication scheme: a generator of requests.

A scheme is `flow(prepared, params) -> Flow`: it yields the request to send and is sent the response; it may yield again
(a digest replay, a token call). It does no I/O, so every request it asks for goes through the one door. The parameters
arrive with variables resolved.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, Protocol, TypeAlias

from runner.model import Prepared, Response

Flow: TypeAlias = Generator[Prepared, Response, None]


class Scheme(Protocol):
    """How one type of auth signs a request."""

    def __call__(self, prepared: Prepared, params: Mapping[str, Any]) -> Flow:
        """Yield the signed request; a scheme that needs an answer gets it from the yield."""
        ...
