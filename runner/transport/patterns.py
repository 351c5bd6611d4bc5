"""Postman's URL match patterns, by which a client certificate is chosen (postman-collection, UrlMatchPattern)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import translate

from runner.transport.message import DEFAULT_PORT, Address

ALL_URLS = "<all_urls>"

_SCHEMES = "http|https|file|ftp"
_PATTERN = re.compile(
    rf"(?P<schemes>(?:{_SCHEMES}|\*)(?:\+(?:{_SCHEMES}))*)://"
    r"(?P<host>\*|\[[^\]/]*\]|(?:\*\.)?[^*/:\[\]]+)(?::(?P<port>\*|\d+))?(?P<path>/.*)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlPattern:
    """`scheme+scheme://host:port/path`: `*` stands for any scheme, host or port, `*.host` for a host and all below it.

    In the path `*` is any text and `?` one character. Without a port it is the one that goes with the scheme.
    """

    schemes: frozenset[str]
    host: str
    port: str
    path: re.Pattern[str]

    @classmethod
    def of(cls, text: str) -> UrlPattern:
        """Read a pattern.

        Raises:
            ValueError: it is none.
        """
        found = _PATTERN.fullmatch("*://*:*/*" if text == ALL_URLS else text)
        if not found:
            raise ValueError(f'"{text}" is no URL pattern, such as https://*.example.com:8443/*')
        host = found["host"].lower().removeprefix("[").removesuffix("]")
        return cls(schemes=frozenset(found["schemes"].split("+")), host=host, port=found["port"] or "", path=_glob(found["path"]))

    def matches(self, address: Address) -> bool:
        """Whether an address is one of those meant; its query does not count."""
        return (
            bool(self.schemes & {"*", address.scheme})
            and self._host_matches(address.host.lower())
            and (self.port or str(DEFAULT_PORT[address.scheme])) in ("*", str(address.port))
            and self.path.match(address.target.partition("?")[0]) is not None
        )

    def _host_matches(self, host: str) -> bool:
        if self.host.startswith("*."):
            return f".{host}".endswith(self.host[1:])
        return self.host in ("*", host)


def _glob(path: str) -> re.Pattern[str]:
    """The path as a regular expression, in which brackets mean themselves."""
    return re.compile(translate(path.replace("[", "[[]")))
