"""Functions: lambdas where one expression is all there is, else a `def` ahead of the statement."""

from __future__ import annotations

from runner.codegen.scripts.binding import take_apart
from runner.codegen.scripts.context import Context, expresses
from runner.codegen.scripts.python import LAMBDA, Kind, Py
from runner.codegen.scripts.syntax import FUNCTIONS, Node, Untranslatable, children, field, maybe, source, walk


def is_function(node: Node) -> bool:
    """Whether a node is a function literal."""
    return node.type in FUNCTIONS


def parameters(node: Node) -> list[Node]:
    """The parameters of a function."""
    single = maybe(node, "parameter")
    return [single] if single else children(field(node, "parameters"))


def refuse_special(node: Node) -> None:
    """Refuse functions that do more than be called: async ones, generators, those that use `this` or `arguments`."""
    if node.type.startswith("generator") or any(child.type == "async" for child in node.children):
        raise Untranslatable(node, "an async function or a generator")
    for inner in walk(field(node, "body")):
        if inner.type in ("this", "await_expression", "yield_expression") or (
            inner.type == "identifier" and source(inner) == "arguments"
        ):
            raise Untranslatable(inner, f"`{source(inner)[:20]}`")


def returns(body: Node) -> bool:
    """Whether a body has a `return` of its own."""
    if body.type == "return_statement":
        return True
    return any(returns(child) for child in body.named_children if not is_function(child))


def declare_parameters(context: Context, node: Node, kinds: tuple[Kind, ...] = ()) -> list[str]:
    """The parameters of a function, as Python writes them: fewer arguments may be given. Its body begins with what they need."""
    written, later = [], []
    for place, parameter in enumerate(parameters(node)):
        if parameter.type == "rest_pattern":
            raise Untranslatable(parameter, "a parameter for all that is left")
        target = field(parameter, "left") if parameter.type == "assignment_pattern" else parameter
        simple = target.type == "identifier"
        kind = kinds[place] if place < len(kinds) else Kind.ANY
        name = context.declare(source(target), kind).name if simple else context.temporary("given")
        context.frame.declared[name] = kind
        written.append(f"{name}: Any = {context.use('undefined')}")
        later.append((name, target, parameter))
    for name, target, parameter in later:
        if parameter.type == "assignment_pattern":
            value = context.expression(field(parameter, "right"))
            with context.indented(f"if {name} is {context.use('undefined')}:"):
                context.write(f"{name} = {value.text}")
        if target.type != "identifier":
            take_apart(context, target, Py(name, plain=True))
    return written


@expresses("function_expression", "arrow_function")
def _function(context: Context, node: Node) -> Py:
    refuse_special(node)
    body = field(node, "body")
    if context.frame.in_loop and context.deferred:
        raise Untranslatable(node, "a function made in a loop")
    if body.type != "statement_block" and all(parameter.type == "identifier" for parameter in parameters(node)):
        with context.function(depth=1) as frame:
            names = [context.declare(source(parameter)).name for parameter in parameters(node)]
            value = context.expression(body)
        if not frame.lines and not frame.outer_names:
            return Py(f"lambda {', '.join([*names, '*_'])}: {value.at(LAMBDA + 1)}", Kind.FUNCTION, LAMBDA)
    return Py(define(context, node, "function"), Kind.FUNCTION, plain=True)


def define(context: Context, node: Node, wanted: str, name: str | None = None, kinds: tuple[Kind, ...] = ()) -> str:
    """Write a `def` here and return its name; `kinds` says what its arguments will be."""
    refuse_special(node)
    name = name or context.fresh(wanted, Kind.FUNCTION)
    context.frame.declared[name] = Kind.FUNCTION
    body = field(node, "body")
    with context.function(depth=context.frame.depth + 1) as frame:
        given = declare_parameters(context, node, kinds)
        if body.type == "statement_block":
            hoist(context, body)
            for statement in body.named_children:
                context.statement(statement)
        else:
            context.write(f"return {context.expression(body).text}")
    context.imports.add("Any")
    result = "Any" if body.type != "statement_block" or returns(body) else "None"
    context.write(f"def {name}({', '.join([*given, '*_: Any'])}) -> {result}:")
    if outer := sorted(frame.outer_names):
        context.write(f"    nonlocal {', '.join(outer)}")
    context.frame.lines += frame.lines or ["    " * (context.frame.depth + 1) + "pass"]
    if result == "Any" and not _ends_with_return(frame.lines):
        context.write(f"    return {context.use('undefined')}")
    return name


def _ends_with_return(lines: list[str]) -> bool:
    return (
        bool(lines)
        and lines[-1].strip().startswith("return")
        and len(lines[-1]) - len(lines[-1].lstrip()) == min(len(line) - len(line.lstrip()) for line in lines)
    )


def hoist(context: Context, body: Node) -> None:
    """Declare what is declared in inner blocks with `var` and used outside of them."""
    for name in nested_vars(body):
        if context.find_var(name) is None:
            variable = context.declare(name)
            context.imports.add("Any")
            context.frame.declared[variable.name] = Kind.ANY
            context.write(f"{variable.name}: Any = {context.use('undefined')}")


def nested_vars(body: Node) -> list[str]:
    """The names of `var`s that are declared in inner blocks and mean something outside of them."""
    found: dict[str, None] = {}
    for statement in children(body):
        if statement.type not in ("variable_declaration", "function_declaration", "lexical_declaration", "expression_statement"):
            for name, block in _vars(statement):
                if _used_outside(body, name, block):
                    found.setdefault(name)
    return list(found)


def _vars(node: Node, block: Node | None = None) -> list[tuple[str, Node]]:
    found: list[tuple[str, Node]] = []
    for child in children(node):
        if child.type == "variable_declaration":
            names = [field(each, "name") for each in children(child) if each.type == "variable_declarator"]
            found += [(source(name), node) for name in names if name.type == "identifier"]
        elif not is_function(child):
            found += _vars(child)
    return found


def _used_outside(body: Node, name: str, block: Node) -> bool:
    return any(
        node.type == "identifier" and source(node) == name and not block.start_byte <= node.start_byte < block.end_byte
        for node in walk(body)
    )
