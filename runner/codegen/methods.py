"""One request as a method of a client: what can be said at the call, and the lines that send it on the client's session."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Any

from runner import url as urls
from runner.codegen.bodies import Number
from runner.codegen.code import Frame, Names
from runner.codegen.describe import describe
from runner.codegen.description import Description, Diagnostic, FormBody, Hole, JsonBody, Text, TextBody, Use
from runner.codegen.docs import docstring
from runner.codegen.holes import COMPUTED, SAFE
from runner.codegen.literals import without_literals
from runner.codegen.registry import Job
from runner.codegen.sessions import FLAT, Library, Made, flat, sent_as_json
from runner.codegen.writer import Code, Expression, call, literal, mapping, string
from runner.plan import Step
from runner.variables import MISSING

TYPES = {str: "str", bool: "bool", int: "int", float: "float"}
_EARLY = ("url = ", "params = ", "payload = ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter of a method: `hole` stands for it in the description, `variable` is what it is left to where it is None."""

    hole: Hole
    type: str
    default: str
    variable: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """A method as the template writes it."""

    name: str
    parameters: list[str]
    doc: str
    lines: list[str]


@dataclass(kw_only=True)
class MethodWriter:
    """One method under way.

    `around` are the pre-request scripts of the collection and the folders, `own` those of the request, `after` all tests.
    `extra` collects variables that are in no scope, by name and value: unresolved ones, and secrets that stood in a request.
    """

    job: Job
    library: Library
    step: Step
    name: str
    client: str
    around: list[str]
    own: list[str]
    after: list[str]
    extra: dict[tuple[str, str], str]
    parameters: list[Parameter] = field(default_factory=list)
    imports: set[str] = field(default_factory=set)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    changes: bool = False
    known: dict[str, str] = field(default_factory=dict)

    def method(self) -> Method:
        """The method."""
        description = self._parametrised(self._described())
        self.changes = any(extension.changes(description.prepared) for extension in self.job.sources.extensions)
        frame = Frame(description=description, style=FLAT, names=Names(function=self.name, naming=self.job.settings.naming))
        made = self.library.context(frame, replace(self.job.settings, body=None))
        names = {hole.name: name for name, hole in frame.names.given(description.holes)}
        lines = list(self._lines(frame, made, names))
        self.imports |= frame.imports - (set() if frame.read else {"import asyncio"})  # which a program needs to await its main
        self.diagnostics += [replace(entry, text=f"{self.step.title}: {entry.text}") for entry in frame.diagnostics]
        written = [
            f"{names[each.hole.name]}: {each.type} = {each.default}" for each in self.parameters if each.hole.name in names
        ]
        title = f"{description.method} {self.step.title}"
        doc = docstring(title, "\n\n".join(filter(None, (description.notes.strip(), self._told(description, names)))), 2)
        return Method(name=self.name, parameters=[*written, *_given(description, made)], doc=doc, lines=lines)

    def _told(self, description: Description, names: Mapping[str, str]) -> str:
        """What the collection says about the parameters."""
        remarks = description.remarks
        found = [(each, remarks.of("query", each.hole.key) or remarks.of("field", each.hole.key)) for each in self.parameters]
        return "\n".join(f"{names[each.hole.name]}: {text}" for each, text in found if text and each.hole.name in names)

    def _described(self) -> Description:
        """The request, with every variable a hole: the client has their values."""

        def choose(name: str, value: Any, type: str) -> Hole | None:
            if name.startswith("$"):
                return Hole(name=name, source="computed", key=COMPUTED[name][0]) if name in COMPUTED else None
            if value is not MISSING:
                self.known[name] = str(value)
            return Hole(name=name, source="environ", key=name, value=self.known.get(name, ""))

        return describe(self.step, replace(self.job.sources, choose=choose, overhear=None))

    # ------------------------------------------------------------------------------------------------------- parameters

    def _parametrised(self, description: Description) -> Description:
        """The description with its query parameters and the top of its body as parameters of the method."""
        address, body = description.address, description.body
        if address.params is not None:
            address = replace(address, params=self._pairs(address.params))
        if isinstance(body, JsonBody) and isinstance(body.value, dict):
            body = replace(body, value={key: self._parameter(key, value) for key, value in body.value.items()})
        elif isinstance(body, FormBody):
            body = replace(body, fields=self._pairs(body.fields))
        holes = (*description.holes, *(each.hole for each in self.parameters))
        return replace(description, address=address, body=body, holes=holes)

    def _pairs(self, pairs: tuple[tuple[Text, Text], ...]) -> tuple[tuple[Text, Text], ...]:
        keys = [key.plain for key, _ in pairs]
        return tuple((key, self._parameter(key.plain, value) if keys.count(key.plain) == 1 else value) for key, value in pairs)

    def _parameter(self, key: str | None, value: Any) -> Any:
        """A value, or what stands for it where it can be given at the call."""
        plain = value.plain if isinstance(value, Text) else value
        whole = value.hole if isinstance(value, Text) else None
        variable = self._variable(whole) if whole is not None and whole.source != "computed" else None
        if key is None or isinstance(value, Number) or (variable is None and type(plain) not in TYPES):
            return value
        # Blanks are no part of an identifier, and tell a parameter from a variable of the same name.
        hole = Hole(name=key + " " * (1 + len(self.parameters)), source="argument", key=key)
        kind, default = ("str | None", "None") if variable else (TYPES[type(plain)], flat(literal(plain)))
        self.parameters.append(Parameter(hole=hole, type=kind, default=default, variable=variable))
        return Text((Use(hole=hole),))

    def _variable(self, hole: Hole) -> str:
        """The name by which the client knows a variable."""
        if self.job.sources.scopes.find(hole.name) is not MISSING:
            return hole.name
        found, number = (hole.name, self.known.get(hole.name, "")), 2
        name = hole.name
        while found not in self.extra and found[1] and name in self.extra.values():
            name, number = f"{hole.name}_{number}", number + 1
        return self.extra.setdefault(found, name)

    # ------------------------------------------------------------------------------------------------------------ lines

    def _lines(self, frame: Frame, made: Made, names: Mapping[str, str]) -> Iterator[str]:
        description, client, awaits = frame.description, self.client, self.library.awaits
        written: list[tuple[str, Expression]] = made["lines"]
        early = list(takewhile(lambda line: line[0] in _EARLY, written))
        late = [(before, value) for before, value in written[len(early) :] if before != "headers = "]
        template, body = self._template(description), _body_argument(description, made)
        own = self.own if body and not template else []
        first = [*self.around, *([] if own else self.own)]
        after_own = _only_in_headers(description) if own else set()
        if self.changes:
            yield f"{client}.confirm()"
        yield f"call = {client}.call({string(description.method)})"
        if first:
            url = string(urls.unparse(self._plain().item.request.url))
            yield f"{awaits}call.before([{', '.join(first)}], {url}{template})"
        yield from self._defaults(names)
        yield from self._fetched(frame, names, {hole.name for hole in description.holes} - after_own)
        yield from (f"# {diagnostic.text}" for diagnostic in frame.diagnostics)
        yield from _early(early, made, body)
        if own:
            params = ", params=params" if "params = " in dict(early) else ""
            yield f"{awaits}call.before([{', '.join(own)}], url{params}, {body})"
            yield from self._fetched(frame, names, after_own)
        yield from (line for text in frame.brought() for line in text.split("\n"))
        yield from (line.strip() for line in frame.read)
        yield from (flat(value, before) for before, value in late)
        yield flat(self.library.headers(made, dict(written).get("headers = ", mapping([]))), "headers = ")
        yield from self.library.send(made, description.method, client, _takes_another(description, made))
        yield f"{awaits}call.after([{', '.join(self.after)}], response)"
        yield from (*self.library.settle, "return response")

    def _defaults(self, names: Mapping[str, str]) -> Iterator[str]:
        for each in self.parameters:
            if each.variable and each.hole.name in names:
                yield f"if {names[each.hole.name]} is None:"
                yield f"    {names[each.hole.name]} = call[{string(each.variable)}]"

    def _fetched(self, frame: Frame, names: Mapping[str, str], wanted: set[str]) -> Iterator[str]:
        own = {each.hole.name for each in self.parameters}
        fetched = [hole for hole in frame.description.holes if hole.name in names and hole.name in wanted - own]
        for hole in fetched:
            if hole.source == "computed":
                frame.imports.add(COMPUTED[hole.name][1])
            value = hole.key if hole.source == "computed" else f"call[{string(self._variable(hole))}]"
            yield f"{names[hole.name]} = {value}"
        given = {names[hole.name] for hole in fetched} | {names[name] for name in own & wanted if name in names}
        for name, value, quoting in frame.names.quotings():
            if value in given:
                frame.imports.add("from urllib.parse import quote")
                yield f"{name} = quote({value}, safe={string(SAFE[quoting])})"

    def _template(self, description: Description) -> str:
        """The body as it is written, as one more argument, where a pre-request script sets what stands in URL or body.

        Such a script runs before these are put together, and sees them with their variables, as in Postman.
        """
        codes = [event.code for event in self.step.item.events if event.listen == "prerequest" and not event.disabled]
        elsewhere = {hole.name for hole in description.holes} - _only_in_headers(description)
        asked = elsewhere | {each.variable for each in self.parameters if each.variable}
        if not any(_sets(name, code) for name in asked for code in codes):
            return ""
        body = self._plain().item.request.body
        return f", text={string(body.raw)}" if body and body.raw else ", text=None"

    def _plain(self) -> Step:
        """The request as it is written, without the secrets in it."""
        sources = self.job.sources
        taken = {entry.key for _, scope in sources.scopes.layers() for entry in scope}
        return without_literals(self.step, sources.secrets, taken)[0] if sources.secrets else self.step


def _given(description: Description, made: Made) -> Iterator[str]:
    """Parameters of every method: what a call may put in the place of what the collection has, unless that is signed."""
    yield "headers: pabal.Headers | None = None"
    if not made["in_url"]:
        yield "params: pabal.Params | None = None"
    if _body_argument(description, made) or _takes_another(description, made):
        yield "json: Any = None"


def _takes_another(description: Description, made: Made) -> bool:
    """Whether JSON may take the place of a body that is not JSON itself."""
    return not _body_argument(description, made) and not made["covers"]


def _body_argument(description: Description, made: Made) -> str:
    """The body as an argument for scripts, which see the text that will be sent; empty where they see none."""
    if sent_as_json(made):
        return "json=payload"
    return "text=payload" if isinstance(description.body, JsonBody | TextBody) else ""


def _early(lines: Sequence[tuple[str, Expression]], made: Made, body: str) -> Iterator[str]:
    """URL, parameters and body, merged with what is given."""
    query = "params = " not in dict(lines) and not made["in_url"]
    for before, value in lines:
        match before:
            case "url = " if query:
                value = call("pabal.with_query", value, Code("params"))
            case "params = ":
                value = call("pabal.with_params", value, Code("params"))
            case "payload = " if body:
                value = call("pabal.with_json" if body.startswith("json=") else "pabal.with_text", value, Code("json"))
        yield flat(value, before)


def _sets(name: str, code: str) -> bool:
    """Whether a script gives a variable a value, by its name."""
    return re.search(rf"\bset\w*\(\s*(['\"`]){re.escape(name)}\1", code) is not None


def _only_in_headers(description: Description) -> set[str]:
    """The holes that are not needed before a pre-request script runs, because only headers have them."""
    elsewhere = {hole.name for hole in description.address.exact.holes()} | {hole.name for hole in _holes(description.body)}
    return {hole.name for _, text in description.headers for hole in text.holes()} - elsewhere


def _holes(value: Any) -> Iterator[Hole]:
    """The holes anywhere in a body."""
    match value:
        case Text():
            yield from value.holes()
        case JsonBody():
            yield from value.text.holes()
            yield from _holes(value.value)
        case Number():
            yield value.hole
        case dict():
            for entry in value.values():
                yield from _holes(entry)
        case list() | tuple():
            for entry in value:
                yield from _holes(entry)
        case FormBody():
            yield from _holes(value.fields)
        case TextBody():
            yield from value.text.holes()
