"""What an extension says to the server besides the request itself: the seam `converse`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from runner import events
from runner.errors import Refused, SendError
from runner.events import RunEvent
from runner.extension import Extension, Talk
from runner.model import Prepared, Response
from runner.result import RunResult
from tests.fakes import Bench, FakeWire, item


@dataclass
class Talking(Extension):
    """Has a talk of the test's own; remembers what passed its guard."""

    talk: Callable[[Prepared], Talk | None] = lambda prepared: None
    guarded: list[str] = field(default_factory=list)

    def guard(self, prepared: Prepared, source: str) -> None:
        self.guarded.append(prepared.url)
        if "forbidden" in prepared.url:
            raise Refused("not this one")

    def converse(self, prepared: Prepared) -> Talk | None:
        return self.talk(prepared)


def numbered(prepared: Prepared) -> Response:
    return Response(code=200, reason="OK", url=prepared.url, body=prepared.url.rpartition("/")[2].encode())


def to(prepared: Prepared, name: str) -> Prepared:
    return replace(prepared, url=f"http://server/{name}")


def told(happened: list[RunEvent]) -> list[str]:
    found = []
    for event in happened:
        if isinstance(event, events.RequestSent):
            outcome = event.response.body.decode() if event.response else event.error
            found.append(f"{event.source} {event.prepared.url.rpartition('/')[2]} → {outcome}")
        elif isinstance(event, events.Noted):
            found.append(event.text)
    return found


def run(talk: Callable[[Prepared], Talk | None]) -> tuple[list[str], Talking, list[RunEvent]]:
    extension = Talking(talk)
    happened = Bench(wire=FakeWire(numbered), extensions=(extension,)).run([item("a")])
    return told(happened), extension, happened


def test_without_a_talk_it_is_the_request_itself() -> None:
    assert run(lambda prepared: None)[0] == ["item x → x"]


def test_a_response_made_of_several_stands_for_the_last_request() -> None:
    def talk(prepared: Prepared) -> Talk:
        first = yield prepared
        yield "one more page"
        second = yield to(prepared, "2")
        assert first and second
        return replace(second, body=first.body + second.body)

    lines, extension, happened = run(talk)
    assert lines == ["one more page", "extension x → x", "item 2 → x2"]
    assert extension.guarded == ["http://server/x", "http://server/2"]
    result = RunResult()
    for event in happened:
        result.add(event)
    assert {name: count.total for name, count in result.sources.items() if count.total} == {"item": 1, "extension": 1}


def test_an_earlier_response_may_be_the_one_that_counts() -> None:
    def talk(prepared: Prepared) -> Talk:
        first = yield prepared
        yield to(prepared, "token")
        assert first
        return first

    assert run(talk)[0] == ["extension token → token", "item x → x"]


def test_a_response_may_come_without_any_request() -> None:
    def talk(prepared: Prepared) -> Talk:
        return Response(code=200, reason="OK", url=prepared.url, body=b"known")
        yield

    assert run(talk)[0] == ["item x → known"]


def test_what_kept_a_request_from_its_answer_can_be_told_in_other_words() -> None:
    def talk(prepared: Prepared) -> Talk:
        try:
            response = yield to(prepared, "unreachable")
        except SendError as error:
            raise SendError(f"{error.what}: look first", code=error.code) from error
        assert response
        return response

    assert run(talk)[0] == ["item unreachable → connect ECONNREFUSED: look first"]


def test_a_guard_holds_back_what_a_talk_wants_sent() -> None:
    def talk(prepared: Prepared) -> Talk:
        yield prepared
        response = yield to(prepared, "forbidden")
        assert response
        return response

    lines, _, happened = run(talk)
    assert lines == ["extension x → x", "item forbidden → not this one"]
    assert [event.refused for event in happened if isinstance(event, events.RequestSent)] == [False, True]


def test_a_talk_is_closed_when_the_run_is_interrupted() -> None:
    left: list[str] = []

    def talk(prepared: Prepared) -> Talk:
        try:
            response = yield prepared
            assert response
            return response
        finally:
            left.append("closed")

    def pressed(prepared: Prepared) -> Response:
        raise KeyboardInterrupt

    happened = Bench(wire=FakeWire(pressed), extensions=(Talking(talk),)).run([item("a")])
    assert [type(event).__name__ for event in happened[-2:]] == ["Interrupted", "RunFinished"]
    assert left == ["closed"]
