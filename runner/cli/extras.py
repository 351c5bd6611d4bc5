"""Options that the extensions in the package bring to `pabal run`. Without an extension's folder they are not there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from click import get_current_context
from click.core import ParameterSource

MODULES = ("runner.kis.commands",)
"""Modules with `OPTIONS` (click decorators) and `NAMES` (the parameters they make)."""

_FOUND = [import_module(name) for name in MODULES if find_spec(name.rpartition(".")[0])]

EXTRA_OPTIONS: list[Callable[[Any], Any]] = [option for module in _FOUND for option in module.OPTIONS]


def extras_from(values: Mapping[str, Any]) -> dict[str, Any]:
    """The extensions' settings among the parameters click parsed, without what nobody has set."""
    source = get_current_context().get_parameter_source
    names = (name for module in _FOUND for name in module.NAMES if name in values)
    return {name: values[name] for name in names if source(name) is not ParameterSource.DEFAULT}
