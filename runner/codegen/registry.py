"""Targets: what code can be generated for. Each is a small description here and Jinja2 templates; packages can add more."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Literal, TypeAlias

from runner.codegen.describe import Sources, describe
from runner.codegen.description import Description, Diagnostic
from runner.codegen.naming import Naming
from runner.codegen.writer import Style
from runner.errors import SendError, UsageError
from runner.model import Folder, Item
from runner.plan import Plan, Step
from runner.secrets import Secrets

GROUP = "pabal.codegen.v1"
"""Entry points of this group name a `Target`, or a function without parameters that makes one."""

_OURS = (
    "requests",
    "httpx",
    "aiohttp",
    "http_client",
    "urllib3",
    "curl",
    "httpie",
    "http_text",
    "client",
    "pytest_module",
    "script",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the user wants of the code. `body` exact writes the very bytes, None leaves that to the target.

    `extras` are for targets of other packages. Scripts that cannot be translated run in Postman's sandbox with
    `sandbox_fallback`, else they raise NotImplementedError. `per_folder` asks for a module for each folder, not one of all,
    `pep723` for a block that says what a program needs. `shape` is the style of a request's code, `joined` asks for one file
    of all requests, where a target can make one.
    """

    style: Style = field(default_factory=Style)
    body: Literal["readable", "exact"] | None = None
    extras: Mapping[str, str] = field(default_factory=dict)
    sandbox_fallback: bool = True
    per_folder: bool = False
    pep723: bool = False
    naming: Naming = field(default_factory=Naming)
    shape: Literal["function", "script", "pytest"] = "function"
    joined: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """Generated code. `path` is where it belongs below the output directory, `step` the request it is for (None: several).

    A file of several requests may have `parts`: each has its own text in it, and the path it would have alone. `ending` is put
    behind the file to run a request, where the file does not do so by itself; `status` of an answer is what it is content with.
    For a check of a whole collection's code `environ` has what its variables are in the process environment (values that are
    never written), and `calls` the methods to be called in turn; a `program` is run as it is, what is neither has tests.
    """

    path: str
    text: str
    step: Step | None = None
    description: Description | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)
    calls: tuple[str, ...] = ()
    program: bool = False
    ending: str = ""
    status: int = 200
    parts: tuple[File, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Everything a target gets: which requests, where their values come from, and the user's settings."""

    plan: Plan
    sources: Sources
    settings: Settings = field(default_factory=Settings)

    def name(self, owner: Folder | Item) -> str:
        """What a folder, a request or the collection is called in code; of these words `names` makes identifiers."""
        return self.settings.naming.of(owner, self.sources.scopes, self.sources.secrets or Secrets())

    def describe(self, step: Step) -> Description:
        """One of the plan's requests, ready to be written as code.

        Raises:
            SendError: it cannot be sent, so there is no code for it.
        """
        try:
            return describe(step, self.sources)
        except SendError as error:
            raise SendError(error.what, code=error.code, where=step.title, hint=error.hint) from error


Generate: TypeAlias = Callable[[Job], Iterable[File]]


OF_PYTHON = frozenset("body indent_count indent_type line_length describe pep723 style".split())
"""Options that mean something to Python only."""

_OF_SINGLE = frozenset({"body", "pep723", "style", "variables"})
_OF_WHOLE = frozenset({"sandbox_fallback", "per_folder"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A kind of code. `label` is for people, `needs` are packages that the code imports; `whole` ones make one thing of all.

    Files end in `suffix`. What the code of a target does that `runs` is a run of pabal's own engine. `ignores` are options that
    mean nothing to it, besides those that are for the other kind, `whole` or not.
    """

    name: str
    label: str
    generate: Generate
    needs: tuple[str, ...] = ()
    whole: bool = False
    runs: bool = False
    suffix: str = ".py"
    ignores: frozenset[str] = frozenset()

    def takes(self, option: str) -> bool:
        """Whether an option, by its name in `CodeOptions`, means something to the target."""
        return option not in self.ignores | (_OF_SINGLE if self.whole else _OF_WHOLE)


@cache
def targets() -> Mapping[str, Target]:
    """Every target by its name, those of other packages too; these cannot replace one of ours."""
    ours = [target for module in _OURS for target in import_module(f"runner.codegen.targets.{module}").TARGETS]
    loaded = [entry.load() for entry in entry_points(group=GROUP)]
    theirs = [found if isinstance(found, Target) else found() for found in loaded]
    return {target.name: target for target in (*theirs, *ours)}


def target(name: str) -> Target:
    """A target by its name.

    Raises:
        UsageError: there is none of that name.
    """
    known = targets()
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}"
    raise UsageError(f"there is no target {name!r}", hint=hint)
