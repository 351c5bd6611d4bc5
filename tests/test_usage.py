"""Which variables a collection uses, and which have no value."""

from __future__ import annotations

from typing import Any

from runner.dynamic import Dynamic
from runner.load import collection_from_json
from runner.plan import make_plan
from runner.usage import Use, used_variables
from runner.variables import Scope, Scopes
from tests.fakes import item


def uses(items: list[Any], rows: list[dict[str, Any]] | None = None, **environment: Any) -> dict[str, Use]:
    plan = make_plan(collection_from_json({"item": items}), rows=rows or [])
    scopes = Scopes(environment=Scope.of(environment), globals=Scope(), collection=Scope(), dynamic=Dynamic(lambda texts: texts))
    return {use.name: use for use in used_variables(plan, scopes)}


def test_names_from_everywhere_a_request_is_made_of() -> None:
    body = {"mode": "urlencoded", "urlencoded": [{"key": "{{k}}", "value": "{{v}}"}]}
    header = [{"key": "X", "value": "{{h}}"}]
    auth = {"type": "bearer", "bearer": [{"key": "token", "value": "{{t}}"}]}
    folder = {"name": "F", "auth": auth, "item": [item("a", url="http://{{u}}/{{$guid}}", header=header, body=body)]}
    assert list(uses([folder])) == ["u", "h", "k", "v", "t"]
    assert uses([folder])["t"].places == ["F › a"]


def test_names_in_values_and_in_angles() -> None:
    found = uses(
        [item("a", url="http://{{base}}/<<known>>/<<unknown>>")], base="{{host}}:{{port}}", host="<<name>>", name="x", known=1
    )
    assert set(found) == {"base", "known", "host", "port", "name"}
    assert [name for name, use in found.items() if use.missing] == ["port"]


def test_what_is_missing_empty_or_comes_from_rows_and_scripts() -> None:
    items = [
        item("a", url="http://{{empty}}/{{row}}/{{none}}", test="pm.environment.get('read'); pm.globals.set('late', 1)"),
        item("b", url="http://{{late}}", test=" "),
    ]
    found = uses(items, rows=[{"row": 1}], empty="")
    state = {name: (use.missing, use.empty, use.set_by_script) for name, use in found.items()}
    assert state == {
        "empty": (False, True, False),
        "row": (False, False, False),
        "none": (True, False, False),
        "read": (True, False, False),
        "late": (True, False, True),
    }


def test_a_cycle_of_values_ends() -> None:
    assert list(uses([item("a", url="http://{{a}}")], a="{{b}}", b="{{a}}")) == ["a", "b"]


def test_scripts_that_are_empty_are_none() -> None:
    assert not make_plan(collection_from_json({"item": [item("a", test=" \n ")]})).has_scripts
    assert make_plan(collection_from_json({"item": [item("a", prerequest="x")]})).has_scripts
