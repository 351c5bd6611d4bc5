"""Every error pabal raises on purpose, as one tree.

    PabalError                 what went wrong, where, and what to do next
    ├── UsageError             wrong options or option values                    exit 2
    ├── LoadError              a file could not be read or understood            exit 3
    ├── UnresolvedError        variables without a value, asked to be fatal      exit 2
    ├── RunBroken              the run cannot go on                              exit 4
    │   ├── SendError          a request got no response
    │   │   └── NotSent        it is a dry run
    │   └── SandboxError       the script engine could not be started
    └── Refused                a guard did not let a request out                 exit 6

A failed assertion is not an error: it is data in the result (exit 1).
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.model import Prepared


class ExitCode(IntEnum):
    """What the command's exit status means."""

    OK = 0
    ASSERTION_FAILED = 1
    USAGE = 2
    UNREADABLE = 3
    BROKEN = 4
    NOTHING_RAN = 5
    REFUSED = 6
    INTERRUPTED = 130


class PabalError(Exception):
    """Base of all errors: `what` happened, `where` (file or place in the collection), and `hint`, what to do next."""

    exit_code = ExitCode.BROKEN

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        advice = f"\n  {self.hint}" if self.hint else ""
        return f"{place}{self.what}{advice}"


class UsageError(PabalError):
    """The command line or the options make no sense."""

    exit_code = ExitCode.USAGE


class LoadError(PabalError):
    """A collection, environment, globals, data or other input file could not be read."""

    exit_code = ExitCode.UNREADABLE


class UnresolvedError(PabalError):
    """Variables without a value, where the user asked for that to be an error."""

    exit_code = ExitCode.USAGE


class RunBroken(PabalError):
    """The run cannot go on."""


class SendError(RunBroken):
    """A request got no response. `code` is the name Node uses for the cause (ECONNREFUSED, ETIMEDOUT …), as Postman shows it."""

    def __init__(self, what: str, *, code: str = "", where: str = "", hint: str = "") -> None:
        super().__init__(what, where=where, hint=hint)
        self.code = code


class NotSent(SendError):
    """A request of a dry run, `prepared` as it would go out.

    `objection` is what a guard has against it, `refused` whether it would be held back for that.
    """

    def __init__(self, prepared: Prepared, *, objection: str = "", refused: bool = False) -> None:
        super().__init__("not sent, this is a dry run", code="EDRYRUN")
        self.prepared = prepared
        self.objection = objection
        self.refused = refused


class SandboxError(RunBroken):
    """The script engine could not be started or its files are missing."""


class Refused(PabalError):
    """A guard did not let a request out."""

    exit_code = ExitCode.REFUSED
