"""Collections to locustfiles: the public twin of `pabal locust`."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from runner import __version__
from runner import url as urls
from runner.assemble import Session
from runner.codegen.code import templates
from runner.codegen.docs import harmless
from runner.codegen.format import formatted
from runner.codegen.names import environ_name, pascal
from runner.codegen.writer import Code, Expression, Style, call, literal, mapping, sequence, string, write
from runner.errors import UsageError
from runner.options import Options
from runner.plan import Plan, Settings
from runner.secrets import without_credentials

_FLAT = Style(width=10**9)
_LEADING = re.compile(r"\{\{([^{}$]+)\}\}")
_GIVEN_ANEW = ("environ", "stdin", "extras", "show_secrets")
"""What a locustfile gets from where it runs, or never."""
_PLACES = frozenset(
    "environment globals data vault packages cookie_jar working_dir "
    "ssl_client_cert ssl_client_key ssl_client_cert_list ssl_extra_ca_certs".split()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOptions:
    """How users behave: seconds `shortest` to `longest` between iterations, what follows the last row of data."""

    shortest: float = 1
    longest: float = 3
    at_end: Literal["start over", "stop"] = "start over"
    host_variable: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Locustfile:
    """A locustfile, and the variables of the process environment that it takes secrets from."""

    text: str
    environ: tuple[str, ...]


def locustfile(session: Session, source: str | Path, load: LoadOptions, output: Path) -> Locustfile:
    """The locustfile at `output` that runs the session's collection, which was read from `source`. Nothing is sent.

    Raises:
        UsageError: something is given that cannot be read again when the locustfile runs.
    """
    writer = Writer(session=session, folder=output.parent)
    collection, options = writer.place(source), writer.options()
    host_variable = _leading(session.plan) if load.host_variable is None else load.host_variable
    text = templates().get_template("locustfile.py.j2").render(
        doc=harmless(session.collection.name or "A collection"),
        version=__version__,
        file=output.name,
        here=writer.here,
        name=pascal(session.collection.name, fallback="collection"),
        collection=write(collection, style=_FLAT),
        options=write(options, style=_FLAT),
        settings="Settings(" in write(options, style=_FLAT),
        shortest=_number(load.shortest),
        longest=_number(load.longest),
        data=session.options.data is not None,
        at_end=load.at_end,
        host_variable=host_variable and string(host_variable),
    )  # fmt: skip
    return Locustfile(text=formatted(text, Style()), environ=tuple(writer.environ))


def _number(value: float) -> str:
    return f"{value:g}"


def _leading(plan: Plan) -> str:
    """The variable that most URLs begin with; empty where none does."""
    texts = (urls.unparse(step.item.request.url) for step in plan.steps)
    found = Counter(name[1].strip() for text in texts if (name := _LEADING.match(text)))
    return next((name for name, _ in found.most_common(1)), "")


@dataclass(kw_only=True)
class Writer:
    """Options as Python. Paths are written from `folder` on; `environ` are the variables that the code takes secrets from."""

    session: Session
    folder: Path
    environ: list[str] = field(default_factory=list)
    here: bool = False

    def options(self) -> Expression:
        """The options that are not as they are anyway."""
        return call("Options", **dict(self._given(self.session.options)), environ=Code("os.environ"))

    def place(self, place: Any) -> Expression:
        """A file by its way from the locustfile; a URL or a UID as it is.

        Raises:
            UsageError: it cannot be read again when the locustfile runs, or has a password in it.
        """
        if not isinstance(place, str | Path) or place == "-":
            raise UsageError("a locustfile needs files, URLs or UIDs, which are read when it runs", where="-")
        if Path(place).exists():
            self.here = True
            way = os.path.relpath(place, self.folder)
            return Code(f"HERE / {string(Path(way).as_posix())}")
        if (shown := without_credentials(str(place))) != place:
            raise UsageError("no password or key is written into a locustfile", where=shown, hint="give a file")
        return literal(str(place))

    def _given(self, given: Options | Settings) -> Iterator[tuple[str, Expression]]:
        plain = type(given)()
        for each in fields(given):
            value = getattr(given, each.name)
            if each.name not in _GIVEN_ANEW and value != getattr(plain, each.name):
                yield each.name, self._value(each.name, value, secret=not each.repr)

    def _value(self, name: str, value: Any, *, secret: bool) -> Expression:
        if secret:
            return self._fetched(f"PABAL_{name.upper()}")
        if isinstance(value, Settings):
            return call("Settings", **dict(self._given(value)))
        if isinstance(value, Mapping):
            return mapping((literal(key), self._variable(key, text)) for key, text in value.items())
        if name in ("env_files", "expect_files"):
            return sequence(map(self.place, value), "()")
        return self.place(value) if name in _PLACES else literal(value)

    def _variable(self, key: str, value: str) -> Expression:
        return self._fetched(environ_name(key)) if self.session.secrets.is_secret(key) else literal(value)

    def _fetched(self, name: str) -> Expression:
        self.environ.append(name)
        return Code(f'os.environ.get({string(name)}, "")')
