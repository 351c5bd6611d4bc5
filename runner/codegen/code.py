"""What all Python targets share: names for holes, texts as expressions, imports, and the frame around the call."""

from __future__ import annotations

import re
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from runner.codegen.bodies import Number
from runner.codegen.description import Description, Diagnostic, Hole, Quoting, Text, Use
from runner.codegen.docs import harmless
from runner.codegen.format import formatted
from runner.codegen.holes import COMPUTED, SAFE
from runner.codegen.names import identifier
from runner.codegen.naming import Naming
from runner.codegen.registry import File, Job
from runner.codegen.remarks import Kind
from runner.codegen.writer import (
    Bracket,
    Code,
    Entry,
    Expression,
    Remarked,
    Style,
    Template,
    call,
    literal,
    string,
    visible,
    write,
)
from runner.errors import SendError
from runner.plan import Step

if TYPE_CHECKING:
    from jinja2 import Environment

_QUOTED = {"form": "quoted", "path": "in path", "query": "in query"}
OWN_NAMES = frozenset(
    (
        "os sys json base64 datetime time uuid random hashlib ssl asyncio http quote urlsplit urljoin cast requests httpx "
        "aiohttp urllib3 yarl jwt url headers params payload response body text answer upload auth session client connection "
        "request pool content_type boundary token signed sender credentials settings send main hmac secrets spnego stamp "
        "signer query canonical string form challenges digest ntlm edgegrid keep context call pabal self loads "
        "real_orders_allowed"
    ).split()
)

_PACKAGES = {"jwt": "PyJWT[crypto]", "requests_ntlm": "requests-ntlm", "spnego": "pyspnego", "akamai": "edgegrid-python"}
"""Packages that are not called like their module."""


Brought: TypeAlias = tuple[str, tuple[tuple[str, Any], ...]]
"""A function or class that code brings along: its template, and what that is to be given."""


@dataclass(kw_only=True)
class Names:
    """Names of holes in the code. `own` gives a hole's expression where that is not a local variable, as in a client class.

    `functions` are those that the whole file brings along, `naming` is how the user wants things called.
    """

    own: Mapping[str, str] = field(default_factory=dict)
    function: str = ""
    functions: dict[str, Brought] = field(default_factory=dict)
    naming: Naming = field(default_factory=Naming)
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
            self._quoted[key] = self._new(f"{use.hole.name} {_QUOTED[use.quoting]}")
        return self._quoted[key]

    def quotings(self) -> Iterator[tuple[str, str, Quoting]]:
        """Name, expression quoted, and how, of everything that `quoted` was asked for."""
        for (name, quoting), local in self._quoted.items():
            yield local, self.own.get(name) or self._given[name], quoting

    def given(self, holes: Iterable[Hole]) -> Iterator[tuple[str, Hole]]:
        """The local name of each hole that is used."""
        return ((self._given[hole.name], hole) for hole in holes if hole.name in self._given)

    def bring(self, wanted: str, brought: Brought) -> str:
        """The name of a function or class that is brought along; each text has one of its own."""
        name, number = wanted, 2
        while self.functions.get(name, brought) != brought or name in self._given.values():
            name, number = f"{wanted}_{number}", number + 1
        self.functions[name] = brought
        return name

    def _new(self, name: str) -> str:
        taken = {*OWN_NAMES, self.function, *self.functions, *self._given.values(), *self._quoted.values()}
        return identifier(self.naming.variable(name.removeprefix("$")), fallback="value", taken=taken)


@dataclass(kw_only=True)
class Frame:
    """One call under way: what it needs before it is made. Targets ask it for expressions, templates for the rest.

    `payload` says whether the body is assigned to a name, is there from a call before, or stands in the call itself. `stores`
    are names of this code and the subscripts that lead from the answer's JSON to their values. `depth` is the indentation of
    its statements, `parameters` says whether they are in a function that is given values, `expected` are the statuses that the
    answer has to have; any below 400 if there are none.
    """

    description: Description
    style: Style
    names: Names
    imports: set[str] = field(default_factory=set)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    depth: int = 1
    parameters: bool = True
    expected: tuple[int, ...] = ()
    opened: list[Expression] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    is_async: bool = False
    payload: Literal["assigned", "shared", "inline"] = "assigned"
    stores: list[tuple[str, str]] = field(default_factory=list)

    def text(self, text: Text) -> Expression:
        """A text with holes as an expression."""
        return Template(tuple(Code(self._name(part)) if isinstance(part, Use) else part for part in text.parts))

    def remarked(self, kind: Kind, name: str | None, value: Expression) -> Expression:
        """A value with what the collection says about it as a comment."""
        remark = self.description.remarks.of(kind, name)
        return Remarked(value, remark) if remark else value

    def json(self, value: Any) -> Expression:
        """A JSON value with holes as a literal."""
        return literal(self._value(value))

    def note(self, code: str, text: str) -> None:
        """Tell the reader something: as a comment in the code, and among the diagnostics."""
        self.diagnostics.append(Diagnostic(code=code, text=text))

    def comment(self, text: str) -> str:
        """A comment as lines in the function."""
        lines = textwrap.wrap(visible(text), max(self.style.room(self.depth) - 2, 20))
        return "\n".join(f"{self.at()}# {line}" for line in lines)

    def bring(self, wanted: str, template: str, **settings: Any) -> str:
        """Have the code bring a function or class along that is not in its library; its name."""
        return self.names.bring(wanted, (template, tuple(settings.items())))

    def brought(self) -> Iterator[str]:
        """What the code brings along, as text."""
        return brought(self.names.functions, self.style)

    def at(self, depth: int = 1) -> str:
        """The indentation of statements (1) and of blocks in them."""
        return self.style.indent * (depth - 1 + self.depth)

    def open(self, path: str) -> str:
        """Have a file opened for the call, or read before it where opening would block others; the name of either."""
        before = len(self.opened) + len(self.read)
        name = f"upload_{before + 1}" if before else "upload"
        if self.is_async:
            self.imports |= {"import asyncio", "from pathlib import Path"}
            reading = Bracket("Path(", (Entry(literal(path)),), ").read_bytes")
            self.read.append(self.put(call("asyncio.to_thread", reading), f"{name} = await "))
            return name
        self.opened.append(Bracket("open(", (Entry(literal(path)), Entry(Code('"rb"'))), f") as {name}"))
        return name

    def opening(self, contexts: Sequence[Expression], depth: int = 1, *, prefix: str = "") -> str:
        """The `with` line of everything that is to be closed after the call."""
        if len(contexts) == 1:
            return self.put(contexts[0], f"{prefix}with ", depth, ":")
        flat = [context.flat for context in contexts]
        if None not in flat and self.style.fits(line := f"{prefix}with {', '.join(map(str, flat))}:", depth - 1 + self.depth):
            return self.put(Code(line), depth=depth)
        return self.put(Bracket(f"{prefix}with (", tuple(map(Entry, contexts)), ")"), depth=depth, after=":")

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
        """Lines that fetch what comes from the process environment, is written down here, or is made anew."""
        for name, hole in self.names.given(self.description.holes):
            if fetched := self._fetched(hole):
                yield self.put(fetched, f"{name} = ")
        for name, value, quoting in self.names.quotings():
            self.imports.add("from urllib.parse import quote")
            yield self.put(call("quote", Code(value), safe=literal(SAFE[quoting])), f"{name} = ")

    def _fetched(self, hole: Hole) -> Expression | None:
        match hole.source:
            case "environ":
                return self._environ(hole)
            case "argument" if not self.parameters:
                return self._environ(hole) if hole.secret else literal(hole.value)
            case "masked":
                return literal(hole.value)
            case "computed":
                self.imports.add(COMPUTED[hole.name][1])
                return Code(hole.key)
        return None

    def _environ(self, hole: Hole) -> Expression:
        self.imports.add("import os")
        if hole.default is None:
            return Code(f"os.environ[{string(hole.environ)}]")
        return call("os.environ.get", Code(string(hole.environ)), literal(hole.default))

    def documented(self) -> str:
        """The docstring of the code."""
        first, *more = self.docstring()
        if not more:
            return f'{self.at()}"""{first}"""'
        lines = [f'{self.at()}"""{first}', *((self.at() + line).rstrip() for line in more), f'{self.at()}"""']
        return "\n".join(lines)

    def docstring(self) -> Iterator[str]:
        """Title and first paragraph of the request's description; all of it, and where it is from, if that is wanted."""
        room = self.style.room(self.depth) - 4
        title = harmless(f"{self.description.method} {self.description.title}")
        yield from textwrap.wrap(title, max(room, 20)) or [""]
        notes, source = harmless(self.description.notes.strip()), harmless(self.description.source)
        for paragraph in filter(None, (notes if source else notes.partition("\n\n")[0], source)):
            yield ""
            for line in paragraph.splitlines():
                yield from textwrap.wrap(line, max(room, 20)) or [""]

    def put(self, expression: Expression, before: str = "", depth: int = 1, after: str = "") -> str:
        """A statement at a depth of indentation; for templates."""
        depth += self.depth - 1
        return self.style.indent * depth + write(expression, before=before, after=after, depth=depth, style=self.style)

    def signature(self, returns: str, *, prefix: str = "") -> str:
        """The `def` line; parameters must be named, and those with a value come last."""
        given = [f"{name}: str" for name, hole in self.arguments() if hole.default is None]
        known = [f"{name}: str = {string(hole.default)}" for name, hole in self.arguments() if hole.default is not None]
        parameters = [*given, *known]
        return self.put_signature(self.names.function, ["*", *parameters] if parameters else [], returns, prefix=prefix)

    def put_signature(self, name: str, parameters: Sequence[str], returns: str, *, prefix: str = "") -> str:
        """A `def` line."""
        opened = Bracket(f"{prefix}def {name}(", tuple(Entry(Code(parameter)) for parameter in parameters), ")")
        if not parameters and not self.style.fits(f"{opened.flat} -> {returns}:", 0):
            return f"{opened.flat} -> (\n{self.style.indent}{returns}\n):"
        return write(opened, after=f" -> {returns}:", style=self.style)

    def example(self, result: str = "") -> Expression:
        """What runs the function and prints its result; what has no value is as it is written in the collection.

        Secrets come from the process environment.
        """
        values = tuple(
            Entry(self._environ(hole) if hole.secret else literal(hole.value), head=f"{name}=")
            for name, hole in self.arguments()
            if hole.default is None
        )
        ran = Bracket(f"{self.names.function}(", values, ")" if self.is_async else f"){result}")
        self.imports |= {"import asyncio"} if self.is_async else set()
        return call("print", Bracket("asyncio.run(", (Entry(ran),), f"){result}") if self.is_async else ran)


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


def brought(functions: Mapping[str, Brought], style: Style) -> Iterator[str]:
    """Functions and classes by their names as text."""
    for name, (template, settings) in functions.items():
        yield _laid_out(template, style, (("name", name), *settings))


@cache
def _laid_out(template: str, style: Style, settings: tuple[tuple[str, Any], ...]) -> str:
    text = formatted(templates().get_template(template).render(settings), style).rstrip()
    return "\n".join(_wrapped(line, style) for line in text.split("\n"))


def _wrapped(line: str, style: Style) -> str:
    """A line, broken if it is a docstring that is too long, which ruff leaves alone."""
    found = re.fullmatch(r'(\s*)"""(.*)"""', line)
    if found is None or style.fits(line.lstrip("\t"), line.count("\t")):
        return line
    indent, text = found.groups()
    first, *more = textwrap.wrap(text, max(style.width - len(indent.expandtabs(style.tab)) - 3, 20))
    return "\n".join([f'{indent}"""{first}', *(indent + each for each in more), f'{indent}"""'])


def each(job: Job, suffix: str, made: Callable[[Step, Description], File]) -> Iterator[File]:
    """A file for each request. Of several, one that cannot be sent only says why.

    Raises:
        SendError: the only request cannot be sent.
    """
    for step in job.plan.steps:
        try:
            yield made(step, job.describe(step))
        except SendError as error:
            if len(job.plan.steps) == 1:
                raise
            told = Diagnostic(code="unsendable", text=f"there is no code for this request, it cannot be sent: {error.what}")
            text = f"# {visible(' '.join(told.text.split()))}\n"
            yield File(path=file_name(job, step, suffix), text=text, step=step, diagnostics=(told,))


def file_name(job: Job, step: Step, suffix: str) -> str:
    """Folders and name of a request as a path."""
    names = [*map(job.name, step.chain[1:]), job.name(step.item)]
    parts = [re.sub(r'[\\/:*?"<>|\x00-\x1f\ud800-\udfff]', "_", name).strip(" .") or "_" for name in names]
    return "/".join(parts) + suffix


def sorted_imports(lines: Iterable[str], *, beside: str = "") -> list[list[str]]:
    """Import lines in the blocks and the order in which ruff's isort wants them, one line for each module.

    `beside` is the module that lies beside the code, which has a block of its own.
    """
    names: dict[str, set[str]] = {}
    for line in lines:
        head, _, imported = line.partition(" import ")
        names.setdefault(head, set()).update(imported.split(", ") if imported else ())
    merged = [f"{head} import {', '.join(sorted(found, key=_isort))}" if found else head for head, found in names.items()]
    blocks: tuple[list[str], list[str], list[str]] = ([], [], [])
    for line in merged:
        top = line.split()[1].partition(".")[0]
        blocks[2 if top == beside else top not in sys.stdlib_module_names].append(line)
    return [sorted(block, key=lambda line: (line.startswith("from"), line.lower())) for block in blocks if block]


def needed_packages(lines: Iterable[str]) -> set[str]:
    """The packages that import lines take modules from."""
    tops = {line.split()[1].partition(".")[0] for line in lines}
    return {_PACKAGES.get(top, top) for top in tops - sys.stdlib_module_names}


def _isort(name: str) -> tuple[int, str]:
    """Constants, then classes, then the rest."""
    return (0 if name.isupper() else 1 if name[:1].isupper() else 2, name)
