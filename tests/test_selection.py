"""`--folder`, `--exclude` and `--folder-order`: names and ids as in Newman, paths and patterns besides."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.errors import UsageError
from runner.load import collection_from_json
from runner.model import Collection
from runner.plan import Step, make_plan
from tests.fakes import item


def folder(name: str, *children: Any) -> dict[str, Any]:
    return {"name": name, "id": f"id of {name}", "item": list(children)}


TREE = collection_from_json(
    {
        "info": {"name": "shop"},
        "item": [
            item("Login"),
            folder(
                "Orders",
                item("Buy"),
                item("Sell"),
                folder("Old", item("Buy"), item("GET /orders/{id}")),
            ),
            folder("Returns", item("Sell"), folder("Old", item("Refund"))),
            folder("A/B", item("slashed")),
            folder("[Mock] * everything?", item("stars")),
            folder("주문", item("매수")),
            folder("Empty"),
        ],
    }
)
EVERYTHING = (
    "Login; Orders/Buy; Orders/Sell; Orders/Old/Buy; Orders/Old/GET /orders/{id}; Returns/Sell; Returns/Old/Refund; "
    "A/B/slashed; [Mock] * everything?/stars; 주문/매수"
)


def paths(steps: tuple[Step, ...]) -> str:
    return "; ".join("/".join((*step.path, step.item.name)) for step in steps)


def picked(*folders: str, exclude: tuple[str, ...] = (), as_given: bool = False) -> str:
    return paths(make_plan(TREE, folders=folders, exclude=exclude, as_given=as_given).steps)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("Orders/Buy", "Orders/Buy"),
        ("Orders/Old", "Orders/Old/Buy; Orders/Old/GET /orders/{id}"),
        ("Orders/*", "Orders/Buy; Orders/Sell; Orders/Old/Buy; Orders/Old/GET /orders/{id}"),
        ("Orders/?uy", "Orders/Buy"),
        ("*/Sell", "Orders/Sell; Returns/Sell"),
        ("**/Buy", "Orders/Buy; Orders/Old/Buy"),
        ("**/Login", "Login"),
        ("Orders/**/Buy", "Orders/Buy; Orders/Old/Buy"),
        ("Re*", "Returns/Sell; Returns/Old/Refund"),
        ("?uy", "Orders/Buy; Orders/Old/Buy"),
        ("**", EVERYTHING),
        ("*", EVERYTHING),
        ("Returns/**", "Returns/Sell; Returns/Old/Refund"),
        ("주문/*", "주문/매수"),
    ],
)
def test_paths_and_patterns_pick_all_that_fit(wanted: str, expected: str) -> None:
    assert picked(wanted) == expected


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("A/B", "A/B/slashed"),
        ("A/B/slashed", "A/B/slashed"),
        ("A/B/*", "A/B/slashed"),
        ("GET /orders/{id}", "Orders/Old/GET /orders/{id}"),
        ("Orders/Old/GET /orders/{id}", "Orders/Old/GET /orders/{id}"),
        ("Orders/Old/GET*", "Orders/Old/GET /orders/{id}"),
        ("Orders/Old/*", "Orders/Old/Buy; Orders/Old/GET /orders/{id}"),
        ("[Mock] * everything?", "[Mock] * everything?/stars"),
        ("[Mock]*", "[Mock] * everything?/stars"),
    ],
)
def test_slashes_and_stars_in_names_are_part_of_the_name(wanted: str, expected: str) -> None:
    assert picked(wanted) == expected


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (("Buy",), "Orders/Buy"),  # one: the nearest to the top
        (("Old",), "Orders/Old/Buy; Orders/Old/GET /orders/{id}"),
        (("Sell", "Login"), "Login; Orders/Sell"),  # several: the first of each name, in collection order
        (("Old", "Orders"), "Orders/Buy; Orders/Sell; Orders/Old/Buy; Orders/Old/GET /orders/{id}"),
        (("id of Returns", "Login"), "Login; Returns/Sell; Returns/Old/Refund"),
        (("Empty",), ""),
    ],
)
def test_names_and_ids_are_looked_up_as_newman_does(wanted: tuple[str, ...], expected: str) -> None:
    assert picked(*wanted) == expected


def test_as_given_keeps_the_order_of_the_options_and_runs_nothing_twice() -> None:
    assert picked("Returns", "Login", as_given=True) == "Returns/Sell; Returns/Old/Refund; Login"
    assert picked("Returns", "Login") == "Login; Returns/Sell; Returns/Old/Refund"
    assert picked("Orders/Old/Buy", "Orders/*", "Login", as_given=True) == (
        "Orders/Old/Buy; Orders/Buy; Orders/Sell; Orders/Old/GET /orders/{id}; Login"
    )


def test_exclude_leaves_out_every_one_of_a_name_and_what_lies_in_it() -> None:
    assert picked("Orders", exclude=("Buy",)) == "Orders/Sell; Orders/Old/GET /orders/{id}"
    assert picked("Orders", "Returns", exclude=("Old",)) == "Orders/Buy; Orders/Sell; Returns/Sell"
    assert picked(exclude=("Orders/*", "Returns", "A/B", "**/stars", "주문")) == "Login"
    assert picked("Login", exclude=("**",)) == ""


@pytest.mark.parametrize(
    ("folders", "exclude", "message"),
    [
        (("Order/Buy",), (), 'folder or request: "Order/Buy"\n  did you mean "Orders/Buy"'),
        (("Orders/",), (), '"Orders/"\n  did you mean "Orders"'),
        (("orders/*",), (), '"orders/\\*"'),
        (("Orders/*", "nothing like it"), (), '"nothing like it"$'),
        ((), ("Lgin",), '"Lgin"\n  did you mean "Login"'),
    ],
)
def test_what_is_nowhere_is_wrong_usage(folders: tuple[str, ...], exclude: tuple[str, ...], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make_plan(TREE, folders=folders, exclude=exclude)


def test_only_a_name_an_id_or_a_path_names_a_request_itself() -> None:
    def named(*folders: str) -> list[bool]:
        return [step.named for step in make_plan(TREE, folders=folders).steps]

    assert named("Orders/Buy") == named("Login") == [True]
    assert named("Orders/B*") == named("?uy")[:1] == [False]
    assert named("Returns", "Refund") == [False, True]


names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)


@given(st.lists(names, min_size=1, max_size=4))
def test_any_path_picks_its_request(path: list[str]) -> None:
    tree: Any = item(path[-1])
    for name in reversed(path[:-1]):
        tree = {"name": name, "item": [tree]}
    collection: Collection = collection_from_json({"item": [tree]})
    assert len(make_plan(collection, folders=("/".join(path),)).steps) == 1
    assert len(make_plan(collection, folders=("**",), exclude=("/".join(path),)).steps) == 0
