"""The statuses that a request's own tests want, for tests that run no scripts."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from runner.codegen.scripts import Untranslatable, translate
from runner.model import Item


def expected_statuses(item: Item) -> tuple[int, ...]:
    """The statuses that pass every test of an item that is about nothing else; none where no test says so, or they disagree."""
    tests = [event for event in item.events if event.listen == "test" and not event.disabled]
    wanted = [statuses for event in tests for statuses in _asserted(event.code)]
    return tuple(sorted(set.intersection(*wanted))) if wanted else ()


def _asserted(code: str) -> Iterator[set[int]]:
    try:
        lines = translate(code).lines
    except Untranslatable:
        return
    yield from _in_block(ast.parse("\n".join(["def script():", *lines, "    pass"])).body[0])


def _in_block(block: ast.AST) -> Iterator[set[int]]:
    """What is asserted whatever else is so: in no branch, and before the script may end."""
    for statement in getattr(block, "body", ()):
        match statement:
            case ast.Return():
                return
            case ast.With():
                yield from _in_block(statement)
            case ast.Assert(test=test) | ast.Assign(targets=[ast.Subscript(value=ast.Attribute(attr="tests"))], value=test):
                yield from _of(test)


def _of(test: ast.expr) -> Iterator[set[int]]:
    """The statuses under which an expression is true, where it is about nothing else."""
    match test:
        case ast.Compare(left=left, ops=[ast.Eq()], comparators=[ast.Constant(value=int(status))]) if _is_status(left):
            yield {status}
        case ast.Call(func=ast.Name(id="one_of"), args=[asked, ast.List(elts=elements)]) if _is_status(asked):
            values = [element.value for element in elements if isinstance(element, ast.Constant)]
            if len(values) == len(elements):
                yield {value for value in values if isinstance(value, int)}


def _is_status(value: ast.expr) -> bool:
    return ast.unparse(value) == "pm.response.code"
