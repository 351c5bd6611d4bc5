"""What generated code calls requests and folders: `--names` and `--strip-prefix`, for every kind of target."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from runner import Environment, Options, UsageError, Variable
from runner.cli.group import cli
from runner.codegen.romanise import romanised
from runner.generate import CodeOptions, generate
from runner.load import collection_from_json

MOCK = Path(__file__).parents[1] / "collections" / "kis-mock.postman_collection.json"


def item(name: str, url: str = "https://api.test/v1/x", method: str = "GET", **headers: str) -> dict[str, Any]:
    header = [{"key": key, "value": value} for key, value in headers.items()]
    return {"name": name, "request": {"method": method, "url": url, "header": header}}


def folder(name: str, *items: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "item": list(items)}


def names(target: str, items: list[dict[str, Any]], **options: Any) -> list[str]:
    """The functions, methods and tests of a collection in order, or, with `curl`, the files."""
    collection = collection_from_json({"info": {"name": "T"}, "item": items})
    environment = Environment(values=(Variable(key="op", value=" get price "), Variable(key="key", value="k", type="secret")))
    made = list(generate(collection, Options(environment=environment), CodeOptions(target=target, **options)))
    if target == "curl":
        return [file.path for file in made]
    found = {"client": r"^    def (\w+)\(\s*self,\s*\*,\s*headers", "pytest": r"^def test_(\w+)\("}.get(target, r"^def (\w+)\(")
    for file in made:
        compile(file.text, file.path, "exec")
    return [name for file in made for name in re.findall(found, file.text, re.MULTILINE)]


KINDS = pytest.mark.parametrize("target", ["requests", "client", "pytest"])


@KINDS
@pytest.mark.parametrize(
    ("by", "expected"),
    [
        ("unicode", ["주식주문_현금", "get_price", "delete"]),
        ("ascii", ["jusikjumun_hyeongeum", "get_price", "delete"]),
        ("path", ["post_v1_orders_id", "get_v1_x", "delete"]),
        ("op-id", ["tttc0802u", "get_price", "delete"]),
    ],
)
def test_requests_are_called_as_asked(target: str, by: str, expected: list[str]) -> None:
    items = [
        item("주식주문(현금)", "https://api.test/v1/orders/:id", "POST", **{"op-id": "TTTC0802U "}),
        item("Get price", **{"OP-ID": "{{op}}"}),
        item("Delete", "{{base}}", "DELETE"),
    ]
    assert names(target, items, names=by) == expected


@KINDS
def test_names_that_python_has_or_that_come_twice_stay_what_they_are_when_requests_are_added(target: str) -> None:
    items = [item("값"), item("값!"), item("class"), item("2 of them"), item("…")]
    found = names(target, items, names="ascii")
    again = "gap" if target == "requests" else "gap_2"  # one file each: nothing to tell apart
    class_ = "class" if target == "pytest" else "class_"
    assert found[:3] == ["gap", again, class_]
    assert found[3].endswith("2_of_them")
    assert names(target, [*items, item("값"), item("class")], names="ascii")[: len(found)] == found


@KINDS
def test_a_shared_prefix_is_left_out_and_names_without_it_are_kept(target: str) -> None:
    assert names(target, [item("J_Buy"), item("J_Sell"), item("Other"), item("J_")], strip_prefix="J_") == [
        *("buy", "sell", "other"),
        "j",
    ]


@pytest.mark.parametrize("target", ["requests", "aiohttp", "client", "client-async", "pytest", "script"])
def test_ascii_is_all_that_has_to_be_typed(target: str) -> None:
    buy = item("매수", "https://api.test/{{경로}}?종목=005930&계좌={{계좌번호}}", "POST")
    buy["request"]["body"] = {
        "mode": "urlencoded",
        "urlencoded": [{"key": "수량", "value": "1"}, {"key": "값", "value": "{{값}}"}],
    }
    buy["event"] = [{"listen": "test", "script": {"exec": "pm.environment.set('값', pm.response.json().값)"}}]
    variables = [{"key": "계좌번호", "value": "12345678"}]
    collection = collection_from_json({"info": {"name": "상점"}, "item": [folder("주문", buy)], "variable": variables})
    (file,) = generate(collection, code=CodeOptions(target=target, names="ascii"))
    nodes = [node for node in ast.walk(ast.parse(file.text)) if not isinstance(node, ast.Constant)]
    named = {getattr(node, field, None) for node in nodes for field in ("id", "arg", "name", "attr")} - {None}
    assert file.path.isascii()
    assert "maesu" in str(named)
    assert not [name for name in named if not name.isascii()]


def test_folders_and_files_are_called_in_the_same_way() -> None:
    items = [folder("국내주식", item("V_현재가", tr="FHK1"), item("V_호가", tr="FHK1")), folder("OAuth", item("V_토큰", tr=""))]
    assert names("curl", items) == ["국내주식/V_현재가.sh", "국내주식/V_호가.sh", "OAuth/V_토큰.sh"]
    assert names("curl", items, names="ascii", strip_prefix="V_") == [
        "gungnaejusik/hyeonjaega.sh",
        "gungnaejusik/hoga.sh",
        "OAuth/tokeun.sh",
    ]
    assert names("curl", items, names="tr") == ["국내주식/fhk1.sh", "국내주식/fhk1 2.sh", "OAuth/V_토큰.sh"]
    assert names("curl", items, names="path")[0] == "국내주식/get_v1_x.sh"


def test_the_collections_own_name_is_in_the_docstring_and_finds_the_method() -> None:
    collection = collection_from_json({"info": {"name": "상점"}, "item": [folder("주문", item("J_매수"))]})
    wanted = {"names": "ascii", "strip_prefix": "J_"}
    (client,) = generate(collection, code=CodeOptions(target="client", **wanted))
    assert client.path == "sangjeom.py"
    assert 'class Jumun(pabal.Group[requests.Session]):\n    """주문"""' in client.text
    assert '"""GET 주문 › J_매수"""' in client.text
    assert '{"jumun.maesu": "주문/J_매수"}' in client.text
    (snippet,) = generate(collection, code=CodeOptions(**wanted))
    assert '"""GET 주문 › J_매수"""' in snippet.text
    *_, module = generate(collection, code=CodeOptions(target="pytest", per_folder=True, **wanted))
    assert module.path == "test_sangjeom_1_jumun.py"
    two = collection_from_json({"info": {"name": "상점"}, "item": [item("a"), item("b")]})
    assert [
        made.path
        for target in ("requests", "curl")
        for made in generate(two, code=CodeOptions(target=target, one_file=True, names="ascii"))
    ] == [
        "sangjeom.py",
        "sangjeom.sh",
    ]
    assert 'maesu = jumun.request("J_매수"' in module.text


def test_no_name_leaves_its_folder_or_is_no_name_of_a_file() -> None:
    items = [folder("..", item("../../etc/passwd")), folder("a\x00b", item("half \ud800"), item(" . "))]
    assert names("curl", items) == ["_/_.._etc_passwd.sh", "a_b/half _.sh", "a_b/_.sh"]


def test_a_secret_header_is_no_name() -> None:
    assert names(
        "requests", [item("a", Authorization="Bearer abc"), item("b", **{"X-Op": "{{key}}"})], names="Authorization"
    ) == ["a", "b"]
    assert names("requests", [item("b", Token="t0ken-of-mine")], names="token") == ["b"]


@pytest.mark.parametrize(
    ("options", "told", "hint"),
    [
        ({"names": "asci"}, "no request can be named by 'asci'", "unicode, ascii, path"),
        ({"strip_prefix": "X_"}, "no request's name begins with 'X_'", "they all begin with 'J_'"),
    ],
)
def test_what_fits_no_request_is_an_error_that_says_what_would(options: dict[str, str], told: str, hint: str) -> None:
    with pytest.raises(UsageError, match=told) as error:
        names("requests", [item("J_Buy"), item("J_Bid")], **options)
    assert hint in (error.value.hint or "")


@pytest.mark.parametrize(
    ("korean", "latin"),
    [
        *(("구미", "gumi"), ("백암", "baegam"), ("옥천", "okcheon"), ("합덕", "hapdeok"), ("호법", "hobeop"), ("월곶", "wolgot")),
        *(("벚꽃", "beotkkot"), ("한밭", "hanbat"), ("칠곡", "chilgok"), ("임실", "imsil"), ("울릉", "ulleung")),
        *(("대관령", "daegwallyeong"), ("백마", "baengma"), ("종로", "jongno"), ("왕십리", "wangsimni"), ("별내", "byeollae")),
        *(("신라", "silla"), ("해돋이", "haedoji"), ("같이", "gachi"), ("좋고", "joko"), ("놓다", "nota"), ("묵호", "mukho")),
        *(("집현전", "jiphyeonjeon"), ("압구정", "apgujeong"), ("낙동강", "nakdonggang"), ("광희문", "gwanghuimun")),
        *(("값이", "gapsi"), ("국내 주식", "gungnae jusik"), ("Café ｱ１", None)),
    ],
)  # fmt: skip
def test_korean_is_romanised_as_the_standard_has_it(korean: str, latin: str | None) -> None:
    assert romanised(korean) == latin if latin else romanised(korean).startswith("Cafe ")


def test_other_scripts_need_anyascii(monkeypatch: pytest.MonkeyPatch) -> None:
    assert romanised("Заказ 3").isascii()
    monkeypatch.setitem(sys.modules, "anyascii", None)
    assert romanised("Ünï") == "Uni"
    with pytest.raises(UsageError, match="no ASCII letters for 'Заказ'") as error:
        romanised("Заказ")
    assert "pabal[ascii]" in (error.value.hint or "")


def test_the_mock_collection_has_its_tr_ids_as_names(tmp_path: Path) -> None:
    done = CliRunner().invoke(cli, ["codegen", str(MOCK), "--names", "tr_id", "-t", "client", "-o", str(tmp_path / "kis.py")])
    assert done.exit_code == 0, done.output
    assert "def vttc0802u(" in (tmp_path / "kis.py").read_text("utf-8")
