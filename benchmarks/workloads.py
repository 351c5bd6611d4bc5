"""What is run: collections of a known size, made afresh, with the environment and data files they need."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.server import FIRST_TOKEN

FOLDER_SIZE = 20
SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"

SET_STAMP = """
var count = Number(pm.environment.get("count") || 0) + 1;
pm.environment.set("count", count);
pm.variables.set("stamp", "stamp-" + count);
"""
CHECK_ORDER = """
var body = pm.response.json();
pm.test("the order is accepted", function () {
    pm.expect(pm.response.code).to.eql(200);
    pm.expect(body.ok).to.be.true;
});
pm.test("the order comes back", function () {
    pm.expect(body.stamp).to.eql(pm.variables.get("stamp"));
    pm.expect(body.token).to.be.a("string").and.not.be.empty;
});
pm.test("the items are complete", function () {
    pm.expect(body.items).to.be.an("array").with.lengthOf(5);
    pm.expect(body.items[0]).to.have.property("price");
    pm.expect(body.items[4].code).to.eql("000004");
});
pm.environment.set("token", body.token);
pm.environment.set("ref", body.ref);
"""
CHECK_ROW = """
pm.test("the row's thing", function () {
    pm.expect(pm.response.json().id).to.eql(Number(pm.iterationData.get("id")));
});
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """`items` requests of a `kind` (get, order, row), `iterations` times or once for each of `rows` rows.

    `runs` is how often each runner does it; `target` how many times faster than Newman pabal means to be;
    `newman` False is a run of pabal alone, to compare with its own larger sister. `reported` turns every reporter on, `divided`
    has pabal do the work with several processes, too.
    """

    name: str
    about: str
    kind: str
    items: int
    iterations: int = 1
    rows: int = 0
    runs: int
    target: float
    newman: bool = True
    reported: bool = False
    divided: bool = False

    @property
    def requests(self) -> int:
        return self.items * (self.rows or self.iterations)

    def shortened(self) -> Workload:
        """One run of a tenth of the iterations and rows."""
        about = f"a tenth of {self.about}" if self.requests > self.items else self.about
        return replace(self, about=about, iterations=max(1, self.iterations // 10), rows=self.rows // 10, runs=1)


WORKLOADS = (
    Workload(name="W1", about="one GET", kind="get", items=1, runs=5, target=2),
    Workload(name="W2", about="200 GETs", kind="get", items=200, runs=5, target=6),
    Workload(name="W2x25", about="5,000 GETs", kind="get", items=200, iterations=25, runs=2, target=6),
    Workload(name="W3", about="200 POSTs, two scripts each", kind="order", items=200, runs=5, target=4),
    Workload(
        name="W4", about="5,000 POSTs, two scripts each", kind="order", items=200, iterations=25, runs=1, target=4, divided=True
    ),
    Workload(name="W7s", about="2,000 rows, one script each", kind="row", items=1, rows=2_000, runs=1, target=4, newman=False),
    Workload(name="W7", about="20,000 rows, one script each", kind="row", items=1, rows=20_000, runs=1, target=4),
    Workload(
        name="W8s",
        about="1,000 rows, all reporters",
        kind="row",
        items=1,
        rows=1_000,
        runs=1,
        target=0,
        newman=False,
        reported=True,
    ),
    Workload(
        name="W8",
        about="100,000 rows, all reporters",
        kind="row",
        items=1,
        rows=100_000,
        runs=1,
        target=0,
        newman=False,
        reported=True,
    ),
)
FILES = ("json", "junit", "html", "markdown", "tap")
"""The reporters that write a file."""


def write(workload: Workload, folder: Path, port: int) -> list[str]:
    """Write the workload's files; the arguments of `run`, in Newman's and pabal's common spelling."""
    collection, environment = folder / f"{workload.name}.json", folder / f"{workload.name}.environment.json"
    values = {"base": f"http://127.0.0.1:{port}", "token": FIRST_TOKEN, "ref": FIRST_TOKEN}
    scope = [{"key": key, "value": value, "enabled": True} for key, value in values.items()]
    environment.write_text(json.dumps({"name": "benchmark", "values": scope}))
    items = [ITEMS[workload.kind](number) for number in range(workload.items)]
    folders = [{"name": f"folder {at}", "item": items[at : at + FOLDER_SIZE]} for at in range(0, len(items), FOLDER_SIZE)]
    collection.write_text(json.dumps({"info": {"name": workload.name, "schema": SCHEMA}, "item": folders}))
    arguments = ["run", str(collection), "-e", str(environment), "-n", str(workload.rows or workload.iterations)]
    if workload.rows:
        arguments += ["-d", str(write_rows(folder, workload.rows))]
    if workload.reported:
        arguments += ["-r", ",".join(["cli", "progress", "github", *FILES])]
        arguments += [word for name in FILES for word in (f"--reporter-{name}-export", str(folder / f"report.{name}"))]
    return arguments


def write_rows(folder: Path, count: int) -> Path:
    data = folder / f"{count}.csv"
    with data.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "name", "price"])
        rows.writerows([number, f"row {number}", number * 10] for number in range(1, count + 1))
    return data


def get(number: int) -> dict[str, Any]:
    return {"name": f"get {number}", "request": {"method": "GET", "url": f"{{{{base}}}}/things/{number}?page=1"}}


def order(number: int) -> dict[str, Any]:
    body = {"ref": "{{ref}}", "stamp": "{{stamp}}", "code": f"{number:06d}", "quantity": 3, "note": "an order like any other"}
    headers = [{"key": "Content-Type", "value": "application/json"}, {"key": "X-Token", "value": "{{token}}"}]
    request = {"method": "POST", "url": "{{base}}/orders", "header": headers, "body": {"mode": "raw", "raw": json.dumps(body)}}
    return {
        "name": f"order {number}",
        "request": request,
        "event": [script("prerequest", SET_STAMP), script("test", CHECK_ORDER)],
    }


def row(number: int) -> dict[str, Any]:
    request = {"method": "GET", "url": "{{base}}/things/{{id}}?name={{name}}"}
    return {"name": f"row {number}", "request": request, "event": [script("test", CHECK_ROW)]}


def script(listen: str, code: str) -> dict[str, Any]:
    return {"listen": listen, "script": {"type": "text/javascript", "exec": code.strip().split("\n")}}


ITEMS = {"get": get, "order": order, "row": row}
