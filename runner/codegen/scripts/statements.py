"""Statements: declarations, assignments, branches, loops, and the blocks of `pm.test`."""

from __future__ import annotations

from runner.codegen.scripts import chai
from runner.codegen.scripts.context import Context, expresses, performs
from runner.codegen.scripts.functions import define, hoist, is_function, parameters, refuse_special, returns
from runner.codegen.scripts.literals import as_text
from runner.codegen.scripts.operators import condition, owner_and_key, plus
from runner.codegen.scripts.paths import path_of
from runner.codegen.scripts.python import COMPARE, Kind, Py
from runner.codegen.scripts.syntax import Node, Untranslatable, children, field, maybe, source, walk

_COMPOUND = {"-=": "subtract", "*=": "multiply", "/=": "divide", "%=": "remainder"}
_CONTAINERS = {Kind.LIST: "list[Any]", Kind.DICT: "dict[str, Any]"}


# ----------------------------------------------------------------------------------------------------------- declarations


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


# ---------------------------------------------------------------------------------------------------- expression statements


@performs("expression_statement")
def _expression(context: Context, node: Node) -> None:
    perform(context, children(node)[0])


def perform(context: Context, node: Node) -> None:
    """An expression for what it does."""
    if node.type == "assignment_expression":
        assign(context, node)
    elif node.type == "augmented_assignment_expression":
        _augment(context, node)
    elif node.type == "update_expression":
        _update(context, node)
    elif node.type == "sequence_expression":
        for child in children(node):
            perform(context, child)
    elif node.type == "binary_expression" and source(field(node, "operator")) in ("&&", "||"):
        _guarded(context, node)
    elif node.type == "parenthesized_expression":
        perform(context, children(node)[0])
    elif not _special(context, node):
        discard(context, context.expression(node))


def discard(context: Context, value: Py) -> None:
    """Evaluate for the effect alone."""
    if not value.plain:
        context.write(value.text)


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
    return _loop_call(context, node, path)


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


def _augment(context: Context, node: Node) -> None:
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


def _update(context: Context, node: Node) -> None:
    target = field(node, "argument")
    variable = context.find(source(target)) if target.type == "identifier" else None
    if variable is None:
        raise Untranslatable(node, f"{source(node)[:40]}")
    context.changes(variable)
    number = context.use("number")
    name = context.use("add" if source(field(node, "operator")) == "++" else "subtract")
    context.write(f"{variable.name} = {name}({number}({variable.name}), 1)")


# ------------------------------------------------------------------------------------------------------------------- tests


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


# ------------------------------------------------------------------------------------------------------ branches and loops


@performs("if_statement")
def _if(context: Context, node: Node) -> None:
    _branch(context, node, "if")


def _branch(context: Context, node: Node, word: str) -> None:
    test = condition(context, field(node, "condition"))
    with context.indented(f"{word} {test.text}:"):
        _body(context, field(node, "consequence"))
    otherwise = maybe(node, "alternative")
    if otherwise is None:
        return
    inner = children(otherwise)[0]
    if inner.type == "if_statement" and not _needs_lines(context, inner):
        _branch(context, inner, "elif")
    elif children(inner) or inner.type != "statement_block":
        with context.indented("else:"):
            _body(context, inner)


def _needs_lines(context: Context, node: Node) -> bool:
    """Whether a condition has functions, which may need a `def` ahead of it."""
    return any(is_function(inner) for inner in walk(field(node, "condition")))


def _body(context: Context, node: Node) -> None:
    with context.block():
        if node.type == "statement_block":
            block_of(context, node)
        else:
            context.statement(node)


def block_of(context: Context, node: Node) -> None:
    """The statements of a block, with the comments that have lines of their own."""
    for statement in node.named_children:
        context.statement(statement)


@performs("statement_block")
def _block(context: Context, node: Node) -> None:
    _body(context, node)


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


def _loop_body(context: Context, node: Node) -> None:
    before, context.frame.in_loop = context.frame.in_loop, True
    _body(context, node)
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
        if (start := maybe(node, "initializer")) is not None:
            context.statement(start)
        if _continues(field(node, "body")):
            raise Untranslatable(node, "`continue` in a counting loop")
        test = maybe(node, "condition")
        found = condition(context, test).text if test is not None and test.type != "empty_statement" else "True"
        with context.indented(f"while {found}:"):
            _loop_body(context, field(node, "body"))
            if (step := maybe(node, "increment")) is not None:
                perform(context, step)


def _continues(node: Node) -> bool:
    if node.type == "continue_statement":
        return True
    return any(
        _continues(child) for child in children(node) if not is_function(child) and not child.type.startswith(("for", "while"))
    )


def _loop_call(context: Context, node: Node, path: str | None) -> bool:
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
                perform(context, inner)
    return True


@performs("try_statement")
def _try(context: Context, node: Node) -> None:
    handler, final = maybe(node, "handler"), maybe(node, "finalizer")
    with context.indented("try:"):
        _body(context, field(node, "body"))
    if handler is not None:
        _catch(context, handler)
    if final is not None:
        with context.indented("finally:"):
            _body(context, children(final)[0])


def _catch(context: Context, handler: Node) -> None:
    parameter, body = maybe(handler, "parameter"), field(handler, "body")
    used = parameter is not None and any(
        inner.type == "identifier" and source(inner) == source(parameter) for inner in walk(body)
    )
    if not used or parameter is None:
        with context.indented("except Exception:"):
            _body(context, body)
        return
    with context.indented("except Exception as caught:"), context.block():
        variable = context.declare(source(parameter), Kind.ERROR)
        bind(context, variable.name, Py(f"{context.use('as_error')}(caught)", Kind.ERROR))
        _body(context, body)


@performs("comment")
def _comment(context: Context, node: Node) -> None:
    before = node.prev_sibling
    if before is not None and before.end_point[0] == node.start_point[0] and before.type != "{":
        return
    written = source(node).removeprefix("//").removeprefix("/*").removesuffix("*/")
    for line in written.strip("* \n").splitlines():
        context.write(f"# {line.strip(' *')}".rstrip())


@expresses("assignment_expression", "update_expression", "augmented_assignment_expression")
def _inside(context: Context, node: Node) -> Py:
    raise Untranslatable(node, "an assignment inside of an expression")
