"""Python as it is being written: expressions with what is known of their values, and literals."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, auto


class Kind(StrEnum):
    """What is certain about a value. INT is a small whole number, NUM any number."""

    ANY = auto()
    STR = auto()
    INT = auto()
    NUM = auto()
    BOOL = auto()
    NULL = auto()
    UNDEFINED = auto()
    LIST = auto()
    DICT = auto()
    FUNCTION = auto()
    PATTERN = auto()
    DATE = auto()
    DIGEST = auto()
    ERROR = auto()
    RESPONSE = auto()
    HEADERS = auto()


NUMBERS = frozenset({Kind.INT, Kind.NUM})

# How tightly an expression binds, Python's own order.
LAMBDA, TERNARY, OR, AND, NOT, COMPARE, ADD, ATOM = range(8)


@dataclass(frozen=True, slots=True)
class Py:
    """A Python expression; `literal` when it is one, `plain` when it is a name or a literal and may be written twice.

    `opposite` is how Python says that it is not so, where there is a shorter way than `not`; `bare` is what an `if` may ask
    instead of a whole `bool(…)`.
    """

    text: str
    kind: Kind = Kind.ANY
    level: int = ATOM
    literal: bool = False
    plain: bool = False
    opposite: str = ""
    bare: str = ""

    def at(self, level: int) -> str:
        """The text, in parentheses where it binds less than that."""
        return self.text if self.level >= level else f"({self.text})"


def quoted(value: str) -> str:
    """A text literal as ruff would write it."""
    written = repr(value)
    if written[0] == '"':
        return written
    body = written[1:-1].replace("\\'", "'")
    if '"' in body:
        return written if "'" not in value else '"' + body.replace('"', '\\"') + '"'
    return f'"{body}"'


def constant(value: str) -> Py:
    """A text literal as an expression."""
    return Py(quoted(value), Kind.STR, literal=True, plain=True)


def comparison(left: Py, operator: str, right: Py) -> Py:
    """`left == right` and its like."""
    opposite = {"==": "!=", "is": "is not", "in": "not in"}.get(operator, "")
    one, other = left.at(ADD), right.at(ADD)
    turned = f"{one} {opposite} {other}" if opposite else ""
    return Py(f"{one} {operator} {other}", Kind.BOOL, COMPARE, opposite=turned)


UNDEFINED = Py("undefined", Kind.UNDEFINED, literal=True, plain=True)
NONE = Py("None", Kind.NULL, literal=True, plain=True)
TRUE = Py("True", Kind.BOOL, literal=True, plain=True)
FALSE = Py("False", Kind.BOOL, literal=True, plain=True)
