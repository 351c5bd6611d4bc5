"""The HTML report: one file, complete without JavaScript but for the list, small however long the run is."""

from __future__ import annotations

import json
import re
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from runner import events
from runner.errors import UsageError
from runner.events import RunEvent
from runner.reporters import html
from runner.reporters.html.entry import diff
from runner.sandbox import ScriptError
from tests.reporting import asserted, console, demo, place, response, sent, show, turn, whole_run

ONE = place("One")
HOSTILE = b'</script><script>document.title="owned"</script><img src=x onerror="document.title=\'owned\'">'


class Page(HTMLParser):
    """Texts of a page by element, and every reference to something outside of it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.outside: list[str] = []
        self.tags: list[str] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.outside += [f"{tag} {name}" for name, _ in attrs if name in ("src", "href", "action") or name.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self.tags[-1] if self.tags else "", []).append(data)


def page(stream: Iterator[RunEvent], **options: Any) -> str:
    return show(stream, "html", export="-", **options)


def entries(text: str) -> list[dict[str, Any]]:
    found = re.search(r'<script type="application/json" id="entries">(.*?)</script>', text, re.DOTALL)
    assert found
    listed: list[dict[str, Any]] = json.loads(found[1])
    return listed


def test_each_turn_of_an_item_is_an_entry_with_its_outcome() -> None:
    assert [(entry["name"], entry["outcome"]) for entry in entries(page(demo()))] == [
        ("One", "failed"),
        ("Inner", "broken"),
        ("Closed", "broken"),
        ("Skip me", "skipped"),
        ("Deep", "passed"),
        ("주문", "refused"),
    ]


def test_what_the_run_came_to_is_in_the_page_itself() -> None:
    text = page(demo())
    assert "<title>Demo – failed</title>" in text
    assert "Variables without a value: host, port" in text
    failures = text[text.index('<section class="failures"') : text.index('<section class="run"')]
    assert failures.count("<li>") == 4
    assert "expected 1 to deeply equal 2" in failures
    assert "A / 주문" in failures
    assert "<title>Demo – passed</title>" in page(whole_run(*turn(ONE, sent(ONE))))


def test_the_page_needs_nothing_from_elsewhere() -> None:
    found = Page(page(demo()))
    assert found.outside == []
    assert "link" not in found.tags


def test_an_entry_tells_what_was_sent_and_what_came_back() -> None:
    where = place("Inner", "A")
    (entry,) = entries(page(whole_run(*turn(where, sent(where, "POST", response=response(201, "Created", total=46))))))
    (request,) = entry["requests"]
    assert (request["method"], request["url"], request["code"], request["reason"]) == ("POST", "http://h/Inner", 201, "Created")
    assert request["phases"] == [2.0, 1.0, 0.0, 20.0, 5.5]
    assert request["request"] == {"headers": [["User-Agent", "pabal"], ["X-Mine", "1"]], "body": '{"a":1}'}
    assert request["response"]["body"] == '{"hi":"there"}'
    assert entry["path"] == ["A"]


def test_hostile_answers_stay_text() -> None:
    name = HOSTILE.decode()
    text = page(whole_run(*turn(ONE, sent(ONE, response=response(body=HOSTILE)), asserted(ONE, name), console(ONE, name))))
    assert Page(text).tags.count("script") == 2
    assert "img" not in Page(text).tags
    (entry,) = entries(text)
    assert entry["requests"][0]["response"]["body"] == name
    assert entry["assertions"][0]["name"] == name


def test_hostile_failures_stay_text_in_the_summary() -> None:
    text = page(whole_run(*turn(ONE, asserted(ONE, HOSTILE.decode(), passed=False, message="<b>no</b>"))))
    assert "img" not in Page(text).tags
    assert "&lt;b&gt;no&lt;/b&gt;" in text


def test_console_output_is_shown_as_the_terminal_shows_it() -> None:
    (entry,) = entries(page(whole_run(*turn(ONE, console(ONE, "a", {"b": 1}, level="warn")))))
    assert entry["console"] == [["warn", "a { b: 1 }"]]


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b"x" * 30, {"body": "x" * 20, "cut": 30}),
        ("가".encode() * 30, {"body": "가" * 20, "cut": 90}),
        (b"\xff\x00\xfe", {"binary": 3}),
        (b"", {}),
    ],
    ids=["long", "long and Korean", "binary", "none"],
)
def test_bodies_are_cut_and_binary_ones_are_only_counted(body: bytes, shown: dict[str, Any]) -> None:
    (entry,) = entries(page(whole_run(*turn(ONE, sent(ONE, response=response(body=body)))), **{"body-limit": "20"}))
    content = entry["requests"][0]["response"]
    assert {name: value for name, value in content.items() if name != "headers"} == shown


def test_a_body_limit_is_a_number() -> None:
    with pytest.raises(UsageError, match="takes a number"):
        page(demo(), **{"body-limit": "many"})


def test_title_and_details_can_be_chosen() -> None:
    text = page(demo(), title="Nightly <1>", **{"no-details": True})
    assert "<h1>Nightly &lt;1&gt;</h1>" in text
    passed, failed = entries(text)[4], entries(text)[0]
    assert passed["outline"] and "response" not in passed["requests"][0]
    assert failed["outline"] and "response" not in failed["requests"][0]


@pytest.mark.parametrize(
    ("expected", "actual", "lines"),
    [
        ({"a": [1]}, {"a": [2]}, [["  ", "{"], ["  ", '  "a": ['], ["- ", "    1"], ["+ ", "    2"], ["  ", "  ]"], ["  ", "}"]]),
        ("one\ntwo", "one\n2", [["  ", "one"], ["- ", "two"], ["+ ", "2"]]),
        (1, 2, None),
        (list(range(500)), [], None),
    ],
)
def test_what_differs_is_shown_line_by_line(expected: Any, actual: Any, lines: list[list[str]] | None) -> None:
    error = ScriptError(name="AssertionError", message="", actual=json.dumps(actual), expected=json.dumps(expected))
    found = diff(error)
    assert found == (None if lines is None else [[kind.strip() or " ", text] for kind, text in lines])


def test_a_file_is_written_whole_and_an_unwritable_one_is_an_error(tmp_path: Path) -> None:
    show(demo(), "html", export=str(tmp_path / "deep/report.html"))
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["report.html"]
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        show(demo(), "html", export=str(tmp_path / "file/report.html"))


def long_run(count: int, body: bytes, *, failing: int = 0) -> Iterator[RunEvent]:
    def turns() -> Iterator[RunEvent]:
        for number in range(count):
            failed = failing and number % failing == 0
            test = asserted(ONE, "it holds", passed=not failed, message="it does not")
            yield from turn(ONE, sent(ONE, response=response(body=body)), test)

    start, iteration, *ending = whole_run()
    yield from (start, iteration)
    yield from turns()
    yield from ending


def test_five_thousand_requests_with_large_bodies_stay_below_20_mb() -> None:
    text = page(long_run(5_000, b"y" * 15_000, failing=500))
    assert 10_000_000 < len(text.encode()) < 20_000_000
    listed = entries(text)
    assert len(listed) == 5_000
    assert all("outline" not in entry for entry in listed if entry["outcome"] == "failed")
    assert sum("outline" in entry for entry in listed) > 4_000


def test_what_is_not_listed_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "LINES", 10_000)
    monkeypatch.setattr(html, "ALL", 20_000)
    text = page(long_run(500, b"z" * 100))
    assert len(entries(text)) + int(re.search(r"(\d+) more are not listed", text)[1]) == 500  # type: ignore[index]


def test_memory_does_not_grow_with_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "_IN_MEMORY", 100_000)

    def peak(count: int) -> int:
        tracemalloc.start()
        show(long_run(count, b"y" * 2_000), "html", export=str(tmp_path / "report.html"))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(10)
    assert peak(1_000) < 1.5 * peak(200)


def test_several_collections_share_a_page() -> None:
    first, second = (list(whole_run(*turn(ONE, sent(ONE)))) for _ in range(2))
    named = [replace(events_[0], number=number, of=2) for number, events_ in enumerate((first, second), 1)]  # type: ignore[type-var]
    text = page(iter([named[0], *first[1:], named[1], *second[1:]]))
    assert "<h1>Demo, Demo</h1>" in text
    assert [entry["path"] for entry in entries(text)] == [["Demo"], ["Demo"]]
    assert "<dt>requests</dt><dd>2</dd>" in text


def test_a_run_that_never_began_leaves_no_report() -> None:
    assert show(iter(()), "html", export="-") == ""


def test_an_interrupted_run_says_so() -> None:
    assert "The run was interrupted." in page(whole_run(*turn(ONE, sent(ONE)), events.Interrupted()))
