"""What is secret and how it is hidden: by the name it goes under, and by its value wherever that turns up again."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus

STARS = "****"
SHORTEST = 6
"""Values with fewer characters are hidden under their name only: as parts of a text they would be found everywhere."""
REMEMBERED = 256
"""How many passing values (a token of each iteration) are kept; the oldest give way, so that memory and time stay flat."""

_SECRET = re.compile(
    r"token|secret|passw(or)?d|passphrase|passcode|\bpwd\b|authori[sz]ation|cookie|credential|jwt"
    r"|bearer|(app|api|access|private|approval|auth|client|consumer|master)[ ._-]?key\b"
    r"|(account|encryption|signing|session|shared|license)[ ._-]?key\b"
    r"|[._-]key$"
)
# token_type, tokenUrl, access_token_expired …: about a secret, not one
_ABOUT = re.compile(
    r"(type|expired?|expires?|expiry|expiration|_at|_in|count|limit|length|ur[il]|endpoint|name|public[ ._-]?key|tokens)$"
)
_PLAIN_WORDS = frozenset({"bearer", "password", "postman", "secret", "string", "undefined", "[object object]"})
_PROSE_NAMES = frozenset({"token", "password", "secret", "jwt", "bearer", "credential", "credentials", "passphrase", "pwd"})
_HINTS = ("token", "secret", "passw", "pwd", "passphrase", "passcode", "key", "auth", "cookie", "bearer", "basic", "jwt", "@")
_SHOWABLE = re.compile(r"[\w.~+/=-]+\Z", re.ASCII)
_MASKED = re.compile(r"[^\s*]{0,4}\*{4}[^\s*]{0,4}\Z")

# "name": "value" in JSON, in JavaScript's notation, and in JSON inside a JSON string (then the quotes carry backslashes)
_FIELD = re.compile(
    r"""(?P<head>(?P<q>\\{0,8}["'])(?P<name>[\w .$-]{1,64})(?P=q)\s*[:=]\s*)"""
    r"""(?:(?P<v>\\{0,8}["'])(?P<text>(?:(?!(?P=v))(?:\\.|[^\\]))*)(?P=v)|(?P<number>-?\d[\d.eE+-]*))""",
    re.DOTALL,
)
_PAIR = re.compile(r"(?P<head>(?<![\w.-])(?P<name>[A-Za-z_][\w.\[\]-]{0,63})=)(?P<text>[^\s&;,\"'<>(){}]+)")
_HEADER = re.compile(
    r"(?P<head>(?<![\w.-])(?P<name>[A-Za-z][\w-]{1,63}):[ \t]*)"
    r"(?P<text>(?:[A-Za-z][\w-]{2,15}[ \t]+)?[^\s,;\"'<>(){}]+(?:;[^\r\n]*)?)"
)
_SCHEME = re.compile(r"(?P<head>\b(?:Bearer|Basic)[ \t]+)(?P<text>(?=\S*[\d=._])[\w.~+/=-]{8,})", re.IGNORECASE)
_USERINFO = re.compile(r"(?P<head>://[^\s/:@]*:)(?P<text>[^\s/@]+)(?=@)")
_SENT_SCHEME = re.compile(
    r"(?P<head>(?:Bearer|Basic|Digest|Hawk|OAuth|NTLM|Negotiate|Token|ApiKey|JWT|[A-Z0-9]+-HMAC-SHA256)[ \t]+)(?P<text>\S.*)",
    re.DOTALL | re.IGNORECASE,
)


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Whether a variable, header, parameter or field of this name usually holds something secret."""
    lowered = name.strip().lower()
    return bool(_SECRET.search(lowered)) and not _ABOUT.search(lowered)


def mask(value: str) -> str:
    """A secret in the form in which it may be shown: `abcd****wxyz`, `60****45` for eight digits, else `****`."""
    if len(value) == 8 and value.isascii() and value.isdigit():
        return value[:2] + STARS + value[-2:]
    if len(value) >= 20 and _SHOWABLE.match(value):
        return value[:4] + STARS + value[-4:]
    return STARS


def _spellings(value: str) -> tuple[str, ...]:
    """The value and how it looks in a URL, in a form, in JSON."""
    spellings = [value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]]
    if value.isascii() or value.isprintable():
        spellings += [quote(value, safe=""), quote(value), quote_plus(value)]
    return tuple(dict.fromkeys(spellings))


class Secrets:
    """What this run knows to be secret: names (its own and those of `add_name`) and the values learned so far."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names: set[str] = set()
        self._lasting: dict[str, tuple[str, ...]] = {}
        self._recent: dict[str, tuple[str, ...]] = {}
        self._needles: list[tuple[str, str]] | None = []
        self._hints: tuple[str, ...] = _HINTS
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
        (self._lasting if lasting else self._recent)[value] = _spellings(value)
        if len(self._recent) > REMEMBERED:
            del self._recent[next(iter(self._recent))]
        self._needles = None
        self.version += 1

    def knows(self, value: str) -> bool:
        """Whether this very value has been learned."""
        return value in self._lasting or value in self._recent

    def hide(self, text: str) -> str:
        """The text without the secrets in it; the same object when there are none."""
        hidden = self._hide_values(text)
        lowered = hidden.lower()
        if any(hint in lowered for hint in self._hints):
            hidden = self._hide_names(hidden)
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
        """Remember the credentials in a header, without their scheme."""
        if self.is_secret(name) and name.lower() not in ("cookie", "set-cookie"):
            found = _SENT_SCHEME.fullmatch(value)
            self.learn_value(found["text"] if found else value)

    def learn_fields(self, text: str) -> None:
        """Remember the values of secret names in a JSON or form text, such as a token that a server has just given out.

        Cookies are left out: their values are often plain words, which would then be hidden everywhere.
        """
        lowered = text.lower()
        if any(hint in lowered for hint in self._hints):
            self._learn_matches(_FIELD, text)
            if "=" in text:
                self._learn_matches(_PAIR, text)

    def _learn_matches(self, pattern: re.Pattern[str], text: str) -> None:
        for found in pattern.finditer(text):
            value, name = found["text"], found["name"]
            if value and self.is_secret(name) and "cookie" not in name.lower():
                self.learn_value(_unescaped(value))
            elif value and "\\" in value:
                self._learn_matches(pattern, value)

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
        return hidden

    def _sorted(self) -> list[tuple[str, str]]:
        if self._needles is None:
            known = {**self._lasting, **self._recent}
            found = [(spelling, mask(value)) for value, spellings in known.items() for spelling in spellings]
            self._needles = sorted(found, key=lambda pair: -len(pair[0]))
        return self._needles

    def _hide_names(self, text: str) -> str:
        text = _SCHEME.sub(_masked, text)
        if "@" in text:
            text = _USERINFO.sub(_masked, text)
        if ":" in text or "=" in text:
            text = _FIELD.sub(self._masked_field, text)
        if "=" in text:
            text = _PAIR.sub(self._masked_pair, text)
        if ":" in text:
            text = _HEADER.sub(self._masked_header, text)
        return text

    def _masked_field(self, found: re.Match[str]) -> str:
        if not self.is_secret(found["name"]):
            text = found["text"]  # JSON in a string has fields of its own
            inner = _FIELD.sub(self._masked_field, text) if text and "\\" in text else text
            return found[0] if inner == text else found[0].replace(text, inner)
        quotes = found["v"] or found["q"]
        return f"{found['head']}{quotes}{_masked_once(found['text'] or found['number'] or '')}{quotes}"

    def _masked_pair(self, found: re.Match[str]) -> str:
        secret = self.is_secret(found["name"]) or found["name"].lower() == "key"
        return found["head"] + _masked_once(found["text"]) if secret else found[0]

    def _masked_header(self, found: re.Match[str]) -> str:
        """`Name: value`, but not prose such as `invalid token: expired`."""
        name = found["name"]
        if name.lower() in _PROSE_NAMES or not self.is_secret(name):
            return found[0]
        text = found["text"]
        if name.lower() in ("cookie", "set-cookie"):
            return found["head"] + _hide_cookies(text, one=name.lower() == "set-cookie")
        parts = _SENT_SCHEME.fullmatch(text)
        return found["head"] + (parts["head"] + _masked_once(parts["text"]) if parts else _masked_once(text))


def _masked_once(text: str) -> str:
    return text if not text or _MASKED.match(text) else mask(text)


def _unescaped(text: str) -> str:
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:
        return text


def _masked(found: re.Match[str]) -> str:
    return found["head"] + _masked_once(found["text"])


def _hide_cookies(value: str, *, one: bool) -> str:
    """`a=1; b=2` of a Cookie header, or a Set-Cookie header, where only the first pair (`one`) is the cookie."""
    pairs = value.split(";", 1 if one else -1)
    shown = [f"{pair.partition('=')[0]}={STARS}" if "=" in pair else pair for pair in (pairs[:1] if one else pairs)]
    return ";".join([*shown, *(pairs[1:] if one else [])])
