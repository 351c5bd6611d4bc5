"""Expression statements, and the blocks of `pm.test`."""

from __future__ import annotations

from runner.codegen.scripts import chai
from runner.codegen.scripts.blocks import block_of
from runner.codegen.scripts.context import Context, performs
from runner.codegen.scripts.functions import define, hoist, is_function, parameters, refuse_special, returns
from runner.codegen.scripts.literals import as_text
from runner.codegen.scripts.loops import loop_call
from runner.codegen.scripts.operators import condition
from runner.codegen.scripts.paths import path_of
from runner.codegen.scripts.python import COMPARE, Kind
from runner.codegen.scripts.syntax import Node, Untranslatable, children, field, source
from runner.codegen.scripts.variables import assign, augment, discard, update


@performs("expression_statement")
def _expression(context: Context, node: Node) -> None:
    perform(context, children(node)[0])


@performs("expression")
def perform(context: Context, node: Node) -> None:
    """An expression for what it does."""
    if node.type == "assignment_expression":
        assign(context, node)
    elif node.type == "augmented_assignment_expression":
        augment(context, node)
    elif node.type == "update_expression":
        update(context, node)
    elif node.type == "sequence_expression":
        for child in children(node):
            perform(context, child)
    elif node.type == "binary_expression" and source(field(node, "operator")) in ("&&", "||"):
        _guarded(context, node)
    elif node.type == "parenthesized_expression":
        perform(context, children(node)[0])
    elif not _special(context, node):
        discard(context, context.expression(node))


def _guarded(context: Context, node: Node) -> None:
    test = condition(context, field(node, "left"))
    sign = "if {}:" if source(field(node, "operator")) == "&&" else "if not {}:"
    with context.indented(sign.format(test.text if sign == "if {}:" else test.at(COMPARE))):
        perform(context, field(node, "right"))


def _special(context: Context, node: Node) -> bool:
    """Calls that become statements of their own."""
    if chai.is_chain(context, node):
        chai.assertions(context, node)
        return True
    if node.type != "call_expression":
        return False
    path = path_of(context, field(node, "function"))
    if path in ("pm.test", "pm.test.skip"):
        _test(context, node, skipped=path == "pm.test.skip")
        return True
    return loop_call(context, node, path)


def _test(context: Context, node: Node, *, skipped: bool) -> None:
    given = children(field(node, "arguments"))
    if len(given) != 2 or not is_function(given[1]):
        raise Untranslatable(node, "pm.test without a function")
    name, function = context.expression(given[0]), given[1]
    name = name if name.kind is Kind.STR else as_text(context, name, node)
    if skipped:
        context.write(f"pm.skip_test({name.text})")
        return
    refuse_special(function)
    if parameters(function):
        raise Untranslatable(function, "a test that calls back when it is done")
    body = field(function, "body")
    if body.type == "statement_block" and returns(body):
        inner = define(context, function, "test")
        with context.indented(f"with pm.test({name.text}):"):
            context.write(f"{inner}()")
        return
    with context.indented(f"with pm.test({name.text}):"), context.block(function=True):
        if body.type != "statement_block":
            perform(context, body)
            return
        hoist(context, body)
        block_of(context, body)
