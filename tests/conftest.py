"""Fixtures for all tests."""

from __future__ import annotations

import gc
import io
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pytest

from runner.cli import config, main
from tests.servers import Recorder


@pytest.fixture(autouse=True, scope="session")
def no_cache_of_the_users(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tests neither leave tokens in the cache of whoever runs them, nor find any there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("user-cache")))
        yield


@pytest.fixture(autouse=True, scope="session")
def ctrl_c() -> None:
    """Commands that tests start can be stopped with Ctrl-C, also where the tests run in a shell's background, which ignores it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


pytest_plugins = ["pytester"]


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    """A server on 127.0.0.1 that records the exact bytes of each request."""
    with Recorder() as server:
        yield server


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended and what it printed."""

    status: int
    out: str
    err: str


class Pabal(Protocol):
    """The `pabal` command within this process."""

    def __call__(self, *words: str, stdin: bytes = b"") -> Done: ...


@pytest.fixture
def pabal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Pabal:
    """Runs the command in an empty folder, which is HOME too, and without settings of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(config, "SYSTEM_RC", tmp_path / "system-newmanrc")
    monkeypatch.setenv("CI", "1")
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    for name in [name for name in os.environ if name.startswith("PABAL_")]:
        monkeypatch.delenv(name)

    def call(*words: str, stdin: bytes = b"") -> Done:
        monkeypatch.setattr(sys, "argv", ["pabal", *words])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        capfd.readouterr()
        try:
            with pytest.raises(SystemExit) as end:
                main()
        finally:
            gc.unfreeze()
            gc.enable()
        return Done(int(end.value.code or 0), *capfd.readouterr())

    return call
