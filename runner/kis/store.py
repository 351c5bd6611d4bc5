"""What is remembered of app keys between runs: their tokens, one file each, for this user only."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from runner.errors import SendError

PATIENCE = 150
"""Seconds to wait for another process that is getting a token: it may have to wait a minute itself before it may ask."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """When a token was last asked for, and the answer that brought one. Times are seconds since 1970.

    `secret` is a digest of the app secret that was asked with: with another one the answer counts for nothing.
    """

    asked: float = 0.0
    expires: float = 0.0
    secret: str = ""
    answer: Mapping[str, Any] = field(default_factory=dict)


class Store:
    """Entries by origin and app key, in files of a folder, or in memory without one.

    `folder` is only called once an entry is needed. The names of the files are digests: neither a key nor an account can be
    read from a directory listing.
    """

    def __init__(self, folder: Callable[[], Path] | None = None) -> None:
        self._find_folder = folder
        self._entries: dict[str, Entry] = {}

    @cached_property
    def _folder(self) -> Path | None:
        return self._find_folder() if self._find_folder else None

    @contextmanager
    def locked(self, origin: str, appkey: str) -> Iterator[None]:
        """Keep other processes from asking for this key's token meanwhile.

        Raises:
            SendError: another process does not let go of it, or the folder cannot be used.
        """
        if self._folder is None:
            yield
            return
        from filelock import FileLock, Timeout

        lock = FileLock(self._path(origin, appkey).with_suffix(".lock"), timeout=PATIENCE, mode=0o600)
        try:
            _make_private(self._folder)
            lock.acquire()
        except Timeout:
            raise _stopped("another process has been getting a token for this app key all the time") from None
        except OSError as error:
            raise self._unusable(error) from error
        try:
            yield
        finally:
            lock.release()

    def entry(self, origin: str, appkey: str) -> Entry:
        """What is known of a key; nothing where its file is missing or broken."""
        if self._folder is None:
            return self._entries.get(_name(origin, appkey), Entry())
        try:
            text = self._path(origin, appkey).read_text("utf-8")
        except FileNotFoundError:
            return Entry()
        except OSError as error:
            raise self._unusable(error) from error
        return _parsed(text)

    def keep(self, origin: str, appkey: str, entry: Entry) -> None:
        """Remember an entry in place of the one before.

        Raises:
            SendError: the folder cannot be used.
        """
        if self._folder is None:
            self._entries[_name(origin, appkey)] = entry
            return
        try:
            _make_private(self._folder)
            _write_whole(self._path(origin, appkey), json.dumps(asdict(entry), ensure_ascii=False))
        except OSError as error:
            raise self._unusable(error) from error

    def _path(self, origin: str, appkey: str) -> Path:
        return (self._folder or Path()) / f"{_name(origin, appkey)}.json"

    def _unusable(self, error: OSError) -> SendError:
        return _stopped(
            f"the token cache {self._folder} cannot be used: {error.strerror or error}; XDG_CACHE_HOME names another place"
        )


def default_folder() -> Path:
    """Where tokens lie: the user's cache folder of this system."""
    from platformdirs import user_cache_path

    return user_cache_path("pabal", appauthor=False) / "kis-tokens"


def digest(text: str) -> str:
    """What stands for a secret in a file."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _name(origin: str, appkey: str) -> str:
    return digest(f"{origin}|{appkey}")[:40]


def _make_private(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_mode & 0o077 and os.name == "posix":
        folder.chmod(0o700)


def _write_whole(path: Path, text: str) -> None:
    """Put a file in place that nobody else can read, whole or not at all."""
    descriptor, partial = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem[:8]}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(partial).replace(path)
    finally:
        Path(partial).unlink(missing_ok=True)


def _parsed(text: str) -> Entry:
    try:
        found = json.loads(text)
        entry = Entry(
            asked=float(found["asked"]), expires=float(found["expires"]), secret=str(found["secret"]), answer=found["answer"]
        )
    except (ValueError, KeyError, TypeError):
        return Entry()
    return entry if isinstance(entry.answer, dict) else Entry()


def _stopped(reason: str) -> SendError:
    return SendError(f"not sent: {reason}", code="ESTOPPED")
