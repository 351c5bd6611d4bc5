"""The cookie jar of a run, with the rules of RFC 6265 as tough-cookie has them in loose mode, without a public suffix list."""

from __future__ import annotations

import calendar
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from runner.model import Cookie, Json

_Key = tuple[str, str, str]
_CONTROL = re.compile(r"[\x00-\x1f]")
_SAME_SITE = frozenset({"strict", "lax", "none"})
_NEVER = float("-inf")

_DATE_TOKEN = re.compile(r"[^\t\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+")
_TIME = re.compile(r"(\d{1,2}):(\d{1,2}):(\d{1,2})(?!\d)", re.ASCII)
_DAY = re.compile(r"(\d{1,2})(?!\d)", re.ASCII)
_YEAR = re.compile(r"(\d{2,4})(?!\d)", re.ASCII)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


class Jar:
    """Cookies by domain, path and name. `clock` gives seconds since 1970."""

    def __init__(self, cookies: Iterable[Cookie] = (), *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._kept: dict[str, dict[_Key, Cookie]] = {}
        for cookie in cookies:
            self._put(cookie)

    def store(self, url: str, set_cookie_lines: Iterable[str]) -> None:
        """Take in the `Set-Cookie` headers of a response from `url`; what does not parse or belong there is ignored."""
        place = _place(url)
        for line in set_cookie_lines:
            now = self._clock()
            cookie = _accepted(line, place, now)
            if cookie is None:
                continue
            old = self._kept.get(cookie.domain, {}).get(_key(cookie))
            self._put(replace(cookie, created=old.created) if old else cookie)

    def for_url(self, url: str) -> list[Cookie]:
        """The cookies that go with a request to `url`, in the order they are sent. Expired ones are dropped for good."""
        if not self._kept:
            return []
        place, now = _place(url), self._clock()
        found: list[Cookie] = []
        for cookie in self._matching(place.host, place.path):
            if cookie.expires is not None and cookie.expires <= now:
                self._remove(cookie.domain, cookie.path, cookie.name)
            elif _may_go(cookie, place):
                found.append(cookie)
        # Longer paths first, then older cookies; the sort is stable, so that equal ones stay as they came in.
        found.sort(key=lambda cookie: (-len(cookie.path), cookie.created))
        used = [replace(cookie, accessed=now) for cookie in found]
        for cookie in used:
            self._put(cookie)
        return used

    def all(self) -> list[Cookie]:
        """Every cookie, oldest first."""
        cookies = [cookie for domain in self._kept.values() for cookie in domain.values()]
        return sorted(cookies, key=lambda cookie: cookie.created)

    def call(self, method: str, args: Sequence[Any]) -> Any:
        """Run a method of tough-cookie's store for a script; cookies are tough-cookie's JSON both ways, None is no result.

        Raises:
            ValueError: there is no such method, or its arguments make no sense; the text is Postman's.
        """
        handler = _METHODS.get(method)
        if handler is None:
            raise ValueError(f"invalid method name '{method}'")
        try:
            return handler(self, *args)
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f'error executing "{method}"') from error

    def _put(self, cookie: Cookie) -> None:
        self._kept.setdefault(cookie.domain, {})[_key(cookie)] = cookie

    def _remove(self, domain: str, path: str, name: str) -> None:
        self._kept.get(domain, {}).pop((domain, path, name), None)

    def _matching(self, host: str, path: str | None) -> list[Cookie]:
        """Cookies of a host and its parent domains; no `path` means any."""
        return [
            cookie
            for domain in _domains(host)
            for cookie in self._kept.get(domain, {}).values()
            if not path or _path_matches(path, cookie.path)
        ]

    def _find_cookie(self, domain: str, path: str, name: str) -> Json | None:
        cookie = self._kept.get(domain, {}).get((domain, path, name))
        return to_tough(cookie) if cookie else None

    def _find_cookies(self, domain: str | None, path: str | None = None, *_: Any) -> list[Json]:
        return [to_tough(cookie) for cookie in self._matching(domain, path)] if domain else []

    def _put_cookie(self, cookie: Json) -> None:
        self._put(from_tough(cookie, self._clock()))

    def _update_cookie(self, _old: Json, new: Json) -> None:
        self._put_cookie(new)

    def _remove_cookies(self, domain: str, path: str | None = None) -> None:
        if not path:
            self._kept.pop(domain, None)
            return
        for key in [key for key in self._kept.get(domain, {}) if key[1] == path]:
            del self._kept[domain][key]

    def _remove_all_cookies(self) -> None:
        self._kept.clear()

    def _get_all_cookies(self) -> list[Json]:
        return [to_tough(cookie) for cookie in self.all()]


_METHODS: dict[str, Callable[..., Any]] = {
    "findCookie": Jar._find_cookie,
    "findCookies": Jar._find_cookies,
    "putCookie": Jar._put_cookie,
    "updateCookie": Jar._update_cookie,
    "removeCookie": Jar._remove,
    "removeCookies": Jar._remove_cookies,
    "removeAllCookies": Jar._remove_all_cookies,
    "getAllCookies": Jar._get_all_cookies,
}


@dataclass(frozen=True, slots=True)
class _Place:
    """What of a URL matters to cookies."""

    host: str
    path: str
    secure: bool


# ----------------------------------------------------------------------------------------------------------------- JSON


def to_tough(cookie: Cookie) -> Json:
    """A cookie in tough-cookie's JSON: what is at its default is left out."""
    entry: Json = {"key": cookie.name, "value": cookie.value}
    if cookie.expires is not None:
        entry["expires"] = _iso(cookie.expires)
    entry |= {"domain": cookie.domain, "path": cookie.path}
    if cookie.secure:
        entry["secure"] = True
    if cookie.http_only:
        entry["httpOnly"] = True
    entry["hostOnly"] = cookie.host_only
    if cookie.path_is_default:
        entry["pathIsDefault"] = True
    entry |= {"creation": _iso(cookie.created), "lastAccessed": _iso(cookie.accessed)}
    if cookie.same_site is not None:
        entry["sameSite"] = cookie.same_site
    return entry


def from_tough(entry: Json, now: float) -> Cookie:
    """A cookie from tough-cookie's JSON; times it does not give are `now` (seconds since 1970).

    Raises:
        KeyError: it has no domain.
    """
    created, accessed = moment(entry.get("creation")), moment(entry.get("lastAccessed"))
    created = now if created is None else created
    age = entry.get("maxAge")
    expires = moment(entry.get("expires")) if age is None else _expiry(float(age), created)
    return Cookie(
        name=entry.get("key") or "",
        value=entry.get("value") or "",
        domain=entry["domain"],
        path=entry.get("path") or "/",
        expires=expires,
        secure=bool(entry.get("secure")),
        http_only=bool(entry.get("httpOnly")),
        host_only=bool(entry.get("hostOnly")),
        same_site=entry.get("sameSite"),
        created=created,
        accessed=now if accessed is None else accessed,
        path_is_default=bool(entry.get("pathIsDefault")),
    )


def postman_json(cookies: Iterable[Cookie]) -> tuple[Json, ...]:
    """Cookies as `pm.cookies` and reports have them."""
    return tuple(
        {
            "name": cookie.name,
            "value": cookie.value,
            "expires": None if cookie.expires is None else _iso(cookie.expires),
            "domain": cookie.domain,
            "path": cookie.path,
            "secure": cookie.secure,
            "httpOnly": cookie.http_only,
            "hostOnly": cookie.host_only,
        }
        for cookie in cookies
    )


def _iso(seconds: float) -> str:
    bounded = min(max(seconds, 0.0), 253402300799.0)
    return datetime.fromtimestamp(bounded, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(text: Any) -> float | None:
    """Seconds since 1970 of a time in tough-cookie's JSON, None if it is none."""
    if not isinstance(text, str):
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return parse_date(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


# ------------------------------------------------------------------------------------------------------------- matching


def _key(cookie: Cookie) -> _Key:
    return cookie.domain, cookie.path, cookie.name


def _place(url: str) -> _Place:
    parts = urlsplit(url)
    host = _canonical(parts.hostname or "")
    # Postman trusts this machine with cookies marked Secure even over http.
    return _Place(host, parts.path or "/", parts.scheme in ("https", "wss") or _is_this_machine(host))


def _canonical(domain: str) -> str:
    domain = domain.strip().removeprefix(".").strip("[]").lower()
    return domain if domain.isascii() else domain.encode("idna").decode("ascii")


def _is_this_machine(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    return _is_address(host) and ip_address(host).is_loopback


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _domains(host: str) -> list[str]:
    """The domains whose cookies a host may get, shortest first; a top level domain has none to give."""
    if _is_address(host):
        return [host]
    labels = host.split(".")
    parents = [".".join(labels[start:]) for start in range(len(labels) - 2, 0, -1)]
    return [*parents, host]


def _domain_matches(host: str, domain: str) -> bool:
    return host == domain or (host.endswith("." + domain) and not _is_address(host))


def _path_matches(path: str, wanted: str) -> bool:
    if not path.startswith(wanted):
        return False
    return path == wanted or wanted.endswith("/") or path[len(wanted)] == "/"


def _may_go(cookie: Cookie, place: _Place) -> bool:
    if cookie.secure and not place.secure:
        return False
    return cookie.domain == place.host if cookie.host_only else _domain_matches(place.host, cookie.domain)


# -------------------------------------------------------------------------------------------------------------- parsing


def _accepted(line: str, place: _Place, now: float) -> Cookie | None:
    """The cookie a `Set-Cookie` line makes at this place, None if it must not."""
    pair, _, attributes = line.strip().partition(";")
    named = _pair(pair)
    if named is None:
        return None
    found = _attributes(attributes)
    domain = _canonical(found.get("domain", ""))
    if domain and not _domain_matches(place.host, domain):
        return None
    path = found.get("path", "")
    at_default = not path.startswith("/")
    cookie = Cookie(
        name=named[0],
        value=named[1],
        domain=domain or place.host,
        path=_default_path(place.path) if at_default else path,
        expires=_expires(found, now),
        secure="secure" in found,
        http_only="httponly" in found,
        host_only=not domain,
        same_site=same_site if (same_site := found.get("samesite", "").lower()) in _SAME_SITE else None,
        created=now,
        accessed=now,
        path_is_default=at_default,
    )
    return cookie if _keeps_its_prefix(cookie) else None


def _pair(text: str) -> tuple[str, str] | None:
    """Name and value; in loose mode a name may be missing (`=value`, `value`)."""
    text = re.split(r"[\n\r\0]", text, maxsplit=1)[0].removeprefix("=")
    name, equals, value = text.partition("=")
    if not equals:
        name, value = "", name
    name, value = name.strip(), value.strip()
    return None if not (name or value) or _CONTROL.search(name + value) else (name, value)


def _attributes(text: str) -> dict[str, str]:
    """Attributes by lower-case name; the last of a name counts, but an Expires, Max-Age or Domain without sense does not."""
    found: dict[str, str] = {}
    for part in text.split(";"):
        name, _, value = part.partition("=")
        name, value = name.strip().lower(), value.strip()
        ignored = (
            (name == "expires" and parse_date(value) is None)
            or (name == "max-age" and not re.fullmatch(r"-?[0-9]+", value))
            or (name == "domain" and not value.removeprefix("."))
        )
        if name and not ignored:
            found[name] = value
    return found


def _expires(attributes: dict[str, str], now: float) -> float | None:
    if "max-age" in attributes:
        return _expiry(float(attributes["max-age"]), now)
    return parse_date(attributes.get("expires", ""))


def _expiry(age: float, start: float) -> float | None:
    if age == float("inf"):
        return None
    return _NEVER if age <= 0 else start + age


def _default_path(path: str) -> str:
    return path.rpartition("/")[0] or "/"


def _keeps_its_prefix(cookie: Cookie) -> bool:
    """`__Secure-` and `__Host-` in a name are promises (RFC 6265bis §4.1.3)."""
    if cookie.name.startswith("__Host-"):
        return cookie.secure and cookie.host_only and cookie.path == "/"
    return cookie.secure or not cookie.name.startswith("__Secure-")


def parse_date(text: str) -> float | None:
    """Seconds since 1970 of a cookie's date by RFC 6265 §5.1.1, which takes nearly any order; None if it is no date."""
    clock = day = month = year = None
    for token in _DATE_TOKEN.findall(text):
        if clock is None and (found := _TIME.match(token)):
            clock = tuple(int(part) for part in found.groups())
        elif day is None and (found := _DAY.match(token)):
            day = int(found[1])
        elif month is None and token[:3].lower() in _MONTHS:
            month = _MONTHS.index(token[:3].lower()) + 1
        elif year is None and (found := _YEAR.match(token)):
            year = int(found[1])
    if clock is None or day is None or month is None or year is None:
        return None
    year += 1900 if 70 <= year <= 99 else 2000 if year <= 69 else 0
    hour, minute, second = clock
    if not (1 <= day <= 31 and year >= 1601 and hour <= 23 and minute <= 59 and second <= 59):
        return None
    return float(calendar.timegm((year, month, 1, hour, minute, second)) + (day - 1) * 86400)
