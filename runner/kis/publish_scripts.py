"""The scripts of the shipped collections, as lines of JavaScript."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from textwrap import dedent

from runner.kis.catalogue import Api, Sample
from runner.kis.endpoints import Output

_SHOWN = 3
"""How many fields of each output a test looks for."""

_USED = re.compile(r"\{\{([A-Z_]+)\}\}")

DATES = """\
    // 한국 날짜(YYYYMMDD)를 조회 기간으로 씁니다.
    const korea = days => new Date(Date.now() + (540 - days * 1440) * 60000).toISOString().slice(0, 10).replace(/-/g, '');

    if (pm.collectionVariables.get('TODAY') !== korea(0)) {
        pm.collectionVariables.set('TODAY', korea(0));
        pm.collectionVariables.set('WEEK_AGO', korea(7));
        pm.collectionVariables.set('MONTH_AGO', korea(30));
        pm.collectionVariables.set('LAST_YEAR', korea(365).slice(0, 4));
    }
    """

DATE_VARIABLES = ("TODAY", "WEEK_AGO", "MONTH_AGO", "LAST_YEAR")

SUCCESS = """\
    // 시세, 계좌, 주문의 모든 응답에 공통인 점검입니다.
    const path = pm.request.url.getPath();

    if (path.startsWith('/uapi/') && !path.endsWith('/hashkey')) {
        pm.test('정상 응답입니다 (rt_cd 0)', function () {
            const answer = pm.response.json();
            pm.expect(answer.rt_cd, `${answer.msg_cd} ${answer.msg1}`).to.equal('0');
            pm.response.to.have.status(200);
        });
    }
    """

_HASH = """\
    // 계좌번호와 값이 들어간 본문 그대로 해쉬를 받습니다. 받지 못하면 주문을 보내지 않습니다.
    const body = pm.variables.replaceIn(pm.request.body.raw);
    pm.request.body.update(body);

    pm.sendRequest({
        url: pm.variables.get('HOST') + '/uapi/hashkey',
        method: 'POST',
        header: {
            'content-type': 'application/json; charset=utf-8',
            appkey: pm.variables.get('PREFIX_APPKEY'),
            appsecret: pm.variables.get('PREFIX_APPSECRET')
        },
        body: {mode: 'raw', raw: body}
    }, function (error, answer) {
        const hash = error ? undefined : answer.json().HASH;

        pm.test('해쉬키를 받았습니다', function () {
            pm.expect(hash, String(error || answer.text())).to.be.a('string').and.not.be.empty;
        });

        if (hash) {
            pm.environment.set('PREFIX_HASH', hash);
        } else {
            pm.execution.skipRequest();
        }
    });
    """

_NEEDED = """\
    // 앞선 요청이 받아 둔 값이 없으면 주문을 보내지 않습니다.
    const missing = NAMES.filter(name => !pm.variables.get(name));

    pm.test('앞선 요청에서 값을 받았습니다', function () {
        pm.expect(missing).to.be.empty;
    });

    if (missing.length) {
        pm.execution.skipRequest();
    }
    """

_ISSUED = """\
    const answer = pm.response.json();

    pm.test('접근토큰을 받았습니다', function () {
        pm.expect(answer.access_token, answer.error_description).to.be.a('string').and.not.be.empty;
        pm.expect(answer.token_type).to.equal('Bearer');
        pm.expect(answer.expires_in).to.be.above(0);
    });

    if (answer.access_token) {
        pm.environment.set('PREFIX_TOKEN', answer.access_token);
    }
    """

_APPROVAL = """\
    const answer = pm.response.json();

    pm.test('웹소켓 접속키를 받았습니다', function () {
        pm.expect(answer.approval_key, answer.error_description).to.be.a('string').and.not.be.empty;
    });

    if (answer.approval_key) {
        pm.environment.set('APPROVAL', answer.approval_key);
    }
    """

_REVOKED = """\
    const answer = pm.response.json();

    pm.test('접근토큰을 폐기했습니다', function () {
        pm.expect(Number(answer.code), answer.error_description).to.equal(200);
    });

    if (Number(answer.code) === 200) {
        pm.environment.set('PREFIX_TOKEN', '');
    }
    """

_HASHED = """\
    const answer = pm.response.json();

    pm.test('해쉬키를 받았습니다', function () {
        pm.expect(answer.HASH).to.be.a('string').and.not.be.empty;
    });

    pm.test('보낸 본문이 그대로 돌아왔습니다', function () {
        pm.expect(answer.BODY).to.include({PDNO: '005930', ORD_QTY: '1'});
    });
    """

_OAUTH: Mapping[str, str] = {
    "/oauth2/Approval": _APPROVAL,
    "/oauth2/tokenP": _ISSUED,
    "/oauth2/revokeP": _REVOKED,
    "/uapi/hashkey": _HASHED,
}


def lines(script: str) -> list[str]:
    """A script as Postman keeps it."""
    return dedent(script).strip().split("\n")


def prerequest(api: Api, sample: Sample, host: str, prefix: str) -> list[str]:
    """What runs before an order: look for the values it needs, forget those of an earlier one, fetch the hash."""
    if not api.moves_money:
        return []
    needed = sorted({name for value in sample.values.values() for name in _USED.findall(value)} - {*DATE_VARIABLES})
    parts = [lines(_NEEDED.replace("NAMES", _text(needed)))] if set(needed) else []
    if stale := [f"pm.collectionVariables.unset('{name}');" for name in sample.keep if name not in needed]:
        parts.append(stale)
    parts.append(lines(_HASH.replace("HOST", host).replace("PREFIX", prefix)))
    return [line for part in parts for line in ("", *part)][1:]


def test(api: Api, sample: Sample, prefix: str, approval: str) -> list[str]:
    """What is looked at in an answer, and what is kept of it."""
    if api.path in _OAUTH:
        return lines(_OAUTH[api.path].replace("PREFIX", prefix).replace("APPROVAL", approval))
    checks = [line for output in api.outputs for line in ("", *_fields(output))]
    kept = [f"    pm.collectionVariables.set('{name}', {code});" for name, code in sample.keep.items()]
    keeping = ["", "if (answer.rt_cd === '0') {", *kept, "}"] if kept else []
    return ["const answer = pm.response.json();", *checks, *keeping]


def _fields(output: Output) -> Iterator[str]:
    names = _text(output.fields[:_SHOWN])
    yield f"pm.test('{output.name}에 필요한 항목이 있습니다', function () {{"
    yield f"    pm.expect(answer).to.have.property('{output.name}');"
    if output.shape == "array":
        yield f"    [].concat(answer.{output.name}).forEach(row => pm.expect(row).to.include.all.keys({names}));"
    else:
        yield f"    pm.expect(answer.{output.name}).to.include.all.keys({names});"
    yield "});"


def _text(names: object) -> str:
    return json.dumps(list(names) if isinstance(names, tuple) else names).replace('"', "'")
