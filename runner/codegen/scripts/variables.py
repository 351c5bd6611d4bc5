"""Variables: declared, taken apart, assigned and counted up."""

from __future__ import annotations

from runner.codegen.scripts.context import Context, expresses, performs
from runner.codegen.scripts.functions import define, is_function
from runner.codegen.scripts.literals import as_text
from runner.codegen.scripts.operators import condition, owner_and_key, plus
from runner.codegen.scripts.paths import path_of
from runner.codegen.scripts.python import Kind, Py
from runner.codegen.scripts.syntax import Node, Untranslatable, children, field, maybe, source

_COMPOUND = {"-=": "subtract", "*=": "multiply", "/=": "divide", "%=": "remainder"}
_CONTAINERS = {Kind.LIST: "list[Any]", Kind.DICT: "dict[str, Any]"}


@performs("variable_declaration", "lexical_declaration")
def _declaration(context: Context, node: Node) -> None:
    for declarator in children(node):
        target, written = field(declarator, "name"), maybe(declarator, "value")
        if target.type == "object_pattern" and written is not None:
            _take_apart(context, target, context.expression(written))
        elif target.type != "identifier":
            raise Untranslatable(target, "a list that is taken apart")
        elif written is None:
            _declare_empty(context, node, source(target))
        else:
            _declare(context, source(target), written, var=node.type == "variable_declaration")


def _declare_empty(context: Context, node: Node, name: str) -> None:
    if node.type == "variable_declaration" and context.find_var(name):
        return
    if context.read & {name} or context.assigned[name] > 1:
        variable = context.declare(name)
        context.imports.add("Any")
        bind(context, variable.name, Py(context.use("undefined"), Kind.ANY))


def _declare(context: Context, name: str, written: Node, *, var: bool) -> None:
    if is_function(written) and context.assigned[name] == 1:
        context.declare(name, Kind.FUNCTION)
        define(context, written, name, context.scopes[-1][name].name)
        return
    value = context.expression(written)
    if name not in context.read and context.assigned[name] == 1:
        discard(context, value)
        return
    known = context.find_var(name) if var else None
    if known is not None:
        bind(context, known.name, value)
        return
    variable = context.declare(name, value.kind)
    bind(context, variable.name, value if variable.kind is value.kind else Py(value.text, Kind.ANY))


def bind(context: Context, name: str, value: Py) -> None:
    """Give a Python name a value, with its type where a checker could not tell or would tell too much."""
    declared = context.frame.declared
    if name in declared:
        context.write(f"{name} = {value.text}")
        return
    declared[name] = value.kind
    note = _CONTAINERS.get(value.kind, "Any" if value.kind is Kind.ANY else "")
    if note:
        context.imports.add("Any")
    context.write(f"{name}: {note} = {value.text}" if note and not _obvious(value) else f"{name} = {value.text}")


def _obvious(value: Py) -> bool:
    """Whether a checker finds the same type by itself: the results of the support module's own functions."""
    return (
        value.kind is Kind.ANY
        and value.text.startswith(("get(", "json_parse(", "pm.response.json()", "call(", "maybe("))
        and value.text.endswith(")")
    )


def _take_apart(context: Context, pattern: Node, value: Py) -> None:
    if not value.plain:
        name = context.fresh("whole", value.kind)
        bind(context, name, value)
        value = Py(name, value.kind, plain=True)
    for child in children(pattern):
        if child.type == "shorthand_property_identifier_pattern":
            key, target = source(child), child
        elif child.type == "pair_pattern" and field(child, "key").type == "property_identifier":
            key, target = source(field(child, "key")), field(child, "value")
        else:
            raise Untranslatable(child, "a default in an object that is taken apart")
        found = Py(f'{context.use("get")}({value.text}, "{key}")')
        if target.type == "object_pattern":
            _take_apart(context, target, found)
        elif target.type not in ("identifier", "shorthand_property_identifier_pattern"):
            raise Untranslatable(child, "a default in an object that is taken apart")
        else:
            bind(context, context.declare(source(target)).name, found)


@performs("function_declaration")
def _function_declaration(context: Context, node: Node) -> None:
    name = source(field(node, "name"))
    variable = context.declare(name, Kind.FUNCTION)
    define(context, node, name, variable.name)


def discard(context: Context, value: Py) -> None:
    """Evaluate for the effect alone."""
    if not value.plain:
        context.write(value.text)


def assign(context: Context, node: Node) -> None:
    """`left = right`."""
    left, right = field(node, "left"), field(node, "right")
    if left.type == "identifier":
        _assign_name(context, left, right)
    elif left.type in ("member_expression", "subscript_expression"):
        _assign_member(context, left, right)
    else:
        raise Untranslatable(left, "a value that is taken apart")


def _assign_name(context: Context, left: Node, right: Node) -> None:
    name = source(left)
    variable = context.find(name)
    value = context.expression(right)
    if value.kind in (Kind.RESPONSE, Kind.HEADERS, Kind.DIGEST, Kind.PATTERN, Kind.DATE, Kind.ERROR, Kind.FUNCTION):
        raise Untranslatable(left, f"a {value.kind} given to a variable that changes")
    if variable is None:
        context.leaked.add(name)
        variable = context.declare(name, value.kind, implicit=True)
        variable.frame = context.frame
        if name not in context.read and context.assigned[name] == 1:
            discard(context, value)
            return
    context.changes(variable)
    bind(context, variable.name, value if variable.kind is value.kind else Py(value.text, Kind.ANY))


def _assign_member(context: Context, left: Node, right: Node) -> None:
    if path_of(context, field(left, "object")) == "tests":
        key = context.expression(field(left, "index")) if left.type == "subscript_expression" else None
        name = as_text(context, key, left).text if key else f'"{source(field(left, "property"))}"'
        context.write(f"pm.tests[{name}] = {_verdict(context, right)}")
        return
    if (path_of(context, left) or "").startswith(("pm.", "environment", "globals", "request", "response")):
        raise Untranslatable(left, f"changing {source(left)[:40]}")
    owner, key = owner_and_key(context, left)
    if owner.text.startswith("pm."):
        raise Untranslatable(left, f"changing {source(left)[:40]}")
    value = context.expression(right)
    if owner.kind is Kind.DICT and key.kind is Kind.STR and owner.plain:
        context.write(f"{owner.text}[{key.text}] = {value.text}")
    else:
        context.write(f"{context.use('put')}({owner.text}, {key.text}, {value.text})")


def _verdict(context: Context, node: Node) -> str:
    if node.type == "parenthesized_expression":
        return _verdict(context, children(node)[0])
    return condition(context, node).text


def augment(context: Context, node: Node) -> None:
    """`left += right` and its like."""
    left, operator = field(node, "left"), source(field(node, "operator"))
    variable = context.find(source(left)) if left.type == "identifier" else None
    if variable is None or (operator != "+=" and operator not in _COMPOUND):
        raise Untranslatable(node, f"{operator} on this")
    value = context.expression(field(node, "right"))
    current = Py(variable.name, variable.kind, plain=True)
    context.changes(variable)
    if operator == "+=":
        context.write(f"{variable.name} = {plus(context, current, value, node).text}")
    else:
        context.write(f"{variable.name} = {context.use(_COMPOUND[operator])}({variable.name}, {value.text})")


def update(context: Context, node: Node) -> None:
    """`left++` and `left--`."""
    target = field(node, "argument")
    variable = context.find(source(target)) if target.type == "identifier" else None
    if variable is None:
        raise Untranslatable(node, f"{source(node)[:40]}")
    context.changes(variable)
    number = context.use("number")
    name = context.use("add" if source(field(node, "operator")) == "++" else "subtract")
    context.write(f"{variable.name} = {name}({number}({variable.name}), 1)")


@expresses("assignment_expression", "update_expression", "augmented_assignment_expression")
def _inside(context: Context, node: Node) -> Py:
    raise Untranslatable(node, "an assignment inside of an expression")
