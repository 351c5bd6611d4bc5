"""The script engine gives back the memory that only its start needs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from runner.sandbox.v8 import V8Sandbox
from runner.sandbox.worker import unwritten
from tests.scripts import run

MAPS = """
5607-5608 r--p 00000000 fe:00 1 /usr/bin/python3.11
7f00aa000000-7f00ab7b8000 r--p 00000000 fe:00 2 /site packages/libmini_racer.so
7f00ab7b8000-7f00ad3a2000 r-xp 017b7000 fe:00 2 /site packages/libmini_racer.so
7f00ad3a2000-7f00ad495000 r--p 033a1000 fe:00 2 /site packages/libmini_racer.so
7f00ad495000-7f00ad4c6000 rw-p 03492000 fe:00 2 /site packages/libmini_racer.so
7f00ad4c6000-7f00ad512000 rw-p 00000000 00:00 0
"""


def test_what_the_loader_has_written_is_never_given_back() -> None:
    found = list(unwritten("libmini_racer.so", MAPS.strip()))
    assert found == [(0x7F00AA000000, 0x7F00AB7B8000), (0x7F00AB7B8000, 0x7F00AD3A2000)]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux is told to give pages back")
def test_the_names_in_v8s_library_are_not_kept_in_memory() -> None:
    with V8Sandbox() as sandbox:
        run(sandbox, "pm.variables.set('a', 1)")
        lines = Path(f"/proc/{sandbox.pid}/smaps").read_text().splitlines()
    first = next(at for at, line in enumerate(lines) if line.endswith("libmini_racer.so"))
    resident = next(int(line.split()[1]) for line in lines[first:] if line.startswith("Rss:"))
    assert resident < 10 * 1024, "20 MB are read to load it"
