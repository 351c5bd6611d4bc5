"""What generated clients are built on: the collection's variables, its scripts, and the guards before a real account.

`Client` sends with requests, `AsyncClient` with httpx and await; what neither of them needs a network for is in `core`.
"""

from runner.client.asynchronous import AsyncClient, AsyncGroup
from runner.client.given import (
    Headers,
    Params,
    header_lines,
    target_of,
    with_headers,
    with_json,
    with_params,
    with_query,
    with_text,
)
from runner.client.synchronous import Client, Group

__all__ = [
    "AsyncClient",
    "AsyncGroup",
    "Client",
    "Group",
    "Headers",
    "Params",
    "header_lines",
    "target_of",
    "with_headers",
    "with_json",
    "with_params",
    "with_query",
    "with_text",
]
