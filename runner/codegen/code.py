"""What all Python targets share: names for holes, texts as expressions, imports, and the frame around the call."""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from runner.codegen.bodies import Number
from runner.codegen.description import Description, Diagnostic, Hole, Quoting, Text, Use
from runner.codegen.holes import COMPUTED, SAFE
from runner.codegen.names import identifier
from runner.codegen.registry import File, Generate, Job, Settings
from runner.codegen.writer import Bracket, Code, Entry, Expression, Style, Template, call, literal, string, write
from runner.plan import Step

if TYPE_CHECKING:
    from jinja2 import Environment

_OWN_NAMES = frozenset(
    "os sys json base64 datetime time uuid random quote requests httpx aiohttp urllib3 asyncio http yarl main URL"
    " url headers params payload response body upload auth session client connection request files encoder".split()
)


@dataclass(kw_only=True)
class Names:
    """Names of holes in the code. `own` gives a hole's expression where that is not a local variable, as in a client class."""

    own: Mapping[str, str] = field(default_factory=dict)
    function: str = ""
    _given: dict[str, str] = field(default_factory=dict)
    _quoted: dict[tuple[str, Quoting], str] = field(default_factory=dict)

    def of(self, hole: Hole) -> str:
        """The expression that has a hole's value."""
        if hole.name in self.own:
            return self.own[hole.name]
        if hole.name not in self._given:
            self._given[hole.name] = self._new(hole.name)
        return self._given[hole.name]

    def quoted(self, use: Use) -> str:
        """The same, percent-encoded for where it stands."""
        if not use.quoting:
            return self.of(use.hole)
        key = (use.hole.name, use.quoting)
        if key not in self._quoted:
            self._quoted[key] = self._new(f"{use.hole.name}_in_{use.quoting}")
        return self._quoted[key]

    def quotings(self) -> Iterator[tuple[str, str, Quoting]]:
        """Name, expression quoted, and how, of everything that `quoted` was asked for."""
        for (name, quoting), local in self._quoted.items():
            yield local, self.own.get(name) or self._given[name], quoting

    def given(self, holes: Iterable[Hole]) -> Iterator[tuple[str, Hole]]:
        """The local name of each hole that is used."""
        return ((self._given[hole.name], hole) for hole in holes if hole.name in self._given)

    def _new(self, name: str) -> str:
        taken = {*_OWN_NAMES, self.function, *self._given.values(), *self._quoted.values()}
        return identifier(name.removeprefix("$"), fallback="value", taken=taken)


@dataclass(kw_only=True)
class Frame:
    """One function under way: what it needs before the call. Targets ask it for expressions, templates for the rest."""

    description: Description
    style: Style
    names: Names
    imports: set[str] = field(default_factory=set)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    opened: list[Expression] = field(default_factory=list)

    def text(self, text: Text) -> Expression:
        """A text with holes as an expression."""
        return Template(tuple(Code(self._name(part)) if isinstance(part, Use) else part for part in text.parts))

    def json(self, value: Any) -> Expression:
        """A JSON value with holes as a literal."""
        return literal(self._value(value))

    def note(self, code: str, text: str) -> None:
        """Tell the reader something: as a comment in the code, and among the diagnostics."""
        self.diagnostics.append(Diagnostic(code=code, text=text))

    def comment(self, text: str) -> str:
        """A comment as lines in the function."""
        lines = textwrap.wrap(text, max(self.style.room(1) - 2, 20))
        return "\n".join(f"{self.style.indent}# {line}" for line in lines)

    def open(self, path: str) -> str:
        """Have a file opened for the call; the name it is opened as."""
        name = f"upload_{len(self.opened) + 1}" if self.opened else "upload"
        self.opened.append(Bracket("open(", (Entry(literal(path)), Entry(Code('"rb"'))), f") as {name}"))
        return name

    def opening(self, contexts: Sequence[Expression]) -> str:
        """The `with` line of everything that is to be closed after the call."""
        joined = Code(", ".join(str(context.flat) for context in contexts))
        if len(contexts) == 1:
            return self.put(contexts[0], "with ", after=":")
        if self.style.fits(f"with {joined.text}:", 1):
            return self.put(joined, "with ", after=":")
        return self.put(Bracket("with (", tuple(map(Entry, contexts)), ")"), after=":")

    def _name(self, use: Use) -> str:
        if use.quoting:
            self.names.of(use.hole)
        return self.names.quoted(use)

    def _value(self, value: Any) -> Any:
        match value:
            case Text():
                return self.text(value)
            case Number():
                return Code(f"{value.kind}({self.names.of(value.hole)})")
            case list():
                return [self._value(entry) for entry in value]
            case dict():
                return {self._value(key): self._value(entry) for key, entry in value.items()}
        return value

    def arguments(self) -> list[tuple[str, Hole]]:
        """Names and holes of the function's parameters."""
        return [(name, hole) for name, hole in self.names.given(self.description.holes) if hole.source == "argument"]

    def preamble(self) -> Iterator[str]:
        """Lines that fetch what comes from the process environment or is made anew."""
        for name, hole in self.names.given(self.description.holes):
            if hole.source == "environ":
                self.imports.add("import os")
                yield f"{name} = os.environ[{string(hole.key)}]"
            elif hole.source == "computed":
                self.imports.add(COMPUTED[hole.name][1])
                yield f"{name} = {hole.key}"
        for name, value, quoting in self.names.quotings():
            self.imports.add("from urllib.parse import quote")
            yield f"{name} = quote({value}, safe={string(SAFE[quoting])})"

    def docstring(self) -> Iterator[str]:
        """Title and first paragraph of the request's description."""
        room = self.style.room(1) - 4
        yield from textwrap.wrap(f"{self.description.method} {self.description.title}", max(room, 20)) or [""]
        paragraph = self.description.notes.strip().partition("\n\n")[0]
        if paragraph:
            yield ""
            for line in paragraph.splitlines():
                yield from textwrap.wrap(line, max(room, 20)) or [""]

    def put(self, expression: Expression, before: str = "", depth: int = 1, after: str = "") -> str:
        """A statement at a depth of indentation; for templates."""
        return self.style.indent * depth + write(expression, before=before, after=after, depth=depth, style=self.style)

    def signature(self, returns: str, *, prefix: str = "") -> str:
        """The `def` line; what has no value is a parameter that must be named."""
        parameters = [Entry(Code(f"{name}: str")) for name, _ in self.arguments()]
        opened = Bracket(f"{prefix}def {self.names.function}(", (Entry(Code("*")), *parameters) if parameters else (), ")")
        if not parameters and not self.style.fits(f"{opened.flat} -> {returns}:", 0):
            return f"{opened.flat} -> (\n{self.style.indent}{returns}\n):"
        return write(opened, after=f" -> {returns}:", style=self.style)

    def example(self) -> Expression:
        """The call that runs the function, what has no value as it is written in the collection."""
        values = {name: literal(hole.value) for name, hole in self.arguments()}
        return call(self.names.function, **values)


@cache
def templates() -> Environment:
    """The templates of the package."""
    from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

    return Environment(
        loader=PackageLoader("runner.codegen"),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


Context: TypeAlias = Callable[[Frame, Settings], Mapping[str, Any]]
"""What a target's template gets besides the frame."""


def functions(template: str, context: Context, suffix: str = ".py") -> Generate:
    """Code of a target that makes one file with one function of each request, by a template and what it needs."""

    def generate(job: Job) -> Iterator[File]:
        for step in job.plan.steps:
            yield _file(step, job.describe(step), job.settings)

    def _file(step: Step, description: Description, settings: Settings) -> File:
        names = Names(function=identifier(description.name, fallback="request"))
        frame = Frame(description=description, style=settings.style, names=names)
        made = context(frame, settings)
        preamble = list(frame.preamble())
        if description.guarded:
            frame.imports.add("import sys")
        text = templates().get_template(template).render(
            frame=frame, put=frame.put, i=settings.style.indent, preamble=preamble, imports=sorted_imports(frame.imports),
                guard=call('sys.exit', literal(f'{description.guarded}; to send it, run this with --send')), **made
        )  # fmt: skip
        found = tuple(dict.fromkeys((*description.diagnostics, *frame.diagnostics)))
        return File(path=file_name(step, suffix), text=text, step=step, description=description, diagnostics=found)

    return generate


def file_name(step: Step, suffix: str) -> str:
    """Folders and name of a request as a path."""
    parts = [re.sub(r'[\\/:*?"<>|\x00-\x1f]', "_", part).strip(" .") or "_" for part in (*step.path, step.item.name)]
    return "/".join(parts) + suffix


def sorted_imports(lines: Iterable[str]) -> list[list[str]]:
    """Import lines in the blocks and the order in which ruff's isort wants them."""
    blocks: tuple[list[str], list[str]] = ([], [])
    for line in lines:
        blocks[line.split()[1].partition(".")[0] not in sys.stdlib_module_names].append(line)
    return [sorted(block, key=lambda line: (line.startswith("from"), line.lower())) for block in blocks if block]
