"""What a script can see of its surroundings, judged by its text, so that nothing else has to be made for it.

Making the request and the legacy globals takes a fifth of a small script's time. Where a text could reach them in a way
that cannot be told from it, it counts as seeing both. The bytes of a response, dearer to the sandbox than its text, have to be
named.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

# The names of postman-legacy-interface.js in postman-sandbox, and JSON, which it replaces by liquid-json.
_LEGACY = (
    "tests|globals|environment|data|iteration|request|responseBody|responseCode|responseCookies|responseHeaders|responseTime|"
    "postman|_|CryptoJS|tv4|xml2Json|Backbone|cheerio|JSON"
)
_NAMES_LEGACY = re.compile(rf"(?<![\w$.])(?:{_LEGACY})(?![\w$])")
_NAMES_REQUEST = re.compile(r"request|\bpm\b(?!\s*\.\s*[a-z])")
_NAMES_BYTES = re.compile(r"stream|responseSize|dataURI")
_ANYTHING = re.compile(r"\beval\b|\bFunction\b|\bconstructor\b|\brequire\b|\bthis\b|\bwith\s*\(|\barguments\b|\\u")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """Whether a script can see `pm.request`, the globals from before `pm`, and a response's bytes."""

    request: bool
    legacy: bool
    bytes: bool


EVERYTHING = Sight(request=True, legacy=True, bytes=True)


def sight(code: str, packages: Mapping[str, Any] | None = None) -> Sight:
    """What a script can see; with packages, whose text is not looked at, everything."""
    return EVERYTHING if packages else _sight(code)


@lru_cache(maxsize=1024)
def _sight(code: str) -> Sight:
    anything = bool(_ANYTHING.search(code))
    return Sight(
        request=anything or bool(_NAMES_REQUEST.search(code)),
        legacy=anything or bool(_NAMES_LEGACY.search(code)),
        bytes=bool(_NAMES_BYTES.search(code)),
    )
