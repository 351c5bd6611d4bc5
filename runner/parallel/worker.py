"""A process that does one job: it reads it from stdin, and writes what happens to stdout.

A frame is a byte that says what it is, four bytes of length and that many bytes (see `packing`): a list of events, an error that
ends the job, or what is for the parent only.
"""

from __future__ import annotations

import gc
import os
import signal
import struct
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, BinaryIO

from runner import early
from runner.errors import PabalError
from runner.parallel.packing import packed, unpacked
from runner.secrets import Secrets

if TYPE_CHECKING:
    from runner.events import RunEvent
    from runner.parallel.job import Job

HEAD = struct.Struct("<cI")
LENGTH = struct.Struct("<Q")
EVENTS, ERROR, STATE, SECRETS = (bytes([letter]) for letter in b"exst")
MOST = 100
"""Events in a frame."""
LATEST = 0.1
"""Seconds that an event waits for others to go with."""


def main() -> None:
    """Do the job on stdin."""
    gc.disable()
    out = Out()
    job = _job()
    if job is None:  # nobody needs this process, and its parent is gone
        return
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        _work(job, out)
    except PabalError as error:
        out.end(ERROR, error)
    except (KeyboardInterrupt, BrokenPipeError):
        sys.exit(1)
    finally:
        early.end()


def _job() -> Job | None:
    """What the parent wants done, behind its length."""
    head = sys.stdin.buffer.read(LENGTH.size)
    return unpacked(sys.stdin.buffer.read(*LENGTH.unpack(head))) if head else None


def _end_with_parent() -> None:
    """Whatever the process waits for. What reads is the system's own: a reader of Python's would be in use at the end."""
    os.read(0, 1)
    os._exit(1)


def _work(job: Job, out: Out) -> None:
    from runner.assemble import Session
    from runner.events import RunFinished

    with Session(job.collection, job.options, warm=True, share=job.share) as session:
        signal.signal(signal.SIGINT, lambda *_: session.interrupt())
        out.secrets = session.secrets
        gc.freeze()
        gc.enable()
        gc.set_threshold(20_000, 20, 20)
        for event in session.events(bodies=job.bodies):
            if isinstance(event, RunFinished):
                out.end(STATE, session.state)
            out.tell(event)
        out.flush()


class Out:
    """Frames to the parent; nothing else in the process may print there. Many events go at once where many happen."""

    def __init__(self) -> None:
        self._file: BinaryIO = os.fdopen(os.dup(1), "wb", buffering=0)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        self._lock = threading.RLock()
        self._held: list[RunEvent] = []
        self.secrets = Secrets()
        self._told: tuple[int, set[str]] = (0, set())
        threading.Thread(target=self._tick, daemon=True).start()

    def tell(self, event: RunEvent) -> None:
        """Send an event, soon."""
        with self._lock:
            self._held.append(event)
            if len(self._held) >= MOST:
                self.flush()

    def flush(self) -> None:
        """Send what waits, and before it the secrets that have become known."""
        with self._lock:
            if not self._held:
                return
            version, told = self._told
            if version != self.secrets.version:
                known = set(self.secrets.values)
                self._told = self.secrets.version, known
                self._write(SECRETS, known - told)
            self._write(EVENTS, self._held)
            self._held = []

    def end(self, kind: bytes, content: Any) -> None:
        """Send what comes at the end, behind all that waits."""
        with self._lock:
            self.flush()
            self._write(kind, content)

    def _tick(self) -> None:
        while True:
            time.sleep(LATEST)
            self.flush()

    def _write(self, kind: bytes, content: Any) -> None:
        data = packed(content)
        frame = memoryview(HEAD.pack(kind, len(data)) + data)
        while frame:
            frame = frame[self._file.write(frame) or 0 :]
