"""What the documentation has its readers type: the fenced blocks of its pages, and the commands in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[1]
SAMPLES = ROOT / "docs/samples"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]

_FILE = re.compile(r"`([\w./-]*\.\w+)`:$")
_COMMENT = re.compile(r"(^|\s+)#\s.*$", re.MULTILINE)
_CONSOLE = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n?)*)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block. `file` is its name where the text before it ends with that: "`.env`:"."""

    page: Path
    line: int
    language: str
    text: str
    file: str = ""

    def __str__(self) -> str:
        return f"{self.page.name} line {self.line}: {self.language}"

    @property
    def commands(self) -> tuple[tuple[str, str | None], ...]:
        """Command lines, and what they print where the block shows it."""
        text = self.text.replace("\\\n", " ")
        if self.language == "console":
            return tuple((found[1], found[2]) for found in _CONSOLE.finditer(text))
        return tuple((line.strip(), None) for line in without_comments(text).splitlines() if line.strip())


def blocks(page: Path) -> Iterator[Block]:
    """All code of a page in its order; code that is indented has no language and none that it could be run as."""
    before = ""
    for token in MarkdownIt("commonmark").parse(page.read_text("utf-8")):
        if token.type == "inline":
            before = token.content
        elif token.type in ("fence", "code_block") and token.map:
            language = token.info.partition(" ")[0]
            named = _FILE.search(before)
            yield Block(page=page, line=token.map[0] + 1, language=language, text=token.content, file=named[1] if named else "")
            before = ""


def without_comments(text: str) -> str:
    """Code without what only people read, and without the blanks before it."""
    return "\n".join(line for line in _COMMENT.sub("", text).splitlines() if line.strip())


def prose(page: Path) -> str:
    """All that stands outside of blocks."""
    return "\n".join(token.content for token in _sentences(page))


def code_in_sentences(page: Path) -> list[str]:
    """What stands between backticks outside of blocks."""
    return [child.content for token in _sentences(page) for child in token.children or () if child.type == "code_inline"]


def _sentences(page: Path) -> list[Token]:
    return [token for token in MarkdownIt("commonmark").parse(page.read_text("utf-8")) if token.type == "inline"]
