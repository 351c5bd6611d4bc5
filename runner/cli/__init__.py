"""The command line: thin commands over the library."""

from __future__ import annotations

import gc
import sys

from runner.errors import ExitCode, PabalError


def main() -> None:
    """Entry point of the `pabal` command: errors become one message and an exit status, never a traceback."""
    # Collecting while everything is imported takes a tenth of the start and finds nothing; `run` turns it on again.
    gc.disable()
    import rich_click as click

    from runner.cli.group import cli

    try:
        status = cli(prog_name="pabal", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(ExitCode.USAGE)
    except (click.Abort, KeyboardInterrupt):
        sys.exit(ExitCode.INTERRUPTED)
    except PabalError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    sys.exit(status if isinstance(status, int) else ExitCode.OK)
