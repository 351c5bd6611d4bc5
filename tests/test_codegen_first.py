"""What a script sends first, and what an extension does to a request: both are in the code as they are in a run."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruff import find_ruff_bin

from runner import Options
from runner.codegen.checking import Checker
from runner.codegen.registry import File
from runner.generate import CodeOptions, generate
from runner.load import collection_from_json
from tests.test_codegen import BASE, code_of, item, raw

ROOT = Path(__file__).parents[1]
KIS = ROOT / "collections" / "kis-mock.postman_collection.json"
SIGN = f"""
pm.sendRequest({{
    url: '{BASE}/sign', method: 'POST', header: {{'X-Key': pm.environment.get('API_KEY'), 'Content-Type': 'application/json'}},
    body: {{mode: 'raw', raw: pm.request.body.raw}}
}}, (error, answer) => pm.environment.set('SIGNATURE', answer.json().signature));
"""


def scripted(code: str, **request: Any) -> dict[str, Any]:
    header = [{"key": "Content-Type", "value": "application/json"}, {"key": "Signature", "value": "{{SIGNATURE}}"}]
    made = item("order", method="POST", header=header, body=raw('{"quantity": 1}'), **request)
    return made | {"event": [{"listen": "prerequest", "script": {"exec": code.splitlines()}}]}


def checked(file: File) -> tuple[str, tuple[str, ...]]:
    with Checker(Path()) as checker:
        verdict = checker.check(file)
    return verdict.kind, verdict.reasons


def test_a_request_that_a_script_sends_first_is_in_the_code() -> None:
    (file,) = code_of(scripted(SIGN), target="http.client")
    assert 'api_key = os.environ["API_KEY"]' in file.text
    assert 'signature = json.loads(answer)["signature"]' in file.text
    assert '("Signature", signature),' in file.text
    assert "def order() -> str:" in file.text
    assert file.text.count("payload = ") == 1  # both send the very same body
    assert checked(file) == ("exact", ())


@pytest.mark.parametrize("target", ["requests", "httpx", "aiohttp", "http.client", "urllib3"])
def test_an_answer_that_only_a_disabled_header_would_need_is_not_kept(target: str) -> None:
    made = scripted(SIGN)
    made["request"]["header"][1]["disabled"] = True
    (file,) = code_of(made, target=target)
    assert "# A script of the collection sends this first." in file.text
    assert "answer = " not in file.text and "signature = " not in file.text
    assert checked(file)[0] in ("exact", "semantic")  # JSON is written in the library's way


def test_code_that_leaves_the_first_request_out_is_caught() -> None:
    (file,) = code_of(scripted(SIGN))
    broken = File(path=file.path, text="import requests\nrequests.get('http://api.test/')", description=file.description)
    kind, reasons = checked(broken)
    assert kind == "differs"
    assert "it does not send what a script sends first" in reasons


@pytest.mark.parametrize("code", [SIGN.replace("'SIGNATURE'", "'OTHER'"), "pm.environment.set('SIGNATURE', Date.now())"])
def test_what_a_script_does_besides_is_told(code: str) -> None:
    (file,) = code_of(scripted(code))
    assert "def order(*, signature: str)" in file.text
    assert [entry.code for entry in file.diagnostics] == ["script"]


@pytest.mark.parametrize(
    ("asks", "url"),
    [
        ("pm.environment.get('SIGN_URL') + '/sign'", 'url = f"{sign_url}/sign"'),
        ("'https://' + pm.globals.get('SIGN_URL') + '/sign'", 'url = f"https://{sign_url}/sign"'),
        ("environment.SIGN_URL + '/sign'", 'url = f"{sign_url}/sign"'),
    ],
)
def test_a_url_that_a_script_puts_together_from_a_variable_without_a_value_is_a_parameter(asks: str, url: str) -> None:
    (file,) = code_of(scripted(SIGN.replace(f"'{BASE}/sign'", asks)))
    assert "def order(*, sign_url: str)" in file.text
    assert url in file.text
    assert file.diagnostics == ()


def test_a_url_that_stays_without_a_value_is_told() -> None:
    (file,) = code_of(scripted(SIGN.replace(f"'{BASE}/sign'", "undefined + '/sign'")))
    assert [entry.code for entry in file.diagnostics] == ["unresolved"]


def test_variables_in_the_url_of_a_script_stay_variables() -> None:
    code = SIGN.replace(f"'{BASE}/sign'", "pm.environment.get('base') + '/sign'")
    (file,) = code_of(scripted(code), env={"base": "https://sign.test:8443/v1"}, variables="env")
    assert 'base = os.environ.get("base", "https://sign.test:8443/v1")' in file.text
    assert 'url = f"{base}/sign"' in file.text
    assert checked(file)[0] == "exact"


def kis_code(environment: str, name: str, **options: Any) -> str:
    path = ROOT / "environments" / f"{environment}.postman_environment.json"
    (file,) = generate(KIS, Options(environment=path, **options), CodeOptions(requests=(name,)))
    return file.text


def test_an_account_comes_in_as_in_a_run() -> None:
    code = kis_code("kis-mock", "V_주식주문(현금)")
    assert 'cano = os.environ["CANO"]' in code
    assert '"CANO": cano,' in code
    assert 'vts_hash = response.json()["HASH"]' in code
    assert "sys.exit" not in code


def test_the_two_sets_of_credentials_stay_two() -> None:
    code = kis_code("kis-mock", "V_선물옵션 주문")
    assert 'cano_t = os.environ["CANO_T"]' in code
    assert 'vtt_appkey = os.environ["VTT_APPKEY"]' in code
    assert "VTS_APPKEY" not in code


def test_what_a_guard_holds_back_is_not_sent_by_just_running_the_code() -> None:
    collection = collection_from_json(
        {
            "info": {"name": "real"},
            "item": [
                item(
                    "order",
                    "{{PROD}}/uapi/domestic-stock/v1/trading/order-cash",
                    "POST",
                    header=[{"key": "appkey", "value": "{{PROD_APPKEY}}"}, {"key": "tr_id", "value": "TTTC0012U"}],
                    body=raw('{"CANO": "{{CANO_REAL}}"}', "json"),
                )
            ],
        }
    )
    variables = {"PROD": "https://openapi.koreainvestment.com:9443"}
    (held,) = generate(collection, Options(env_vars=variables))
    assert 'if sys.argv[1:] != ["--send"]:' in held.text
    assert "moves money on a real account" in held.text
    (allowed,) = generate(collection, Options(env_vars=variables, extras={"allow_real_orders": True}))
    assert "sys.argv" not in allowed.text


@pytest.mark.parametrize(("variables", "held"), [("secrets", False), ("env", True), ("args", True), ("inline", False)])
def test_an_order_for_whatever_host_a_variable_names_needs_to_be_wanted(variables: Any, held: bool) -> None:
    path = ROOT / "environments" / "kis-mock.postman_environment.json"
    code = CodeOptions(requests=("V_주식주문(현금)",), variables=variables)
    (file,) = generate(KIS, Options(environment=path), code)
    assert ('if sys.argv[1:] != ["--send"]:' in file.text) is held
    assert ("its host is a variable" in file.text) is held


@pytest.mark.parametrize("style", ["function", "pytest"])
def test_modules_and_tests_hold_orders_back(style: Any) -> None:
    path = ROOT / "environments" / "kis-mock.postman_environment.json"
    code = CodeOptions(requests=("V_주식주문(현금)", "V_주식현재가 시세"), style=style, one_file=True)
    (file,) = generate(KIS, Options(environment=path), code)
    held = 'os.environ.get("PABAL_ALLOW_ORDERS") != "1"'
    quote, order = (part.text for part in file.parts)
    assert (held in order, held in quote) == (True, False)
    (real,) = generate(
        KIS, Options(environment=path), CodeOptions(requests=code.requests, style=style, one_file=True, variables="env")
    )
    assert "not real_orders_allowed()" in real.parts[1].text
    for command in (["format", "--check"], ["check"]):
        ruff = [find_ruff_bin(), *command, "--isolated", "--no-cache", "-"]
        assert subprocess.run(ruff, input=real.text, capture_output=True, text=True).returncode == 0


def test_a_test_of_an_order_is_skipped(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PABAL_ALLOW_ORDERS", raising=False)
    path = ROOT / "environments" / "kis-mock.postman_environment.json"
    (file,) = generate(KIS, Options(environment=path), CodeOptions(requests=("V_주식주문(현금)",), style="pytest"))
    pytester.makepyfile(file.text)
    pytester.runpytest_inprocess("-p", "no:cacheprovider").assert_outcomes(skipped=1)
