"""Before real orders go out: what is counted, who is asked, and requests that are on the wrong host."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from runner.errors import Refused
from runner.kis.hosts import Kind
from runner.kis.mixups import check
from runner.kis.orders import Orders, counted
from runner.model import Prepared
from runner.plan import make_plan
from tests.conftest import Pabal
from tests.kis_runs import ORDER, collection, order, price, rewritten
from tests.kis_turns import MOCK, NUMBERS, REAL, scopes
from tests.servers import Recorder, answer

ROOT = Path(__file__).parent.parent
KEYS = {
    "VTS_APPKEY": "mock-key",
    "VTT_APPKEY": "mock-key-t",
    "PROD_APPKEY": "real-key",
    "PROT_APPKEY": "{{shared}}",
    "shared": "real-key-t",
}

# ---------------------------------------------------------------------------------------------------------------- counting


def count(*items: Any, rows: Any = (), iterations: int | None = None, limit: int | None = None, **values: str) -> Orders:
    plan = make_plan(collection(*items), rows=rows, iterations=iterations)
    return counted(plan, scopes(**values).lookup, limit)


def real(name: str = "buy", **more: Any) -> Any:
    return order(name, prefix="PROD", **more)


def test_orders_to_the_real_host_are_counted_with_their_account() -> None:
    found = count(real(), order("mock"), price(prefix="PROD"), real("sell", tr_id="TTTC0801U"), iterations=3)
    assert found == Orders(allowed=6, accounts=("70****47",), names=("buy", "sell"))
    assert found.question() == "up to 6 real orders go out on account 70****47 (buy, sell). This moves real money. Send?"


def test_each_row_of_data_is_looked_at() -> None:
    depending = rewritten(real(), url="{{where}}" + ORDER)
    rows = [{"where": REAL}, {"where": MOCK}, {"where": "<<PROD>>", "CANO_REAL": "99999999"}]
    assert count(depending, rows=rows) == Orders(allowed=2, accounts=("70****47", "99****99"), names=("buy",))
    assert count(depending, rows=rows, iterations=1).allowed == 1
    assert count(depending, rows=rows, iterations=5).allowed == 4


def test_a_host_that_a_script_is_to_fill_counts_as_real() -> None:
    assert count(real(), PROD="").allowed == count(real(), without="PROD").allowed == 1


def test_nothing_to_ask_without_orders() -> None:
    assert count(price(prefix="PROD"), order()).question() == ""
    assert count(price(prefix="PROD"), limit=2).question().startswith("up to 2 real orders go out (sent by scripts).")
    assert count(real(), limit=1).question().startswith("1 real order goes out on account 70****47 (buy).")


def test_an_order_whose_account_is_unknown_is_counted() -> None:
    unclear = real()
    unclear["request"]["header"] += [{"key": "appkey", "value": "{{PROT_APPKEY}}"}]
    assert count(unclear, real("buy 2"), CANO_REAL="") == Orders(allowed=2, accounts=(), names=("buy", "buy 2"))


def test_a_long_list_is_cut_short() -> None:
    assert "(o1, o2, o3, o4, o5 and 2 more)" in count(*(real(f"o{number}") for number in range(1, 8))).question()


# ------------------------------------------------------------------------------------------------------------------ consent


@pytest.fixture
def files(tmp_path: Path) -> Path:
    path = tmp_path / "orders.json"
    path.write_text(json.dumps({"info": {"name": "orders"}, "item": [real(), real("sell", tr_id="TTTC0801U")]}))
    return path


def words(path: Path, broker: Recorder, *more: str) -> list[str]:
    broker.routes[ORDER] = answer(200, [("Content-Type", "application/json")], body=b'{"rt_cd": "0"}')
    variables = {"PROD": broker.url("").rstrip("/"), "PROD_APPKEY": "k", "PROD_APPSECRET": "s", "PROD_TOKEN": "t", **NUMBERS}
    return ["run", str(path), *(word for name, value in variables.items() for word in ("--env-var", f"{name}={value}")), *more]


def test_without_a_terminal_nothing_is_sent(pabal: Pabal, files: Path, recorder: Recorder) -> None:
    done = pabal(*words(files, recorder, "--allow-real-orders"))
    assert (done.status, recorder.requests) == (2, [])
    assert "nobody is here to ask: up to 2 real orders go out on account 70****47 (buy, sell)" in done.err
    assert "--yes" in done.err


def test_yes_agrees(pabal: Pabal, files: Path, recorder: Recorder) -> None:
    done = pabal(*words(files, recorder, "--allow-real-orders", "--yes"))
    assert (done.status, len(recorder.requests)) == (0, 2), done.out


def test_yes_alone_allows_nothing(pabal: Pabal, files: Path, recorder: Recorder) -> None:
    done = pabal(*words(files, recorder, "--yes"))
    assert (done.status, recorder.requests) == (6, [])


def test_a_simulation_asks_nobody(pabal: Pabal, files: Path, recorder: Recorder) -> None:
    done = pabal(*words(files, recorder, "--allow-real-orders", "--simulate"))
    assert "nobody is here" not in done.err
    assert recorder.requests == []


def test_consent_does_not_come_from_the_surroundings(
    pabal: Pabal, files: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PABAL_YES", "1")
    assert pabal(*words(files, recorder, "--allow-real-orders")).status == 2
    monkeypatch.setenv("PABAL_ALLOW_REAL_ORDERS", "1")
    assert pabal(*words(files, recorder)).status in (2, 6)
    assert recorder.requests == []


def test_a_number_without_permission_is_wrong_usage(pabal: Pabal, files: Path, recorder: Recorder) -> None:
    for more in (("--max-real-orders", "3"), ("--allow-real-orders", "--max-real-orders", "0"), ("--rate", "0"), ("--rate", "x")):
        assert pabal(*words(files, recorder, *more, "--yes")).status == 2
    assert recorder.requests == []


@pytest.mark.skipif(os.name == "nt", reason="pseudo-terminals are POSIX")
@pytest.mark.parametrize(("said", "status", "orders"), [("y\n", 0, 2), ("n\n", 6, 0), ("\n", 6, 0), ("\x04", 130, 0)])
def test_on_a_terminal_the_user_is_asked(files: Path, recorder: Recorder, said: str, status: int, orders: int) -> None:
    import pty

    control, terminal = pty.openpty()
    command = [sys.executable, "-m", "runner", *words(files, recorder, "--allow-real-orders")]
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TERM": "dumb"}
    process = subprocess.Popen(command, stdin=terminal, stderr=terminal, stdout=subprocess.PIPE, env=environ)
    os.close(terminal)
    shown = b""
    while b"Send?" not in shown:
        shown += os.read(control, 1000)
    os.write(control, said.encode())
    process.communicate(timeout=30)
    os.close(control)
    assert process.returncode == status
    assert b"up to 2 real orders go out on account 70****47 (buy, sell)" in shown
    assert NUMBERS["CANO_REAL"].encode() not in shown
    assert len(recorder.requests) == orders


# ----------------------------------------------------------------------------------------------------------------- mix-ups


def refused(kind: Kind, headers: Mapping[str, str], body: Any = None, method: str = "GET") -> str:
    host = REAL if kind == "real" else MOCK
    prepared = Prepared(
        method=method,
        url=host + "/uapi/x?secret=1",
        headers=tuple(headers.items()),
        body=json.dumps(body).encode() if body else None,
    )
    try:
        check(prepared, kind, scopes(**KEYS).lookup)
    except Refused as refusal:
        assert refusal.hint
        assert refusal.where == f"{method} {host}/uapi/x"
        return refusal.what
    return ""


@pytest.mark.parametrize("tr_id", ["VTTC8434R", " vttc0802u ", "VTSC9115R", "VTFO6118R", "X,VTTC0802U"])
def test_mock_tr_ids_stay_off_the_real_host(tr_id: str) -> None:
    assert "for the mock host, and this goes to the real one" in refused("real", {"TR_ID": tr_id})
    assert refused("mock", {"TR_ID": tr_id}) == ""


@pytest.mark.parametrize("tr_id", ["TTTC8434R", "ttto1101u ", "CTPF1002R", "JTCE1001U"])
def test_real_tr_ids_stay_off_the_mock_host(tr_id: str) -> None:
    assert "for the real host, and this goes to the mock one" in refused("mock", {"tr_id": tr_id})
    assert refused("real", {"tr_id": tr_id}) == ""


@pytest.mark.parametrize("tr_id", ["FHKST01010100", "HHDFS00000300", "OTFM3001U", "", "TEST", "VERSION2"])
def test_quotes_have_one_tr_id_for_both(tr_id: str) -> None:
    assert refused("mock", {"tr_id": tr_id}) == refused("real", {"tr_id": tr_id}) == ""


@pytest.mark.parametrize(("kind", "key", "name"), [
    ("real", "mock-key", "VTS_APPKEY"), ("real", " mock-key-t ", "VTT_APPKEY"),
    ("mock", "real-key", "PROD_APPKEY"), ("mock", "real-key-t", "PROT_APPKEY"),
])  # fmt: skip
def test_keys_stay_off_the_other_host(kind: Kind, key: str, name: str) -> None:
    for reason in (
        refused(kind, {"appKey": key}),
        refused(kind, {}, {"grant_type": "client_credentials", "appkey": key.strip()}, "POST"),
    ):
        assert f"the app key of {name} is" in reason
        assert key.strip() not in reason
    assert refused("mock" if kind == "real" else "real", {"appkey": key}) == ""


def test_a_key_that_stands_in_both_places_is_no_mixup() -> None:
    prepared = Prepared(method="GET", url=REAL, headers=(("appkey", "one"),))
    check(prepared, "real", scopes(VTS_APPKEY="one", PROD_APPKEY="one").lookup)
    with pytest.raises(Refused):
        check(prepared, "real", scopes(VTS_APPKEY="one", PROD_APPKEY="two").lookup)
    check(Prepared(method="GET", url=REAL), "real", scopes(VTS_APPKEY="").lookup)
