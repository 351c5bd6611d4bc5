"""Postman's URLs: text to parts, parts to text, and the absolute URL that goes on the wire.

The rules are those of Postman's own parser and encoder: `{{variables}}` are never taken apart, nothing is decoded, and
what is percent-encoded already stays as it is.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from ipaddress import IPv4Address
from urllib.parse import unquote

from runner.model import Param, Url, Variable

_BLANKS = " \t\n\v\f\r\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000\ufeff"


def _outside(unsafe: str) -> re.Pattern[str]:
    """What is neither printable ASCII nor allowed. Named by what is allowed, which compiles a hundred times faster."""
    safe = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in unsafe)
    return re.compile(f"[^{re.escape(safe)}]+")


_FRAGMENT = _outside('"<>`')
_PATH = _outside('"<>`#?{}')
_USER_INFO = _outside('"<>`#?{}/:;=@[\\]^|')
_QUERY = _outside("\"#'<>")

_RESERVED_IN_NAME = re.compile(r"{{[^{}]*[.:/?#@&\]][^{}]*}}")
_RESERVED_IN_PARAM = re.compile(r"({{[^{}]*[&#=][^{}]*}})")
_PLAIN_HOST = re.compile(r"(?:[a-z0-9_-]+\.)*[a-z_][a-z0-9_-]*")
_NO_HOST = re.compile(r"[\x00-\x20#/:<>?@\[\\\]^|%\x7f]")
_IPV4 = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)(?:\.(?:0x[0-9a-f]*|[0-9]+)){0,3}")

_SURROGATES = "surrogatepass"


@lru_cache(maxsize=512)
def parse(text: str) -> Url:
    """Take a URL apart as Postman's `Url.parse` does; the result has `text` None and lists its path variables."""
    rest, restore = _mask(text.lstrip(_BLANKS))
    rest, sharp, fragment = rest.partition("#")
    rest, mark, query = rest.partition("?")
    protocol, rest = _split_protocol(rest.replace("\\", "/"))
    rest, slash, path = rest.partition("/")
    auth, at, rest = rest.rpartition("@")
    host, port = _split_port(rest)
    # The placeholders are put back in the order they stand in the text.
    protocol = None if protocol is None else restore(protocol)
    user_info = restore(auth) if at else None
    host_parts = tuple(restore(part) for part in host.split(".")) if host else ()
    port = None if port is None else restore(port)
    segments = tuple(restore(part) for part in path.split("/")) if slash else ()
    return Url(
        protocol=protocol,
        auth=user_info,
        host=host_parts,
        port=port,
        path=segments,
        query=tuple(_param(restore(part)) for part in query.split("&")) if mark else (),
        hash=restore(fragment) if sharp else None,
        variables=_path_variables(segments),
    )


def unparse(url: Url) -> str:
    """The URL as text, as it was written: path variables stay `:name`, disabled parameters are left out."""
    parts = as_parts(url)
    return _assemble(parts, parts.path)


def substitute(url: Url, replace: Callable[[str], str]) -> Url:
    """The URL with path variables filled in and `replace` applied to its whole text, taken apart again.

    Substituting in one text lets a variable hold several parts at once (`{{base}}` with scheme, host and port).
    Returns the same object when nothing changes.
    """
    parts = as_parts(url)
    resolved = parse(replace(_assemble(parts, _filled_path(parts))))
    return url if resolved == url else resolved


def wire(url: Url, *, encode: bool = True) -> str:
    """The absolute URL to send: path variables filled in, `http` where no protocol is given, host in ASCII, and
    every part percent-encoded by the rules for it. `encode=False` is Postman's disableUrlEncoding.
    """
    parts = as_parts(url)
    quote = _quote if encode else _as_is
    path = quote("/" + "/".join(_filled_path(parts)), _PATH)
    query = _query_text(parts.query)
    tail = "" if query is None else "?" + quote(query, _QUERY)
    if parts.hash is not None:
        tail += "#" + quote(parts.hash, _FRAGMENT)
    protocol = "http" if parts.protocol is None else parts.protocol.lower()
    user_info = "" if parts.auth is None else _quote_user_info(parts.auth, quote) + "@"
    return f"{protocol}://{user_info}{host_header(parts)}{path}{tail}"


def host_header(url: Url) -> str:
    """The value of the `Host` header: the host in ASCII, with the port if the URL names one."""
    parts = as_parts(url)
    host = _encode_host(".".join(parts.host))
    return host if parts.port is None else f"{host}:{parts.port}"


def as_parts(url: Url) -> Url:
    """The URL with `text` taken apart; path variables given beside the text are kept."""
    if url.text is None:
        return url
    parsed = parse(url.text)
    return dataclasses.replace(parsed, variables=url.variables) if url.variables else parsed


# --------------------------------------------------------------------------------------------------------- taking apart


def _mask(text: str) -> tuple[str, Callable[[str], str]]:
    """Hide each variable whose name holds a separator behind one character; the second value brings them back."""
    found = _RESERVED_IN_NAME.findall(text) if "{{" in text else []
    if not found:
        return text, _same
    mark = next(char for char in map(chr, range(0xE000, 0xF8FF)) if char not in text)
    names = iter(found)

    def restore(part: str) -> str:
        return re.sub(mark, lambda _: next(names), part)

    return _RESERVED_IN_NAME.sub(mark, text), restore


def _split_protocol(text: str) -> tuple[str | None, str]:
    protocol, found, rest = text.partition("://")
    if not found:
        return None, text
    bare = rest.lstrip("/")
    if protocol.lower() == "file" and bare != rest:
        bare = "/" + bare
    return protocol, bare


def _split_port(text: str) -> tuple[str, str | None]:
    host, colon, port = text.rpartition(":")
    return (host, port) if colon and "]" not in port else (text, None)


def _param(text: str) -> Param:
    key, equals, value = text.partition("=")
    return Param(key=key, value=value if equals else None)


def _variable_name(segment: str) -> str:
    return segment[1:].partition(".")[0] if segment.startswith(":") else ""


def _path_variables(segments: tuple[str, ...]) -> tuple[Variable, ...]:
    names = dict.fromkeys(name for segment in segments if (name := _variable_name(segment)))
    return tuple(Variable(key=name) for name in names)


# ---------------------------------------------------------------------------------------------------- putting together


def _assemble(url: Url, path: tuple[str, ...]) -> str:
    text = ""
    if url.protocol:
        text = url.protocol if url.protocol.endswith("://") else f"{url.protocol}://"
    if url.auth is not None:
        text += url.auth + "@"
    text += ".".join(url.host)
    if url.port is not None:
        text += ":" + url.port
    if path:
        text += "/" + "/".join(path)
    query = _query_text(url.query)
    if query is not None:
        text += "?" + query
    if url.hash is not None:
        text += "#" + url.hash
    return text


def _filled_path(url: Url) -> tuple[str, ...]:
    # Only texts count, as in Postman: a number, or an empty value, leaves `:name` standing.
    known = [entry for entry in url.variables if entry.value and isinstance(entry.value, str) and not entry.disabled]
    values = {entry.key: entry.value for entry in known}
    return tuple(_fill(values, url.path)) if values else url.path


def _fill(values: dict[str, str], segments: tuple[str, ...]) -> Iterator[str]:
    for segment in segments:
        name = _variable_name(segment)
        yield values[name] + segment[len(name) + 1 :] if name in values else segment


def _query_text(query: tuple[Param, ...]) -> str | None:
    """The query string; None when no parameter is enabled, so that not even the `?` is written."""
    enabled = [param for param in query if not param.disabled]
    return "&".join([_param_text(param) for param in enabled]) if enabled else None


def _param_text(param: Param) -> str:
    key = _escape(param.key, equals=True)
    return key if param.value is None else f"{key}={_escape(param.value, equals=False)}"


def _escape(text: str, *, equals: bool) -> str:
    """Encode what would end the key or value, outside of variables."""
    if not ("&" in text or "#" in text or (equals and "=" in text)):
        return text
    pieces = _RESERVED_IN_PARAM.split(text)
    for index in range(0, len(pieces), 2):
        piece = pieces[index].replace("&", "%26").replace("#", "%23")
        pieces[index] = piece.replace("=", "%3D") if equals else piece
    return "".join(pieces)


# -------------------------------------------------------------------------------------------------------------- encoding


def utf8(text: str) -> bytes:
    """UTF-8 of a text that JavaScript made: pairs of surrogates are joined, lone ones become U+FFFD."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", _SURROGATES).decode("utf-16-le", "replace").encode()


def _same(text: str) -> str:
    return text


def _as_is(text: str, unsafe: re.Pattern[str]) -> str:
    return text


def _quote(text: str, unsafe: re.Pattern[str]) -> str:
    return unsafe.sub(_percent, text)


def _percent(match: re.Match[str]) -> str:
    return "".join([f"%{byte:02X}" for byte in utf8(match[0])])


def _quote_user_info(auth: str, quote: Callable[[str, re.Pattern[str]], str]) -> str:
    user, colon, password = auth.partition(":")
    return quote(user, _USER_INFO) + colon + quote(password, _USER_INFO)


@lru_cache(maxsize=256)
def _encode_host(host: str) -> str:
    """The host as WHATWG's "domain to ASCII" has it; a name it refuses is kept (lower case), as Postman does."""
    host = host.lower()
    if _PLAIN_HOST.fullmatch(host) or host.startswith("["):
        return host
    ascii_host = _to_ascii(unquote(host))
    if ascii_host is None or _NO_HOST.search(ascii_host):
        return host
    return _ipv4(ascii_host) or ascii_host if _IPV4.fullmatch(ascii_host) else ascii_host


def _to_ascii(host: str) -> str | None:
    if host.isascii():
        return host.lower()
    import idna  # its tables are large and few hosts need them

    try:
        mapped = idna.uts46_remap(host, std3_rules=False)
    except idna.IDNAError:
        return None
    labels = mapped.split(".")
    return ".".join(label if label.isascii() else "xn--" + label.encode("punycode").decode() for label in labels)


def _ipv4(host: str) -> str | None:
    """`127.1`, `0x7f.1` and the like as four decimal numbers; None when a number is out of range."""
    try:
        *head, tail = [_number(part) for part in host.split(".")]
    except ValueError:
        return None
    if any(number > 255 for number in head) or tail >= 256 ** (4 - len(head)):
        return None
    return str(IPv4Address(tail + sum(number << 8 * (3 - index) for index, number in enumerate(head))))


def _number(text: str) -> int:
    if text.startswith("0x"):
        return int(text[2:] or "0", 16)
    return int(text, 8) if len(text) > 1 and text.startswith("0") else int(text)
