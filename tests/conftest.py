"""Fixtures for all tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.servers import Recorder


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """A server on 127.0.0.1 that records the exact bytes of each request."""
    with Recorder() as server:
        yield server
