"""What KIS's gateway does with a call: check it, answer it, and say what was wrong in KIS's words."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from threading import Lock
from typing import Any

from runner.kis.simulator import paging
from runner.kis.simulator.desk import Desk, tables
from runner.kis.simulator.facts import PREFIX, Endpoint, Fault, endpoints, message, tr_ids
from runner.kis.simulator.keys import Key, OAuth
from runner.kis.simulator.values import KST, Market, Values

RATES: Mapping[str, int] = {"real": 20, "mock": 2}
"""Calls a second that KIS lets one app key make on each host."""

KEPT = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request as it was received; header names in lower case, query names in upper case."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def tr_id(self) -> str:
        """The tr_id without outer blanks."""
        return self.headers.get("tr_id", "").strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back."""

    status: int
    body: Mapping[str, Any]
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """One call and how it came out; `msg_cd` is KIS's code, empty where the answer has none."""

    host: str
    method: str
    path: str
    tr_id: str
    status: int
    msg_cd: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCall:
    """A money-moving call that reached a host, taken or not; `number` is the order number if it was taken."""

    host: str
    path: str
    tr_id: str
    account: str
    body: Mapping[str, str]
    msg_cd: str
    number: int | None = None

    @property
    def accepted(self) -> bool:
        """Whether an order came of it."""
        return self.number is not None


@dataclass(frozen=True, slots=True)
class Records:
    """What tests read afterwards; both hosts write to one."""

    log: deque[LogEntry] = field(default_factory=lambda: deque(maxlen=KEPT))
    orders: deque[OrderCall] = field(default_factory=lambda: deque(maxlen=KEPT))


class Gateway:
    """One host, `mock` or `real`. `rate` is calls a second for each app key, None for no limit."""

    def __init__(
        self,
        host: str,
        oauth: OAuth,
        *,
        rate: int | None,
        clock: Callable[[], float],
        seed: object,
        market: Market,
        records: Records,
    ) -> None:
        self.host = host
        self._records = records
        self._oauth = oauth
        self._rate = rate
        self._clock = clock
        self._market = market
        self._values = Values(seed, market)
        self._recent: defaultdict[str, deque[float]] = defaultdict(deque)
        self._served = 0
        self._lock = Lock()
        self.desk = Desk(self._values, market)

    def reset(self) -> None:
        """Forget all orders and the calls of the last second; tokens stay valid."""
        with self._lock:
            self.desk = Desk(self._values, self._market)
            self._recent.clear()

    def settle(self) -> None:
        """Fill open orders at today's prices."""
        with self._lock:
            self.desk.book.settle()

    def handle(self, call: Call) -> Answer:
        """Answer one call."""
        with self._lock:
            self._served += 1
            answer = self._oauth_answer(call) if call.path.startswith("/oauth2/") else self._api_answer(call)
            code = str(answer.body.get("msg_cd", answer.body.get("error_code", "")))
            entry = LogEntry(
                host=self.host, method=call.method, path=call.path, tr_id=call.tr_id, status=answer.status, msg_cd=code
            )
            self._records.log.append(entry)
            return answer

    def _oauth_answer(self, call: Call) -> Answer:
        headers = {"content-type": "application/json;charset=UTF-8"}
        try:
            if call.method != "POST":
                raise Fault("EGW00101")
            body = self._oauth.answer(call.path.removeprefix("/oauth2/"), _json_object(call.body, "EGW00101"), self._clock())
        except Fault as fault:
            _, _, text = message(fault.code)
            return Answer(status=403, body={"error_description": text, "error_code": fault.code}, headers=headers)
        return Answer(status=200, body=body, headers=headers)

    def _api_answer(self, call: Call) -> Answer:
        try:
            body, more = self._checked(call)
        except Fault as fault:
            status, rt_cd, text = message(fault.code)
            refusal = {"rt_cd": rt_cd, "msg_cd": fault.code, "msg1": text.format(field=fault.field)}
            if _moves_money(call):
                self._record(call, fault.code, None)
            return Answer(status=status, body=refusal, headers=self._headers(call, ""))
        return Answer(status=200, body=body, headers=self._headers(call, more))

    def _headers(self, call: Call, more: str) -> dict[str, str]:
        digest = hashlib.sha256(f"{self.host}|{self._served}".encode()).hexdigest()
        return {
            "content-type": "application/json; charset=utf-8",
            "tr_id": call.tr_id,
            "tr_cont": more,
            "gt_uid": digest[:32],
        }

    def _checked(self, call: Call) -> tuple[dict[str, Any], str]:
        """The body of a call that passes every check, and its tr_cont.

        Raises:
            Fault: it does not pass.
        """
        self._limit(call)
        if call.headers.get("content-type", "").strip().partition(";")[0].strip().lower() != "application/json":
            raise Fault("EGW00132")
        key = self._oauth.key(call.headers.get("appkey", "").strip(), call.headers.get("appsecret", "").strip())
        if key.host != self.host:
            raise Fault("EGW02007" if self.host == "mock" else "EGW02004")
        if call.path == PREFIX + "hashkey" and call.method == "POST":
            return {"BODY": _json_object(call.body, "OPSQ9995"), "HASH": digest_of(call.body)}, ""
        endpoint = _endpoint(call)
        self._oauth.check(call.headers.get("authorization", ""), key, self._clock())
        _check_tr(endpoint, call.tr_id, self.host)
        _check_headers(call)
        fields = call.query if call.method == "GET" else _texts(_json_object(call.body, "OPSQ9995"))
        _check_fields(endpoint, call.tr_id, fields, key)
        return self._business(endpoint, call, fields)

    def _limit(self, call: Call) -> None:
        if self._rate is None:
            return
        now = self._clock()
        recent = self._recent[call.headers.get("appkey", "").strip()]
        while recent and now - recent[0] >= 1:
            recent.popleft()
        if len(recent) >= self._rate:
            raise Fault("EGW00201")
        recent.append(now)

    def _business(self, endpoint: Endpoint, call: Call, fields: Mapping[str, str]) -> tuple[dict[str, Any], str]:
        now = datetime.fromtimestamp(self._clock(), KST)
        if endpoint.path in tables()["tickets"]:
            if endpoint.trs[call.tr_id] == "closed":
                raise Fault("90000000")
            order, outputs = self.desk.trade(endpoint, call.tr_id, fields, now)
            self._record(call, "APBK0013", order.number)
            return {**_envelope("APBK0013"), **outputs}, ""
        continues = call.headers.get("tr_cont", "").strip() == "N"
        page = paging.Page.of(endpoint, fields, continues=continues, mock=self.host == "mock")
        rows = self._rows(endpoint, fields, now)
        shown = {name: page.cut(rows[name]) if name == page.output else rows[name] for name in rows}
        outputs = {output.name: _shaped(output.shape, shown[output.name]) for output in endpoint.outputs}
        return {**_envelope(_success(endpoint, rows)), **page.context(rows), **outputs}, page.more(rows)

    def _rows(self, endpoint: Endpoint, fields: Mapping[str, str], now: datetime) -> dict[str, list[dict[str, str]]]:
        known = self.desk.rows(endpoint, fields, now) if endpoint.path in tables()["views"] else {}
        counts = {output.name: 1 if output.shape == "object" else output.rows or endpoint.rows for output in endpoint.outputs}
        return {
            output.name: known[output.name]
            if output.name in known
            else self._values.rows(endpoint.path, output, fields, counts[output.name], now)
            for output in endpoint.outputs
        }

    def _record(self, call: Call, code: str, number: int | None) -> None:
        try:
            body = _texts(_json_object(call.body, ""))
        except Fault:
            body = {}
        self._records.orders.append(
            OrderCall(
                host=self.host,
                path=call.path,
                tr_id=call.tr_id,
                account=body.get("CANO", ""),
                body=body,
                msg_cd=code,
                number=number,
            )
        )


def digest_of(body: bytes) -> str:
    """The hashkey of a body: it stands for these very bytes."""
    return hashlib.sha256(body).hexdigest()


def _moves_money(call: Call) -> bool:
    hashes = call.path == PREFIX + "hashkey"
    return call.tr_id.endswith("U") or (call.method == "POST" and not hashes)


def _endpoint(call: Call) -> Endpoint:
    known = endpoints().get(call.path.removeprefix(PREFIX)) if call.path.startswith(PREFIX) else None
    if known is None or known.method != call.method:
        raise Fault("EGW00203")
    return known


def _check_tr(endpoint: Endpoint, tr_id: str, host: str) -> None:
    if not tr_id:
        raise Fault("OPSQ9999", "tr_id")
    if tr_id not in tr_ids():
        raise Fault("OPSQ0002")
    takes = endpoint.trs.get(tr_id)
    if takes is None:
        raise Fault("OPSQ0002")
    if host == "real" and takes in ("mock", "closed"):
        raise Fault("EGW02004")
    if host == "mock" and takes == "real":
        raise Fault("EGW02006")


def _check_headers(call: Call) -> None:
    if call.headers.get("custtype", "P").strip() not in ("", "P", "B"):
        raise Fault("EGW00208")
    given = call.headers.get("hashkey")
    if given is not None and given.strip().lower() != digest_of(call.body):
        raise Fault("EGW00131")


def _check_fields(endpoint: Endpoint, tr_id: str, fields: Mapping[str, str], key: Key) -> None:
    takes_account = endpoint.path in tables()["tickets"] or "CANO" in fields
    if takes_account and "CANO" not in fields:
        raise Fault("OPSQ2001", "CANO")
    missing = next((name for name in endpoint.required.get(tr_id, ()) if name not in fields), None)
    if missing is not None:
        raise Fault("OPSQ2001", missing)
    if takes_account and fields["CANO"] not in key.accounts:
        raise Fault("OPSQ2000")


def _json_object(body: bytes, code: str) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        raise Fault(code) from None
    if not isinstance(value, dict):
        raise Fault(code)
    return value


def _texts(values: Mapping[str, Any]) -> dict[str, str]:
    return {key: "" if value is None else str(value) for key, value in values.items()}


def _envelope(code: str) -> dict[str, str]:
    _, rt_cd, text = message(code)
    return {"rt_cd": rt_cd, "msg_cd": code, "msg1": text}


def _success(endpoint: Endpoint, rows: Mapping[str, list[dict[str, str]]]) -> str:
    if "/trading/" not in endpoint.path:
        return "MCA00000"
    return "KIOK0510" if any(rows.values()) else "KIOK0560"


def _shaped(shape: str, rows: list[dict[str, str]]) -> Any:
    return rows if shape == "array" else rows[0] if rows else {}
