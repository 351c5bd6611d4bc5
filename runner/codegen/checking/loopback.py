"""Run as a script, `loopback.py PORT FILE …`: FILE as a program whose every connection ends at PORT of this machine."""

from __future__ import annotations

import runpy
import shlex
import shutil
import socket
import sys
from pathlib import Path
from typing import Any

HERE = "127.0.0.1"


def stay(port: int) -> None:
    """From now on every name is this machine, and every connection goes to `port`."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex
    here = (HERE, port)

    def getaddrinfo(host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> list[Any]:
        return [(socket.AF_INET, type or socket.SOCK_STREAM, proto or socket.IPPROTO_TCP, "", here)]

    def guard(event: str, args: tuple[Any, ...]) -> None:
        if event in ("socket.connect", "socket.sendto") and args[1] != here:
            raise PermissionError(f"checked code may not reach {args[1]}")

    def make(self: Any, family: int = -1, *settings: Any, **named: Any) -> None:
        family = socket.AF_INET if family == socket.AF_INET6 else family
        plain.__init__(self, family, *settings, **named)

    plain = socket.socket
    sys.addaudithook(guard)
    vars(socket)["getaddrinfo"] = getaddrinfo
    vars(socket)["socket"] = type(
        "socket",
        (socket.socket,),
        {
            "__init__": make,
            "connect": lambda self, address: connect(self, here),
            "connect_ex": lambda self, address: connect_ex(self, here),
        },
    )


def bind(folder: Path, name: str, port: int) -> None:
    """Put a program into a folder that runs the Python program of that name with its connections ending at `port`.

    Where there is none, or none in Python, it only says so.
    """
    found = shutil.which(name)
    first = Path(found).read_bytes().partition(b"\n")[0].decode("latin-1") if found else ""
    text = f"echo '{name} is not installed, or no program in Python' >&2; exit 127"
    if found and first.startswith("#!") and "python" in first:
        python = first.removeprefix("#!").strip()
        text = f'exec {python} {shlex.quote(__file__)} {port} {shlex.quote(found)} "$@"'
    folder.mkdir()
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o700)


if __name__ == "__main__":
    stay(int(sys.argv[1]))
    sys.argv = sys.argv[2:]
    runpy.run_path(sys.argv[0], run_name="__main__")
