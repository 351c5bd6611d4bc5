"""Python expressions as text, laid out as `ruff format` would leave them: flat where they fit, else one entry a line.

A broken bracket ends in a comma, which ruff takes as the wish to keep it that way; so its other layouts need not be known here.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

USUAL_WIDTH = 88
"""Columns of a line where nothing else is said, as with ruff."""

_WIDEST = 100  # of a comment, where code is laid out later
_CUTS = re.compile(r"(?<=[ &?/,;\n])")
_ESCAPES = {"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How code is laid out: the text of one indentation and the columns of a line."""

    indent: str = "    "
    width: int = USUAL_WIDTH
    tab: int = 4

    def fits(self, text: str, depth: int) -> bool:
        """Whether a line at this depth of indentation is short enough; wide letters count as two columns."""
        return self._indentation(depth) + columns(text) <= self.width

    def room(self, depth: int) -> int:
        """Columns left on a line at this depth."""
        return self.width - self._indentation(depth)

    def _indentation(self, depth: int) -> int:
        return depth * (self.tab if self.indent == "\t" else len(self.indent))


class Expression(Protocol):
    """Something to write: as one line, or broken over several."""

    @property
    def flat(self) -> str | None:
        """The whole on one line; None if it must be broken."""
        ...

    def broken(self, before: str, after: str, depth: int, style: Style) -> Iterator[str]:
        """Lines, the first without its indentation, of `before`, this and `after`."""
        ...


def write(expression: Expression, *, before: str = "", after: str = "", depth: int = 0, style: Style) -> str:
    """`before`, the expression and `after` as lines; only the first is without its indentation."""
    flat = expression.flat
    if flat is not None and style.fits(line := f"{before}{flat}{after}", depth):
        return line
    return "\n".join(expression.broken(before, after, depth, style))


@dataclass(frozen=True, slots=True)
class Code:
    """Python as it stands, never broken."""

    text: str

    @property
    def flat(self) -> str:
        return self.text

    def broken(self, before: str, after: str, depth: int, style: Style) -> Iterator[str]:
        yield f"{before}{self.text}{after}"


@dataclass(frozen=True, slots=True)
class Tail:
    """An expression with something behind it, such as `.encode()`."""

    expression: Expression
    text: str

    @property
    def flat(self) -> str | None:
        flat = self.expression.flat
        return None if flat is None else flat + self.text

    def broken(self, before: str, after: str, depth: int, style: Style) -> Iterator[str]:
        yield from self.expression.broken(before, self.text + after, depth, style)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a bracket: `head` is `name=` or `"key": `, `comment` lines above it."""

    value: Expression
    head: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Bracket:
    """A call, list, tuple, dict: entries between `opening` and `closing`. `open_always` breaks it even if it fits.

    `notes` are comments behind the last entry; those that are code stay on one line.
    """

    opening: str
    entries: tuple[Entry, ...]
    closing: str
    open_always: bool = False
    notes: tuple[str | Code, ...] = ()

    @property
    def flat(self) -> str | None:
        texts = [None if entry.comment else entry.value.flat for entry in self.entries]
        if None in texts or ((self.open_always or self.notes) and self.entries):
            return None
        inside = ", ".join(f"{entry.head}{text}" for entry, text in zip(self.entries, texts, strict=True))
        comma = "," if self.opening == "(" and len(self.entries) == 1 else ""
        return f"{self.opening}{inside}{comma}{self.closing}"

    def broken(self, before: str, after: str, depth: int, style: Style) -> Iterator[str]:
        if not self.entries:
            yield f"{before}{self.opening}{self.closing}{after}"
            return
        yield f"{before}{self.opening}"
        inner = style.indent * (depth + 1)
        for entry in self.entries:
            yield from (f"{inner}# {line}" for line in comment_lines(entry.comment, style.room(depth + 1) - 2))
            yield inner + write(entry.value, before=entry.head, after=",", depth=depth + 1, style=style)
        for note in self.notes:
            lines = [note.text] if isinstance(note, Code) else comment_lines(note, style.room(depth + 1) - 2)
            yield from (f"{inner}# {line}" for line in lines)
        yield f"{style.indent * depth}{self.closing}{after}"


@dataclass(frozen=True, slots=True)
class Remarked:
    """An expression that a comment stands above, where it is an entry of a list or dict."""

    expression: Expression
    comment: str

    @property
    def flat(self) -> str | None:
        return self.expression.flat

    def broken(self, before: str, after: str, depth: int, style: Style) -> Iterator[str]:
        yield from self.expression.broken(before, after, depth, style)


@dataclass(frozen=True, slots=True)
class Template:
    """A text with names in it: strings are written down, `Code` becomes `{…}` of an f-string. Long ones are cut over lines."""

    parts: tuple[str | Code, ...]
    prefix: str = ""

    @property
    def flat(self) -> str:
        match self.parts:
            case (Code() as code,):
                return code.text
        return _literal(self.parts, self.prefix)

    def broken(self, before: str, after: str, depth: int, style: Style) -> Iterator[str]:
        whole = style.fits(self.flat, depth + 1)
        pieces = [self.flat] if whole else list(self._pieces(style.room(depth + 1)))
        if len(pieces) < 2 and not whole:
            yield f"{before}{self.flat}{after}"
            return
        yield f"{before}("
        yield from (style.indent * (depth + 1) + piece for piece in pieces)
        yield f"{style.indent * depth}){after}"

    def _pieces(self, room: int) -> Iterator[str]:
        """Literals that fit on a line each, cut where a reader would cut."""
        line: tuple[str | Code, ...] = ()
        for piece in self._atoms():
            longer = (*line, piece)
            if line and (columns(_literal(longer, self.prefix)) > room or _ends_a_line(line[-1])):
                yield _literal(line, self.prefix)
                longer = (piece,)
            line = longer
        if line:
            yield _literal(line, self.prefix)

    def _atoms(self) -> Iterator[str | Code]:
        for part in self.parts:
            yield from (piece for piece in _CUTS.split(part) if piece) if isinstance(part, str) else (part,)


def _ends_a_line(piece: str | Code) -> bool:
    return isinstance(piece, str) and piece.endswith("\n")


def call(function: str, *positional: Expression, **named: Expression) -> Bracket:
    """A call; named arguments keep their order."""
    entries = [Entry(value) for value in positional] + [Entry(value, head=f"{name}=") for name, value in named.items()]
    return Bracket(f"{function}(", tuple(entries), ")")


def sequence(values: Iterable[Expression], brackets: str = "[]", *, open_always: bool = False) -> Bracket:
    """A list, or with `()` a tuple."""
    return Bracket(brackets[0], tuple(_entry(value) for value in values), brackets[1], open_always)


def mapping(pairs: Iterable[tuple[Expression, Expression]], *, open_always: bool = False) -> Bracket:
    """A dict. Keys are written flat."""
    entries = tuple(_entry(value, head=f"{key.flat}: ") for key, value in pairs)
    return Bracket("{", entries, "}", open_always)


def pair(key: Expression, value: Expression) -> Expression:
    """A tuple of two; a remark on the value stands above both."""
    if isinstance(value, Remarked):
        return Remarked(sequence((key, value.expression), "()"), value.comment)
    return sequence((key, value), "()")


def _entry(value: Expression, head: str = "") -> Entry:
    return Entry(value.expression, head, value.comment) if isinstance(value, Remarked) else Entry(value, head)


def comment_lines(text: str, room: int) -> Iterator[str]:
    """A comment broken between words into lines that are short enough."""
    for paragraph in text.split("\n") if text else ():
        line = ""
        for word in paragraph.split(" "):
            if line and columns(f"{line} {word}") > min(max(room, 20), _WIDEST):
                yield line
                line = word
            else:
                line = f"{line} {word}" if line else word
        yield line


def literal(value: Any) -> Expression:
    """A value of JSON as a Python literal; expressions inside stay as they are."""
    match value:
        case str():
            return Template((value,))
        case Mapping():
            return mapping(((literal(key), literal(entry)) for key, entry in value.items()), open_always=len(value) > 1)
        case list():
            return sequence(map(literal, value))
        case tuple():
            return sequence(map(literal, value), "()")
        case None | bool() | int() | float() | bytes():
            return Code(repr(value) if not isinstance(value, bytes) else _bytes(value))
    expression: Expression = value
    return expression


def string(text: str) -> str:
    """A text as a literal on one line, in the quotes that ruff prefers."""
    return _literal((text,))


def visible(text: str) -> str:
    """A text for comments: with a blank for everything that has no looks, such as half a surrogate pair."""
    return "".join(char if char.isprintable() else " " for char in text)


def columns(text: str) -> int:
    """How wide a text is on a terminal."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 0 if unicodedata.combining(char) else 1 for char in text)


def _literal(parts: tuple[str | Code, ...], prefix: str = "") -> str:
    """A string, with `prefix` b of bytes, or an f-string if there is code in it."""
    is_f = any(isinstance(part, Code) for part in parts)
    text = "".join(part for part in parts if isinstance(part, str))
    quote = "'" if text.count('"') > text.count("'") else '"'
    body = "".join(f"{{{part.text}}}" if isinstance(part, Code) else _escaped(part, quote, is_f) for part in parts)
    return f"{'f' if is_f else prefix}{quote}{body}{quote}"


def _escaped(text: str, quote: str, is_f: bool) -> str:
    made = "".join(_ESCAPES.get(char) or (char if char.isprintable() else _escape(char)) for char in text)
    made = made.replace(quote, f"\\{quote}")
    return made.replace("{", "{{").replace("}", "}}") if is_f else made


def _escape(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _bytes(data: bytes) -> str:
    """Bytes as a literal in the quotes that ruff prefers; with both in it, repr escapes the single ones."""
    inner = repr(b"\"'" + data)[2:-1].removeprefix("\"\\'")
    if data.count(b'"') > data.count(b"'"):
        return f"b'{inner}'"
    double = inner.replace("\\'", "'").replace('"', '\\"')
    return f'b"{double}"'
