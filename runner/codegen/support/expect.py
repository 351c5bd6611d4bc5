"""What expectations ask of values, as chai and Postman's additions to it answer.

A question that makes no sense of its value, such as the length of a number, fails whether or not it is negated.
"""

from __future__ import annotations

import math
import re
from typing import Any

from runner.codegen.support.dates import Date
from runner.codegen.support.regex import Pattern
from runner.codegen.support.values import (
    JsError,
    contains_key,
    get,
    is_number,
    keys,
    nullish,
    split_units,
    strict_equal,
    text,
    typeof,
    undefined,
)

_STEP = re.compile(r"""\[(\d+|"[^"]*"|'[^']*')\]|[^.\[\]]+""")


def nonsense(text: str) -> AssertionError:
    """The error of a question that makes no sense."""
    return AssertionError(text)


def type_of(value: Any) -> str:
    """chai's name of a value's type, in lower case."""
    if value is None:
        return "null"
    if isinstance(value, list):
        return "array"
    if isinstance(value, JsError):
        return "error"
    if isinstance(value, Date | Pattern):
        return "date" if isinstance(value, Date) else "regexp"
    return typeof(value)


def deep_equal(left: Any, right: Any) -> bool:
    """Whether two values have equal contents; NaN is equal to itself, 0 is not -0."""
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(deep_equal, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(deep_equal(value, right[key]) for key, value in left.items())
    if is_number(left) and is_number(right):
        return _same_number(left, right)
    return strict_equal(left, right)


def _same_number(left: Any, right: Any) -> bool:
    if left != left and right != right:
        return True
    return strict_equal(left, right) and (left != 0 or math.copysign(1, left) == math.copysign(1, right))


def includes(value: Any, wanted: Any) -> bool:
    """`.include(wanted)`: a text in a text, an element of a list, or members of an object."""
    return _includes(value, wanted, _same_element)


def includes_deep(value: Any, wanted: Any) -> bool:
    """`.deep.include(wanted)`."""
    return _includes(value, wanted, deep_equal)


def _same_element(left: Any, right: Any) -> bool:
    return strict_equal(left, right) or (is_number(left) and is_number(right) and left != left and right != right)


def _includes(value: Any, wanted: Any, same: Any) -> bool:
    if isinstance(value, str):
        return text(wanted) in value
    if isinstance(value, list):
        return any(same(entry, wanted) for entry in value)
    if nullish(value) or not isinstance(wanted, dict | list):
        raise nonsense(f"the given combination of arguments ({type_of(value)} and {type_of(wanted)}) is invalid for an include")
    equal = strict_equal if same is _same_element else same
    return all(isinstance(value, dict) and name in value and equal(value[name], get(wanted, name)) for name in keys(wanted))


def has_property(value: Any, name: Any) -> bool:
    """`.property(name)`."""
    if not isinstance(name, str) and not is_number(name):
        raise nonsense("the argument to property must be a string, number, or symbol")
    if nullish(value):
        raise nonsense("Target cannot be null or undefined.")
    if isinstance(value, dict | list):
        return contains_key(name, value)
    return get(value, name) is not undefined


def property_equals(value: Any, name: Any, wanted: Any) -> bool:
    """`.property(name, wanted)`."""
    return has_property(value, name) and strict_equal(get(value, name), wanted)


def property_deep_equals(value: Any, name: Any, wanted: Any) -> bool:
    """`.deep.property(name, wanted)`."""
    return has_property(value, name) and deep_equal(get(value, name), wanted)


def has_length(value: Any, wanted: Any) -> bool:
    """`.lengthOf(wanted)`."""
    if nullish(value) or not has_property(value, "length"):
        raise nonsense(f"expected {type_of(value)} to have property 'length'")
    return strict_equal(get(value, "length"), wanted)


def _numbers(*values: Any) -> bool:
    if not all(is_number(value) for value in values):
        raise nonsense(f"expected {' and '.join(map(type_of, values))} to be numbers")
    return True


def above(value: Any, bound: Any) -> bool:
    """`.above(bound)`."""
    return bool(_numbers(value, bound) and value > bound)


def at_least(value: Any, bound: Any) -> bool:
    """`.least(bound)`."""
    return bool(_numbers(value, bound) and value >= bound)


def below(value: Any, bound: Any) -> bool:
    """`.below(bound)`."""
    return bool(_numbers(value, bound) and value < bound)


def at_most(value: Any, bound: Any) -> bool:
    """`.most(bound)`."""
    return bool(_numbers(value, bound) and value <= bound)


def within(value: Any, low: Any, high: Any) -> bool:
    """`.within(low, high)`."""
    return bool(_numbers(value, low, high) and low <= value <= high)


def close_to(value: Any, wanted: Any, distance: Any) -> bool:
    """`.closeTo(wanted, distance)`."""
    return bool(_numbers(value, wanted, distance) and abs(value - wanted) <= distance)


def one_of(value: Any, choices: list[Any]) -> bool:
    """`.oneOf(choices)`."""
    return any(strict_equal(value, choice) for choice in choices)


def one_of_deep(value: Any, choices: list[Any]) -> bool:
    """`.deep.oneOf(choices)`."""
    return any(deep_equal(value, choice) for choice in choices)


def same_members(value: Any, wanted: Any) -> bool:
    """`.members(wanted)`: the same elements in any order."""
    return _same_members(value, wanted, strict_equal)


def same_members_deep(value: Any, wanted: Any) -> bool:
    """`.deep.members(wanted)`."""
    return _same_members(value, wanted, deep_equal)


def _same_members(value: Any, wanted: Any, same: Any) -> bool:
    if not isinstance(value, list) or not isinstance(wanted, list):
        raise nonsense("expected an array")
    rest = list(wanted)
    for entry in value:
        place = next((place for place, other in enumerate(rest) if same(entry, other)), None)
        if place is None:
            return False
        del rest[place]
    return not rest


def has_keys(value: Any, names: list[Any]) -> bool:
    """`.keys(names)`: these and no others."""
    return _key_names(value, names) == {text(name) for name in names}


def contains_keys(value: Any, names: list[Any]) -> bool:
    """`.include.keys(names)`: these, and maybe others."""
    return _key_names(value, names) >= {text(name) for name in names}


def has_any_key(value: Any, names: list[Any]) -> bool:
    """`.any.keys(names)`."""
    return bool(_key_names(value, names) & {text(name) for name in names})


def _key_names(value: Any, names: list[Any]) -> set[str]:
    if not names:
        raise nonsense("keys required")
    if nullish(value):
        raise nonsense("Cannot convert undefined or null to object")
    return set(keys(value))


def has_text(value: Any, wanted: str) -> bool:
    """`.string(wanted)`."""
    if not isinstance(value, str):
        raise nonsense(f"expected {type_of(value)} to be a string")
    return wanted in value


def empty(value: Any) -> bool:
    """`.empty`: no characters, elements or members."""
    if nullish(value) or is_number(value) or isinstance(value, bool):
        raise nonsense(f".empty was passed non-string primitive {text(value)}")
    return len(split_units(value) if isinstance(value, str) else keys(value)) == 0


def is_not_a_number(value: Any) -> bool:
    """`.NaN`."""
    return isinstance(value, float) and math.isnan(value)


def status_class(code: Any) -> int:
    """The first digit of a status."""
    return int(code // 100) if is_number(code) else 0


# ------------------------------------------------------------------------------------------------------------- JSON bodies


def is_json(response: Any) -> bool:
    """`pm.response.to.have.jsonBody()`."""
    try:
        response.json()
    except JsError:
        return False
    return True


def steps(path: str) -> list[str]:
    """The members a path like `list[0].name` names, as lodash reads it."""
    return [(found[1] or found[0]).strip("\"'") for found in _STEP.finditer(path)]


def has_path(value: Any, path: str) -> bool:
    """Whether a value has the member a path names."""
    for step in steps(path):
        if not isinstance(value, dict | list) or not contains_key(step, value):
            return False
        value = get(value, step)
    return True


def path_equals(value: Any, path: str, wanted: Any) -> bool:
    """Whether the member a path names has equal contents."""
    if not has_path(value, path):
        return False
    for step in steps(path):
        value = get(value, step)
    return deep_equal(value, wanted)
