"""The script engine's process, started before anything else is imported where a glance at the files says that it is needed.

It takes as long to be ready as all imports of a run do, and has a core of its own for it. The glance may err: where it sees no
script the engine starts later, and where it sees one that does not run the engine ends with the command.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from subprocess import Popen

HERE = Path(__file__).parent / "sandbox"
BOOTCODE = HERE / "vendor" / "bootcode.js"
SETTINGS: Mapping[str, Any] = {"memory_limit": 512 * 1024 * 1024, "console_limit": 1024 * 1024, "mute": True, "tidy": False}
"""What the engine is told where nothing else is wanted: bytes, characters of console output, no warnings of deprecation."""

_SCRIPT = re.compile(rb'"exec"\s*:\s*(?:\[(?:\s*"(?:\s|\\[nrt])*"\s*,)*\s*)?"(?:\s|\\[nrt])*[^\s"\\]')
_begun: dict[str, Popen[bytes]] = {}


def glance(words: Sequence[str]) -> None:
    """Start the engine if these words of a command line are to run a file with scripts."""
    if words[:1] != ["run"] or any(word.startswith(("-j", "--jobs")) for word in words):  # those processes have their own
        return
    if any(_has_script(Path(word)) for word in words[1:] if not word.startswith("-")):
        begin()


def begin() -> None:
    """Start the engine; who needs it takes it later."""
    argument = argument_of(BOOTCODE, SETTINGS)
    with suppress(OSError):  # told when the engine is needed
        _begun[argument] = start(argument)


def _has_script(path: Path) -> bool:
    try:
        return path.suffix == ".json" and bool(_SCRIPT.search(path.read_bytes()))
    except (OSError, ValueError):  # told when the file is really read
        return False


def argument_of(bootcode: Path, settings: Mapping[str, Any]) -> str:
    """What the process is given on its command line."""
    import json

    paths = [str(Path(entry).absolute()) for entry in sys.path if entry]
    return json.dumps({**settings, "bootcode": str(bootcode), "path": paths})


def take(argument: str) -> Popen[bytes]:
    """The process for this argument: the one that was begun, or a new one.

    Raises:
        OSError: it cannot be started.
    """
    return _begun.pop(argument, None) or start(argument)


def start(argument: str) -> Popen[bytes]:
    """A new process.

    Raises:
        OSError: it cannot be started.
    """
    import os
    import subprocess

    return subprocess.Popen(  # noqa: S603
        [sys.executable, "-I", "-S", str(HERE / "worker.py"), argument],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        start_new_session=os.name != "nt",
    )


def end() -> None:
    """End what nobody took, for the end of a command."""
    while _begun:
        _, process = _begun.popitem()
        with process:
            process.kill()
