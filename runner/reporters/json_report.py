"""Newman's JSON report: one execution for each time an item ran, bodies as text, and flat memory however long the run is."""

from __future__ import annotations

import base64
import json
import math
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import Any, ClassVar

from runner import events
from runner.dump import collection_json, environment_json, request_json, sent_request_json
from runner.events import Place, RunEvent
from runner.model import Collection, Environment, Item, Json, Response
from runner.reporters import Settings, Surroundings
from runner.reporters.files import Sink, TextSink, report_path, whole_file
from runner.reporters.text import text_of
from runner.result import Count, Failure, Results, RunResult, Spread
from runner.sandbox import ScriptError

_IN_MEMORY = 4_000_000
"""Bytes of executions that are kept before they go to a temporary file."""


def make(options: Settings, surroundings: Surroundings) -> JsonReporter:
    """The reporter for the option `export`: a file, a folder, or `-` for stdout."""
    export = options.get("export")
    return JsonReporter(export if isinstance(export, str) and export else None, surroundings)


class JsonReporter:
    """Collects what one item did, appends it to a temporary file, and writes the report when it is closed."""

    wants_bodies = True

    def __init__(self, export: str | None, surroundings: Surroundings) -> None:
        self._export, self._surroundings = export, surroundings
        self._path: Path | None = None
        self._results = Results()
        self._of = 1
        self._run: events.RunStarted | events.RunFinished | None = None
        self._execution: _Execution | None = None
        self._spool: SpooledTemporaryFile[bytes] | None = None
        self._reports: SpooledTemporaryFile[bytes] | None = None
        self._items: dict[int, tuple[Item, Json]] = {}

    def handle(self, event: RunEvent) -> None:
        """Take in an event.

        Raises:
            UsageError: the run starts and the report has no place to go.
        """
        if isinstance(event, events.RunStarted):
            self._start(event)
        self._results.add(event)
        if isinstance(event, events.ItemStarted):
            self._execution = _Execution(event.place, self._item(event.place.item))
        elif isinstance(event, events.RunStarted | events.RunFinished):
            self._run = event
        elif self._execution:
            self._execution.add(event)
        if isinstance(event, events.ItemFinished | events.RunFinished):
            self._append()

    def close(self) -> None:
        """Write the report, unless the run has not even begun."""
        with ExitStack() as stack:
            for spool in filter(None, (self._spool, self._reports)):
                stack.enter_context(spool)
            if self._spool is None:
                return
            if self._path is None:
                self._write(TextSink(self._surroundings.out))
                return
            with whole_file(self._path) as file:
                self._write(file)

    def _start(self, event: events.RunStarted) -> None:
        self._of = event.of
        if self._path is None and self._export != "-":
            self._path = report_path(self._export, "json", self._surroundings.now())
        if self._run:
            self._put_by()
        self._spool = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 (closed by close)

    def _put_by(self) -> None:
        """Of several collections, keep the report of the one that is over."""
        self._reports = self._reports or SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115 (closed by close)
        self._reports.write(b",\n" if self._reports.tell() else b"\n")
        self._write_one(self._reports)

    def _write(self, file: Sink) -> None:
        """One collection's report as it is, or all of them under `runs`, with what they come to in `run`."""
        if self._of == 1:
            self._write_one(file)
            return
        self._put_by()
        file.write(b'{"runs": [')
        if self._reports:
            self._reports.seek(0)
            shutil.copyfileobj(self._reports, file, 1 << 20)
        file.write(b'],\n"run": %s}\n' % _encoded(_sum(self._results)))

    def _item(self, item: Item) -> Json:
        """Scripts and examples are in the collection; repeated in each execution they would be most of the report."""
        known, found = self._items.get(id(item), (None, {}))
        if known is not item:
            found = {"id": item.id, "name": item.name, "request": request_json(item.request)}
            self._items[id(item)] = (item, found)
        return found

    def _append(self) -> None:
        if self._execution and self._spool:
            self._spool.write(b",\n" if self._spool.tell() else b"\n")
            self._spool.write(_encoded(self._execution.content))
            self._execution = None

    def _write_one(self, file: Sink) -> None:
        run, executions, result = self._run, self._spool, self._results.current
        if run is None or executions is None:
            return
        self._append()
        executions.seek(0)
        for name, value in _scopes(run.collection, run.environment, run.globals):
            file.write(b'{"%s": ' % name.encode() if name == "collection" else b',\n"%s": ' % name.encode())
            file.write(_encoded(value))
        stats, timings = _encoded(_stats(result)), _encoded(_timings(result))
        file.write(b',\n"run": {\n"stats": %s,\n"timings": %s,\n"executions": [' % (stats, timings))
        with executions:
            shutil.copyfileobj(executions, file, 1 << 20)
        file.write(b'],\n"transfers": %s,\n"failures": [' % _encoded({"responseTotal": result.received}))
        for place, failure in enumerate(result.failures):
            file.write((b",\n" if place else b"\n") + _encoded(_failure(failure)))
        file.write(b"],\n%s}}\n" % _encoded(_ending(result))[1:-1])


class _Execution:
    """What one item did in one iteration, in Newman's words; what scripts and auth sent is kept apart."""

    def __init__(self, place: Place, item: Json) -> None:
        self._requests = 0
        self._cursor = {
            "ref": str(place.ref),
            "length": place.length,
            "cycles": place.cycles,
            "position": place.position,
            "iteration": place.iteration,
        }
        self.content: Json = {"cursor": self._cursor, "item": item, "id": place.item.id}

    def add(self, event: RunEvent) -> None:
        """Take in an event of this item."""
        if handler := self._handlers.get(type(event)):
            handler(self, event)

    def _request_sent(self, event: events.RequestSent) -> None:
        self._requests += 1
        number = f"{self._cursor['ref']}.{self._requests}"
        sent: Json = {"request": sent_request_json(event.prepared)}
        if event.response is not None:
            sent["response"] = _response(event.response)
        else:
            refused = {"refused": True} if event.refused else {}
            sent["requestError"] = {"name": "Error", "code": event.error_code, "message": event.error, **refused}
        if event.source == "item":
            self._cursor["httpRequestId"] = number
            self.content.update(sent)
        else:
            entry = {"source": event.source, "httpRequestId": number, **sent}
            self.content.setdefault("scriptRequests", []).append(entry)

    def _request_planned(self, event: events.RequestPlanned) -> None:
        plan = {"refused": event.refused, "objection": event.objection or None}
        planned: Json = {"request": sent_request_json(event.prepared), "dryRun": plan}
        if event.source == "item":
            self.content.update(planned)
        else:
            self.content.setdefault("scriptRequests", []).append({"source": event.source, **planned})

    def _asserted(self, event: events.Asserted) -> None:
        assertion = event.assertion
        entry: Json = {"assertion": assertion.name, "skipped": assertion.skipped}
        if not assertion.passed and not assertion.skipped:
            error = assertion.error or ScriptError(name="AssertionError", message="")
            entry["error"] = {"name": error.name, "index": assertion.index, "test": assertion.name} | _error(error)
        self.content.setdefault("assertions", []).append(entry)

    def _script_failed(self, event: events.ScriptFailed) -> None:
        error = {"type": "Error", "name": event.error.name, "where": event.where} | _error(event.error)
        self.content.setdefault(f"{event.listen}Script", []).append({"error": error})

    def _item_skipped(self, event: events.ItemSkipped) -> None:
        self.content["skipped"] = event.reason

    _handlers: ClassVar[dict[type[RunEvent], Callable[[_Execution, Any], None]]] = {
        events.RequestSent: _request_sent,
        events.RequestPlanned: _request_planned,
        events.Asserted: _asserted,
        events.ScriptFailed: _script_failed,
        events.ItemSkipped: _item_skipped,
    }


def _error(error: ScriptError) -> Json:
    place = {"line": error.line, "column": error.column}
    return {
        "message": error.message,
        "stack": error.stack,
        **{name: number for name, number in place.items() if number is not None},
    }


def _response(response: Response) -> Json:
    text = text_of(response.body, response.header("content-type"))
    data = base64.b64encode(response.body).decode() if text is None else ""
    content = {"stream": {"type": "Base64", "data": data}} if text is None else {"body": text}
    timings = response.timings
    return {
        "status": response.reason,
        "code": response.code,
        "header": [{"key": key, "value": value} for key, value in response.headers],
        **content,
        "cookie": [
            {
                "name": cookie.name,
                "value": cookie.value,
                "domain": cookie.domain,
                "path": cookie.path,
                "expires": cookie.expires,
                "httpOnly": cookie.http_only,
                "secure": cookie.secure,
            }
            for cookie in response.cookies
        ],
        "responseTime": math.ceil(timings.total),
        "responseSize": len(response.body),
        "timings": {
            "dns": timings.dns,
            "tcp": timings.connect,
            "secureHandshake": timings.tls,
            "firstByte": timings.first_byte,
            "download": timings.download,
            "total": timings.total,
        },
        **({"note": response.note} if response.note else {}),
    }


def _scopes(collection: Collection, environment: Environment, globals_: Environment) -> Iterator[tuple[str, Json]]:
    yield "collection", collection_json(collection)
    yield "environment", environment_json(environment)
    yield "globals", environment_json(globals_, "globals")


def _stats(result: RunResult) -> Json:
    """Newman's `requests` are all that went out; the three after it are the same by who sent them."""
    stats = {name: _count(count) for name, count in result.stats.items()}
    stats |= {f"{source}Requests": _count(count) for source, count in result.sources.items()}
    stats["refusedRequests"] = _count(Count(total=result.refused, failed=result.refused))
    return stats | ({"plannedRequests": _count(Count(total=result.planned))} if result.planned else {})


def _count(count: Count) -> Json:
    return {"total": count.total, "pending": count.pending, "failed": count.failed}


def _timings(result: RunResult) -> Json:
    spreads: dict[str, Spread] = {"response": result.response, "dns": result.dns, "firstByte": result.first_byte}
    timings: Json = {}
    for name, spread in spreads.items():
        timings |= {f"{name}Average": spread.average, f"{name}Min": spread.min, f"{name}Max": spread.max, f"{name}Sd": spread.sd}
    timings["percentiles"] = result.percentiles.usual
    return timings | {"started": round(result.started * 1000), "completed": round(result.finished * 1000)}


def _sum(results: Results) -> Json:
    """What several collections come to; their executions and failures are in the reports of each."""
    total = results.total
    counted = {"stats": _stats(total), "timings": _timings(total), "transfers": {"responseTotal": total.received}}
    return counted | _ending(total) | {"exitCode": int(results.exit_code)}


def _failure(failure: Failure) -> Json:
    error: Json = {"name": failure.name, "message": failure.message, "stack": failure.stack}
    if failure.kind == "assertion":
        error |= {"index": failure.index, "test": failure.test}
    return {
        "error": error,
        "at": failure.at,
        "source": {"id": failure.item_id, "name": failure.item},
        "parent": {"name": failure.path[-1], "path": list(failure.path)} if failure.path else None,
        "cursor": {
            "ref": str(failure.ref),
            "length": failure.length,
            "cycles": failure.cycles,
            "position": failure.position,
            "iteration": failure.iteration,
        },
        **({"refused": True} if failure.kind == "refused" else {}),
    }


def _ending(result: RunResult) -> Json:
    error = None if result.error is None else {"name": "Error", "message": result.error}
    return {
        "error": error,
        "bail": result.bail,
        "interrupted": result.interrupted,
        "unresolved": list(result.unresolved),
        "exitCode": int(result.exit_code),
    }


def _encoded(value: Any) -> bytes:
    """Compact JSON in UTF-8. What JSON does not have becomes null, as in JavaScript; lone surrogates are escaped."""
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, TypeError):
        return json.dumps(_plain(value), default=str).encode()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
