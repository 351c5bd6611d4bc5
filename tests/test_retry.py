"""Requests that wait for their turn and that are tried once more: the seam for extensions, and `--retry`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from runner import events
from runner.engine import Settings
from runner.errors import Refused, SendError
from runner.events import RunEvent
from runner.extension import Extension
from runner.model import Prepared, Response
from runner.result import RunResult
from runner.sandbox import Conversation, Execution, RequestCall, ScriptResult
from tests.fakes import Bench, FakeWire, item


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
