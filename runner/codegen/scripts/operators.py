"""Operators: Python's own where they certainly mean the same, else those of the support module."""

from __future__ import annotations

from runner.codegen.scripts.context import Context, expresses
from runner.codegen.scripts.literals import as_text, undefined
from runner.codegen.scripts.python import (
    ADD,
    AND,
    ATOM,
    COMPARE,
    FALSE,
    NOT,
    NUMBERS,
    OR,
    TERNARY,
    TRUE,
    Kind,
    Py,
    comparison,
    constant,
)
from runner.codegen.scripts.syntax import Node, Untranslatable, children, field, source

_ARITHMETIC = {"-": "subtract", "*": "multiply", "/": "divide", "%": "remainder"}
_LAZY = {"&&": "both", "||": "either", "??": "or_else"}
_OBJECTS = frozenset(
    {Kind.LIST, Kind.DICT, Kind.FUNCTION, Kind.PATTERN, Kind.DATE, Kind.DIGEST, Kind.RESPONSE, Kind.HEADERS, Kind.ERROR}
)


# -------------------------------------------------------------------------------------------------------------- conditions


def condition(context: Context, node: Node) -> Py:
    """A value of which only the truth counts, as Python's bool."""
    if node.type == "parenthesized_expression":
        return condition(context, children(node)[0])
    if node.type == "unary_expression" and source(field(node, "operator")) == "!":
        return negated(condition(context, field(node, "argument")))
    if node.type == "binary_expression" and source(field(node, "operator")) in ("&&", "||"):
        sides = [condition(context, field(node, side)) for side in ("left", "right")]
        return _joined(context, source(field(node, "operator")), *sides)
    return truth(context, context.expression(node), node)


def truth(context: Context, value: Py, node: Node) -> Py:
    """Whether a value is truthy, as Python's bool."""
    if value.kind is Kind.BOOL:
        return value
    if value.literal:
        return FALSE if value.text in ('""', "0", "0.0", "None", "undefined") else TRUE
    if value.kind in (Kind.STR, Kind.INT):
        return Py(f"bool({value.text})", Kind.BOOL, bare=value.at(COMPARE), opposite=f"not {value.at(COMPARE)}")
    if value.kind in _OBJECTS:
        raise Untranslatable(node, f"whether a {value.kind} is true: it always is")
    return Py(f"{context.use('truthy')}({value.text})", Kind.BOOL)


def negated(value: Py) -> Py:
    """`not value`, as Python would say it."""
    if value.text in ("True", "False"):
        return FALSE if value.text == "True" else TRUE
    if value.opposite:
        level = NOT if value.opposite.startswith("not ") else COMPARE
        return Py(value.opposite, Kind.BOOL, level, opposite=value.text)
    return Py(f"not {value.at(COMPARE)}", Kind.BOOL, NOT, opposite=value.text if value.level >= COMPARE else "")


@expresses("parenthesized_expression")
def _parenthesized(context: Context, node: Node) -> Py:
    inner = children(node)[0]
    if inner.type == "sequence_expression":
        raise Untranslatable(node, "several expressions in a row")
    return context.expression(inner)


@expresses("unary_expression")
def _unary(context: Context, node: Node) -> Py:
    operator, argument = source(field(node, "operator")), field(node, "argument")
    if operator == "!":
        return negated(condition(context, argument))
    if operator == "typeof":
        return _typeof(context, argument)
    if operator == "delete":
        return _delete(context, argument)
    if operator == "void" and argument.type == "number":
        return undefined(context)
    value = context.expression(argument)
    if operator == "-" and value.literal and value.kind in NUMBERS and value.text not in ("0", "0.0"):
        return Py(f"-{value.text}", value.kind, level=ADD, literal=True, plain=True)
    if operator == "-":
        return Py(f"{context.use('negative')}({value.text})", Kind.NUM)
    if operator == "+":
        return Py(f"{context.use('number')}({value.text})", Kind.NUM)
    raise Untranslatable(node, f"the operator {operator}")


def _typeof(context: Context, argument: Node) -> Py:
    if argument.type == "identifier" and context.find(source(argument)) is None:
        raise Untranslatable(argument, f"whether there is a global {source(argument)}")
    value = context.expression(argument)
    if value.kind in (Kind.RESPONSE, Kind.HEADERS, Kind.DIGEST, Kind.PATTERN, Kind.DATE, Kind.ERROR):
        return Py('"object"', Kind.STR, literal=True)
    return Py(f"{context.use('typeof')}({value.text})", Kind.STR)


def _delete(context: Context, argument: Node) -> Py:
    if argument.type not in ("member_expression", "subscript_expression"):
        raise Untranslatable(argument, "deleting anything but a member")
    owner, key = owner_and_key(context, argument)
    return Py(f"{context.use('remove')}({owner.text}, {key.text})", Kind.BOOL)


def owner_and_key(context: Context, node: Node) -> tuple[Py, Py]:
    """The two halves of `owner.key` or `owner[key]`."""
    owner = context.expression(field(node, "object"))
    if owner.kind not in (Kind.ANY, Kind.LIST, Kind.DICT, Kind.STR, Kind.NULL, Kind.UNDEFINED):
        raise Untranslatable(node, f"a member of a {owner.kind}")
    if node.type == "member_expression":
        return owner, constant(source(field(node, "property")))
    return owner, context.expression(field(node, "index"))


# --------------------------------------------------------------------------------------------------------- two-sided ones


@expresses("binary_expression")
def _binary(context: Context, node: Node) -> Py:
    operator = source(field(node, "operator"))
    if operator in ("&&", "||", "??"):
        return _lazy(context, node, operator)
    left, right = context.expression(field(node, "left")), context.expression(field(node, "right"))
    if operator in ("===", "=="):
        return equal(context, left, right, strict=operator == "===", node=node)
    if operator in ("!==", "!="):
        return negated(equal(context, left, right, strict=operator == "!==", node=node))
    _plain_only(node, left, right)
    if operator == "+":
        return plus(context, left, right, node)
    if operator in _ARITHMETIC:
        return Py(f"{context.use(_ARITHMETIC[operator])}({left.text}, {right.text})", Kind.NUM)
    if operator in ("<", "<=", ">", ">="):
        return compare(context, operator, left, right)
    if operator == "in":
        return Py(f"{context.use('contains_key')}({left.text}, {right.text})", Kind.BOOL)
    raise Untranslatable(node, f"the operator {operator}")


def _plain_only(node: Node, *values: Py) -> None:
    """Refuse what is converted in ways only JavaScript knows."""
    for value in values:
        if value.kind in _OBJECTS - {Kind.LIST, Kind.DICT, Kind.DIGEST}:
            raise Untranslatable(node, f"an operator on a {value.kind}")


def _lazy(context: Context, node: Node, operator: str) -> Py:
    left, right = context.expression(field(node, "left")), context.expression(field(node, "right"))
    if left.kind is Kind.BOOL and right.kind is Kind.BOOL and operator != "??":
        return _joined(context, operator, left, right)
    kind = left.kind if left.kind is right.kind else Kind.ANY
    return Py(f"{context.use(_LAZY[operator])}({left.text}, lambda: {right.text})", kind)


def _joined(context: Context, operator: str, left: Py, right: Py) -> Py:
    """Two of Python's bools with `and` or `or`, which are not for constants."""
    if left.literal or right.literal:
        return Py(f"{context.use(_LAZY[operator])}({left.text}, lambda: {right.text})", Kind.BOOL)
    word, level = ("and", AND) if operator == "&&" else ("or", OR)
    return Py(f"{left.at(level)} {word} {right.at(level)}", Kind.BOOL, level)


def equal(context: Context, left: Py, right: Py, *, strict: bool, node: Node) -> Py:
    """`left === right`, or with `strict` off `left == right`."""
    for one, other in ((left, right), (right, left)):
        if one.text in ("None", "undefined"):
            if not strict:
                return Py(f"{context.use('nullish')}({other.text})", Kind.BOOL)
            if one.text == "undefined":
                undefined(context)
            return _identical(context, other, one)
    kinds = {left.kind, right.kind}
    if Kind.DIGEST in kinds and not strict:
        left, right = (as_text(context, side, node) if side.kind is Kind.DIGEST else side for side in (left, right))
        kinds = {left.kind, right.kind}
    if _comparable(left, right) and (kinds <= {Kind.STR} or kinds <= {Kind.INT} or (strict and _exact(left, right))):
        return comparison(left, "==", right)
    for one, other in ((left, right), (right, left)):
        if strict and one.text in ("True", "False"):
            return _identical(context, other, one)
    if not strict:
        _plain_only(node, left, right)
    return Py(f"{context.use('strict_equal' if strict else 'loose_equal')}({left.text}, {right.text})", Kind.BOOL)


def _identical(context: Context, value: Py, constant: Py) -> Py:
    """`value is constant`, which Python does not like to be asked about what it certainly is not."""
    if value.literal or value.kind not in (Kind.ANY, Kind.BOOL):
        return Py(f"{context.use('strict_equal')}({value.text}, {constant.text})", Kind.BOOL)
    return comparison(value, "is", constant)


def _comparable(left: Py, right: Py) -> bool:
    """Whether Python has reason to compare them: they are no two constants, not the same, and not of two types."""
    kinds = {left.kind, right.kind}
    different = left.text != right.text and not (left.literal and right.literal)
    return different and (len(kinds) == 1 or Kind.ANY in kinds or kinds <= NUMBERS)


def _exact(left: Py, right: Py) -> bool:
    """Whether Python's `==` is `===` because of a literal: `True == 1` is the trap among numbers."""
    return any(
        one.literal and (one.kind is Kind.STR or (one.kind is Kind.INT and one.text not in ("0", "1"))) for one in (left, right)
    )


def plus(context: Context, left: Py, right: Py, node: Node) -> Py:
    """`left + right`."""
    if Kind.DIGEST in (left.kind, right.kind):
        left, right = (as_text(context, side, node) if side.kind is Kind.DIGEST else side for side in (left, right))
    if left.kind is Kind.STR and right.kind is Kind.STR:
        return Py(f"{left.at(ADD)} + {right.at(ATOM)}", Kind.STR, ADD)
    if {left.kind, right.kind} == {Kind.INT}:
        return Py(f"{left.at(ADD)} + {right.at(ATOM)}", Kind.NUM, ADD)
    if Kind.STR in (left.kind, right.kind) and not {left.kind, right.kind} & {Kind.FUNCTION}:
        left, right = as_text(context, left, node), as_text(context, right, node)
        return Py(f"{left.at(ADD)} + {right.at(ATOM)}", Kind.STR, ADD)
    kind = Kind.NUM if {left.kind, right.kind} <= NUMBERS else Kind.ANY
    return Py(f"{context.use('add')}({left.text}, {right.text})", kind)


def compare(context: Context, operator: str, left: Py, right: Py) -> Py:
    """`left < right` and its like."""
    if {left.kind, right.kind} <= NUMBERS and _comparable(left, right):
        return comparison(left, operator, right)
    name = {"<": "less", "<=": "less_equal", ">": "greater", ">=": "greater_equal"}[operator]
    return Py(f"{context.use(name)}({left.text}, {right.text})", Kind.BOOL)


@expresses("ternary_expression")
def _ternary(context: Context, node: Node) -> Py:
    test = condition(context, field(node, "condition"))
    yes, no = context.expression(field(node, "consequence")), context.expression(field(node, "alternative"))
    kind = yes.kind if yes.kind is no.kind else Kind.NUM if {yes.kind, no.kind} <= NUMBERS else Kind.ANY
    return Py(f"{yes.at(OR)} if {test.at(OR)} else {no.at(TERNARY)}", kind, TERNARY)
