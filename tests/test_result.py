"""What a run came to: totals, timings, failures and the exit status."""

from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner import events
from runner.errors import ExitCode
from runner.events import RunEvent
from runner.model import Environment
from runner.result import Percentiles, RunResult, Spread
from tests.reporting import COLLECTION, asserted, demo, place, response, script_failed, sent, turn, whole_run

ONE = place("One")


def result_of(*inner: RunEvent, **ending: object) -> RunResult:
    result = RunResult()
    for event in whole_run(*turn(ONE, *inner), **ending):
        result.add(event)
    return result


def test_totals_of_a_bit_of_everything() -> None:
    result = RunResult()
    for event in demo():
        result.add(event)
    counted = {name: (count.total, count.pending, count.failed) for name, count in result.stats.items()}
    assert counted == {
        "iterations": (1, 0, 0),
        "items": (6, 0, 0),
        "scripts": (4, 0, 1),
        "prerequests": (6, 0, 0),
        "requests": (5, 0, 1),
        "tests": (5, 0, 0),
        "assertions": (3, 0, 1),
        "testScripts": (2, 0, 1),
        "prerequestScripts": (2, 0, 0),
    }
    assert {name: count.total for name, count in result.sources.items()} == {
        "item": 4,
        "script": 1,
        "auth": 0,
        "extension": 0,
        "retry": 0,
    }
    assert (result.refused, result.skipped) == (1, 1)
    assert result.received == 4 * 14
    assert result.duration == pytest.approx(397, abs=0.01)
    assert result.unresolved == ("host", "port")


def test_failures_say_where_they_happened() -> None:
    result = RunResult()
    for event in demo():
        result.add(event)
    assert [(failure.kind, failure.name, failure.at, failure.full_name) for failure in result.failures] == [
        ("assertion", "AssertionError", "assertion:1 in test-script", "One"),
        ("script", "ReferenceError", "test-script:2:1", "A / Inner"),
        ("request", "Error", "request", "A / Closed"),
        ("refused", "Refused", "request", "A / 주문"),
    ]
    assert (result.failures[0].test, result.failures[0].index) == ("bad one", 1)


def test_what_has_begun_is_pending() -> None:
    result = RunResult()
    for event in (events.IterationStarted(iteration=0, cycles=1), events.ItemStarted(place=ONE)):
        result.add(event)
    assert [result.stats[name].pending for name in ("iterations", "items", "prerequests")] == [1, 1, 1]


FAILED_ASSERTION = asserted(ONE, "t", passed=False)
FAILED_REQUEST = sent(ONE, error="no")
REFUSED = sent(ONE, error="no", refused=True)


@pytest.mark.parametrize(
    ("inner", "ending", "code"),
    [
        ([sent(ONE)], {}, ExitCode.OK),
        ([sent(ONE, response=response(500))], {}, ExitCode.OK),
        ([asserted(ONE, "t", skipped=True, passed=False)], {}, ExitCode.OK),
        ([FAILED_ASSERTION], {}, ExitCode.ASSERTION_FAILED),
        ([FAILED_ASSERTION, FAILED_REQUEST], {}, ExitCode.BROKEN),
        ([*script_failed(ONE)], {}, ExitCode.BROKEN),
        ([sent(ONE)], {"error": "it broke"}, ExitCode.BROKEN),
        ([sent(ONE)], {"bail": "enough"}, ExitCode.OK),
        ([FAILED_REQUEST, REFUSED, FAILED_ASSERTION], {"error": "it broke"}, ExitCode.REFUSED),
        ([REFUSED, events.Interrupted()], {}, ExitCode.INTERRUPTED),
    ],
)
def test_the_gravest_thing_decides_the_exit_status(inner: list[RunEvent], ending: dict[str, str], code: ExitCode) -> None:
    result = result_of(*inner, **ending)
    assert result.exit_code is code
    assert result.ok is (code is ExitCode.OK)


def test_nothing_ran() -> None:
    result = RunResult()
    nothing = Environment()
    for event in (
        events.RunStarted(collection=COLLECTION, environment=nothing, globals=nothing, iterations=1, items=0, started=1.0),
        events.RunFinished(finished=2.0, environment=nothing, globals=nothing, collection=COLLECTION),
    ):
        result.add(event)
    assert result.exit_code is ExitCode.NOTHING_RAN


def test_timings_leave_out_phases_that_were_not_needed() -> None:
    first, second = response(total=10), response(total=30)
    result = result_of(sent(ONE, response=first), sent(ONE, response=second), sent(ONE, error="no"))
    assert (result.response.average, result.response.min, result.response.max, result.response.sd) == (20, 10, 30, 10)
    assert (result.dns.count, result.dns.average, result.first_byte.average) == (2, 2, 20)
    empty = result_of()
    assert (empty.response.average, empty.response.sd, empty.response.max) == (0, 0, 0)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60))
def test_a_spread_agrees_with_statistics(values: list[float]) -> None:
    spread = Spread()
    for value in values:
        spread.add(value)
    assert spread.average == pytest.approx(statistics.fmean(values), abs=1e-6)
    assert spread.sd == pytest.approx(statistics.pstdev(values), abs=1e-3)
    assert (spread.min, spread.max, spread.count) == (min(values), max(values), len(values))


@given(st.lists(st.floats(0.001, 1e8), min_size=1, max_size=60), st.sampled_from([1, 50, 90, 95, 99, 100]))
def test_a_percentile_is_within_one_percent_of_the_value_at_its_rank(values: list[float], percent: int) -> None:
    percentiles = Percentiles()
    for value in values:
        percentiles.add(value)
    exact = sorted(values)[math.ceil(len(values) * percent / 100) - 1]
    assert percentiles.at(percent) == pytest.approx(exact, rel=0.01)
    assert min(values) <= percentiles.at(percent) <= max(values)


def test_percentiles_of_many_times_take_little_memory() -> None:
    percentiles = Percentiles()
    assert percentiles.usual == {"p50": 0, "p90": 0, "p95": 0, "p99": 0}
    for number in range(1, 20_001):
        percentiles.add(number / 10)
    expected = {"p50": 1000, "p90": 1800, "p95": 1900, "p99": 1980}
    assert percentiles.usual == {name: pytest.approx(value, rel=0.01) for name, value in expected.items()}
    percentiles.add(0)
    percentiles.add(86_400_000)
    assert len(percentiles._classes) < 1300


def test_memory_does_not_grow_with_iterations() -> None:
    result = result_of()
    for iteration in range(1000):
        where = place("One", ref=iteration, iteration=iteration, cycles=1000)
        for event in turn(where, sent(where), asserted(where, "t")):
            result.add(event)
    sizes = [len(value) for name in RunResult.__slots__ if isinstance(value := getattr(result, name), list | dict | tuple)]
    assert max(sizes) < 20
