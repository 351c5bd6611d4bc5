"""pabal: run Postman collections from Python.

from runner import load_collection, run

for event in run(load_collection("orders.postman_collection.json")):
    ...
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runner.assemble import Session as Session
    from runner.assemble import lint as lint
    from runner.assemble import run as run
    from runner.errors import ExitCode as ExitCode
    from runner.errors import LoadError as LoadError
    from runner.errors import PabalError as PabalError
    from runner.errors import Refused as Refused
    from runner.errors import SendError as SendError
    from runner.errors import UnresolvedError as UnresolvedError
    from runner.errors import UsageError as UsageError
    from runner.linter import Finding as Finding
    from runner.load import load_collection as load_collection
    from runner.load import load_environment as load_environment
    from runner.model import Collection as Collection
    from runner.model import Environment as Environment
    from runner.model import Variable as Variable
    from runner.options import Options as Options
    from runner.plan import Settings as Settings
    from runner.result import Results as Results
    from runner.result import RunResult as RunResult
    from runner.series import Series as Series

__version__ = "0.1.0"

_HOMES = {
    "assemble": ("Session", "lint", "run"),
    "errors": ("ExitCode", "LoadError", "PabalError", "Refused", "SendError", "UnresolvedError", "UsageError"),
    "linter": ("Finding",),
    "load": ("load_collection", "load_environment"),
    "options": ("Options",),
    "model": ("Collection", "Environment", "Variable"),
    "plan": ("Settings",),
    "result": ("Results", "RunResult"),
    "series": ("Series",),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> Any:
    """Public names are loaded when they are first asked for, so that `import runner` costs next to nothing."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"runner.{_HOME_OF[name]}"), name)
