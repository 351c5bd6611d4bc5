"""Which values stay out of the code, and how they are followed through `prepare`: each is replaced by a stand-in first.

A stand-in is a number of eight digits, which comes out of JSON, forms, percent-encoding and an extension's checks as it went in;
in URLs, where digits could be an address, it is a word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeAlias
from urllib.parse import quote

from runner.codegen.description import Hole, Quoting, Text, Use
from runner.model import Prepared
from runner.url import utf8
from runner.variables import Scopes

Choose: TypeAlias = Callable[[str, Any, str], Hole | None]
"""Name, value (MISSING if there is none) and Postman type of a variable to its hole; None writes the value into the code."""

COMPUTED = {
    "$guid": ("str(uuid.uuid4())", "import uuid"),
    "$randomUUID": ("str(uuid.uuid4())", "import uuid"),
    "$timestamp": ("str(int(time.time()))", "import time"),
    "$isoTimestamp": (
        'datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")',
        "from datetime import UTC, datetime",
    ),
    "$randomInt": ("str(random.randint(0, 1000))", "import random"),
}
"""Dynamic variables that a line of Python makes anew, and what it imports; the others are written as one sample."""

_LETTERS = str.maketrans("0123456789", "qwxzkvjyhg")
# What the runner leaves as it is in a path and in a query (runner/url.py), written for `quote`.
SAFE: Mapping[Quoting, str] = {"path": "!$%&'()*+,/:;=@[\\]^|", "query": "!$%()*+,/:;=?@[\\]^`{|}", "form": ""}


class StandIns:
    """Scopes in which what `choose` picks is hidden: `words` and `numbers` are the scopes.

    `holes` are those asked for so far, `used` the names of those that came up in a text.
    `taken` is text in which no stand-in may occur by chance.
    """

    def __init__(self, scopes: Scopes, choose: Choose, taken: str) -> None:
        self._scopes, self._choose, self._taken = scopes, choose, taken
        self._marks: dict[str, str] = {}
        self._next = 48_120_937
        self.holes: dict[str, Hole] = {}
        self.used: dict[str, None] = {}
        self.numbers = _Masked(scopes, self._number)
        self.words = _Masked(scopes, self._word)

    def lookup(self, name: str) -> Any:
        """A variable as an extension may see it: a stand-in for what comes from the process environment, else its value."""
        mark = self._number(name)
        return mark if mark and self.holes[name].source == "environ" else self._scopes.lookup(name)

    def text(self, found: str, quoting: Quoting = "") -> Text:
        """A text that came out of `prepare`, with holes where stand-ins are."""
        names = {mark: name for name, mark in self._marks.items()} | {self._worded(m): n for n, m in self._marks.items()}
        if not names:
            return Text.of(found)
        pieces = re.split("(" + "|".join(names) + ")", found)
        made = (Use(hole=self._use(names[piece]), quoting=quoting) if piece in names else piece for piece in pieces)
        return Text(tuple([part for part in made if part != ""]))

    def number(self, value: int) -> Hole | None:
        """The hole whose stand-in this number is."""
        return next((self._use(name) for name, mark in self._marks.items() if mark == str(value)), None)

    def _use(self, name: str) -> Hole:
        self.used[name] = None
        return self.holes[name]

    def word(self, hole: Hole) -> str:
        """How a hole looks in a URL."""
        return self._worded(self._marks[hole.name])

    def with_values(self, prepared: Prepared, values: Mapping[str, str]) -> Prepared:
        """A request that was prepared with stand-ins, with the values in their place."""

        def put(text: str) -> str:
            return filled(self.text(text), values)

        headers = tuple((name, put(value)) for name, value in prepared.headers)
        body = put(prepared.body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape") if prepared.body else None
        return replace(prepared, url=put(prepared.url), headers=headers, body=body)

    def shown(self, name: str) -> str | None:
        """What scripts see of a variable: its stand-in, a word where it may be a URL; None shows the value."""
        mark = self._number(name)
        if mark is None:
            return None
        hole = self.holes[name]
        return self._worded(mark) if hole.is_open or "://" in hole.value else mark

    def store(self, name: str) -> None:
        """From now on the variable is what a request sent before has brought."""
        self._marks.setdefault(name, self._new())
        self.holes[name] = Hole(name=name, source="stored", key=name)

    def sample(self, name: str) -> str:
        """One value of a dynamic variable."""
        return self._scopes.dynamic.value(name) or ""

    def _number(self, name: str) -> str | None:
        if name not in self._marks:
            hole = self._choose(name, self._scopes.find(name), _type(self._scopes, name))
            if hole is None:
                return None
            self._marks[name], self.holes[name] = self._new(), hole
        return self._marks[name]

    def _word(self, name: str) -> str | None:
        mark = self._number(name)
        return mark and self._worded(mark)

    def _worded(self, mark: str) -> str:
        return mark.translate(_LETTERS)

    def _new(self) -> str:
        while True:
            self._next += 7_919
            mark = str(self._next)
            if mark not in self._taken and self._worded(mark) not in self._taken:
                return mark


class _Masked(Scopes):
    """Scopes with stand-ins for some of the variables."""

    def __init__(self, scopes: Scopes, stand_in: Callable[[str], str | None]) -> None:
        super().__init__(
            environment=scopes.environment, globals=scopes.globals, collection=scopes.collection, dynamic=scopes.dynamic
        )
        self.local, self.data = scopes.local, scopes.data
        self._stand_in = stand_in

    def find(self, name: str) -> Any:
        """The stand-in of a variable, else its value."""
        mark = self._stand_in(name)
        return super().find(name) if mark is None else mark


def filled(text: Text, values: Mapping[str, str]) -> str:
    """A text with values in place of its holes, encoded as they are there."""
    return "".join(part if isinstance(part, str) else encoded(values[part.hole.name], part.quoting) for part in text.parts)


def encoded(value: str, quoting: Quoting) -> str:
    """A value percent-encoded for a place."""
    return quote(utf8(value), safe=SAFE[quoting]) if quoting else value


def used(texts: Iterator[Text]) -> tuple[Hole, ...]:
    """The holes of texts, each once, in order."""
    return tuple(dict.fromkeys(hole for text in texts for hole in text.holes()))


def _type(scopes: Scopes, name: str) -> str:
    found = (variable for _, scope in scopes.layers() if name in scope for variable in scope if variable.key == name)
    return next((variable.type for variable in found), "any")
