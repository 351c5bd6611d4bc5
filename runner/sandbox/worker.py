"""The child process that runs scripts: Postman's sandbox on V8, spoken to over stdin and stdout.

It is started by the path of this file and imports nothing of pabal, so that it is up in a fraction of a second.
A frame is four bytes of length and that many bytes. What comes in is JSON that goes to V8 as it is; what goes out is a
list of JSON texts in UTF-16, as V8 wrote it to shared memory, or, on the way out, `!` and a reason.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import json
import os
import re
import select
import signal
import struct
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PARTS = ("host", "rejections", "asyncs", "web", "encoding", "url", "urlclasses", "crypto")
OUTBOX_BYTES = 1 << 20
BODY = 32  # where the text begins in the outbox, after six int32 and a float64
HEARTBEAT = 5.0
SYNTAX_ERROR = "SyntaxError".encode("utf-16-le")
PARSE = b'["parse",'
LINE_ENDS = re.compile("\r\n|[\n\r\u2028\u2029]")
POLL = 0.05
DIFFERENCE_LIMIT = 1 << 16  # characters of what an assertion compared
# Scripts are many and small: garbage is taken out early, which keeps memory flat, and no long compilation stops a script.
V8_FLAGS = ("--single-threaded", "--max-semi-space-size=1", "--maglev", "--no-turbofan")
NEVER = 20 * 86400.0


class Pipes:
    """Frames over stdin and stdout; nothing else in the process may print there."""

    def __init__(self) -> None:
        self._in, self._out = os.dup(0), os.dup(1)
        quiet = os.open(os.devnull, os.O_RDWR)
        os.dup2(quiet, 0)
        os.dup2(quiet, 1)

    def read(self) -> bytes | None:
        """The next frame, None at the end of the input."""
        head = self._exactly(4)
        return self._exactly(struct.unpack("<I", head)[0]) if head else None

    def _exactly(self, length: int) -> bytes | None:
        chunk = os.read(self._in, length) if length else b""
        while len(chunk) < length:
            more = os.read(self._in, length - len(chunk))
            if not more:
                return None
            chunk += more
        return chunk

    def write(self, data: bytes) -> None:
        """Send one frame."""
        frame = memoryview(struct.pack("<I", len(data)) + data)
        while frame:
            frame = frame[os.write(self._out, frame) :]

    def wait(self, seconds: float) -> bool:
        """Whether something comes in within that time. Windows cannot wait on a pipe: there an answer is not looked for."""
        if os.name == "nt":
            time.sleep(seconds)
            return False
        return bool(select.select([self._in], [], [], seconds)[0])


class Watchdog(threading.Thread):
    """Ends the process when V8 does not come back, eats too much memory, or the parent is gone."""

    def __init__(self, engine: Engine, pipes: Pipes, memory_limit: int) -> None:
        super().__init__(daemon=True)
        self._engine, self._pipes = engine, pipes
        self._memory_limit = memory_limit
        self._parent = os.getppid()

    def run(self) -> None:
        while True:
            time.sleep(POLL)
            if os.getppid() != self._parent:
                os._exit(1)
            entered = self._engine.entered
            if entered and time.monotonic() - entered > self._engine.limit:
                self._end("timeout")
            if entered and own_memory() > self._memory_limit:
                self._end("memory")

    def _end(self, reason: str) -> None:
        with contextlib.suppress(OSError):
            self._pipes.write(self._engine.said())
            self._pipes.write(f"!{reason}".encode())
        os._exit(1)


def own_memory() -> int:
    """Bytes of memory only this process uses; 0 where the system does not say."""
    try:
        _, used, shared = PROCESS_MEMORY.read_bytes().split()[:3]
    except OSError:
        return 0
    return (int(used) - int(shared)) * PAGE


PROCESS_MEMORY, MAPS = Path("/proc/self/statm"), Path("/proc/self/maps")
DONTNEED = 4  # MADV_DONTNEED
PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


class Engine:
    """V8 with the prelude and Postman's sandbox in it.

    A message goes in by assigning to a property: its setter runs the turn, and mini-racer has no cheaper way in. What the
    sandbox says comes out through memory shared with V8. mini-racer returns before V8 has emptied its microtasks: that
    memory may be touched only after a turn that was idle, which waited for them, or when the script is finished.
    """

    def __init__(self, bootcode: str, settings: dict[str, Any]) -> None:
        sys.modules["ssl"] = None  # type: ignore[assignment]  # asyncio, which mini-racer imports, does without it
        from py_mini_racer import MiniRacer, init_mini_racer

        del sys.modules["ssl"]

        init_mini_racer(flags=V8_FLAGS)
        give_back()
        self._racer = MiniRacer()
        self._racer.set_hard_memory_limit(settings["memory_limit"])
        gate: Any = self._racer.eval(prelude(settings))
        memory: Any = gate["memory"]
        self._gate = gate
        self._memory = memory
        self._head, self._clock = memory[:24].cast("i"), memory[24:32].cast("d")
        self._racer.eval(bootcode)
        self.limit = 60.0
        self.entered = 0.0
        self.hear('["initialize",{}]')

    def hear(self, message: str) -> None:
        """Give the sandbox a message. mini-racer comes back before V8 has run its microtasks: a turn waits for them."""
        self._enter("message", message)

    def turn(self) -> bool:
        """Wait for the microtasks and fire the next timer that is due; False when there was nothing to do."""
        self._enter("turn", "")
        return not self._head[5]

    def _enter(self, door: str, value: str) -> None:
        self.entered = time.monotonic()
        self._gate[door] = value
        self.entered = 0.0

    def said(self) -> bytes:
        """Take what the sandbox said, JSON texts each followed by a comma, in UTF-16."""
        length = self._head[0]
        text = bytes(self._memory[BODY : BODY + 2 * length])
        self._head[0] = 0
        return text

    def rest(self) -> bytes:
        """Take what did not fit the shared memory."""
        return str(self._gate["rest"]).encode("utf-16-le", "surrogatepass") if self._head[3] else b""

    def syntax_error(self, code: str) -> tuple[str, int, int] | None:
        """Message, line and column, from 1, where a script does not parse; the line is 0 where that is behind its end.

        The `return` at the end keeps it from ever being run: a script that parses fails there, since only behind a whole
        function it is illegal.
        """
        from py_mini_racer import JSParseException

        code = code.encode("utf-8", "replace").decode()  # half a surrogate pair cannot go into V8 this way
        try:
            self._racer.eval(f"(async()=>{{;\n{code}\n;}})\nreturn")
        except JSParseException as error:
            first, *lines = str(error).split("\n")
            place, _, message = first.split(": ", 2)
            line, last = int(place.rpartition(":")[2]) - 1, len(LINE_ENDS.findall(code)) + 1
            if (message, line) == ("Illegal return statement", last + 2):
                return None
            if line > last:
                message = f"{message} behind its end: something is left open, or closed once too often"
            caret = next((each.index("^") for each in lines if "^" in each and not each.strip(" \t^")), 0)
            return message, line if 0 < line <= last else 0, caret + 1
        return None

    @property
    def finished(self) -> bool:
        return bool(self._head[1])

    @property
    def calls(self) -> int:
        """How many calls that need an answer the sandbox has made since it started."""
        return int(self._head[4])

    @property
    def asking(self) -> bool:
        return bool(self._head[2])

    def questions(self) -> list[list[Any]]:
        """The cryptographic operations scripts wait for: number, operation, arguments."""
        asked: list[list[Any]] = json.loads(str(self._gate["questions"]))
        return asked

    @property
    def stalled(self) -> bool:
        """Whether no timer is left but one that stands for no timeout: nothing will ever happen by itself."""
        return bool(self._clock[0] < 0 or self._clock[0] / 1000 - time.time() > NEVER)

    def due(self) -> float:
        """Seconds until the next timer, HEARTBEAT if that is further off or there is none."""
        at = self._clock[0]
        return HEARTBEAT if at < 0 else min(max(at / 1000 - time.time(), 0.0), HEARTBEAT)


def give_back() -> None:
    """Let go of free memory and of the pages of V8's library; those that are needed again come back from the file.

    17 MB of the library are names that nobody but its loader reads, some more is code that only starts V8.
    """
    if sys.platform != "linux":
        return
    system = ctypes.CDLL(None)
    with contextlib.suppress(AttributeError):  # only GNU's library of C has it
        system.malloc_trim(0)
    for start, end in unwritten("libmini_racer.so", MAPS.read_text()):
        system.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), DONTNEED)


def unwritten(library: str, maps: str) -> Iterator[tuple[int, int]]:
    """The addresses at which a library is in memory, without the parts that its loader has filled in."""
    for line in maps.splitlines():
        place, rights, offset, *_, path = line.split()
        if path.endswith(library) and (rights == "r-xp" or (rights == "r--p" and not int(offset, 16))):
            start, end = place.split("-")
            yield int(start, 16), int(end, 16)


def probe(engine: Engine) -> bytes:
    """Let the script end that the handshake began, and take what it said."""
    while not engine.finished:
        engine.turn()
    return engine.said()


def prelude(settings: dict[str, Any]) -> str:
    """One program out of the parts under js/. The name async functions report to is known to nobody else."""
    escape = f"e{os.urandom(8).hex()}"
    host = {
        "outboxBytes": OUTBOX_BYTES,
        "consoleLimit": settings["console_limit"],
        "differenceLimit": DIFFERENCE_LIMIT,
        "mute": settings["mute"],
        "tidy": settings["tidy"],
        "seed": os.urandom(32).hex(),
        "escapeName": escape,
    }
    parts = ",".join((HERE / "js" / f"{name}.js").read_text("utf-8") for name in PARTS)
    body = f"const host={json.dumps(host)};const made=[{parts}].map((part)=>part(host));{escape}=host.escape;return made[0]"
    return f"let {escape};(()=>{{{body}}})()"


def answer(engine: Engine) -> None:
    """Work out what crypto.subtle was asked."""
    spec = importlib.util.spec_from_file_location("subtle", HERE / "subtle.py")
    if "subtle" not in sys.modules and spec is not None and spec.loader is not None:
        sys.modules["subtle"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["subtle"])
    for call, operation, args in engine.questions():
        failure, result = sys.modules["subtle"].perform(operation, args)
        engine.hear(json.dumps(["answer", call, failure, result]))


class Conversation:
    """One script. While the parent owes answers nothing is written: it does not read then, and both could block."""

    def __init__(self, engine: Engine, pipes: Pipes) -> None:
        self._engine, self._pipes = engine, pipes
        self._owed = 0
        self._calls = engine.calls
        self._message = ""

    def run(self, message: bytes) -> bool:
        """Run the script to its end; False when the parent went away."""
        engine = self._engine
        engine.limit = struct.unpack("<d", message[:8])[0]
        self._message = message[8:].decode()
        engine.hear(self._message)
        while not engine.finished:
            busy = engine.turn()
            while engine.asking:
                busy = True
                answer(engine)
            if not self._hear_answer(0.0 if busy else self._rest()):
                return False
        return self._finish()

    def _rest(self) -> float:
        """Say what there is to say, and how long nothing will happen from inside."""
        delay = self._engine.due()
        if not self._owed:
            self._flush(delay)
        if not self._owed and self._engine.stalled:
            self._pipes.write(b"!stalled")
            os._exit(1)
        return delay

    def _hear_answer(self, delay: float) -> bool:
        """Take an answer that comes in within so many seconds; False when the parent went away."""
        if not (delay or self._owed) or not self._pipes.wait(delay):
            return True
        frame = self._pipes.read()
        if frame is None:
            return False
        self._owed -= 1
        self._engine.hear(frame.decode())
        return True

    def _said(self) -> bytes:
        text = self._engine.said() + self._engine.rest()
        return self._syntax_place() + text if SYNTAX_ERROR in text else text

    def _syntax_place(self) -> bytes:
        """Where the script's text stops being JavaScript: V8 tells mini-racer, but not the code that catches the error."""
        code = json.loads(self._message)[2]["script"]["exec"]
        found = self._engine.syntax_error(code)
        return packed(["syntax", *found[1:]]) if found and found[1] else b""

    def _flush(self, delay: float) -> None:
        text = self._said()
        if text or delay >= HEARTBEAT:
            self._owed, self._calls = self._engine.calls - self._calls, self._engine.calls
            self._pipes.write(text)

    def _finish(self) -> bool:
        """Say the rest. What was asked for to the last, and in it, is answered though nobody waits for that any more."""
        if not self._drain():
            return False
        self._flush(0.0)
        return self._drain()

    def _drain(self) -> bool:
        """Take the answers that are owed; False when the parent went away."""
        while self._owed:
            if self._pipes.read() is None:
                return False
            self._owed -= 1
        return True


def packed(said: list[Any]) -> bytes:
    """One thing said, in the form in which V8 writes it."""
    return f"{json.dumps(said)},".encode("utf-16-le")


def serve(engine: Engine, pipes: Pipes, message: bytes) -> bool:
    """Parse or run one script; False when the parent went away. The first 8 bytes are the limit of a turn in seconds."""
    if not message.startswith(PARSE, 8):
        return Conversation(engine, pipes).run(message)
    pipes.write(packed(["parsed", engine.syntax_error(json.loads(message[8:])[1])]))
    return True


def stay_on_one_core() -> None:
    """mini-racer hands every call from Python's thread to V8's and back: on one core that takes a fifth of the time."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[os.getpid() % len(cores)]})


def main() -> None:
    """Boot, say so, and run scripts until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    settings = json.loads(sys.argv[1])
    sys.path[:] = settings["path"]
    stay_on_one_core()
    pipes = Pipes()
    engine = Engine(Path(settings["bootcode"]).read_text("ascii"), settings)
    Watchdog(engine, pipes, settings["memory_limit"]).start()
    pipes.write(probe(engine))
    give_back()
    while (message := pipes.read()) is not None and serve(engine, pipes, message):
        pass
    os._exit(0)


if __name__ == "__main__":
    main()
