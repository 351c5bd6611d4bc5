"""Requests that wait for their turn and that are tried once more: the seam for extensions, and `--retry`."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from runner import events
from runner.cli.run import command
from runner.errors import Refused, SendError, UsageError
from runner.events import RunEvent
from runner.extension import Extension
from runner.model import Prepared, Response
from runner.plan import Settings
from runner.result import RunResult
from runner.retry import Retries
from runner.sandbox import Conversation, Execution, RequestCall, ScriptResult
from tests.fakes import Bench, FakeWire, item
from tests.servers import Recorder, answer


def answering(*codes: int) -> FakeWire:
    """A wire that answers with these status codes in turn, 0 for no answer at all."""
    left: Iterator[int] = iter(codes)

    def answer(prepared: Prepared) -> Response:
        code = next(left)
        if not code:
            raise SendError("socket hang up", code="ECONNRESET")
        return Response(code=code, reason="Busy" if code == 503 else "OK", url=prepared.url)

    return FakeWire(answer)


@dataclass
class Wish(Extension):
    """Wants what it is told for every attempt that was not answered with 200, and remembers what it was asked."""

    wait: float | None = 0.5
    pause: float = 0
    asked: list[Any] = field(default_factory=list)
    retries = 3

    def guard(self, prepared: Prepared, source: str) -> None:
        self.asked.append(("guard", source))

    def pace(self, prepared: Prepared, source: str) -> float:
        self.asked.append(("pace", source))
        return self.pause

    def again(self, prepared: Prepared, source: str, attempt: int, outcome: Response | SendError) -> float | None:
        self.asked.append(("again", source, attempt, outcome.code))
        done = attempt > 3 or (isinstance(outcome, Response) and outcome.code == 200)
        return None if done else self.wait


def sources(happened: list[RunEvent]) -> list[tuple[str, int | str]]:
    sent = [event for event in happened if isinstance(event, events.RequestSent)]
    return [(event.source, event.response.code if event.response else event.error_code) for event in sent]


def notes(happened: list[RunEvent]) -> list[str]:
    return [event.text for event in happened if isinstance(event, events.Noted)]


def test_each_attempt_is_guarded_paced_and_told_and_only_the_last_is_the_items() -> None:
    slept: list[float] = []
    wish = Wish()
    bench = Bench(wire=answering(503, 0, 200), extensions=(wish,), sleep=slept.append)
    happened = bench.run([item("a", test="t")])
    assert slept == [0.5, 0.5]
    assert sources(happened) == [("retry", 503), ("retry", "ECONNRESET"), ("item", 200)]
    assert notes(happened) == ["retry 1 of 3 in 0.5 s: 503 Busy", "retry 2 of 3 in 0.5 s: ECONNRESET"]
    attempts = [[("guard", "item"), ("pace", "item"), ("again", "item", number, code)] for number, code in
                ((1, 503), (2, "ECONNRESET"), (3, 200))]  # fmt: skip
    assert wish.asked == [step for attempt in attempts for step in attempt]
    assert [execution.response["code"] for execution in bench.sandbox.executions if execution.response] == [200]


def test_attempts_count_as_sent_but_neither_as_items_nor_as_failures() -> None:
    bench = Bench(wire=answering(0, 200, 0, 0, 0, 0), extensions=(Wish(),), sleep=lambda _: None)
    result = RunResult()
    for event in bench.run([item("a"), item("b")]):
        result.add(event)
    assert {name: (count.total, count.failed) for name, count in result.sources.items() if count.total} == {
        "item": (2, 1),
        "retry": (4, 0),
    }
    assert (result.stats["requests"].total, result.stats["requests"].failed, len(result.failures)) == (6, 1, 1)


def test_what_scripts_send_is_paced_and_tried_again_too() -> None:
    def asks(execution: Execution) -> Conversation:
        answer = yield RequestCall(request={"url": "http://server/script"})
        assert answer.response["code"] == 200  # type: ignore[union-attr]
        return ScriptResult()

    slept: list[float] = []
    bench = Bench(scripts={"asks": asks}, wire=answering(503, 200, 200), extensions=(Wish(pause=0.1),), sleep=slept.append)
    assert sources(bench.run([item("a", prerequest="asks")])) == [("retry", 503), ("script", 200), ("item", 200)]
    assert slept == [0.1, 0.5, 0.1, 0.1]


def test_the_longest_wish_counts_and_infinity_forbids() -> None:
    for waits, expected in (((0.1, 0.2, None), [0.2]), ((0.1, math.inf), []), ((None, None), []), ((0.0,), [])):
        slept: list[float] = []
        bench = Bench(wire=answering(503, 200), extensions=tuple(Wish(wait=wait) for wait in waits), sleep=slept.append)
        happened = bench.run([item("a")])
        assert slept == expected
        assert len(sources(happened)) == (1 if math.inf in waits or waits == (None, None) else 2)


def test_a_guard_that_changes_its_mind_ends_the_attempts() -> None:
    class Once(Wish):
        def guard(self, prepared: Prepared, source: str) -> None:
            super().guard(prepared, source)
            if self.asked.count(("guard", "item")) > 1:
                raise Refused("once is enough")

    bench = Bench(wire=answering(503), extensions=(Once(),), sleep=lambda _: None)
    happened = bench.run([item("a")])
    assert sources(happened) == [("retry", 503), ("item", "")]
    assert [event.refused for event in happened if isinstance(event, events.RequestSent)] == [False, True]


def test_each_attempt_is_signed_anew() -> None:
    auth = {"type": "hawk", "hawk": [{"key": key, "value": "x"} for key in ("authId", "authKey")]}
    bench = Bench(wire=answering(503, 503, 200), extensions=(Wish(),), sleep=lambda _: None)
    bench.run([item("a", auth=auth)])
    assert len({prepared.header("authorization") for prepared in bench.wire.sent}) == 3


def test_no_wait_goes_beyond_the_end_of_the_run() -> None:
    slept: list[float] = []
    bench = Bench(wire=answering(503), extensions=(Wish(wait=60),), settings=Settings(timeout=50), sleep=slept.append)
    happened = bench.run([item("a")])
    assert (sources(happened), slept) == ([("item", 503)], [])


def test_a_turn_that_comes_after_the_end_of_the_run_is_an_error() -> None:
    bench = Bench(wire=answering(), extensions=(Wish(wait=None, pause=60),), settings=Settings(timeout=50))
    happened = bench.run([item("a"), item("b")])
    assert sources(happened) == [("item", "ETIMEDOUT")]
    assert "--timeout" in happened[-1].error  # type: ignore[union-attr]


def test_ctrl_c_ends_a_wait() -> None:
    def pressed(_: float) -> None:
        raise KeyboardInterrupt

    bench = Bench(wire=answering(503), extensions=(Wish(),), sleep=pressed)
    happened = bench.run([item("a")])
    assert [type(event).__name__ for event in happened[-2:]] == ["Interrupted", "RunFinished"]
    assert sources(happened) == [("retry", 503)]


@pytest.mark.parametrize("source", ["item", "redirect"])
def test_redirect_hops_wait_for_their_turn(source: str) -> None:
    class Redirecting(FakeWire):
        def send(self, prepared: Prepared, *, timeout: float | None = None, check: Any = None) -> Response:
            check(prepared, "redirect")
            return super().send(prepared)

    wish = Wish(wait=None)
    Bench(wire=Redirecting(answering(200).answer), extensions=(wish,)).run([item("a")])
    assert ("pace", source) in wish.asked


def attempt(method: str = "GET", number: int = 1, *, limit: int = 3, chance: float = 0.0, **outcome: Any) -> float | None:
    """What `--retry` wants after a response with these fields, or an error with this `error` code."""
    prepared = Prepared(method=method, url="http://server/x")
    came = (
        SendError("no", code=outcome["error"])
        if "error" in outcome
        else Response(code=outcome["code"], reason="", url="", headers=tuple(outcome.get("headers", ())))
    )
    return Retries(limit, 500, chance=lambda: chance).again(prepared, "item", number, came)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE", "get"])
def test_methods_that_change_nothing_twice_are_tried_again(method: str) -> None:
    assert attempt(method, code=503) == 0.5


@pytest.mark.parametrize("method", ["POST", "PATCH", "CONNECT", "", "ORDER"])
@pytest.mark.parametrize("outcome", [{"code": 503}, {"error": "ECONNREFUSED"}])
def test_other_methods_are_not(method: str, outcome: dict[str, Any]) -> None:
    assert attempt(method, **outcome) is None


@pytest.mark.parametrize(
    ("outcome", "again"),
    [({"code": code}, code in (429, 502, 503, 504)) for code in (200, 301, 400, 401, 404, 408, 429, 500, 501, 502, 503, 504)]
    + [({"error": code}, True) for code in ("ECONNREFUSED", "ECONNRESET", "ESOCKETTIMEDOUT", "EAI_AGAIN", "EPIPE")]
    + [({"error": code}, False) for code in ("ENOTFOUND", "CERT_HAS_EXPIRED", "EPROTO", "HPE_INVALID_CONSTANT", "")],
)
def test_only_what_may_go_better_later_is_tried_again(outcome: dict[str, Any], again: bool) -> None:
    assert (attempt(**outcome) is not None) == again


def test_pauses_double_and_lose_up_to_half_by_chance() -> None:
    assert [attempt(code=503, number=number) for number in (1, 2, 3, 4)] == [0.5, 1.0, 2.0, None]
    assert [attempt(code=503, number=number, chance=1.0) for number in (1, 2, 3)] == [0.25, 0.5, 1.0]
    assert attempt(code=503, number=5000, limit=10_000) == 60


def test_retry_after_is_heeded_up_to_a_minute() -> None:
    def after(text: str) -> float | None:
        return attempt(code=429, headers=[("Retry-After", text)])

    assert [after(text) for text in ("0", "7", " 7 ", "3600", "9" * 400)] == [0, 7, 7, 60, 60]
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    assert 15 < (after(soon) or 0) <= 20
    assert after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert [after(text) for text in ("soon", "", "-3", "1.5", "²")] == [0.5] * 5


def test_the_command_tells_of_each_attempt(recorder: Recorder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    busy = answer(503, reason="Service Unavailable")
    recorder.answers(busy, busy, answer(200, body=b"{}"))
    collection = tmp_path / "c.json"
    collection.write_text(json.dumps({"info": {"name": "c"}, "item": [item("a", url=recorder.url("/busy"))]}))
    words = [str(collection), "--retry", "3", "--retry-delay", "1", "-r", "cli,json", "--reporter-json-export"]
    assert command([*words, str(tmp_path / "r.json")], standalone_mode=False) == 0
    shown = capsys.readouterr().out
    assert "retry 1 of 3 in 0.00" in shown and "retry 2 of 3" in shown and "503 Service Unavailable" in shown
    report = json.loads((tmp_path / "r.json").read_text())["run"]
    assert report["stats"]["retryRequests"] == {"total": 2, "pending": 0, "failed": 0}
    (execution,) = report["executions"]
    assert execution["response"]["code"] == 200
    assert [(sent["source"], sent["response"]["code"]) for sent in execution["scriptRequests"]] == [("retry", 503)] * 2


def test_retry_delay_alone_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--retry-delay needs --retry"):
        command([str(tmp_path), "--retry-delay", "5"], standalone_mode=False)
