"""The terminal report, line by line."""

from __future__ import annotations

import errno
import re
from io import BytesIO, StringIO, TextIOWrapper
from itertools import chain
from typing import Any

import pytest

from runner import events
from runner.cli.output import make_reporters
from runner.cli.run import split_reporter_options
from runner.errors import UsageError
from runner.model import Environment
from runner.reporters import Surroundings, create
from runner.reporters.units import duration, size
from tests.reporting import (
    COLLECTION,
    FakeTerminal,
    asserted,
    console,
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

ONE = place("One")

WHOLE = """\
pabal

Demo

Root One
  GET http://h/One [200 OK, 231B, 41ms]
  Pass  ok one
  1. bad one
  -  [skipped] later

Attempting to set next request to Inner

Folder A
Sub-folder Inner
  GET http://h/sent [200 OK, 231B, 5ms]
  POST http://h/Inner [201 Created, 231B, 46ms]
  2. ReferenceError in test-script

Sub-folder Closed
  GET http://h/Closed [errored]
     connect ECONNREFUSED 127.0.0.1:1

Sub-folder Skip me
  -  [skipped] a script said so

Folder A / B
Sub-folder Deep
  account: A <- B (60****45)
  GET http://h/Deep [200 OK, 231B, 500us, simulated]

Folder A
Sub-folder 주문
  warning: nothing is called 'x'
  POST http://h/주문 [refused]
     an order to the real host
       allow it with --yes

-------------------------------------------------------------------
|                         |          executed |            failed |
--------------------------+-------------------+--------------------
|              iterations |                 1 |                 0 |
--------------------------+-------------------+--------------------
|                requests |                 5 |                 1 |
--------------------------+-------------------+--------------------
|         sent by scripts |                 1 |                 0 |
--------------------------+-------------------+--------------------
|                 refused |                 0 |                 1 |
--------------------------+-------------------+--------------------
|            test-scripts |                 2 |                 1 |
--------------------------+-------------------+--------------------
|      prerequest-scripts |                 2 |                 0 |
--------------------------+-------------------+--------------------
|              assertions |                 3 |                 1 |
-------------------------------------------------------------------
| total run duration: 397ms                                       |
-------------------------------------------------------------------
| total data received: 56B (approx)                               |
-------------------------------------------------------------------
| average response time: 23ms [min: 500us, max: 46ms, s.d.: 20ms] |
-------------------------------------------------------------------

unresolved variables: host, port

  #  failure         detail

 1.  AssertionError  bad one
                     expected 1 to deeply equal 2
                     at assertion:1 in test-script
                     inside "One"

 2.  ReferenceError  nope is not defined
                     at test-script:2:1
                     inside "A / Inner"

 3.  Error           connect ECONNREFUSED 127.0.0.1:1
                     at request
                     inside "A / Closed"

 4.  Refused         an order to the real host
                       allow it with --yes
                     at request
                     inside "A / 주문"

"""


def one_item(*inner: events.RunEvent, **options: Any) -> str:
    """What is printed for one item, without banner and summary."""
    switches = {"no-banner": True, "no-summary": True, "no-failures": True, **options}
    return show(chain(whole_run(*turn(ONE, *inner))), **switches).removeprefix("Demo\n\nRoot One\n").removesuffix("\n")


def test_a_whole_run() -> None:
    assert show(demo()) == WHOLE


def test_the_same_with_unicode_and_details() -> None:
    shown = show(demo(), **{"disable-unicode": False, "verbose": True})
    assert shown.startswith(
        "pabal\n\nDemo\n\n→ One\n  GET http://h/One\n  200 OK ★ 41ms time ★ 30B↑ 231B↓ size ★ 2↑ 1↓ headers ★ 1 cookies\n"
        '  ┌ ↓ application/json; charset=utf-8 ★ 14B\n  │ {"hi":"there"}\n  └\n'
        "  dns-lookup   tcp-handshake   transfer-start   download   total\n"
        "  2ms          1ms             20ms             5ms        41ms\n\n  ✓  ok one\n"
    )
    assert "❏ A\n↳ Inner\n" in shown
    assert '  ┌ ↑ raw ★ 7B\n  │ {"a":1}\n  └\n' in shown
    assert "  2⠄ ReferenceError in test-script\n" in shown
    assert "  account: A ← B (60****45)\n" in shown
    assert "│ average first byte time: 20ms [min: 20ms, max: 20ms, s.d.: 0ms] │\n└──" in shown
    assert "├─────────────────────────┴───────────────────┴───────────────────┤\n│ total run duration: 397ms " in shown


def test_details_of_odd_bodies() -> None:
    empty, binary = response(body=b"", headers=()), response(body=b"\xff\x00" * 5)
    long = response(body=b"x" * 2000 + b"\n\n" + b"y" * 2000)
    shown = one_item(*(sent(ONE, response=answer) for answer in (empty, binary, long)), verbose=True)
    assert "  v no content type\n" in shown
    assert "  | (binary)\n  -\n" in shown
    assert f"  | {'x' * 2000}\n  | {'y' * 46}\n  | (showing 2.05kB/4kB)\n" in shown


def test_iterations_are_numbered() -> None:
    two = whole_run(
        *turn(place("One", cycles=2), asserted(place("One", cycles=2), "bad", passed=False, message="no")), iterations=2
    )
    shown = show(two)
    assert shown.startswith("pabal\n\nDemo\n\nIteration 1/2\n\nRoot One\n")
    assert " 1.  AssertionError  bad\n     iteration: 1    no\n                     at assertion:0 in test-script\n" in shown


def test_console_calls_share_a_frame() -> None:
    shown = one_item(
        console(ONE, "hello", {"a": 1}), console(ONE, "line\n\nnext", level="warn"), console(ONE, level="clear"),
        asserted(ONE, "t"), console(ONE, "x" * 60, level="error"),
    )  # fmt: skip
    assert (
        shown
        == f"  -\n  | 'hello', {{ a: 1 }}\n  | 'line\\n\\nnext'\n  -\n  Pass  t\n  -\n  | '{'x' * 53}\n  | {'x' * 7}'\n  -\n"
    )


def test_wide_characters_in_the_console_count_twice() -> None:
    assert one_item(console(ONE, "가" * 30)) == f"  -\n  | '{'가' * 26}\n  | {'가' * 4}'\n  -\n"


def test_console_values_that_are_wide_take_several_lines() -> None:
    value = {"first": "a" * 25, "second": "b" * 25}
    lines = one_item(console(ONE, value)).splitlines()
    assert lines[1:-1] == ["  | {", f"  |   first: '{'a' * 25}',", f"  |   second: '{'b' * 25}'", "  | }"]


def test_percentiles_are_told_from_ten_responses_on() -> None:
    one = place("One")
    times = [sent(one, response=response(total=total)) for total in range(10, 110, 10)]
    row = "| response time percentiles: p50: 50ms, p90: 89ms, p95: 100ms, p99: 100ms |"
    assert row in show(whole_run(*turn(one, *times)))
    assert "percentiles" not in show(whole_run(*turn(one, *times[1:])))


def test_what_can_be_left_out() -> None:
    inner = (
        console(ONE, "said"),
        asserted(ONE, "good"),
        asserted(ONE, "bad", passed=False),
        asserted(ONE, "later", skipped=True),
    )
    assert one_item(*inner, **{"no-console": True}) == "  Pass  good\n  1. bad\n  -  [skipped] later\n"
    assert one_item(*inner, **{"no-console": True, "no-success-assertions": True}) == "  1. bad\n"
    assert one_item(*inner, noConsole=True, no_assertions=True) == ""
    assert one_item(*inner, **{"no-console": "false", "no-assertions": True}) == "  -\n  | 'said'\n  -\n"
    assert "failure" not in show(demo(), **{"no-failures": True})
    assert "total run duration" not in show(demo(), **{"no-summary": True})
    assert show(demo(), **{"no-banner": True}).startswith("Demo\n")
    assert show(demo(), silent=True) == ""


LEFT_OUT = {
    "no-banner": ["pabal\n\n"],
    "no-summary": ["total run duration", "|              assertions |"],
    "no-failures": ["failure", "at assertion:1 in test-script"],
    "no-assertions": ["Pass  ok one", "1. bad one", "[skipped] later"],
    "no-success-assertions": ["Pass  ok one", "[skipped] later"],
    "no-console": ["'said'"],
}


@pytest.mark.parametrize("option", [*LEFT_OUT, "silent", "show-timestamps"])
@pytest.mark.parametrize("prefix", ["--reporter-cli-", "--reporter-"])
def test_every_option_on_the_command_line(option: str, prefix: str, capsys: pytest.CaptureFixture[str]) -> None:
    events_of_demo = list(demo())
    of_the_run = {"silent": False, "verbose": False, "color": "off", "disable_unicode": True, "dry_run": False}

    def shown(*words: str) -> str:
        collection, given = split_reporter_options([*words, "c.json"])
        assert collection == ["c.json"]
        (reporter,) = make_reporters({"reporters": "cli", **of_the_run}, given)
        for event in (*events_of_demo[:-2], console(ONE, "said"), *events_of_demo[-2:]):
            reporter.handle(event)
        reporter.close()
        return re.sub(r"\[(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d\]", "<stamp>", capsys.readouterr().out)

    whole, changed = shown(), shown(f"{prefix}{option}")
    assert shown(f"{prefix}{option}", "true") == changed and shown(f"{prefix}{option}", "false") == whole
    texts = [text for texts in LEFT_OUT.values() for text in texts]
    assert all(text in whole for text in texts) and "<stamp>" not in whole
    gone = texts if option == "silent" else LEFT_OUT.get(option, [])
    assert [text for text in texts if text not in changed] == [text for text in texts if text in gone]
    assert ("<stamp>" in changed) == (option == "show-timestamps")
    assert bool(changed) == (option != "silent")


def test_timestamps() -> None:
    shown = one_item(
        sent(ONE), asserted(ONE, "good"), asserted(ONE, "bad", passed=False), console(ONE, "x"), **{"show-timestamps": True}
    )
    assert shown == (
        "  [2026-11-23 00:29:58]  GET http://h/One [200 OK, 231B, 41ms]\n"
        "  [00:29:58]  Pass  good\n  [00:29:58]  1. bad\n\n  [00:29:58]\n  -\n  | 'x'\n  -\n"
    )


def test_the_jump_to_another_request_is_announced_once() -> None:
    done = script_done(ONE, named_next=True, next_request="A"), script_done(ONE, named_next=True, next_request="B")
    prerequest = script_done(ONE, "prerequest", named_next=True, next_request="P")
    assert one_item(prerequest, *done) == "\nAttempting to set next request to B\n"
    assert one_item(prerequest, script_done(ONE, named_next=True)) == ""


def test_the_end_says_why_it_came_early() -> None:
    item = turn(ONE, sent(ONE), events.Interrupted())
    assert "\ninterrupted\n" in show(whole_run(*item))
    assert show(whole_run(bail="t failed")).endswith("stopped early: t failed\n")
    assert show(whole_run(error="it broke")).endswith("error: it broke\n")


@pytest.mark.parametrize(
    ("color", "environ", "terminal", "colored"),
    [
        ("auto", {}, False, False),
        ("auto", {}, True, True),
        ("auto", {"NO_COLOR": "1"}, True, False),
        ("auto", {"NO_COLOR": ""}, True, True),
        ("auto", {"FORCE_COLOR": "1"}, False, True),
        ("auto", {"FORCE_COLOR": "0"}, True, False),
        ("auto", {"TERM": "dumb"}, True, False),
        ("on", {"NO_COLOR": "1"}, False, True),
        ("off", {"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_colours(color: str, environ: dict[str, str], terminal: bool, colored: bool) -> None:
    out = FakeTerminal() if terminal else StringIO()
    shown = show(demo(), out=out, color=color, environ=environ)
    assert ("\x1b[" in shown) is colored
    if colored:
        assert "\x1b[31;1m  1. bad one\x1b[0m\n" in shown
        assert re.search(r"\x1b\[32m +iterations\x1b\[0m", shown)


def test_colours_change_nothing_but_colours() -> None:
    assert re.sub(r"\x1b\[[\d;]*m", "", show(demo(), color="on")) == WHOLE


def test_the_environment_of_the_process_is_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"FORCE_COLOR": "1", "COLUMNS": "10", "TTY_COMPATIBLE": "1"}.items():
        monkeypatch.setenv(name, value)
    assert show(demo()) == WHOLE


def test_others_cannot_command_the_terminal() -> None:
    evil = "\x1b[31mred\x1b]0;title\x07\x9b1m\rback"
    shown = show(
        whole_run(*turn(ONE, console(ONE, evil), sent(ONE, path=evil), asserted(ONE, evil, passed=False, message=evil),
                        events.Noted(place=ONE, text=evil), sent(ONE, error=evil), *script_failed(ONE)), unresolved=(evil,), error=evil)
    )  # fmt: skip
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", shown)
    assert "\\x1b[31mred" in shown


def test_a_narrow_terminal_wraps_failures_under_their_column() -> None:
    bad = asserted(ONE, "a name that is rather long for a narrow terminal", passed=False, message="word " * 20)
    shown = show(whole_run(*turn(ONE, bad)), out=FakeTerminal(), environ={"COLUMNS": "60"})
    table = shown[shown.index("failure  ") :].splitlines()[2:]
    assert all(len(line) <= 60 for line in table)
    assert [line[:21] for line in table[1:4]] == [" " * 21] * 3


def test_an_encoding_without_the_symbols() -> None:
    raw = BytesIO()
    out = TextIOWrapper(raw, "ascii", write_through=True)
    reporter = create("cli", {}, Surroundings(out=out, err=StringIO()))
    for event in demo():
        reporter.handle(event)
    reporter.close()
    shown = raw.getvalue().decode("ascii")
    assert "Sub-folder \\uc8fc\\ubb38\n" in shown


@pytest.mark.parametrize("options", [{}, {"verbose": True, "disable-unicode": True}])
def test_a_stream_closed_from_the_start_is_silence(options: dict[str, Any]) -> None:
    none: Any = None
    reporter = create("cli", options, Surroundings(out=none, err=none))
    for event in demo():
        reporter.handle(event)
    reporter.close()


class FullDisk(StringIO):
    """A stream whose file takes no more; a pipe without a reader where `broken`."""

    broken = False

    def flush(self) -> None:
        raise BrokenPipeError if self.broken else OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_told_once() -> None:
    disk = FullDisk()
    reporter = create("cli", {}, Surroundings(out=disk, err=StringIO()))
    stream = demo()
    with pytest.raises(UsageError, match=r"^the report cannot be written: No space left on device$"):
        reporter.handle(next(stream))
    written = disk.getvalue()
    for event in stream:
        reporter.handle(event)
    reporter.close()
    assert disk.getvalue() == written


def test_a_pipe_without_a_reader_is_not_a_full_disk() -> None:
    disk = FullDisk()
    disk.broken = True
    reporter = create("cli", {}, Surroundings(out=disk, err=StringIO()))
    with pytest.raises(BrokenPipeError):
        reporter.handle(next(demo()))


def test_progress_is_drawn_between_the_lines_and_gone_in_the_end() -> None:
    screen = FakeTerminal()
    shown = show(demo(), out=screen, err=screen)
    assert "\r\x1b[2m1/6  One\x1b[0m\x1b[K" in shown
    assert "\r\x1b[2m3/6, 2 failed  A › Closed\x1b[0m\x1b[K" in shown
    # whatever stands on the line is erased before the next text
    assert not re.search(r"\x1b\[0m\x1b\[K(?!\r\x1b\[K)(?!\Z)", shown)
    assert not shown.endswith("\x1b[K") or shown.endswith("\r\x1b[K")
    assert re.sub(r"\r\x1b\[2m[^\r]*\x1b\[0m\x1b\[K\r\x1b\[K", "", shown) == WHOLE


def test_progress_goes_to_stderr_only() -> None:
    err, out = FakeTerminal(), StringIO()
    assert show(demo(), out=out, err=err) == WHOLE
    assert "1/6  One" in err.getvalue()
    assert err.getvalue().endswith("\r\x1b[K")


@pytest.mark.parametrize(
    ("options", "err"), [({}, StringIO()), ({"silent": True}, FakeTerminal()), ({"environ": {"TERM": "dumb"}}, FakeTerminal())]
)
def test_no_progress_where_nobody_wants_it(options: dict[str, Any], err: StringIO) -> None:
    show(demo(), err=err, **options)
    assert err.getvalue() == ""


def test_progress_fits_on_one_line() -> None:
    err = FakeTerminal()
    where = place("주문", "매우 긴 폴더 이름" * 5, position=5)
    show(whole_run(*turn(where)), err=err, environ={"COLUMNS": "40"})
    (line,) = re.findall(r"\x1b\[2m(.*?)\x1b", err.getvalue())[:1]
    assert line.startswith("6/6  매우") and line.endswith("…") and len(line) < 40


def test_progress_counts_over_iterations() -> None:
    err = FakeTerminal()
    where = place("One", iteration=2, cycles=3, position=1)
    show(whole_run(*turn(where)), err=err)
    assert "\x1b[2m14/18  One" in err.getvalue()


def test_an_empty_run() -> None:
    nothing = Environment()
    stream = [
        events.RunStarted(collection=COLLECTION, environment=nothing, globals=nothing, iterations=1, items=0, started=1.0),
        events.RunFinished(finished=1.0, environment=nothing, globals=nothing, collection=COLLECTION),
    ]
    assert "| total run duration: 0ms " in show(iter(stream))


def test_closing_an_unfinished_run_closes_the_frame() -> None:
    assert show(iter([console(ONE, "x")])) == "  -\n  | 'x'\n  -\n"


def test_unknown_reporters() -> None:
    surroundings = Surroundings(out=StringIO(), err=StringIO())
    with pytest.raises(UsageError, match=r"no reporter 'jsn'.*\n  did you mean json"):
        create("jsn", {}, surroundings)
    with pytest.raises(UsageError, match="no reporter 'xyz'\n  there are: cli, json"):
        create("xyz", {}, surroundings)


def test_bodies_are_wanted_for_details_only() -> None:
    surroundings = Surroundings(out=StringIO(), err=StringIO())
    wants = [
        create(name, options, surroundings).wants_bodies
        for name, options in (("cli", {}), ("cli", {"verbose": True}), ("json", {}))
    ]
    assert wants == [False, True, True]


# Newman's own output for the same numbers
SIZES = {
    0: "0B",
    5: "5B",
    999: "999B",
    1000: "1kB",
    1234: "1.23kB",
    1500: "1.5kB",
    999_994: "999.99kB",
    999_999: "1MB",
    123_456_789: "123.46MB",
}
DURATIONS = {
    0.5: "500µs", 1: "1ms", 41.9: "41ms", 1997: "1997ms", 1998: "1.9s", 2000: "2s", 12_340: "12.3s", 59_990: "59.9s", 60_000: "1m",
    62_000: "1m 2s", 62_500: "1m 2.5s", 3_600_000: "1h", 172_861_000: "2d 1m 1s",
}  # fmt: skip


def test_units() -> None:
    assert {number: size(number) for number in SIZES} == SIZES
    assert {number: duration(number) for number in DURATIONS} == DURATIONS
