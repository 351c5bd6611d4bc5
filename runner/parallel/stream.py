"""The parent's end of a process: what it tells is read as fast as it comes, and kept in a file until its turn."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING

from runner import early
from runner.errors import PabalError
from runner.parallel.job import Job
from runner.parallel.packing import packed, unpacked
from runner.parallel.worker import ERROR, EVENTS, HEAD, LENGTH, SECRETS, STATE

if TYPE_CHECKING:
    from runner.assemble import State
    from runner.events import RunEvent

IN_MEMORY = 1 << 20
"""Bytes of events that wait without a file."""


class Spool:
    """Frames from one thread to another. What waits takes no memory: beyond a megabyte it lies in a file without a name."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 (closed by `close`)
        self._lengths: deque[int] = deque()
        self._read = self._written = 0
        self._ended = False
        self._change = threading.Condition()

    def put(self, frame: bytes) -> None:
        """Add a frame."""
        with self._change:
            self._file.seek(self._written)
            self._file.write(frame)
            self._written += len(frame)
            self._lengths.append(len(frame))
            self._change.notify()

    def end(self) -> None:
        """There is no more to come."""
        with self._change:
            self._ended = True
            self._change.notify()

    def close(self) -> None:
        """Forget all that nobody has read."""
        self._file.close()

    def get(self) -> bytes | None:
        """The next frame, waited for; None at the end."""
        with self._change:
            while not self._lengths:
                if self._ended:
                    return None
                self._change.wait()
            self._file.seek(self._read)
            frame = self._file.read(self._lengths.popleft())
            self._read += len(frame)
            if not self._lengths:  # all has been read: the file begins anew
                self._read = self._written = 0
                self._file.truncate(0)
            return frame


class Stream:
    """A job's process. `pump` starts it and reads it to its end, in a thread; `events` gives what it tells.

    `learn` is called with each secret that the process comes to know, before an event can show that there is one.
    """

    def __init__(self, job: Job, learn: Callable[[str], object]) -> None:
        self._job = job
        self._learn = learn
        self._secrets: deque[str] = deque()
        self._spool = Spool()
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False
        self.how_it_ended = "it could not be started"
        self.interrupted = False
        self.state: State | None = None
        """What the run left, as soon as its last event is there."""

    def pump(self) -> None:
        """Run the process to its end."""
        try:
            if not self._stopped:
                self._run()
        except Exception as error:  # told where its events end, which is here
            self.how_it_ended = str(error)
        finally:
            self._spool.end()

    def _run(self) -> None:
        self._process = process = early.take(early.worker(scripts=self._job.scripts))
        if self._stopped:
            process.kill()
        assert process.stdin is not None and process.stdout is not None  # noqa: S101
        with suppress(BrokenPipeError), process:
            _give(process.stdin, self._job)
            while len(head := process.stdout.read(HEAD.size)) == HEAD.size:
                kind, length = HEAD.unpack(head)
                if len(frame := process.stdout.read(length)) == length:
                    self._take(kind, frame)
        self.how_it_ended = _ending(process.returncode)

    def _take(self, kind: bytes, frame: bytes) -> None:
        """Events wait for their turn, maybe in a file; secrets never lie there."""
        if kind in (EVENTS, ERROR):
            self._spool.put(frame)
        elif kind == STATE:
            self.state = unpacked(frame)
        elif kind == SECRETS:
            self._secrets.extend(unpacked(frame))

    def events(self) -> Iterator[RunEvent]:
        """The events in order.

        Raises:
            PabalError: what ended the process.
        """
        while (frame := self._spool.get()) is not None:
            while self._secrets:
                self._learn(self._secrets.popleft())
            found: list[RunEvent] | PabalError = unpacked(frame)
            if isinstance(found, PabalError):
                raise found
            yield from found

    def interrupt(self) -> None:
        """Have the run end with its last events."""
        self.interrupted = True
        if self._process is None:
            self._stopped = True
        elif os.name == "nt":
            self._process.kill()
        else:
            self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """End the process at once, unless it is about to end by itself."""
        self._stopped = True
        if self._process is not None and self.state is None:
            self._process.kill()

    def close(self) -> None:
        """Forget what has not been asked for; the process has ended."""
        self._spool.close()


def _give(file: IO[bytes], job: Job) -> None:
    data = packed(job)
    file.write(LENGTH.pack(len(data)) + data)
    file.flush()


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit status {code}"
    with suppress(ValueError):
        return f"killed by {signal.Signals(-code).name}"
    return f"killed by signal {-code}"
