"""Options of `pabal run` that Newman does not have, and how they become `Options`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import rich_click as click

from runner.cli.options import POSITIVE
from runner.early import processors
from runner.errors import UsageError


class Jobs(click.ParamType[int]):
    """How many processes: a number, or `auto` for as many as there are processors."""

    name = "jobs"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        text = str(value)
        if text == "auto":
            return processors()
        if not (text.isascii() and text.isdigit() and len(text) <= 4 and 0 < int(text) <= _MOST_JOBS):
            self.fail(f"{text!r} is neither a number from 1 to {_MOST_JOBS} nor auto", param, ctx)
        return int(text)


_MOST_JOBS = 256

BEYOND_OPTIONS = (
    click.option(
        "-j",
        "--jobs",
        type=Jobs(),
        default=1,
        metavar="N",
        help="Processes that take iterations, rows or collections by turns; what scripts set in one is not seen in the others. "
        "auto: one for each processor.",
        panel="Run",
    ),
    click.option("--watch", is_flag=True, help="Run again whenever collection, environment or data change.", panel="Run"),
    click.option(
        "--mock",
        is_flag=True,
        help="Answer with the examples saved in the collection; the network is never used.",
        panel="Run",
    ),
    click.option(
        "--record",
        metavar="PATH",
        help="Write the collection with the answers, secrets removed, as saved examples.",
        panel="Reports",
    ),
    click.option(
        "--dry-run",
        is_flag=True,
        help="Show what would be sent and what a guard has against it; send nothing. Pre-request scripts run, tests do not.",
        panel="Run",
    ),
    click.option(
        "--retry",
        type=POSITIVE,
        metavar="N",
        help="Send a request up to N times more after a connection error or 429, 502, 503, 504; never POST or PATCH.",
        panel="Run",
    ),
    click.option(
        "--retry-delay",
        type=POSITIVE,
        metavar="MS",
        help="First pause before a retry, doubled each time; default 500. Retry-After wins.",
        panel="Run",
    ),
    click.option(
        "--packages",
        metavar="DIR",
        help="Folder of packages for pm.require: @team/sum is DIR/@team/sum.js or DIR/@team/sum/index.js.",
        panel="Run",
    ),
    click.option(
        "--expect",
        multiple=True,
        metavar="CHECK",
        help="A check on every response: 'status < 400', '$.rt_cd == \"0\"', 'body contains ok'; repeatable.",
        panel="Checks",
    ),
    click.option(
        "--expect-file",
        multiple=True,
        metavar="PATH",
        help="A file of checks, one a line; 'Orders/*: status == 201' is for some requests only.",
        panel="Checks",
    ),
    click.option("--fail-on-status", is_flag=True, help="The same as --expect 'status < 400'.", panel="Checks"),
    click.option("--max-response-time", type=POSITIVE, metavar="MS", help="The same as --expect 'time <= MS'.", panel="Checks"),
)


def beyond_from(values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of `Options` that these options fill; those not given are left out.

    Raises:
        UsageError: an option lacks the other one that it belongs to.
    """
    if values.get("retry_delay") and not values.get("retry"):
        raise UsageError("--retry-delay needs --retry", hint="say how often: --retry 3")
    given = {
        "retries": values.get("retry"),
        "retry_delay": values.get("retry_delay"),
        "packages": values.get("packages"),
        "expect": tuple(_expected(values)),
        "expect_files": values.get("expect_file"),
        "mock": values.get("mock"),
    }
    return {name: value for name, value in given.items() if value}


def _expected(values: Mapping[str, Any]) -> Iterator[str]:
    yield from values.get("expect", ())
    if values.get("fail_on_status"):
        yield "status < 400"
    if limit := values.get("max_response_time"):
        yield f"time <= {limit}"
