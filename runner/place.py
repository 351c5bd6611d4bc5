"""Places inside files, and the errors that name them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from runner.errors import LoadError
from runner.model import Json


class Where:
    """A place inside a file: `collection.json: Orders › Buy › url`."""

    __slots__ = ("file", "names")

    def __init__(self, file: str = "", names: tuple[str, ...] = ()) -> None:
        self.file = file
        self.names = names

    def at(self, name: str) -> Where:
        """The place one step further in."""
        return Where(self.file, (*self.names, name))

    def fail(self, what: str, hint: str = "") -> LoadError:
        """An error at this place, to be raised by the caller."""
        place = " › ".join(self.names)
        return LoadError(what, where=": ".join(part for part in (self.file, place) if part), hint=hint)


def as_object(data: Any, where: Where, number: int | None = None) -> Json:
    """A JSON object, empty for null; `number` is its place in a list, from 1.

    Raises:
        LoadError: it is something else.
    """
    if data is None:
        return {}
    if isinstance(data, dict):
        return data
    raise (where if number is None else where.at(str(number))).fail(f"expected an object, found {kind_of(data)}")


def as_list(data: Any, where: Where) -> list[Any]:
    """A JSON list, empty for null.

    Raises:
        LoadError: it is something else.
    """
    if data is None:
        return []
    if isinstance(data, list):
        return data
    raise where.fail(f"expected a list, found {kind_of(data)}")


def kind_of(data: Any) -> str:
    """What a JSON value is, in the words of an error message."""
    names: Mapping[type, str] = {str: "text", bool: "true or false", int: "a number", float: "a number", list: "a list"}
    return names.get(type(data), "an object" if isinstance(data, dict) else "null")
