"""The simulator's checks, answers and paging. These go straight to a gateway."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.kis.endpoints import Endpoint, endpoints
from runner.kis.simulator import Simulator
from runner.kis.simulator.calls import Answer, Call, digest_of

PRICE = "domestic-stock/v1/quotations/inquire-price"
BALANCE = "domestic-stock/v1/trading/inquire-balance"
ORDER = "domestic-stock/v1/trading/order-cash"
TRANSACTIONS = "overseas-stock/v1/trading/inquire-period-trans"
QUOTE = {"FID_COND_MRKT_DIV_CODE": "J", "FID_INPUT_ISCD": "005930"}
NIGHT = {"JTCE1001U", "JTCE1002U", "STTN1101U", "TTTN1103U", "VTCE1001U", "VTCE1002U"}
HOSTS = {"VTS": "mock", "VTT": "mock", "PROD": "real", "PROT": "real"}
ACCOUNTS = {"VTS": "CANO", "VTT": "CANO_T", "PROD": "CANO_REAL", "PROT": "CANO_REAL_T"}


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Client:
    """One app key's user: a token, and calls in KIS's manner."""

    simulator: Simulator
    prefix: str = "VTS"
    host: str = ""
    token: str = ""
    extra: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.host = self.host or HOSTS[self.prefix]
        self.account = self.simulator.credentials[ACCOUNTS[self.prefix]]
        self.pair = {
            "appkey": self.simulator.credentials[f"{self.prefix}_APPKEY"],
            "appsecret": self.simulator.credentials[f"{self.prefix}_APPSECRET"],
        }

    def oauth(self, name: str, **body: Any) -> Answer:
        call = Call(method="POST", path=f"/oauth2/{name}", body=json.dumps(body).encode())
        return self.simulator.gateways[self.host].handle(call)

    def issue(self) -> Answer:
        answer = self.oauth("tokenP", grant_type="client_credentials", **self.pair)
        self.token = answer.body.get("access_token", self.token)
        return answer

    def headers(self, tr: str) -> dict[str, str]:
        basic = {"content-type": "application/json; charset=utf-8", "authorization": f"Bearer {self.token}", "tr_id": tr}
        return {**basic, **self.pair, **self.extra}

    def get(self, path: str, tr: str, query: dict[str, str], **headers: str) -> Answer:
        call = Call(method="GET", path=f"/uapi/{path}", headers={**self.headers(tr), **headers}, query=query)
        return self.simulator.gateways[self.host].handle(call)

    def post(self, path: str, tr: str, body: dict[str, Any] | bytes, **headers: str) -> Answer:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        call = Call(method="POST", path=f"/uapi/{path}", headers={**self.headers(tr), **headers}, body=data)
        return self.simulator.gateways[self.host].handle(call)

    def quote(self, **headers: str) -> Answer:
        return self.get(PRICE, "FHKST01010100", QUOTE, **headers)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def client(clock: Clock) -> Client:
    client = Client(Simulator(limits=False, clock=clock))
    client.issue()
    return client


def other(client: Client, prefix: str, host: str = "") -> Client:
    made = Client(client.simulator, prefix, host)
    assert made.issue().status == 200
    return made


def balance_query(client: Client, **changed: str) -> dict[str, str]:
    query = dict.fromkeys(endpoints()[BALANCE].required["VTTC8434R"], "")
    return {**query, "CANO": client.account, "ACNT_PRDT_CD": "01", **changed}


def order_body(client: Client, **changed: str) -> dict[str, str]:
    body = {"CANO": client.account, "ACNT_PRDT_CD": "01", "PDNO": "005930", "ORD_DVSN": "00", "ORD_QTY": "1"}
    return {**body, "ORD_UNPR": "55000", **changed}


def code(answer: Answer) -> str:
    return str(answer.body.get("msg_cd", answer.body.get("error_code")))


# Tokens


def test_token_answer_has_kis_shape(client: Client, clock: Clock) -> None:
    clock.now += 60
    body = client.issue().body

    assert list(body) == ["access_token", "access_token_token_expired", "token_type", "expires_in"]
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 86400 - 60)
    assert body["access_token_token_expired"] == "2027-01-16 17:00:00"


def test_second_token_within_a_minute_is_refused(client: Client, clock: Clock) -> None:
    clock.now += 59
    answer = client.issue()

    assert answer.status == 403
    assert answer.body == {
        "error_description": "접근토큰 발급 잠시 후 다시 시도하세요(1분당 1회)",
        "error_code": "EGW00133",
    }
    clock.now += 1
    assert client.issue().status == 200


def test_token_rate_is_counted_per_app_key_and_can_be_off(client: Client) -> None:
    assert other(client, "VTT").token != client.token
    lenient = Client(Simulator(strict_token_rate=False))
    assert [lenient.issue().status for _ in range(2)] == [200, 200]


@pytest.mark.parametrize(("hours", "same"), [(5.9, True), (6.1, False)])
def test_token_stays_the_same_for_six_hours(client: Client, clock: Clock, hours: float, same: bool) -> None:
    first = client.token
    clock.now += hours * 3600
    client.issue()

    assert (client.token == first) is same
    assert client.quote().status == 200


def test_token_expires_after_a_day(client: Client, clock: Clock) -> None:
    clock.now += 86400
    answer = client.quote()

    assert answer.status == 500
    assert answer.body == {"rt_cd": "1", "msg_cd": "EGW00123", "msg1": "기간이 만료된 token 입니다."}


def test_revoked_token_is_dead_and_a_new_one_is_issued(client: Client, clock: Clock) -> None:
    old = client.token
    revoked = client.oauth("revokeP", token=old, **client.pair)

    assert revoked.body == {"code": 200, "message": "접근토큰 폐기에 성공하였습니다"}
    assert code(client.quote()) == "EGW00121"
    clock.now += 60
    client.issue()
    assert client.token != old
    assert client.quote().status == 200


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"appkey": ""}, "EGW00102"),
        ({"appkey": "wrong"}, "EGW00103"),
        ({"appsecret": ""}, "EGW00104"),
        ({"appsecret": "wrong"}, "EGW00105"),
        ({"grant_type": ""}, "EGW00115"),
        ({"grant_type": "password"}, "EGW00116"),
    ],
)
def test_token_request_with_a_fault(clock: Clock, changed: dict[str, str], expected: str) -> None:
    client = Client(Simulator(clock=clock))
    answer = client.oauth("tokenP", **{"grant_type": "client_credentials", **client.pair, **changed})

    assert (answer.status, answer.body["error_code"]) == (403, expected)
    assert client.issue().status == 200


def test_approval_key_wants_secretkey(client: Client) -> None:
    pair = {"grant_type": "client_credentials", "appkey": client.pair["appkey"]}

    assert code(client.oauth("Approval", **pair, appsecret=client.pair["appsecret"])) == "EGW00104"
    assert len(client.oauth("Approval", **pair, secretkey=client.pair["appsecret"]).body["approval_key"]) == 36


def test_oauth_body_that_is_no_json_object(client: Client) -> None:
    answer = client.simulator.gateways["mock"].handle(Call(method="POST", path="/oauth2/tokenP", body=b"[]"))
    assert (answer.status, code(answer)) == (403, "EGW00101")


def test_oauth_paths_and_methods_that_do_not_exist(client: Client) -> None:
    got = client.simulator.gateways["mock"].handle(Call(method="GET", path="/oauth2/tokenP"))
    assert [code(got), code(client.oauth("nothing"))] == ["EGW00101", "EGW00203"]


def test_only_the_own_token_can_be_revoked(client: Client) -> None:
    foreign = other(client, "VTT")
    refused = [client.oauth("revokeP", token=token, **client.pair) for token in ("made-up", foreign.token)]

    assert [code(answer) for answer in refused] == ["EGW00121"] * 2
    assert foreign.get(PRICE, "FHKST01010100", QUOTE).status == 200


# Checks


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"content-type": "text/plain"}, "EGW00132"),
        ({"content-type": ""}, "EGW00132"),
        ({"appkey": ""}, "EGW00102"),
        ({"appkey": "wrong"}, "EGW00103"),
        ({"appsecret": ""}, "EGW00104"),
        ({"appsecret": "wrong"}, "EGW00105"),
        ({"authorization": ""}, "EGW00122"),
        ({"authorization": "Bearer "}, "EGW00122"),
        ({"authorization": "Bearer made-up"}, "EGW00121"),
        ({"tr_id": ""}, "OPSQ9999"),
        ({"tr_id": "FHKST99999999"}, "OPSQ0002"),
        ({"tr_id": "VTTC8434R"}, "OPSQ0002"),
        ({"custtype": "X"}, "EGW00208"),
        ({"custtype": "P"}, "MCA00000"),
        ({"tr_id": " FHKST01010100 ", "appkey": " simulated-appkey-vts"}, "MCA00000"),
    ],
)
def test_header_checks(client: Client, headers: dict[str, str], expected: str) -> None:
    assert code(client.quote(**headers)) == expected


def test_token_of_another_key_is_invalid(client: Client) -> None:
    client.token = other(client, "VTT").token
    assert code(client.quote()) == "EGW00121"


def test_mock_key_and_mock_tr_do_not_work_on_the_real_host(client: Client) -> None:
    real = other(client, "PROD")

    assert code(other(client, "VTS", host="real").quote()) == "EGW02004"
    assert code(real.post(ORDER, "VTTC0802U", order_body(real))) == "EGW02004"


def test_real_key_and_real_tr_do_not_work_on_the_mock_host(client: Client) -> None:
    assert code(other(client, "PROD", host="mock").quote()) == "EGW02007"
    answer = client.post(ORDER, "TTTC0802U", order_body(client))
    assert answer.status == 500
    assert answer.body["msg1"] == "모의투자 TR 이 아닙니다."


def test_quote_that_mock_does_not_offer(client: Client) -> None:
    query = dict.fromkeys(endpoints()["domestic-stock/v1/quotations/chk-holiday"].required["CTCA0903R"], "")
    assert code(client.get("domestic-stock/v1/quotations/chk-holiday", "CTCA0903R", query)) == "EGW02006"


def test_account_must_fit_the_key(client: Client) -> None:
    foreign = client.simulator.credentials["CANO_T"]

    query = client.get(BALANCE, "VTTC8434R", balance_query(client, CANO=foreign))
    body = client.post(ORDER, "VTTC0802U", order_body(client, CANO="12345678"))

    assert [code(query), code(body)] == ["OPSQ2000", "OPSQ2000"]
    assert query.body["msg1"] == "ERROR : INPUT INVALID_CHECK_ACNO"


def test_missing_query_key_is_named_and_an_empty_one_is_fine(client: Client) -> None:
    query = balance_query(client)
    del query["OFL_YN"]
    answer = client.get(BALANCE, "VTTC8434R", query)

    assert answer.status == 200
    assert answer.body == {"rt_cd": "2", "msg_cd": "OPSQ2001", "msg1": "ERROR INPUT FIELD NOT FOUND [OFL_YN]"}
    assert code(client.get(BALANCE, "VTTC8434R", balance_query(client))) == "KIOK0510"


def test_body_keys_must_be_upper_case(client: Client) -> None:
    lower = {key.lower(): value for key, value in order_body(client).items()}
    assert client.post(ORDER, "VTTC0802U", lower).body["msg1"] == "ERROR INPUT FIELD NOT FOUND [CANO]"


def test_order_body_that_is_no_json(client: Client) -> None:
    assert code(client.post(ORDER, "VTTC0802U", b'{"CANO": ')) == "OPSQ9995"


@pytest.mark.parametrize("path", ["domestic-stock/v1/quotations/nothing", ORDER])
def test_unknown_path_or_method(client: Client, path: str) -> None:
    answer = client.get(path, "VTTC0802U", {})
    assert (answer.status, code(answer)) == (404, "EGW00203")


def test_hashkey_covers_the_very_bytes(client: Client) -> None:
    body = json.dumps(order_body(client), indent="\t").replace("\n", "\r\n").encode()
    answer = client.post("hashkey", "", body)

    assert answer.body == {"BODY": order_body(client), "HASH": digest_of(body)}
    assert code(client.post(ORDER, "VTTC0802U", body, hashkey=answer.body["HASH"])) == "APBK0013"
    reformatted = json.dumps(json.loads(body)).encode()
    assert code(client.post(ORDER, "VTTC0802U", reformatted, hashkey=answer.body["HASH"])) == "EGW00131"
    assert code(client.post(ORDER, "VTTC0802U", body, hashkey="")) == "EGW00131"


@pytest.mark.parametrize(("prefix", "rate"), [("VTS", 2), ("PROD", 20)])
def test_calls_a_second_are_limited_per_app_key(clock: Clock, prefix: str, rate: int) -> None:
    client = Client(Simulator(clock=clock), prefix)
    client.issue()
    answers = [client.quote() for _ in range(rate + 1)]

    assert [answer.status for answer in answers] == [200] * rate + [500]
    assert answers[-1].body == {"rt_cd": "1", "msg_cd": "EGW00201", "msg1": "초당 거래건수를 초과하였습니다."}
    clock.now += 1
    assert client.quote().status == 200


def test_a_hashkey_call_counts(clock: Clock) -> None:
    client = Client(Simulator(clock=clock))
    client.issue()
    answers = [client.post("hashkey", "", b"{}"), client.quote(), client.quote()]
    assert [answer.status for answer in answers] == [200, 200, 500]


# Answers


def test_answer_headers(client: Client) -> None:
    first, second = client.quote(), client.quote()

    assert first.headers["tr_id"] == "FHKST01010100"
    assert first.headers["tr_cont"] == "D"
    assert first.headers["gt_uid"] != second.headers["gt_uid"]


def test_values_depend_on_the_seed_alone(clock: Clock) -> None:
    def price_of(seed: int) -> Any:
        client = Client(Simulator(limits=False, clock=clock, seed=seed))
        client.issue()
        return client.quote().body["output"]

    assert price_of(1) == price_of(1)
    assert price_of(1) != price_of(2)
    assert price_of(2)["stck_prpr"] == "70000"
    assert price_of(2)["stck_shrn_iscd"] == "005930"


def test_rows_lie_in_the_asked_range_on_business_days(client: Client) -> None:
    path = "domestic-stock/v1/quotations/inquire-daily-itemchartprice"
    query = dict.fromkeys(endpoints()[path].required["FHKST03010100"], "")
    query |= {**QUOTE, "FID_INPUT_DATE_1": "20220101", "FID_INPUT_DATE_2": "20220809"}
    rows = client.get(path, "FHKST03010100", query).body["output2"]

    days = [row["stck_bsop_date"] for row in rows]
    assert len(days) == 100
    assert days[:3] == ["20220809", "20220808", "20220805"]
    assert days == sorted(set(days), reverse=True)


def some_call(client: Client, endpoint: Endpoint, tr: str) -> Answer:
    known = endpoint.required.get(tr) or next(iter(endpoint.required.values()), ())
    fields = {name.upper(): "20260115" if re.search("(_DT|_DAY)$", name) else "1" for name in known} | {"ACNT_PRDT_CD": "01"}
    fields |= {"FID_COND_MRKT_DIV_CODE": "J"} if "FID_COND_MRKT_DIV_CODE" in fields else {}
    fields |= {"CANO": client.account} if "/trading/" in endpoint.path else {}
    if endpoint.method == "GET":
        return client.get(endpoint.path, tr, fields)
    return client.post(endpoint.path, tr, fields)


def test_every_endpoint_answers_every_tr_with_its_fields(client: Client) -> None:
    hosts = {"mock": client, "real": other(client, "PROD")}
    refused = set()
    for endpoint in endpoints().values():
        for tr, takes in endpoint.trs.items():
            client.simulator.session = "night" if tr in NIGHT else "open"
            for host in hosts if takes == "both" else [takes] if takes in hosts else []:
                answer = some_call(hosts[host], endpoint, tr)
                assert answer.status == 200, (endpoint.path, tr, answer.body)
                if answer.body["rt_cd"] != "0":
                    refused.add((endpoint.method, answer.body["msg_cd"]))
                    continue
                for output in endpoint.outputs:
                    value = answer.body[output.name]
                    assert isinstance(value, list if output.shape == "array" else dict)
                    for row in value if isinstance(value, list) else [value]:
                        assert tuple(row) in (output.fields, ())
                        assert all(isinstance(cell, str) for cell in row.values())
    # Changes of an order that does not exist, and sales of what is not held.
    assert refused == {("POST", "40320000"), ("POST", "APBK0400")}


# Paging


def page_query(client: Client) -> dict[str, str]:
    query = dict.fromkeys(endpoints()[TRANSACTIONS].required["CTOS4001R"], "")
    return {**query, "CANO": client.account, "ERLM_STRT_DT": "20240101", "ERLM_END_DT": "20240625"}


def test_paging_walks_to_the_end(client: Client) -> None:
    real = other(client, "PROD")
    query = page_query(real)
    marks, rows = [], []
    answer = real.get(TRANSACTIONS, "CTOS4001R", query)
    while True:
        marks.append(answer.headers["tr_cont"])
        rows += answer.body["output1"]
        context = {key: answer.body[key] for key in ("ctx_area_fk100", "ctx_area_nk100")}
        assert [len(value) for value in context.values()] == [100, 100]
        if marks[-1] not in ("F", "M"):
            break
        query |= {key.upper(): value for key, value in context.items()}
        answer = real.get(TRANSACTIONS, "CTOS4001R", query, tr_cont="N")

    assert marks == ["F", "M", "E"]
    assert len(rows) == 25
    assert len({json.dumps(row) for row in rows}) == 25
    assert context["ctx_area_nk100"].strip() == ""


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda query: query | {"CTX_AREA_NK100": query["CTX_AREA_NK100"].strip()}, "CTX_AREA_NK100"),
        (lambda query: query | {"CTX_AREA_FK100": query["CTX_AREA_FK100"].strip()}, "CTX_AREA_FK100"),
        (lambda query: query | {"CTX_AREA_NK100": ""}, "CTX_AREA_NK100"),
        (lambda query: query | {"ERLM_STRT_DT": "20230101"}, "CTX_AREA_FK100"),
    ],
)
def test_context_must_come_back_untrimmed(client: Client, spoil: Any, named: str) -> None:
    real = other(client, "PROD")
    body = real.get(TRANSACTIONS, "CTOS4001R", page_query(real)).body
    query = page_query(real) | {key.upper(): value for key, value in body.items() if key.startswith("ctx")}

    answer = real.get(TRANSACTIONS, "CTOS4001R", spoil(query), tr_cont="N")
    assert (code(answer), named in answer.body["msg1"]) == ("OPSQ2002", True)
    assert real.get(TRANSACTIONS, "CTOS4001R", query, tr_cont="N").headers["tr_cont"] == "M"


@settings(max_examples=40, deadline=None)
@given(count=st.integers(0, 50))
def test_paging_over_the_order_book(count: int) -> None:
    client = Client(Simulator(limits=False, clock=Clock()))
    client.issue()
    for _ in range(count):
        assert code(client.post(ORDER, "VTTC0802U", order_body(client, ORD_UNPR="100"))) == "APBK0013"
    path = "domestic-stock/v1/trading/inquire-daily-ccld"
    query = dict.fromkeys(endpoints()[path].required["VTSC9115R"], "") | {"CANO": client.account}
    answer = client.get(path, "VTTC8001R", query)
    numbers = [row["odno"] for row in answer.body["output1"]]
    while answer.headers["tr_cont"] in ("F", "M"):
        query |= {key.upper(): answer.body[key] for key in ("ctx_area_fk100", "ctx_area_nk100")}
        answer = client.get(path, "VTTC8001R", query, tr_cont="N")
        numbers += [row["odno"] for row in answer.body["output1"]]

    assert numbers == [f"{5_000_001 + n:010d}" for n in reversed(range(count))]


# Settings


def test_variables_name_both_hosts_and_every_credential() -> None:
    with Simulator(credentials={"VTS_APPKEY": "mine", "CANO": "60000045", "VTT_APPKEY": "", "UNKNOWN": "x"}) as simulator:
        variables = simulator.variables

    assert (variables["VTS"], variables["PROD"]) != (variables["PROD"], variables["VTS"])
    assert (variables["VTS_APPKEY"], variables["CANO"], variables["VTT_APPKEY"]) == ("mine", "60000045", "simulated-appkey-vtt")
    assert {len(variables[name]) for name in ACCOUNTS.values()} == {8}
    assert "UNKNOWN" not in variables


def test_one_key_for_stocks_and_futures_may_use_both_accounts(clock: Clock) -> None:
    shared = {"VTS_APPKEY": "one", "VTT_APPKEY": "one", "VTS_APPSECRET": "s", "VTT_APPSECRET": "s"}
    client = Client(Simulator(limits=False, clock=clock, credentials=shared))
    client.issue()
    accounts = [client.simulator.credentials[name] for name in ("CANO", "CANO_T", "CANO_REAL")]

    codes = [code(client.get(BALANCE, "VTTC8434R", balance_query(client, CANO=account))) for account in accounts]
    assert codes == ["KIOK0510", "KIOK0510", "OPSQ2000"]


def test_moved_price_shows_in_quotes(client: Client) -> None:
    client.simulator.move("005930", Decimal(12345))
    assert client.quote().body["output"]["stck_prpr"] == "12345"
