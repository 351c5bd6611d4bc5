"""What `--dry-run` shows of a request in the terminal: all that would go out, and what a guard has against it."""

from __future__ import annotations

from collections.abc import Iterator

from runner.events import RequestPlanned
from runner.reporters.cli_verbose import body_lines
from runner.reporters.terminal import Terminal, clean

_ASKED = {"script": ", asked for by a script", "auth": ", for a token", "extension": ", by an extension"}


def planned(event: RequestPlanned, terminal: Terminal) -> Iterator[str]:
    """Method and URL, the guard's objection, headers and body."""
    prepared, word = event.prepared, "would be refused" if event.refused else "not sent"
    verdict = terminal.paint(f"[{word}{_ASKED.get(event.source, '')}]", "red bold" if event.refused else "yellow")
    yield f"{terminal.paint(f'  {prepared.method} {prepared.url}', 'gray')} {verdict}"
    for line in clean(terminal.note(event.objection)).splitlines():
        yield terminal.paint(f"     {line}", "red" if event.refused else "yellow")
    for name, value in prepared.headers:
        yield f"  {terminal.symbols.middle} {terminal.paint(f'{name}: {value}', 'gray')}"
    if prepared.body:
        mode = prepared.request.body.mode if prepared.request and prepared.request.body else "raw"
        yield from body_lines(prepared.body, prepared.header("content-type"), f"{terminal.symbols.up} {mode}", terminal)
