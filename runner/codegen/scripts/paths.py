"""Dotted names of globals: `pm.environment.get`, unless the script has given the first word another meaning."""

from __future__ import annotations

from runner.codegen.scripts.context import Context
from runner.codegen.scripts.syntax import Node, field, maybe, source


def path_of(context: Context, node: Node) -> str | None:
    """The path of a member chain that begins with a global, else None."""
    if node.type == "identifier":
        return None if context.find(source(node)) else source(node)
    if node.type != "member_expression" or maybe(node, "optional_chain") is not None:
        return None
    owner = path_of(context, field(node, "object"))
    return f"{owner}.{source(field(node, 'property'))}" if owner else None
