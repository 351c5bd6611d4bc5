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
from typing import TYPE_CHECKING, Any, BinaryIO

from runner import early
from runner.errors import PabalError
from runner.parallel.packing import packed, unpacked

if TYPE_CHECKING:
    from runner.assemble import Session
    from runner.events import RunEvent
    from runner.parallel.job import Job

HEAD = struct.Struct("<cI")
LENGTH = struct.Struct("<Q")
EVENTS, ERROR, STATE, SECRETS = (bytes([letter]) for letter in b"exst")
MOST = 100
"""Events in a frame: an item that goes on for long is told of meanwhile."""


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
        out.write(ERROR, error)
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


class Out:
    """Frames to the parent; nothing else in the process may print there."""

    def __init__(self) -> None:
        self._file: BinaryIO = os.fdopen(os.dup(1), "wb", buffering=0)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)

    def write(self, kind: bytes, content: Any) -> None:
        """Send one frame."""
        data = packed(content)
        frame = memoryview(HEAD.pack(kind, len(data)) + data)
        while frame:
            frame = frame[self._file.write(frame) or 0 :]


def _work(job: Job, out: Out) -> None:
    from runner.assemble import Session

    with Session(job.collection, job.options, warm=True, share=job.share) as session:
        signal.signal(signal.SIGINT, lambda *_: session.interrupt())
        gc.freeze()
        gc.enable()
        gc.set_threshold(20_000, 20, 20)
        _tell(session, job.bodies, out)


def _tell(session: Session, bodies: bool, out: Out) -> None:
    """Write the events, an item's in one frame. The end of an iteration waits for what follows, the next one or the run's end."""
    from runner import events

    held: list[RunEvent] = []
    known: set[str] = set()
    version = -1
    for event in session.events(bodies=bodies):
        if isinstance(event, events.IterationStarted) and held:
            out.write(EVENTS, held)
            held = []
        held.append(event)
        if isinstance(event, events.RunFinished):
            out.write(STATE, session.state)
        elif not isinstance(event, events.ItemFinished) and (len(held) < MOST or isinstance(event, events.IterationFinished)):
            continue
        if version != session.secrets.version:
            version, before, known = session.secrets.version, known, set(session.secrets.values)
            out.write(SECRETS, known - before)
        out.write(EVENTS, held)
        held = []
