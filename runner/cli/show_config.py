"""`--show-config`: each option, its value, and which source said so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import rich_click as click
from click.core import ParameterSource

from runner.cli.config import Config
from runner.cli.table import show_table
from runner.jstext import js_text
from runner.secrets import Secrets, is_secret_name, mask

_SECRET = frozenset({"postman_api_key", "ssl_client_passphrase"})
"""Options whose whole value is secret. Names alone do not tell: `--ssl-client-key` is a path."""


def show_config(ctx: click.Context) -> None:
    """Print what a run would heed, secrets masked: they are for the run, not for the log of a build."""
    show_table(("option", "value", "from"), [*_options(ctx), *_reporter_options(ctx)])


def _options(ctx: click.Context) -> Iterator[tuple[str, str, str]]:
    for param in ctx.command.params:
        if param.name == "show_config" or _is_reporter_option(param):
            continue
        name = param.opts[-1].lstrip("-") if isinstance(param, click.Option) else param.name or ""
        source = ctx.get_parameter_source(param.name or "")
        yield name, _shown(param.name or "", ctx.params.get(param.name or "")), _source(ctx.meta["config"], param.name, source)


def _is_reporter_option(param: click.Parameter) -> bool:
    return any(name.startswith("--reporter-") for name in param.opts)


def _source(config: Config, name: str | None, source: ParameterSource | None) -> str:
    if source is ParameterSource.DEFAULT_MAP and name:
        return config.origins[name].place
    return "default" if source is ParameterSource.DEFAULT else "command line"


def _reporter_options(ctx: click.Context) -> Iterator[tuple[str, str, str]]:
    config: Config = ctx.meta["config"]
    for name, value in ctx.meta["reporter_options"].items():
        setting = config.origins.get(f"reporter-{name}")
        yield f"reporter-{name}", _shown(name, value), setting.place if setting else "command line"


def _shown(name: str, value: Any) -> str:
    if isinstance(value, tuple):
        return ", ".join(_pair(*part) if isinstance(part, tuple) else _shown(name, part) for part in value)
    if value is None:
        return ""
    return mask(js_text(value)) if name in _SECRET else Secrets().hide(js_text(value))


def _pair(key: str, value: str) -> str:
    return f"{key}={mask(value) if is_secret_name(key) else value}"
