"""What is no Python: HTTPie's commands, and HTTP messages."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runner.codegen.checking import Checker, Verdict
from runner.codegen.registry import File
from tests.test_codegen import BASE, code_of, item, raw
from tests.test_codegen_first import SIGN, scripted

FORM = [{"key": "title", "value": "front"}, {"key": "photo", "type": "file", "src": "a/photo.jpg"}]


def one(target: str, *args: Any, env: dict[str, str] | None = None, folder: Path = Path(), **request: Any) -> File:
    (file,) = code_of(item("a", *args, **request), target=target, env=env, working_dir=folder)
    return file


def form(*fields: dict[str, Any]) -> dict[str, Any]:
    return {"mode": "formdata", "formdata": list(fields)}


def verdict(file: File, folder: Path = Path()) -> Verdict:
    with Checker(folder) as checker:
        return checker.check(file)


# ---------------------------------------------------------------------------------------------------------------- HTTPie


@pytest.mark.parametrize(
    ("request_", "line"),
    [
        ({}, f"http --ignore-stdin --check-status --timeout=30 --follow \\\n  GET {BASE}/x\n"),
        ({"behavior": {"followRedirects": False}}, "--timeout=30 \\"),
        ({"behavior": {"maxRedirects": 2, "strictSSL": False}}, "--follow --max-redirects=3 --verify=no"),
        ({"body": raw("it's", "text"), "behavior": {"disableBodyPruning": True}}, "--raw='it'\\''s' \\\n  GET "),
        ({"header": [{"key": "A", "value": "1"}, {"key": "A", "value": "2"}]}, "A:1 \\\n  A:2\n"),
        ({"header": [{"key": "A", "value": ""}, {"key": "B", "value": "=1"}]}, "'A;' \\\n  'B:\\=1'\n"),
        ({"header": [{"key": "A", "value": "Bearer {{TOKEN}}"}]}, "'A:Bearer '\"${TOKEN:?}\""),
        ({"auth": {"type": "digest", "digest": {"username": "me", "password": "{{pw}}"}}}, "--auth-type=digest --auth=me:\"${"),
        ({"method": "POST", "body": form(*FORM)}, "--multipart \\\n  POST https://api.test/v1/x \\\n  title=front \\\n  'photo@a/photo.jpg;type=image/jpeg'"),
        ({"method": "POST", "body": form({"key": "a:b", "value": "@c"})}, "'a\\:b=\\@c'"),
        ({"method": "POST", "body": {"mode": "file", "file": {"src": "a b.bin"}}}, "'Accept:*/*' \\\n  < 'a b.bin'\n"),
        ({"url": f"{BASE}/a/../b"}, "--path-as-is"),
    ],
)  # fmt: skip
def test_an_httpie_command_says_what_the_request_says(request_: dict[str, Any], line: str) -> None:
    text = one("httpie", **request_).text
    assert line in text
    assert ("--ignore-stdin" in text) is ("< '" not in text)


def test_a_form_that_httpie_cannot_put_together_is_put_together_before() -> None:
    typed = {"key": "a", "value": '{"b": 1}', "contentType": "application/json"}
    file = one("httpie", method="POST", body=form(FORM[1], typed, {"key": "f", "type": "file", "value": "AP8="}))
    assert "test -r a/photo.jpg && { printf %s '--form-" in file.text
    assert "'; cat a/photo.jpg; printf %s '\r\n--form-" in file.text
    assert "'; printf %s AP8= | base64 --decode; printf %s '\r\n--form-" in file.text
    assert "} | http --check-status" in file.text
    assert 'Content-Type: application/json\r\n\r\n{"b": 1}\r\n--' in file.text
    assert "boundary=" in file.text
    assert "--multipart" not in file.text
    assert {entry.code for entry in file.diagnostics} <= {"warning"}


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        ({"method": "LOCK-IT"}, "method"),
        ({"url": f"{BASE}/%%"}, "url-rewritten"),
        ({"url": f"{BASE}/?a=%27^"}, "url-rewritten"),
        ({"header": [{"key": "A", "value": "C\\:"}]}, "backslash"),
        ({"behavior": {"followOriginalHttpMethod": True}}, "redirect-method"),
        ({"behavior": {"disableCookies": True}}, "cookies"),
        ({"behavior": {"tlsDisabledProtocols": ["TLSv1_2"]}}, "tls"),
        ({"auth": {"type": "hawk", "hawk": {"authId": "i", "authKey": "k"}}}, "auth"),
    ],
)
def test_what_httpie_cannot_send_is_told(request_: dict[str, Any], code: str) -> None:
    assert [entry.code for entry in one("httpie", **request_).diagnostics if entry.code != "warning"] == [code]


def test_without_httpie_a_check_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sh").symlink_to(shutil.which("sh") or "")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert verdict(one("httpie")) == Verdict(kind="failed", reasons=("http is not installed, or no program in Python",))


def test_a_python_program_is_checked_on_a_wire_that_ends_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = "from urllib.request import urlopen\nimport sys\nurlopen(sys.argv[sys.argv.index('GET') + 1])\n"
    (tmp_path / "http").write_text(f"#!{sys.executable}\n{program}")
    (tmp_path / "http").chmod(0o700)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert verdict(one("httpie", "http://elsewhere.test:81/x?a=1")) == Verdict(kind="exact")
    (other,) = verdict(one("httpie", "http://elsewhere.test/x", header=[{"key": "A", "value": "1"}])).reasons
    assert other == "the header a is missing (1)"


# ------------------------------------------------------------------------------------------------------------------ HTTP


def test_a_message_is_what_goes_over_the_wire(tmp_path: Path) -> None:
    header = [{"key": "X-One", "value": " 1"}, {"key": "X-Two", "value": "2"}]
    file = one("http", f"{BASE}/a b?q=1#frag", "POST", body=raw('{"값": 1}', "json"), header=header)
    assert file.path == "a.http"
    assert file.text == (
        "POST /v1/a%20b?q=1 HTTP/1.1\r\nHost: api.test\r\nX-One:  1\r\nX-Two: 2\r\n"
        'Content-Type: application/json\r\nContent-Length: 10\r\n\r\n{"값": 1}'
    )
    assert file.diagnostics == ()
    assert verdict(file) == Verdict(kind="exact")
    assert verdict(replace(file, text=file.text.replace("X-Two: 2\r\n", ""))).kind == "differs"


def test_secrets_and_what_has_no_value_stay_variables() -> None:
    auth = {"type": "basic", "basic": [{"key": "username", "value": "me"}, {"key": "password", "value": "opensesame"}]}
    file = one("http", "{{host}}/{{id}}", "POST", auth=auth, body=raw('{"t": "{{TOKEN}}"}', "json"), env={"TOKEN": "hush-hush"})
    assert "opensesame" not in file.text
    assert file.text.startswith("POST /{{id}} HTTP/1.1\r\nHost: {{host}}\r\n")
    assert "Authorization: Basic {{base64(me:{{password}})}}\r\n" in file.text
    assert file.text.endswith('\r\n\r\n{"t": "{{TOKEN}}"}')
    assert "Content-Length" not in file.text
    assert [entry.code for entry in file.diagnostics] == ["content-length"]


@pytest.mark.parametrize(
    "request_",
    [
        {"url": "{{base}}/{{id}}?q={{TOKEN}}", "auth": {"type": "basic", "basic": {"username": "나", "password": "{{TOKEN}}"}}},
        {"header": [{"key": "Content-Length", "value": "3"}], "method": "POST", "body": raw("abc")},
        {"header": [{"key": "Transfer-Encoding", "value": "chunked"}], "method": "POST", "body": raw("한" * 9)},
        {"header": [{"key": "Host", "value": "other.test"}, {"key": "A", "value": "é"}]},
        {"url": "http://[::1]:81/x?"},
        {"url": "http://me:opensesame@api.test/x", "header": [{"key": "Authorization", "value": "Bearer {{TOKEN}}"}]},
        {"method": "POST", "body": {"mode": "file", "file": {"content": "AP8="}}},
        {"method": "POST", "body": {"mode": "file", "file": {"src": "a.bin"}}},
        {"method": "POST", "body": form({"key": "f", "type": "file", "src": "a.bin"}, {"key": "g", "value": "{{TOKEN}}"})},
        {"method": "POST", "body": form({"key": "f", "type": "file", "value": "AP8=", "fileName": "f.bin"})},
    ],
)  # fmt: skip
def test_whatever_a_message_holds_is_sent_as_it_says(request_: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"\r\n\0\xff{{")
    file = one("http", env={"TOKEN": "to/k en", "base": "http://api.test:8080"}, folder=tmp_path, **request_)
    assert verdict(file, tmp_path) == Verdict(kind="exact")


def test_files_and_bytes_are_named_where_they_go() -> None:
    photo = one("http", method="POST", body=form(*FORM))
    assert "\r\n\r\n< a/photo.jpg\r\n--" in photo.text
    assert [entry.code for entry in photo.diagnostics] == ["warning", "content-length", "upload"]
    bytes_ = one("http", method="POST", body={"mode": "file", "file": {"content": "AP8="}})
    assert bytes_.text.endswith("Content-Length: 2\r\n\r\n< data:application/octet-stream;base64,AP8=")


def test_what_comes_before_a_message_is_told() -> None:
    (file,) = code_of(scripted(SIGN), target="http", env={"API_KEY": "k-e-y"})
    assert "Signature: {{SIGNATURE}}\r\n" in file.text
    assert [entry.text for entry in file.diagnostics] == [
        "a script of the collection has {{SIGNATURE}} from POST https://api.test/v1/sign before this"
    ]
    assert verdict(file) == Verdict(kind="exact")
