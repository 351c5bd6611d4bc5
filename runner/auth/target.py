"""Where a request goes, in the pieces that signatures are made of."""

from __future__ import annotations

import re
from dataclasses import dataclass

_URL = re.compile(r"([^:/?#]+)://([^/?#]*)([^?#]*)(?:\?([^#]*))?", re.DOTALL)
_AUTHORITY = re.compile(r"(?:.*@)?(\[[^\]]*\]|[^:]*)(?::(.*))?", re.DOTALL)
_DEFAULT_PORT = {"http": "80", "https": "443"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A final URL taken apart. `host` is without port, `port` as the URL names it or else the usual one."""

    scheme: str
    host: str
    port: str
    authority: str
    path: str
    query: str | None

    @classmethod
    def of(cls, url: str) -> Target:
        """Take a URL of a prepared request apart."""
        found = _URL.match(url)
        scheme, authority, path, query = found.groups() if found else ("http", "", url, None)
        place = _AUTHORITY.fullmatch(authority)
        host, port = place.groups() if place else (authority, None)
        return cls(
            scheme=scheme.lower(),
            host=host,
            port=port or _DEFAULT_PORT.get(scheme.lower(), ""),
            authority=authority.rpartition("@")[2],
            path=path or "/",
            query=query,
        )

    @property
    def resource(self) -> str:
        """Path and query, as they stand in the request line."""
        return self.path if self.query is None else f"{self.path}?{self.query}"

    @property
    def origin(self) -> str:
        """Scheme, host and port, without the usual port: what makes two URLs lead to the same server."""
        port = "" if self.port == _DEFAULT_PORT.get(self.scheme) else f":{self.port}"
        return f"{self.scheme}://{self.host.lower()}{port}"
