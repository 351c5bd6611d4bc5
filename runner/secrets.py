"""What is secret and how it is hidden: by the name it goes under, and by its value wherever that turns up again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus

STARS = "****"
SHORTEST = 6
"""Values with fewer characters are hidden under their name only, or as whole words if they are variables of type secret."""
REMEMBERED = 100
"""How many passing values (a token of each iteration) are kept; the oldest give way, so that memory and time stay flat."""

_WORDS = ("token", "secret", "password", "passwd", "passphrase", "passcode", "authori", "cookie", "credential", "jwt", "bearer")
_KEYS = ("app", "api", "access", "private", "auth")
_SECRET = re.compile(rf"{'|'.join(_WORDS)}|\bpwd\b|({'|'.join(_KEYS)})[ ._-]?key\b|[ ._-]key$")
# token_type, tokenUrl, access_token_expired …: about a secret, not one.
_ABOUT = re.compile(
    r"(type|expired?|expires?|expiry|expiration|_at|_in|count|limit|length|ur[il]|endpoint|name|tokens)$"
    r"|(public|primary|foreign|sort|cache|partition|idempotency)[ ._-]?key$"
)
_NEVER = frozenset({"postman-token", "follow_authorization_header"})  # a number for each request; a setting
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PLAIN_WORDS = frozenset({"bearer", "password", "postman", "secret", "string", "undefined", "[object object]"})
_NO_SECRET = re.compile(r"\W+|true|false|null", re.IGNORECASE)
_PROSE_NAMES = frozenset({"token", "password", "secret", "jwt", "bearer", "credential", "credentials", "passphrase", "pwd"})
_HINTS = ("token", "secret", "pass", "authori", "cookie", "credential", "jwt", "bearer", "pwd", "basic", "@",
          "_key", "-key", ".key", "key=", *(f"{word}key" for word in _KEYS))  # fmt: skip
_SHOWABLE = re.compile(r"[\w.~+/=-]+\Z", re.ASCII)
_MASKED = re.compile(r"[^\s*]{0,4}\*{4}[^\s*]{0,4}\Z")

# "name": "value" in JSON, in JavaScript's notation, and in JSON inside a JSON string (then the quotes carry backslashes)
_FIELD = re.compile(
    r"""(?P<head>(?P<q>\\{0,8}["'])(?P<name>[\w .$-]{1,64})(?P=q)\s*[:=]\s*)"""
    r"""(?:(?P<v>\\{0,8}["'])(?P<text>(?:(?!(?P=v))(?:\\.|[^\\]))*)(?P=v)|(?P<number>-?\d[\d.eE+-]*))""",
    re.DOTALL,
)
_PAIR = re.compile(r"(?P<head>(?P<name>[A-Za-z_][\w.\[\]-]{0,63})=)(?P<text>[^\s&;,\"'<>(){}]+)")
_HEADER = re.compile(
    r"(?<!/)(?P<head>(?P<name>[A-Za-z][\w-]{1,63}):[ \t]*)"  # `POST /oauth2/token: refused` is no header
    r"(?P<text>(?:[A-Za-z][\w-]{2,15}[ \t]+)?[^\s,;\"'<>(){}]+(?:;[^\r\n]*)?)"
)
_SCHEME = re.compile(r"(?P<head>\b(?:Bearer|Basic)[ \t]+)(?P<text>(?=\S*[\d=._])[\w.~+/=-]{8,})", re.IGNORECASE)
_WORD_BEFORE = re.compile(r"[\w.-]+\Z")
_LONGEST_NAME = 64
_NEAR = 512
_LONG, _KNOWN = 300, 2000
_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_USERINFO = re.compile(r"(?P<head>://[^\s/:@]*:)(?P<text>[^\s/@]+)(?=@)")
_SENT_SCHEME = re.compile(
    r"(?P<head>(?:Bearer|Basic|Digest|Hawk|OAuth|NTLM|Negotiate|Token|ApiKey|JWT|[A-Z0-9]+-HMAC-SHA256)[ \t]+)(?P<text>\S.*)",
    re.DOTALL | re.IGNORECASE,
)
_SESSION = re.compile(r"(?=\D*\d)\S{16,}")


_URL = re.compile(r"[a-z][a-z\d+.-]*://[^\s\"']+(?<!:)", re.IGNORECASE)


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Whether a variable, header, parameter or field of this name usually holds something secret."""
    lowered = _CAMEL.sub("_", name.strip()).lower()
    return bool(_SECRET.search(lowered)) and not _ABOUT.search(lowered) and lowered not in _NEVER


def without_credentials(message: str) -> str:
    """The message with passwords and keys in URLs masked; prose about `--show-secrets: …` stays as it is."""
    return _URL.sub(lambda url: Secrets().hide(url[0]), message)


def mask(value: str) -> str:
    """A secret in the form in which it may be shown: `abcd****wxyz`, `60****45` for eight digits, else `****`."""
    if len(value) == 8 and value.isascii() and value.isdigit():
        return value[:2] + STARS + value[-2:]
    if len(value) >= 20 and _SHOWABLE.match(value):
        return value[:4] + STARS + value[-4:]
    return STARS


def _spellings(value: str) -> tuple[str, ...]:
    """The value and how it looks in a URL, in a form, in JSON."""
    if value.isascii() and value.isalnum():
        return (value,)
    spellings = [value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]]
    if value.isascii() or value.isprintable():
        spellings += [quote(value, safe=""), quote(value), quote_plus(value)]
    return tuple(dict.fromkeys(spellings))


class Secrets:
    """What this run knows to be secret: names (its own and those of `add_name`) and the values learned so far."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names: set[str] = set()
        self._lasting: dict[str, list[tuple[str, str]]] = {}
        self._recent: dict[str, list[tuple[str, str]]] = {}
        self._needles: list[tuple[str, str]] | None = []
        self._hints: tuple[str, ...] = _HINTS
        self._short: dict[str, re.Pattern[str]] = {}
        self._known: dict[str, str] = {}
        self._known_at = 0
        self.version = 0
        """Goes up whenever something new is known: what was hidden before may have to be hidden anew."""
        for name in names:
            self.add_name(name)

    def add_name(self, name: str) -> None:
        """From now on what goes under this name, in any case, is secret."""
        if (lowered := name.lower()) not in self._names:
            self._names.add(lowered)
            self._hints = (*self._hints, lowered)
            self.version += 1

    def is_secret(self, name: str, type: str = "any") -> bool:
        """Whether a variable of this name and Postman type is secret."""
        return type == "secret" or name.lower() in self._names or is_secret_name(name)

    def learn(self, key: str, value: Any, type: str = "any", *, lasting: bool = False) -> None:
        """Remember a value if its name or type says that it is secret; `lasting` ones never give way to newer ones."""
        if isinstance(value, str | int | float) and not isinstance(value, bool) and self.is_secret(key, type):
            self.learn_value(str(value), lasting=lasting)
            if type == "secret":
                self._learn_short(str(value).strip())

    def _learn_short(self, value: str) -> None:
        """Remember what the user has declared secret though it is short: it is hidden where it stands alone."""
        if 0 < len(value) < SHORTEST and value not in self._short and not _NO_SECRET.fullmatch(value):
            self._short[value] = re.compile(rf"(?<!\w){re.escape(value)}(?!\w)")
            self.version += 1

    def learn_value(self, value: str, *, lasting: bool = False) -> None:
        """Remember a value that is secret whatever it is called."""
        value = value.strip()
        if value in self._lasting:
            return
        if value in self._recent and not lasting:
            self._recent[value] = self._recent.pop(value)  # seen again: it stays longer
            return
        if len(value) < SHORTEST or value.lower() in _PLAIN_WORDS or (value.startswith("{{") and value.endswith("}}")):
            return
        shown = mask(value)
        (self._lasting if lasting else self._recent)[value] = [(spelling, shown) for spelling in _spellings(value)]
        if len(self._recent) > REMEMBERED:
            del self._recent[next(iter(self._recent))]
        self._needles = None
        self.version += 1

    @property
    def values(self) -> tuple[str, ...]:
        """All that is known to be secret."""
        return (*self._lasting, *self._recent)

    def knows(self, value: str) -> bool:
        """Whether this very value has been learned."""
        return value in self._lasting or value in self._recent

    def hide(self, text: str) -> str:
        """The text without the secrets in it; the same object when there are none."""
        if len(text) > _LONG:
            return self._hide(text)
        if self._known_at != self.version or len(self._known) >= _KNOWN:
            self._known, self._known_at = {}, self.version
        if (hidden := self._known.get(text)) is None:
            hidden = self._known[text] = self._hide(text)
        return hidden

    def _hide(self, text: str) -> str:
        hidden = self._hide_values(text)
        parts, done = [], 0
        for found in self._named(hidden):
            parts += [hidden[done : found.start()], self._masked(found)]
            done = found.end()
        if parts:
            hidden = "".join([*parts, hidden[done:]])
        return text if hidden == text else hidden

    def hide_header(self, name: str, value: str) -> str:
        """A header's value, fit to be shown. Of cookies the names stay, of credentials the scheme."""
        lowered = name.lower()
        if lowered in ("cookie", "set-cookie"):
            return self._hide_values(_hide_cookies(value, one=lowered == "set-cookie"))
        if not self.is_secret(name):
            return self.hide(value)
        if found := _SENT_SCHEME.fullmatch(value):
            return found["head"] + mask(found["text"])
        return mask(value)

    def learn_header(self, name: str, value: str) -> None:
        """Remember the credentials in a header, without their scheme; of cookies those that look like a session."""
        if (lowered := name.lower()) in ("cookie", "set-cookie"):
            for pair in value.split(";")[: 1 if lowered == "set-cookie" else None]:
                if _SESSION.fullmatch(cookie := pair.partition("=")[2].strip(' "')):
                    self.learn_value(cookie)
        elif self.is_secret(name):
            found = _SENT_SCHEME.fullmatch(value)
            self.learn_value(found["text"] if found else value)

    def learn_fields(self, text: str) -> None:
        """Remember the values of secret names in a JSON or form text, such as a token that a server has just given out.

        Cookies are left out: their values are often plain words, which would then be hidden everywhere.
        """
        for found in self._named(text):
            if found.re in (_FIELD, _PAIR) and found["text"] and "cookie" not in found["name"].lower():
                self.learn_value(_unescaped(found["text"]))

    def hide_bytes(self, body: bytes) -> bytes:
        """A body with its secrets hidden; bytes that are no text stay as they are."""
        text = body.decode("utf-8", "surrogateescape")
        hidden = self.hide(text)
        return body if hidden is text else hidden.encode("utf-8", "surrogateescape")

    def _hide_values(self, text: str) -> str:
        """Overlapping secrets can leave a new one behind, hence the second look, which shortens the text each time."""
        hidden = text
        for needle, shown in self._sorted():
            if needle in hidden:
                hidden = hidden.replace(needle, shown)
        if hidden is not text:
            while found := next((needle for needle, _ in self._sorted() if needle in hidden), None):
                hidden = hidden.replace(found, STARS)
        for value, alone in self._short.items():
            if value in hidden:
                hidden = alone.sub(STARS, hidden)
        return hidden

    def _sorted(self) -> list[tuple[str, str]]:
        if self._needles is None:
            found = [pair for pairs in (*self._lasting.values(), *self._recent.values()) for pair in pairs]
            self._needles = sorted(found, key=lambda pair: -len(pair[0]))
        return self._needles

    def _named(self, text: str) -> Iterator[re.Match[str]]:
        """What stands under a secret name, in order. Most texts hold no hint of one, so looking for hints first is cheap."""
        lowered = text.lower()
        if len(lowered) != len(text):  # as with the Turkish dotted I
            lowered = text.translate(_LOWER)
        hints = [hint for hint in self._hints if hint in lowered]
        if not hints:
            return
        done = 0
        for place in sorted(place for hint in hints for place in _places(lowered, hint)):
            if place >= done and (found := self._named_at(text, place)):
                yield found
                done = found.end()

    def _named_at(self, text: str, place: int) -> re.Match[str] | None:
        """The secret whose name, scheme or sign (the @ of a URL) is around a place."""
        if text[place] == "@":
            start = text.rfind("://", max(0, place - _NEAR), place)
            return _USERINFO.match(text, start) if start >= 0 else None
        if found := _SCHEME.match(text, place):
            return found
        for pattern, start in _starts(text, place):
            if (found := pattern.match(text, start)) and self._is_about_a_secret(found):
                return found
        return None

    def _is_about_a_secret(self, found: re.Match[str]) -> bool:
        name = found["name"]
        if found.re is _HEADER and name.lower() in _PROSE_NAMES:
            return False  # prose, such as `invalid token: expired`
        return self.is_secret(name) or (found.re is _PAIR and name.lower() == "key")

    def _masked(self, found: re.Match[str]) -> str:
        head, text = found["head"], found["text"]
        if found.re is _FIELD:
            quotes = found["v"] or found["q"]
            return f"{head}{quotes}{_masked_once(text or found['number'] or '')}{quotes}"
        if found.re is _HEADER:
            name = found["name"].lower()
            if name in ("cookie", "set-cookie"):
                return head + _hide_cookies(text, one=name == "set-cookie")
            if parts := _SENT_SCHEME.fullmatch(text):
                return head + parts["head"] + _masked_once(parts["text"])
        return head + _masked_once(text)


def _places(text: str, word: str) -> Iterator[int]:
    place = text.find(word)
    while place >= 0:
        yield place
        place = text.find(word, place + 1)


def _starts(text: str, place: int) -> Iterator[tuple[re.Pattern[str], int]]:
    """Where a field, a pair or a header would begin whose name holds this place."""
    near = max(0, place - _LONGEST_NAME)
    quote = max(text.rfind('"', near, place), text.rfind("'", near, place))
    if quote >= 0:
        start = quote
        while start > max(0, quote - 8) and text[start - 1] == "\\":
            start -= 1
        yield _FIELD, start
    word = _WORD_BEFORE.search(text[near:place])
    start = place - (len(word[0]) if word else 0)
    yield _PAIR, start
    yield _HEADER, start


def _masked_once(text: str) -> str:
    return text if not text or _MASKED.match(text) else mask(text)


def _unescaped(text: str) -> str:
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:
        return text


def _hide_cookies(value: str, *, one: bool) -> str:
    """`a=1; b=2` of a Cookie header, or a Set-Cookie header, where only the first pair (`one`) is the cookie."""
    pairs = value.split(";", 1 if one else -1)
    shown = [f"{pair.partition('=')[0]}={STARS}" if "=" in pair else pair for pair in (pairs[:1] if one else pairs)]
    return ";".join([*shown, *(pairs[1:] if one else [])])
