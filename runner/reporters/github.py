"""For GitHub Actions: failures as annotations, the outcome in the job's summary, and secrets that GitHub is to hide.

It is there by itself where GITHUB_ACTIONS is set. GitHub shows ten errors of a step, and a megabyte of summary.
"""

from __future__ import annotations

from pathlib import Path

from runner import events
from runner.errors import UsageError
from runner.events import RunEvent
from runner.reporters import Settings, Surroundings, in_github_actions
from runner.reporters.markdown import document
from runner.result import Failure, Results

ANNOTATIONS = 10
_SUMMARY_BYTES = 1 << 20


def workflow_command(name: str, text: str, **properties: str) -> str:
    """A line that GitHub Actions understands; what it gives a meaning to is escaped."""
    given = ",".join(f"{key}={_data(value).replace(':', '%3A').replace(',', '%2C')}" for key, value in properties.items())
    return f"::{name}{f' {given}' if given else ''}::{_data(text)}"


def make(_: Settings, surroundings: Surroundings) -> GithubReporter:
    """The reporter; it has no options."""
    return GithubReporter(surroundings)


class GithubReporter:
    """Writes workflow commands to stdout, and the summary where GITHUB_STEP_SUMMARY says."""

    wants_bodies = False

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._results = Results()
        self._names: list[str] = []
        self._masked: set[str] = set()

    def handle(self, event: RunEvent) -> None:
        """Take in an event; what has become known as a secret is told to GitHub before anything else can show it."""
        self._results.add(event)
        if isinstance(event, events.RunStarted):
            self._names.append(event.collection.name)
        if isinstance(event, events.RunStarted | events.ItemFinished):
            self._mask()

    def close(self) -> None:
        """Write annotations and summary, unless the run has not even begun.

        Raises:
            UsageError: the summary cannot be written.
        """
        if not self._names:
            return
        failures = self._results.total.failures
        for failure in failures[:ANNOTATIONS]:
            self._command("error", failure.message, title=_title(failure))
        if (more := len(failures) - ANNOTATIONS) > 0:
            self._command("notice", f"{more} more failures are in the job's summary and in the log")
        if path := self._surroundings.environ.get("GITHUB_STEP_SUMMARY"):
            self._summarize(Path(path))

    def _mask(self) -> None:
        if not in_github_actions(self._surroundings.environ):
            return  # elsewhere these commands would show what they are to hide
        for secret in self._surroundings.secrets():
            if secret not in self._masked:
                self._masked.add(secret)
                for line in filter(str.strip, secret.splitlines()):
                    self._command("add-mask", line)

    def _summarize(self, path: Path) -> None:
        text = document(self._results, self._names).encode("utf-8", "replace")[:_SUMMARY_BYTES]
        try:
            with path.open("ab") as file:
                file.write(text)
        except OSError as error:
            raise UsageError(f"the job's summary cannot be written: {error.strerror or error}", where=str(path)) from error

    def _command(self, name: str, text: str, **properties: str) -> None:
        self._surroundings.out.write(workflow_command(name, text, **properties) + "\n")


def _title(failure: Failure) -> str:
    iteration = f", iteration {failure.iteration + 1}" if failure.cycles > 1 else ""
    return f"{failure.full_name}{iteration}: {failure.test or failure.name}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
