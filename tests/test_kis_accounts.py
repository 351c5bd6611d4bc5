"""Account numbers in bodies: only the value of CANO changes, and the app key decides to which account."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.kis.accounts import AccountError, account_variable, fill, replace_account
from runner.load import load_collection
from runner.model import Body, FormParam, Param, Request, Url
from tests.kis_turns import NUMBERS, scopes

PUBLISHED = Path(__file__).parents[2] / "shared" / "kis"
NUMBER = "60012345"

KEYS = st.one_of(st.sampled_from(["CANO", "cano", "CANO_T", " CANO", 'x"CANO', "ACNT_PRDT_CD"]), st.text(max_size=8))
TEXTS = st.one_of(
    st.text(max_size=12), st.sampled_from(['"CANO":"1"', "\\", '\\"CANO\\": ', "{{CANO}}", "CANO", "※여기에※", ","])
)
PLAIN = st.one_of(TEXTS, st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.none())
DOCUMENTS = st.recursive(PLAIN, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=4)))
BLANKS = st.sampled_from(["", " ", "\t", "\r\n", "\r\n\t  ", "\n"])


def spell(value: Any, draw: Any, marks: list[str]) -> str:
    """JSON text with random blanks; the value of each CANO that is a plain value becomes a marker of its own."""
    blank = lambda: draw(BLANKS)  # noqa: E731
    if isinstance(value, dict):
        members = [
            f"{blank()}{quoted(key, draw)}{blank()}:{blank()}{member(key, part, draw, marks)}" for key, part in value.items()
        ]
        return "{" + ",".join(f"{entry}{blank()}" for entry in members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(f"{blank()}{spell(part, draw, marks)}{blank()}" for part in value) + "]"
    return json.dumps(value, ensure_ascii=draw(st.booleans()))


def quoted(key: str, draw: Any) -> str:
    return json.dumps(key, ensure_ascii=draw(st.booleans()))


def member(key: str, value: Any, draw: Any, marks: list[str]) -> str:
    if key != "CANO" or isinstance(value, dict | list):
        return spell(value, draw, marks)
    text = spell(value, draw, marks)
    marks.append(text)
    return f"\0{len(marks) - 1}\0"


def expected(value: Any) -> Any:
    if isinstance(value, dict):
        nested = (dict, list)
        return {key: NUMBER if key == "CANO" and not isinstance(part, nested) else expected(part) for key, part in value.items()}
    return [expected(part) for part in value] if isinstance(value, list) else value


def has_nested_account(value: Any) -> bool:
    if isinstance(value, dict):
        return any((key == "CANO" and isinstance(part, dict | list)) or has_nested_account(part) for key, part in value.items())
    return isinstance(value, list) and any(has_nested_account(part) for part in value)


@settings(deadline=None)
@given(st.data(), DOCUMENTS)
def test_only_the_value_of_cano_changes(data: st.DataObject, document: Any) -> None:
    marks: list[str] = []
    marked = spell(document, data.draw, marks)
    before = re.sub("\0(\\d+)\0", lambda found: marks[int(found[1])], marked)
    if has_nested_account(document):
        with pytest.raises(AccountError, match="list or an object"):
            replace_account(before, NUMBER)
        return
    after = replace_account(before, NUMBER)
    assert after == re.sub("\0\\d+\0", f'"{NUMBER}"', marked)
    assert json.loads(after) == expected(document)


@given(st.text(alphabet='"\\{}[]<>:,CANO1 \r\n\t※', max_size=60))
def test_any_text_is_taken(text: str) -> None:
    try:
        after = replace_account(text, NUMBER)
    except AccountError:
        return
    assert replace_account(after, NUMBER) == after
    if "CANO" not in text:
        assert after == text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"CANO": {{CANO}}, "A": "1"}', '{"CANO": "60012345", "A": "1"}'),
        ('{"CANO":<<CANO>>}', '{"CANO":"60012345"}'),
        ('{"CANO": "{{ANY}}"}', '{"CANO": "60012345"}'),
        ('{"CANO": 12345678}', '{"CANO": "60012345"}'),
        ('{"CANO": }', '{"CANO": "60012345"}'),
        ('{"CANO" : null ,\r\n\t"memo": "\\"CANO\\": \\"1\\""}', '{"CANO" : "60012345" ,\r\n\t"memo": "\\"CANO\\": \\"1\\""}'),
        ('{"\\u0043ANO": "1"}', '{"\\u0043ANO": "60012345"}'),
        ('{"a": {"CANO": "1"}, "b": [{"CANO": "2"}]}', '{"a": {"CANO": "60012345"}, "b": [{"CANO": "60012345"}]}'),
        ('{"text": "CANO", "list": ["CANO"]}', '{"text": "CANO", "list": ["CANO"]}'),
        ('{{{whole}}, "CANO": "1"}', '{{{whole}}, "CANO": "60012345"}'),
        ('{ // 5" note\n "CANO":"12345678"}', '{ // 5" note\n "CANO":"60012345"}'),
        ('{ /* " */ "CANO":"12345678"}', '{ /* " */ "CANO":"60012345"}'),
        ('{"u": "http://x", "CANO"/*"*/: // "n"\n 1/*, "*/ }', '{"u": "http://x", "CANO"/*"*/: // "n"\n "60012345"/*, "*/ }'),
        ('{"CANO": // see "memo"\n "1"}', '{"CANO": // see "memo"\n "60012345"}'),
        ('{ // "CANO": "1"\n}', '{ // "CANO": "1"\n}'),
    ],
)
def test_values_of_every_kind(before: str, after: str) -> None:
    assert replace_account(before, NUMBER) == after


def order(*headers: tuple[str, str], body: Body | None = None, disabled: tuple[tuple[str, str], ...] = ()) -> Request:
    params = tuple(Param(key=key, value=value) for key, value in headers)
    params += tuple(Param(key=key, value=value, disabled=True) for key, value in disabled)
    body = body or Body(mode="raw", raw='{"CANO": "※여기에 본인의 실전계좌번호(주식)를 넣으세요※"}')
    return Request(url=Url(text="{{VTS}}/uapi/x"), method="POST", headers=params, body=body)


@pytest.mark.parametrize(
    ("header", "variable"),
    [
        (("appkey", "{{VTS_APPKEY}}"), "CANO"),
        (("appKey", " {{VTT_APPKEY}} "), "CANO_T"),
        (("APPKEY", "{{PROD_APPKEY}}"), "CANO_REAL"),
        (("appkey", "<<PROT_APPKEY>>"), "CANO_REAL_T"),
        (("appkey", "PSabc"), None),
        (("appkey", "{{VTS_APPKEY}}x"), None),
        (("accept", "{{VTS_APPKEY}}"), None),
    ],
)
def test_the_app_key_decides(header: tuple[str, str], variable: str | None) -> None:
    request = order(header)
    assert account_variable(request) == variable
    if variable:
        filled = fill(request, scopes().lookup, scopes().replace)
        number = NUMBERS[variable]
        assert filled.request.body == Body(mode="raw", raw=f'{{"CANO": "{number}"}}')
        assert filled.note == f"account: CANO ← {variable} ({number[:2]}****{number[-2:]})"


def test_a_disabled_app_key_does_not_decide() -> None:
    request = order(("appkey", "{{VTT_APPKEY}}"), disabled=(("appkey", "{{VTS_APPKEY}}"),))
    assert account_variable(request) == "CANO_T"


def test_app_keys_that_disagree_stop_the_request() -> None:
    with pytest.raises(AccountError, match="different accounts"):
        account_variable(order(("appkey", "{{VTS_APPKEY}}"), ("AppKey", "{{PROD_APPKEY}}")))


def test_forms() -> None:
    header = ("appkey", "{{VTS_APPKEY}}")
    pairs = (Param(key="CANO", value="x"), Param(key="A", value="{{CANO}}"), Param(key="CANO", value="y", disabled=True))
    filled = fill(order(header, body=Body(mode="urlencoded", urlencoded=pairs)), scopes().lookup, scopes().replace)
    assert filled.request.body is not None
    assert [param.value for param in filled.request.body.urlencoded] == [NUMBERS["CANO"], "{{CANO}}", "y"]
    fields = (FormParam(key="CANO", value=None), FormParam(key="B", value="1"))
    filled = fill(order(header, body=Body(mode="formdata", formdata=fields)), scopes().lookup, scopes().replace)
    assert filled.request.body is not None
    assert [field.value for field in filled.request.body.formdata] == [NUMBERS["CANO"], "1"]


def test_a_body_that_is_one_variable() -> None:
    known = scopes(order_body='{"CANO": "x", "Q": "{{CANO_T}}"}')
    filled = fill(order(("appkey", "{{VTS_APPKEY}}"), body=Body(mode="raw", raw="{{order_body}}")), known.lookup, known.replace)
    assert filled.request.body == Body(mode="raw", raw=f'{{"CANO": "{NUMBERS["CANO"]}", "Q": "{NUMBERS["CANO_T"]}"}}')


@pytest.mark.parametrize(
    ("body", "values"),
    [
        ('{"CANO": "1", {{rest}}}', {"rest": '"CANO": "12345678"'}),
        ('{"CANO": "1", "{{key}}": "12345678", "n": {{$randomInt}}}', {"key": "CANO"}),
    ],
)
def test_an_account_that_was_not_replaced_stops_the_request(body: str, values: dict[str, str]) -> None:
    known = scopes(**values)
    with pytest.raises(AccountError, match="could not be replaced"):
        fill(order(("appkey", "{{VTS_APPKEY}}"), body=Body(mode="raw", raw=body)), known.lookup, known.replace)


def test_looking_for_accounts_leaves_no_variable_missing() -> None:
    known = scopes()
    body = Body(mode="raw", raw='{"CANO": "1", "by_script": {{later}}, "text": "{{later}}"} // "')
    filled = fill(order(("appkey", "{{VTS_APPKEY}}"), body=body), known.lookup, known.replace)
    assert filled.request.body == Body(mode="raw", raw=body.raw.replace('"1"', f'"{NUMBERS["CANO"]}"'))
    assert not known.unresolved


def test_a_body_without_an_account_is_left_alone() -> None:
    request = order(("appkey", "{{VTS_APPKEY}}"), body=Body(mode="raw", raw='{"A": "{{CANO}}"}'))
    filled = fill(request, scopes().lookup, scopes().replace)
    assert filled.request is request
    assert filled.note == ""


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ("", "is empty"),
        (None, "does not exist"),
        ("6001234", "has 7"),
        ("60012345-01", "has 11"),
        ("６００１２３４５", "has 8"),
        (" 60012345", "has 9"),
    ],
)
def test_a_number_that_is_not_eight_digits_stops_the_request(value: str | None, wrong: str) -> None:
    known = scopes(CANO=value) if value is not None else scopes(without="CANO")
    with pytest.raises(AccountError) as caught:
        fill(order(("appkey", "{{VTS_APPKEY}}")), known.lookup, known.replace)
    assert wrong in caught.value.what
    assert "fill in CANO in the environment file" in caught.value.what
    assert "--env-file" in caught.value.what
    assert not value or value not in caught.value.what


def test_a_literal_app_key_needs_a_number_that_is_there() -> None:
    known = scopes(MINE="50000001")
    request = order(("appkey", "PSabc"), body=Body(mode="raw", raw='{"CANO": "{{MINE}}"}'))
    assert fill(request, known.lookup, known.replace).request is request
    with pytest.raises(AccountError, match="does not tell which account"):
        fill(order(("appkey", "PSabc")), known.lookup, known.replace)


FILES = (
    "모의계좌_POSTMAN_샘플코드_v1.5",
    "모의계좌_POSTMAN_샘플코드_v1.6",
    "실전계좌_POSTMAN_샘플코드_v2.3",
    "실전계좌_POSTMAN_샘플코드_v2.6",
)
COUNTS = {FILES[0]: 21, FILES[1]: 21, FILES[2]: 32, FILES[3]: 35}


@pytest.mark.skipif(not PUBLISHED.exists(), reason="the broker's published collections are not part of the project")
@pytest.mark.parametrize("name", FILES)
def test_every_post_of_the_published_collections(name: str) -> None:
    collection = load_collection(PUBLISHED / f"{name}.json")
    known, filled_items = scopes(), 0
    for item in collection.walk():
        body = item.request.body
        if item.request.method != "POST" or body is None or '"CANO"' not in body.raw:
            continue
        header = next(param.value for param in item.request.headers if param.key.lower() == "appkey")
        futures = "VTT" in (header or "") or "PROT" in (header or "")
        variable = ("CANO_REAL" if "PRO" in (header or "") else "CANO") + ("_T" if futures else "")
        filled = fill(item.request, known.lookup, known.replace)
        assert filled.request.body is not None
        sent, written = json.loads(filled.request.body.raw), json.loads(body.raw)
        assert sent == written | {"CANO": NUMBERS[variable]}
        assert filled.request.body.raw == body.raw.replace(
            json.dumps(written["CANO"], ensure_ascii=False), f'"{NUMBERS[variable]}"', 1
        )
        assert variable in filled.note
        filled_items += 1
    assert filled_items == COUNTS[name]
