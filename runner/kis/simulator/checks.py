"""What KIS looks at before it does anything: path, tr_id, headers, and the parameters one by one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from runner.kis.endpoints import PREFIX, Endpoint, endpoints, read, tr_ids
from runner.kis.simulator.calls import Call, digest_of
from runner.kis.simulator.desk import tables
from runner.kis.simulator.facts import Fault
from runner.kis.simulator.keys import Key


def endpoint_of(call: Call) -> Endpoint:
    """What answers at a path.

    Raises:
        Fault: nothing does.
    """
    known = endpoints().get(call.path.removeprefix(PREFIX)) if call.path.startswith(PREFIX) else None
    if known is None or known.method != call.method:
        raise Fault("EGW00203")
    return known


def check_tr(endpoint: Endpoint, tr_id: str, host: str) -> None:
    """Whether a tr_id belongs to a path and to this host.

    Raises:
        Fault: it does not.
    """
    if not tr_id:
        raise Fault("OPSQ9999", "tr_id")
    takes = endpoint.trs.get(tr_id)
    if tr_id not in tr_ids() or takes is None:
        raise Fault("OPSQ0002")
    if host == "real" and takes in ("mock", "closed"):
        raise Fault("EGW02004")
    if host == "mock" and takes == "real":
        raise Fault("EGW02006")


def check_headers(call: Call) -> None:
    """Whether customer type and hash are right, where they are given.

    Raises:
        Fault: one is not.
    """
    if call.headers.get("custtype", "P").strip() not in ("", "P", "B"):
        raise Fault("EGW00208")
    given = call.headers.get("hashkey")
    if given is not None and given.strip().lower() != digest_of(call.body):
        raise Fault("EGW00131")


def check_fields(endpoint: Endpoint, tr_id: str, fields: Mapping[str, str], key: Key) -> None:
    """Whether all parameters are there, look as they should, and name an account of the key.

    Raises:
        Fault: a parameter is missing or wrong.
    """
    takes_account = endpoint.path in tables()["tickets"] or "CANO" in fields
    if takes_account and "CANO" not in fields:
        raise Fault("OPSQ2001", "CANO")
    missing = next((name for name in endpoint.required.get(tr_id, ()) if name.upper() not in fields), None)
    if missing is not None:
        raise Fault("OPSQ2001", missing)
    if takes_account and fields["CANO"] not in key.accounts:
        raise Fault("OPSQ2000")
    for name, value in fields.items():
        if value.strip() and (code := _wrong(name, value)):
            raise Fault(code, name)


def _wrong(name: str, value: str) -> str | None:
    """The code for a value that does not have its parameter's form."""
    return next((code for names, form, code in _forms() if names.search(name) and not form.fullmatch(value)), None)


@cache
def _forms() -> tuple[tuple[re.Pattern[str], re.Pattern[str], str], ...]:
    return tuple((re.compile(names), re.compile(form), code) for names, form, code in read("parameters.json")["forms"])
