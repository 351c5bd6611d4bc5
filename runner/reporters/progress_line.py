"""One line on stderr that says what is going on right now, gone when the run is over."""

from __future__ import annotations

from typing import TextIO

from runner import events
from runner.events import RunEvent
from runner.reporters.terminal import clean


class ProgressLine:
    """Shows the current item, how far the run is and how much failed. `width` is the terminal's, in columns.

    Whoever writes to the same terminal calls `erase` before and `draw` after.
    """

    def __init__(self, err: TextIO, width: int | None) -> None:
        self._err = err
        self._width = width or 80
        self._text = ""
        self._shown = False

    def handle(self, event: RunEvent, failures: int) -> None:
        """Take note of what runs now."""
        if isinstance(event, events.ItemStarted):
            place = event.place
            done = place.iteration * place.length + place.position + 1
            failed = f", {failures} failed" if failures else ""
            self._text = f"{done}/{place.length * place.cycles}{failed}  {place.title}"
        elif isinstance(event, events.RunFinished):
            self._text = ""

    def erase(self) -> None:
        """Take the line off the screen."""
        if self._shown:
            self._err.write("\r\x1b[K")
            self._err.flush()
            self._shown = False

    def draw(self) -> None:
        """Put the line on the screen again, if there is something to say."""
        if self._text:
            self._err.write(f"\r\x1b[2m{_cut(clean(self._text), self._width - 1)}\x1b[0m\x1b[K")
            self._err.flush()
            self._shown = True


def _cut(text: str, columns: int) -> str:
    """The text on one line of so many columns; wide characters take two."""
    text = text.replace("\n", " ").replace("\t", " ")
    if len(text) <= columns and text.isascii():
        return text
    from rich.cells import cell_len, set_cell_size

    return text if cell_len(text) <= columns else set_cell_size(text, columns - 1) + "…"
