"""The 136 APIs of KIS's guide: what each is called, where it is, what it takes, and what the shipped collections send."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from runner.kis.endpoints import PREFIX, Endpoint, Output, endpoints, read

HOSTS: Mapping[str, str] = {"V": "mock", "J": "real"}
"""The letters KIS puts before its names, and the hosts they stand for."""

VARIABLE_PREFIXES: Mapping[tuple[str, str], str] = {
    ("V", "stock"): "VTS",
    ("V", "futures"): "VTT",
    ("J", "stock"): "PROD",
    ("J", "futures"): "PROT",
}
"""What the variables of a key begin with, by host and kind of account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One request to an API. `trs` maps V and J to the tr_id, `keys` is stock or futures; `label` tells it from its siblings.

    `values` holds the parameters that are not blank; `keep` maps a variable to the JavaScript that finds its value in the
    answer.
    """

    trs: Mapping[str, str]
    keys: str
    values: Mapping[str, str]
    label: str = ""
    keep: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    """One row of the guide. `offered` is V, J or both; `successors` maps a tr_id to the newer one KIS has given it.

    `others` says, in Korean, what further tr_ids of the path are for: other sides, markets or times. `corrected` says what
    the published files have wrong about this API or leave out; empty where there is nothing.
    """

    number: int
    category: str
    name: str
    offered: str
    endpoint: Endpoint
    samples: tuple[Sample, ...]
    others: Mapping[str, str]
    successors: Mapping[str, str]
    corrected: str

    @property
    def method(self) -> str:
        """GET or POST."""
        return self.endpoint.method

    @property
    def path(self) -> str:
        """The path of its URL."""
        return self.endpoint.path if self.endpoint.path.startswith("/") else PREFIX + self.endpoint.path

    @property
    def moves_money(self) -> bool:
        """Whether it places, changes or cancels an order: by KIS's rule, its tr_id ends in U."""
        return any(tr.endswith("U") for sample in self.samples for tr in sample.trs.values())

    @property
    def takes_account(self) -> bool:
        """Whether an account number is among its parameters."""
        return any("CANO" in names for names in self.endpoint.required.values())

    @property
    def outputs(self) -> tuple[Output, ...]:
        """The parts of its response, and their fields."""
        return self.endpoint.outputs

    @property
    def paging(self) -> tuple[str, ...]:
        """The response fields that the next page is asked for with."""
        return self.endpoint.ctx

    def tr_ids(self, letter: str) -> tuple[str, ...]:
        """Every tr_id it has on the host of V or J: the one to send, those for other sides and markets, and newer ones."""
        takes = (HOSTS[letter], "both")
        return tuple(tr for tr, host in self.endpoint.trs.items() if host in takes and tr not in self.endpoint.stray)

    def parameters(self, sample: Sample, letter: str) -> Mapping[str, str]:
        """What a request sends, in KIS's order; blank values are sent as they are, the account is not yet in it."""
        names = self.endpoint.required[sample.trs.get(letter, "")]
        return {name: sample.values.get(name, "") for name in names}


@cache
def catalogue() -> tuple[Api, ...]:
    """All rows in the guide's order."""
    return tuple(_api(row) for row in read("catalogue.json")["rows"])


@cache
def meanings() -> Mapping[str, str]:
    """What each parameter means, in Korean, by its name."""
    found: Mapping[str, str] = read("parameters.json")["parameters"]
    return found


def _api(row: Mapping[str, Any]) -> Api:
    return Api(
        number=row["no"],
        category=row["category"],
        name=row["name"],
        offered=row["offered"],
        endpoint=endpoints()[row["path"]],
        samples=tuple(_sample(call, row["offered"]) for call in row["calls"]),
        others=row.get("others", {}),
        successors=row.get("successors", {}),
        corrected=row.get("corrected", ""),
    )


def _sample(call: Mapping[str, Any], offered: str) -> Sample:
    tr = call.get("tr", "")
    return Sample(
        trs=tr if isinstance(tr, dict) else dict.fromkeys(offered, tr),
        keys=call.get("keys", "stock"),
        values=call["values"],
        label=call.get("label", ""),
        keep=call.get("keep", {}),
    )
