"""The guide's 136 APIs on the mock and the real host, and how each came out in the last run: read from JSON reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runner import url as urls
from runner.errors import LoadError
from runner.kis.catalogue import HOSTS, Api, catalogue
from runner.kis.hosts import VARIABLES, Hosts
from runner.kis.money import path_of
from runner.load import request_from_json
from runner.model import Json
from runner.reading import read_json

WORDS = ("passed", "skipped", "refused", "failed", "error")
"""How a request can come out; of several requests of one API the gravest counts, which stands last."""

_LETTERS = {kind: letter for letter, kind in HOSTS.items()}
_MARKS = {"passed": "✅", "skipped": "⏭", "refused": "⛔", "failed": "❌", "error": "💥"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an API came out, and why if it did not pass."""

    word: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of the guide; `outcomes` has V and J as far as they were run."""

    api: Api
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)


def status(reports: Sequence[str | Path]) -> tuple[Row, ...]:
    """Every row of the guide with its outcome in the latest report that has it.

    Raises:
        LoadError: a file is no JSON report of a run.
    """
    found: dict[tuple[str, str], Outcome] = {}
    for run in sorted(map(_run, reports), key=lambda run: run.started):
        found |= run.outcomes()
    return tuple(
        Row(api=api, outcomes={letter: found[api.path, letter] for letter in HOSTS if (api.path, letter) in found})
        for api in catalogue()
    )


def totals(rows: Iterable[Row]) -> Mapping[str, Mapping[str, int]]:
    """For V and J: how many rows the guide offers there, how many came out in which way, and how many did not run."""
    found = {letter: Counter({"offered": 0}) for letter in HOSTS}
    for row in rows:
        for letter in row.api.offered:
            outcome = row.outcomes.get(letter)
            found[letter].update(("offered", outcome.word if outcome else "not run"))
    return {letter: dict(count) for letter, count in found.items()}


def as_markdown(rows: Sequence[Row]) -> str:
    """A table for people and for CI summaries."""
    lines = [f"{HOSTS[letter]} ({letter}): {_summed(counts)}" for letter, counts in totals(rows).items()]
    lines += ["", "| No. | 분류 | API | V 모의 | J 실전 |", "|---:|---|---|---|---|"]
    for row in rows:
        cells = (str(row.api.number), row.api.category, row.api.name, *(_cell(row, letter) for letter in HOSTS))
        lines.append(f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |")
    return "\n".join(lines) + "\n"


def as_json(rows: Sequence[Row]) -> Json:
    """The same for programs: null where the guide does not offer an API."""
    return {"totals": {letter: dict(counts) for letter, counts in totals(rows).items()}, "apis": [_entry(row) for row in rows]}


def _entry(row: Row) -> Json:
    def outcome(letter: str) -> Json | None:
        if letter not in row.api.offered:
            return None
        found = row.outcomes.get(letter) or Outcome("not run")
        return {"outcome": found.word, **({"reason": found.reason} if found.reason else {})}

    api = row.api
    facts = {"number": api.number, "category": api.category, "name": api.name, "method": api.method, "path": api.path}
    return {**facts, **{letter: outcome(letter) for letter in HOSTS}}


def _summed(counts: Mapping[str, int]) -> str:
    parts = [f"{counts[word]} {word}" for word in (*WORDS, "not run") if counts.get(word)]
    return f"{counts['offered']} APIs, {', '.join(parts)}"


def _cell(row: Row, letter: str) -> str:
    if letter not in row.api.offered:
        return "–"
    found = row.outcomes.get(letter)
    return " ".join((_MARKS[found.word], found.word, found.reason)).strip() if found else "not run"


@dataclass(frozen=True, slots=True)
class _Run:
    started: float
    executions: Sequence[Json]
    hosts: Hosts

    def outcomes(self) -> dict[tuple[str, str], Outcome]:
        """The gravest outcome of each path on each host."""
        found: dict[tuple[str, str], Outcome] = {}
        for execution in self.executions:
            for key in self._places(execution):
                outcome = _outcome(execution)
                if key not in found or WORDS.index(outcome.word) > WORDS.index(found[key].word):
                    found[key] = outcome
        return found

    def _places(self, execution: Json) -> Iterator[tuple[str, str]]:
        """Where an item's request went, or was to go."""
        sent = execution.get("request") or execution["item"]["request"]
        url = urls.wire(request_from_json(sent).url)
        if kind := self.hosts.of(url):
            yield path_of(url), _LETTERS[kind]


def _run(path: str | Path) -> _Run:
    report = read_json(path)
    try:
        values = {entry["key"]: str(entry["value"]) for entry in report["environment"]["values"]}
        run = report["run"]
        origins = {values[name]: kind for name, kind in VARIABLES.items() if values.get(name)}
        executions = [execution for execution in run["executions"] if execution["item"]["request"]]
        return _Run(float(run["timings"]["started"]), executions, Hosts(origins))
    except (KeyError, TypeError, ValueError) as error:
        hint = "make one with -r json --reporter-json-export report.json"
        raise LoadError("is no JSON report of a run", where=str(path), hint=hint) from error


def _outcome(execution: Json) -> Outcome:
    if error := execution.get("requestError"):
        reason = _first_line(error.get("message"))
        return Outcome("refused", reason.rpartition(": ")[2]) if error.get("refused") else Outcome("error", reason)
    wrong = next((entry for entry in execution.get("assertions", ()) if entry.get("error")), None)
    if wrong:
        return Outcome("failed", _first_line(wrong.get("assertion")))
    for listen in ("prerequestScript", "testScript"):
        if failed := next((entry["error"] for entry in execution.get(listen, ()) if entry.get("error")), None):
            return Outcome("error", _first_line(failed.get("message")))
    if "skipped" in execution:
        return Outcome("skipped", _first_line(execution["skipped"]))
    return Outcome("passed") if "response" in execution else Outcome("error", "no response")


def _first_line(text: Any) -> str:
    return str(text or "").partition("\n")[0][:200]
