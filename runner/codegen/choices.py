"""Which values stay out of the code, and what stands there instead."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from runner.codegen.description import Hole
from runner.codegen.holes import COMPUTED, Choose
from runner.codegen.names import environ_name
from runner.jstext import js_text
from runner.secrets import Secrets, mask
from runner.variables import MISSING

Variables: TypeAlias = Literal["secrets", "env", "args", "inline"]
"""Which variables the code still has: secrets and what has no value; all, from the process environment or as parameters; none."""

_HASH = re.compile(r"(?:^|[_-])hash$", re.IGNORECASE)
"""Proofs of a request, which nobody should find in code."""
_OF_EVERY_MACHINE = frozenset("HOME HOST HOSTNAME LANG LOGNAME PATH PWD SHELL TEMP TERM TMP TMPDIR USER USERNAME".split())
"""Names that have another meaning in the process environment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A variable that a request uses. `text` is its value as a text, empty if there is none; `is_empty` if it is set so."""

    name: str
    text: str
    is_empty: bool
    secret: bool

    def open(self) -> Hole:
        """A parameter that has to be given."""
        return Hole(name=self.name, source="argument", key=self.name, value="" if self.is_empty else f"{{{{{self.name}}}}}")

    def parameter(self) -> Hole:
        """A parameter that has its value."""
        return Hole(name=self.name, source="argument", key=self.name, value=self.text, default=self.text)

    def from_environ(self, default: str | None = None) -> Hole:
        """A variable of the process environment."""
        return Hole(name=self.name, source="environ", key=environ_name(self.name), value=self.text, default=default)

    @property
    def is_composed(self) -> bool:
        """Whether its value has variables of its own: then these stay, and what is between them is written down."""
        return "{{" in self.text


def chosen_by(variables: Variables, secrets: Secrets) -> Choose:
    """What becomes of each variable. Those that are made anew stay so, unless all are written down."""
    choices: Mapping[Variables, Callable[[Variable], Hole | None]] = {
        "secrets": _secrets,
        "env": _env,
        "args": _args,
        "inline": _masked,
    }

    def choose(name: str, value: Any, type: str) -> Hole | None:
        if name.startswith("$"):
            computed = name in COMPUTED and variables != "inline"
            return Hole(name=name, source="computed", key=COMPUTED[name][0]) if computed else None
        text = "" if value in (MISSING, None) else js_text(value)
        secret = secrets.is_secret(name, type) or bool(_HASH.search(name))
        return choices[variables](Variable(name=name, text=text, is_empty=value == "", secret=secret))

    return choose


def inlined(name: str, value: Any, type: str) -> Hole | None:
    """Every value is written down, as Postman does."""
    return None


def _secrets(variable: Variable) -> Hole | None:
    if variable.secret:
        return variable.from_environ()
    return None if variable.text else variable.open()


def _env(variable: Variable) -> Hole | None:
    if variable.secret or not variable.text:
        return _secrets(variable)
    if variable.is_composed:
        return None
    own = environ_name(variable.name).upper() in _OF_EVERY_MACHINE
    return variable.parameter() if own else variable.from_environ(variable.text)


def _args(variable: Variable) -> Hole | None:
    if variable.secret:
        return Hole(name=variable.name, source="argument", key=variable.name, value=variable.text, secret=True)
    if not variable.text:
        return variable.open()
    return None if variable.is_composed else variable.parameter()


def _masked(variable: Variable) -> Hole | None:
    """A secret is not shown. One without a value is written as in the collection, like all others."""
    if not variable.secret or not variable.text:
        return None
    return Hole(name=variable.name, source="masked", key=variable.name, value=mask(variable.text))
