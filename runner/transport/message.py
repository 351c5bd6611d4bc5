"""A request as the bytes that go out: nothing is re-encoded, re-ordered or added."""

from __future__ import annotations

import re
from dataclasses import dataclass

from runner.errors import SendError
from runner.model import Prepared

_URL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):/{0,2}([^/?#]*)([^#]*)", re.DOTALL)
_HOST = re.compile(r"(\[[^\]]*\]|.*?)(?::([^:\]]*))?", re.DOTALL)
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_NOT_IN_TARGET = re.compile(r"[^\x21-\xff]")
_NOT_IN_VALUE = re.compile(r"[^\t\x20-\x7e\x80-\xff]")
DEFAULT_PORT = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a URL leads: `authority` is host and port as the URL has them, `auth` its user info, `target` path and query."""

    scheme: str
    host: str
    port: int
    authority: str
    auth: str | None
    target: str

    @property
    def host_header(self) -> str:
        """The value of the `Host` header: without a port that goes without saying."""
        default = f":{DEFAULT_PORT[self.scheme]}"
        return self.authority.removesuffix(default)


def locate(url: str) -> Address:
    """Take a final URL apart, leaving its target as it is written.

    Raises:
        SendError: it is no http or https URL, or its port is no port.
    """
    found = _URL.match(url)
    scheme = found[1].lower() if found else ""
    if not found or scheme not in DEFAULT_PORT:
        raise SendError(f"Invalid protocol: {scheme or url}:", hint="only http and https requests can be sent")
    auth, at, authority = found[2].rpartition("@")
    place = _HOST.fullmatch(authority)
    if place is None or not place[1]:
        raise SendError(f'Invalid URI "{url}"', hint="the URL has no host")
    target = found[3] if found[3].startswith("/") else "/" + found[3]
    host = place[1].removeprefix("[").removesuffix("]")
    port = _port(place[2]) if place[2] else DEFAULT_PORT[scheme]
    return Address(scheme=scheme, host=host, port=port, authority=authority, auth=auth if at else None, target=target)


def compose(prepared: Prepared, target: str) -> bytes:
    """The whole request on the wire; `target` is what stands in its first line.

    Raises:
        SendError: a part of it cannot be written in HTTP.
    """
    if not _TOKEN.fullmatch(prepared.method):
        raise SendError(f'Method must be a valid HTTP token ["{prepared.method}"]', code="ERR_INVALID_HTTP_TOKEN")
    if _NOT_IN_TARGET.search(target):
        raise SendError("Request path contains unescaped characters", code="ERR_UNESCAPED_CHARACTERS", hint="encode the URL")
    lines = [f"{prepared.method} {target} HTTP/1.1\r\n", *[_line(name, value) for name, value in prepared.headers], "\r\n"]
    return "".join(lines).encode("latin-1") + _framed(prepared)


def _line(name: str, value: str) -> str:
    if not _TOKEN.fullmatch(name):
        raise SendError(f'Header name must be a valid HTTP token ["{name}"]', code="ERR_INVALID_HTTP_TOKEN")
    if _NOT_IN_VALUE.search(value):
        hint = "header values are Latin-1 on one line; encode others, for example with encodeURIComponent"
        raise SendError(f'Invalid character in header content ["{name}"]', code="ERR_INVALID_CHAR", hint=hint)
    return f"{name}: {value}\r\n"


def _framed(prepared: Prepared) -> bytes:
    """The body, as one chunk where a header announces chunks, as Node does it."""
    body = prepared.body or b""
    if "chunked" not in (prepared.header("Transfer-Encoding") or "").lower():
        return body
    chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
    return chunk + b"0\r\n\r\n"


def _port(text: str) -> int:
    if text.isdecimal() and int(text) < 65536:
        return int(text)
    hint = "the port holds a variable without a value" if "{{" in text else ""
    what = f"Port should be >= 0 and < 65536. Received type string ('{text}')."
    raise SendError(what, code="ERR_SOCKET_BAD_PORT", hint=hint)
