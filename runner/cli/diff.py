"""What writing files would change, as a unified diff."""

from __future__ import annotations

import difflib
import io
from collections.abc import Iterator
from pathlib import Path

from runner.errors import UsageError

_UNENDED = "\\ No newline at end of file\n"


def unified(path: Path, text: str) -> Iterator[str]:
    """The lines of a diff between a file and the text that is to be written there; none if it has that text.

    Raises:
        UsageError: there is something that cannot be read.
    """
    now = text.encode("utf-8", "surrogatepass")
    try:
        before = path.read_bytes() if path.exists() else None
    except OSError as error:
        raise UsageError(f"cannot be read: {error.strerror or error}", where=str(path)) from error
    if before == now:
        return
    name = "/dev/null" if before is None else str(path)
    for line in difflib.unified_diff(_lines(before or b""), _lines(now), name, str(path)):
        yield line if line.endswith("\n") else f"{line}\n{_UNENDED}"


def _lines(data: bytes) -> list[str]:
    return list(io.StringIO(data.decode("utf-8", "backslashreplace")))
