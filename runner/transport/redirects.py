"""The next hop of a redirect by Postman's rules (postman-request, lib/redirect.js; postman-url-encoder, resolveNodeUrl)."""

from __future__ import annotations

import re
from dataclasses import replace

from runner.model import Prepared
from runner.transport.message import locate
from runner.transport.rules import Rules
from runner.url import parse, wire

Headers = tuple[tuple[str, str], ...]

_ABSOLUTE = re.compile(r"https?:|[a-z0-9.+-]+:(?://|\\\\).", re.IGNORECASE)
_ORIGIN = re.compile(r"[^:]*:/*[^/?#]*")
_KEEP_METHOD = frozenset({307, 308})


def follow(hop: Prepared, code: int, location: str, rules: Rules) -> Prepared:
    """The request a redirect asks for.

    To another host, and from https to http, neither Authorization nor the user's Cookie header goes along. (Postman passes the
    Cookie header on, and both to http.) Host is worked out anew and moves behind the other headers, as in Postman.

    Raises:
        SendError: the location is no http or https URL.
    """
    url = wire(parse(resolve(hop.url, location)), encode=rules.encode)
    here, there = locate(hop.url), locate(url)
    dropped = {"host"}
    if here.host.lower() != there.host.lower() or (here.scheme, there.scheme) == ("https", "http"):
        dropped |= {"cookie"} if rules.keep_authorization else {"cookie", "authorization"}
    method, body = hop.method, hop.body
    if code not in _KEEP_METHOD and not rules.keep_method:
        method, body = method if method == "HEAD" else "GET", None
        dropped |= {"content-type", "content-length"}
    headers = tuple(header for header in hop.headers if header[0].lower() not in dropped)
    if rules.referer:
        headers = put(headers, "Referer", _without_user_info(hop.url))
    host = next((name for name, _ in hop.headers if name.lower() == "host"), None)
    if host is not None:
        headers += ((host, there.host_header),)
    return replace(hop, method=method, url=url, headers=headers, body=body)


def put(headers: Headers, name: str, value: str) -> Headers:
    """Headers with this one set: in the place and case of the first of its name, else behind the last."""
    wanted = name.lower()
    places = [index for index, (key, _) in enumerate(headers) if key.lower() == wanted]
    if not places:
        return (*headers, (name, value))
    first = places[0]
    rest = tuple(header for index, header in enumerate(headers) if index > first and index not in places)
    return (*headers[:first], (headers[first][0], value), *rest)


def resolve(base: str, location: str) -> str:
    """The URL a Location means. `..` is not worked out and `\\` not turned round, as in Postman."""
    base = base.partition("#")[0]
    origin = _origin(base)
    path, _, _ = base[len(origin) :].partition("?")
    if _ABSOLUTE.match(location):
        return location
    if location.startswith(("//", "\\\\")):
        return f"{base.partition(':')[0]}:{location}"
    if location.startswith(("/", "\\")):
        return origin + location
    if location.startswith("#"):
        return base + location
    if location.startswith("?"):
        return origin + path + location
    return f"{origin}{path.rpartition('/')[0]}/{location}"


def _origin(url: str) -> str:
    found = _ORIGIN.match(url)
    return found[0] if found else url


def _without_user_info(url: str) -> str:
    """A Referer must not carry a password, though Postman's does."""
    origin = _origin(url)
    scheme, slashes, authority = origin.partition("//")
    return scheme + slashes + authority.rpartition("@")[2] + url[len(origin) :]
