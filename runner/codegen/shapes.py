"""The styles of a request's code: a function, the statements of a program, a test. They frame the same calls."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from runner.codegen.code import OWN_NAMES, Frame
from runner.codegen.description import Description
from runner.codegen.names import identifier
from runner.codegen.writer import Bracket, Code, Entry, Expression, Tail, call, literal, sequence, write

Style: TypeAlias = Literal["function", "script", "pytest"]
Lines: TypeAlias = Sequence[tuple[str, Expression]]

_MAIN = 'if __name__ == "__main__":'


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What comes of the last call: an expression, what makes a text of it, and the expression of its status."""

    value: Expression
    type: str
    text: str = ""
    status: str = ""


class Shape:
    """A function that returns the answer; run as a program, the code calls it.

    `alone` says that nothing else is in the file. Where there is more, the file is for others to import, and what changes an
    account asks the process environment. `joins` says whether there can be more, `expects` whether answers have to have the
    statuses of the collection's tests, `prefix` starts the names of functions and files, `told` is said of all in one file.
    """

    parameters = True
    documented = True
    expects = False
    joins = True
    prefix = ""
    told = "Each request is a function. Nothing is sent when this is imported."

    def __init__(self, *, alone: bool) -> None:
        self.alone = alone

    def name(self, request: str, taken: set[str]) -> str:
        """A name that nothing else in the file has."""
        return identifier(f"{self.prefix}{request}", fallback="request", taken=OWN_NAMES | taken)

    def depth(self, description: Description, *, is_async: bool) -> int:
        """The indentation of the statements."""
        return 1

    def head(self, frame: Frame, answer: Answer) -> Iterator[str]:
        """Lines above the statements, and the first ones, which end what must not be sent."""
        yield frame.signature(answer.type, prefix="async " if frame.is_async else "")
        yield frame.documented()
        if not self.alone and (refused := _refused(frame)):
            frame.imports.add("import os")
            yield f"{frame.at()}if {refused[0]}:"
            yield frame.put(call("PermissionError", literal(refused[1])), "raise ", 2)

    def end(self, frame: Frame, answer: Answer) -> Lines:
        """What becomes of the answer."""
        return [("return ", answer.value)]

    def foot(self, frame: Frame, answer: Answer) -> str:
        """What runs the code, behind everything else; empty where nothing does."""
        return "\n".join([_MAIN, *_exit(frame), self._example(frame, answer)]) if self.alone else ""

    def program(self, frame: Frame, answer: Answer) -> str:
        """What a check puts behind the file to run this request; empty where the file does that by itself."""
        return "" if self.alone else "\n".join([_MAIN, self._example(frame, answer)])

    def _example(self, frame: Frame, answer: Answer) -> str:
        return _indented(frame, frame.example(answer.text), 1)


class Script(Shape):
    """Statements, as far as possible at the top of the file. What a guard holds back is only sent by the file that is run."""

    parameters = False
    documented = False
    joins = False

    def depth(self, description: Description, *, is_async: bool) -> int:
        return 1 if is_async or description.guarded else 0

    def head(self, frame: Frame, answer: Answer) -> Iterator[str]:
        if frame.is_async:
            yield "async def main() -> None:"
        elif frame.description.guarded:
            yield _MAIN
            yield from _exit(frame)

    def end(self, frame: Frame, answer: Answer) -> Lines:
        return [("", call("print", Tail(answer.value, answer.text)))]

    def foot(self, frame: Frame, answer: Answer) -> str:
        if not frame.is_async:
            return ""
        frame.imports.add("import asyncio")
        if not frame.description.guarded:
            return "asyncio.run(main())"
        return "\n".join([_MAIN, *_exit(frame), f"{frame.style.indent}asyncio.run(main())"])


class Test(Shape):
    """A test: that the answer is none of an error, or has the status that the collection's own test wants."""

    parameters = False
    expects = True
    prefix = "test_"
    told = "Each request is a test. Nothing is sent when this is imported."

    def head(self, frame: Frame, answer: Answer) -> Iterator[str]:
        if frame.is_async:
            yield frame.put_signature(_coroutine(frame), [], "None", prefix="async ")
        else:
            yield from _skipped(frame)
            yield frame.put_signature(frame.names.function, [], "None")
        yield frame.documented()

    def end(self, frame: Frame, answer: Answer) -> Lines:
        """Nothing but what must be: the statement that sends where that is the answer."""
        if answer.status:
            return []
        if frame.expected:
            return [("status = ", answer.value), ("", Code(expected_in(frame, "status")))]
        return [("", answer.value)]

    def foot(self, frame: Frame, answer: Answer) -> str:
        if not frame.is_async:
            return ""
        frame.imports.add("import asyncio")
        sent = _indented(frame, call("asyncio.run", Code(f"{_coroutine(frame)}()")), 1)
        return "\n".join([*_skipped(frame), frame.put_signature(frame.names.function, [], "None"), sent])

    def program(self, frame: Frame, answer: Answer) -> str:
        frame.imports.add("import pytest")
        test = Code(f'f"{{__file__}}::{frame.names.function}"')
        ran = call("pytest.main", sequence([test, *map(literal, ("-q", "-p", "no:cacheprovider", "-c", os.devnull))]))
        return f"{_MAIN}\n{frame.style.indent}raise SystemExit({ran.flat})"


SHAPES: Mapping[Style, type[Shape]] = {"function": Shape, "script": Script, "pytest": Test}


def expected_in(frame: Frame, status: str) -> str:
    """The statement that the status is as the collection's own test wants it; empty where that wants nothing."""
    if not frame.expected:
        return ""
    wanted = frame.expected
    return f"assert {status} == {wanted[0]}" if len(wanted) == 1 else f"assert {status} in {wanted}"


def _coroutine(frame: Frame) -> str:
    return f"send_{frame.names.function.removeprefix(Test.prefix)}"


def _indented(frame: Frame, value: Expression, depth: int) -> str:
    return frame.style.indent * depth + write(value, depth=depth, style=frame.style)


def _exit(frame: Frame) -> list[str]:
    """What ends a program that was not told to send what a guard holds back."""
    if not frame.description.guarded:
        return []
    frame.imports.add("import sys")
    refusal = literal(f"{frame.description.guarded}; to send it, run this with --send")
    condition = f'{frame.style.indent}if sys.argv[1:] != ["--send"]:'
    return [condition, _indented(frame, call("sys.exit", refusal), 2)]


def _skipped(frame: Frame) -> Iterator[str]:
    if refused := _refused(frame):
        frame.imports |= {"import os", "import pytest"}
        arguments = (Entry(Code(refused[0])), Entry(literal(refused[1]), head="reason="))
        yield write(Bracket("pytest.mark.skipif(", arguments, ")"), before="@", style=frame.style)


def _refused(frame: Frame) -> tuple[str, str] | None:
    """The condition under which what changes an account is not sent, and why; None for other requests."""
    description = frame.description
    if description.guarded:
        told = f"{description.guarded}; set PABAL_ALLOW_ORDERS=1 and PABAL_ALLOW_REAL_ORDERS=1 to send it"
        return f"not {frame.bring('real_orders_allowed', 'real_orders_allowed.py.j2')}()", told
    if description.changes:
        return 'os.environ.get("PABAL_ALLOW_ORDERS") != "1"', "it changes an account; set PABAL_ALLOW_ORDERS=1 to send it"
    return None
