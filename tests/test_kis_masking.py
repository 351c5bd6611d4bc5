"""No account number, key, secret or token is in any report, log or error of a full run."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from runner.kis.simulator import Simulator
from runner.kis.simulator.keys import ACCOUNT_OF
from tests.conftest import Done, Pabal

ROOT = Path(__file__).parent.parent
ACCOUNTS = {"CANO": "73518264", "CANO_T": "73518265", "CANO_REAL": "81629375", "CANO_REAL_T": "81629376"}
REPORTS = ("-r", "cli,json,junit", "--reporter-json-export", "report.json", "--reporter-junit-export", "report.xml", "--verbose")


def credentials() -> dict[str, str]:
    """Values shaped like the broker's: an app key of 36 characters, a secret of 180 with `+`, `/` and `=`."""
    keys = {f"{prefix}_APPKEY": f"PS{secrets.token_hex(17)}" for prefix in ACCOUNT_OF}
    return {**ACCOUNTS, **keys, **{f"{prefix}_APPSECRET": f"{secrets.token_urlsafe(130)}+/a/b+c=" for prefix in ACCOUNT_OF}}


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(limits=False, strict_token_rate=False, credentials=credentials()) as started:
        yield started


def known(simulator: Simulator) -> list[str]:
    """All that must not be seen: what the user gave, and the tokens and keys that the simulator has given out."""
    given = [value for name, value in simulator.credentials.items() if name != "HTS_ID"]
    oauth = [gateway._oauth for gateway in simulator.gateways.values()]
    tokens = [token for desk in oauth for token in desk._tokens]
    approvals = [desk._approval(key) for desk in oauth for key in desk._ring.values()]
    return [*given, *tokens, *approvals]


def leaks(simulator: Simulator, done: Done, folder: Path) -> dict[str, list[str]]:
    texts = {"out": done.out, "err": done.err}
    texts |= {path.name: path.read_text("utf-8") for path in folder.iterdir() if path.name.startswith("report")}
    spellings = {
        spelling for value in known(simulator) for spelling in (value, json.dumps(value)[1:-1], value.replace("+", "%2B"))
    }
    return {name: found for name, text in texts.items() if (found := [value for value in spellings if value in text])}


def words(simulator: Simulator, kind: str, changes: Mapping[str, str] | None = None) -> list[str]:
    files = (ROOT / folder / f"kis-{kind}.postman_{file}.json" for folder, file in
             (("collections", "collection"), ("environments", "environment")))  # fmt: skip
    collection, environment = map(str, files)
    values = {**simulator.variables, **(changes or {})}
    given = [word for name, value in values.items() for word in ("--env-var", f"{name}={value}")]
    return [
        "run",
        collection,
        "-e",
        environment,
        *given,
        "--rate",
        "10000",
        "--allow-real-orders",
        "--yes",
        "--allow-revoke",
        *REPORTS,
    ]


@pytest.mark.parametrize("kind", ["mock", "real"])
def test_a_full_run(pabal: Pabal, simulator: Simulator, kind: str, tmp_path: Path) -> None:
    done = pabal(*words(simulator, kind))
    assert done.status == 0, done.err + done.out[-3000:]
    assert len([path for path in tmp_path.iterdir() if path.name.startswith("report")]) == 2
    assert leaks(simulator, done, tmp_path) == {}
    assert len([value for value in known(simulator) if value.startswith("eyJ")]) >= 1
    shown = json.loads((tmp_path / "report.json").read_text())
    assert len(shown["run"]["executions"]) > 40
    account = "73****64" if kind == "mock" else "81****75"
    assert account in done.out and account in (tmp_path / "report.json").read_text()


FAULTS = ("EGW00123@2", "EGW00201@4", "drop@6", "lose@8", "EGW00302@10", "OPSQ2000@12")


def test_a_run_that_goes_wrong(pabal: Pabal, simulator: Simulator, tmp_path: Path) -> None:
    assert pabal(*words(simulator, "mock"), "--folder", "V_접근토큰발급").status == 0
    for fault in FAULTS:
        simulator.faults.arm(fault)
    logging = tmp_path / "logging.json"
    source = json.loads((ROOT / "collections" / "kis-mock.postman_collection.json").read_text())
    code = (
        "console.log(pm.request.headers, pm.request.body, pm.environment.toObject(), responseBody); throw new Error(responseBody)"
    )
    source["event"] = [{"listen": "test", "script": {"exec": [code]}}]
    logging.write_text(json.dumps(source))
    command = words(simulator, "mock", {"VTS_TOKEN": f"eyJ.{secrets.token_hex(40)}"})
    command[1] = str(logging)
    done = pabal(*command)
    assert done.status in (1, 4)
    assert "cached" in done.out
    assert leaks(simulator, done, tmp_path) == {}


@pytest.mark.parametrize("change", [
    {"VTS_APPSECRET": "wrong-secret-of-the-user-0123456789"}, {"VTS_APPKEY": "PSwrong0123456789wrong0123456789abcd"},
    {"CANO": "99999999"}, {"CANO": "735182641"}, {"VTS": "http://127.0.0.1:9"}, {"VTS_APPKEY": "{{PROD_APPKEY}}"},
])  # fmt: skip
def test_values_that_are_wrong(pabal: Pabal, simulator: Simulator, change: Mapping[str, str], tmp_path: Path) -> None:
    done = pabal(
        *words(simulator, "mock", change),
        "--folder",
        "V_접근토큰발급",
        "--folder",
        "V_주식잔고조회",
        "--folder",
        "V_주식주문(현금)",
    )
    assert done.status in (1, 4, 6), done.err
    assert leaks(simulator, done, tmp_path) == {}
    for value in change.values():
        assert "127.0.0.1" in value or "{{" in value or value not in done.out + (tmp_path / "report.json").read_text()


def test_the_variables_are_shown_masked(pabal: Pabal, simulator: Simulator, tmp_path: Path) -> None:
    command = words(simulator, "mock")
    done = pabal("vars", *command[1 : command.index("--rate")])
    assert "73****64" in done.out
    assert leaks(simulator, done, tmp_path) == {}
