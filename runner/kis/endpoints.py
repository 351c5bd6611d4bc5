"""What KIS takes and answers at each path: the package's data files as Python values, read once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

PREFIX = "/uapi/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One named part of a response: an object or an array of objects with these fields. `rows` is a fixed length."""

    name: str
    shape: str
    fields: tuple[str, ...]
    rows: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """What KIS takes and answers at one path. `trs` maps a tr_id to the host that takes it: real, mock, both or closed.

    `required` maps a tr_id to the parameters that must be present; `ctx` are the paging fields, `page` the rows of a page on
    the real and the mock host, `rows` how many rows the simulator makes up. `stray` maps tr_ids that published files send
    here by mistake to the path they belong to.
    """

    path: str
    method: str
    trs: Mapping[str, str]
    required: Mapping[str, tuple[str, ...]]
    outputs: tuple[Output, ...]
    ctx: tuple[str, ...] = ()
    page: tuple[int, int] = (0, 0)
    rows: int = 1
    stray: Mapping[str, str] = field(default_factory=dict)

    def output(self, name: str) -> Output:
        """The output of that name."""
        return next(output for output in self.outputs if output.name == name)


def read(name: str) -> Any:
    """One of the package's JSON data files."""
    return json.loads(files("runner.kis").joinpath("data", name).read_text("utf-8"))


@cache
def endpoints() -> Mapping[str, Endpoint]:
    """Every known endpoint by its path: below /uapi/, or from /oauth2/ on."""
    return {path: _endpoint(path, facts) for path, facts in read("endpoints.json")["endpoints"].items()}


@cache
def tr_ids() -> frozenset[str]:
    """Every tr_id of every endpoint."""
    return frozenset(tr for endpoint in endpoints().values() for tr in endpoint.trs)


def _endpoint(path: str, facts: Mapping[str, Any]) -> Endpoint:
    # What has no tr_id, as /oauth2/ and the hash, stands under an empty one.
    needs = {tr: tuple(keys.split()) for trs, keys in facts["need"].items() for tr in trs.split() or [""]}
    outputs = tuple(_output(name, parts) for name, parts in facts["out"].items())
    real, mock = facts.get("page", (0, 0))
    return Endpoint(
        path=path,
        method=facts["method"],
        trs=facts["tr"],
        required=needs,
        outputs=outputs,
        ctx=tuple(facts.get("ctx", "").split()),
        page=(real, mock),
        rows=facts.get("rows", 1),
        stray=facts.get("stray", {}),
    )


def _output(name: str, parts: list[Any]) -> Output:
    shape, fields, *rows = parts
    return Output(name=name, shape=shape, fields=tuple(fields.split()), rows=rows[0] if rows else None)
