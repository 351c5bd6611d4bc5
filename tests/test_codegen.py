"""What code comes out for a request, whatever the target."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from runner import Environment, Options, SendError, UsageError, Variable
from runner.cli.group import cli
from runner.codegen import registry
from runner.codegen.registry import File
from runner.generate import CodeOptions, generate
from runner.load import collection_from_json

BASE = "https://api.test/v1"


def item(name: str, url: Any = f"{BASE}/x", method: str = "GET", **request: Any) -> dict[str, Any]:
    behavior = request.pop("behavior", None)
    made: dict[str, Any] = {"name": name, "request": {"method": method, "url": url, **request}}
    return made | ({"protocolProfileBehavior": behavior} if behavior else {})


def code_of(*items: dict[str, Any], env: dict[str, str] | None = None, **options: Any) -> list[File]:
    info = {"name": options.pop("name", "T")}
    collection = collection_from_json({"info": info, "item": list(items), "auth": options.pop("auth", None)})
    environment = Environment(values=tuple(Variable(key=key, value=value) for key, value in (env or {}).items()))
    folder = options.pop("working_dir", ".")
    return list(generate(collection, Options(environment=environment, working_dir=folder), CodeOptions(**options)))


def text_of(*args: Any, env: dict[str, str] | None = None, **request: Any) -> str:
    options = request.pop("options", {})
    (file,) = code_of(item(*args, **request), env=env, **options)
    compile(file.text, "snippet.py", "exec")
    return file.text


def raw(text: str, language: str | None = None) -> dict[str, Any]:
    return {"mode": "raw", "raw": text} | ({"options": {"raw": {"language": language}}} if language else {})


def test_a_get_is_one_call_with_its_parameters() -> None:
    code = text_of("List orders", f"{BASE}/orders?state=open&page=2")
    assert "def list_orders() -> requests.Response:" in code
    assert 'params = {\n        "state": "open",\n        "page": "2",\n    }' in code
    assert "response = requests.get(url, params=params, timeout=30)" in code
    assert "response.raise_for_status()" in code


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("a=1&a=2", '("a", "1"),\n        ("a", "2"),'),
        ("flag", f'url = "{BASE}/x?flag"'),  # a parameter without a value has none in Python either
        ("q=a b", f'url = "{BASE}/x?q=a%20b"'),  # requests would write a plus
    ],
)
def test_parameters_are_taken_out_of_the_url_where_they_come_out_the_same(query: str, expected: str) -> None:
    assert expected in text_of("q", f"{BASE}/x?{query}")


@pytest.mark.parametrize(
    ("body", "is_value"),
    [
        ('{"price": 12.5, "id": 12345678901234567890}', True),
        ('{"a": 1, "a": 2}', False),
        ('{"price": 12.50}', False),
        ('{"big": 1e400}', False),
        ('{"a": NaN}', False),
        ('{"a": "\\ud800"}', False),
        ("[1, -0]", False),
        ('{"a": -0.0}', True),
        ('"text"', False),
    ],
)
def test_json_is_a_python_value_only_where_nothing_is_lost(body: str, is_value: bool) -> None:
    code = text_of("j", method="POST", body=raw(body, "json"))
    assert ("json=payload" in code) is is_value
    assert ("data=payload" in code) is not is_value


def test_exact_bodies_are_the_text_of_a_run() -> None:
    code = text_of("j", method="POST", body=raw('{ "a":1 }', "json"), options={"body": "exact"})
    assert "payload = '{ \"a\":1 }'" in code
    assert '"Content-Type": "application/json"' in code


def test_secrets_come_from_the_process_environment_and_what_is_missing_is_a_parameter() -> None:
    header = [{"key": "Authorization", "value": "Bearer {{API_TOKEN}}"}]
    code = text_of("s", "{{base}}/users/{{id}}", header=header, env={"API_TOKEN": "hunter2hunter2", "base": BASE})
    assert "def s(*, id_: str) -> requests.Response:" in code
    assert 'api_token = os.environ["API_TOKEN"]' in code
    assert '"Authorization": f"Bearer {api_token}"' in code
    assert f'url = f"{BASE}/users/{{id_quoted}}"' in code
    assert 'print(s(id_="{{id}}").text)' in code
    assert "hunter2" not in code


def test_literal_secrets_are_not_written_down_either() -> None:
    auth = {"type": "basic", "basic": [{"key": "username", "value": "me"}, {"key": "password", "value": "opensesame"}]}
    code = text_of("s", header=[{"key": "X-Api-Key", "value": "0123456789"}], auth=auth)
    assert "opensesame" not in code
    assert "0123456789" not in code
    assert 'auth=("me", password)' in code


@pytest.mark.parametrize(
    ("request_", "line"),
    [
        ({"url": f"{BASE}/x?api_key=opensesame"}, "api_key"),
        ({"body": raw('{"user": "me", "password": "opensesame"}', "json")}, '"password": password,'),
        ({"body": {"mode": "urlencoded", "urlencoded": [{"key": "client_secret", "value": "opensesame"}]}}, "client_secret"),
    ],
)
def test_nor_are_those_in_queries_and_bodies(request_: dict[str, Any], line: str) -> None:
    code = text_of("s", **({"url": f"{BASE}/x", "method": "POST"} | request_))
    assert "opensesame" not in code
    assert line in code
    assert "os.environ[" in code


def test_a_literal_is_not_taken_for_a_variable_of_its_name() -> None:
    header = [{"key": "api_key", "value": "opensesame"}, {"key": "X-Token", "value": "{{api_key}}"}]
    (file,) = code_of(item("s", header=header), env={"api_key": "another one"})
    assert '"api_key": api_key_2,' in file.text
    assert '"X-Token": api_key,' in file.text
    assert file.description is not None
    assert {hole.key: hole.value for hole in file.description.holes} == {"api_key": "another one", "api_key_2": "opensesame"}


def test_inline_values_is_what_postman_does() -> None:
    header = [{"key": "Authorization", "value": "Bearer {{API_TOKEN}}"}]
    code = text_of("s", f"{BASE}/{{{{id}}}}", header=header, env={"API_TOKEN": "hunter2"}, options={"inline_values": True})
    assert '"Authorization": "Bearer hunter2"' in code
    assert "%7B%7Bid%7D%7D" in code
    assert "os.environ" not in code


def test_options_have_postmans_meaning() -> None:
    body = raw("  x\n", "text")
    options = {"request_timeout": 1500, "follow_redirect": False, "trim_request_body": True, "indent_count": 2}
    code = text_of("o", method="POST", body=body, options=options)
    assert "allow_redirects=False,\n    timeout=1.5," in code
    assert 'payload = "x"' in code
    assert "\n  url = " in code
    assert "timeout=None" in text_of("o", options={"request_timeout": 0})
    assert "\n\turl = " in text_of("o", options={"indent_type": "tab"})


def test_code_says_what_it_needs_where_that_is_asked_for() -> None:
    ntlm = {"type": "ntlm", "ntlm": {"username": "u", "password": "p"}}
    code = text_of("n", auth=ntlm, options={"pep723": True, "target": "httpx"})
    assert code.startswith(
        '# /// script\n# requires-python = ">=3.11"\n# dependencies = ["httpx", "pyspnego"]\n# ///\n\nimport base64\n'
    )
    assert "# dependencies = []" in text_of("n", options={"pep723": True, "target": "http.client"})


def described(**options: Any) -> str:
    header = [
        {"key": "tr_id", "value": "TTTC", "description": "\n 01 : one \x07\r\n02 : two; api_key=opensesame1"},
        {"key": "hashkey", "value": "{{HASH}}", "disabled": True, "description": "of the body"},
        {"key": "X-Api-Key", "value": "opensesame2", "disabled": True},
    ]
    return text_of("d", header=header, options=options)


def test_descriptions_and_what_is_switched_off_are_comments() -> None:
    line = described()
    assert (
        '        # 01 : one\n        "tr_id": "TTTC",\n        # of the body\n        # "hashkey": os.environ["HASH"],\n' in line
    )
    assert "02 : two" not in line
    assert "# 02 : two;" in described(describe="full")
    assert "#" not in described(describe="none")
    assert not any("opensesame" in described(describe=each) for each in ("line", "full", "none"))


def test_what_is_switched_off_in_a_form_of_parts_is_told_where_it_is_a_text() -> None:
    parts = [{"key": "a", "value": "1"}, {"key": "b", "value": "2", "disabled": True}]
    parts += [{"key": "f", "type": "file", "src": "x", "disabled": True}]
    code = text_of("p", method="POST", body={"mode": "formdata", "formdata": parts})
    assert '("a", (None, "1")),\n            # ("b", (None, "2")),\n        ],' in code


def test_what_is_switched_off_shows_no_secrets() -> None:
    off = {"api_key": "opensesame1", "token": "opensesame2-{{x}}", "password": "{{pw}}", "plain": "shown"}
    query = [{"key": "a", "value": "1"}, *({"key": key, "value": value, "disabled": True} for key, value in off.items())]
    url = {"protocol": "https", "host": ["api", "test"], "path": ["x"], "query": query}
    fields = [{**entry, "type": "text"} for entry in query]
    form = {"mode": "urlencoded", "urlencoded": fields}
    code = text_of("q", url, "POST", body=form)
    assert "opensesame" not in code
    assert code.count('# "password": os.environ["pw"],') == code.count('# "plain": "shown",') == 2


def test_what_requests_cannot_send_is_told() -> None:
    twice = [{"key": "X-Tag", "value": "a"}, {"key": "X-Tag", "value": "b"}]
    (file,) = code_of(item("d", f"{BASE}/a/../%%", header=twice))
    assert {entry.code for entry in file.diagnostics} == {"duplicate-headers", "url-rewritten"}
    assert "# requests rewrites this URL: the bare % is sent as %25" in file.text
    assert "request.url = url" in file.text


def every_shape() -> list[dict[str, Any]]:
    """Requests whose code has every layout that the writer knows."""
    long = "넓은 글자 " * 30
    form = [{"key": "a", "value": "1"}, {"key": "a", "value": "2"}, {"key": "b", "disabled": True}]
    parts = [
        {"key": "t", "value": "v"},
        {"key": "f", "type": "file", "src": "some/folder/with/a/long/name/that/does/not/fit/on/one/line/at/all.png"},
        {"key": "g", "type": "file", "src": ["b.bin", "c\"d'.bin"]},
        {"key": 'j "{{x}}', "value": "[1]", "contentType": "application/json"},
    ]
    return [
        item("long " * 20),
        item("이름", f"{BASE}/{'path/' * 20}?" + "&".join(f"k{n}={n}" for n in range(12))),
        item("text", method="POST", body=raw("line\nline two\r\n\t\\ \"quoted\" {braces}\n" + long)),
        item("json", method="PUT", body=raw(json.dumps({"a": {"b": [1, {"c": None}], "d": long}, "e": []}), "json")),
        item("holes", method="POST", body=raw('{"a": "{{x}} {{y}}", "b": {{n}}}', "json"), header=[{"key": "h", "value": "{{{z}}}"}]),
        item("form", method="POST", body={"mode": "urlencoded", "urlencoded": form}),
        item("parts", method="POST", body={"mode": "formdata", "formdata": parts}),
        item("one file", method="POST", body={"mode": "formdata", "formdata": parts[:2]}),
        item("binary", method="POST", body={"mode": "file", "file": {"src": "a.bin"}}),
        item("graphql", method="POST", body={"mode": "graphql", "graphql": {"query": "{ a }", "variables": ""}}),
        item("dots", f"{BASE}/a/./b", header=[{"key": "X", "value": "1"}, {"key": "X", "value": "2"}]),
        item("purge", method="PURGE", behavior={"maxRedirects": 3}, description="First\nparagraph.\n\nSecond \\ \"\"\"."),
        item("jwt", auth={"type": "jwt", "jwt": {"algorithm": "HS256", "secret": "{{pass}}", "payload": '{"sub": "1", "n": 2}'}}),
        item("oauth1", auth={"type": "oauth1", "oauth1": {"consumerKey": "k", "consumerSecret": "s", "token": "t", "tokenSecret": "u"}}),
        item("aws", method="POST", body=raw("text"), auth={"type": "awsv4", "awsv4": {"accessKey": "k", "secretKey": "s"}}),
        item("digest", auth={"type": "digest", "digest": {"username": "이름", "password": "{{pass}}"}}),
        item("settings", method="POST", body=raw("text"), behavior={"followOriginalHttpMethod": True, "followAuthorizationHeader": True, "disableCookies": True, "maxRedirects": 3, "tlsDisabledProtocols": ["TLSv1_3"], "tlsCipherSelection": ["ECDHE-RSA-AES128-GCM-SHA256"], "strictSSL": False, "disabledSystemHeaders": {"user-agent": True, "accept": True, "connection": True}}),
        item("told", f"{BASE}/x", "POST", header=[{"key": "A", "value": " 1", "description": "What it is. " * 12 + "\n\nMore."}, {"key": "Hash", "value": "{{h}}", "disabled": True, "description": "off"}], body={"mode": "urlencoded", "urlencoded": [{"key": "f", "value": "1", "description": "넓은 글자 " * 20}]}),
        item("asked", {"raw": f"{BASE}/x?a=1&a=2", "host": ["https://api.test"], "path": ["v1", "x"], "query": [{"key": "a", "value": "1", "description": "one"}, {"key": "a", "value": "2"}, {"key": "b", "value": "3", "disabled": True}]}),
        item("quoted", f"{BASE}/{{{{{'a long name ' * 3}}}}}?q={{{{{'and another ' * 3}}}}}"),
        item("quotes", f"{BASE}/'\"?q=\"'"),
        item("kept", behavior={"followAuthorizationHeader": True}, auth={"type": "bearer", "bearer": {"token": "{{pass}}"}}),
        item("insecure", behavior={"strictSSL": False, "followAuthorizationHeader": True}),
        item("basic", auth={"type": "basic", "basic": {"username": "somebody with a long name", "password": "{{pass}}"}}),
        item("basic too", header=[{"key": "X", "value": "1"}], auth={"type": "basic", "basic": {"username": "user{{x}} " * 6, "password": "{{pass}}"}}),
        item("user", "https://me@api.test/x"),
        item("ntlm", method="POST", body=raw("text"), auth={"type": "ntlm", "ntlm": {"username": "u", "password": "{{pass}}"}}),
        item("edge", method="POST", body=raw("text"), auth={"type": "edgegrid", "edgegrid": {"accessToken": "a", "clientToken": "c", "clientSecret": "{{pass}}", "baseURL": "https://b"}}),
        item("aws query", method="POST", body=raw("text"), auth={"type": "awsv4", "awsv4": {"accessKey": "k", "secretKey": "s", "sessionToken": "t", "addAuthDataToQuery": True}}),
        item("s3", f"{BASE}/x?y=1", auth={"type": "awsv4", "awsv4": {"accessKey": "k", "secretKey": "s", "service": "s3", "addAuthDataToQuery": True}}),
        item("jwt query", auth={"type": "jwt", "jwt": {"algorithm": "HS256", "secret": "{{pass}}", "payload": "{}", "addTokenTo": "queryParam"}}),
        item("oauth form", method="POST", body={"mode": "urlencoded", "urlencoded": form}, auth={"type": "oauth1", "oauth1": {"consumerKey": "k", "consumerSecret": "{{pass}}"}}),
        item("kwargs", f"{BASE}/x?class={{{{class}}}}&{{{{a b}}}}=1&id={{{{$guid}}}}"),
    ]  # fmt: skip


@pytest.mark.skipif(shutil.which("ruff", path=str(Path(sys.executable).parent)) is None, reason="ruff is not installed")
@pytest.mark.parametrize(
    "options",
    [
        *(["--target", name] for name in ("requests", "httpx", "httpx-async", "aiohttp", "http.client", "urllib3")),
        ["--indent-count", "2"],
        ["--indent-type", "tab"],
        ["--pep723", "--describe", "full"],
        ["--line-length", "60", "--target", "http.client"],
    ],
    ids=" ".join,
)
def test_code_is_as_ruff_would_leave_it(tmp_path: Path, options: list[str]) -> None:
    collection = tmp_path / "c.json"
    collection.write_text(json.dumps({"info": {"name": "T"}, "item": every_shape()}))
    result = CliRunner().invoke(cli, ["codegen", str(collection), "-o", f"{tmp_path}/out/", *options])
    assert result.exit_code == 0, result.output
    config = {
        "--line-length": ["--line-length", "60"],
        "--indent-count": ["--config", "indent-width=2"],
        "--indent-type": ["--config", "format.indent-style='tab'"],
    }
    ruff = [str(Path(sys.executable).parent / "ruff")]
    isolated = ["--isolated", "--no-cache", str(tmp_path / "out")]
    extra = config.get(options[0], [])
    formatted = subprocess.run([*ruff, "format", "--diff", *isolated, *extra], capture_output=True, text=True)
    assert formatted.returncode == 0, formatted.stdout
    ignored = ["--ignore", "W191,E101"] if options else []
    checked = subprocess.run(
        [*ruff, "check", "--select", "E4,E7,E9,F,I,S113,B,UP", *isolated, *ignored], capture_output=True, text=True
    )
    assert checked.returncode == 0, checked.stdout


def test_importing_generated_code_sends_nothing(tmp_path: Path) -> None:
    path = tmp_path / "snippet.py"
    path.write_text(text_of("x", "http://127.0.0.1:9/"))
    done = subprocess.run([sys.executable, "-c", "import snippet"], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(tmp_path)})
    assert done.returncode == 0


def test_requests_are_chosen_by_name_path_and_pattern() -> None:
    folder = {"name": "Orders", "item": [item("Place"), item("Cancel")]}
    assert [file.path for file in code_of(folder, item("Place"), requests=("Orders/*",))] == [
        "Orders/Place.py",
        "Orders/Cancel.py",
    ]
    twice = code_of(item("Place"), item("place"), item("Place"), requests=("[Pp]lace",))
    assert [file.path for file in twice] == ["Place.py", "place 2.py", "Place 3.py"]
    with pytest.raises(UsageError, match="no request is called"):
        code_of(folder, requests=("Nope",))
    with pytest.raises(UsageError, match="no target"):
        code_of(folder, target="reqests")


def test_files_have_names_that_a_disk_can_hold(tmp_path: Path) -> None:
    long = "아주 긴 이름 " * 40
    files = code_of({"name": long, "item": [item(long), item(f"{long}2")]})
    assert len({file.path for file in files}) == 2
    for target in ("pytest", "script", "client"):
        files += code_of({"name": long, "item": [item(long)]}, target=target, per_folder=target == "pytest", name=long)
    for file in files:
        (path := tmp_path / file.path).parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text, "utf-8")


def test_httpx_keeps_the_order_of_parameters() -> None:
    assert 'url = "https://api.test/v1/x?a=1&b=2&a=3"' in text_of("x", f"{BASE}/x?a=1&b=2&a=3", options={"target": "httpx"})
    assert "params=params" in text_of("x", f"{BASE}/x?a=1&a=3&b=2", options={"target": "httpx"})


def test_a_request_that_cannot_be_sent_does_not_stop_the_others() -> None:
    broken, fine = code_of(item("broken", ""), item("fine"))
    assert broken.text == "# there is no code for this request, it cannot be sent: the request's URL is empty\n"
    assert [entry.code for entry in broken.diagnostics] == ["unsendable"]
    assert "def fine()" in fine.text
    with pytest.raises(SendError, match="URL is empty") as raised:
        code_of(item("broken", ""))
    assert raised.value.where == "broken"


@pytest.mark.skipif(shutil.which("mypy", path=str(Path(sys.executable).parent)) is None, reason="mypy is not installed")
def test_code_passes_mypy_strict(tmp_path: Path, cache: pytest.Cache) -> None:
    for target in ("requests", "httpx", "httpx-async", "aiohttp", "http.client", "urllib3"):
        for number, file in enumerate(code_of(*every_shape(), target=target)):
            (tmp_path / f"{target.replace('-', '_').replace('.', '_')}_{number}.py").write_text(file.text)
    mypy = [str(Path(sys.executable).parent / "mypy"), "--strict", "--config-file=", "--cache-dir", str(cache.mkdir("mypy"))]
    mypy.append("--disable-error-code=import-untyped")  # oauthlib, botocore and edgegrid-python have no types
    done = subprocess.run([*mypy, str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout


def test_blanks_around_header_values_are_told_and_only_sent_where_that_is_possible() -> None:
    header = [{"key": "A", "value": " x"}, {"key": "B", "value": "y "}]
    (file,) = code_of(item("s", header=header))
    assert '"A": "x",' in file.text
    assert [entry.text.rpartition(": ")[2] for entry in file.diagnostics] == ["a, b"]
    (kept,) = code_of(item("s", header=header), target="http.client")
    assert '("A", " x"),' in kept.text
    assert kept.diagnostics == ()


@pytest.mark.parametrize(
    ("behavior", "target", "line"),
    [
        ({"followRedirects": False}, "requests", "requests.get(url, allow_redirects=False, timeout=30)"),
        ({"maxRedirects": 3}, "requests", "session.max_redirects = 3"),
        ({"strictSSL": False}, "requests", "requests.get(url, verify=False, timeout=30)"),
        ({"followRedirects": False}, "httpx", "httpx.get(url, timeout=30)"),
        ({"maxRedirects": 3}, "httpx", "httpx.Client(max_redirects=3)"),
        ({"disableCookies": True}, "aiohttp", "cookie_jar=aiohttp.DummyCookieJar()"),
        ({"strictSSL": False}, "aiohttp", "ssl=False"),
        ({"maxRedirects": 3}, "http.client", "for _ in range(4):"),
        ({"strictSSL": False}, "http.client", "context.verify_mode = ssl.CERT_NONE"),
        ({"followRedirects": False}, "urllib3", "retries=False"),
        ({"strictSSL": False}, "urllib3", 'urllib3.PoolManager(cert_reqs="CERT_NONE")'),
        ({"followOriginalHttpMethod": True}, "httpx", "# the collection keeps the method when it is redirected"),
    ],
)
def test_a_requests_own_settings_count(behavior: dict[str, Any], target: str, line: str) -> None:
    assert line in text_of("s", behavior=behavior, options={"target": target})


def test_another_package_can_add_a_target(monkeypatch: pytest.MonkeyPatch) -> None:
    def names(job: registry.Job) -> list[File]:
        return [File(path="names.txt", text="".join(f"{job.describe(step).title}\n" for step in job.plan.steps))]

    entry = SimpleNamespace(load=lambda: registry.Target(name="names", label="Names", generate=names, whole=True))
    monkeypatch.setattr(registry, "entry_points", lambda group: [entry] if group == "pabal.codegen.v1" else [])
    registry.targets.cache_clear()
    try:
        (file,) = code_of(item("a"), item("b"), target="names")
    finally:
        registry.targets.cache_clear()
    assert file.text == "a\nb\n"
