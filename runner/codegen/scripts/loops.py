"""Loops."""

from __future__ import annotations

from runner.codegen.scripts.blocks import body_of
from runner.codegen.scripts.context import Context, is_target, performs
from runner.codegen.scripts.functions import is_function, parameters, refuse_special, returns
from runner.codegen.scripts.operators import condition, negated
from runner.codegen.scripts.python import Kind
from runner.codegen.scripts.syntax import Node, Untranslatable, children, field, maybe, source, walk


def _loop_body(context: Context, node: Node) -> None:
    before, context.frame.in_loop = context.frame.in_loop, True
    body_of(context, node)
    context.frame.in_loop = before


@performs("while_statement")
def _while(context: Context, node: Node) -> None:
    test = field(node, "condition")
    if any(is_function(inner) for inner in walk(test)):
        raise Untranslatable(node, "a function in a loop's condition")
    with context.indented(f"while {condition(context, test).text}:"):
        _loop_body(context, field(node, "body"))


@performs("for_in_statement")
def _for_in(context: Context, node: Node) -> None:
    left, kind, operator = field(node, "left"), maybe(node, "kind"), source(field(node, "operator"))
    value = context.expression(field(node, "right"))
    if kind is None or any(child.type == "await" for child in node.children):
        raise Untranslatable(node, "a loop over a variable declared elsewhere")
    if operator == "of":
        seen = value.text if value.kind is Kind.LIST else f"{context.use('iterate')}({value.text})"
    else:
        seen = f"{context.use('enumerate_keys')}({value.text})"
    with context.block():
        names = _loop_names(context, left, Kind.STR if operator == "in" else Kind.ANY)
        with context.indented(f"for {names} in {seen}:"):
            _loop_body(context, field(node, "body"))


_MOVING = frozenset({"push", "pop", "shift", "unshift", "splice", "length"})


def _loop_names(context: Context, left: Node, kind: Kind) -> str:
    if left.type == "identifier":
        return _loop_name(context, left, kind)
    entries = children(left) if left.type == "array_pattern" else []
    if len(entries) == 2 and all(entry.type == "identifier" for entry in entries):
        return ", ".join(_loop_name(context, entry, Kind.ANY) for entry in entries)
    raise Untranslatable(left, "a loop's variable that is taken apart")


def _loop_name(context: Context, node: Node, kind: Kind) -> str:
    variable = context.declare(source(node), kind)
    context.frame.declared[variable.name] = kind
    return variable.name


@performs("for_statement")
def _for(context: Context, node: Node) -> None:
    with context.block():
        if head := counting(context, node):
            with context.indented(head):
                _loop_body(context, field(node, "body"))
            return
        if (start := maybe(node, "initializer")) is not None:
            context.statement(start)
        if _continues(field(node, "body")):
            raise Untranslatable(node, "`continue` in a loop that is more than a count")
        test = maybe(node, "condition")
        found = condition(context, test).text if test is not None and test.type != "empty_statement" else "True"
        with context.indented(f"while {found}:"):
            _loop_body(context, field(node, "body"))
            if (step := maybe(node, "increment")) is not None:
                context.perform(step)


@performs("do_statement")
def _do(context: Context, node: Node) -> None:
    body = field(node, "body")
    if _continues(body):
        raise Untranslatable(node, "`continue` in a do loop")
    with context.indented("while True:"):
        _loop_body(context, body)
        with context.indented(f"if {negated(condition(context, field(node, 'condition'))).text}:"):
            context.write("break")


def counting(context: Context, node: Node) -> str | None:
    """The head of a loop that only counts up, over a range or the indices of something; None if it does more."""
    start, test, step = maybe(node, "initializer"), maybe(node, "condition"), maybe(node, "increment")
    if start is None or test is None or step is None or not start.type.endswith("_declaration") or len(children(start)) != 1:
        return None
    name, first = field(children(start)[0], "name"), maybe(children(start)[0], "value")
    test = children(test)[0] if test.type == "expression_statement" else test
    if first is None or not source(first).isdigit() or test.type != "binary_expression":
        return None
    written = source(name)
    if (source(field(test, "left")), source(field(test, "operator"))) != (written, "<"):
        return None
    if source(step) not in (f"{written}++", f"++{written}"):
        return None
    if name.type != "identifier" or _touched(context, node, written, start.type == "variable_declaration"):
        return None
    seen = _counted(context, field(test, "right"), source(first), field(node, "body"))
    if seen is None:
        return None
    counter = _loop_name(context, name, Kind.INT)
    context.scopes[-1][written].kind = Kind.INT  # only the loop itself assigns to it
    return f"for {counter} in {seen}:"


def _counted(context: Context, bound: Node, first: str, body: Node) -> str | None:
    """What a loop up to a bound goes over, if the bound cannot move meanwhile."""
    if bound.type == "number" and source(bound).isdigit():
        return f"range({source(bound)})" if first == "0" else f"range({first}, {source(bound)})"
    if bound.type != "member_expression" or source(field(bound, "property")) != "length" or first != "0":
        return None
    owner = field(bound, "object")
    names = {source(node) for node in walk(owner) if node.type == "identifier"}
    moved = any(
        (node.type == "identifier" and source(node) in names and is_target(node))
        or (node.type == "property_identifier" and source(node) in _MOVING)
        for node in walk(body)
    )
    if moved or any(node.type == "call_expression" for node in walk(owner)):
        return None
    return f"{context.use('indices')}({context.expression(owner).text})"


def _touched(context: Context, loop: Node, name: str, var: bool) -> bool:
    """Whether a counter is changed in the loop's body, or with `var` looked at outside of the loop."""
    inside = [node for node in walk(loop) if node.type == "identifier" and source(node) == name]
    changed = any(is_target(node) for node in walk(field(loop, "body")) if node.type == "identifier" and source(node) == name)
    everywhere = sum(node.type == "identifier" and source(node) == name for node in walk(context.root))
    return changed or (var and everywhere != len(inside))


def _continues(node: Node) -> bool:
    if node.type == "continue_statement":
        return True
    return any(
        _continues(child) for child in children(node) if not is_function(child) and not child.type.startswith(("for", "while"))
    )


def loop_call(context: Context, node: Node, path: str | None) -> bool:
    """`list.forEach(function (x) {…})` and `_.each(list, …)` as a loop."""
    function, given = field(node, "function"), children(field(node, "arguments"))
    if path in ("_.each", "_.forEach") and len(given) == 2:
        owner, body = given
    elif function.type == "member_expression" and source(field(function, "property")) == "forEach" and len(given) == 1:
        owner, body = field(function, "object"), given[0]
    else:
        return False
    if not is_function(body) or len(parameters(body)) > 1 or returns(field(body, "body")) or context.deferred:
        return False
    if any(parameter.type != "identifier" for parameter in parameters(body)):
        return False
    values = context.expression(owner)
    if values.kind not in (Kind.LIST, Kind.ANY) or (path and path.startswith("_.") and values.kind is not Kind.LIST):
        return False
    refuse_special(body)
    seen = values.text if values.kind is Kind.LIST else f"{context.use('elements')}({values.text})"
    with context.block():
        names = [_loop_name(context, parameter, Kind.ANY) for parameter in parameters(body)] or [context.fresh("each")]
        with context.indented(f"for {names[0]} in {seen}:"):
            inner = field(body, "body")
            if inner.type == "statement_block":
                _loop_body(context, inner)
            else:
                context.perform(inner)
    return True
