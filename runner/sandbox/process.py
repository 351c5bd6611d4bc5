"""The parent's end of the worker process: starting it, frames, and a watch on the time it takes."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import select
import struct
import sys
import time
from pathlib import Path
from typing import Any

from runner import early
from runner.errors import SandboxError
from runner.model import Json
from runner.sandbox.stack import Origin, first_position

BOOT_SECONDS = 60.0
GRACE_SECONDS = 10.0
PIPE_BYTES = 1 << 20


class Died(Exception):
    """The worker ended in the middle of a script: timeout, memory, stuck (killed from here) or crash."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def widen(*pipes: int) -> None:
    """Let a pipe hold a response body, so that both processes need not take turns at it. The system may refuse."""
    import fcntl

    with contextlib.suppress(OSError):
        for pipe in pipes:
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def utf8(message: str) -> bytes:
    """A message's JSON as bytes. Half a surrogate pair, which UTF-8 cannot carry, goes as JSON's escape of it."""
    return message.encode("utf-8", "backslashreplace")


class Worker:
    """A running worker process.

    Raises:
        SandboxError: Postman's sandbox or the engine is not installed, or the process cannot be started.
    """

    def __init__(self, bootcode: Path, settings: Json) -> None:
        if not bootcode.is_file():
            raise SandboxError(
                f"Postman's script sandbox is missing: {bootcode.name} is not in the installed package",
                hint="install pabal again where npm (or the network, to fetch it) is available: the build puts the file there",
            )
        engine = importlib.util.find_spec("py_mini_racer")
        if engine is None:
            raise SandboxError("the JavaScript engine is not installed", hint="run: pip install mini-racer")
        try:
            self._process = early.take(early.engine(bootcode, settings))
        except OSError as error:
            raise SandboxError(f"the script engine could not be started: {error}") from error
        assert self._process.stdin is not None and self._process.stdout is not None  # noqa: S101
        self._in, self._out = self._process.stdin.fileno(), self._process.stdout.fileno()
        if sys.platform == "linux":
            widen(self._in, self._out)
        self._ready = False
        self.origin = Origin(line=0, column=0)
        self._poll: Any = None
        if hasattr(select, "poll"):
            self._poll = select.poll()
            self._poll.register(self._out, select.POLLIN)

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def wait_ready(self) -> None:
        """Wait until the sandbox is loaded.

        Raises:
            SandboxError: it could not be.
        """
        if self._ready:
            return
        try:
            probe = self.receive(BOOT_SECONDS)
        except Died as death:
            self.kill()
            raise SandboxError(f"the script engine did not start ({death.reason})") from death
        self.origin = first_position(next(said[3] for said in probe if said[0] == "error"))
        self._ready = True

    def send(self, message: str, limit: float) -> None:
        """Begin a script; no turn of it may take longer than `limit` seconds."""
        self._write(struct.pack("<d", limit) + utf8(message))

    def answer(self, message: str) -> None:
        """Answer a call of the script."""
        self._write(utf8(message))

    def receive(self, limit: float) -> list[Any]:
        """What the sandbox said next, a list of messages; empty when it is only still alive.

        Raises:
            Died: the worker is gone or did not answer within the limit.
        """
        frame = self._read(time.monotonic() + limit + GRACE_SECONDS)
        if frame.startswith(b"!"):
            raise Died(frame[1:].decode())
        if not frame:
            return []
        said: list[Any] = json.loads(f"[{frame.decode('utf-16-le', 'surrogatepass')[:-1]}]")
        return said

    def kill(self) -> None:
        """End the process now and wait for it."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait()

    def _write(self, data: bytes) -> None:
        frame = memoryview(struct.pack("<I", len(data)) + data)
        try:
            while frame:
                frame = frame[self._written(frame) :]
        except OSError:
            raise Died("crash") from None

    def _written(self, frame: memoryview) -> int:
        """Write as much as the pipe takes; gevent makes it one that does not wait by itself."""
        try:
            return os.write(self._in, frame)
        except BlockingIOError:
            room = select.poll()
            room.register(self._in, select.POLLOUT)
            room.poll()
            return 0

    def _read(self, deadline: float) -> bytes:
        head = self._exactly(4, deadline)
        return self._exactly(struct.unpack("<I", head)[0], deadline)

    def _exactly(self, length: int, deadline: float) -> bytes:
        data = b""
        while len(data) < length:
            if self._poll is not None and not self._poll.poll(max(deadline - time.monotonic(), 0) * 1000):
                raise Died("stuck")
            chunk = os.read(self._out, length - len(data))
            if not chunk:
                raise Died("crash")
            data = data + chunk if data else chunk
        return data
