"""Inquiries in pages: all of them are fetched, each through the door, and scripts see one answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from runner.events import RequestSent
from runner.kis.extension import KisExtension
from runner.kis.pages import LIMIT
from runner.kis.simulator import Simulator
from runner.model import Prepared, Response
from tests.fakes import Bench, FakeWire
from tests.fakes import item as plain
from tests.kis_runs import failures, item, notes, run, sent, token
from tests.kis_turns import MOCK

RIGHTS = "/uapi/domestic-stock/v1/trading/period-rights?CANO={{CANO_REAL}}&ACNT_PRDT_CD=01&CTX_AREA_FK100=&CTX_AREA_NK100="
ROWS = "pm.test(pm.response.json().output.length + ' rows, ' + pm.response.headers.get('tr_cont'), () => pm.expect.fail())"


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(limits=False) as started:
        yield started


def test_off_by_default(simulator: Simulator) -> None:
    happened = run(simulator, token(prefix="PROD"), item("list", RIGHTS, "CTRGA011R", prefix="PROD", test=ROWS))
    assert failures(happened) == ["10 rows, F"]


def test_scripts_see_the_rows_of_all_pages(simulator: Simulator) -> None:
    happened = run(simulator, token(prefix="PROD"), item("list", RIGHTS, "CTRGA011R", prefix="PROD", test=ROWS), all_pages=True)
    assert failures(happened) == ["25 rows, E"]
    assert sent(happened)[1:] == ["extension period-rights 200", "extension period-rights 200", "item list 200 3 pages"]
    assert len({json.dumps(row) for row in whole(happened)["output"]}) == 25


def test_each_page_keeps_the_limits(simulator: Simulator) -> None:
    with Simulator(rates={"real": 4, "mock": 4}) as limited:
        happened = run(limited, token(prefix="PROD"), item("list", RIGHTS, "CTRGA011R", prefix="PROD"), all_pages=True, rate=4)
        assert failures(happened) == []
        assert "EGW00201" not in [entry.msg_cd for entry in limited.log]


def whole(happened: Sequence[Any]) -> Any:
    last = next(event for event in reversed(happened) if isinstance(event, RequestSent) and event.source == "item")
    return json.loads(last.response.body)


# ------------------------------------------------------------------------------------------------------------- page by page


class Book:
    """A wire with pages: each a body and its tr_cont."""

    def __init__(self, *pages: tuple[Mapping[str, Any], str]) -> None:
        self.pages = iter(pages)
        self.wire = FakeWire(self.answer)

    def answer(self, prepared: Prepared) -> Response:
        body, more = next(self.pages)
        text = json.dumps({"rt_cd": "0", **body}, ensure_ascii=False).encode()
        headers = (("tr_cont", more), ("Content-Length", str(len(text))))
        return Response(code=200, reason="OK", url=prepared.url, headers=headers, body=text, sent=prepared)

    def read(self, query: str = "A=1&CTX_AREA_FK100=&CTX_AREA_NK100&B=%20", **request: Any) -> list[Any]:
        bench = Bench(wire=self.wire, extensions=(KisExtension(all_pages=True),))
        return bench.run([plain("list", url=f"{MOCK}/uapi/x?{query}", **request)])


def page(rows: Sequence[Any], context: str = "", **more: Any) -> dict[str, Any]:
    return {"output": [*rows], "ctx_area_fk100": f"f{context}  ", "ctx_area_nk100": f"!^{context}^ ", **more}


def test_the_place_goes_back_as_it_came_and_the_rest_of_the_query_stays() -> None:
    book = Book((page([1], "a"), "F"), (page([2], "b"), "M"), (page([3], "c"), "E"))
    happened = book.read(header=[{"key": "tr_cont", "value": ""}, {"key": "tr_id", "value": "X"}])
    assert whole(happened)["output"] == [1, 2, 3]
    first, second, third = (urlsplit(prepared.url).query for prepared in book.wire.sent)
    assert first == "A=1&CTX_AREA_FK100=&CTX_AREA_NK100&B=%20"
    assert second == "A=1&B=%20&CTX_AREA_FK100=fa%20%20&CTX_AREA_NK100=%21%5Ea%5E%20"
    assert parse_qs(third)["CTX_AREA_NK100"] == ["!^b^ "]
    assert [prepared.header("tr_cont") for prepared in book.wire.sent] == ["", "N", "N"]


def test_a_place_that_the_query_does_not_name_is_added() -> None:
    book = Book((page([1], "a"), "F"), (page([2], "b"), "E"))
    book.read("A=1")
    assert urlsplit(book.wire.sent[1].url).query == "A=1&CTX_AREA_FK100=fa%20%20&CTX_AREA_NK100=%21%5Ea%5E%20"


def test_quotes_go_on_without_a_place() -> None:
    book = Book(({"output2": [1]}, "M"), ({"output2": [2]}, "D"))
    assert whole(book.read("A=1"))["output2"] == [1, 2]
    assert book.wire.sent[1].url == book.wire.sent[0].url


def test_totals_are_there_once_and_the_rest_is_that_of_the_last_page() -> None:
    total = [{"sum": "5"}]
    book = Book(
        (page([1], "a", output2=total, output3={"n": 1}, msg1="more"), "F"),
        (page([2], "b", output2=total, output3={"n": 2}, msg1="done"), "E"),
    )
    found = whole(book.read())
    assert (found["output"], found["output2"], found["output3"], found["msg1"]) == ([1, 2], total, {"n": 2}, "done")
    assert found["ctx_area_nk100"] == "!^b^ "


def test_the_answer_is_that_of_the_first_request() -> None:
    book = Book((page([1], "가"), "F"), (page([2]), "E"))
    last = next(event for event in book.read() if isinstance(event, RequestSent) and event.source == "item")
    assert last.response is not None
    assert (last.prepared.url, last.response.url) == (book.wire.sent[0].url, book.wire.sent[0].url)
    assert last.response.header("content-length") == str(len(last.response.body))


def test_a_refused_page_is_the_answer() -> None:
    book = Book((page([1], "a"), "F"), ({"rt_cd": "1", "msg_cd": "OPSQ2002", "msg1": "글"}, ""))
    happened = book.read()
    assert sent(happened) == ["extension x 200", "item list 200 page 2"]
    assert failures(happened) == ["OPSQ2002 글"]


def test_the_token_may_die_between_two_pages() -> None:
    dead, token = {"rt_cd": "1", "msg_cd": "EGW00123"}, {"access_token": "eyJ.new", "expires_in": 86400}
    book = Book((page([1], "a"), "F"), (dead, ""), (token, ""), (page([2], "b"), "E"))
    keys = {"authorization": "Bearer eyJ.old", "appkey": "k", "appsecret": "s"}
    happened = book.read(header=[{"key": key, "value": value} for key, value in keys.items()])
    assert whole(happened)["output"] == [1, 2]
    last = book.wire.sent[-1]
    assert (last.header("authorization"), last.header("tr_cont")) == ("Bearer eyJ.new", "N")
    assert "%21%5Ea%5E" in last.url


def test_pages_that_come_again_are_no_endless_book() -> None:
    book = Book((page([1], "a"), "F"), (page([2], "b"), "M"), (page([2], "b"), "M"))
    happened = book.read()
    assert whole(happened)["output"] == [1, 2]
    assert notes(happened) == ["page 3 is page 2 once more: no further page is fetched"]


def test_the_number_of_pages_has_an_end() -> None:
    book = Book(*((page([number], str(number)), "M") for number in range(LIMIT + 5)))
    happened = book.read()
    assert whole(happened)["output"] == list(range(LIMIT))
    assert notes(happened) == [f"there are more than {LIMIT} pages: the rest is not fetched"]
    assert len(book.wire.sent) == LIMIT


@pytest.mark.parametrize("request_", [{"method": "POST"}, {"url": "http://server/uapi/x"}])
def test_nothing_else_is_fetched_twice(request_: dict[str, Any]) -> None:
    book = Book((page([1], "a"), "F"))
    bench = Bench(wire=book.wire, extensions=(KisExtension(all_pages=True),))
    bench.run([plain("list", **{"url": MOCK + "/uapi/x", **request_})])
    assert len(book.wire.sent) == 1
