"""How Sphinx makes the documentation of docs/: `make docs`."""

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

from runner import __version__ as release

project = "pabal"
copyright = "the authors of pabal, Apache-2.0"
version = release

extensions = ["myst_parser", "sphinx.ext.autodoc"]
myst_heading_anchors = 3
default_role = "literal"  # what `backticks` in docstrings are
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_type_aliases = {"Source": "Source"}
add_module_names = False

html_theme = "furo"
html_title = "pabal"
html_copy_source = False
html_show_sourcelink = False
html_show_search_summary = False  # browsers let no page that is a file read another one


READMES = {"overview": "README.md", "overview.ko": "README.ko.md"}


def readme(app: Sphinx, page: str, text: list[str]) -> None:
    """Put a README in the place of the page that leads to it, its links as they are from here."""
    if name := READMES.get(page):
        whole = Path(__file__).parents[1].joinpath(name).read_text("utf-8").replace("](docs/", "](")
        text[0] = whole.replace("](README.ko.md)", "](overview.ko.md)").replace("](README.md)", "](overview.md)")


def raises(app: Sphinx, what: str, name: str, obj: object, options: Any, lines: list[str]) -> None:
    """Errors as Sphinx has them. (Its napoleon also takes what stands before a colon in a property for the type of that.)"""
    text, _, errors = "\n".join(lines).partition("\nRaises:\n")
    lines[:] = [*text.splitlines(), "", *re.sub(r"(?m)^    (\w+): ", r":raises \1: ", errors).splitlines()]


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("source-read", readme)
    app.connect("autodoc-process-docstring", raises)
