"""Errors of scripts: their stack, with the places counted in the user's own text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from runner.sandbox import ScriptError

SCRIPT_NAME = "sandbox-script.js"
FRAME = re.compile(r"^ *at (?:(?P<function>.*?) \()?(?:eval at exec \(.*?\), )?<anonymous>:(?P<line>\d+):(?P<column>\d+)\)?$")
EVALUATED = re.compile(r"eval at exec \(")


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
    """

    origin: Origin
    lines: int
    shifts: tuple[tuple[int, int, int], ...] = ()
    syntax: tuple[int, int] | None = None

    def own(self, line: int, column: int) -> tuple[int, int] | None:
        """The place in the user's text, None when it is outside."""
        line = line - self.origin.line + 1
        if line == 1:
            column -= self.origin.column - 1
        column -= sum(length for at_line, at_column, length in self.shifts if at_line == line and at_column < column)
        return (line, max(column, 1)) if 1 <= line <= self.lines else None


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
    `Error:` before every stack; the error's own name is put there.
    """
    name, message = fault.name, fault.message
    frames = [shown for text in fault.stack.split("\n") if (shown := own_frame(text, places))]
    if not frames and places.syntax and name == "SyntaxError":
        frames = [(f"    at {SCRIPT_NAME}:{places.syntax[0]}:{places.syntax[1]}", *places.syntax)]
    _, line, column = frames[0] if frames else ("", None, None)
    shown_lines = [f"{name}: {message}" if message else name, *(text for text, _, _ in frames)]
    return ScriptError(
        name=name,
        message=message,
        stack="\n".join(shown_lines),
        line=line,
        column=column,
        actual=fault.actual,
        expected=fault.expected,
    )


def own_frame(text: str, places: Places) -> tuple[str, int, int] | None:
    """A line of a stack as (text, line, column) if it is a frame of the user's script."""
    frame = FRAME.match(text)
    if not frame or not EVALUATED.search(text):
        return None
    own = places.own(int(frame["line"]), int(frame["column"]))
    if own is None:
        return None
    place = f"{SCRIPT_NAME}:{own[0]}:{own[1]}"
    function = re.sub(r"^(Object\.)?eval$", "", frame["function"] or "")
    return f"    at {function} ({place})" if function else f"    at {place}", *own
