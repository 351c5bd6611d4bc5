"""A refusal of the broker fails the run, in its own words and with advice in Korean and English."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

from runner.kis.codes import explained
from runner.kis.simulator import Simulator
from tests.conftest import Pabal
from tests.kis_runs import failures, notes, order, price, run, token

CODES = json.loads(files("runner.kis").joinpath("data", "codes.json").read_text("utf-8"))["codes"]
GATEWAY = """00001 00002 00003 00004 00101 00102 00103 00104 00105 00112 00115 00116 00121 00122 00123 00131 00132 00133
    00201 00202 00203 00204 00206 00207 00208 00209 00210 00213 00215 00300 00301 00302 00303 00304 02004 02006 02007"""
LEDGER = "OPSQ0002 OPSQ2000 OPSQ2001 OPSQ2002 OPSQ9995 OPSQ9996 OPSQ9997 OPSQ9998 OPSQ9999 APBK0918 APBK0919 APBK1234"


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(limits=False) as started:
        yield started


@pytest.mark.parametrize("code", [*(f"EGW{number}" for number in GATEWAY.split()), *LEDGER.split(), "40570000", "90000000"])
def test_every_published_code_is_explained(code: str) -> None:
    korean, english = explained(code).split("\n")
    assert re.search("[가-힣]", korean)
    assert english.isascii() or "…" in english
    assert all(line.count(". ") >= 1 and line.endswith(".") for line in (korean, english))


def test_each_explanation_is_one_line_with_advice() -> None:
    for code, languages in CODES.items():
        assert set(languages) == {"ko", "en"}, code
        assert all(len(parts) == 2 and all(parts) and "\n" not in "".join(parts) for parts in languages.values()), code


def test_an_unknown_code_is_not_explained() -> None:
    assert explained("XYZ00000") == explained("") == ""


def test_a_refusal_with_status_200_fails_the_run(simulator: Simulator) -> None:
    happened = run(simulator, token(), order(body={"CANO": "x", "ACNT_PRDT_CD": "01"}), price())
    assert failures(happened) == ["OPSQ2001 ERROR INPUT FIELD NOT FOUND [PDNO]"]
    assert notes(happened) == ["account: CANO ← CANO (50****01)"]


def test_without_the_checks_it_is_a_line_of_the_report(simulator: Simulator) -> None:
    happened = run(simulator, token(), order(body={"CANO": "x", "ACNT_PRDT_CD": "01"}), no_kis_checks=True)
    assert failures(happened) == []
    assert notes(happened)[-1] == "KIS: OPSQ2001 ERROR INPUT FIELD NOT FOUND [PDNO]"


@pytest.mark.parametrize(("option", "status"), [((), 1), (("--no-kis-checks",), 0), (("--no-kis",), 0)])
def test_the_exit_status_and_the_advice(
    pabal: Pabal, tmp_path: Path, simulator: Simulator, option: tuple[str, ...], status: int
) -> None:
    path = tmp_path / "c.json"
    path.write_text(json.dumps({"info": {"name": "kis"}, "item": [price(), price("again")]}))
    values = {**simulator.variables, "VTS_TOKEN": ""}
    words = [word for name, value in values.items() for word in ("--env-var", f"{name}={value}")]
    done = pabal("run", str(path), *words, *option)
    assert done.status == status, done.err
    assert done.out.count("토큰발급 요청을 먼저 실행하고") == (2 if status else 0)
    assert done.out.count("Run the token request first") == (2 if status else 0)
    assert ("EGW00122" in done.out) is ("--no-kis" not in option)
