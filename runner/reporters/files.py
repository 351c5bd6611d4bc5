"""Where a report file goes and how it gets there whole: a reader sees the old file or the new one, never half of it."""

from __future__ import annotations

import os
import secrets
from codecs import getincrementaldecoder
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Protocol, TextIO

from runner.errors import UsageError

FOLDER = Path("pabal")
STEM = "pabal-run-report"


def report_path(export: str | None, extension: str, now: datetime, stem: str = STEM) -> Path:
    """Where a report goes: the file of that name, a stamped name in the folder of that name, or one below `pabal/`.

    Missing folders are made.

    Raises:
        UsageError: there can be no file at this place.
    """
    path = Path(export) if export else FOLDER
    try:
        path = path.expanduser()
        with suppress(FileNotFoundError):
            path.stat()
        if not export or path.is_dir() or export.endswith("/"):
            path = _stamped(path, extension, now, stem)
        path.parent.mkdir(parents=True, exist_ok=True)
    except (ValueError, RuntimeError) as error:  # a NUL, half a surrogate pair; ~ of nobody
        raise UsageError(f"no file can be called that: {error}", where=ascii(str(path))) from error
    except OSError as error:
        raise _unwritable(path, error) from error
    if not os.access(path.parent, os.W_OK):
        raise UsageError("cannot be written: the folder is read-only", where=str(path))
    return path


def _stamped(folder: Path, extension: str, now: datetime, stem: str) -> Path:
    """Newman's name: the time in UTC down to milliseconds, and a number that counts up where the name is taken."""
    utc = now.astimezone(UTC)
    stamp = f"{utc:%Y-%m-%d-%H-%M-%S}-{utc.microsecond // 1000:03}"
    number = 0
    while (path := folder / f"{stem}-{stamp}-{number}.{extension}").exists():
        number += 1
    return path


class Sink(Protocol):
    """What a report is written to, in bytes."""

    def write(self, data: bytes, /) -> object:
        """Take the next bytes."""
        ...


class TextSink:
    """Takes UTF-8 for a text stream; a character cut in two waits for its other half."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._decoder = getincrementaldecoder("utf-8")()

    def write(self, data: bytes, /) -> None:
        """Pass on the characters that are whole."""
        self._out.write(self._decoder.decode(data))


@contextmanager
def whole_file(path: Path, mode: int = 0o666) -> Iterator[BinaryIO]:
    """A file to write to, which takes its place under `path` when all has been written, and leaves nothing if not.

    `mode` is what it is allowed at most; the user's umask takes from that.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        if path.exists() and not path.is_file():  # /dev/stderr, a pipe
            with path.open("wb") as device:
                yield device
            return
        target = path.resolve()
        partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        try:
            with open(partial, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
                yield file
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from error


def write_text(path: Path, text: str) -> None:
    """Write a whole file of text, half surrogate pairs and all; missing folders are made.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(path, error) from error
    with whole_file(path) as file:
        file.write(text.encode("utf-8", "surrogatepass"))


def _unwritable(path: Path, error: OSError) -> UsageError:
    return UsageError(f"cannot be written: {error.strerror or error}", where=str(path))
