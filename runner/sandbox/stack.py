"""Errors of scripts: their stack, with the places counted in the user's own text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from runner.sandbox import ScriptError

SCRIPT_NAME = "sandbox-script.js"
FRAME = re.compile(r"^ *at (?:(?P<function>.*?) \()?(?:eval at exec \(.*?\), )?<anonymous>:(?P<line>\d+):(?P<column>\d+)\)?$")
EVALUATED = re.compile(r"eval at exec \(")
PACKAGE_FRAME = re.compile(r"^ *at (?:(?P<function>.*?) \()?package:(?P<number>\d+):(?P<line>\d+):\d+\)?$")
LOADING = "Error in package '"


@dataclass(frozen=True, slots=True)
class Fault:
    """What a script threw, as the sandbox sent it."""

    name: str
    message: str
    stack: str
    actual: str | None = None
    expected: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where in what V8 compiles the first character of a script stands, from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """How places in a stack become places in the user's script of `lines` lines.

    `shifts` are texts the host put in, as (line, column, length); `syntax` is where the script does not parse, if so.
    `files` are the packages' names and numbers of lines, `loads` message and stack of what was thrown while one was loaded.
    """

    origin: Origin
    lines: int
    shifts: tuple[tuple[int, int, int], ...] = ()
    syntax: tuple[int, int] | None = None
    files: tuple[tuple[str, int], ...] = ()
    loads: tuple[tuple[str, str], ...] = ()

    def own(self, line: int, column: int) -> tuple[int, int] | None:
        """The place in the user's text, None when it is outside."""
        line = line - self.origin.line + 1
        if line == 1:
            column -= self.origin.column - 1
        column -= sum(length for at_line, at_column, length in self.shifts if at_line == line and at_column < column)
        return (line, max(column, 1)) if 1 <= line <= self.lines else None

    def in_package(self, number: int, line: int) -> str | None:
        """The place in a package, which is compiled with one line more before it than a script; None when it is outside."""
        name, lines = self.files[number] if number < len(self.files) else ("", 0)
        return f"{name}:{line - self.origin.line}" if 1 <= line - self.origin.line <= lines else None


def first_position(stack: str) -> Origin:
    """The place of the innermost frame of a script; of an error thrown by `throw new Error()` in a script's first column."""
    for text in stack.split("\n"):
        frame = FRAME.match(text)
        if frame and EVALUATED.search(text):
            return Origin(line=int(frame["line"]), column=int(frame["column"]) - len("throw "))
    raise ValueError("the stack shows no script")


def script_error(fault: Fault, places: Places) -> ScriptError:
    """An error as the sandbox sent it, with line and column in the user's own script.

    V8's frames of the sandbox itself are left out, those of the script are named as Newman names them. The sandbox writes
    `Error:` before every stack; the error's own name is put there. What comes out of a package names file and line.
    """
    name, message = fault.name, fault.message
    frames = [shown for text in _stack(fault, places).split("\n") if (shown := shown_frame(text, places))]
    if not frames and places.syntax and name == "SyntaxError":
        frames = [(f"{SCRIPT_NAME}:{places.syntax[0]}:{places.syntax[1]}", "", places.syntax)]
    line, column = next((own for _, _, own in frames if own), (None, None))
    if frames and not frames[0][2] and name != "AssertionError":
        message = f"{message} ({frames[0][0]})"
    lines = [f"    at {function} ({place})" if function else f"    at {place}" for place, function, _ in frames]
    return ScriptError(
        name=name,
        message=message,
        stack="\n".join([f"{name}: {message}" if message else name, *lines]),
        line=line,
        column=column,
        actual=fault.actual,
        expected=fault.expected,
    )


def _stack(fault: Fault, places: Places) -> str:
    """The stack of what was thrown first: of what goes wrong in a package that is loaded the sandbox only passes the text on."""
    message, stack = fault.message, fault.stack
    for said, thrown in reversed(places.loads):
        if message.startswith(LOADING) and message.endswith(f"': {said}"):
            message, stack = said, thrown
    return stack


def shown_frame(text: str, places: Places) -> tuple[str, str, tuple[int, int] | None] | None:
    """A line of a stack as (place, function, line and column in the user's script), if it is of that or of a package."""
    if frame := PACKAGE_FRAME.match(text):
        package = places.in_package(int(frame["number"]), int(frame["line"]))
        return (package, _function(frame["function"]), None) if package else None
    frame = FRAME.match(text)
    if not frame or not EVALUATED.search(text):
        return None
    own = places.own(int(frame["line"]), int(frame["column"]))
    return (f"{SCRIPT_NAME}:{own[0]}:{own[1]}", _function(frame["function"]), own) if own else None


def _function(name: str | None) -> str:
    return re.sub(r"^(Object\.)?eval$", "", name or "")
