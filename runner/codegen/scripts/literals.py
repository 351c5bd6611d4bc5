"""Texts, numbers, lists, objects, templates and patterns."""

from __future__ import annotations

import math
import re

from runner.codegen.scripts.context import Context, expresses
from runner.codegen.scripts.patterns import python_pattern
from runner.codegen.scripts.python import ADD, ATOM, FALSE, NONE, TRUE, UNDEFINED, Kind, Py, constant, quoted
from runner.codegen.scripts.syntax import Node, Untranslatable, children, field, maybe, source
from runner.codegen.support.values import number

_SIMPLE = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}


def unescape(node: Node) -> str:
    """The character an escape sequence stands for."""
    written = source(node)[1:]
    if written[0] in "\r\n\u2028\u2029":
        return ""
    if written[0] in "xu":
        return chr(int(written[1:].strip("{}"), 16))
    if written[0] in _SIMPLE and len(written) == 1:
        return _SIMPLE[written]
    if written[0].isdigit():
        raise Untranslatable(node, "an octal escape")
    return written


def string_value(node: Node) -> str:
    """The value of a text literal."""
    found = "".join(unescape(part) if part.type == "escape_sequence" else source(part) for part in node.named_children)
    return found.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass" if _lone(found) else "strict")


def _lone(value: str) -> bool:
    try:
        value.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError:
        return True
    return False


@expresses("string")
def _string(context: Context, node: Node) -> Py:
    return constant(string_value(node))


@expresses("number")
def _number(context: Context, node: Node) -> Py:
    written = source(node).replace("_", "")
    if written.endswith("n") or re.fullmatch(r"0\d+", written):
        raise Untranslatable(node, "a number JavaScript reads in a way of its own")
    value = number(written)
    if isinstance(value, float) and not math.isfinite(value):
        raise Untranslatable(node, "a number beyond all bounds")
    small = isinstance(value, int) and value < 2**31
    return Py(repr(value), Kind.INT if small else Kind.NUM, literal=True, plain=True)


@expresses("true", "false", "null", "undefined")
def _named(context: Context, node: Node) -> Py:
    return {"true": TRUE, "false": FALSE, "null": NONE}.get(node.type) or undefined(context)


def undefined(context: Context) -> Py:
    """The value undefined."""
    context.use("undefined")
    return UNDEFINED


@expresses("array")
def _array(context: Context, node: Node) -> Py:
    parts, last = [], ","
    for child in node.children[1:-1]:
        if child.type == "," and last == ",":
            raise Untranslatable(node, "a list with holes")
        last = child.type if child.type != "comment" else last
    for child in children(node):
        if child.type == "spread_element":
            inner = context.expression(children(child)[0])
            parts.append("*" + (inner.text if inner.kind is Kind.LIST else f"{context.use('iterate')}({inner.text})"))
        else:
            parts.append(context.expression(child).text)
    return Py(f"[{', '.join(parts)}]", Kind.LIST)


def key_of(context: Context, node: Node) -> Py:
    """The name of a member in an object literal."""
    if node.type == "computed_property_name":
        inner = context.expression(children(node)[0])
        return inner if inner.kind is Kind.STR else Py(f"{context.use('key_text')}({inner.text})", Kind.STR)
    if node.type == "string":
        return constant(string_value(node))
    if node.type == "number":
        raise Untranslatable(node, "an object whose members are numbers")
    return constant(source(node))


@expresses("object")
def _object(context: Context, node: Node) -> Py:
    parts = []
    for child in children(node):
        if child.type == "pair":
            key = key_of(context, field(child, "key"))
            if key.text == '"__proto__"':
                raise Untranslatable(child, "an object's prototype")
            parts.append(f"{key.text}: {context.expression(field(child, 'value')).text}")
        elif child.type == "shorthand_property_identifier":
            parts.append(f"{quoted(source(child))}: {context.expression(child).text}")
        elif child.type == "spread_element":
            parts.append(f"**{context.use('spread')}({context.expression(children(child)[0]).text})")
        else:
            raise Untranslatable(child, f"{child.type.replace('_', ' ')} is not translated")
    return Py("{" + ", ".join(parts) + "}", Kind.DICT)


@expresses("template_string")
def _template(context: Context, node: Node) -> Py:
    parts: list[tuple[str, Py | None]] = []
    for child in node.named_children:
        if child.type == "template_substitution":
            parts.append(("", context.expression(children(child)[0])))
        else:
            parts.append((unescape(child) if child.type == "escape_sequence" else source(child).replace("\r\n", "\n"), None))
    if all(value is None for _, value in parts):
        return constant("".join(written for written, _ in parts))
    return joined(context, parts, node)


def joined(context: Context, parts: list[tuple[str, Py | None]], node: Node) -> Py:
    """Text and values as one f-string; values with quotes or braces of their own are added up instead."""
    texts = [(written, value and as_text(context, value, node)) for written, value in merged(parts)]
    if any(value and set('"{\\') & set(value.text) for _, value in texts):
        return Py(" + ".join(value.at(ATOM) if value else quoted(written) for written, value in texts), Kind.STR, level=ADD)
    body = "".join(f"{{{value.text}}}" if value else _fixed(written) for written, value in texts)
    return Py(f'f"{body}"', Kind.STR)


def merged(parts: list[tuple[str, Py | None]]) -> list[tuple[str, Py | None]]:
    """The parts with neighbouring texts made one."""
    found: list[tuple[str, Py | None]] = []
    for written, value in parts:
        if value is None and found and found[-1][1] is None:
            found[-1] = (found[-1][0] + written, None)
        elif value is not None or written:
            found.append((written, value))
    return found


def _fixed(written: str) -> str:
    escaped = (
        repr(written + "'")[1:-1].removesuffix("'")
        if '"' not in written
        else repr(written)[1:-1].replace('"', '\\"').replace("\\'", "'")
    )
    return escaped.replace("{", "{{").replace("}", "}}")


def as_text(context: Context, value: Py, node: Node) -> Py:
    """`String(value)`."""
    if value.kind is Kind.STR:
        return value
    if value.kind is Kind.DIGEST:
        return Py(f"{value.at(ATOM)}.hex()", Kind.STR)
    if value.kind in (Kind.RESPONSE, Kind.HEADERS, Kind.ERROR, Kind.FUNCTION, Kind.PATTERN, Kind.DATE):
        raise Untranslatable(node, f"the text of a {value.kind}")
    return Py(f"str({value.text})" if value.kind is Kind.INT else f"{context.use('text')}({value.text})", Kind.STR)


@expresses("regex")
def _regex(context: Context, node: Node) -> Py:
    flags = source(found) if (found := maybe(node, "flags")) else ""
    pattern = python_pattern(source(field(node, "pattern")), flags)
    if pattern is None:
        raise Untranslatable(node, "a pattern that Python's `re` would read differently")
    arguments = quoted_raw(pattern) + (f', "{flags}"' if flags else "")
    return Py(f"{context.use('Pattern')}({arguments})", Kind.PATTERN)


def quoted_raw(pattern: str) -> str:
    """A pattern as a raw literal where that is possible."""
    if '"' in pattern or "\n" in pattern or "\r" in pattern or pattern.endswith("\\") or "\\" not in pattern:
        return quoted(pattern)
    return f'r"{pattern}"'
