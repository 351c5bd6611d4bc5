"""What the collection says about headers, parameters and fields, as comments; and those that are switched off."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from runner.codegen.names import environ_name
from runner.codegen.writer import string, visible
from runner.model import FormParam, Param, Request
from runner.secrets import Secrets
from runner.url import as_parts

Describe: TypeAlias = Literal["none", "line", "full"]
"""How much of a description is written: nothing, its first line, or all of it."""

Kind: TypeAlias = Literal["header", "query", "field"]

_VARIABLE = re.compile(r"(?P<scheme>\w+ )?\{\{(?P<name>[^{}]*)\}\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Off:
    """What is switched off: its name, its value as Python, and what is said about it."""

    name: str
    value: str
    about: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Remarks:
    """`about` has descriptions by kind and name (of headers in lower case), `off` what is switched off by kind."""

    about: Mapping[tuple[Kind, str], str] = field(default_factory=dict)
    off: Mapping[Kind, tuple[Off, ...]] = field(default_factory=dict)

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
    lines = [visible(line).strip() for line in description.splitlines()]
    kept = [line for line in lines if line]
    return "" if describe == "none" else "\n".join(kept if describe == "full" else kept[:1])


def _off(params: Iterable[Param | FormParam], describe: Describe, secrets: Secrets) -> Iterator[Off]:
    """What is switched off; a variable comes from the process environment, a literal secret by whatever name is hidden."""
    if describe == "none":
        return
    for param in params:
        if param.disabled and param.key and not (isinstance(param, FormParam) and param.type == "file"):
            about = secrets.hide(_shown(param.description, describe))
            yield Off(name=param.key, value=_value(param.key, param.value or "", secrets), about=about)


def _value(name: str, value: str, secrets: Secrets) -> str:
    variable = _VARIABLE.fullmatch(value)
    if variable is None:
        return string(secrets.hide_header(name, value))
    key = string(environ_name(variable["name"]))
    scheme = variable["scheme"]
    return f'f"{scheme}{{os.environ[{key.replace(chr(34), chr(39))}]}}"' if scheme else f"os.environ[{key}]"
