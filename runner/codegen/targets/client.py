"""A typed client of a whole collection: a class with a method for each request, and folders as attributes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from runner import __version__
from runner import url as urls
from runner.codegen.code import sorted_imports, templates
from runner.codegen.description import Diagnostic
from runner.codegen.docs import digest_of, docstring, harmless
from runner.codegen.format import formatted
from runner.codegen.methods import TYPES, Method, MethodWriter
from runner.codegen.names import environ_name, identifier, pascal
from runner.codegen.registry import File, Job, Target
from runner.codegen.scripting import Scripts, scripts_of
from runner.codegen.scripts.context import SUPPORT
from runner.codegen.sessions import HTTPX, REQUESTS, Library
from runner.codegen.suites import flat
from runner.codegen.writer import literal, string
from runner.errors import SendError
from runner.model import Folder
from runner.plan import Step
from runner.secrets import is_secret_name

_MEMBERS = frozenset(
    (
        "self client response session timeout allow_changes allow_real_changes failures failed failures_of scopes secrets "
        "stack check confirm call guard learn engine one_script close aclose from_env from_postman request load save pabal "
        "Client Group JavaScript Self Any Path requests httpx asyncio os json url headers params payload body"
    ).split()
)


@dataclass(kw_only=True)
class Class:
    """A class under way: the client itself, or a folder of it."""

    name: str
    doc: str
    attribute: str = ""
    root: bool = False
    methods: list[Method] = field(default_factory=list)
    children: list[Class] = field(default_factory=list)
    taken: set[str] = field(default_factory=lambda: set(_MEMBERS))

    @property
    def base(self) -> str:
        return "Client" if self.root else "Group"

    def member(self, wanted: str) -> str:
        """A name for a method or a folder that nothing else here has."""
        found = identifier(wanted, fallback="request", taken=self.taken)
        self.taken.add(found)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """An argument of the constructor."""

    name: str
    type: str
    default: str
    from_env: str


@dataclass(kw_only=True)
class Module:
    """A client module under way."""

    job: Job
    scripts: Scripts
    library: Library
    imports: set[str] = field(default_factory=set)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    classes: dict[int, Class] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    changes: bool = False
    extra: dict[tuple[str, str], str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    paths: dict[str, str] = field(default_factory=dict)

    def build(self) -> None:
        """All classes with their methods."""
        root = self.job.plan.collection
        self.classes[id(root)] = Class(
            name=self.class_name(self.job.name(root) or "Collection"), doc=docstring(root.name, root.description, 1), root=True
        )
        for step in self.job.plan.steps:
            for parent, folder in zip(step.chain, step.chain[1:], strict=False):
                if id(folder) not in self.classes:
                    self._folder(self.classes[id(parent)], folder)
            self._add(step)

    def _add(self, step: Step) -> None:
        """A method; of several requests, one that cannot be sent is only told."""
        owner = self.classes[id(step.chain[-1])]
        try:
            owner.methods.append(self._method(owner, step))
        except SendError as error:
            if len(self.job.plan.steps) == 1:
                raise
            text = f"{step.title}: there is no method for this request, it cannot be sent: {error.what}"
            self.diagnostics.append(Diagnostic(code="unsendable", text=text))
            return
        attributes = [self.classes[id(folder)].attribute for folder in step.chain[1:]]
        self.calls.append(".".join((*attributes, owner.methods[-1].name)))
        self.paths[self.calls[-1]] = "/".join((*step.path, step.item.name))

    def _method(self, owner: Class, step: Step) -> Method:
        chain, everyone = step.chain, step.owners
        writer = MethodWriter(
            job=self.job,
            library=self.library,
            step=step,
            name=owner.member(self.job.name(step.item)),
            client="self" if owner.root else "self._client",
            around=[script.name for part in chain for script in self.scripts.of(part, "prerequest")],
            own=[script.name for script in self.scripts.of(step.item, "prerequest")],
            extra=self.extra,
            after=[script.name for part in everyone for script in self.scripts.of(part, "test")],
        )
        made = writer.method()
        self.imports |= writer.imports
        self.diagnostics += writer.diagnostics
        self.changes = self.changes or writer.changes
        return made

    def _folder(self, parent: Class, folder: Folder) -> None:
        made = Class(
            name=self.class_name(self.job.name(folder)),
            doc=docstring(folder.name, folder.description, 1),
            attribute=parent.member(self.job.name(folder)),
        )
        self.classes[id(folder)] = made
        parent.children.append(made)

    def class_name(self, wanted: str) -> str:
        """A class name that nothing else in the module has."""
        base = pascal(wanted, fallback="folder")
        name, number = base, 2
        while name in self.taken or name in _MEMBERS:
            name, number = f"{base}{number}", number + 1
        self.taken.add(name)
        return name


def _variables(job: Job, extra: Iterable[str]) -> tuple[list[Variable], dict[str, dict[str, str]]]:
    """The constructor's arguments, and for each scope which of them fill it."""
    scopes, naming = job.sources.scopes, job.settings.naming
    found: list[Variable] = []
    filled: dict[str, dict[str, str]] = {"environment": {}, "collection": {}, "globals": {}}
    taken = set(_MEMBERS)
    for scope_name, scope in (
        ("environment", scopes.environment),
        ("collection", scopes.collection),
        ("globals", scopes.globals),
    ):
        for entry in scope:
            value = scope.get(entry.key)
            name = identifier(naming.variable(entry.key), fallback="variable", taken=taken)
            taken.add(name)
            filled[scope_name][entry.key] = name
            hidden = value is None or job.sources.choose(entry.key, value, entry.type) is not None
            found.append(_variable(name, entry.key, "" if hidden else value))
    for key in extra:
        name = identifier(naming.variable(key), fallback="variable", taken=taken)
        taken.add(name)
        filled["environment"][key] = name
        from_env = f"os.environ.get({string(environ_name(key))})"
        found.append(Variable(name=name, type="str | None", default="None", from_env=from_env))
    return found, filled


def _variable(name: str, key: str, value: Any) -> Variable:
    default = str(literal(value).flat) if isinstance(value, str | int | float) else repr(value)
    kind = TYPES.get(type(value), "Any")
    from_env = f"os.environ.get({string(environ_name(key))}, {default})" if kind == "str" else default
    return Variable(name=name, type=kind, default=default, from_env=from_env)


def _addresses(job: Job) -> str:
    """Where requests go, as it is written: each host with the first folder below it, as a list."""
    written = (urls.unparse(step.item.request.url).partition("?")[0] for step in job.plan.steps)
    heads = (re.match(r"(?:[^/]*://)?[^/]*/+(?:[^/]*/)?", text) for text in written)
    return flat(literal(list(dict.fromkeys(head[0] for head in heads if head))))


def _secret_names(job: Job, extra: Iterable[str]) -> str:
    """The variables that the module's failures must not show, as a list; those named like a secret are known anyway."""
    secrets = job.sources.secrets
    if secrets is None:
        return ""
    typed = [(entry.key, entry.type) for _, scope in job.sources.scopes.layers() for entry in scope]
    found = [key for key, type in (*typed, *((key, "any") for key in extra)) if secrets.is_secret(key, type)]
    names = [key for key in dict.fromkeys(found) if not is_secret_name(key)]
    return flat(literal(names)) if names else ""


def _mapping(filled: dict[str, str]) -> str:
    return "{" + ", ".join(f"{string(key)}: {name}" for key, name in filled.items()) + "}"


def generate(job: Job, library: Library) -> Iterator[File]:
    """The module."""
    scripts = scripts_of(job.plan.steps, taken=_MEMBERS, named=job.name, fallback=job.settings.sandbox_fallback)
    module = Module(job=job, library=library, scripts=scripts, taken={*_MEMBERS, *scripts.names})
    module.build()
    variables, filled = _variables(job, module.extra.values())
    root = next(each for each in module.classes.values() if each.root)
    typed_any = bool(module.calls) or "Any" in scripts.imports or any(each.type == "Any" for each in variables)
    module.imports |= {*_imports(scripts, variables, library), f"from typing import {'Any, ' if typed_any else ''}Self"}
    text = templates().get_template("client.py.j2").render(
        library=library,
        doc=harmless(f"{job.plan.collection.name}: a client."),
        version=__version__,
        changes=module.changes,
        imports=sorted_imports(module.imports),
        exported=f'["{root.name}"]',
        scripts=list(scripts.found.values()),
        groups=[*(each for each in module.classes.values() if not each.root), root],
        variables=variables,
        timeout="None" if job.sources.timeout is None else f"{job.sources.timeout:g}",
        environment=_mapping(filled["environment"]),
        collection=_mapping(filled["collection"]),
        globals=_mapping(filled["globals"]),
        requests=flat(literal(module.paths)),
        digest=digest_of(job.plan.collection),
        addresses=_addresses(job) if module.changes else "",
        secrets=_secret_names(job, module.extra.values()),
    )  # fmt: skip
    name = identifier(job.name(job.plan.collection), fallback="client").rstrip("_")
    found = tuple(dict.fromkeys((*module.diagnostics, *scripts.diagnostics)))
    yield File(
        path=f"{name}.py",
        text=formatted(text, job.settings.style),
        diagnostics=found,
        environ=_environ(job, module.extra),
        calls=tuple(module.calls),
    )


def _environ(job: Job, extra: Mapping[tuple[str, str], str]) -> dict[str, str]:
    """What variables have in the process environment for a check; without a value, what stands in the collection."""
    entries = [(entry, scope.get(entry.key)) for _, scope in job.sources.scopes.layers() for entry in scope]
    values = {environ_name(entry.key): value for entry, value in entries if isinstance(value, str)}
    return values | {environ_name(key): value or f"{{{{{name}}}}}" for (name, value), key in extra.items()}


def _imports(scripts: Scripts, variables: list[Variable], library: Library) -> Iterator[str]:
    if any("os.environ" in each.from_env for each in variables):
        yield "import os"
    yield "from pathlib import Path"
    yield f"import {library.package}"
    if support := sorted(scripts.imports - {"Any"}):
        yield f"from {SUPPORT} import {', '.join(support)}"
    if any(script.reason and script.text.startswith("#") for script in scripts.found.values()):
        yield f"from {SUPPORT}.sandbox import JavaScript"
    yield "import runner.client as pabal"


TARGETS = (
    Target(
        name="client",
        label="Python · typed client of the whole collection",
        generate=partial(generate, library=REQUESTS),
        needs=("pabal", "requests"),
        whole=True,
        ignores=frozenset({"per_folder"}),
    ),
    Target(
        name="client-async",
        label="Python · typed async client of the whole collection",
        generate=partial(generate, library=HTTPX),
        needs=("pabal", "httpx"),
        whole=True,
        ignores=frozenset({"per_folder"}),
    ),
)
