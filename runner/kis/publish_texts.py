"""What the shipped collections say of themselves, in Korean, and what `pabal init kis` says of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from runner.kis.catalogue import Api, Sample, meanings

_HOW = (
    "OAuth인증 → 시세 → 계좌 → 주문 → 접근토큰폐기 순서입니다."
    " 주식은 {stock}, 선물옵션은 {futures}로 시작하는 앱키와 토큰을 씁니다."
    " 환경 파일의 빈 값을 채우거나, 같은 이름을 .env 파일에 적으세요."
    " POST 본문의 계좌번호는 변수라서 따로 고칠 것이 없고, 주문 본문의 해쉬키는 pre-request 스크립트가 받습니다."
    " 주문은 하한가나 현재가의 절반처럼 체결되지 않을 값으로 내고, 정정한 뒤 취소합니다."
    " FUTURES_CODE와 OVERSEAS_FUTURES_CODE는 컬렉션 변수입니다. 만기가 지나면 거래되는 종목으로 바꾸세요."
)

COLLECTIONS: Mapping[str, tuple[str, str]] = {
    "V": (
        "한국투자증권 모의투자",
        "한국투자증권 Open API의 모의투자 API 44개를 모두 부릅니다. 요청은 모두 모의투자 주소 {{VTS}}로 갑니다. "
        + _HOW.format(stock="VTS", futures="VTT"),
    ),
    "J": (
        "한국투자증권 실전투자",
        "한국투자증권 Open API의 실전투자 API 136개를 모두 부릅니다. 요청은 모두 실전투자 주소 {{PROD}}로 가고,"
        " 주문 폴더는 실제 계좌에 주문을 냅니다. " + _HOW.format(stock="PROD", futures="PROT"),
    ),
}

FOLDERS: Mapping[str, str] = {
    "OAuth인증": "접속키, 접근토큰, 해쉬키를 받습니다. 접근토큰은 앱키마다 1분에 한 번만 발급됩니다.",
    "시세": "종목과 지수의 시세입니다. 돈이 움직이지 않습니다.",
    "계좌": "잔고, 주문 내역, 손익을 조회합니다. 돈이 움직이지 않습니다.",
    "주문": "주문을 내고, 정정하고, 취소합니다. 앞에서 받은 시세와 주문번호를 씁니다.",
    "접근토큰폐기": "쓰던 접근토큰을 폐기합니다. 다음에는 새로 발급받아야 합니다.",
}


_MOCK = "pabal run collections/kis-mock.postman_collection.json -e environments/kis-mock.postman_environment.json"

NEXT = f"""\
다음에 할 일
  1. .env 파일에 가진 계좌의 값을 적습니다. 저장소에는 올리지 마세요.
       모의 주식       CANO=계좌번호 앞 8자리    VTS_APPKEY=…    VTS_APPSECRET=…
       모의 선물옵션   CANO_T=…                  VTT_APPKEY=…    VTT_APPSECRET=…
       실전 주식       CANO_REAL=…               PROD_APPKEY=…   PROD_APPSECRET=…   (조건검색: HTS_ID=…)
       실전 선물옵션   CANO_REAL_T=…             PROT_APPKEY=…   PROT_APPSECRET=…
  2. 아무것도 나가지 않는 시뮬레이터로 먼저 실행합니다.
       {_MOCK} --simulate
  3. 모의투자 잔고를 조회합니다.
       {_MOCK} --env-file .env --folder V_접근토큰발급 --folder V_주식잔고조회
  실전 주문은 --allow-real-orders를 주지 않으면 나가지 않습니다.

What to do next
  1. Write the values of the accounts you have into a file .env, by the names above; never commit it.
     CANO… is the first eight digits of the account number; app key and secret come from the KIS Developers site.
  2. Run against the simulator first: nothing leaves this machine.
  3. Ask for the balance of the mock account. Both commands are those above.
  Orders do not go out to the real host unless you give --allow-real-orders."""


def describe(api: Api, sample: Sample, letter: str) -> str:
    """A request's description: its tr_ids, what its body's parameters mean, and what was corrected."""
    return "\n\n".join(part for part in _parts(api, sample, letter) if part)


def _parts(api: Api, sample: Sample, letter: str) -> Iterator[str]:
    if tr_id := sample.trs[letter]:
        newer = api.successors.get(tr_id, "")
        others = [f"{other} {api.others.get(other, '')}".strip() for other in api.tr_ids(letter) if other not in (tr_id, newer)]
        yield f"tr_id {tr_id}" + (f", 지금의 새 번호 {newer}" if newer else "") + "."
        yield f"같은 경로의 다른 tr_id: {', '.join(others)}." if others else ""
    yield "이 요청은 주문입니다." if api.moves_money else ""
    yield f"이어지는 쪽은 {', '.join(api.paging)} 값과 tr_cont 머리글로 조회합니다." if api.paging else ""
    yield api.corrected
    if api.method == "POST":
        names = api.parameters(sample, letter)
        yield "\n".join(("| 이름 | 뜻 |", "|---|---|", *(f"| {name} | {meanings()[name]} |" for name in names)))
