"""A collection as the definitions of a `runner.testing.Suite`: folders and requests in order, secrets taken out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from runner import url as urls
from runner.codegen.docs import docstring
from runner.codegen.literals import without_literals
from runner.codegen.names import identifier
from runner.codegen.registry import Job
from runner.codegen.scripting import Scripts
from runner.codegen.writer import Code, Expression, Style, call, literal, sequence, string, write
from runner.dump import auth_json, body_json, url_json
from runner.model import Auth, Folder, Item, Param, Url
from runner.plan import Step
from runner.variables import Scope

NAMES = frozenset("SUITE ROWS Run Suite JavaScript Iterator Any pytest os environment global_variables run iteration".split())
"""What means something in every generated test module."""

_FLAT = Style(width=10**9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A folder or a request (of `step`); `test` is the name of a request's test, `doc` its docstring."""

    name: str
    definition: str
    step: Step | None = None
    test: str = ""
    doc: str = ""


@dataclass(kw_only=True)
class Module:
    """A module under way: the names given so far, and what is to come from the process environment."""

    job: Job
    scripts: Scripts
    taken: set[str]
    groups: dict[int, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)

    def tree(self) -> Iterator[Line]:
        """Folders and requests in the order of the collection."""
        for step in self.job.plan.steps:
            plain = self._without_literals(step)
            self.groups[id(step.chain[0])] = "SUITE"
            for parent, folder, shown in zip(step.chain, step.chain[1:], plain.chain[1:], strict=False):
                if id(folder) not in self.groups:
                    yield self._folder(folder, shown, self.groups[id(parent)])
            yield self._request(plain, step)

    def _without_literals(self, step: Step) -> Step:
        """The step with its literal secrets as variables, which have one name for one value in the whole module."""
        secrets = self.job.sources.secrets
        if secrets is None:
            return step
        taken = {entry.key for _, scope in self.job.sources.scopes.layers() for entry in scope}
        plain, found = without_literals(step, secrets, taken)
        if any(self.secrets.get(name, value) != value for name, value in found.items()):
            plain, found = without_literals(step, secrets, taken | self.secrets.keys())
        self.secrets.update(found)
        return plain

    def _folder(self, folder: Folder, shown: Folder, parent: str) -> Line:
        name = self.name(self.job.name(folder))
        self.groups[id(folder)] = name
        return Line(
            name=name,
            definition=flat(call(f"{parent}.folder", literal(folder.name), **self.owner(folder, shown.auth)), f"{name} = "),
        )

    def _request(self, plain: Step, step: Step) -> Line:
        item, request = step.item, plain.item.request
        name = self.name(called := self.job.name(item))
        named: dict[str, Expression] = {}
        if request.headers:
            named["headers"] = sequence(_header(param) for param in request.headers)
        if request.body is not None:
            body = body_json(request.body)
            named["body"] = literal(body["raw"] if body.keys() == {"mode", "raw"} else body)
        if self._wanted(item):
            named["id"] = literal(item.id)
        url = _url(request.url)
        made = call(
            f"{self.groups[id(step.chain[-1])]}.request",
            literal(item.name),
            literal(request.method),
            url,
            **named,
            **self.owner(item, request.auth),
        )
        return Line(
            name=name,
            definition=flat(made, f"{name} = "),
            step=step,
            test=self.name(f"test {called}"),
            doc=docstring(step.title, item.request.description or item.description, 1),
        )

    def _wanted(self, item: Item) -> bool:
        """Whether a script may name the item by its id."""
        return bool(item.id) and any(item.id in code for _, code in self.scripts.found)

    def owner(self, owner: Folder | Item, auth: Auth | None) -> dict[str, Expression]:
        """What folders and requests have in common."""
        named: dict[str, Expression] = {"auth": literal(auth_json(auth))} if auth else {}
        if owner.behavior:
            named["behavior"] = literal(dict(owner.behavior))
        for listen in ("prerequest", "test"):
            if found := self.scripts.of(owner, listen):
                named[listen] = sequence(Code(script.name) for script in found)
        return named

    def name(self, wanted: str) -> str:
        """A name nothing else has."""
        found = identifier(wanted, fallback="request", taken=self.taken)
        self.taken.add(found)
        return found

    def variables(self, scope: Scope) -> dict[str, Any]:
        """The variables of a scope, secrets fetched when the module runs."""
        return {entry.key: self._value(entry.key, scope.get(entry.key), entry.type) for entry in scope}

    def _value(self, key: str, value: Any, type: str) -> Any:
        hole = self.job.sources.choose(key, value, type)
        if hole is not None and hole.source == "environ":
            self.environ[hole.key] = hole.value
        return fetched(hole.key) if hole is not None and hole.source == "environ" else value


def fetched(name: str) -> Code:
    """A variable of the process environment, empty if it is not there."""
    return Code(f'os.environ.get({string(name)}, "")')


def flat(value: Expression, before: str = "") -> str:
    """An expression on one line; ruff breaks it."""
    return write(value, before=before, style=_FLAT)


def _header(param: Param) -> Expression:
    if param.disabled or param.value is None:
        return literal({"key": param.key, "value": param.value, **({"disabled": True} if param.disabled else {})})
    return literal((param.key, param.value))


def _url(url: Url) -> Expression:
    """The URL as one text where that is the same, else in Postman's parts."""
    text = urls.unparse(url)
    same = not url.variables and urls.as_parts(Url(text=text)) == urls.as_parts(url)
    return literal(text if same else url_json(url))
