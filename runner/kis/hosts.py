"""Which broker host a URL goes to: the real one, where orders cost money, or the mock one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping
from ipaddress import ip_address
from typing import Any, Literal, TypeAlias
from urllib.parse import SplitResult, unquote, urlsplit

from runner import url as urls
from runner.model import Prepared

Kind: TypeAlias = Literal["real", "mock"]

DOMAIN = "koreainvestment.com"
MOCK_HOST = f"openapivts.{DOMAIN}"
VARIABLES: Mapping[str, Kind] = {"VTS": "mock", "PROD": "real"}
"""The variables that hold scheme, host and port in the published collections."""

_UNRESOLVED: Mapping[str, Kind] = {
    written: kind for name, kind in VARIABLES.items() for written in (f"{{{{{name.lower()}}}}}", f"<<{name.lower()}>>")
}
_PLAIN = re.compile(r"https?://[\w.:@\[\]-]+(?:[/?#]|\Z)", re.ASCII)
_NAME = re.compile(r"\{\{([^{}]*)\}\}|<<([^<>]*)>>")
_NESTING = 5
_PORTS = {"http": 80, "https": 443}


class Hosts:
    """Knows the official hosts by name, on any port, and further origins that stand in for them."""

    def __init__(self, origins: Mapping[str, Kind] | None = None) -> None:
        self._origins: dict[tuple[str, int | None], set[Kind]] = {}
        self._learned: dict[str, Any] = {}
        for url, kind in (origins or {}).items():
            self.add(url, kind)

    def add(self, url: str, kind: Kind) -> None:
        """Take a URL's origin for the broker's; one that is both real and mock counts as real."""
        for parts in _readings(url):
            if parts.hostname:
                self._origins.setdefault(_origin(parts), set()).add(kind)

    def learn(self, lookup: Callable[[str], Any]) -> None:
        """Add what VTS and PROD hold now; what they held before stays known."""
        for name in VARIABLES:
            self.learn_value(name, lookup(name), lookup)

    def learn_value(self, name: str, value: Any, lookup: Callable[[str], Any]) -> None:
        """Add what a variable holds or is about to hold, if it is one of the broker's hosts."""
        if name in VARIABLES and isinstance(value, str) and (url := expanded(value, lookup)) != self._learned.get(name):
            self._learned[name] = url
            self.add(url, VARIABLES[name])

    def of(self, url: str) -> Kind | None:
        """The kind of host a URL goes to, None for somebody else's. Where readings of a URL differ, the real host counts."""
        if not self._origins and _plainly_foreign(url):
            return None
        return _stricter({self._kind(parts) for parts in _readings(url)})

    def of_request(self, prepared: Prepared) -> Kind | None:
        """The kind of host a request goes to, by its URL or by what its Host header claims."""
        claimed = prepared.header("host")
        return _stricter({self.of(prepared.url), self.of(f"https://{claimed.strip()}") if claimed else None})

    def both(self, url: str) -> bool:
        """Whether a URL's origin stands in for the real and the mock host, as a test server may."""
        return any(len(self._origins.get(_origin(parts), ())) > 1 for parts in _readings(url))

    def origin(self, url: str) -> str:
        """Host and port of a URL, spelled alike for one server; empty for a URL that names none."""
        found = next(_readings(url), None)
        return "{}:{}".format(*_origin(found)) if found else ""

    def official(self, url: str) -> bool:
        """Whether a URL goes to one of the broker's own hosts."""
        return any(_is_official(_host(parts)) for parts in _readings(url))

    def _kind(self, parts: SplitResult) -> Kind | None:
        host = _host(parts)
        if host == MOCK_HOST:
            return "mock"
        if _is_official(host):
            return "real"
        return _stricter(self._origins.get(_origin(parts), ())) or _UNRESOLVED.get(host)


def _stricter(kinds: Collection[Kind | None]) -> Kind | None:
    return "real" if "real" in kinds else "mock" if "mock" in kinds else None


def expanded(text: str, lookup: Callable[[str], Any]) -> str:
    """A text with its variables put in as far as they are known, without counting the others as missing."""

    def value(found: re.Match[str]) -> str:
        known = lookup(found[1] or found[2] or "")
        return found[0] if known is None else str(known)

    for _ in range(_NESTING):
        if (replaced := _NAME.sub(value, text)) == text:
            break
        text = replaced
    return text


def _plainly_foreign(url: str) -> bool:
    """Whether a URL cannot name the broker in any reading; spares those of other services the close look."""
    plain = _PLAIN.match(url)
    return plain is not None and url.isascii() and url.isprintable() and "\\" not in url and DOMAIN not in url.lower()


def _readings(url: str) -> Iterator[SplitResult]:
    """The URL as Postman would send it, and as it stands: clients differ in `\\`, blanks and non-ASCII letters."""
    for text in (urls.wire(urls.parse(url)), url):
        try:
            yield urlsplit(text)
        except ValueError:
            continue


def _host(parts: SplitResult) -> str:
    name = unicodedata.normalize("NFKC", unquote(parts.hostname or "")).replace("\u3002", ".")
    return name.strip().strip(".").lower()


def _is_official(host: str) -> bool:
    return host == DOMAIN or host.endswith(f".{DOMAIN}")


def _origin(parts: SplitResult) -> tuple[str, int | None]:
    try:
        port = parts.port
    except ValueError:
        port = None
    host = _host(parts)
    return "localhost" if _is_loopback(host) else host, port or _PORTS.get(parts.scheme.lower())


def _is_loopback(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback or address.is_unspecified
