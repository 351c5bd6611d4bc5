"""`pabal codegen`: requests of a collection as code."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from runner.assemble import Session
from runner.cli.config import ConfiguredCommand
from runner.cli.diff import unified
from runner.cli.extras import EXTRA_OPTIONS, extras_from
from runner.cli.listing import hyphened, list_options, list_targets
from runner.cli.options import POSITIVE, decorate, options_from, variable_options
from runner.codegen.description import Hole
from runner.codegen.registry import File, target
from runner.errors import ExitCode, UsageError
from runner.generate import CodeOptions, expected, files
from runner.model import Json
from runner.reporters.files import whole_file, write_text
from runner.secrets import Secrets

if TYPE_CHECKING:
    from runner.codegen.checking import Verdict

_NAMES = (
    "target style variables inline_values body indent_count indent_type line_length request_timeout follow_redirect "
    "trim_request_body sandbox_fallback per_folder describe pep723 names strip_prefix"
).split()


@click.command(
    "codegen",
    cls=ConfiguredCommand,
    context_settings={"help_option_names": ["-h", "--help"], "token_normalize_func": hyphened},
)
@click.argument("collection", metavar="COLLECTION")
@variable_options
@decorate(
    click.option(
        "--request",
        "requests",
        multiple=True,
        metavar="NAME",
        help="Name, id, path (Folder/Name) or pattern of what to generate; default: all.",
        panel="Code",
    ),
    click.option("-t", "--target", default="requests", metavar="NAME", help="What to generate for.", panel="Code"),
    click.option(
        "--list-targets",
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=list_targets,
        help="List the targets.",
        panel="Code",
    ),
    click.option(
        "--list-options",
        metavar="TARGET",
        is_eager=True,
        expose_value=False,
        callback=list_options,
        help="List what a target can be told, with Postman's names for it.",
        panel="Code",
    ),
    click.option(
        "-o",
        "--output",
        metavar="PATH",
        help="A file (.py, .sh …) of all, or a directory with a file for each request; default: standard output.",
        panel="Code",
    ),
    click.option(
        "--style",
        type=click.Choice(["function", "script", "pytest"]),
        default="function",
        help="What the code of a request is: a function, statements of a program, or a test.",
        panel="Code",
    ),
    click.option(
        "--variables",
        type=click.Choice(["secrets", "env", "args", "inline"]),
        default="secrets",
        help="What stays a variable: secrets and what has no value (default), all, read from the process environment (env) or "
        "given as parameters (args), or nothing (inline, secrets masked without --show-secrets).",
        panel="Code",
    ),
    click.option(
        "--inline-values", is_flag=True, help="--variables inline with secrets, which is what Postman does.", panel="Code"
    ),
    click.option(
        "--body",
        type=click.Choice(["readable", "exact"]),
        help="JSON and forms as Python values (default), or as the very text that a run sends (default of http.client).",
        panel="Code",
    ),
    click.option("--indent-count", type=POSITIVE, default=4, help="Columns of one indentation.", panel="Code"),
    click.option(
        "--indent-type",
        type=click.Choice(["space", "tab"], case_sensitive=False),
        default="space",
        help="What one indentation is made of.",
        panel="Code",
    ),
    click.option("--line-length", type=POSITIVE, default=88, help="Columns of a line.", panel="Code"),
    click.option(
        "--request-timeout",
        type=click.IntRange(0),
        default=30_000,
        metavar="MS",
        help="How long to wait for an answer, 0 for ever.",
        panel="Code",
    ),
    click.option(
        "--follow-redirect/--no-follow-redirect",
        default=True,
        help="Go where an answer leads; a request's own setting wins.",
        panel="Code",
    ),
    click.option("--trim-request-body", is_flag=True, help="Without blanks around bodies and fields.", panel="Code"),
    click.option(
        "--sandbox-fallback/--no-sandbox-fallback",
        default=True,
        help="Run scripts that cannot be translated in Postman's sandbox, or let them fail.",
        panel="Code",
    ),
    click.option(
        "--describe",
        type=click.Choice(["none", "line", "full"]),
        default="line",
        help="How much of descriptions becomes comments; what is switched off is told, too, unless none.",
        panel="Code",
    ),
    click.option("--pep723", is_flag=True, help="Say in the code what it needs, for `uv run` and `pipx run`.", panel="Code"),
    click.option(
        "--names",
        default="unicode",
        metavar="WAY",
        help="Name code after requests' names (unicode), these romanised (ascii), method and path (path), or a header's value "
        "(the name of the header).",
        panel="Code",
    ),
    click.option("--strip-prefix", default="", metavar="TEXT", help="Leave this out where names begin with it.", panel="Code"),
    click.option("--per-folder", is_flag=True, help="With -t pytest, a module for each folder; -o is a directory.", panel="Code"),
    click.option(
        "--diff",
        is_flag=True,
        help="Write nothing, show what -o would change, and exit with 1 if that is anything.",
        panel="Check",
    ),
    click.option("--check", is_flag=True, help="Run the code against a recorder on this machine.", panel="Check"),
    click.option("--python", metavar="PATH", help="Python with the target's libraries, for --check.", panel="Check"),
    click.option("--report", metavar="PATH", help="Write notes and verdicts as JSON (- is stdout).", panel="Check"),
    click.option("--strict", is_flag=True, help="Exit with 1 where code cannot send all that a run sends.", panel="Check"),
    click.option("--working-dir", metavar="DIR", help="Where the files of request bodies are looked for.", panel="Code"),
    *EXTRA_OPTIONS,
)
def command(collection: str, output: str | None, **values: Any) -> int:
    """Write requests of a collection as code that sends the same bytes. Nothing is sent.

    Exit status: 0 all is well, 1 the code of a request sends something else (--check, --strict) or is not up to date (--diff),
    2 wrong usage, 3 a file could not be read, 5 there is no request.

    \b
    pabal codegen orders.postman_collection.json --request "Orders/Place order"
    pabal codegen orders.postman_collection.json -t httpx -e staging.postman_environment.json -o snippets/ --check
    """
    one = _is_file(output, values["target"])
    code = CodeOptions(requests=values["requests"], one_file=one, **{name: values[name] for name in _NAMES})
    with Session(collection, options_from(values, extras_from(values))) as session:
        made = list(files(session, code))
        verdicts = check(session, code, made, values["python"]) if values["check"] and made else {}
    if not made:
        return ExitCode.NOTHING_RAN
    changes = 0
    if values["diff"]:
        changes = differences(made, output, session.secrets, one_file=one)
    elif values["report"] != "-":
        _write(made, output, one_file=one)
    tell(made, verdicts)
    if values["report"]:
        _report(made, verdicts, values["report"])
    told = values["strict"] and any(file.diagnostics for file, _ in _each(made))
    fine = all(verdict.good for verdict in verdicts.values()) and not told and not changes
    return ExitCode.OK if fine else ExitCode.ASSERTION_FAILED


def check(session: Session, code: CodeOptions, made: list[File], python: str | None) -> dict[str, Verdict]:
    """Run every file of code against a recorder; verdicts by path, secrets hidden in their reasons."""
    from runner.codegen.checking import Checker

    for file, _ in _each(made):
        secret = (hole.value for hole in _holes(file) if hole.source == "environ" or hole.secret)
        for value in (*file.environ.values(), *secret):
            session.secrets.learn_value(value)
    with Checker(Path(session.options.working_dir), python) as checker:
        if target(code.target).whole:
            found = {made[0].path: checker.check_whole(made, *expected(session, code))}
        else:
            found = {file.path: checker.check(file, within.text) for file, within in _each(made)}
    hide = session.secrets.hide
    return {path: replace(verdict, reasons=tuple(map(hide, verdict.reasons))) for path, verdict in found.items()}


def _each(made: list[File]) -> Iterator[tuple[File, File]]:
    """The code of each request, and the file it is in."""
    return ((part, file) for file in made for part in file.parts or (file,))


def tell(made: list[File], verdicts: Mapping[str, Verdict]) -> None:
    """Notes and verdicts for people, on standard error."""
    for file, _ in _each(made):
        title = file.step.title if file.step else file.path
        for diagnostic in file.diagnostics:
            click.echo(f"{title}: {diagnostic.text}", err=True)
        if verdict := verdicts.get(file.path):
            click.echo(f"{title}: {': '.join((verdict.kind, *filter(None, ['; '.join(verdict.reasons)])))}", err=True)
    if len(verdicts) > 1:
        counts = Counter(verdict.kind for verdict in verdicts.values())
        click.echo(", ".join(f"{count} {kind}" for kind, count in counts.most_common()), err=True)


def report_json(made: list[File], verdicts: Mapping[str, Verdict]) -> list[Json]:
    """The same for machines."""
    return [
        {
            "request": file.step.title if file.step else None,
            "file": within.path,
            "environ": [hole.environ for hole in _holes(file) if hole.source == "environ" or hole.secret],
            "arguments": [hole.key for hole in _holes(file) if hole.source == "argument"],
            "diagnostics": [{"code": entry.code, "text": entry.text} for entry in file.diagnostics],
            "verdict": verdict.kind if (verdict := verdicts.get(file.path)) else None,
            "reasons": list(verdict.reasons) if verdict else [],
        }
        for file, within in _each(made)
    ]


def _holes(file: File) -> tuple[Hole, ...]:
    return file.description.holes if file.description else ()


def _report(made: list[File], verdicts: Mapping[str, Verdict], path: str) -> None:
    text = json.dumps(report_json(made, verdicts), indent=2, ensure_ascii=False) + "\n"
    if path == "-":
        click.echo(text, nl=False)
        return
    with whole_file(Path(path)) as file:
        file.write(text.encode("utf-8", "surrogatepass"))


def _is_file(output: str | None, name: str) -> bool:
    """Whether all code goes to one place: standard output, or a file that is called like one of the target's."""
    if output is None:
        return True
    return not output.endswith("/") and not Path(output).is_dir() and Path(output).suffix == target(name).suffix


def _write(made: list[File], output: str | None, *, one_file: bool) -> None:
    if output and (len(made) == 1 or not one_file):
        save(made, Path(output), as_directory=output.endswith("/"))
    elif len(made) == 1:
        click.echo(made[0].text, nl=False)
    else:
        several = f"code for {len(made)} requests" if made[0].step else f"{len(made)} files"
        hint = "choose one with --request, or give a directory with -o" if made[0].step else "give a directory with -o"
        raise UsageError(f"that is {several}", hint=hint)


def save(made: list[File], output: Path, *, as_directory: bool = False) -> None:
    """Write files below a directory, or a single one where `output` is no directory.

    Raises:
        UsageError: one cannot be written.
    """
    for path, file in _places(made, output, as_directory=as_directory):
        write_text(path, file.text)


def differences(made: list[File], output: str | None, secrets: Secrets, *, one_file: bool) -> int:
    """Show what writing the files would change, without secrets; how many there are to change.

    Raises:
        UsageError: it is not said where they are, or one cannot be read.
    """
    if not output or (one_file and len(made) > 1):
        raise UsageError("there is nothing to compare with", hint="say with -o where the code is: a directory for several")
    changes = 0
    for path, file in _places(made, Path(output), as_directory=output.endswith("/")):
        if text := "".join(unified(path, file.text)):
            click.echo(secrets.hide(text), nl=False)
            changes += 1
    click.echo(f"files that would change: {changes} of {len(made)}", err=True)
    return changes


def _places(made: list[File], output: Path, *, as_directory: bool) -> Iterator[tuple[Path, File]]:
    """Where each file goes."""
    single = len(made) == 1 and not as_directory and not output.is_dir()
    return ((output if single else output / file.path, file) for file in made)
