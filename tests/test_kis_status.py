"""`pabal kis status`: the guide's rows on both hosts, with what the JSON reports of the last runs say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from runner.kis.simulator import Simulator
from runner.kis.status import Outcome, as_json, as_markdown, status, totals
from tests.conftest import Pabal
from tests.kis_runs import balance, order, price, rewritten, token

REPORT = ("-r", "json", "--reporter-json-export")


def report(pabal: Pabal, path: Path, *items: Any, simulator: Simulator) -> Path:
    source = path.with_suffix(".collection.json")
    source.write_text(json.dumps({"info": {"name": "kis"}, "item": items}))
    words = [word for name, value in simulator.variables.items() for word in ("--env-var", f"{name}={value}")]
    pabal("run", str(source), *words, "--rate", "1000", *REPORT, str(path))
    return path


def outcomes(*reports: Path) -> dict[tuple[str, str], Outcome]:
    return {(row.api.name, letter): found for row in status(reports) for letter, found in row.outcomes.items()}


@pytest.fixture
def mixed(pabal: Pabal, tmp_path: Path) -> Path:
    """A run in which something of everything happened."""
    broken = price(test="throw new Error('보기')")
    gone = rewritten(balance(), url="http://127.0.0.1:9/uapi/domestic-stock/v1/trading/inquire-balance")
    revoke = token("revoke", path="/oauth2/revokeP")
    foreign = rewritten(price("elsewhere"), url="http://127.0.0.1:9/x")
    with Simulator(limits=False) as simulator:
        items = [token(), price(), broken, order(body={"CANO": "x"}), order(prefix="PROD"), gone, revoke, foreign, balance()]
        return report(pabal, tmp_path / "mixed.json", *items, simulator=simulator)


def test_every_outcome_has_its_word_and_the_gravest_counts(mixed: Path) -> None:
    assert outcomes(mixed) == {
        ("접근토큰발급", "V"): Outcome("passed"),
        ("접근토큰폐기", "V"): Outcome("skipped", "it revokes the token that the requests after it need; run it by name or with --allow-revoke"),
        ("주식현재가 시세", "V"): Outcome("error", "보기"),
        ("주식주문(현금)", "V"): Outcome("failed", "OPSQ2001 ERROR INPUT FIELD NOT FOUND [ACNT_PRDT_CD]"),
        ("주식주문(현금)", "J"): Outcome("refused", "TTTC0802U moves money on a real account"),
        ("주식잔고조회", "V"): Outcome("passed"),
    }  # fmt: skip


def test_table_and_json_have_every_row_of_the_guide(mixed: Path) -> None:
    rows = status([mixed])
    lines = as_markdown(rows).splitlines()
    assert lines[0] == "mock (V): 44 APIs, 2 passed, 1 skipped, 1 failed, 1 error, 39 not run"
    assert lines[1] == "real (J): 136 APIs, 1 refused, 135 not run"
    table = [line for line in lines if line.startswith("| ") and not line.startswith("| No.")]
    assert len(table) == 136
    assert len({line.count("|") for line in table}) == 1
    assert "| 5 | 국내주식주문 | 주식주문(현금) | ❌ failed OPSQ2001" in lines[9]
    assert [line.split(" | ")[3] for line in table].count("–") == 136 - 44
    found = as_json(rows)
    assert found["totals"]["J"] == {"offered": 136, "refused": 1, "not run": 135}
    (cash,) = [api for api in found["apis"] if api["name"] == "주식주문(현금)"]
    assert cash["J"] == {"outcome": "refused", "reason": "TTTC0802U moves money on a real account"}
    (credit,) = [api for api in found["apis"] if api["name"] == "주식주문(신용)"]
    assert (credit["V"], credit["J"]) == (None, {"outcome": "not run"})


def test_the_later_report_counts_and_the_earlier_fills_in(pabal: Pabal, mixed: Path, tmp_path: Path) -> None:
    with Simulator(limits=False) as simulator:
        later = report(pabal, tmp_path / "later.json", token(), price(), simulator=simulator)
    for order_ in ((mixed, later), (later, mixed)):
        found = outcomes(*order_)
        assert found["주식현재가 시세", "V"] == Outcome("passed")
        assert found["주식주문(현금)", "V"].word == "failed"


def test_both_shipped_collections_cover_the_guide(pabal: Pabal, tmp_path: Path) -> None:
    root = Path(__file__).parent.parent
    for kind in ("mock", "real"):
        collection = str(root / "collections" / f"kis-{kind}.postman_collection.json")
        environment = str(root / "environments" / f"kis-{kind}.postman_environment.json")
        words = ["run", collection, "-e", environment, "--simulate", "--allow-real-orders", *REPORT, f"{kind}.json"]
        assert pabal(*words).status == 0
    done = pabal("kis", "status", "mock.json", "real.json", "--markdown", "status.md", "--json", "status.json")
    assert (done.status, done.out) == (0, "")
    assert json.loads(Path("status.json").read_text("utf-8"))["totals"] == {
        "V": {"offered": 44, "passed": 44},
        "J": {"offered": 136, "passed": 136},
    }
    assert Path("status.md").read_text("utf-8").count("✅ passed") == 44 + 136


def test_without_reports_nothing_has_run(pabal: Pabal) -> None:
    done = pabal("kis", "status")
    assert done.status == 0
    assert done.out.startswith("mock (V): 44 APIs, 44 not run\nreal (J): 136 APIs, 136 not run\n")
    assert totals(status([])) == {"V": {"offered": 44, "not run": 44}, "J": {"offered": 136, "not run": 136}}


@pytest.mark.parametrize("text", ["", "{}", "[]", "1", '{"run": {}, "environment": {"values": [1]}}', '{"info": {}, "item": []}'])
def test_what_is_no_report_is_named(pabal: Pabal, tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    done = pabal("kis", "status", "x.json")
    assert done.status == 3
    assert "x.json" in done.err
    assert "Traceback" not in done.err
    assert pabal("kis", "status", "missing.json").status == 3


def test_a_table_that_cannot_be_written(pabal: Pabal) -> None:
    assert pabal("kis", "status", "--markdown", "no/such/folder/x.md").status == 2
