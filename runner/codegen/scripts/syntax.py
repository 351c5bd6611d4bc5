"""JavaScript parsed: tree-sitter's tree behind the few questions the translator asks."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import tree_sitter
import tree_sitter_javascript
from tree_sitter import Node

__all__ = ["Node", "Untranslatable", "children", "field", "line_of", "maybe", "parse", "source", "walk"]

FUNCTIONS = frozenset(
    {"function_expression", "arrow_function", "function_declaration", "generator_function", "generator_function_declaration"}
)


class Untranslatable(Exception):
    """What a script says has no certain counterpart in Python: why, and on which line, counted from 1."""

    def __init__(self, node: Node, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line_of(node)


@cache
def _parser() -> tree_sitter.Parser:
    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_javascript.language()))


def parse(code: str) -> Node:
    """The program's root.

    Raises:
        Untranslatable: a syntax error.
    """
    root = _parser().parse(code.encode("utf-8", "surrogatepass")).root_node
    if root.has_error:
        broken = next((node for node in walk(root) if node.is_error or node.is_missing), root)
        raise Untranslatable(broken, "a syntax error")
    return root


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it, in the order of the text."""
    waiting = [node]
    while waiting:
        found = waiting.pop()
        yield found
        waiting += reversed(found.children)


def source(node: Node) -> str:
    """The text of a node."""
    return (node.text or b"").decode("utf-8", "surrogatepass")


def line_of(node: Node) -> int:
    """The line a node begins on, counted from 1."""
    return int(node.start_point[0]) + 1


def maybe(node: Node, name: str) -> Node | None:
    """A field of a node, if it has it."""
    return node.child_by_field_name(name)


def field(node: Node, name: str) -> Node:
    """A field that the grammar promises."""
    found = node.child_by_field_name(name)
    assert found is not None, f"{node.type} has no {name}"  # noqa: S101
    return found


def children(node: Node) -> list[Node]:
    """The parts of a node that mean something: no punctuation, no comments."""
    return [child for child in node.named_children if child.type not in ("comment", "html_comment")]
