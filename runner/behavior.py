"""protocolProfileBehavior: what Postman lets a user say about how a request is sent, read once and checked."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from runner.model import Json
from runner.place import Where, as_list, as_object, kind_of

TLS_PROTOCOLS = ("SSLv2", "SSLv3", "TLSv1", "TLSv1_1", "TLSv1_2", "TLSv1_3")
TLS13_SUITE = "TLS_"
"""How the names of TLS 1.3's cipher suites begin, and of no others."""

_SWITCHES = frozenset(
    (
        "followRedirects strictSSL disableCookies disableBodyPruning disableUrlEncoding followOriginalHttpMethod "
        "followAuthorizationHeader removeRefererHeaderOnRedirect insecureHTTPParser tlsPreferServerCiphers"
    ).split()
)
_LISTS = frozenset({"tlsDisabledProtocols", "tlsCipherSelection"})
BEHAVIORS = _SWITCHES | _LISTS | {"maxRedirects", "disabledSystemHeaders", "protocolVersion"}
"""Every key of protocolProfileBehavior that postman-runtime knows."""

_HTTP1 = frozenset({"http1", "auto"})


def behavior_from_json(data: Any, where: Where) -> Json:
    """What is known has the type it must have; null counts as absent, and what is unknown stays as it is.

    Raises:
        LoadError: a value is of another type.
    """
    given = {key: value for key, value in as_object(data, where).items() if value is not None}
    return {key: _value(key, value, where.at(key)) for key, value in given.items()}


def unmet(behavior: Mapping[str, Any], url: str) -> tuple[str, ...]:
    """What of a behavior cannot be done for a request to this URL, in words for the report."""
    return tuple(_unmet(behavior, tls=url[:6].lower() == "https:"))


def _unmet(behavior: Mapping[str, Any], *, tls: bool) -> Iterator[str]:
    version = behavior.get("protocolVersion", "http1")
    if version not in _HTTP1:
        yield f"protocolVersion: the request goes out as HTTP/1.1 and not as {version}"
    if not tls:
        return
    for name in behavior.get("tlsDisabledProtocols", ()):
        if name not in TLS_PROTOCOLS:
            yield f"tlsDisabledProtocols: {name} is none of {', '.join(TLS_PROTOCOLS)}, so nothing is disabled by it"
    if suites := [name for name in behavior.get("tlsCipherSelection", ()) if name.startswith(TLS13_SUITE)]:
        yield f"tlsCipherSelection: TLS 1.3 goes out with all its suites, Python cannot choose {', '.join(suites)} among them"


def _value(key: str, value: Any, where: Where) -> Any:
    if key in _SWITCHES:
        return _switch(value, where)
    if key in _LISTS:
        return tuple([_text(entry, where) for entry in as_list(value, where)])
    if key == "maxRedirects":
        return _whole(value, where)
    if key == "protocolVersion":
        return _text(value, where)
    if key == "disabledSystemHeaders":
        headers = as_object(value, where).items()
        return {name: _switch(off, where.at(name)) for name, off in headers if off is not None}
    return value


def _text(value: Any, where: Where) -> str:
    if isinstance(value, str):
        return value
    raise where.fail(f"expected text, found {kind_of(value)}")


def _switch(value: Any, where: Where) -> bool:
    if isinstance(value, bool):
        return value
    raise where.fail(f"expected true or false, found {kind_of(value)}")


def _whole(value: Any, where: Where) -> int:
    """A whole number; text that says one counts, too, as in JavaScript's comparisons."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise where.fail(f"expected a whole number, found {kind_of(value)}")
    try:
        number = int(value)
    except (ValueError, OverflowError):
        raise where.fail(f"expected a whole number, found {json.dumps(value, ensure_ascii=False)}") from None
    if isinstance(value, float) and number != value:
        raise where.fail(f"expected a whole number, found {value}")
    return number
