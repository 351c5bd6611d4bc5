"""Run generated code, and compare what arrives with what the runner sends."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from runner.codegen.checking import drive, loopback
from runner.codegen.checking.compare import Difference, differences
from runner.codegen.checking.recorder import Received, Recorder
from runner.codegen.checking.telling import tell
from runner.codegen.checking.witness import Expected
from runner.codegen.description import Description
from runner.codegen.registry import File
from runner.errors import UsageError
from runner.transport.message import locate

_SECONDS = 30
_WHOLE_SECONDS = 600
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
_CHALLENGED = frozenset({"digest"})
_ALLOWED = {"PABAL_ALLOW_ORDERS": "1", "PABAL_ALLOW_REAL_ORDERS": "1", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
"""Nothing leaves this machine."""
_SIGNED = frozenset({"digest", "ntlm", "oauth1", "awsv4", "hawk", "edgegrid", "asap"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether code sends what the runner sends: the same bytes, other bytes with the same meaning, something else, or nothing."""

    kind: Literal["exact", "semantic", "differs", "failed"]
    reasons: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Whether a server would notice nothing."""
        return self.kind in ("exact", "semantic")


class Checker:
    """Runs code of one target after the other. `python` is the interpreter, which must have the libraries of the target.

    Raises:
        UsageError: there is no such interpreter.
    """

    def __init__(self, working_dir: Path, python: str | None = None) -> None:
        self._working_dir = working_dir
        self._python = python or sys.executable
        if shutil.which(self._python) is None:
            raise UsageError("there is no Python to run the code with", where=self._python)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self._folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="pabal-check-")))
        self._programs = self._folder / "bin"
        self._recorder = self._stack.enter_context(Recorder(self._folder))
        rc = f'connect-to = "::{loopback.HERE}:{self._recorder.port}"\ncacert = "{self._recorder.authority}"\nsilent\n'
        (self._folder / ".curlrc").write_text(rc)
        (self._folder / "config.json").write_text('{"disable_update_warnings": true}')  # of HTTPie
        loopback.bind(self._programs, "http", self._recorder.port)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    def check(self, file: File, within: str = "") -> Verdict:
        """Run one file of code and judge what it sends; `within` is the text of the file that it is a part of."""
        description = file.description
        if description is None:
            reason = "there is no code to run" if file.step else "this target makes no code for single requests"
            return Verdict(kind="failed", reasons=(reason,))
        scheme = description.auth.type if description.auth else ""
        self._recorder.received.clear()
        self._recorder.challenge = scheme in _CHALLENGED
        self._recorder.answer = _answer(description)
        self._recorder.statuses = [*([200] * len(description.first)), file.status]
        path = self._folder / f"snippet{Path(file.path).suffix}"
        text = within if within and file.ending else file.text
        path.write_text(text + file.ending, "utf-8", "surrogatepass")
        failure = self._run(path, description)
        received = self._recorder.received
        if not received:
            return Verdict(kind="failed", reasons=(failure or "it sent nothing",))
        if scheme in _CHALLENGED and len(received) != 2:
            return Verdict(kind="differs", reasons=("it does not answer the server's challenge",))
        found = list(differences(description.prepared, received[-1], signed=scheme in _SIGNED, again=description.again))
        for first, got in zip(description.first, received[:-1], strict=False):
            found += differences(first.request.prepared, got)
        if len(received) <= len(description.first):
            found.append(Difference(text="it does not send what a script sends first"))
        return _verdict(found, failure)

    def check_whole(self, files: Sequence[File], expected: Sequence[Expected], answer: bytes) -> Verdict:
        """Run the code of a whole collection, and judge whether it sends what a run is `expected` to, given that answer."""
        self._recorder.received.clear()
        self._recorder.challenge, self._recorder.answer, self._recorder.statuses = False, answer, []
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        for file in files:
            (folder / file.path).write_text(file.text, "utf-8", "surrogatepass")
        environ = {name: value for file in files for name, value in file.environ.items()}
        calls = files[0].calls
        place = str(folder / files[0].path if calls or files[0].program else folder)
        quiet = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "XDG_CACHE_HOME": str(folder)}
        allowed = {"PABAL_ALLOW_ORDERS": "1", "PABAL_ALLOW_REAL_ORDERS": "", "PABAL_SIMULATE": ""}
        failure = self._done([drive.__file__, place, *calls], environ | quiet | allowed, _WHOLE_SECONDS)
        found = list(_sequence(expected, self._recorder.received))
        if not self._recorder.received and expected:
            return Verdict(kind="failed", reasons=(failure or "it sent nothing",))
        return _verdict(found, failure if calls else "")

    def _run(self, path: Path, description: Description) -> str:
        """Run a file, or send one that is a message; the last line of what it complained about."""
        if path.suffix == ".http":
            recorder = self._recorder
            return tell(path.read_bytes().decode(), description, self._working_dir, recorder.port, recorder.authority)
        return self._done([str(path), "--send"], environ_of(description) | _ALLOWED, _SECONDS)

    def _done(self, arguments: list[str], values: Mapping[str, str], seconds: float) -> str:
        boot = [self._python, loopback.__file__, str(self._recorder.port)]
        command = [*(boot if arguments[0].endswith(".py") else [shutil.which("sh") or "sh"]), *arguments]
        try:
            done = subprocess.run(  # noqa: S603  the user asked for it, and it cannot leave this machine
                command, cwd=self._working_dir, env=self._environ(values), capture_output=True, timeout=seconds
            )
        except subprocess.TimeoutExpired:
            return f"it ran for more than {seconds} seconds"
        complaint = done.stderr.decode("utf-8", "replace").strip().splitlines()
        return (complaint[-1] if complaint else f"exit status {done.returncode}") if done.returncode else ""

    def _environ(self, values: Mapping[str, str]) -> Mapping[str, str]:
        kept = {name: value for name, value in os.environ.items() if name.lower() not in _PROXIES}
        trusted = dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"), str(self._recorder.authority))
        quiet = {
            "NO_PROXY": "*",
            "NETRC": os.devnull,
            "CURL_HOME": str(self._folder),
            "HTTPIE_CONFIG_DIR": str(self._folder),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        programs = {"PATH": os.pathsep.join((str(self._programs), os.environ.get("PATH", os.defpath)))}
        return {**kept, **trusted, **quiet, **programs, **values}


def environ_of(description: Description) -> dict[str, str]:
    """What code finds in the process environment."""
    return {hole.environ: hole.value for hole in description.holes if hole.source == "environ" or hole.secret}


def _sequence(expected: Sequence[Expected], got: Sequence[Received]) -> Iterator[Difference]:
    """What differs between two runs, request by request; what only one of them has does not shift the others."""
    ours = [(each.prepared.method, locate(each.prepared.url).target.partition("?")[0]) for each in expected]
    theirs = [(each.method, each.target.partition("?")[0]) for each in got]
    for kind, start, end, first, last in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        if kind == "equal":
            for wanted, found in zip(expected[start:end], got[first:last], strict=True):
                auth = wanted.prepared.request and wanted.prepared.request.auth
                for each in differences(wanted.prepared, found, signed=bool(auth and auth.type in _SIGNED), again=wanted.again):
                    yield replace(each, text=f"{wanted.title}: {each.text}")
            continue
        for wanted in expected[start:end]:
            yield Difference(text=f"{wanted.title}: {wanted.prepared.method} {wanted.prepared.url} is not sent")
        for found in got[first:last]:
            yield Difference(text=f"{found.method} {found.target} is sent, which a run does not send")


def _answer(description: Description) -> bytes:
    """What the server says: all that is taken from the answers to requests that come first."""
    values = description.values
    stored = [(keys[0], values[name]) for first in description.first for name, keys in first.stores.items() if name in values]
    return json.dumps(dict(stored)).encode()


def _verdict(found: list[Difference], failure: str) -> Verdict:
    reasons = tuple(difference.text for difference in found)
    if not all(difference.same_meaning for difference in found):
        return Verdict(kind="differs", reasons=reasons)
    if failure:
        return Verdict(kind="failed", reasons=(failure, *reasons))
    return Verdict(kind="semantic" if found else "exact", reasons=reasons)
