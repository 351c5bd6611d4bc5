"""Scopes, precedence and substitution."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.dynamic import NAMES, Dynamic
from runner.model import Mutation, Variable
from runner.variables import Scope, Scopes


def scopes(**layers: dict[str, object]) -> Scopes:
    made = Scopes(
        environment=Scope.of(layers.get("environment", {})),
        globals=Scope.of(layers.get("globals", {})),
        collection=Scope.of(layers.get("collection", {})),
        dynamic=Dynamic(lambda texts: tuple(f"<{text}>" for text in texts)),
    )
    made.local = Scope.of(layers.get("local", {}))
    made.data = Scope.of(layers.get("data", {}))
    return made


def test_precedence_is_local_data_environment_collection_globals() -> None:
    order = ["local", "data", "environment", "collection", "globals"]
    for first in range(len(order)):
        layers: dict[str, dict[str, object]] = {name: {"x": name} for name in order[first:]}
        assert scopes(**layers).replace("{{x}}") == order[first]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{a}}-<<a>>", "1-1"),
        ("<<nothing>> {{nothing}}", "<<nothing>> {{nothing}}"),
        ("1 << 2 >> 1", "1 << 2 >> 1"),
        ("{{ a }}", "{{ a }}"),
        ("{{A}}", "{{A}}"),
        ("{{k_{{a}}}}", "deep"),
        ("{{k_<<a>>}}", "deep"),
        ("{{chain}}", "1!"),
        ("{{null}} {{list}} {{object}} {{true}} {{float}}", "null 1,,x [object Object] true 0.5"),
        ("{{empty}}", ""),
        ("{{}}", "{{}}"),
    ],
)
def test_substitution(text: str, expected: str) -> None:
    environment = {"a": 1, "k_1": "deep", "chain": "<<a>>!", "null": None, "list": [1, None, "x"], "object": {}, "true": True}
    assert scopes(environment={**environment, "float": 0.5, "empty": ""}).replace(text) == expected


def test_null_in_the_data_is_no_value_but_hides_others() -> None:
    made = scopes(data={"a": None}, environment={"a": "env", "b": None})
    assert (made.replace("{{a}} {{b}}"), list(made.unresolved)) == ("{{a}} null", ["a"])


def test_cycles_end_and_are_reported() -> None:
    made = scopes(environment={"a": "{{b}}", "b": "{{a}}", "self": "x{{self}}"})
    assert made.replace("{{a}}") in ("{{a}}", "{{b}}")
    assert made.replace("{{self}}") == "x" * 19 + "{{self}}"


def test_unresolved_names_are_remembered_once_in_order() -> None:
    made = scopes(environment={"known": "v"})
    made.replace("{{one}} {{known}} {{two}}")
    made.replace("{{one}} <<three>>")
    assert list(made.unresolved) == ["one", "two"]


def test_all_dynamic_variables_are_known_and_a_users_own_wins() -> None:
    made = scopes(environment={"$guid": "mine"})
    assert len(NAMES) == 118
    assert made.replace("{{$guid}}") == "mine"
    assert re.fullmatch(r"[0-9a-f-]{36}", made.replace("{{$randomUUID}}"))
    assert re.fullmatch(r"\d{10}", made.replace("{{$timestamp}}"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", made.replace("{{$isoTimestamp}}"))
    assert made.replace("{{$unheardOf}}") == "{{$unheardOf}}"
    assert made.replace("{{$guid}}{{$guid}}") == "minemine"
    assert len({made.replace("{{$randomUUID}}") for _ in range(5)}) == 5


def test_the_exotic_ones_are_asked_of_the_generator() -> None:
    asked: list[tuple[str, ...]] = []

    def generate(texts: tuple[str, ...]) -> tuple[str, ...]:
        asked.append(texts)
        return ("Seoul",)

    made = Scopes(environment=Scope(), globals=Scope(), collection=Scope(), dynamic=Dynamic(generate))
    assert made.replace("in {{$randomCity}}") == "in Seoul"
    assert asked == [("{{$randomCity}}",)]


def test_duplicates_disabled_and_types() -> None:
    scope = Scope(
        [
            Variable(key="a", value="first"),
            Variable(key="a", value="last"),
            Variable(key="a", value="off", disabled=True),
            Variable(key="n", value="7", type="number"),
            Variable(key="s", value=7, type="string"),
            Variable(key="l", value="[1,2]", type="array"),
            Variable(key="gone", value="x", disabled=True),
        ]
    )
    assert [scope.get(key) for key in ("a", "n", "s", "l", "gone")] == ["last", 7, "7", [1, 2], None]
    assert "gone" not in scope
    scope.apply(Mutation(key="a", value="new"))
    assert [entry.value for entry in scope.export().values[:3]] == ["first", "new", "off"]
    scope.apply(Mutation(key="a", unset=True))
    assert [entry.value for entry in scope.export().values if entry.key == "a"] == ["off"]
    scope.set("gone", "back")
    assert scope.get("gone") == "back"


def test_json_for_the_sandbox_is_kept_until_something_changes() -> None:
    scope = Scope.of({"a": 1})
    assert scope.as_json() is scope.as_json()
    before = scope.as_json()
    scope.set("b", 2)
    assert scope.as_json() == (*before, {"key": "b", "value": 2, "type": "any"})


NAME = st.text(st.characters(exclude_characters="{}<>$", exclude_categories=("Cs",)), min_size=1, max_size=8)
PLAIN = st.text(st.characters(exclude_characters="{}<>", exclude_categories=("Cs",)), max_size=20)


@given(st.dictionaries(NAME, PLAIN, max_size=5), PLAIN, PLAIN)
def test_every_known_name_is_replaced_and_nothing_else(values: dict[str, object], before: str, after: str) -> None:
    made = scopes(environment=values)
    for name, value in values.items():
        assert made.replace(f"{before}{{{{{name}}}}}{after}") == f"{before}{value}{after}"
        assert made.replace(f"{before}<<{name}>>{after}") == f"{before}{value}{after}"
    assert not made.unresolved


@given(st.dictionaries(st.sampled_from("abc"), st.text("abc{}<>", max_size=12)), st.text("abc{}<> ", max_size=20))
def test_substitution_always_ends(values: dict[str, object], text: str) -> None:
    result = scopes(environment=values).replace(text)
    assert isinstance(result, str)
    if "{{" not in text and "<<" not in text:
        assert result == text
