"""Run as a script, `drive.py FOLDER` runs the tests there, `drive.py FILE` a program.

`drive.py FILE CALL …` calls the methods of a generated client.
"""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import operator
import os
import runpy
import sys
from pathlib import Path
from typing import Any


def tests(folder: str) -> int:
    """Run generated test modules."""
    import pytest

    _trust_the_recorder()
    return pytest.main(["-q", "-p", "no:cacheprovider", "-c", "/dev/null", f"--rootdir={folder}", folder])


def program(path: str) -> int:
    """Run a generated program, which exits by itself."""
    _trust_the_recorder()
    sys.argv = [path]
    runpy.run_path(path, run_name="__main__")
    return 0


def _trust_the_recorder() -> None:
    """pabal's engine trusts certifi's authorities only, so the recorder's takes their place."""
    import certifi

    vars(certifi)["where"] = lambda: os.environ["SSL_CERT_FILE"]


async def client(path: str, calls: list[str]) -> int:
    """Call methods of a client in turn, or await them; one that fails is told and does not keep the others back."""
    spec = importlib.util.spec_from_file_location("client", path)
    assert spec and spec.loader  # noqa: S101 (the file is there)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = getattr(module, module.__all__[0]).from_env(allow_changes=True)
    for call in calls:
        try:
            await _awaited(operator.attrgetter(call)(made)())
        except Exception as error:
            sys.stderr.write(f"{call}: {type(error).__name__}: {error}\n")
    await _awaited(made.aclose() if hasattr(made, "aclose") else made.close())
    return 0


async def _awaited(found: Any) -> None:
    if inspect.isawaitable(found):
        await found


if __name__ == "__main__":
    place, *wanted = sys.argv[1:]
    sys.exit(tests(place) if Path(place).is_dir() else asyncio.run(client(place, wanted)) if wanted else program(place))
