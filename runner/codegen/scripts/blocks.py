"""Blocks, branches, and the ways out of them."""

from __future__ import annotations

from runner.codegen.scripts.binding import bind
from runner.codegen.scripts.context import Context, performs
from runner.codegen.scripts.functions import is_function
from runner.codegen.scripts.operators import condition, equal
from runner.codegen.scripts.python import Kind, Py
from runner.codegen.scripts.syntax import FUNCTIONS, Node, Untranslatable, children, field, maybe, source, walk


@performs("if_statement")
def _if(context: Context, node: Node) -> None:
    _branch(context, node, "if")


def _branch(context: Context, node: Node, word: str) -> None:
    test = condition(context, field(node, "condition"))
    with context.indented(f"{word} {test.bare or test.text}:"):
        body_of(context, field(node, "consequence"))
    otherwise = maybe(node, "alternative")
    if otherwise is None:
        return
    inner = children(otherwise)[0]
    if inner.type == "if_statement" and not _needs_lines(context, inner):
        _branch(context, inner, "elif")
    elif children(inner) or inner.type != "statement_block":
        with context.indented("else:"):
            body_of(context, inner)


def _needs_lines(context: Context, node: Node) -> bool:
    """Whether a condition has functions, which may need a `def` ahead of it."""
    return any(is_function(inner) for inner in walk(field(node, "condition")))


def body_of(context: Context, node: Node) -> None:
    """The statements of a branch, which may be a single one without braces."""
    with context.block():
        if node.type == "statement_block":
            block_of(context, node)
        else:
            context.statement(node)


def block_of(context: Context, node: Node) -> None:
    """The statements of a block, with the comments that have lines of their own."""
    for statement in node.named_children:
        context.statement(statement)


@performs("switch_statement")
def _switch(context: Context, node: Node) -> None:
    value = context.expression(children(field(node, "value"))[0])
    if not value.plain:
        name = context.temporary("value", value.kind)
        bind(context, name, value)
        value = Py(name, value.kind, plain=True)
    tests: list[str] = []
    word = "if"
    for case in children(field(node, "body")):
        label = maybe(case, "value")
        if label is not None:
            tests.append(equal(context, value, context.expression(label), strict=True, node=case).text)
        body = [child for child in children(case) if child != label]
        if not body and label is not None:
            continue
        head = f"{word} {' or '.join(tests)}:" if label is not None else "else:" if word == "elif" else "if True:"
        with context.indented(head), context.block():
            for statement in _case_body(case, body, last=case == children(field(node, "body"))[-1]):
                context.statement(statement)
        tests, word = [], "elif"


def _case_body(case: Node, body: list[Node], *, last: bool) -> list[Node]:
    """The statements of a case without the `break` at its end; a case that runs into the next one is refused."""
    body = children(body[0]) if len(body) == 1 and body[0].type == "statement_block" else body
    ends = bool(body) and body[-1].type in ("break_statement", "return_statement", "throw_statement", "continue_statement")
    inner = body[:-1] if ends and body[-1].type == "break_statement" else body
    if not (ends or last) or any(_breaks(statement) for statement in inner) or (case.type == "switch_default" and not last):
        raise Untranslatable(case, "a case that runs into the next, or ends in the middle")
    return inner


def _breaks(node: Node) -> bool:
    """Whether a `break` in a statement would leave the switch."""
    if node.type == "break_statement":
        return True
    nested = node.type.startswith(("for", "while", "do", "switch")) or node.type in FUNCTIONS
    return not nested and any(_breaks(child) for child in children(node))


@performs("statement_block")
def _block(context: Context, node: Node) -> None:
    body_of(context, node)


@performs("empty_statement")
def _empty(context: Context, node: Node) -> None:
    return


@performs("return_statement")
def _return(context: Context, node: Node) -> None:
    value = children(node)
    if context.frame.parent is None and value and context.frame.depth == 1 and value[0].type != "number":
        raise Untranslatable(node, "a script that returns a value")
    found = context.expression(value[0]) if value else None
    if found is not None:
        context.write(f"return {found.text}")
    else:
        context.write("return" if context.frame.parent is None else f"return {context.use('undefined')}")


@performs("throw_statement")
def _throw(context: Context, node: Node) -> None:
    value = context.expression(children(node)[0])
    if value.kind is Kind.ERROR:
        context.write(f"raise {value.text}")
    elif value.kind is Kind.STR:
        context.write(f"raise {context.use('JsError')}({value.text})")
    else:
        raise Untranslatable(node, "throwing what is no error")


@performs("break_statement", "continue_statement")
def _leave(context: Context, node: Node) -> None:
    if children(node):
        raise Untranslatable(node, "a label")
    context.write(node.type.removesuffix("_statement"))


@performs("try_statement")
def _try(context: Context, node: Node) -> None:
    handler, final = maybe(node, "handler"), maybe(node, "finalizer")
    with context.indented("try:"):
        body_of(context, field(node, "body"))
    if handler is not None:
        _catch(context, handler)
    if final is not None:
        with context.indented("finally:"):
            body_of(context, children(final)[0])


def _catch(context: Context, handler: Node) -> None:
    parameter, body = maybe(handler, "parameter"), field(handler, "body")
    used = parameter is not None and any(
        inner.type == "identifier" and source(inner) == source(parameter) for inner in walk(body)
    )
    if not used or parameter is None:
        with context.indented(f"except {context.use('Thrown')}:"):
            body_of(context, body)
        return
    with context.indented(f"except {context.use('Thrown')} as caught:"), context.block():
        variable = context.declare(source(parameter), Kind.ERROR)
        bind(context, variable.name, Py(f"{context.use('as_error')}(caught)", Kind.ERROR))
        body_of(context, body)


@performs("comment")
def _comment(context: Context, node: Node) -> None:
    before = node.prev_sibling
    if before is not None and before.end_point[0] == node.start_point[0] and before.type != "{":
        return
    written = source(node).removeprefix("//").removeprefix("/*").removesuffix("*/")
    for line in written.strip("* \n").splitlines():
        context.write(f"# {line.strip(' *')}".rstrip())
