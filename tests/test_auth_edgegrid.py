"""EdgeGrid against Akamai's own signer."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import pytest
from akamai.edgegrid.edgegrid import EdgeGridAuthHeaders
from requests.structures import CaseInsensitiveDict

from tests.servers import Answer, Recorded, answer
from tests.signing import Gate, converse, prepared, signed

TOKENS = {"accessToken": "akab-a", "clientToken": "akab-c", "clientSecret": "sec="}
BODY = {"mode": "raw", "raw": '{"a": "한"}', "options": {"raw": {"language": "json"}}}
HEADER = [{"key": "Content-Type", "value": "application/json"}, {"key": "X-Test1", "value": " a  b "}]


def akamai(method: str, url: str, headers: Any, body: bytes, header: str, **more: Any) -> str:
    """The header Akamai's library makes for a request, at the time and with the nonce of the one given."""
    found = re.search(r"timestamp=([^;]*);nonce=([^;]*);", header)
    assert found is not None
    signer = EdgeGridAuthHeaders(TOKENS["clientToken"], TOKENS["clientSecret"], TOKENS["accessToken"], **more)
    request = SimpleNamespace(method=method, url=url, headers=CaseInsensitiveDict(headers), body=body)
    return str(signer.make_auth_header(request, found[1], found[2]))


def test_a_header_as_postman_writes_it() -> None:
    """Made with postman-runtime 7.39.1."""
    params: dict[str, Any] = TOKENS | {"nonce": "nonce-1", "timestamp": "20240101T00:00:00+0000"}
    params |= {"headersToSign": "X-Test1, content-type", "baseURL": "https://akab.luna.akamaiapis.net/", "maxBodySize": 5}
    sent = signed("edgegrid", params, "https://h.example.net/api/v1?x=1&y=%20b", method="POST", header=HEADER, body=BODY)
    assert sent.header("Authorization") == (
        "EG1-HMAC-SHA256 client_token=akab-c;access_token=akab-a;timestamp=20240101T00:00:00+0000;nonce=nonce-1;"
        "signature=aN0Bl7oycoZo6uiAgtRw+XKLsz0lF43iV5rc/PVcSas="
    )


@pytest.mark.parametrize("missing", list(TOKENS))
def test_missing_parameters(missing: str) -> None:
    sent = signed("edgegrid", TOKENS | {missing: None})
    assert sent.header("Authorization") is None
    assert sent.warnings == (f"edgegrid auth: `{missing}` is missing, the request is not signed",)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
@pytest.mark.parametrize("size", [None, 4])
def test_a_server_that_checks_lets_us_in(method: str, size: int | None) -> None:
    def judge(request: Recorded) -> Answer:
        header, url = request.values("Authorization")[0], f"http://{request.values('Host')[0]}{request.target}"
        more = {"max_body": size or 131072, "headers_to_sign": ["X-Test1", "Absent"]}
        return answer() if header == akamai(request.method, url, request.headers, request.body, header, **more) else answer(401)

    params = TOKENS | {"headersToSign": ["X-Test1", "Absent"], "maxBodySize": size}
    with Gate(judge=judge) as gate:
        request = prepared("edgegrid", params, gate.url("/api?x=1 2"), method=method, header=HEADER, body=BODY)
        assert converse(request).code == 200
        wrong = prepared("edgegrid", params | {"clientSecret": "other"}, gate.url("/api"), method=method)
        assert converse(wrong).code == 401
