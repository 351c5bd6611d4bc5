"""`pm.vault` and `{{vault:name}}`: from a file, from the keyring, or off; what comes out of it is masked."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from runner.cli.run import command
from runner.cli.vars import command as show_variables
from runner.errors import ExitCode, LoadError, UsageError
from runner.vault import VaultError, open_vault
from tests.fakes import item
from tests.servers import Recorder


def ran(tmp_path: Path, recorder: Recorder, script: str, *words: str, url: str = "/") -> tuple[int, str]:
    """Exit status and JSON report of a run of one request."""
    collection, report = tmp_path / "c.json", tmp_path / "r.json"
    collection.write_text(json.dumps({"info": {"name": "c"}, "item": [item("a", prerequest=script, url=recorder.url(url))]}))
    arguments = [str(collection), *words, "-r", "cli,json", "--disable-unicode", "--reporter-json-export", str(report)]
    return command(arguments, standalone_mode=False), report.read_text()


SCRIPT = """
const first = await pm.vault.get('api-key');
await pm.vault.set('mine', 'a-new-secret-value');
console.log('first', first, await pm.vault.get('mine'), await pm.vault.get('none'), await pm.vault.get('pin'));
await pm.vault.unset('api-key');
console.log('gone', await pm.vault.get('api-key'));
pm.request.headers.add({ key: 'X-Mine', value: await pm.vault.get('mine') });
"""


@pytest.mark.parametrize(
    ("name", "content"),
    [("v.json", '{"api-key": "the-stored-secret", "pin": 1234}'), ("v.env", "# mine\napi-key='the-stored-secret'\npin=1234\n")],
)
def test_a_file_gives_secrets_that_are_masked_everywhere(
    tmp_path: Path, recorder: Recorder, capsys: pytest.CaptureFixture[str], name: str, content: str
) -> None:
    vault = tmp_path / name
    vault.write_text(content)
    status, report = ran(tmp_path, recorder, SCRIPT, "--vault", str(vault), url="/{{vault:api-key}}?pin={{vault:pin}}")
    shown = capsys.readouterr().out
    assert status == ExitCode.OK
    assert recorder.last.values("x-mine") == ["a-new-secret-value"]
    assert recorder.last.target == "/%7B%7Bvault:api-key%7D%7D?pin=1234", "a secret that a script has removed is gone"
    assert "'first', '****', '****', null, '****'" in shown
    assert "'gone', null" in shown
    for secret in ("the-stored-secret", "a-new-secret-value", "1234"):
        assert secret not in shown + report
    assert vault.read_text() == content


def test_variables_of_the_vault_need_no_script(tmp_path: Path, recorder: Recorder, capsys: pytest.CaptureFixture[str]) -> None:
    vault = tmp_path / "v.json"
    vault.write_text('{"key": "the-stored-secret"}')
    status, report = ran(tmp_path, recorder, "", "--vault", str(vault), url="/x?k={{vault:key}}")
    assert (status, recorder.last.target) == (ExitCode.OK, "/x?k=the-stored-secret")
    assert "the-stored-secret" not in capsys.readouterr().out + report


def test_pabal_vars_knows_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vault, collection = tmp_path / "v.json", tmp_path / "c.json"
    vault.write_text('{"key": "the-stored-secret"}')
    collection.write_text(json.dumps({"info": {"name": "c"}, "item": [item("a", url="http://h/{{vault:key}}/{{vault:none}}")]}))
    assert show_variables([str(collection), "--vault", str(vault)], standalone_mode=False) == ExitCode.ASSERTION_FAILED
    shown = capsys.readouterr().out
    assert "1 without a value: vault:none" in shown
    assert "the-stored-secret" not in shown and "****" in shown


def test_without_the_option_scripts_get_a_clear_error(
    tmp_path: Path, recorder: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _ = ran(tmp_path, recorder, "await pm.vault.get('k')")
    assert status == ExitCode.BROKEN
    assert "pm.vault is off: say where the secrets are with --vault" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("v.json", "[1]", "expected an object of names and values, found a list"),
        ("v.json", '{"a": {}}', "the value of 'a' is neither text nor a number but an object"),
        ("v.json", '{"a": null}', "the value of 'a' is neither text nor a number but null"),
        ("v.json", "{", "JSON"),
        ("v.env", "A=1\n= 3", "line 2"),
        ("none.json", None, "cannot be read"),
        ("none", None, "cannot be read"),
    ],
)
def test_bad_files_are_told_by_name(tmp_path: Path, name: str, content: str | None, message: str) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_text(content)
    with pytest.raises(LoadError, match=message) as raised:
        open_vault(str(path))
    assert str(path) in raised.value.where


class KeyringError(Exception):
    """What keyring.errors has."""


def fake_keyring(monkeypatch: pytest.MonkeyPatch, kept: dict[tuple[str, str], str], broken: bool = False) -> None:
    def get(service: str, key: str) -> str | None:
        if broken:
            raise KeyringError("it is locked")
        return kept.get((service, key))

    module: Any = SimpleNamespace(
        get_password=get,
        set_password=lambda service, key, value: kept.update({(service, key): value}),
        delete_password=lambda service, key: kept.pop((service, key)),
        errors=SimpleNamespace(KeyringError=KeyringError),
    )
    monkeypatch.setitem(sys.modules, "keyring", module)


def test_the_keyring_keeps_what_scripts_set(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: dict[tuple[str, str], str] = {("pabal", "a"): "A"}
    fake_keyring(monkeypatch, kept)
    vault = open_vault("keyring")
    vault.set("b", "B")
    vault.unset("a")
    vault.unset("never there")
    assert (vault.get("a"), vault.get("b"), kept) == (None, "B", {("pabal", "b"): "B"})
    open_vault("keyring:staging").set("c", "C")
    assert kept["staging", "c"] == "C"


def test_a_locked_keyring_is_an_error_of_the_script(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, recorder: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    fake_keyring(monkeypatch, {}, broken=True)
    with pytest.raises(VaultError, match="the keyring does not answer: it is locked"):
        open_vault("keyring").get("a")
    status, _ = ran(tmp_path, recorder, "await pm.vault.get('k')", "--vault", "keyring", url="/{{vault:k}}")
    assert status == ExitCode.BROKEN
    assert "the keyring does not answer: it is locked" in capsys.readouterr().out


def test_without_the_package_the_keyring_is_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(UsageError, match="needs the package keyring"):
        open_vault("keyring")
