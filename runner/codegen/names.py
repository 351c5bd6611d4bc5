"""Names for generated code: Python identifiers from whatever a request or a variable is called."""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from collections.abc import Collection

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_TAKEN = frozenset({*keyword.kwlist, *keyword.softkwlist, *dir(builtins)})


def identifier(name: str, *, fallback: str, taken: Collection[str] = ()) -> str:
    """A snake_case identifier (Unicode letters are kept, as NFKC, which is how Python reads them), different from those `taken`.

    Keywords, built-in names and what is taken get an underscore and, from the second on, a number behind them.
    """
    words = re.sub(r"\W+", "_", _CAMEL.sub("_", unicodedata.normalize("NFKC", name))).strip("_").lower()
    base = unicodedata.normalize("NFKC", words) or fallback
    base = base if base.isidentifier() else f"{fallback}_{base}"
    base = base if base.isidentifier() else fallback
    found = f"{base}_" if base in _TAKEN else base
    number = 2
    while found in taken:
        found, number = f"{base}_{number}", number + 1
    return found


def pascal(name: str, *, fallback: str) -> str:
    """The same as the name of a class, whatever else is called that."""
    words = identifier(name, fallback=fallback).strip("_").split("_")
    return "".join(word[:1].upper() + word[1:] for word in words)


def environ_name(name: str) -> str:
    """The process environment's variable that fills a variable: its own name, as in a run, if a shell can set that."""
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        return name
    words = re.sub(r"[^A-Za-z0-9]+", "_", _CAMEL.sub("_", name)).strip("_").upper()
    return (f"_{words}" if words[:1].isdigit() else words) or "SECRET"


def short(name: str, most: int = 200) -> str:
    """So much of a name that it can be a file's, of which none takes more than 255 bytes."""
    while len(name.encode("utf-8", "surrogatepass")) > most:
        name = name[:-1]
    return name
