"""What KIS's gateway does with a call: check it, answer it, and say what was wrong in KIS's words."""

from __future__ import annotations

import hashlib
import json
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from datetime import datetime
from threading import Lock
from typing import Any

from runner.kis.endpoints import PREFIX, Endpoint
from runner.kis.simulator import calendar, checks, paging
from runner.kis.simulator.calls import Answer, Call, LogEntry, OrderCall, Records, Tally, digest_of
from runner.kis.simulator.desk import Desk, tables
from runner.kis.simulator.facts import Fault, message
from runner.kis.simulator.faults import Dropped, Effect, Faults
from runner.kis.simulator.keys import OAuth
from runner.kis.simulator.prices import Market
from runner.kis.simulator.values import KST, Values

RATES: Mapping[str, int] = {"real": 20, "mock": 2}
"""Calls a second that KIS lets one app key make on each host."""

SESSIONS = ("open", "night", "holiday")

_CARRIED_OUT = frozenset({"EGW00301", "EGW00302"})
"""Codes of a call that was passed on and whose answer came too late: an order may have been taken."""


class Gateway:
    """One host, `mock` or `real`. `rate` is calls a second for each app key, None for no limit.

    `session` is the Korean market's: `open`, or closed for the `night` or a `holiday`.
    """

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
        faults: Faults,
    ) -> None:
        self.host = host
        self.session = "open"
        self.tally = Tally()
        self._faults = faults
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
        """Forget all orders, the calls of the last second and what was counted; tokens stay valid."""
        with self._lock:
            self.session, self.tally = "open", Tally()
            self.desk = Desk(self._values, self._market)
            self._recent.clear()

    def settle(self) -> None:
        """Fill open orders at today's prices."""
        with self._lock:
            self.desk.book.settle()

    def handle(self, call: Call) -> Answer:
        """Answer one call.

        Raises:
            Dropped: a fault wants the connection to end without an answer.
        """
        effect = self._faults.draw(call.path, call.tr_id)
        time.sleep(effect.delay / 1000)
        with self._lock:
            self._served += 1
            self.tally.calls += 1
            self.tally.faults += effect != Effect()
            if effect.drop:
                raise Dropped
            if effect.expire:
                self._oauth.expire(call.headers.get("appkey", "").strip(), self._clock())
            answer = self._answer(call, effect.code)
            self._records.log.append(
                LogEntry(
                    host=self.host,
                    method=call.method,
                    path=call.path,
                    tr_id=call.tr_id,
                    status=answer.status,
                    msg_cd=answer.code,
                )
            )
        if effect.lose:
            raise Dropped
        return answer

    def _answer(self, call: Call, fault: str) -> Answer:
        answers = self._oauth_answer if call.path.startswith("/oauth2/") else self._api_answer
        return answers(call, fault)

    def _oauth_answer(self, call: Call, fault: str) -> Answer:
        headers = {"content-type": "application/json;charset=UTF-8"}
        try:
            body = self._oauth_checked(call, fault)
        except Fault as refusal:
            self.tally.token_refusals += refusal.code == "EGW00133"
            _, _, text = message(refusal.code)
            return Answer(status=403, body={"error_description": text, "error_code": refusal.code}, headers=headers)
        return Answer(status=200, body=body, headers=headers)

    def _oauth_checked(self, call: Call, fault: str) -> dict[str, Any]:
        if fault:
            raise Fault(fault)
        if call.method != "POST":
            raise Fault("EGW00101")
        given = _json_object(call.body, "EGW00101")
        body = self._oauth.answer(call.path.removeprefix("/oauth2/"), given, self._clock())
        if "access_token" in body:
            self.tally.tokens[self._oauth.key(given["appkey"], given["appsecret"]).name] += 1
        return body

    def _api_answer(self, call: Call, fault: str) -> Answer:
        try:
            if fault and fault not in _CARRIED_OUT:
                raise Fault(fault)
            body, more = self._checked(call)
        except Fault as refusal:
            if _moves_money(call):
                self._record(call, refusal.code, None)
            return self._refused(call, refusal)
        return self._refused(call, Fault(fault)) if fault else Answer(status=200, body=body, headers=self._headers(call, more))

    def _refused(self, call: Call, refusal: Fault) -> Answer:
        status, rt_cd, text = message(refusal.code)
        body = {"rt_cd": rt_cd, "msg_cd": refusal.code, "msg1": text.format(field=refusal.field)}
        return Answer(status=status, body=body, headers=self._headers(call, ""))

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
        endpoint = checks.endpoint_of(call)
        self._oauth.check(call.headers.get("authorization", ""), key, self._clock())
        checks.check_tr(endpoint, call.tr_id, self.host)
        checks.check_headers(call)
        fields = call.query if call.method == "GET" else _texts(_json_object(call.body, "OPSQ9995"))
        checks.check_fields(endpoint, call.tr_id, fields, key)
        return self._business(endpoint, call, fields)

    def _limit(self, call: Call) -> None:
        if self._rate is None:
            return
        now = self._clock()
        recent = self._recent[call.headers.get("appkey", "").strip()]
        while recent and now - recent[0] >= 1:
            recent.popleft()
        if len(recent) >= self._rate:
            self.tally.violations += 1
            raise Fault("EGW00201")
        recent.append(now)

    def _business(self, endpoint: Endpoint, call: Call, fields: Mapping[str, str]) -> tuple[dict[str, Any], str]:
        now = datetime.fromtimestamp(self._clock(), KST)
        if endpoint.path in tables()["tickets"]:
            if endpoint.trs[call.tr_id] == "closed":
                raise Fault("90000000")
            self._check_session(endpoint, call.tr_id)
            order, outputs = self.desk.trade(endpoint, call.tr_id, fields, now)
            self._record(call, "APBK0013", order.number)
            return {**_envelope("APBK0013"), **outputs}, ""
        continues = call.headers.get("tr_cont", "").strip() == "N"
        page = paging.Page.of(endpoint, fields, continues=continues, mock=self.host == "mock")
        rows = self._rows(endpoint, fields, now)
        shown = {name: page.cut(rows[name]) if name == page.output else rows[name] for name in rows}
        outputs = {output.name: _shaped(output.shape, shown[output.name]) for output in endpoint.outputs}
        return {**_envelope(_success(endpoint, rows)), **page.context(rows), **outputs}, page.more(rows)

    def _check_session(self, endpoint: Endpoint, tr_id: str) -> None:
        closed = tables()["closed"]
        wanted = "night" if tr_id in closed["night tr_ids"] else "open"
        if self.session != wanted and tables()["tickets"][endpoint.path]["book"] in closed["books"]:
            raise Fault(closed["holiday" if self.session == "holiday" else "night"][self.host])

    def _rows(self, endpoint: Endpoint, fields: Mapping[str, str], now: datetime) -> dict[str, list[dict[str, str]]]:
        known = self.desk.rows(endpoint, fields, now) if endpoint.path in tables()["views"] else {}
        if endpoint.path == calendar.PATH:
            days = calendar.rows(fields["BASS_DT"], now, endpoint.rows, holiday=self.session == "holiday")
            known = {endpoint.outputs[0].name: list(days)}
        counts = {output.name: 1 if output.shape == "object" else output.rows or endpoint.rows for output in endpoint.outputs}
        rows = {
            output.name: known[output.name]
            if output.name in known
            else self._values.rows(endpoint.path, output, fields, counts[output.name], now)
            for output in endpoint.outputs
        }
        if sums := tables()["sums"].get(endpoint.path):
            for total, field in sums["fields"].items():
                rows[sums["in"]][0][total] = str(sum(int(row[field]) for row in rows[sums["of"]]))
        return rows

    def _record(self, call: Call, code: str, number: int | None) -> None:
        try:
            body = _texts(_json_object(call.body, ""))
        except Fault:
            body = {}
        self.tally.received += 1
        if number is not None:
            self.tally.taken[call.client_order] += 1
        self._records.orders.append(
            OrderCall(
                host=self.host,
                path=call.path,
                tr_id=call.tr_id,
                account=body.get("CANO", ""),
                body=body,
                msg_cd=code,
                client=call.client_order,
                number=number,
            )
        )


def _moves_money(call: Call) -> bool:
    hashes = call.path == PREFIX + "hashkey"
    return call.tr_id.endswith("U") or (call.method == "POST" and not hashes)


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
