"""Variables: declared, taken apart, assigned and counted up."""

from __future__ import annotations

from dataclasses import dataclass

from runner.codegen.scripts.binding import bind, take_apart
from runner.codegen.scripts.context import Context, Variable, expresses, performs
from runner.codegen.scripts.functions import define, is_function
from runner.codegen.scripts.literals import as_text
from runner.codegen.scripts.operators import condition, owner_and_key, plus
from runner.codegen.scripts.paths import path_of
from runner.codegen.scripts.python import Kind, Py
from runner.codegen.scripts.syntax import Node, Untranslatable, children, field, maybe, source, walk

_COMPOUND = {"-=": "subtract", "*=": "multiply", "/=": "divide", "%=": "remainder"}


@performs("variable_declaration", "lexical_declaration")
def _declaration(context: Context, node: Node) -> None:
    for declarator in children(node):
        target, written = field(declarator, "name"), maybe(declarator, "value")
        if target.type != "identifier" and written is not None:
            take_apart(context, target, context.expression(written))
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
    operator, right = source(field(node, "operator")), field(node, "right")
    if operator != "+=" and operator not in _COMPOUND:
        raise Untranslatable(node, f"{operator} on this")
    place = _place(context, field(node, "left"))
    value = context.expression(right)
    if operator == "+=":
        _store(context, place, plus(context, place.value, value, node).text)
    else:
        _store(context, place, f"{context.use(_COMPOUND[operator])}({place.value.text}, {value.text})")


def update(context: Context, node: Node) -> None:
    """`left++` and `left--`."""
    place = _place(context, field(node, "argument"))
    number = f"{context.use('number')}({place.value.text})"
    name = context.use("add" if source(field(node, "operator")) == "++" else "subtract")
    _store(context, place, f"{name}({number}, 1)")


@dataclass(frozen=True, slots=True)
class _Place:
    """Something that is read and written again: its value, and a variable or a member of an owner."""

    value: Py
    variable: Variable | None = None
    owner: str = ""
    key: str = ""


def _place(context: Context, node: Node) -> _Place:
    variable = context.find(source(node)) if node.type == "identifier" else None
    if variable is not None:
        return _Place(Py(variable.name, variable.kind, plain=True), variable)
    if node.type not in ("member_expression", "subscript_expression") or any(
        inner.type == "call_expression" for inner in walk(node)
    ):
        raise Untranslatable(node, f"changing {source(node)[:40]}")
    owner, key = owner_and_key(context, node)
    if owner.text.startswith("pm.") or path_of(context, field(node, "object")) == "tests":
        raise Untranslatable(node, f"changing {source(node)[:40]}")
    return _Place(Py(f"{context.use('get')}({owner.text}, {key.text})"), None, owner.text, key.text)


def _store(context: Context, place: _Place, value: str) -> None:
    if place.variable is None:
        context.write(f"{context.use('put')}({place.owner}, {place.key}, {value})")
    else:
        context.changes(place.variable)
        context.write(f"{place.variable.name} = {value}")


@expresses("assignment_expression", "update_expression", "augmented_assignment_expression")
def _inside(context: Context, node: Node) -> Py:
    raise Untranslatable(node, "an assignment inside of an expression")
