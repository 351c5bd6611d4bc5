"""The JavaScript of test and pre-request scripts as Python: what is certain is translated, the rest is told with its reason."""

from __future__ import annotations

import ast
from dataclasses import dataclass

from runner.codegen import support
from runner.codegen.scripts import calls, literals, loops, operators, statements, variables  # noqa: F401  each registers what it translates
from runner.codegen.scripts.blocks import block_of
from runner.codegen.scripts.context import Context
from runner.codegen.scripts.functions import hoist
from runner.codegen.scripts.syntax import Untranslatable, parse


@dataclass(frozen=True, slots=True, kw_only=True)
class Translation:
    """A script in Python: the lines of a function's body that has `pm`, and the names of the support module it uses.

    `leaked` are the variables it assigns without declaring them, which JavaScript keeps for the scripts that follow.
    """

    lines: tuple[str, ...]
    imports: frozenset[str]
    leaked: frozenset[str] = frozenset()


def translate(code: str, *, listen: str = "test") -> Translation:
    """Translate one script.

    Raises:
        Untranslatable: something in it has no certain counterpart; `reason` and `line` say what and where.
    """
    root = parse(code.replace("\r\n", "\n").replace("\r", "\n"))
    context = Context(root, listen, frozenset(support.__all__))
    lines = context.frame.lines
    try:
        hoist(context, root)
        block_of(context, root)
        used = context.imports & _names(lines)
    except (RecursionError, MemoryError, SyntaxError):  # Python's own parser has a limit, too
        raise Untranslatable(root, "a script nested too deeply") from None
    return Translation(lines=tuple(lines), imports=frozenset(used), leaked=frozenset(context.leaked))


def _names(lines: list[str]) -> set[str]:
    """The names that lines of a function's body use."""
    tree = ast.parse("\n".join(["def script():", *lines, "    pass"]))
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


__all__ = ["Translation", "Untranslatable", "translate"]
