"""Whatever a collection's names and values are, the code of it is Python, and the same each time."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.test_codegen import BASE, code_of, item, raw

PYTHON = ["requests", "httpx", "httpx-async", "aiohttp", "http.client", "urllib3"]
PIECES = ["'", '"', '"""', "\\", "\n", "\r", "\t", "\0", "{", "}", "{{", "}}", "{{x}}", "{{$guid}}", "%", "%%", "%s", "#", "$", "`",
          "한글", "é", "é", "\u2028", "\ud800", "\U0001f600", "class", "None", "send", "url", "2", " ", "__name__", "a"]  # fmt: skip
TEXT = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=5).map("".join)


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    """A request whose every text is nasty."""
    params = [
        {"key": draw(TEXT), "value": draw(TEXT), "description": draw(TEXT), "disabled": draw(st.booleans())} for _ in range(2)
    ]
    json = raw(f'{{"a": "{draw(TEXT)}", "b": {draw(TEXT)}}}', "json")
    body = draw(
        st.sampled_from(
            [json, raw(draw(TEXT)), {"mode": "urlencoded", "urlencoded": params}, {"mode": "formdata", "formdata": params}]
        )
    )
    made = item(draw(TEXT), f"{BASE}/{draw(TEXT)}", "POST", header=params, body=body, description=draw(TEXT))
    return {"name": draw(TEXT), "id": draw(TEXT), "item": [made]}


@settings(max_examples=60, deadline=None)
@given(
    folders=st.lists(requests(), min_size=2, max_size=2),
    env=st.dictionaries(TEXT, TEXT, max_size=2),
    target=st.sampled_from(PYTHON),
    style=st.sampled_from(["function", "script", "pytest"]),
    variables=st.sampled_from(["secrets", "env", "args", "inline"]),
    joined=st.booleans(),
)
def test_code_compiles_and_is_always_the_same(folders: list[dict[str, Any]], env: dict[str, str], **options: Any) -> None:
    named = {
        "target": options["target"],
        "style": options["style"],
        "variables": options["variables"],
        "one_file": options["joined"],
    }
    files, again = (code_of(*folders, env={"x": "{{y}}", **env}, describe="full", **named) for _ in range(2))
    if options["variables"] != "inline":  # then {{$guid}} is one sample, as in Postman's code
        assert [file.text for file in files] == [file.text for file in again]
    for file in files:
        for text in (file.text, *(part.text for part in file.parts)):
            compile(text.encode(), file.path, "exec")
