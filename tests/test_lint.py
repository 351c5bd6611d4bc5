"""What the linter finds, rule by rule, and what it leaves alone."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import runner
from runner.assemble import Session, lint
from runner.cli.lint import command
from runner.errors import LoadError
from runner.linter import RULES
from runner.load import collection_from_json, environment_from_json
from runner.model import Environment, Variable
from runner.options import Options
from tests.fakes import item

ROOT = Path(__file__).parent.parent


def found(*items: Any, rule: str, environment: dict[str, Any] | None = None, **root: Any) -> list[str]:
    """What one rule says of a collection, as text without the rule's name."""
    collection = collection_from_json({"info": {"name": "c"}, "item": list(items), **root})
    options = Options(environment=environment_from_json(environment or {}))
    return [str(finding).replace(f"{rule}: ", "") for finding in lint(collection, options, rules=[rule])]


def in_environment(rule: str, *values: Variable) -> list[str]:
    return [f"{each.place}: {each.message}" for each in lint(Environment(values=values), rules=[rule])]


def raw(text: str, language: str | None = "json") -> dict[str, Any]:
    return {"mode": "raw", "raw": text, "options": {"raw": {"language": language}}}


# ------------------------------------------------------------------------------------------------------------- variables


def test_unresolved_variables() -> None:
    items = [
        item("a", url="http://{{host}}/{{id}}/{{$guid}}/{{late}}"),
        item("b", url="http://{{host}}", test="pm.globals.set('late', 1)"),
    ]
    folder = {"name": "F", "item": items}
    environment = {"values": [{"key": "id", "value": "{{inner}}"}]}
    said = found(folder, rule="unresolved-variable", environment=environment)
    where = "is in neither the collection nor the environment and globals given, and no script sets it"
    assert said == [f"F › a: `host` {where} (used in 2 requests)", f"F › a: `inner` {where}"]


def test_reading_a_header_is_no_use_of_a_variable() -> None:
    test = "pm.response.headers.get('Content-Type'); pm.cookies.has('sid'); pm.environment.get('gone')"
    (said,) = found(item("a", test=test), rule="unresolved-variable")
    assert said.startswith("a: `gone` is in neither")


def test_disabled_but_used_variables() -> None:
    environment = {"values": [{"key": "host", "value": "h", "enabled": False}, {"key": "other", "value": "o", "enabled": False}]}
    items = [item("a", url="http://{{host}}/{{mine}}")]
    off = [{"key": "mine", "value": "m", "disabled": True}]
    said = found(*items, rule="disabled-variable", environment=environment, variable=off)
    assert said == ["a: `host` is used, but disabled in the environment", "a: `mine` is used, but disabled in the collection"]
    assert not found(*items, rule="unresolved-variable", environment=environment, variable=off)
    on = [*off, {"key": "mine", "value": "m"}, {"key": "host", "value": "c"}]
    assert not found(*items, rule="disabled-variable", environment=environment, variable=on)


def test_variables_that_are_there_twice() -> None:
    double = [{"key": "a", "value": 1}, {"key": "a", "value": 2}, {"key": "b"}, {"key": "b", "disabled": True}, {}, {}]
    assert found(item("r"), rule="duplicate-variable", variable=double) == [": `a` is there 2 times; the last one counts"]
    said = in_environment("duplicate-variable", Variable(key="x"), Variable(key="x"), Variable(key="x"))
    assert said == [": `x` is there 3 times; the last one counts"]


# --------------------------------------------------------------------------------------------------------------- scripts


def test_scripts_that_do_not_parse_are_told_once_and_nothing_runs() -> None:
    inner = item("a", prerequest="let b = ;", test="if (x) {")
    folder = {"name": "F", "item": [inner, item("b", test="pm.environment.set('ran', 1)")]}
    root_script = {"listen": "prerequest", "script": {"exec": ["ok();", "", "let let = 1"]}}
    off = {"listen": "test", "disabled": True, "script": {"exec": "not ("}}
    assert found(folder, rule="script-syntax", event=[root_script, off]) == [
        "prerequest line 3: the script does not parse: let is disallowed as a lexically bound name",
        "F › a › prerequest line 1: the script does not parse: Unexpected token ';'",
        "F › a › test: the script does not parse: Unexpected token ')' behind its end: something is left open, or closed once too often",
    ]


@pytest.mark.parametrize("script", ["pm.test('a', () => {", "pm.test('a', () => { pm.test('b', () => {", "(() => {", "f({"])
def test_a_script_that_leaves_brackets_open(script: str) -> None:
    (finding,) = found(item("a", test=script), rule="script-syntax")
    assert finding.endswith("behind its end: something is left open, or closed once too often")


def test_without_scripts_the_engine_is_not_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.sandbox.v8.Worker", None)
    assert found(item("a", test="  \n "), rule="script-syntax") == []
    with pytest.raises(TypeError):
        found(item("a", test="x"), rule="script-syntax")


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("pm.execution.setNextRequest('Lst')", "a › test line 1: setNextRequest names `Lst`, which is no request here; did you mean `Last`?"),
        ("\n\npostman.setNextRequest(`Q`)", "a › test line 3: setNextRequest names `Q`, which is no request here"),
        ("const u = 'http://x'; postman.setNextRequest( \"Q\" )", "a › test line 1: setNextRequest names `Q`, which is no request here"),
    ],
)  # fmt: skip
def test_set_next_request_to_nowhere(script: str, said: str) -> None:
    assert found(item("a", test=script), item("Last"), rule="unknown-next-request") == [said]


@pytest.mark.parametrize(
    "script",
    [
        "pm.execution.setNextRequest('Last')",
        "pm.execution.setNextRequest(null)",
        "pm.execution.setNextRequest(name)",
        "pm.execution.setNextRequest(`${name}`)",
        "pm.execution.setNextRequest('Q' + i)",
        "// pm.execution.setNextRequest('Q')",
        "/* pm.execution.setNextRequest('Q') */",
        "console.log(\"pm.execution.setNextRequest('Q')\")",
    ],
)
def test_set_next_request_that_is_fine_or_cannot_be_known(script: str) -> None:
    assert found(item("a", test=script), item("Last"), rule="unknown-next-request") == []


def test_names_that_set_next_request_cannot_tell_apart() -> None:
    twins = [item("Same"), {"name": "F", "item": [item("Same"), item("Other")]}, item("Other")]
    jump = item("a", test="pm.execution.setNextRequest('Same')")
    said = "a › test line 1: setNextRequest names `Same`, as 2 requests are called; the last one would run: F › Same"
    assert found(jump, *twins, rule="ambiguous-next-request") == [said]
    assert found(*twins, rule="ambiguous-next-request") == []
    known = item("a", test="pm.execution.setNextRequest('id-1')")
    assert found(known, {**item("id-1"), "id": "id-1"}, item("id-1"), rule="ambiguous-next-request") == []


# ---------------------------------------------------------------------------------------------------------------- bodies


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1,}', "a › body line 1: no valid JSON: Expecting property name enclosed in double quotes"),
        ('{\n  /* x\n y */ "a": 1\n  "b": {{b}}\n}', "a › body line 4: no valid JSON: Expecting ',' delimiter"),
        ('{"a": {{b}}', "a › body line 1: no valid JSON: Expecting ',' delimiter"),
        ('{"a": NaN}', "a › body: no valid JSON: there is no NaN"),
        ("[" * 100_000, "a › body: no valid JSON: it is nested too deeply"),
    ],
    ids=["comma", "line", "variable", "nan", "deep"],
)
def test_bodies_that_are_no_json(text: str, said: str) -> None:
    assert found(item("a", method="POST", body=raw(text)), rule="invalid-json") == [said]
    header = [{"key": "content-type", "value": "application/vnd.x+json; charset=utf-8"}]
    assert found(item("a", method="POST", header=header, body=raw(text, None)), rule="invalid-json") == [said]
    assert found(item("a", method="POST", body=raw(text, "text")), rule="invalid-json") == []


@pytest.mark.parametrize(
    "text",
    [
        '{"a": {{b}}, "c": "{{d}} and \\" // no comment", {{more}}: 1}'.replace("{{more}}", '"m"'),
        '{ // why\n "a": [{{list}}, <<other>>] }',
        "{{whole}}",
        '{"a": 1 {{rest}}}',
        '{"a": 1, {{members}}}',
        "  ",
        "{{$randomInt}}",
    ],
)
def test_bodies_that_are_json_whatever_their_variables_hold(text: str) -> None:
    assert found(item("a", method="POST", body=raw(text)), rule="invalid-json") == []


def test_graphql_variables() -> None:
    body = {"mode": "graphql", "graphql": {"query": "{ x }", "variables": '{"a": {{a}}'}}
    said = "a › body variables line 1: no valid JSON: Expecting ',' delimiter"
    assert found(item("a", method="POST", body=body), rule="invalid-json") == [said]
    body["graphql"]["variables"] = '{"a": {{a}}}'  # type: ignore[index]
    assert found(item("a", method="POST", body=body), rule="invalid-json") == []


def test_texts_made_to_be_slow_are_not() -> None:
    hard = (
        "/*" * 100_000,
        '"' * 99_999,
        "{{" * 100_000,
        "<<" * 100_000,
        "※" * 99_999,
        "'`\"" * 50_000,
        "setNextRequest('" * 20_000,
    )
    started = time.process_time()
    for text in hard:
        for rule in ("invalid-json", "placeholder", "unknown-next-request", "plain-secret", "unresolved-variable"):
            found(item("a", method="POST", body=raw(text), test=text), rule=rule)
    assert time.process_time() - started < 5


# ---------------------------------------------------------------------------------------------- placeholders and secrets


def test_placeholders_everywhere() -> None:
    header = [{"key": "X-Key", "value": "<Your API key>"}, {"key": "X-Off", "value": "TODO", "disabled": True}]
    auth = {"type": "basic", "basic": [{"key": "username", "value": "<insert name>"}]}
    request = item("a", url="http://h/<your-id>?q=CHANGEME", header=header, auth=auth, body=raw('{\n"x": "※write here※"}'))
    said = found({"name": "F", "auth": auth, "item": [request]}, rule="placeholder", variable=[{"key": "v", "value": "TODO"}])
    assert [line.removesuffix(" is to be replaced with a value") for line in said] == [
        "variable v: `TODO`",
        "F › auth: `<insert name>`",
        "F › a › header X-Key: `<Your API key>`",
        "F › a › url: `<your-id>`",
        "F › a › url: `CHANGEME`",
        "F › a › body line 2: `※write here※`",
        "F › a › auth: `<insert name>`",
    ]
    assert in_environment("placeholder", Variable(key="k", value="<enter key>"), Variable(key="n", value=1)) == [
        "variable k: `<enter key>` is to be replaced with a value"
    ]


def test_what_an_openapi_schema_leaves_is_a_placeholder() -> None:
    header = [{"key": "X", "value": "<string>"}]
    request = item("a", url="http://h/<uuid>/x?limit=<integer>&q=1", header=header, body=raw('{"at": "<dateTime>"}'))
    ends = ["header X: `<string>`", "url: `<uuid>`", "url: `<integer>`", "body: `<dateTime>`"]
    assert found(request, rule="placeholder") == [f"a › {end} is to be replaced with a value" for end in ends]


def test_ordinary_texts_are_no_placeholders() -> None:
    body = raw("<string>a</string>\n<date>b</date> <yours><put/><enter>todo</enter> a ※ b <a href='x'> <your>", "xml")
    assert found(item("a", url="http://h/todo/mastodon?a<b=your", body=body), rule="placeholder") == []


def test_what_only_the_extension_knows_to_be_a_placeholder() -> None:
    body = raw('{"CANO": "12345678"}')
    query = [{"key": "user_id", "value": "abc1234"}, {"key": "user_id", "value": "me"}]
    url = {"raw": "", "host": ["{{VTS}}"], "path": ["uapi", "x"], "query": query}
    said = [": `CANO 12345678` is to be replaced with a value", ": `user_id abc1234` is to be replaced with a value"]
    assert found(item("a", url=url, method="POST", body=body), rule="placeholder") == [f"a{line}" for line in said]
    elsewhere = {**url, "host": ["h"]}
    assert found(item("a", url=elsewhere, method="POST", body=body), rule="placeholder") == []


def test_secrets_in_plain_text() -> None:
    header = [
        {"key": "Authorization", "value": "Bearer abc.def.1234567"},
        {"key": "X-Api-Key", "value": "{{key}}"},
        {"key": "Cookie", "value": "theme=dark"},
        {"key": "X-Off-Token", "value": "off", "disabled": True},
        {"key": "X-Note", "value": "Bearer abc.def.1234567"},
    ]
    auth = {"type": "apikey", "apikey": [{"key": "key", "value": "X-Mine"}, {"key": "value", "value": "s3cr3t"}]}
    url = {"raw": "", "host": ["h"], "query": [{"key": "access_token", "value": "t0k3n"}, {"key": "page", "value": "1"}]}
    safe = {"type": "basic", "basic": [{"key": "username", "value": "me"}, {"key": "password", "value": "{{pw}}"}]}
    said = found(
        {"name": "F", "auth": auth, "item": [item("a", url=url, header=header, auth=safe)]},
        rule="plain-secret",
        variable=[{"key": "client_secret", "value": "s3cr3t"}, {"key": "token_url", "value": "http://h"}, {"key": "token"}],
    )
    why = "is a secret in plain text; leave it to a variable that is filled when it runs"
    assert said == [
        f"variable client_secret: `client_secret` {why}",
        f"F › auth: `value` {why}",
        f"F › a › header Authorization: `Authorization` {why}",
        f"F › a › header X-Note: `X-Note` {why}",
        f"F › a › query access_token: `access_token` {why}",
    ]
    assert "s3cr3t" not in str(said) and "abc.def" not in str(said)


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"body": raw('{"user": "me", "password": "hunter2"}')}, "a › body: `body` holds"),
        ({"body": {"mode": "urlencoded", "urlencoded": [{"key": "client_secret", "value": "s3cr3t"}]}}, "a › body: `client_secret` is"),
        ({"body": {"mode": "formdata", "formdata": [{"key": "apiKey", "value": "k-1"}]}}, "a › body: `apiKey` is"),
        ({"url": "https://h/?access_token=t0k3n"}, "a › url: `url` holds"),
        ({"url": "https://me:hunter2@h/"}, "a › url: `url` holds"),
        ({"url": {"host": ["h"], "auth": {"user": "me", "password": "hunter2"}}}, "a › url: `password` is"),
    ],
)  # fmt: skip
def test_secrets_in_body_and_url(request_: dict[str, Any], said: str) -> None:
    why = "a secret in plain text; leave it to a variable that is filled when it runs"
    assert found(item("a", **request_), rule="plain-secret") == [f"{said} {why}"]


@pytest.mark.parametrize(
    "request_",
    [
        {"body": raw('{"password": "{{password}}", "token": <<token>>, "client_secret": "※yours※"}')},
        {"body": {**raw('{"password": "hunter2"}'), "disabled": True}},
        {"body": {"mode": "urlencoded", "urlencoded": [{"key": "client_secret", "value": "s3cr3t", "disabled": True}]}},
        {"body": {"mode": "raw", "urlencoded": [{"key": "client_secret", "value": "s3cr3t"}], "raw": "plain"}},
        {"url": "https://{{user}}:{{password}}@h/?access_token={{token}}&page=1"},
        {"url": {"host": ["h"], "auth": {"user": "me", "password": "{{password}}"}}},
        {"url": {"host": ["h"], "auth": {"user": "me"}}},
    ],
)
def test_variables_placeholders_and_what_is_not_sent_are_no_secrets(request_: dict[str, Any]) -> None:
    assert found(item("a", **request_), rule="plain-secret") == []


def test_secrets_in_an_environment() -> None:
    values = [
        Variable(key="db", value="postgres://me:hunter2@h/x"),
        Variable(key="plain", value="x1", type="secret"),
        Variable(key="pwd", value=1234),
        Variable(key="apiKey", value=""),
        Variable(key="hasToken", value=True),
        Variable(key="password", value="{{vault}}"),
        Variable(key="host", value="h"),
    ]
    said = in_environment("plain-secret", *values)
    assert [line.partition(": `")[0] for line in said] == ["variable db", "variable plain", "variable pwd"]
    assert "hunter2" not in str(said)


def test_unknown_behaviors() -> None:
    folder = {"name": "F", "protocolProfileBehavior": {"followRedirect": True}, "item": [item("a"), item("b")]}
    said = found(folder, rule="unknown-behavior", protocolProfileBehavior={"strictSSL": False, "zzz": 1})
    assert said == [
        "protocolProfileBehavior: there is no `zzz`",
        "F › protocolProfileBehavior: there is no `followRedirect`; did you mean `followRedirects`?",
    ]


# ------------------------------------------------------------------------------------------------------- files and faces


def test_files_say_themselves_what_they_are(tmp_path: Path) -> None:
    double = {"key": "a", "value": ""}
    texts = {
        "e.json": {"name": "e", "values": [double, double]},
        "g.json": {"globals": {"values": [double, double]}},
        "l.json": [double, double],
        "c.json": {"collection": {"info": {"name": "c"}, "item": [item("r")], "variable": [double, double]}},
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(json.dumps(text))
        (finding,) = runner.lint(tmp_path / name)
        assert (finding.rule, finding.file) == ("duplicate-variable", str(tmp_path / name))
    (tmp_path / "n.json").write_text("{}")
    with pytest.raises(LoadError, match="is not a Postman collection"):
        list(lint(tmp_path / "n.json"))


def test_nothing_to_mend_in_what_comes_with_pabal_but_its_blanks() -> None:
    files = [*(ROOT / "collections").glob("*.json"), *(ROOT / "environments").glob("*.json")]
    rules = [name for name in RULES if name not in ("unresolved-variable", "placeholder")]
    assert files and not [str(each) for file in files for each in lint(file, rules=rules)]


def invoke(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(command, words, standalone_mode=False)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.return_value, done.stdout


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "c,1.json"
    path.write_text(
        json.dumps({"info": {}, "item": [item("50% a\nb", url="http://{{x}}/TODO")], "variable": {"token": "secret1"}})
    )
    return str(path)


def test_rules_are_chosen(file: str) -> None:
    def rules(*words: str) -> list[str]:
        return [entry["rule"] for entry in json.loads(invoke(file, "--format", "json", *words)[1])]

    assert rules() == ["unresolved-variable", "placeholder", "plain-secret"]
    assert rules("--select", "placeholder", "--select", "plain-secret") == ["placeholder", "plain-secret"]
    assert rules("--ignore", "placeholder", "--ignore", "plain-secret") == ["unresolved-variable"]
    assert invoke(file, "--select", "placeholder", "--ignore", "placeholder") == (0, "")


def test_json_names_all_fields(file: str) -> None:
    status, out = invoke(file, "--format", "json", "--select", "placeholder")
    message = "`TODO` is to be replaced with a value"
    expected = {"message": message, "place": "50% a\nb › url", "line": None, "rule": "placeholder", "file": file}
    assert (status, json.loads(out)) == (1, [expected])
    assert invoke(file, "--format", "json", "--select", "script-syntax") == (0, "[]\n")


def test_github_and_text_stay_on_their_line(file: str) -> None:
    _, out = invoke(file, "--format", "github", "--select", "placeholder")
    quoted = file.replace(",", "%2C")
    assert out == f"::error file={quoted},title=placeholder::50%25 a%0Ab › url: `TODO` is to be replaced with a value\n"
    _, out = invoke(file, "--select", "placeholder")
    assert out == f"{file} › 50% a\\nb › url: placeholder: `TODO` is to be replaced with a value\n"


def test_the_environment_given_counts(file: str, tmp_path: Path) -> None:
    environment = tmp_path / "e.json"
    environment.write_text('{"values": [{"key": "x", "value": "h"}]}')
    assert invoke(file, "-e", str(environment), "--select", "unresolved-variable") == (0, "")
    assert invoke(file, "--env-var", "x=h", "--select", "unresolved-variable") == (0, "")
    assert invoke(file, "--select", "unresolved-variable")[0] == 1


def test_the_help_names_every_rule() -> None:
    named = " ".join(invoke("--help")[1].replace("│", " ").split())
    assert all(re.search(rf"\b{rule}\b", named) for rule in RULES)


def test_the_documentation_has_every_rule() -> None:
    page = (ROOT / "docs/lint.md").read_text("utf-8")
    assert re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE) == list(RULES)


def test_the_hook_for_pre_commit() -> None:
    hook = (ROOT / ".pre-commit-hooks.yaml").read_text("utf-8")
    assert re.search(r"^  entry: pabal lint$", hook, re.MULTILINE)
    (pattern,) = re.findall(r"^  files: (.+)$", hook, re.MULTILINE)
    names = [path.name for folder in ("collections", "environments") for path in (ROOT / folder).glob("*.json")]
    assert names and all(re.search(pattern, name) for name in [*names, "a/my.postman_globals.json"])
    assert not re.search(pattern, "package.json")


def test_what_is_looked_at_is_what_would_run() -> None:
    collection = collection_from_json({"item": [item("a", url="http://{{x}}"), item("b", url="http://{{y}}")]})
    with Session(collection, Options(folders=("b",))) as session:
        assert [finding.place for finding in session.findings()] == ["b"]
