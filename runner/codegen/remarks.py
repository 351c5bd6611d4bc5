"""What the collection says about headers, parameters and fields, as comments; and those that are switched off."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from runner.codegen.writer import string
from runner.model import FormParam, Param, Request
from runner.secrets import Secrets
from runner.url import as_parts

Describe: TypeAlias = Literal["none", "line", "full"]
"""How much of a description is written: nothing, its first line, or all of it."""

Kind: TypeAlias = Literal["header", "query", "field"]

_VARIABLE = re.compile(r"(?:\w+ )?\{\{[^{}]*\}\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Remarks:
    """`about` has descriptions by kind and name (of headers in lower case), `off` lines for what is switched off by kind."""

    about: Mapping[tuple[Kind, str], str] = field(default_factory=dict)
    off: Mapping[Kind, tuple[str, ...]] = field(default_factory=dict)

    def of(self, kind: Kind, name: str | None) -> str:
        """What is said about a header, parameter or field; empty where nothing is."""
        return self.about.get((kind, (name or "").lower() if kind == "header" else name or ""), "")


def remarks_of(request: Request, describe: Describe, secrets: Secrets | None) -> Remarks:
    """The remarks on a request as it is written, secrets hidden."""
    body, hidden = request.body, secrets or Secrets()
    groups: dict[Kind, Iterable[Param | FormParam]] = {"header": request.headers, "query": as_parts(request.url).query}
    groups["field"] = (*body.urlencoded, *body.formdata) if body else ()
    about = {
        (kind, param.key.lower() if kind == "header" else param.key): hidden.hide(text)
        for kind, params in groups.items()
        for param in params
        if not param.disabled and (text := _shown(param.description, describe))
    }
    return Remarks(about=about, off={kind: tuple(_off(params, describe, hidden)) for kind, params in groups.items()})


def _shown(description: str, describe: Describe) -> str:
    lines = ["".join(char if char.isprintable() else " " for char in line).strip() for line in description.splitlines()]
    kept = [line for line in lines if line]
    return "" if describe == "none" else "\n".join(kept if describe == "full" else kept[:1])


def _off(params: Iterable[Param | FormParam], describe: Describe, secrets: Secrets) -> Iterator[str]:
    """What is switched off; of a secret, by whatever name goes for one, only the variable that it comes from."""
    if describe == "none":
        return
    for param in params:
        if param.disabled and param.key:
            value = param.value or ""
            value = value if _VARIABLE.fullmatch(value) else secrets.hide_header(param.key, value)
            remark = secrets.hide(_shown(param.description, "line"))
            yield f"off: {string(param.key)}: {string(value)}" + (f"  ({remark})" if remark else "")
