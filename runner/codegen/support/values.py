"""JavaScript's values and operators for translated scripts, where Python's differ.

Objects are dicts, arrays lists, null is None and undefined is `undefined`; numbers are int or float, which text and JSON
cannot tell apart. Behaviour follows ECMA-262.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import Any

from runner.jstext import js_text
from runner.sandbox.teleport import UNDEFINED

undefined: Any = UNDEFINED

SAFE = 2**53
_SPACE = (
    " \t\n\r\v\f\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
_DECIMAL = re.compile(r"[+-]?(?:Infinity|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)")
_WHOLE = re.compile(r"[+-]?(?:0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+)")
_INDEX = re.compile(r"0|[1-9]\d{0,8}")


class JsError(Exception):
    """What a script threw: `name` is the JavaScript class of the error."""

    def __init__(self, message: str = "", name: str = "Error") -> None:
        super().__init__(message)
        self.name = name
        self.message = message

    def __str__(self) -> str:
        return self.message


Thrown = Exception
"""What `catch` catches: everything, errors of Python's own operators too."""


def as_error(caught: Exception) -> JsError:
    """What was caught, as a script sees it."""
    return caught if isinstance(caught, JsError) else JsError(str(caught), type(caught).__name__)


class OnlyJavaScript(BaseException):
    """A translated script came to something that only JavaScript knows; no `catch` and no test may hide it."""


def throw(value: Any) -> None:
    """`throw value`: an error as it is, anything else as its text."""
    raise value if isinstance(value, BaseException) else JsError(text(value))


def truthy(value: Any) -> bool:
    """Whether a condition holds: empty lists and objects do, NaN does not."""
    if isinstance(value, list | dict):
        return True
    if isinstance(value, float) and math.isnan(value):
        return False
    return value is not undefined and bool(value)


def nullish(value: Any) -> bool:
    """`value == null`."""
    return value is None or value is undefined


def is_number(value: Any) -> bool:
    """Whether a value is of type number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def typeof(value: Any) -> str:
    """The `typeof` operator."""
    if value is undefined:
        return "undefined"
    if isinstance(value, bool):
        return "boolean"
    if is_number(value):
        return "number"
    if isinstance(value, str):
        return "string"
    return "function" if callable(value) else "object"


def text(value: Any) -> str:
    """`String(value)`.

    Raises:
        JsError: a value whose text only JavaScript knows.
    """
    if value is undefined:
        return "undefined"
    if isinstance(value, JsError):
        return f"{value.name}: {value.message}" if value.message else value.name
    if isinstance(value, list):
        return ",".join("" if nullish(entry) else text(entry) for entry in value)
    if value is None or isinstance(value, str | int | float | dict):
        return js_text(value)
    if callable(value):
        raise OnlyJavaScript("the text of a function is only known to JavaScript")
    return str(value)


def number(value: Any = 0) -> Any:
    """`Number(value)`."""
    if isinstance(value, bool) or value is None:
        return int(value or 0)
    if is_number(value):
        return rounded(value)
    if value is undefined:
        return math.nan
    return _number_of(text(value).strip(_SPACE))


def rounded(value: Any) -> Any:
    """A number as the nearest double, which JavaScript's numbers are."""
    if isinstance(value, int) and not -SAFE <= value <= SAFE:
        try:
            return float(value)
        except OverflowError:
            return math.inf if value > 0 else -math.inf
    return value


def _number_of(written: str) -> Any:
    if not written:
        return 0
    if _WHOLE.fullmatch(written):
        return math.nan if written[0] in "+-" else rounded(int(written, 0))
    if not _DECIMAL.fullmatch(written):
        return math.nan
    return decimal(written)


def decimal(written: str) -> Any:
    """A number in decimal notation, which has been checked."""
    if "Infinity" in written:
        return -math.inf if written[0] == "-" else math.inf
    value = float(written)
    whole = value.is_integer() and abs(value) <= SAFE and not (value == 0 and written[0] == "-")
    return int(value) if whole else value


def parse_int(value: Any, radix: Any = undefined) -> Any:
    """`parseInt(value, radix)`."""
    written = text(value).strip(_SPACE)
    sign = -1 if written[:1] == "-" else 1
    written = written[1:] if written[:1] in ("+", "-") else written
    base = int(number(radix)) if not nullish(radix) else 0
    if base in (0, 16) and written[:2].lower() == "0x":
        written, base = written[2:], 16
    base = base or 10
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"[:base]
    count = next(
        (place for place, digit in enumerate(written) if digit.lower() not in digits or not digit.isascii()), len(written)
    )
    if not 2 <= base <= 36 or not count:
        return math.nan
    found = rounded(int(written[:count], base))
    return -0.0 if found == 0 and sign < 0 else sign * found


def parse_float(value: Any) -> Any:
    """`parseFloat(value)`."""
    found = _DECIMAL.match(text(value).strip(_SPACE))
    return decimal(found[0]) if found else math.nan


def is_nan(value: Any) -> bool:
    """`isNaN(value)`."""
    found = number(value)
    return isinstance(found, float) and math.isnan(found)


def is_integer(value: Any) -> bool:
    """`Number.isInteger(value)`."""
    return is_number(value) and (isinstance(value, int) or value.is_integer())


# --------------------------------------------------------------------------------------------------------------- operators


def add(left: Any, right: Any) -> Any:
    """`left + right`: text when either side is text, a list or an object."""
    left, right = _primitive(left), _primitive(right)
    if isinstance(left, str) or isinstance(right, str):
        return text(left) + text(right)
    return rounded(number(left) + number(right))


def _primitive(value: Any) -> Any:
    return value if nullish(value) or isinstance(value, bool | int | float) else text(value)


def subtract(left: Any, right: Any) -> Any:
    """`left - right`."""
    return rounded(number(left) - number(right))


def multiply(left: Any, right: Any) -> Any:
    """`left * right`."""
    left, right = number(left), number(right)
    if 0 in (left, right):  # the sign of a zero
        return float(left) * float(right)
    return rounded(left * right)


def divide(left: Any, right: Any) -> Any:
    """`left / right`: division by zero is infinite, or NaN."""
    left, right = float(number(left)), float(number(right))
    if right:
        return left / right
    if math.isnan(left) or left == 0:
        return math.nan
    return math.copysign(math.inf, left) * math.copysign(1, right)


def remainder(left: Any, right: Any) -> Any:
    """`left % right`, with the sign of the left side."""
    left, right = float(number(left)), float(number(right))
    return math.nan if right == 0 or math.isinf(left) else math.fmod(left, right)


def negative(value: Any) -> Any:
    """`-value`."""
    found = number(value)
    return -0.0 if found == 0 and not str(found).startswith("-") else -found


def strict_equal(left: Any, right: Any) -> bool:
    """`left === right`: lists and objects are equal only to themselves."""
    if is_number(left) and is_number(right):
        return bool(rounded(left) == rounded(right))
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, str) and isinstance(right, str):
        return left == right
    return left is right


def loose_equal(left: Any, right: Any) -> bool:
    """`left == right`, which converts what is of different types."""
    if nullish(left) or nullish(right):
        return nullish(left) and nullish(right)
    if typeof(left) == typeof(right):
        return strict_equal(left, right)
    if isinstance(left, list | dict):
        return loose_equal(text(left), right)
    if isinstance(right, list | dict):
        return loose_equal(left, text(right))
    return strict_equal(number(left), number(right))


def _comparable(left: Any, right: Any) -> tuple[Any, Any]:
    left, right = _primitive(left), _primitive(right)
    if not (isinstance(left, str) and isinstance(right, str)):
        return number(left), number(right)
    if left.isascii() and right.isascii():
        return left, right
    return left.encode("utf-16-be", "surrogatepass"), right.encode("utf-16-be", "surrogatepass")


def less(left: Any, right: Any) -> bool:
    """`left < right`."""
    left, right = _comparable(left, right)
    return bool(left < right)


def less_equal(left: Any, right: Any) -> bool:
    """`left <= right`."""
    left, right = _comparable(left, right)
    return bool(left <= right)


def greater(left: Any, right: Any) -> bool:
    """`left > right`."""
    return less(right, left)


def greater_equal(left: Any, right: Any) -> bool:
    """`left >= right`."""
    return less_equal(right, left)


def either(left: Any, right: Callable[[], Any]) -> Any:
    """`left || right`."""
    return left if truthy(left) else right()


def both(left: Any, right: Callable[[], Any]) -> Any:
    """`left && right`."""
    return right() if truthy(left) else left


def or_else(left: Any, right: Callable[[], Any]) -> Any:
    """`left ?? right`."""
    return right() if nullish(left) else left


# ----------------------------------------------------------------------------------------------------------------- members


def key_text(key: Any) -> str:
    """The name of a member."""
    return key if isinstance(key, str) else text(key)


def get(value: Any, key: Any) -> Any:
    """`value[key]`: undefined where there is no such member.

    Raises:
        JsError: null and undefined have no members.
    """
    if nullish(value):
        raise JsError(f"Cannot read properties of {text(value)} (reading '{key_text(key)}')", "TypeError")
    name = key_text(key)
    if isinstance(value, dict):
        if name in value:
            return value[name]
        inherited = _OBJECT
    elif isinstance(value, list | str):
        found = member(value, name)
        if found is not undefined:
            return found
        inherited = _OBJECT | (_LIST if isinstance(value, list) else _TEXT)
    elif isinstance(value, JsError):
        return {"name": value.name, "message": value.message}.get(name, undefined)
    else:
        inherited = _OBJECT if isinstance(value, bool) else frozenset()
    if name in inherited:
        raise OnlyJavaScript(f"{name!r} of {typeof(value)} is only known to JavaScript")
    return undefined


def maybe(value: Any, key: Any) -> Any:
    """`value?.[key]`."""
    return undefined if nullish(value) else get(value, key)


def member(value: list[Any] | str, name: str) -> Any:
    """An element of a list or a character of a text by its index, or the length."""
    if not isinstance(value, list):
        value = split_units(value)
    if name == "length":
        return len(value)
    place = int(name) if _INDEX.fullmatch(name) else len(value)
    return value[place] if place < len(value) else undefined


def split_units(value: str) -> str:
    """The text with characters beyond U+FFFF as the two halves JavaScript sees."""
    if value.isascii() or max(value) <= "\uffff":
        return value
    raw = value.encode("utf-16-le", "surrogatepass")
    return "".join(raw[place : place + 2].decode("utf-16-le", "surrogatepass") for place in range(0, len(raw), 2))


def join_units(value: str) -> str:
    """The opposite of `split_units`."""
    return value if value.isascii() else value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


def put(value: Any, key: Any, new: Any) -> Any:
    """`value[key] = new`."""
    if nullish(value):
        raise JsError(f"Cannot set properties of {text(value)} (setting '{key_text(key)}')", "TypeError")
    if isinstance(value, dict):
        value[key_text(key)] = new
    elif isinstance(value, list):
        _put_element(value, key, new)
    return new


def _put_element(value: list[Any], key: Any, new: Any) -> None:
    name = key_text(key)
    place = int(name) if _INDEX.fullmatch(name) else None
    if place is None or place > len(value):
        raise OnlyJavaScript(f"a list with holes or with a member {name!r} is only known to JavaScript")
    value[place : place + 1] = [new]


def remove(value: Any, key: Any) -> bool:
    """`delete value[key]` of an object."""
    if not isinstance(value, dict):
        raise OnlyJavaScript(f"deleting from {typeof(value)} is only known to JavaScript")
    value.pop(key_text(key), None)
    return True


def contains_key(key: Any, value: Any) -> bool:
    """`key in value`."""
    name = key_text(key)
    if isinstance(value, dict):
        return name in value or name in _OBJECT
    if isinstance(value, list):
        return member(value, name) is not undefined or name in _LIST or name in _OBJECT
    raise JsError(f"Cannot use 'in' operator to search for '{name}' in {text(value)}", "TypeError")


def keys(value: Any) -> list[str]:
    """`Object.keys(value)`: numbers first, as JavaScript orders them."""
    if nullish(value):
        raise JsError("Cannot convert undefined or null to object", "TypeError")
    if isinstance(value, list | str):
        return [str(place) for place in range(int(get(value, "length")))]
    if not isinstance(value, dict):
        return []
    whole = sorted((name for name in value if _INDEX.fullmatch(name)), key=int)
    return whole + [name for name in value if not _INDEX.fullmatch(name)] if whole else list(value)


def own_values(value: Any) -> list[Any]:
    """`Object.values(value)`."""
    return [get(value, key) for key in keys(value)]


def entries(value: Any) -> list[Any]:
    """`Object.entries(value)`."""
    return [[key, get(value, key)] for key in keys(value)]


def enumerate_keys(value: Any) -> list[str]:
    """The names a `for … in` loop sees."""
    return [] if nullish(value) else keys(value)


def iterate(value: Any) -> Iterator[Any]:
    """What a `for … of` loop sees: elements, or whole characters."""
    if not isinstance(value, list | str):
        raise JsError(f"{text(value)} is not iterable", "TypeError")
    return iter(value)


def spread(*values: Any) -> dict[str, Any]:
    """`{...a, ...b}`."""
    merged: dict[str, Any] = {}
    for value in values:
        merged.update(value if isinstance(value, dict) else {} if nullish(value) else dict(entries(value)))
    return merged


# Members that objects, lists and texts have in Postman's sandbox, which holds Sugar 1.4 too: to read one as if it were data
# gives a function there.
_OBJECT = frozenset(
    "constructor __defineGetter__ __defineSetter__ hasOwnProperty __lookupGetter__ __lookupSetter__ isPrototypeOf"
    " propertyIsEnumerable toString valueOf __proto__ toLocaleString".split()
)
_LIST = frozenset(
    "at concat copyWithin fill find findIndex findLast findLastIndex lastIndexOf pop push reverse shift unshift slice sort"
    " splice includes indexOf join keys entries values forEach filter flat flatMap map every some reduce reduceRight"
    " toReversed toSorted toSpliced with findAll count removeAt include exclude clone unique flatten union intersect"
    " subtract first last from to min max least most sum average inGroups inGroupsOf isEmpty sortBy randomize zip sample"
    " each add remove compact groupBy none all any insert".split()
)
_TEXT = frozenset(
    "anchor at big blink bold charAt charCodeAt codePointAt concat endsWith fontcolor fontsize fixed includes indexOf"
    " isWellFormed italics lastIndexOf link localeCompare match matchAll normalize padEnd padStart repeat replace replaceAll"
    " search slice small split strike sub substr substring sup startsWith toWellFormed trim trimStart trimLeft trimEnd"
    " trimRight toLocaleLowerCase toLocaleUpperCase toLowerCase toUpperCase escapeRegExp escapeURL unescapeURL escapeHTML"
    " unescapeHTML encodeBase64 decodeBase64 each shift codes chars words lines paragraphs isBlank has add remove reverse"
    " compact from to dasherize underscore camelize spacify stripTags removeTags truncate pad padLeft padRight first last"
    " toNumber capitalize assign insert pluralize singularize humanize titleize parameterize hankaku zenkaku hiragana"
    " katakana".split()
)
