"""A collection as a module with a `runner.testing.Suite`: folders and requests in order, secrets taken out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

from runner import __version__
from runner import url as urls
from runner.codegen.code import sorted_imports, templates
from runner.codegen.docs import digest_of, docstring, harmless
from runner.codegen.format import formatted
from runner.codegen.literals import without_literals
from runner.codegen.names import environ_name, identifier, short
from runner.codegen.registry import File, Job
from runner.codegen.scripting import Script, Scripts, as_written, comment, scripts_of
from runner.codegen.scripts.context import SUPPORT
from runner.codegen.writer import Code, Expression, Style, call, literal, mapping, sequence, string, write
from runner.dump import auth_json, body_json, url_json
from runner.errors import SendError
from runner.model import Auth, Body, Folder, Item, Param, Url, Variable
from runner.plan import Step
from runner.request import prepare, resolve
from runner.variables import Scope

NAMES = frozenset(
    (
        "SUITE ROWS ENVIRONMENT GLOBALS Run Suite JavaScript Iterator Any pytest os sys main environment global_variables run "
        "iteration pytestconfig pytestmark overrides"
    ).split()
)
"""What means something in every generated module with a suite."""

_SWITCHED = frozenset({"simulate", "simulate_limits", "simulate_fault", "allow_real_orders", "max_real_orders"})
"""Settings for extensions that a module does not have from where it was made: it has switches of its own for them."""

_FLAT = Style(width=10**9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A folder or a request (of `step`) as an expression; `test` is the name of a request's test, `doc` its docstring.

    `notes` are its description as comment lines, `folders` the paths of all folders that it is in.
    """

    name: str
    definition: str
    step: Step | None = None
    test: str = ""
    doc: str = ""
    notes: str = ""
    folders: tuple[str, ...] = ()


@dataclass(kw_only=True)
class Module:
    """A module under way: the names given so far, and what is to come from the process environment."""

    job: Job
    scripts: Scripts
    taken: set[str]
    groups: dict[int, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    environ: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, job: Job) -> Self:
        """With the scripts of all requests."""
        scripts = scripts_of(job.plan.steps, taken=NAMES, named=job.name, fallback=job.settings.sandbox_fallback)
        return cls(job=job, scripts=scripts, taken={*NAMES, *scripts.names})

    @cached_property
    def title(self) -> str:
        """The collection's name as a part of file names."""
        return short(identifier(self.job.name(self.job.plan.collection), fallback="collection"), 80).rstrip("_")

    def file(self, path: str, template: str, imports: Iterable[str], **written: Any) -> File:
        """A file of the module, to be called when all else is written; the one with the suite has the notes."""
        text = templates().get_template(template).render(
            doc=harmless(self.job.plan.collection.name),
            digest=digest_of(self.job.plan.collection),
            version=__version__,
            imports=sorted_imports(imports, beside=f"{self.title}_suite"),
            **written,
        )  # fmt: skip
        told = tuple(self.scripts.diagnostics) if "suite" in written else ()
        environ = self.environ | {environ_name(name): value for name, value in self.secrets.items()}
        return File(path=path, text=formatted(text, self.job.settings.style), diagnostics=told, environ=environ)

    def suite(self, scripts: list[Script]) -> dict[str, Any]:
        """What the suite is made with, and scripts."""
        collection = self.job.plan.collection
        named = self.owner(collection, collection.auth)
        if variables := self.variables(self.job.sources.scopes.collection):
            named = {"variables": literal(variables), **named}
        return {"scripts": scripts, "suite": flat(call("", literal(collection.name), **named))[1:-1].rstrip(",")}

    def values(self) -> dict[str, Any]:
        """What a run of the suite starts with; to be called when the requests are written."""
        plan, scopes = self.job.plan, self.job.sources.scopes
        rows = [dict(row) for row in plan.rows]
        environment = self.variables(scopes.environment)
        environment |= {name: fetched(environ_name(name)) for name in self.secrets if name not in environment}
        return {
            "guarded": any(_changes(step, self.job) for step in plan.steps),
            "rows": flat(literal(rows)) if rows else "",
            "environment": flat(mapping((literal(key), literal(value)) for key, value in environment.items())),
            "globals": flat(literal(found)) if (found := self.variables(scopes.globals)) else "",
            "settings": "".join(f", {setting}" for setting in _settings(self.job)),
            "iterations": plan.iterations,
        }

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
            definition=flat(call(f"{parent}.folder", literal(folder.name), **self.owner(folder, shown.auth))),
        )

    def _request(self, plain: Step, step: Step) -> Line:
        item, request = step.item, plain.item.request
        name = self.name(called := self.job.name(item))
        named: dict[str, Expression] = {}
        if request.headers:
            named["headers"] = sequence(_header(param) for param in request.headers)
        if request.body is not None:
            named |= _body(request.body)
        if self._wanted(item):
            named["id"] = literal(item.id)
        url, beside = _url(request.url)
        made = call(
            f"{self.groups[id(step.chain[-1])]}.request",
            literal(item.name),
            literal(request.method),
            url,
            **beside,
            **named,
            **self.owner(item, request.auth),
        )
        about = item.request.description or item.description
        return Line(
            name=name,
            definition=flat(made),
            step=step,
            test=self.name(f"test {called}"),
            doc=docstring(step.title, about, 1),
            notes=comment(about) if about.strip() else "",
            folders=tuple(string("/".join(step.path[: depth + 1])) for depth in range(len(step.path))),
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
            return fetched(hole.key)
        return hole.value if hole is not None and hole.source == "masked" else value


def fetched(name: str) -> Code:
    """A variable of the process environment, empty if it is not there."""
    return Code(f'os.environ.get({string(name)}, "")')


def flat(value: Expression) -> str:
    """An expression on one line; ruff breaks it."""
    return write(value, style=_FLAT)


def support(scripts: Iterable[Script]) -> Iterator[str]:
    """The imports that scripts need."""
    scripts = list(scripts)
    used = {name for script in scripts for name in script.imports}
    if "Any" in used:
        yield "from typing import Any"
    if names := sorted(used - {"Any"}):
        yield f"from {SUPPORT} import {', '.join(names)}"
    if any(script.reason and script.text.startswith("#") for script in scripts):
        yield "from runner.testing import JavaScript"


def _changes(step: Step, job: Job) -> bool:
    """Whether a request changes an account, as far as it can be told now."""
    try:
        prepared = prepare(resolve(step.item.request, job.sources.scopes.replace))
    except SendError:
        return False
    return any(extension.changes(prepared) for extension in job.sources.extensions)


def _settings(job: Job) -> Iterator[str]:
    """What a run of the suite is told."""
    if job.plan.rows:
        yield "data=ROWS"
    if job.plan.iterations > 1:
        yield f"iterations={job.plan.iterations}"
    if not job.sources.follow:
        yield "ignore_redirects=True"
    if not job.sources.verify:
        yield "insecure=True"
    if extras := {name: value for name, value in job.sources.extras.items() if name not in _SWITCHED}:
        yield f"extras={flat(literal(extras))}"


def _header(param: Param) -> Expression:
    if param.disabled or param.value is None:
        return literal({"key": param.key, "value": param.value, **({"disabled": True} if param.disabled else {})})
    return literal((param.key, param.value))


def _body(body: Body) -> dict[str, Expression]:
    """A raw body as its text and language, another in Postman's form."""
    if body == Body(mode="raw", raw=body.raw, language=body.language):
        text = Code(as_written(body.raw)) if "\n" in body.raw else literal(body.raw)
        return {"body": text, **({"language": literal(body.language)} if body.language else {})}
    return {"body": literal(body_json(body))}


def _url(url: Url) -> tuple[Expression, dict[str, Expression]]:
    """The URL as one text where that is the same, else in Postman's parts; and its path variables beside the text."""
    text, variables = urls.unparse(url), {entry.key: entry.value for entry in url.variables}
    simple = url.variables == tuple([Variable(key=key, value=value) for key, value in variables.items()])
    parsed = urls.as_parts(Url(text=text))
    if not simple or urls.as_parts(url) != (replace(parsed, variables=url.variables) if variables else parsed):
        return literal(url_json(url)), {}
    return literal(text), {"path_variables": literal(variables)} if variables else {}
