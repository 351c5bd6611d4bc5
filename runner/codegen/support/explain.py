"""What a failed `assert` of a translated script was about: what was expected, and what the values in it are."""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any

_READERS = frozenset({"get", "has", "json", "text", "len", "type_of", "status_class"})
"""Calls that may be made once more, since they change nothing."""

_WIDEST = 100


def explained(error: AssertionError) -> str:
    """`expected pm.response.code == 200, where pm.response.code is 404`; empty if the source is not there."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    expected = _source(trace) if trace is not None else ""
    try:
        tree = ast.parse(f"({expected})", mode="eval").body
    except (SyntaxError, ValueError):
        return ""
    if not expected or trace is None:
        return ""
    values = ", ".join(dict.fromkeys(f"{ast.unparse(node)} is {value}" for node, value in _values(tree, trace.tb_frame)))
    return f"expected {ast.unparse(tree)}{', where ' if values else ''}{values}"


def _source(trace: TracebackType) -> str:
    """The part of the source that did not hold; columns are bytes."""
    positions = list(trace.tb_frame.f_code.co_positions())[trace.tb_lasti // 2]
    first, last, start, end = positions
    if first is None or last is None or start is None or end is None:
        return ""
    lines = [linecache.getline(trace.tb_frame.f_code.co_filename, number).encode() for number in range(first, last + 1)]
    lines[-1] = lines[-1][:end]
    lines[0] = lines[0][start:]
    return b"".join(lines).decode().strip().removeprefix("assert").strip()


def _values(node: ast.expr, frame: FrameType) -> Iterator[tuple[ast.expr, str]]:
    """What stands on the sides of a comparison or in a call, with its value, unless that is written down."""
    match node:
        case ast.Constant() | ast.Call(func=ast.Name(id="call")):
            return  # a method that is called may have changed what it was called on
        case ast.UnaryOp(operand=inner):
            yield from _values(inner, frame)
        case ast.BoolOp(values=parts):
            for part in parts:
                yield from _values(part, frame)
        case ast.Compare(left=left, comparators=others):
            for part in (left, *others):
                yield from _values(part, frame)
        case ast.Call(func=ast.Name(id=name), args=arguments) if name not in _READERS:
            for part in arguments:
                yield from _values(part, frame)
        case _ if _is_read(node) and (shown := _shown(node, frame)):
            yield node, shown


def _is_read(node: ast.expr) -> bool:
    """Whether an expression only reads, so that it may be asked again."""
    match node:
        case ast.Name() | ast.Constant():
            return True
        case ast.Attribute(value=owner):
            return _is_read(owner)
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=arguments, keywords=[]) if name in _READERS:
            owner = node.func.value if isinstance(node.func, ast.Attribute) else node.func
            return _is_read(owner) and all(map(_is_read, arguments))
    return False


def _shown(node: ast.expr, frame: FrameType) -> str:
    """The value; empty where there is none, such as behind an `and` that was not reached."""
    try:
        value: Any = eval(compile(ast.Expression(node), "", "eval"), frame.f_globals, frame.f_locals)  # noqa: S307
    except Exception:
        return ""
    shown = repr(value)
    return shown if len(shown) <= _WIDEST else f"{shown[:_WIDEST]}…"
