"""The state of one translation: lines written so far, names in scope, what must be imported, and who translates what."""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from runner.codegen.scripts.python import Kind, Py
from runner.codegen.scripts.syntax import Node, Untranslatable, source, walk

SUPPORT = "runner.codegen.support"

_AMBIGUOUS = frozenset({"l", "O", "I", "_"})
_TAKEN = frozenset(keyword.kwlist) | frozenset(dir(builtins)) | {"pm", "Any", "caught", "match", "case", "type"}
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


@dataclass
class Variable:
    """A JavaScript variable: its Python name, what is known of its value, and the Python function it lives in."""

    name: str
    kind: Kind
    frame: Frame
    implicit: bool = False
    arity: int | None = None


@dataclass
class Frame:
    """One Python function: the lines of its body, and the names it takes from outside to change them."""

    parent: Frame | None = None
    depth: int = 1
    lines: list[str] = field(default_factory=list)
    outer_names: set[str] = field(default_factory=set)
    declared: dict[str, Kind] = field(default_factory=dict)
    in_loop: bool = False
    can_return: bool = True


class Context:
    """One script on its way to Python."""

    def __init__(self, root: Node, listen: str, reserved: frozenset[str]) -> None:
        self.root = root
        self.listen = listen
        self.reserved = reserved
        self.imports: set[str] = set()
        self.frame = Frame()
        self.scopes: list[dict[str, Variable]] = [{}]
        self.floor = 0
        self.deferred = False
        self.leaked: set[str] = set()
        self.assigned: dict[str, int] = {}
        self.read: set[str] = set()
        self._study()

    # ---------------------------------------------------------------------------------------------------------- dispatch

    def expression(self, node: Node) -> Py:
        """The value of an expression."""
        return EXPRESSIONS.get(node.type, _unknown)(self, node)

    def statement(self, node: Node) -> None:
        """Write a statement."""
        STATEMENTS.get(node.type, _unknown_statement)(self, node)

    def perform(self, node: Node) -> None:
        """Write an expression for what it does."""
        STATEMENTS["expression"](self, node)

    # ------------------------------------------------------------------------------------------------------------- writing

    def use(self, name: str) -> str:
        """A name of the support module, which is then imported."""
        self.imports.add(name)
        return name

    def write(self, line: str) -> None:
        """One line of the current function's body."""
        self.frame.lines.append("    " * self.frame.depth + line)

    @contextmanager
    def indented(self, head: str) -> Iterator[None]:
        """A block; an empty one holds `pass`."""
        self.write(head)
        self.frame.depth += 1
        before = len(self.frame.lines)
        yield
        if all(line.lstrip().startswith("#") for line in self.frame.lines[before:]):
            self.write("pass")
        self.frame.depth -= 1

    @contextmanager
    def block(self, *, function: bool = False) -> Iterator[None]:
        """A JavaScript block, whose let and const end with it; of a function, its var too."""
        before = self.floor
        self.scopes.append({})
        self.floor = len(self.scopes) - 1 if function else before
        yield
        self.scopes.pop()
        self.floor = before

    @contextmanager
    def function(self, *, depth: int = 1) -> Iterator[Frame]:
        """A Python function inside the current one; the caller places its lines."""
        outer = self.frame
        self.frame = Frame(parent=outer, depth=depth)
        with self.block(function=True):
            yield self.frame
        self.frame = outer

    # --------------------------------------------------------------------------------------------------------------- names

    def find(self, name: str) -> Variable | None:
        """The variable a name means here, None if the script does not declare it."""
        return next((scope[name] for scope in reversed(self.scopes) if name in scope), None)

    def find_var(self, name: str) -> Variable | None:
        """The variable of the current JavaScript function that another `var` of this name means."""
        return next((scope[name] for scope in self.scopes[self.floor :] if name in scope), None)

    def declare(self, name: str, kind: Kind = Kind.ANY, *, implicit: bool = False) -> Variable:
        """A new variable in the innermost block; it keeps its kind only if nothing else is ever assigned to it."""
        if self.assigned.get(name, 0) > 1:
            kind = Kind.ANY
        variable = Variable(self.fresh(name, kind), kind, self.frame, implicit)
        self.scopes[0 if implicit else -1][name] = variable
        return variable

    def fresh(self, wanted: str, kind: Kind = Kind.ANY) -> str:
        """A Python name for a JavaScript one that means nothing else here.

        Of two blocks that do not overlap, both may use a name, if nothing runs later that would see the other's value.
        """
        base = python_name(wanted)
        visible = {variable.name for scope in self.scopes for variable in scope.values()}
        count = 1
        while True:
            name = base if count == 1 else f"{base}_{count}"
            known = self.frame.declared.get(name)
            if name not in visible and name not in self.reserved and (known is None or (known is kind and not self.deferred)):
                return name
            count += 1

    def within(self, frame: Frame) -> bool:
        """Whether a Python function is the current one or around it."""
        here: Frame | None = self.frame
        while here is not None and here is not frame:
            here = here.parent
        return here is frame

    def temporary(self, wanted: str, kind: Kind = Kind.ANY) -> str:
        """A Python name for a value that has none in the script; nothing else in the block gets it."""
        name = self.fresh(wanted, kind)
        self.scopes[-1][f" {name}"] = Variable(name, kind, self.frame)
        return name

    def changes(self, variable: Variable) -> None:
        """Note that the current function assigns to a variable, which may be another's."""
        if variable.frame is not self.frame:
            self.frame.outer_names.add(variable.name)

    def _study(self) -> None:
        """Count the assignments to each name, and find what is read at all and whether anything runs later."""
        for node in walk(self.root):
            if node.type in ("identifier", "shorthand_property_identifier_pattern"):
                if is_target(node):
                    self.assigned[source(node)] = self.assigned.get(source(node), 0) + 1
                else:
                    self.read.add(source(node))
            elif node.type == "shorthand_property_identifier":
                self.read.add(source(node))
            elif node.type == "property_identifier" and source(node) == "sendRequest":
                self.deferred = True


def is_target(node: Node) -> bool:
    """Whether an identifier is given a value where it stands."""
    if node.type == "shorthand_property_identifier_pattern":
        return True
    parent = node.parent
    if parent is None:
        return False
    if parent.type in ("variable_declarator", "function_declaration"):
        return parent.child_by_field_name("name") == node
    if parent.type == "update_expression":
        return True
    if parent.type in ("assignment_expression", "augmented_assignment_expression", "for_in_statement", "assignment_pattern"):
        return parent.child_by_field_name("left") == node
    return parent.type in ("formal_parameters", "array_pattern", "pair_pattern", "rest_pattern") or (
        parent.type == "arrow_function" and parent.child_by_field_name("parameter") == node
    )


def python_name(name: str) -> str:
    """A JavaScript name as Python writes names."""
    base = name if name.isupper() else _HUMP.sub("_", name).lower()
    base = re.sub(r"\W", "_", unicodedata.normalize("NFKC", base)) or "value"
    if not base.isidentifier():
        base = f"value_{base}"
    return f"{base}_" if base in _TAKEN or base in _AMBIGUOUS else base


Translate = Callable[[Context, Node], Py]
Perform = Callable[[Context, Node], None]

EXPRESSIONS: dict[str, Translate] = {}
STATEMENTS: dict[str, Perform] = {}


def expresses(*types: str) -> Callable[[Translate], Translate]:
    """Registers what translates expressions of these types of the grammar."""

    def register(function: Translate) -> Translate:
        EXPRESSIONS.update(dict.fromkeys(types, function))
        return function

    return register


def performs(*types: str) -> Callable[[Perform], Perform]:
    """Registers what translates statements of these types of the grammar."""

    def register(function: Perform) -> Perform:
        STATEMENTS.update(dict.fromkeys(types, function))
        return function

    return register


def _unknown(context: Context, node: Node) -> Py:
    raise Untranslatable(node, f"{node.type.replace('_', ' ')} is not translated")


def _unknown_statement(context: Context, node: Node) -> None:
    raise Untranslatable(node, f"{node.type.replace('_', ' ')} is not translated")
