"""Errors of scripts: their stack, with the places counted in the user's own text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from runner.model import Json
from runner.sandbox import ScriptError

SCRIPT_NAME = "sandbox-script.js"
FRAME = re.compile(r"^ *at (?:(?P<function>.*?) \()?(?:eval at exec \(.*?\), )?<anonymous>:(?P<line>\d+):(?P<column>\d+)\)?$")
EVALUATED = re.compile(r"eval at exec \(")


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where in what V8 compiles the first character of a script stands, from 1."""

    line: int
    column: int


def first_position(stack: str) -> Origin:
    """The place of the innermost frame of a script; of an error thrown by `throw new Error()` in a script's first column."""
    for text in stack.split("\n"):
        frame = FRAME.match(text)
        if frame and EVALUATED.search(text):
            return Origin(line=int(frame["line"]), column=int(frame["column"]) - len("throw "))
    raise ValueError("the stack shows no script")


def script_error(fault: Json, origin: Origin) -> ScriptError:
    """An error as the sandbox sent it, with line and column in the user's own script.

    V8's frames of the sandbox itself are left out, those of the script are named as Newman names them. The sandbox writes
    `Error:` before every stack; the error's own name is put there.
    """
    name, message = str(fault["name"]), str(fault["message"])
    frames = [shown for text in str(fault["stack"]).split("\n") if (shown := own_frame(text, origin))]
    place = frames[0][1:] if frames else (fault.get("line"), fault.get("column"))
    lines = [f"{name}: {message}" if message else name, *(text for text, _, _ in frames)]
    return ScriptError(name=name, message=message, stack="\n".join(lines), line=place[0], column=place[1])


def own_frame(text: str, origin: Origin) -> tuple[str, int, int] | None:
    """A line of a stack as (text, line, column) if it is a frame of the user's script."""
    frame = FRAME.match(text)
    if not frame or not EVALUATED.search(text):
        return None
    line = int(frame["line"]) - origin.line + 1
    column = int(frame["column"]) - (origin.column - 1 if line == 1 else 0)
    if line < 1 or column < 1:
        return None
    place = f"{SCRIPT_NAME}:{line}:{column}"
    function = re.sub(r"^(Object\.)?eval$", "", frame["function"] or "")
    return f"    at {function} ({place})" if function else f"    at {place}", line, column
