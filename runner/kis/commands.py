"""What KIS adds to the command line: options of `pabal run`, `pabal simulate` and `pabal init kis`."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import IO

import rich_click as click

from runner.errors import ExitCode, UsageError

_FILE = click.File("w", encoding="utf-8", lazy=True)
_PORT = click.IntRange(0, 65_535)
_PANEL = "KIS: account and safety"

OPTIONS = (
    click.option("--no-kis", is_flag=True, help="Treat it as any other collection; the guard before orders stays.", panel=_PANEL),
    click.option("--keep-account", is_flag=True, help="Leave the account numbers in bodies as they are.", panel=_PANEL),
    click.option("--allow-revoke", is_flag=True, help="Also run requests that revoke the access token.", panel=_PANEL),
    click.option(
        "--allow-real-orders",
        is_flag=True,
        allow_from_autoenv=False,
        help="Let the orders that were counted beforehand out to the real host. This moves real money.",
        panel=_PANEL,
    ),
    click.option(
        "--max-real-orders",
        type=click.IntRange(1),
        metavar="N",
        allow_from_autoenv=False,
        help="Let out up to N real orders, those of scripts and repetitions included.",
        panel=_PANEL,
    ),
    click.option(
        "--token-cache/--no-token-cache",
        default=None,
        help="Reuse access tokens until shortly before they expire; default: yes, but not those of a simulator.",
        panel=_PANEL,
    ),
    click.option(
        "--rate",
        type=click.FloatRange(0, min_open=True),
        metavar="N",
        help="Calls a second for each app key; default: 18 on the real host, 2 on the mock host.",
        panel=_PANEL,
    ),
    click.option(
        "--all-pages",
        is_flag=True,
        help="Fetch inquiries to their last page; scripts see one answer with all rows.",
        panel=_PANEL,
    ),
    click.option(
        "--no-kis-checks", is_flag=True, help="A refusal of the broker is a line in the report, not a failure.", panel=_PANEL
    ),
    click.option("--simulate", is_flag=True, help="Run against a built-in simulator; nothing reaches the broker.", panel=_PANEL),
    click.option(
        "--simulate-limits", is_flag=True, help="The simulator keeps the broker's calls-per-second limits too.", panel=_PANEL
    ),
    click.option(
        "--simulate-fault",
        multiple=True,
        metavar="FAULT",
        help="The simulator goes wrong: EGW00201@3, drop@5%, … (see pabal simulate --help).",
        panel=_PANEL,
    ),
)

NAMES = (
    *("no_kis", "keep_account", "allow_revoke", "allow_real_orders", "max_real_orders", "simulate", "simulate_limits"),
    *("token_cache", "rate", "no_kis_checks", "all_pages", "simulate_fault"),
)


@click.command("simulate", context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--mock-port", type=_PORT, default=0, help="Port of the mock host; default: a free one.")
@click.option("--real-port", type=_PORT, default=0, help="Port of the real host; default: a free one.")
@click.option("--no-limits", is_flag=True, help="Do not enforce calls per second.")
@click.option(
    "--fault", "faults", multiple=True, metavar="FAULT", help="What goes wrong: a code of KIS's, delay=MS, drop, lose or expire."
)
@click.option("--seed", type=int, default=0, help="Decides the made-up values; the same ones for the same number.")
@click.option("--session", type=click.Choice(["open", "night", "holiday"]), default="open", help="Whether the market is open.")
def simulate(mock_port: int, real_port: int, no_limits: bool, faults: tuple[str, ...], seed: int, session: str) -> int:
    """Start the KIS simulator on this machine and keep it running until Ctrl-C.

    A fault is for the calls below /uapi/ that its place names: @3 the third, @3-5, @3-, @*10 every tenth, @5% at random;
    with :PART only paths with that part, or that tr_id, count. `drop` ends the connection before the call is looked at,
    `lose` after it was carried out, `expire` ends the life of the token first.

    \b
    pabal simulate --mock-port 8443 --real-port 9443
    pabal simulate --fault EGW00201@3 --fault lose@1:order-cash
    """
    from runner.kis.simulator import Simulator

    try:
        started = Simulator(mock_port=mock_port, real_port=real_port, limits=not no_limits, faults=faults, seed=seed).start()
    except OSError as error:
        raise UsageError(f"the simulator cannot listen there: {error.strerror or error}", hint="choose other ports") from error
    with started as simulator:
        simulator.session = session
        click.echo(f"VTS={simulator.mock_url}\nPROD={simulator.real_url}")
        for name, value in simulator.credentials.items():
            click.echo(f"{name}={value}")
        click.echo("The simulator is running; Ctrl-C ends it.", err=True)
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            return ExitCode.OK


@click.command("init", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("what", metavar="kis", type=click.Choice(["kis"]))
@click.argument("folder", default=".", type=click.Path(file_okay=False, path_type=Path))
@click.option("--force", is_flag=True, help="Write over files that are there.")
def init(what: str, folder: Path, force: bool) -> None:
    """Put the KIS collections and blank environments into a folder, and say what to do next.

    FOLDER is the working directory where none is given.

    \b
    pabal init kis
    pabal init kis trading --force
    """
    from runner.kis.publish import documents, write
    from runner.kis.publish_texts import NEXT

    there = [place for place, _ in documents() if (folder / place).exists()]
    if there and not force:
        raise UsageError(f"already there: {', '.join(there)}", where=str(folder), hint="give --force to write over them")
    try:
        write(folder)
    except OSError as error:
        raise UsageError(f"cannot be written: {error.strerror or error}", where=str(error.filename or folder)) from error
    click.echo("\n".join(("만든 파일 / Written:", *(f"  {folder / place}" for place, _ in documents()), "", NEXT)))


@click.group("kis", context_settings={"help_option_names": ["-h", "--help"]})
def kis() -> None:
    """What there is to say about the KIS Open API."""


@kis.command("status", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("reports", nargs=-1, metavar="[REPORT]...")
@click.option("--markdown", "markdown", type=_FILE, metavar="PATH", help="Where the table goes (- is stdout, the default).")
@click.option("--json", "json_", type=_FILE, metavar="PATH", help="Where the same goes as JSON (- is stdout).")
def status(reports: tuple[str, ...], markdown: IO[str] | None, json_: IO[str] | None) -> None:
    """Show the guide's 136 APIs on both hosts, each with its outcome in the JSON reports of the last runs.

    Of several reports that have an API the latest counts. The exit status says nothing about the outcomes: that of the
    run does.

    \b
    pabal run collections/kis-mock.postman_collection.json -r cli,json --reporter-json-export mock.json
    pabal kis status mock.json real.json --markdown status.md --json status.json
    """
    from runner.kis.status import as_json, as_markdown
    from runner.kis.status import status as find

    rows = find(reports)
    if json_:
        json.dump(as_json(rows), json_, ensure_ascii=False, indent=1)
        json_.write("\n")
    if markdown or not json_:
        click.echo(as_markdown(rows), file=markdown, nl=False)
