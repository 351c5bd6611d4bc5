"""Collections to code: the public twin of `pabal codegen`."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal

from runner.assemble import Session
from runner.codegen.choices import Variables, chosen_by, inlined
from runner.codegen.describe import Sources
from runner.codegen.names import short
from runner.codegen.naming import naming_of
from runner.codegen.overhear import overhearing
from runner.codegen.registry import File, Job, Settings, target
from runner.codegen.remarks import Describe
from runner.codegen.shapes import Style
from runner.codegen.writer import Style as Layout
from runner.errors import UsageError
from runner.files import BodyFiles
from runner.model import Collection
from runner.options import Options
from runner.plan import Plan, Step
from runner.variables import Scope

if TYPE_CHECKING:
    from runner.codegen.checking import Expected

_A_SECOND = 1.1
"""So long that a time in seconds is another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeOptions:
    """What code to make. `requests` are names, ids, paths (`Folder/Request`) or patterns of these; none means all.

    Options named as in Postman's settings have their meaning: `request_timeout` is in ms, 0 for none; a tab counts as
    `indent_count` columns. `variables` says which of them the code still has: secrets and what has no value, all (env, args),
    or none (inline, where secrets are masked unless they may be shown); `inline_values` is short for inline with secrets. `style`
    is what the code of a request is, `one_file` puts that of several into one module. `per_folder` makes a pytest module
    for each folder. `describe` is how much of the descriptions of headers, parameters and fields becomes comments. `pep723`
    puts a block before single requests' Python by which `uv run` and `pipx run` know what it needs. `names` says how folders and
    requests are called: unicode, ascii, path, or the name of a header whose value is the name; `strip_prefix` is left out
    where a request's name begins with it.
    """

    target: str = "requests"
    requests: tuple[str, ...] = ()
    variables: Variables = "secrets"
    inline_values: bool = False
    style: Style = "function"
    one_file: bool = False
    body: Literal["readable", "exact"] | None = None
    indent_count: int = 4
    indent_type: Literal["space", "tab"] = "space"
    line_length: int = 88
    request_timeout: int = 30_000
    follow_redirect: bool = True
    trim_request_body: bool = False
    extras: Mapping[str, str] = field(default_factory=dict)
    sandbox_fallback: bool = True
    per_folder: bool = False
    describe: Describe = "line"
    pep723: bool = False
    names: str = "unicode"
    strip_prefix: str = ""


def generate(
    collection: Collection | str | Path, options: Options | None = None, code: CodeOptions | None = None
) -> Iterator[File]:
    """Code for the requests of a collection: a file for each, or what the target makes of all of them. Nothing is sent.

    Raises:
        LoadError: a file could not be read.
        UsageError: there is no such target, or no such request.
        SendError: a request cannot be sent, so there is no code for it either.
    """
    code = code or CodeOptions()
    with Session(collection, options or Options()) as session:
        yield from files(session, code)


def files(session: Session, code: CodeOptions) -> Iterator[File]:
    """The same for a session that is ready."""
    wanted = target(code.target)
    if code.per_folder and not wanted.takes("per_folder"):
        raise UsageError(f"{wanted.name} makes no modules of folders", hint="leave out --per-folder, or choose -t pytest")
    if wanted.whole and (code.style != "function" or _variables(code) in ("env", "args")):
        raise UsageError(f"{wanted.name} has a style and variables of its own", hint="leave out --style and --variables")
    if code.style != "function" and wanted.suffix != ".py":
        raise UsageError(f"{wanted.name} has no styles", hint="leave out --style, or choose a Python target")
    plan = replace(session.plan, steps=chosen(session.plan, code.requests))
    session.scopes.data = Scope.of(plan.row(0))
    taken: set[str] = set()
    for file in wanted.generate(Job(plan=plan, sources=_sources(session, code), settings=_settings(session, code))):
        yield _placed(replace(file, parts=tuple(_placed(part, taken) for part in file.parts)), taken)


def expected(session: Session, code: CodeOptions) -> tuple[list[Expected], bytes]:
    """What a run of the session sends where every server gives the same answer, and that answer. Nothing leaves the machine.

    There are two runs, which tell what is new each time.
    """
    from runner.codegen.checking import Witness, answer_for, overheard

    heard = []
    for wait in (0, _A_SECOND):
        time.sleep(wait)
        with Session(session.collection, session.options) as fresh:
            fresh.plan = replace(fresh.plan, steps=chosen(fresh.plan, code.requests))
            witness = Witness(answer_for(fresh.plan.steps))
            fresh.extensions = overheard(fresh.extensions, witness, skips=target(code.target).runs)
            deque(fresh.events(bodies=False), maxlen=0)
            heard.append(witness.heard)
    first, second = heard
    same = len(first) == len(second)
    return [replace(one, again=two.prepared) for one, two in zip(first, second, strict=True)] if same else first, witness.body


def _placed(file: File, taken: set[str]) -> File:
    path = _free(PurePosixPath(file.path), taken)
    taken.add(path)
    return file if path == file.path else replace(file, path=path)


def _free(path: PurePosixPath, taken: set[str]) -> str:
    """A path of its own for each file, though names come twice, in another case too, or are longer than a name can be."""
    path = PurePosixPath(*map(short, path.parent.parts), short(path.stem) + path.suffix)
    found, number = path, 2
    while str(found).lower() in {name.lower() for name in taken}:
        found, number = path.with_name(f"{path.stem} {number}{path.suffix}"), number + 1
    return str(found)


def chosen(plan: Plan, wanted: tuple[str, ...]) -> tuple[Step, ...]:
    """The steps of a plan that names, ids, paths or patterns mean, in the plan's order.

    Raises:
        UsageError: one of them means nothing.
    """
    for text in wanted:
        if not any(_means(text, step) for step in plan.steps):
            raise UsageError(f"no request is called {text!r}", hint="give a name, Folder/Name, or a pattern such as 'Orders/*'")
    return tuple(step for step in plan.steps if not wanted or any(_means(text, step) for text in wanted))


def _means(text: str, step: Step) -> bool:
    names = (step.item.name, step.item.id, "/".join((*step.path, step.item.name)))
    return text in names or any(fnmatchcase(name, text) for name in names)


def _variables(code: CodeOptions) -> Variables:
    if code.inline_values and code.variables not in ("secrets", "inline"):
        raise UsageError(f"values cannot be inline and {code.variables}", hint="leave out --inline-values or --variables")
    return "inline" if code.inline_values else code.variables


def _sources(session: Session, code: CodeOptions) -> Sources:
    options, variables = session.options, _variables(code)
    open_ = variables == "inline" and (options.show_secrets or code.inline_values)
    files = BodyFiles(working_dir=Path(options.working_dir), outside=options.outside_files)
    return Sources(
        scopes=session.scopes,
        choose=inlined if open_ else chosen_by(variables, session.secrets),
        read_file=files.read,
        secrets=None if open_ else session.secrets,
        extensions=session.extensions,
        extras=options.extras,
        overhear=None if variables == "inline" else overhearing(session.sandbox, session.scopes, session.secrets),
        timeout=code.request_timeout / 1000 or None,
        follow=code.follow_redirect and not options.ignore_redirects,
        verify=not options.insecure,
        trim=code.trim_request_body,
        describe=code.describe,
    )


def _settings(session: Session, code: CodeOptions) -> Settings:
    indent = "\t" if code.indent_type == "tab" else " " * code.indent_count
    style = Layout(indent=indent, width=code.line_length, tab=code.indent_count)
    return Settings(
        style=style,
        body=code.body,
        extras=code.extras,
        sandbox_fallback=code.sandbox_fallback,
        per_folder=code.per_folder,
        pep723=code.pep723,
        naming=naming_of(code.names, code.strip_prefix, session.collection),
        shape=code.style,
        joined=code.one_file,
    )
