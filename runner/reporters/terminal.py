"""A terminal, or a file in its place: whether it has colours and Unicode, how wide it is, and how to write to it safely."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from typing import TextIO

from runner.errors import UsageError

STYLES = {
    "gray": "90",
    "red": "31",
    "red bold": "31;1",
    "green": "32",
    "yellow": "33",
    "blue": "34",
    "cyan": "36",
    "white": "37",
    "gray underline": "90;4",
    "red underline": "31;4",
}

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_PLAIN = str.maketrans(
    {"←": "<-", "→": "->", "›": ">", "…": "...", "–": "-", "—": "-", "“": '"', "”": '"', "‘": "'", "’": "'", "µ": "u"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Symbols:
    """Newman's signs, with Unicode or in words."""

    folder: str = "❏"
    root: str = "→"
    sub: str = "↳"
    ok: str = "✓"
    star: str = "★"
    up: str = "↑"
    down: str = "↓"
    top: str = "┌"
    middle: str = "│"
    bottom: str = "└"


PLAIN = Symbols(
    folder="Folder", root="Root", sub="Sub-folder", ok="Pass", star="*", up="^", down="v", top="-", middle="|", bottom="-"
)


class Terminal:
    """Writes to `out`, or to nobody where that is None, as Python has it for a stream that was closed from the start.

    `color` is Newman's auto, on or off; auto heeds NO_COLOR, FORCE_COLOR and TERM of `environ`.
    """

    def __init__(self, out: TextIO | None, environ: Mapping[str, str], *, color: str = "auto", unicode: bool = True) -> None:
        out = _Nobody() if out is None else out
        self.out: TextIO = out
        self.live = is_terminal(out)
        self.color = _has_color(color, self.live, environ)
        self.unicode = unicode and _can_encode(out, "".join(getattr(Symbols(), name) for name in Symbols.__slots__))
        self.symbols = Symbols() if self.unicode else PLAIN
        self.width = _width(out, environ) if self.live else None
        """Columns, None when nobody is looking: then nothing is wrapped but console output."""

    def paint(self, text: str, style: str) -> str:
        """The text in a style of `STYLES`, control characters made visible."""
        text = clean(text)
        return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if self.color and text else text

    def note(self, text: str) -> str:
        """A text of our own or of an extension, without arrows and dashes where there is no Unicode."""
        return text if self.unicode else text.translate(_PLAIN)

    def write(self, text: str) -> None:
        """Write at once; what the encoding of the stream does not have appears escaped.

        Raises:
            UsageError: it cannot be written, a full disk for one. After that nothing is written any more.
            BrokenPipeError: nobody reads any more.
        """
        try:
            _put(self.out, text)
            self.out.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            self.out = _Nobody()
            raise UsageError(f"the report cannot be written: {error.strerror or error}") from error


class _Nobody(StringIO):
    """A stream that keeps nothing."""

    def write(self, text: str) -> int:
        return len(text)


def _put(out: TextIO, text: str) -> None:
    try:
        out.write(text)
    except UnicodeEncodeError:
        encoding = out.encoding or "ascii"
        out.write(text.encode(encoding, "backslashreplace").decode(encoding))


def clean(text: str) -> str:
    """The text with control characters, which could command the terminal, made visible; line ends and tabs stay."""
    if text.isprintable():
        return text
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text.replace("\r\n", "\n"))


def is_terminal(stream: TextIO | None) -> bool:
    """Whether somebody may be looking at the stream; nobody does where there is none."""
    return stream is not None and not stream.closed and stream.isatty()


def _has_color(color: str, live: bool, environ: Mapping[str, str]) -> bool:
    if color in ("on", "off"):
        return color == "on"
    if environ.get("NO_COLOR"):
        return False
    if forced := environ.get("FORCE_COLOR"):
        return forced != "0"
    return live and environ.get("TERM") != "dumb"


def _can_encode(out: TextIO, text: str) -> bool:
    try:
        text.encode(getattr(out, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _width(out: TextIO, environ: Mapping[str, str]) -> int | None:
    if (columns := environ.get("COLUMNS", "")).isdecimal() and int(columns) > 0:
        return int(columns)
    try:
        return os.get_terminal_size(out.fileno()).columns or None
    except (OSError, ValueError):
        return None
