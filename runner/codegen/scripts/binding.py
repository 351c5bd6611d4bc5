"""Names in Python that are given values: one by one, or by taking a value apart."""

from __future__ import annotations

from collections.abc import Iterator

from runner.codegen.scripts.context import Context
from runner.codegen.scripts.python import Kind, Py, quoted
from runner.codegen.scripts.syntax import Node, Untranslatable, children, field, source

_CONTAINERS = {Kind.LIST: "list[Any]", Kind.DICT: "dict[str, Any]"}


def bind(context: Context, name: str, value: Py) -> None:
    """Give a Python name a value, with its type where a checker could not tell or would tell too much."""
    declared = context.frame.declared
    if name in declared:
        context.write(f"{name} = {value.text}")
        return
    declared[name] = value.kind
    note = "" if _obvious(value) else _CONTAINERS.get(value.kind, "Any" if value.kind is Kind.ANY else "")
    if note:
        context.imports.add("Any")
    context.write(f"{name}: {note} = {value.text}" if note else f"{name} = {value.text}")


def _obvious(value: Py) -> bool:
    """Whether a checker finds the same type by itself: the results of the support module's own functions."""
    return (
        value.kind is Kind.ANY
        and value.text.startswith(("get(", "json_parse(", "pm.response.json()", "call(", "maybe("))
        and value.text.endswith(")")
    )


def take_apart(context: Context, pattern: Node, value: Py) -> None:
    """Declare the variables of `const {a, b: c} = value` and of `const [a, b] = value`."""
    if pattern.type == "array_pattern":
        value = Py(f"list({context.use('iterate')}({value.text}))", Kind.LIST)
    if not value.plain:
        name = context.temporary("whole", value.kind)
        bind(context, name, value)
        value = Py(name, value.kind, plain=True)
    for key, target in _targets(pattern):
        found = Py(f"{context.use('get')}({value.text}, {key})")
        if target.type in ("object_pattern", "array_pattern"):
            take_apart(context, target, found)
        elif target.type not in ("identifier", "shorthand_property_identifier_pattern"):
            raise Untranslatable(target, "a default or a rest in what is taken apart")
        elif source(target) in context.read or context.assigned[source(target)] > 1:
            bind(context, context.declare(source(target)).name, found)
        else:  # nobody asks for it, but that there is something to take apart
            context.write(found.text)


def _targets(pattern: Node) -> Iterator[tuple[str, Node]]:
    """The member each part of a pattern is given, as Python writes it, and the part."""
    if pattern.type == "array_pattern":
        if len(children(pattern)) != sum(child.type == "," for child in pattern.children) + 1:
            raise Untranslatable(pattern, "a list that is taken apart with gaps")
        yield from ((str(place), child) for place, child in enumerate(children(pattern)))
        return
    for child in children(pattern):
        if child.type == "pair_pattern" and field(child, "key").type == "property_identifier":
            yield quoted(source(field(child, "key"))), field(child, "value")
        else:
            yield quoted(source(child)), child
