"""The language of checks, parsed once: `status < 400`, `$.rt_cd == "0"`, `header.content-type contains json`.

check    = subject ["not"] operator [value]
subject  = status | time | size | body | header.NAME | JSONPath, which begins with $
operator = == | != | < | <= | > | >= | contains | matches /regex/ims | in [value, …] | exists
value    = number | true | false | null | "text" | 'text' | text to the end
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, NoReturn

from runner.errors import UsageError

SUBJECTS = r"(?:status|time|size|body)(?![\w.:-])|header\.|\$"
"""What a check begins with."""

NUMERIC = frozenset({"status", "time", "size"})

_SUBJECT = re.compile(r"(?P<plain>status|time|size|body)(?![\w.-])|header\.(?P<header>[\w.-]+)|(?=\$)")
_OPERATOR = re.compile(r"==|!=|<=|>=|<|>|(?P<not>not\s+)?(?P<word>contains|matches|in|exists)(?!\w)")
_REGEX = re.compile(r"/(?P<body>(?:\\.|[^\\/])+)/(?P<flags>[a-z]*)(?!\S)")
_JSON_TEXT = re.compile(r'"(?:\\.|[^"\\])*"')
_RAW_TEXT = re.compile(r"'([^']*)'")
_EXAMPLES = 'for example: status < 400, $.rt_cd == "0", header.content-type contains json'
_ORDERS = frozenset({"<", "<=", ">", ">="})
_FLAGS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL}


@dataclass(frozen=True, slots=True, kw_only=True)
class Literal:
    """A value as JSON has it, and as the text it was written as."""

    value: Any
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One check. `kind` is status, time, size, body, header or json; `name` the header's or the JSONPath, `path` that compiled.

    `operator` is as written, but `!=` is `==` with `negated`. `values` are one, or those of `in`; `pattern` is that of `matches`.
    """

    text: str
    kind: str
    operator: str
    name: str = ""
    path: Any = None
    negated: bool = False
    values: tuple[Literal, ...] = ()
    pattern: re.Pattern[str] | None = None


def parse(text: str, *, where: str = "", offset: int = 0) -> Check:
    """A check from its text; `offset` columns stand before it in its line.

    Raises:
        UsageError: it is none; the message names the column, counted from 1.
    """
    return _Parser(text.rstrip(), where, offset).check()


class _Parser:
    def __init__(self, text: str, where: str, offset: int) -> None:
        self._text, self._where, self._offset = text, where, offset
        self._at = 0

    def check(self) -> Check:
        self._blanks()
        kind, name, path = self._subject()
        self._blanks()
        negated, operator = self._operator(kind)
        self._blanks()
        pattern = self._regex() if operator == "matches" else None
        values = () if operator in ("matches", "exists") else self._values(kind, operator)
        self._blanks()
        if self._at < len(self._text):
            self._fail("nothing more is expected here")
        return Check(
            text=" ".join(self._text.split()),
            kind=kind,
            name=name,
            path=path,
            negated=negated,
            operator=operator,
            values=values,
            pattern=pattern,
        )

    def _fail(self, what: str, at: int | None = None, hint: str = _EXAMPLES) -> NoReturn:
        column = self._offset + (self._at if at is None else at) + 1
        raise UsageError(f"column {column}: {what}", where=self._where, hint=hint)

    def _blanks(self) -> None:
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return found

    def _subject(self) -> tuple[str, str, Any]:
        start = self._at
        found = self._take(_SUBJECT)
        if found is None:
            self._fail("expected status, time, size, body, header.NAME or a JSONPath that begins with $")
        if found["plain"]:
            return found["plain"], "", None
        if found["header"]:
            return "header", found["header"], None
        self._at = self._end_of_path()
        name = self._text[start : self._at]
        return "json", name, self._jsonpath(name, start)

    def _end_of_path(self) -> int:
        """The first blank or comparison outside of brackets and quotes."""
        depth, quote = 0, ""
        for at in range(self._at, len(self._text)):
            char = self._text[at]
            if quote:
                quote = "" if char == quote else quote
            elif char in "'\"":
                quote = char
            elif char in "[(":
                depth += 1
            elif char in ")]":
                depth -= 1
            elif not depth and (char.isspace() or char in "=!<>"):
                return at
        return len(self._text)

    def _jsonpath(self, name: str, start: int) -> Any:
        from jsonpath_ng.exceptions import JSONPathError
        from jsonpath_ng.ext.parser import parse as parse_path

        try:
            return parse_path(name)
        except JSONPathError as error:
            self._fail(f"{name} is no JSONPath: {error}", start, "names beyond ASCII go in brackets: $['이름'][0].price")

    def _operator(self, kind: str) -> tuple[bool, str]:
        start = self._at
        found = self._take(_OPERATOR)
        if found is None:
            self._fail("expected ==, !=, <, <=, >, >=, contains, matches, in or exists")
        operator = found["word"] or found[0]
        if kind in NUMERIC and operator in ("contains", "matches", "exists"):
            self._fail(f"{kind} is a number, compare it with ==, !=, <, <=, >, >= or in", start)
        return bool(found["not"]) or operator == "!=", "==" if operator == "!=" else operator

    def _regex(self) -> re.Pattern[str]:
        start = self._at
        found = self._take(_REGEX)
        if found is None:
            self._fail("expected a regular expression such as /^ok$/i")
        if unknown := set(found["flags"]) - set(_FLAGS):
            self._fail(f"there is no flag {min(unknown)!r}, only i, m and s", found.start("flags"))
        try:
            return re.compile(found["body"], sum(_FLAGS[flag] for flag in set(found["flags"])))
        except (re.error, OverflowError, RecursionError) as error:
            self._fail(f"the regular expression cannot be used: {error}", start)

    def _values(self, kind: str, operator: str) -> tuple[Literal, ...]:
        if operator != "in":
            return (self._value(kind, operator, ""),)
        if not self._text.startswith("[", self._at):
            self._fail("expected a list such as [200, 201]")
        values: list[Literal] = []
        while not values or self._text.startswith(",", self._at):
            self._at += 1
            self._blanks()
            values.append(self._value(kind, operator, ",]"))
            self._blanks()
        if not self._text.startswith("]", self._at):
            self._fail("expected , or ]")
        self._at += 1
        return tuple(values)

    def _value(self, kind: str, operator: str, ends: str) -> Literal:
        start = self._at
        literal = self._literal(ends)
        numeric = isinstance(literal.value, int | float) and not isinstance(literal.value, bool)
        if not numeric and (kind in NUMERIC or operator in _ORDERS):
            self._fail(
                f"{kind} is a number, compare it with one" if kind in NUMERIC else f"expected a number after {operator}", start
            )
        return literal

    def _literal(self, ends: str) -> Literal:
        start = self._at
        if found := self._take(_JSON_TEXT):
            text = self._json_text(found[0], start)
            return Literal(value=text, text=text)
        if found := self._take(_RAW_TEXT):
            return Literal(value=found[1], text=found[1])
        while self._at < len(self._text) and self._text[self._at] not in ends:
            self._at += 1
        text = self._text[start : self._at].strip()
        if not text or text[0] in "\"'":
            self._fail("the text has no end" if text else "a value is missing", start)
        return Literal(value=_plain(text), text=text)

    def _json_text(self, quoted: str, start: int) -> str:
        try:
            return str(json.loads(quoted))
        except ValueError:
            self._fail("the text holds a \\ that JSON does not know; in '…' a \\ is only a \\", start)


def _plain(text: str) -> Any:
    """A number, true, false or null; else it is only text."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return text if isinstance(value, str | list | dict) or value != value or abs(value or 0) == float("inf") else value
