"""Generated modules laid out by ruff, which knows how long lines of scripts are to be broken."""

from __future__ import annotations

import subprocess

from ruff import find_ruff_bin  # type: ignore[import-untyped]

from runner.codegen.writer import Style

_WIDEST = 320
"""What ruff allows."""


def formatted(text: str, style: Style) -> str:
    """A module as `ruff format` leaves it, whatever a configuration file nearby says.

    Raises:
        ValueError: it is no Python, which is a mistake of the target.
    """
    indent = "tab" if style.indent == "\t" else "space"
    settings = [f"indent-width={style.tab}", f'format.indent-style="{indent}"', 'target-version="py311"']
    options = [argument for setting in settings for argument in ("--config", setting)]
    width = str(min(style.width, _WIDEST))
    command = [find_ruff_bin(), "format", "--isolated", "--line-length", width, *options, "-"]
    source = text.encode("utf-8", "backslashreplace")  # half a surrogate pair, which is no text to ruff
    done = subprocess.run(command, input=source, capture_output=True, check=False)  # noqa: S603
    if done.returncode:
        raise ValueError(done.stderr.decode("utf-8", "replace"))
    return done.stdout.decode("utf-8")
