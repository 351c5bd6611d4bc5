"""The command line: thin commands over the library."""

from __future__ import annotations

import gc
import sys
from io import TextIOWrapper

from runner import early
from runner.errors import ExitCode, PabalError


def main() -> None:
    """Entry point of the `pabal` command: errors become one message and an exit status, never a traceback."""
    # Collecting while everything is imported takes a tenth of the start and finds nothing; `run` turns it on again.
    gc.disable()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # Names may hold half a surrogate pair, and the terminal may know no Korean.
            stream.reconfigure(errors="backslashreplace")
    try:
        early.glance(sys.argv[1:])
        status = _command()
    except KeyboardInterrupt:
        status = ExitCode.INTERRUPTED
    finally:
        early.end()
        gc.freeze()  # the process ends: looking for garbage once more takes a twentieth of a small run
    sys.exit(status)


def _command() -> int:
    import rich_click as click

    from runner.cli.group import cli

    try:
        status = cli(prog_name="pabal", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return ExitCode.USAGE
    except click.Abort:
        return ExitCode.INTERRUPTED
    except PabalError as error:
        from runner.secrets import without_credentials

        click.echo(f"error: {without_credentials(str(error))}", err=True)
        return error.exit_code
    except OSError as error:  # the terminal is full or gone; files of ours tell of it themselves
        click.echo(f"error: the output cannot be written: {error.strerror or error}", err=True)
        return ExitCode.BROKEN
    return status if isinstance(status, int) else ExitCode.OK
