"""Files of cookies, as tough-cookie writes a jar: Newman reads what is written here, and the other way round."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from math import isnan
from pathlib import Path
from typing import Any

from runner.cookies import from_tough, moment, to_tough
from runner.model import Cookie, Json
from runner.place import Where, as_object, kind_of
from runner.reading import read_json

_JAR: Json = {
    "version": "tough-cookie@4.1.3",
    "storeType": "MemoryCookieStore",
    "rejectPublicSuffixes": False,
    "enableLooseMode": True,
    "allowSpecialUseDomain": True,
    "prefixSecurity": "silent",
}
_KINDS: Mapping[str, type] = {
    **dict.fromkeys(("key", "value", "domain", "path", "sameSite", "expires", "creation", "lastAccessed"), str),
    **dict.fromkeys(("secure", "httpOnly", "hostOnly", "pathIsDefault"), bool),
}
_TIMES = ("expires", "creation", "lastAccessed")
_ENDLESS = ("Infinity", "-Infinity")


def load_cookies(path: str | Path) -> tuple[Cookie, ...]:
    """The cookies in a file.

    Raises:
        LoadError: it cannot be read, is not JSON, or is no cookie jar; names the file and the place inside.
    """
    where, now = Where(str(path)), time.time()
    entries = as_object(read_json(path), where).get("cookies")
    if not isinstance(entries, list):
        raise where.fail("is not a cookie jar: it has no list of cookies")
    return tuple(_cookie(entry, where.at(f"cookie {number}"), now) for number, entry in enumerate(entries, 1))


def cookies_json(cookies: Iterable[Cookie]) -> Json:
    """A jar of these cookies, for a file."""
    return _JAR | {"cookies": [to_tough(cookie) for cookie in cookies]}


def _cookie(data: Any, where: Where, now: float) -> Cookie:
    entry = {name: value for name, value in as_object(data, where).items() if value is not None}
    for name, kind in _KINDS.items():
        if not isinstance(entry.get(name, kind()), kind):
            raise where.at(name).fail(f"expected {kind_of(kind())}, found {kind_of(entry[name])}")
    for name in _TIMES:
        if moment(text := entry.get(name, "Infinity")) is None and text != "Infinity":
            raise where.at(name).fail(f'expected a time such as 2030-12-31T23:59:59.000Z, found "{text}"')
    age = entry.get("maxAge", 0)
    if age not in _ENDLESS and (isinstance(age, bool) or not isinstance(age, int | float) or isnan(age)):
        raise where.at("maxAge").fail(f"expected a number of seconds, found {kind_of(age)}")
    if not entry.get("domain"):
        raise where.fail("has no domain")
    return from_tough(entry, now)
