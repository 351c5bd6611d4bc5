"""A request's own settings in generated code, run against servers that look at what they get."""

from __future__ import annotations

import os
import runpy
import shutil
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.servers import Recorder, answer
from tests.test_codegen import code_of, item, raw
from tests.test_codegen_client import client_of, made

PYTHON = ["requests", "httpx", "httpx-async", "aiohttp", "http.client", "urllib3"]
SHELL = {"curl": "curl", "httpie": "http"}
EACH = [
    *PYTHON,
    *(
        pytest.param(name, marks=pytest.mark.skipif(shutil.which(program) is None, reason=f"{name} is not installed"))
        for name, program in SHELL.items()
    ),
]
AUTH = [{"key": "Authorization", "value": "Bearer t"}, {"key": "X-One", "value": "1"}]


def run(folder: Path, target: str, request: dict[str, Any]) -> set[str]:
    """Run the code of a request, as a program or as a client's method; the codes of its notes."""
    if target == "client":
        file = client_of([request], inline_values=True)
        with made(file, folder) as client:
            client.a()
        return {entry.code for entry in file.diagnostics}
    (file,) = code_of(request, target=target, inline_values=True)
    path = folder / f"snippet{Path(file.path).suffix}"
    path.write_text(file.text, "utf-8")
    if target in SHELL:
        (folder / "config.json").write_text('{"disable_update_warnings": true}')  # HTTPie would ask its makers
        subprocess.run(["sh", str(path)], check=True, capture_output=True, env=os.environ | {"HTTPIE_CONFIG_DIR": str(folder)})
    else:
        runpy.run_path(str(path), run_name="__main__")
    return {entry.code for entry in file.diagnostics}


@pytest.mark.parametrize("target", [*EACH, "client"])
def test_headers_that_are_switched_off_are_not_sent(target: str, recorder: Recorder, tmp_path: Path) -> None:
    off = {"user-agent": True, "accept": True, "accept-encoding": True, "connection": True}
    run(tmp_path, target, item("a", recorder.url("/p"), header=AUTH[1:], behavior={"disabledSystemHeaders": off}))
    assert {name.lower() for name in recorder.last.names()} == {"host", "x-one"}


@pytest.mark.parametrize("target", [*EACH, "client"])
@pytest.mark.parametrize("cookies", [True, False])
def test_cookies_of_a_redirect_go_along_unless_they_are_off(
    target: str, cookies: bool, recorder: Recorder, tmp_path: Path
) -> None:
    recorder.routes["/first"] = answer(302, [("Location", "/second"), ("Set-Cookie", "sid=s1; Path=/")])
    notes = run(tmp_path, target, item("a", recorder.url("/first"), behavior={} if cookies else {"disableCookies": True}))
    assert [request.target for request in recorder.requests] == ["/first", "/second"]
    assert notes == ({"cookies"} if target == "httpie" and not cookies else set())
    expected = ["sid=s1"] if (cookies or notes) and target != "urllib3" else []  # urllib3 has no cookies
    assert recorder.last.values("cookie") == expected


@pytest.mark.parametrize("target", [*EACH, "client"])
@pytest.mark.parametrize("status", [301, 302, 303])
def test_the_method_is_kept_or_told(target: str, status: int, recorder: Recorder, tmp_path: Path) -> None:
    recorder.routes["/first"] = answer(status, [("Location", "/second")])
    request = item("a", recorder.url("/first"), "POST", body=raw("hello"), behavior={"followOriginalHttpMethod": True})
    notes = run(tmp_path, target, request)
    kept = (recorder.last.method, recorder.last.body) == ("POST", b"hello")
    assert recorder.last.target == "/second"
    assert kept or "redirect-method" in notes
    assert kept or target in ("httpx", "httpx-async", "aiohttp", "urllib3", "httpie")


@pytest.mark.parametrize("target", [*EACH, "client"])
@pytest.mark.parametrize("kept", [True, False])
def test_authorization_goes_to_another_host_only_if_asked(target: str, kept: bool, recorder: Recorder, tmp_path: Path) -> None:
    with Recorder(host="127.0.0.2") as other:
        recorder.routes["/first"] = answer(302, [("Location", other.url("/second"))])
        behavior = {"followAuthorizationHeader": True} if kept else {}
        notes = run(tmp_path, target, item("a", recorder.url("/first"), header=AUTH, behavior=behavior))
        sent = bool(other.last.values("authorization"))
    lost = kept and target == "httpie"
    assert (sent, notes) == (kept and not lost, {"redirect-authorization"} if lost else set())


@pytest.mark.parametrize("target", [*EACH, "client"])
def test_only_so_many_redirects_are_followed(target: str, recorder: Recorder, tmp_path: Path) -> None:
    for number in range(5):
        recorder.routes[f"/{number}"] = answer(302, [("Location", f"/{number + 1}")])
    with pytest.raises(Exception, match=r"(?i)redirect|returned non-zero|/3|^0"):
        run(tmp_path, target, item("a", recorder.url("/0"), behavior={"maxRedirects": 2}))
    assert [request.target for request in recorder.requests] == ["/0", "/1", "/2"]


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("target", [*EACH, "client"])
def test_a_redirect_of_a_url_with_dots_leads_where_it_says(target: str, kept: bool, recorder: Recorder, tmp_path: Path) -> None:
    first = "/a/b" if target == "urllib3" else "/a/./b"  # urllib3 works the dots out, which it is noted for
    recorder.routes[first] = answer(302, [("Location", "/second")])
    behavior = {"followAuthorizationHeader": True} if kept else {}
    run(tmp_path, target, item("a", recorder.url("/a/./b"), header=AUTH, behavior=behavior))
    assert [request.target for request in recorder.requests] == [first, "/second"]


@pytest.mark.parametrize("target", ["http.client"])
def test_no_referer_where_none_is_wanted(target: str, recorder: Recorder, tmp_path: Path) -> None:
    recorder.routes["/first"] = answer(302, [("Location", "/second")])
    for behavior, expected in (({}, [recorder.url("/first")]), ({"removeRefererHeaderOnRedirect": True}, [])):
        run(tmp_path, target, item("a", recorder.url("/first"), behavior=behavior))
        assert recorder.last.values("referer") == expected


@pytest.fixture(scope="module")
def secured() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
@pytest.mark.parametrize("target", [*EACH, "client"])
@pytest.mark.parametrize(
    ("behavior", "agreed"),
    [
        ({"tlsDisabledProtocols": ["TLSv1_3"]}, "TLSv1.2"),
        ({"tlsDisabledProtocols": ["TLSv1", "TLSv1_1", "TLSv1_2"]}, "TLSv1.3"),
        ({"tlsDisabledProtocols": ["TLSv1_3"], "tlsCipherSelection": ["ECDHE-RSA-CHACHA20-POLY1305", "ECDHE-ECDSA-CHACHA20-POLY1305"]}, "CHACHA20"),
    ],
)  # fmt: skip
def test_protocols_and_ciphers(
    target: str, behavior: dict[str, Any], agreed: str, secured: ssl.SSLContext, tmp_path: Path
) -> None:
    with Recorder(tls=secured) as server:
        run(tmp_path, target, item("a", server.url("/p"), behavior=behavior | {"strictSSL": False}))
        ((cipher, protocol, _),) = server.ciphers
    assert agreed == protocol or agreed in cipher
