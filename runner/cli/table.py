"""A table on stdout."""

from __future__ import annotations

import sys
from collections.abc import Iterable

_WIDE = 1000


def show_table(titles: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Print a table; where nobody looks its lines are as long as they are."""
    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*titles, box=SIMPLE, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console(width=None if sys.stdout.isatty() else _WIDE).print(table)
