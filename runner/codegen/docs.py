"""Docstrings from names and descriptions."""

from __future__ import annotations


def docstring(title: str, notes: str, depth: int) -> str:
    """A docstring at a depth of indentation: the title, and a description below it."""
    indent = "    " * depth
    lines = [line.rstrip() for line in harmless(notes.strip()).splitlines()]
    below = ["", *(f"{indent}{line}".rstrip() for line in lines), indent] if lines else []
    return '"""' + "\n".join([harmless(title) or "A request without a name.", *below]) + '"""'


def harmless(text: str) -> str:
    """A text inside of a docstring."""
    return text.replace("\\", "\\\\").replace('"""', "'''").removesuffix('"') + ("'" if text.endswith('"') else "")
