"""Processes that are started before anything else is imported, where a glance at the command line says that they are needed.

The script engine takes as long to be ready as all imports of a run do, and has a core of its own for it; so do the processes of a
divided run. The glance may err: what it does not see starts later, and what nobody needs ends with the command.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from subprocess import Popen

HERE = Path(__file__).parent / "sandbox"
BOOTCODE = HERE / "vendor" / "bootcode.js"
SETTINGS: Mapping[str, Any] = {"memory_limit": 512 * 1024 * 1024, "console_limit": 1024 * 1024, "mute": True, "tidy": False}
"""What the engine is told where nothing else is wanted: bytes, characters of console output, no warnings of deprecation."""

_SCRIPT = re.compile(rb'"exec"\s*:\s*(?:\[(?:\s*"(?:\s|\\[nrt])*"\s*,)*\s*)?"(?:\s|\\[nrt])*[^\s"\\]')
_JOBS = re.compile(r"(?:-j|--jobs=?)(\d{0,4}|auto)")
_WORKER = """
import json, sys
sys.path[:] = json.loads(sys.argv[1])
from runner import early
if sys.argv[2:]: early.begin(early.engine())
from runner.parallel.worker import main
main()
"""


class Command(NamedTuple):
    """How a process is started; `silent` ones cannot write to stderr."""

    words: tuple[str, ...]
    silent: bool = False


_begun: dict[Command, list[Popen[bytes]]] = {}


def glance(words: Sequence[str]) -> None:
    """Start what is needed if these words of a command line are to run a file with scripts."""
    if words[:1] == ["run"] and any(_has_script(Path(word)) for word in words[1:] if not word.startswith("-")):
        jobs = _jobs(words)
        begin(worker(scripts=True) if jobs > 1 else engine(), jobs)


def _jobs(words: Sequence[str]) -> int:
    """How many processes are to run at once."""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if found := _JOBS.fullmatch(word):
            number = found[1] or following
            return min(int(number), processors()) if number.isdigit() else processors()
    return 1


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def _has_script(path: Path) -> bool:
    try:
        return path.suffix == ".json" and bool(_SCRIPT.search(path.read_bytes()))
    except (OSError, ValueError):  # told when the file is really read
        return False


def engine(bootcode: Path = BOOTCODE, settings: Mapping[str, Any] = SETTINGS) -> Command:
    """A script engine."""
    import json

    argument = json.dumps({**settings, "bootcode": str(bootcode), "path": _paths()})
    return Command((sys.executable, "-I", "-S", str(HERE / "worker.py"), argument), silent=True)


def worker(*, scripts: bool) -> Command:
    """A process that takes part in a run, see `parallel.worker`."""
    import json

    return Command((sys.executable, "-I", "-c", _WORKER, json.dumps(_paths()), *(["scripts"] if scripts else [])))


def _paths() -> list[str]:
    return [str(Path(entry).absolute()) for entry in sys.path if entry]


def begin(command: Command, number: int = 1) -> None:
    """Start processes; who needs them takes them later."""
    with suppress(OSError):  # told when they are needed
        for place in range(number):
            _begun.setdefault(command, []).append(start(command, share(place, number)))


def share(place: int, of: int) -> Sequence[int]:
    """The processors that one of several busy processes keeps to, each with its script engine: none waits for another then."""
    mine = sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else []
    first, end = place * len(mine) // of, (place + 1) * len(mine) // of
    return mine[first : max(end, first + 1)]


def take(command: Command) -> Popen[bytes]:
    """A process: one that was begun, or a new one.

    Raises:
        OSError: it cannot be started.
    """
    with suppress(KeyError, IndexError):
        return _begun[command].pop()
    return start(command)


def start(command: Command, processors: Sequence[int] = ()) -> Popen[bytes]:
    """A new process, which keeps to these processors, if any are named.

    Raises:
        OSError: it cannot be started.
    """
    import subprocess

    process = subprocess.Popen(  # noqa: S603
        command.words,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if command.silent else None,
        start_new_session=os.name != "nt",
    )
    if processors and sys.platform == "linux":
        os.sched_setaffinity(process.pid, processors)
    return process


def end(spared: Command | None = None, number: int = 0) -> None:
    """End what nobody took, for the end of a command, or all but a number of one kind."""
    for command, begun in _begun.items():
        while len(begun) > (number if command == spared else 0):
            with begun.pop() as process:
                process.kill()
