"""Methods of texts, lists, numbers and objects, looked up when the script runs: `call(value, "slice", 1)`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import cmp_to_key
from typing import Any

from runner.codegen.support import regex
from runner.codegen.support.dates import Date
from runner.codegen.support.values import (
    _SPACE,
    JsError,
    OnlyJavaScript,
    contains_key,
    get,
    is_number,
    join_units,
    less,
    nullish,
    number,
    split_units,
    strict_equal,
    text,
    truthy,
    typeof,
    undefined,
)


def call(value: Any, name: str, *args: Any) -> Any:
    """`value.name(*args)`.

    Raises:
        JsError: the value has no such method, or it is null or undefined.
    """
    if nullish(value):
        raise JsError(f"Cannot read properties of {text(value)} (reading '{name}')", "TypeError")
    if isinstance(value, dict) and name in value:
        raise JsError(f"{name} is not a function", "TypeError")
    if isinstance(value, regex.Pattern | Date):
        return getattr(value, name)(*args)
    method = _table(value).get(name)
    if method is None:
        raise JsError(f"{name} is not a function", "TypeError")
    return method(value, *args)


def _table(value: Any) -> dict[str, Callable[..., Any]]:
    if isinstance(value, str):
        return TEXT
    if isinstance(value, list):
        return LIST
    return NUMBER if is_number(value) else OBJECT


def _whole(value: Any, missing: Any) -> int:
    """An index argument: truncated, NaN is 0."""
    if value is undefined:
        return int(missing)
    found = float(number(value))
    return 0 if math.isnan(found) else int(max(-(2**53), min(2**53, found)))


def _span(length: int, start: Any, end: Any) -> slice:
    """What `slice(start, end)` takes; negative places count from the end."""
    first, last = _whole(start, 0), _whole(end, length)
    first = max(0, length + first) if first < 0 else min(first, length)
    last = max(0, length + last) if last < 0 else min(last, length)
    return slice(first, max(first, last))


# ------------------------------------------------------------------------------------------------------------------- texts


def _slice_text(value: str, start: Any = undefined, end: Any = undefined) -> str:
    units = split_units(value)
    return join_units(units[_span(len(units), start, end)])


def _substring(value: str, start: Any = undefined, end: Any = undefined) -> str:
    units = split_units(value)
    places = sorted(max(0, min(_whole(place, missing), len(units))) for place, missing in ((start, 0), (end, len(units))))
    return join_units(units[places[0] : places[1]])


def _substr(value: str, start: Any = undefined, count: Any = undefined) -> str:
    units = split_units(value)
    first = _span(len(units), start, undefined).start
    return join_units(units[first : first + max(0, _whole(count, len(units)))])


def _index_text(value: str, wanted: Any = undefined, start: Any = undefined) -> int:
    units = split_units(value)
    return units.find(split_units(text(wanted)), max(0, min(_whole(start, 0), len(units))))


def _last_index_text(value: str, wanted: Any = undefined) -> int:
    return split_units(value).rfind(split_units(text(wanted)))


def _split(value: str, separator: Any = undefined) -> list[str]:
    if separator is undefined:
        return [value]
    if isinstance(separator, regex.Pattern):
        raise OnlyJavaScript("splitting by a pattern is only known to JavaScript")
    return value.split(text(separator)) if text(separator) else list(split_units(value))


def _char_at(value: str, place: Any = 0) -> str:
    units, index = split_units(value), _whole(place, 0)
    return units[index] if 0 <= index < len(units) else ""


def _char_code(value: str, place: Any = 0) -> Any:
    found = _char_at(value, place)
    return ord(found) if found else math.nan


def _pad(value: str, width: Any, fill: Any, start: bool) -> str:
    filler = " " if fill is undefined else text(fill)
    count = _whole(width, 0) - len(split_units(value))
    padding = (filler * count)[: max(0, count)] if filler else ""
    return padding + value if start else value + padding


def _repeat(value: str, count: Any = 0) -> str:
    times = _whole(count, 0)
    if times < 0:
        raise JsError(f"Invalid count value: {text(count)}", "RangeError")
    return value * times


def _replace_all(value: str, old: Any, new: Any) -> str:
    if isinstance(old, regex.Pattern) or callable(new) or "$" in text(new):
        return regex.replace(value, old, new)
    return value.replace(text(old), text(new))


TEXT: dict[str, Callable[..., Any]] = {
    "charAt": _char_at,
    "charCodeAt": _char_code,
    "concat": lambda value, *more: value + "".join(map(text, more)),
    "endsWith": lambda value, wanted=undefined: value.endswith(text(wanted)),
    "has": lambda value, wanted: text(wanted).lower() in value.lower(),
    "includes": lambda value, wanted=undefined, start=undefined: _index_text(value, wanted, start) >= 0,
    "indexOf": _index_text,
    "lastIndexOf": _last_index_text,
    "match": regex.match,
    "padEnd": lambda value, width, fill=undefined: _pad(value, width, fill, False),
    "padStart": lambda value, width, fill=undefined: _pad(value, width, fill, True),
    "repeat": _repeat,
    "replace": regex.replace,
    "replaceAll": _replace_all,
    "search": lambda value, pattern: found.start() if (found := pattern.rule.search(split_units(value))) else -1,
    "slice": _slice_text,
    "split": _split,
    "startsWith": lambda value, wanted=undefined: value.startswith(text(wanted)),
    "substr": _substr,
    "substring": _substring,
    "toLowerCase": lambda value: value.lower(),
    "toString": lambda value: value,
    "toUpperCase": lambda value: value.upper(),
    "trim": lambda value: value.strip(_SPACE),
    "trimEnd": lambda value: value.rstrip(_SPACE),
    "trimStart": lambda value: value.lstrip(_SPACE),
    "valueOf": lambda value: value,
}


# ------------------------------------------------------------------------------------------------------------------- lists


def _each(values: list[Any], function: Callable[..., Any]) -> Iterable[tuple[Any, Any]]:
    """Each element with what the function makes of it; elements added meanwhile are not seen."""
    for place in range(len(values)):
        if place < len(values):
            yield values[place], function(values[place], place, values)


def _for_each(values: list[Any], function: Callable[..., Any]) -> Any:
    for _ in _each(values, function):
        pass
    return undefined


def _find(values: list[Any], function: Callable[..., Any]) -> Any:
    return next((value for value, found in _each(values, function) if truthy(found)), undefined)


def _find_index(values: list[Any], function: Callable[..., Any]) -> int:
    return next((place for place, (_, found) in enumerate(_each(values, function)) if truthy(found)), -1)


def _reduce(values: list[Any], function: Callable[..., Any], *initial: Any) -> Any:
    if not values and not initial:
        raise JsError("Reduce of empty array with no initial value", "TypeError")
    total, first = (initial[0], 0) if initial else (values[0], 1)
    for place in range(first, len(values)):
        total = function(total, values[place], place, values)
    return total


def _index_list(values: list[Any], wanted: Any = undefined) -> int:
    return next((place for place, value in enumerate(values) if strict_equal(value, wanted)), -1)


def _includes(values: list[Any], wanted: Any = undefined) -> bool:
    both_nan = isinstance(wanted, float) and math.isnan(wanted)
    return any(strict_equal(value, wanted) or (both_nan and value != value) for value in values)


def _join(values: list[Any], separator: Any = ",") -> str:
    joint = "," if separator is undefined else text(separator)
    return joint.join("" if nullish(value) else text(value) for value in values)


def _sort(values: list[Any], function: Any = undefined) -> list[Any]:
    def by_text(left: Any, right: Any) -> int:
        return int(less(text(right), text(left))) - int(less(text(left), text(right)))

    def by_function(left: Any, right: Any) -> Any:
        found = number(function(left, right))
        return 0 if found != found else found

    last = [value for value in values if value is undefined]
    rest = [value for value in values if value is not undefined]
    values[:] = sorted(rest, key=cmp_to_key(by_text if function is undefined else by_function)) + last
    return values


def _concat(values: list[Any], *more: Any) -> list[Any]:
    return [*values, *(entry for each in more for entry in (each if isinstance(each, list) else [each]))]


def _push(values: list[Any], *more: Any) -> int:
    values.extend(more)
    return len(values)


def _unshift(values: list[Any], *more: Any) -> int:
    values[:0] = more
    return len(values)


def _flat(values: list[Any], depth: Any = 1) -> list[Any]:
    levels = _whole(depth, 1)
    if levels < 1:
        return list(values)
    return [entry for value in values for entry in (_flat(value, levels - 1) if isinstance(value, list) else [value])]


def _splice(values: list[Any], start: Any, *rest: Any) -> list[Any]:
    first = _span(len(values), start, undefined).start
    count = max(0, _whole(rest[0], 0)) if rest else len(values)
    removed = values[first : first + count]
    values[first : first + count] = rest[1:]
    return removed


def _reverse(values: list[Any]) -> list[Any]:
    values.reverse()
    return values


LIST: dict[str, Callable[..., Any]] = {
    "concat": _concat,
    "every": lambda values, function: all(truthy(found) for _, found in _each(values, function)),
    "filter": lambda values, function: [value for value, found in _each(values, function) if truthy(found)],
    "find": _find,
    "findIndex": _find_index,
    "flat": _flat,
    "forEach": _for_each,
    "includes": _includes,
    "indexOf": _index_list,
    "join": _join,
    "map": lambda values, function: [found for _, found in _each(values, function)],
    "pop": lambda values: values.pop() if values else undefined,
    "push": _push,
    "reduce": _reduce,
    "reverse": _reverse,
    "shift": lambda values: values.pop(0) if values else undefined,
    "slice": lambda values, start=undefined, end=undefined: values[_span(len(values), start, end)],
    "some": lambda values, function: any(truthy(found) for _, found in _each(values, function)),
    "sort": _sort,
    "splice": _splice,
    "toString": text,
    "unshift": _unshift,
}


# ------------------------------------------------------------------------------------------------------ numbers and objects


def _fixed(value: Any, digits: Any = 0) -> str:
    """`value.toFixed(digits)`: the nearest decimal, of two as near the larger."""
    from decimal import ROUND_HALF_UP, Decimal

    places = _whole(digits, 0)
    if not math.isfinite(value) or abs(value) >= 1e21 or not 0 <= places <= 100:
        return text(value)
    fixed = Decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    return f"{abs(fixed) if not value else fixed:f}"


def _radix(value: Any, base: Any = undefined) -> str:
    if base is not undefined and base != 10:
        raise OnlyJavaScript("numbers with another base than 10 are only known to JavaScript")
    return text(value)


NUMBER: dict[str, Callable[..., Any]] = {"toFixed": _fixed, "toString": _radix, "valueOf": lambda value: value}


def _own(value: Any, name: Any) -> bool:
    return isinstance(value, dict) and contains_key(name, value) and text(name) in value


OBJECT: dict[str, Callable[..., Any]] = {"hasOwnProperty": _own, "toString": text, "valueOf": lambda value: value}


def has_own(value: Any, name: Any) -> bool:
    """`value.hasOwnProperty(name)`."""
    if nullish(value):
        raise JsError(f"Cannot read properties of {text(value)} (reading 'hasOwnProperty')", "TypeError")
    return _own(value, name) if isinstance(value, dict) else typeof(value) != "number" and get(value, name) is not undefined


def elements(value: Any) -> Iterable[Any]:
    """What `value.forEach` goes over: elements added meanwhile are not seen."""
    if nullish(value):
        raise JsError(f"Cannot read properties of {text(value)} (reading 'forEach')", "TypeError")
    if not isinstance(value, list):
        raise JsError("forEach is not a function", "TypeError")
    return (value[place] for place in range(len(value)) if place < len(value))


def indices(value: Any) -> range:
    """What a loop from 0 up to `value.length` counts."""
    length = get(value, "length")
    return range(int(length)) if is_number(length) else range(0)
