"""`--watch`: run again whenever one of the files changes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import rich_click as click

from runner.errors import LoadError

POLL = 0.3
"""Seconds between two looks at the files."""


def stamps(places: Iterable[str]) -> tuple[tuple[str, int, int], ...]:
    """What changes with files, those of a folder too; places that are no files, as URLs, never do."""
    return tuple(_stamps(map(Path, places)))


def _stamps(paths: Iterable[Path]) -> Iterator[tuple[str, int, int]]:
    for path in paths:
        if path.is_dir():
            yield from _stamps(sorted(path.glob("*.json")))
        elif path.is_file():
            found = path.stat()
            yield str(path), found.st_mtime_ns, found.st_size


def watch(places: Iterable[str], run: Callable[[], int], *, sleep: Callable[[float], None] = time.sleep) -> int:
    """Run, and run again after each change of a file, until Ctrl-C between two runs; the last run's exit status.

    A file that cannot be read, as while an editor saves it, is told, and the next change awaited.
    """
    files = list(places)
    while True:
        seen = stamps(files)
        try:
            status = run()
        except LoadError as error:
            click.echo(f"error: {error}", err=True)
            status = error.exit_code
        click.echo("Waiting for a change; Ctrl-C ends it.", err=True)
        try:
            while stamps(files) == seen:
                sleep(POLL)
        except KeyboardInterrupt:
            return status
