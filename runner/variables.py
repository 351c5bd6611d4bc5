"""Variable scopes and the substitution of `{{name}}` and `<<name>>`, with Postman's precedence and limits.

Behaviour follows postman-collection's VariableScope and SuperString (the substitution limit of 19 is theirs).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from runner.dynamic import Dynamic
from runner.jstext import js_text
from runner.model import Environment, Json, Mutation, Variable

PASSES = 19

_BRACES = re.compile(r"\{\{([^{}]*)\}\}")
_VAULT = "vault:"
_ANGLES = re.compile(r"<<([^<>]*)>>")

MISSING = object()
"""No such variable, where None is a value."""


class Scope:
    """One layer of variables. Duplicates are kept, the last enabled one counts; disabled ones are only carried along."""

    __slots__ = ("_entries", "_index", "_json", "id", "name")

    def __init__(self, values: Iterable[Variable] = (), *, name: str = "", id: str = "") -> None:
        self.name = name
        self.id = id
        self._entries = list(values)
        self._reindex()

    def _reindex(self) -> None:
        self._index = {entry.key: place for place, entry in enumerate(self._entries) if not entry.disabled}
        self._json: tuple[Json, ...] | None = None

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Scope:
        """A scope from plain names and values, as a data row has them."""
        return cls(Variable(key=key, value=value) for key, value in values.items())

    def copy(self) -> Scope:
        """The same variables, to be changed apart from these."""
        return Scope(self._entries, name=self.name, id=self.id)

    def __contains__(self, key: str) -> bool:
        return key in self._index

    def __iter__(self) -> Iterator[Variable]:
        """The variables that count, in order."""
        return (self._entries[place] for place in self._index.values())

    def get(self, key: str, default: Any = None) -> Any:
        """The value of an enabled variable, cast by its type."""
        place = self._index.get(key)
        return default if place is None else typed(self._entries[place])

    def set(self, key: str, value: Any, type: str | None = None) -> None:
        """Give a variable a value; a disabled one of that name is left alone and a new one added, as in Postman."""
        place = self._index.get(key)
        if place is None:
            self._index[key] = len(self._entries)
            self._entries.append(Variable(key=key, value=value, type=type or "any"))
        else:
            old = self._entries[place]
            self._entries[place] = replace(old, value=value, type=type or old.type)
        self._json = None

    def unset(self, key: str) -> None:
        """Remove every enabled variable of that name."""
        if key in self._index:
            self._entries = [entry for entry in self._entries if entry.key != key or entry.disabled]
            self._reindex()

    def apply(self, mutation: Mutation) -> None:
        """Do to this scope what a script did to its copy."""
        if mutation.unset:
            self.unset(mutation.key)
        else:
            self.set(mutation.key, mutation.value)

    def as_json(self) -> tuple[Json, ...]:
        """The enabled variables as the sandbox wants them; the same object until something changes."""
        if self._json is None:
            self._json = tuple({"key": entry.key, "value": entry.value, "type": entry.type} for entry in self)
        return self._json

    def export(self) -> Environment:
        """All variables, disabled ones too, as a file would hold them."""
        return Environment(id=self.id, name=self.name, values=tuple(self._entries))


def changes(before: Iterable[Json], after: Iterable[Json]) -> Iterator[Mutation]:
    """What makes the variables of one list, as the sandbox has them, those of another."""
    lists = ([entry for entry in entries if not entry.get("disabled")] for entries in (before, after))
    old, new = ({entry["key"]: entry.get("value") for entry in entries} for entries in lists)
    for key, value in new.items():
        if key not in old or old[key] != value or type(old[key]) is not type(value):
            yield Mutation(key=key, value=value)
    for key in old.keys() - new.keys():
        yield Mutation(key=key, unset=True)


def typed(variable: Variable) -> Any:
    """The value cast by its declared type, as `Variable.get` in postman-collection does."""
    value, kind = variable.value, variable.type
    if kind in ("any", "default", "secret") or value is None:
        return value
    if kind == "string":
        return js_text(value)
    if kind == "boolean":
        return bool(value)
    if kind == "number" and isinstance(value, str):
        return _number(value)
    if kind in ("array", "object") and isinstance(value, str):
        return _parsed(value, list if kind == "array" else dict)
    return value


def _number(text: str) -> Any:
    try:
        number = float(text or 0)
    except ValueError:
        return float("nan")
    return int(number) if number.is_integer() else number


def _parsed(text: str, shape: type) -> Any:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, shape) else None


class Scopes:
    """The five layers of a run, highest first: local, iteration data, environment, collection, globals. `vault` knows secrets.

    `unresolved` keeps the names that had no value in the whole run, `missing` those since it was last cleared.
    """

    def __init__(self, *, environment: Scope, globals: Scope, collection: Scope, dynamic: Dynamic) -> None:
        self.local = Scope()
        self.data = Scope()
        self.environment = environment
        self.collection = collection
        self.globals = globals
        self.dynamic = dynamic
        self.vault: Callable[[str], str | None] = lambda name: None
        self.unresolved: dict[str, None] = {}
        self.missing: dict[str, None] = {}

    def copy(self) -> Scopes:
        """The same layers, to be changed apart from these."""
        environment, globals, collection = (scope.copy() for scope in (self.environment, self.globals, self.collection))
        made = Scopes(environment=environment, globals=globals, collection=collection, dynamic=self.dynamic)
        made.local, made.data, made.vault = self.local.copy(), self.data.copy(), self.vault
        return made

    def layers(self) -> tuple[tuple[str, Scope], ...]:
        """Name and scope of each layer, highest first."""
        return (
            ("local", self.local),
            ("data", self.data),
            ("environment", self.environment),
            ("collection", self.collection),
            ("globals", self.globals),
        )

    def find(self, name: str) -> Any:
        """The value of the highest layer that has the variable, or the vault's of a `vault:name`, else MISSING.

        A null of the iteration data is none, and hides what lower layers have, as in Postman.
        """
        for scope in (self.local, self.data, self.environment, self.collection, self.globals):
            if name in scope:
                value = scope.get(name)
                return MISSING if value is None and scope is self.data else value
        secret = self.vault(name.removeprefix(_VAULT)) if name.startswith(_VAULT) else None
        return MISSING if secret is None else secret

    def lookup(self, name: str) -> Any:
        """The value of a variable, None when there is none."""
        value = self.find(name)
        return None if value is MISSING else value

    def replace(self, text: str) -> str:
        """Text with its variables put in, nested ones and those inside values too, in at most 19 passes.

        Names that resolve to nothing stay as written and are remembered in `unresolved`.
        """
        if "{{" not in text and "<<" not in text:
            return text
        for _ in range(PASSES):
            before = text
            if "{{" in text:
                text = _BRACES.sub(self._put, text)
            if "<<" in text:
                text = _ANGLES.sub(self._put, text)
            if text == before:
                break
        for found in _BRACES.finditer(text):
            if self._value(found[1]) is None:
                self.unresolved.setdefault(found[1])
                self.missing.setdefault(found[1])
        return text

    def _value(self, name: str) -> str | None:
        value = self.find(name)
        return self.dynamic.value(name) if value is MISSING else js_text(value)

    def _put(self, found: re.Match[str]) -> str:
        # Text between double angles is often no variable at all: what has no value stays, `1 << 2 >> 1` too.
        value = self._value(found[1])
        return found[0] if value is None else value
