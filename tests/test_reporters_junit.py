"""The JUnit report: Newman's names, a suite for each item run, nothing hidden and nothing merged."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from junitparser import Error, Failure, JUnitXml, Skipped, TestCase

from runner import events
from runner.cli.output import make_reporters
from runner.cli.run import split_reporter_options
from runner.errors import UsageError
from runner.events import Place, RunEvent
from runner.model import Collection, Item
from runner.reporters import Surroundings, create
from tests.reporting import (
    COLLECTION,
    MOMENT,
    asserted,
    demo,
    place,
    response,
    script_done,
    script_failed,
    sent,
    show,
    turn,
    whole_run,
)
from tests.servers import Recorder

ONE = place("One")
NUMBER, SECONDS, TEXT = r"\d+", r"\d+\.\d{3}", r"(?s:.*)"
STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"

# After junit-10.xsd of Jenkins' xUnit plugin, and no looser: what may be in an element in this order, and its attributes.
CHILDREN = {
    "testsuites": ["testsuite"],
    "testsuite": ["testcase", "system-err"],
    "testcase": ["skipped", "error", "failure"],
    "skipped": [],
    "error": [],
    "failure": [],
    "system-err": [],
}
TOTALS = {"tests": NUMBER, "failures": NUMBER, "errors": NUMBER, "time": SECONDS}
REQUIRED = {
    "testsuites": {"name": TEXT, **TOTALS},
    "testsuite": {"name": TEXT, "timestamp": STAMP, "skipped": NUMBER, **TOTALS},
    "testcase": {"name": TEXT, "classname": r"\w+(\.\w+)*", "time": SECONDS},
    "error": {"type": r".+", "message": TEXT},
    "failure": {"type": r"AssertionFailure", "message": TEXT},
}
OPTIONAL = {"testsuite": {"id": TEXT}, "skipped": {"message": TEXT}}


def check(element: ElementTree.Element) -> None:
    """The element and all below have the shape of the schema, and its numbers are the numbers of what is in it."""
    required = REQUIRED.get(element.tag, {})
    allowed = required | OPTIONAL.get(element.tag, {})
    assert set(required) <= set(element.attrib) <= set(allowed), element.tag
    for name, value in element.attrib.items():
        assert re.fullmatch(allowed[name], value), (element.tag, name, value)
    places = [CHILDREN[element.tag].index(child.tag) for child in element]
    assert places == sorted(places)
    if element.tag == "testcase":
        assert len(element) <= 1
    for attribute, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        if attribute in element.attrib:
            assert int(element.attrib[attribute]) == len(list(element.iter(tag)))
    for child in element:
        check(child)


def parsed(stream: Iterable[RunEvent]) -> ElementTree.Element:
    """The report, found valid, with no two cases that a reader could take for one."""
    root = ElementTree.fromstring(show(iter(stream), "junit", export="-").encode())
    assert root.tag == "testsuites"
    check(root)
    keys = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    assert len(set(keys)) == len(keys)
    return root


def read(stream: Iterable[RunEvent]) -> JUnitXml:
    return JUnitXml.fromroot(parsed(stream))


def cases(stream: Iterable[RunEvent]) -> list[tuple[str | None, str | None]]:
    return [(case.get("classname"), case.get("name")) for case in parsed(stream).iter("testcase")]


def without_end(stream: Iterable[RunEvent]) -> Iterator[RunEvent]:
    return (event for event in stream if not isinstance(event, events.ItemFinished | events.RunFinished))


# ------------------------------------------------------------------------------------------------------------ what it says


def test_a_junit_library_reads_it_back() -> None:
    suites = list(read(demo()))
    assert [(suite.name, suite.tests, suite.failures, suite.errors, suite.skipped) for suite in suites] == [
        ("One", 3, 1, 0, 1),
        ("A / Inner", 1, 0, 1, 0),
        ("A / Closed", 1, 0, 1, 0),
        ("A / Skip me", 1, 0, 0, 1),
        ("A / B / Deep", 0, 0, 0, 0),
        ("A / 주문", 1, 0, 1, 0),
    ]
    found = [(case.name, case.classname, [type(result) for result in case.result]) for suite in suites for case in suite]
    assert found == [
        ("ok one", "One", []),
        ("bad one", "One", [Failure]),
        ("later", "One", [Skipped]),
        ("test-script", "AInner", [Error]),
        ("request", "AClosed", [Error]),
        ("request", "ASkipMe", [Skipped]),
        ("request", "A주문", [Error]),
    ]


def test_the_id_of_a_suite_is_the_items() -> None:
    assert [suite.get("id") for suite in parsed(demo())][:2] == ["id-One", "id-Inner"]


def test_the_totals_count_cases() -> None:
    root = parsed(demo())
    assert root.attrib == {"name": "Demo", "tests": "7", "failures": "1", "errors": "3", "time": "0.088"}


def test_times_are_seconds_of_the_items_own_response() -> None:
    slow = [
        sent(ONE, source="script", response=response(total=9000)),
        sent(ONE, response=response(total=1234.4)),
        asserted(ONE, "a"),
        asserted(ONE, "b", 1),
    ]
    (suite,) = parsed(whole_run(*turn(ONE, *slow)))
    assert suite.get("timestamp") == "2026-11-23T00:29:35.889Z"
    assert [element.get("time") for element in suite.iter()] == ["1.234", "1.234", "1.234"]


def result_of(name: str) -> Any:
    (result,) = (case.result[0] for suite in read(demo()) for case in suite if f"{suite.name}: {case.name}" == name)
    return result


def test_a_failure_in_newmans_words() -> None:
    failure = result_of("One: bad one")
    assert (failure.type, failure.message) == ("AssertionFailure", "expected 1 to deeply equal 2")
    assert failure.text.splitlines() == [
        "Collection JSON ID: c",
        "Collection name: Demo",
        "Request name: One",
        "Test description: bad one",
        "Error message: expected 1 to deeply equal 2",
        "Stacktrace: AssertionError: expected 1 to deeply equal 2",
    ]


@pytest.mark.parametrize(
    ("name", "kind", "message", "line"),
    [
        ("A / Inner: test-script", "ReferenceError", "nope is not defined", "Script: Inner:2:1"),
        ("A / Closed: request", "ECONNREFUSED", "connect ECONNREFUSED 127.0.0.1:1", "Request: GET http://h/Closed"),
        ("A / 주문: request", "Refused", "an order to the real host\n  allow it with --yes", "Request: POST http://h/주문"),
    ],
)
def test_an_error_tells_what_and_where(name: str, kind: str, message: str, line: str) -> None:
    error = result_of(name)
    assert (error.type, error.message) == (kind, message)
    assert line in error.text.splitlines()


def test_a_skipped_item_tells_why() -> None:
    assert result_of("A / Skip me: request").message == "a script said so"


def test_errors_are_in_system_err_too_as_with_newman() -> None:
    where = place("Closed", iteration=1, cycles=2)
    root = parsed(
        whole_run(*turn(where, *script_failed(where, "prerequest"), sent(where, error="no route"), *script_failed(where)))
    )
    assert root.findtext("testsuite/system-err") == (
        "Iteration: 2\nprerequestScriptError: nope is not defined\n---\nRequestError: no route\n---\n"
        "testScriptError: nope is not defined\n---\n"
    )


def test_every_error_has_a_case_of_its_own() -> None:
    lost = [sent(ONE, source=source, error="lost") for source in ("script", "auth", "item")]
    assert cases(whole_run(*turn(ONE, *lost, *script_failed(ONE, "prerequest"), *script_failed(ONE), *script_failed(ONE)))) == [
        ("One", "request by script"),
        ("One", "request by auth"),
        ("One", "request"),
        ("One", "prerequest-script"),
        ("One", "test-script"),
        ("One", "test-script (2)"),
    ]


# ---------------------------------------------------------------------------------------------------- nothing is merged


def test_equal_names_do_not_merge() -> None:
    tests = [asserted(ONE, name, index, passed=index != 1) for index, name in enumerate(["same", "same", "same (2)", "same"])]
    (suite,) = read(whole_run(*turn(ONE, *tests)))
    assert [(case.name, case.is_passed) for case in suite] == [
        ("same", True), ("same (2)", False), ("same (2) (2)", True), ("same (3)", True)
    ]  # fmt: skip


def test_names_that_differ_in_what_xml_cannot_hold_do_not_merge() -> None:
    assert cases(whole_run(*turn(ONE, asserted(ONE, "a\x00"), asserted(ONE, "a\x01", 1)))) == [("One", "a"), ("One", "a (2)")]


def turns(*places: Place) -> Iterator[RunEvent]:
    before = 0
    for where in places:
        if where.iteration != before:
            yield events.IterationStarted(iteration=where.iteration, cycles=where.cycles)
            before = where.iteration
        yield from turn(where, asserted(where, "t", passed=where.iteration == 1))


def test_each_iteration_has_its_own_cases() -> None:
    inner = [place("Inner", "A", iteration=number, cycles=2) for number in range(2)]
    suites = list(read(whole_run(*turns(*inner), iterations=2)))
    assert [(suite.name, suite.failures) for suite in suites] == [
        ("A / Inner (iteration 1)", 1),
        ("A / Inner (iteration 2)", 0),
    ]
    assert [case.classname for suite in suites for case in suite] == ["AInner.Iteration1", "AInner.Iteration2"]


def test_an_item_that_runs_again_has_its_own_cases() -> None:
    loop = [place("Inner", "A", iteration=number // 2, cycles=2) for number in range(4)]
    classes = [name for name, _ in cases(whole_run(*turns(*loop), iterations=2))]
    assert classes == [f"AInner.{run}" for run in ("Iteration1", "Iteration1.Run2", "Iteration2", "Iteration2.Run2")]
    again = parsed(whole_run(*turns(place("One"), place("One"))))
    assert [suite.get("name") for suite in again] == ["One", "One (run 2)"]


@pytest.mark.parametrize(
    ("name", "class_name"),
    [  # as lodash makes them, but for the last three
        ("GET users HTTPServer", "GetUsersHttpServer"),
        ("v2Users / don't stop", "V2UsersDontStop"),
        ("snake_case Get {{x}} item", "SnakeCaseGetXItem"),
        ("200 OK abc12def", "200OkAbc12Def"),
        ("주문 목록", "주문목록"),
        ("Café au lait", "CaféAuLait"),
        ("—", "Demo"),
    ],
)
def test_class_names(name: str, class_name: str) -> None:
    where = replace(ONE, item=replace(ONE.item, name=name))
    assert cases(whole_run(*turn(where, asserted(where, "t")))) == [(class_name, "t")]


# ------------------------------------------------------------------------------------------------------------ odd content


@given(text=st.text(st.characters(exclude_categories=())))
def test_any_text_is_carried_or_stripped_but_never_breaks_the_report(text: str) -> None:
    where = replace(ONE, item=Item(id=text, name=text, request=ONE.item.request), path=(text,))
    stream = [
        replace(event, collection=Collection(id=text, name=text)) if isinstance(event, events.RunStarted) else event
        for event in whole_run(
            *turn(
                where,
                sent(where, error=text, error_code=text),
                events.ItemSkipped(place=where, reason=text),
                asserted(where, text, passed=False, message=text),
            ),
            error=text,
        )
    ]
    root = ElementTree.fromstring(show(iter(stream), "junit", export="-").encode())
    (failure,) = root.iter("failure")
    legal = "".join(
        char
        for char in text
        if char in "\t\n\r" or " " <= char <= "\ud7ff" or "\ue000" <= char <= "\ufffd" or char >= "\U00010000"
    )
    assert failure.get("message") == legal
    assert int(root.get("errors", "")) == 2


def test_markup_in_names_is_text() -> None:
    nasty = """<a href="x">&amp; ]]> 'q' "d"</a>"""
    where = replace(ONE, item=replace(ONE.item, name=nasty))
    (suite,) = read(whole_run(*turn(where, asserted(where, nasty, passed=False, message=nasty))))
    (case,) = suite
    assert (suite.name, case.name, case.result[0].message) == (nasty, nasty, nasty)
    assert f"Error message: {nasty}" in case.result[0].text


# --------------------------------------------------------------------------------------------------- runs that break off


def last_case(stream: Iterable[RunEvent]) -> tuple[str, str, str]:
    suite = list(read(stream))[-1]
    case: TestCase = list(suite)[-1]
    (error,) = case.result
    assert isinstance(error, Error)
    assert (suite.name, case.classname, case.name) == ("Demo", "Demo", "run")
    return case.name, error.type, error.message


def test_a_whole_run_has_no_suite_of_its_own() -> None:
    assert [suite.get("name") for suite in parsed(whole_run(*turn(ONE, asserted(ONE, "t"))))] == ["One"]


def test_a_run_that_broke_is_not_green() -> None:
    assert last_case(whole_run(*turn(ONE, asserted(ONE, "t")), error="it broke")) == ("run", "RunBroken", "it broke")


def test_an_interrupted_run_is_not_green() -> None:
    stream = whole_run(*turn(ONE, asserted(ONE, "t")), events.Interrupted())
    assert last_case(stream) == ("run", "Interrupted", "the run was interrupted")


def test_a_run_without_an_end_keeps_what_it_had() -> None:
    stream = list(without_end(whole_run(*turn(ONE, asserted(ONE, "t")))))
    assert cases(stream) == [("One", "t"), ("Demo", "run")]
    assert last_case(stream)[1] == "RunBroken"


def test_a_run_that_could_not_even_start_is_reported() -> None:
    stream = [event for event in whole_run(error="nothing to run") if isinstance(event, events.RunFinished)]
    assert last_case(stream) == ("run", "RunBroken", "nothing to run")


@pytest.mark.skipif(os.name == "nt", reason="signals are sent the POSIX way")
def test_ctrl_c_still_writes_the_report(tmp_path: Path, recorder: Recorder) -> None:
    item = {"name": "again", "request": recorder.url("/ok")}
    (tmp_path / "c.json").write_text(json.dumps({"info": {"name": "c"}, "item": [item]}))
    words = ["run", "c.json", "-n", "5000", "--delay-request", "20", "-r", "junit", "--reporter-junit-export", "out.xml"]
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parent.parent)}
    environ |= {name: value for name, value in os.environ.items() if name.startswith("COV")}
    process = subprocess.Popen([sys.executable, "-m", "runner", *words], cwd=tmp_path, env=environ)
    for _ in range(300):
        if recorder.requests:
            break
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    assert process.wait(30) == 130
    root = ElementTree.parse(tmp_path / "out.xml").getroot()
    check(root)
    assert root[0].get("name") == "again (iteration 1)"
    assert [error.get("type") for error in root.iter("error")][-1:] == ["Interrupted"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.json", "out.xml"]


# --------------------------------------------------------------------------------------------------------- where it goes


def write(export: str | None, stream: Iterable[RunEvent]) -> None:
    surroundings = Surroundings(out=io.StringIO(), err=io.StringIO(), now=lambda: MOMENT)
    reporter = create("junit", {} if export is None else {"export": export}, surroundings)
    try:
        for event in stream:
            reporter.handle(event)
    finally:
        reporter.close()


def test_the_default_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(None, demo())
    (path,) = (tmp_path / "pabal").iterdir()
    assert path.name == "pabal-run-report-2026-11-23-00-29-58-678-0.xml"
    assert path.read_bytes().decode() == show(demo(), "junit", export="-")


def test_the_old_report_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "out.xml"
    path.write_text("old")
    reporter = create("junit", {"export": str(path)}, Surroundings(out=io.StringIO(), err=io.StringIO()))
    for event in demo():
        reporter.handle(event)
    assert path.read_text() == "old"
    reporter.close()
    assert len(JUnitXml.fromfile(str(path))) == 6
    assert [file.name for file in tmp_path.iterdir()] == ["out.xml"]


def test_without_a_run_there_is_no_report(tmp_path: Path) -> None:
    write(str(tmp_path / "out.xml"), [])
    assert list(tmp_path.iterdir()) == []


def test_a_place_where_no_file_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        write(str(tmp_path / "file" / "out.xml"), demo())


def test_the_command_line_names_the_place(tmp_path: Path) -> None:
    rest, options = split_reporter_options(["c.json", "--reporter-junit-export", str(tmp_path / "o.xml"), "-r", "junit"])
    assert rest == ["c.json", "-r", "junit"]
    values = {"reporters": "junit", "silent": True, "verbose": False, "color": "auto", "disable_unicode": False, "dry_run": False}
    (reporter,) = make_reporters(values, options)
    for event in demo():
        reporter.handle(event)
    reporter.close()
    assert (tmp_path / "o.xml").is_file()


def test_memory_stays_flat_and_nothing_is_lost_in_a_long_run(tmp_path: Path) -> None:
    text = "가" * 500

    def many() -> Iterator[RunEvent]:
        for number in range(2000):
            where = place("One", ref=number + 1, iteration=number, cycles=2000)
            yield events.IterationStarted(iteration=number, cycles=2000)
            yield from turn(
                where, sent(where), asserted(where, "t", passed=False, message=text), script_done(where, named_next=False)
            )

    path = tmp_path / "out.xml"
    first, *_, last = whole_run(iterations=2000)
    tracemalloc.start()
    write(str(path), chain([first], many(), [last]))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert path.stat().st_size > 6_000_000
    assert peak < 6_000_000
    root = ElementTree.parse(path).getroot()
    assert (root.get("tests"), root.get("failures"), len(root)) == ("2000", "2000", 2000)
    assert root.get("name") == COLLECTION.name
