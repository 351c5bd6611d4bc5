"""What `--verbose` adds to a request in the terminal: sizes, bodies and how long each phase took."""

from __future__ import annotations

from collections.abc import Iterator

from runner.model import Prepared, Response
from runner.reporters.terminal import Terminal, clean
from runner.reporters.text import text_of
from runner.reporters.units import duration, size

_CLIP = 2048


def details(prepared: Prepared, response: Response, terminal: Terminal) -> Iterator[str]:
    """The lines below a request that was answered."""
    yield _overview(prepared, response, terminal)
    symbols = terminal.symbols
    if prepared.body:
        mode = prepared.request.body.mode if prepared.request and prepared.request.body else "raw"
        yield from body_lines(prepared.body, prepared.header("content-type"), f"{symbols.up} {mode}", terminal)
    kind = f"{symbols.down} {response.header('content-type') or 'no content type'}"
    if response.body:
        yield from body_lines(response.body, response.header("content-type"), kind, terminal)
    else:
        yield f"  {clean(kind)}"
    yield from _phases(response, terminal)


def _overview(prepared: Prepared, response: Response, terminal: Terminal) -> str:
    symbols = terminal.symbols

    def gray(text: str) -> str:
        return terminal.paint(text, "gray")

    sent = len(prepared.body or b"") + sum(len(name) + len(value) + 4 for name, value in prepared.headers)
    parts = [
        clean(f"{response.code} {response.reason}"),
        f"{terminal.note(duration(response.timings.total))} {gray('time')}",
        f"{size(sent)}{gray(symbols.up)} {size(response.wire_size + response.header_size)}{gray(symbols.down)} {gray('size')}",
        f"{len(prepared.headers)}{gray(symbols.up)} {len(response.headers)}{gray(symbols.down)} {gray('headers')}",
        f"{len(response.cookies)} {gray('cookies')}",
        *([terminal.note(response.note)] if response.note else []),
    ]
    return "  " + f" {gray(symbols.star)} ".join(parts)


def body_lines(body: bytes, content_type: str | None, title: str, terminal: Terminal) -> Iterator[str]:
    """A body in a frame, as far as it is text and not too long."""
    symbols = terminal.symbols
    yield f"  {symbols.top} {clean(title)} {terminal.paint(symbols.star, 'gray')} {size(len(body))}"
    text = text_of(body, content_type)
    for line in ("(binary)",) if text is None else text[:_CLIP].splitlines():
        if line.strip():
            yield f"  {symbols.middle} {terminal.paint(line, 'gray')}"
    if text is not None and len(text) > _CLIP:
        yield f"  {symbols.middle} (showing {size(_CLIP)}/{size(len(body))})"
    yield f"  {symbols.bottom}"


def _phases(response: Response, terminal: Terminal) -> Iterator[str]:
    timings = response.timings
    phases = {
        "dns-lookup": timings.dns,
        "tcp-handshake": timings.connect,
        "ssl-handshake": timings.tls,
        "transfer-start": timings.first_byte,
        "download": timings.download,
        "total": timings.total,
    }
    if not response.url.startswith("https:"):
        del phases["ssl-handshake"]
    times = [terminal.note(duration(time)) if time else "(cache)" for time in phases.values()]
    widths = [max(len(name), len(time)) for name, time in zip(phases, times, strict=True)]
    yield "  " + "   ".join(name.ljust(width) for name, width in zip(phases, widths, strict=True)).rstrip()
    yield terminal.paint("  " + "   ".join(time.ljust(width) for time, width in zip(times, widths, strict=True)).rstrip(), "gray")
    yield ""
