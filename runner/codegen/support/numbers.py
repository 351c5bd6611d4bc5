"""`Math`, and texts made of numbers and bytes."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import math
import random as dice
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from runner.codegen.support.values import JsError, is_number, nullish, number, text, undefined


def _whole(value: Any, make: Any) -> Any:
    found = number(value)
    if isinstance(found, float) and (not math.isfinite(found) or abs(found) >= 2**53):
        return found
    whole = make(found)
    return -0.0 if whole == 0 and math.copysign(1, found) < 0 else whole


def floor(value: Any) -> Any:
    """`Math.floor(value)`."""
    return _whole(value, math.floor)


def ceiling(value: Any) -> Any:
    """`Math.ceil(value)`."""
    return _whole(value, math.ceil)


def nearest(value: Any) -> Any:
    """`Math.round(value)`: halves go up."""
    return _whole(value, lambda found: math.floor(found) + (found - math.floor(found) >= 0.5))


def magnitude(value: Any) -> Any:
    """`Math.abs(value)`."""
    return abs(number(value))


def largest(*values: Any) -> Any:
    """`Math.max(…)`."""
    return _extreme([number(value) for value in values], max, -math.inf)


def smallest(*values: Any) -> Any:
    """`Math.min(…)`."""
    return _extreme([number(value) for value in values], min, math.inf)


def _extreme(found: list[Any], choose: Any, nothing: float) -> Any:
    return math.nan if any(value != value for value in found) else choose(found, default=nothing)


def random() -> float:
    """`Math.random()`."""
    return dice.random()


def encode_component(value: Any) -> str:
    """`encodeURIComponent(value)`."""
    return _encode(value, "!'()*~")


def encode_uri(value: Any) -> str:
    """`encodeURI(value)`."""
    return _encode(value, "!'()*~;,/?:@&=+$#")


def _encode(value: Any, safe: str) -> str:
    try:
        return quote(text(value), safe=safe)
    except UnicodeEncodeError:
        raise JsError("URI malformed", "URIError") from None


def decode_component(value: Any) -> str:
    """`decodeURIComponent(value)`."""
    written = text(value)
    parts = written.split("%")[1:]
    try:
        if any(len(part) < 2 or int(part[:2], 16) < 0 for part in parts):
            raise ValueError
        return unquote_to_bytes(written).decode()
    except ValueError:
        raise JsError("URI malformed", "URIError") from None


def from_char_code(*codes: Any) -> str:
    """`String.fromCharCode(…)`."""
    from runner.codegen.support.values import join_units

    return join_units("".join(chr(int(number(code)) % 0x10000) for code in codes))


def btoa(value: Any) -> str:
    """`btoa(value)`."""
    try:
        return base64.b64encode(text(value).encode("latin-1")).decode()
    except UnicodeEncodeError:
        raise JsError(
            "The string to be encoded contains characters outside of the Latin1 range.", "InvalidCharacterError"
        ) from None


def atob(value: Any) -> str:
    """`atob(value)`."""
    written = "".join(text(value).split())
    try:
        return base64.b64decode(written + "=" * (-len(written) % 4), validate=True).decode("latin-1")
    except (binascii.Error, ValueError):
        raise JsError("The string to be decoded is not correctly encoded.", "InvalidCharacterError") from None


def base64_of(value: Any) -> str:
    """A text in UTF-8 as Base64: `Buffer.from(value).toString("base64")`."""
    if not isinstance(value, str):
        raise JsError("The first argument must be of type string", "TypeError")
    return base64.b64encode(value.encode("utf-8", "replace")).decode()


class Digest(bytes):
    """What `CryptoJS` makes of a text; `hex()` is its text."""

    def base64(self) -> str:
        """In Base64."""
        return base64.b64encode(self).decode()


def _bytes(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if nullish(value):
        return b""
    if not isinstance(value, str):
        raise JsError("data.words is not iterable", "TypeError")
    return value.encode("utf-8", "surrogatepass")


def digest(algorithm: str, value: Any) -> Digest:
    """`CryptoJS.SHA256(value)` and its like."""
    return Digest(hashlib.new(algorithm, _bytes(value)).digest())


def hmac_digest(algorithm: str, value: Any, key: Any) -> Digest:
    """`CryptoJS.HmacSHA256(value, key)` and its like."""
    return Digest(hmac.new(_bytes(key), _bytes(value), algorithm).digest())


def is_list(value: Any) -> bool:
    """`Array.isArray(value)`."""
    return isinstance(value, list)


def is_empty(value: Any) -> bool:
    """lodash's `_.isEmpty(value)`."""
    return not value if isinstance(value, str | list | dict) else True


def get_path(value: Any, path: str, default: Any = undefined) -> Any:
    """lodash's `_.get(value, path, default)`."""
    from runner.codegen.support.expect import steps
    from runner.codegen.support.values import get

    for step in steps(path):
        if nullish(value) or is_number(value) or isinstance(value, bool):
            return default
        value = get(value, step)
    return default if value is undefined else value
