"""Access tokens: kept between runs and processes, never asked for twice within a minute, replaced once when they are dead."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from runner.errors import SendError
from runner.extension import Talk
from runner.kis import store as stores
from runner.kis.hosts import Hosts
from runner.kis.issuing import EARLY, PAUSE, Tokens
from runner.kis.simulator import Simulator
from runner.kis.store import Entry, Store, default_folder, digest
from runner.model import Prepared, Response
from tests.kis_runs import balance, failures, issues, notes, price, run, sent, token
from tests.kis_turns import MOCK

ROOT = Path(__file__).parent.parent
DEAD = {"VTS_TOKEN": "eyJ.dead.token-of-yesterday"}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return default_folder()


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(limits=False) as started:
        yield started


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json"))


# ----------------------------------------------------------------------------------------------------------- whole runs


def test_a_token_serves_the_next_run_as_if_the_server_had_sent_it(simulator: Simulator) -> None:
    seen = "pm.test('as sent', () => { const a = pm.response.json(); pm.expect([pm.response.code, a.token_type]).to.eql([200, 'Bearer']);"
    seen += "pm.expect(a.access_token).to.match(/^eyJ/); pm.expect(a.expires_in).to.be.within(86000, 86400); })"
    asking = token()
    asking["event"].append({"listen": "test", "script": {"exec": seen}})
    first, second = (run(simulator, asking, balance()) for _ in range(2))
    assert (sent(first), failures(first)) == (["item token 200", "item balance 200"], [])
    assert (sent(second), failures(second)) == (["item token 200 cached", "item balance 200"], [])
    assert issues(simulator) == 1


def test_the_files_are_for_this_user_only_and_name_no_key(simulator: Simulator, cache: Path) -> None:
    run(simulator, token())
    (file,) = files(cache)
    if os.name == "posix":
        assert [path.stat().st_mode & 0o777 for path in (cache, *cache.iterdir())] == [0o700, 0o600, 0o600]
    content = file.read_text()
    for name in ("VTS_APPKEY", "VTS_APPSECRET"):
        assert simulator.credentials[name] not in content
        assert simulator.credentials[name] not in str(list(cache.iterdir()))


def test_a_folder_that_others_may_read_is_closed_to_them(simulator: Simulator, cache: Path) -> None:
    cache.mkdir(parents=True)
    cache.chmod(0o755)
    run(simulator, token())
    assert cache.stat().st_mode & 0o077 == 0


def test_without_the_cache_nothing_is_reused_or_kept_but_the_time(simulator: Simulator, cache: Path) -> None:
    run(simulator, token(), token_cache=False)
    (file,) = files(cache)
    kept = json.loads(file.read_text())
    assert (kept["answer"], kept["asked"] > 0) == ({}, True)
    for_ever = {"answer": {"access_token": "eyJ.kept"}, "expires": 9e9, "secret": digest(simulator.credentials["VTS_APPSECRET"])}
    file.write_text(json.dumps({"asked": 0, **for_ever}))
    simulator.gateways["mock"]._oauth._issued.clear()
    assert sent(run(simulator, token(), token_cache=False)) == ["item token 200"]
    assert sent(run(simulator, token())) == ["item token 200 cached"]


def test_test_keys_stay_in_the_run(cache: Path, simulator: Simulator) -> None:
    happened = run(simulator, token(), balance(), iterations=2, simulate=True)
    assert sent(happened) == ["item token 200", "item balance 200", "item token 200 cached", "item balance 200"]
    assert not cache.exists()
    run(simulator, token(), simulate=True, token_cache=True)
    assert len(files(cache)) == 1


def test_a_revocation_removes_the_token(simulator: Simulator, cache: Path) -> None:
    revoke = token("revoke", path="/oauth2/revokeP")
    keys = json.loads(revoke["request"]["body"]["raw"])
    revoke["request"]["body"]["raw"] = json.dumps({**keys, "token": "{{VTS_TOKEN}}"})
    happened = run(simulator, token(), revoke, allow_revoke=True)
    assert sent(happened) == ["item token 200", "item revoke 200"]
    (file,) = files(cache)
    assert json.loads(file.read_text())["answer"] == {}
    assert "eyJ" not in file.read_text()


def test_a_dead_token_is_replaced_once_and_for_what_comes_after(simulator: Simulator) -> None:
    happened = run(simulator, balance(), price(), env=DEAD)
    assert sent(happened) == [
        "extension inquire-balance 500",
        "extension tokenP 200",
        "item balance 200",
        "item price 200",
    ]
    assert failures(happened) == []
    assert notes(happened) == ["EGW00121: the token is no longer good, a new one is issued"]
    assert happened[-1].environment.values  # type: ignore[union-attr]


def test_scripts_get_the_answer_to_the_new_token_too(simulator: Simulator) -> None:
    call = "pm.sendRequest({url: pm.environment.get('VTS') + '%s', header: {authorization: 'Bearer ' + pm.environment.get('VTS_TOKEN'),"
    call += "appkey: pm.environment.get('VTS_APPKEY'), appsecret: pm.environment.get('VTS_APPSECRET'), tr_id: 'FHKST01010100',"
    call += "'content-type': 'application/json'}}, (err, res) => pm.test('asked', () => pm.expect(res.json().rt_cd).to.eql('0')))"
    path = price()["request"]["url"].removeprefix("{{VTS}}")
    happened = run(simulator, price(pre=call % path), env=DEAD)
    assert failures(happened) == []
    assert sent(happened)[:3] == ["extension inquire-price 500", "extension tokenP 200", "script price 200"]


def test_a_token_that_another_process_has_fetched_is_taken(simulator: Simulator) -> None:
    run(simulator, token())
    happened = run(simulator, balance(), env=DEAD)
    assert sent(happened) == ["extension inquire-balance 500", "item balance 200"]
    assert issues(simulator) == 1


def test_a_simulated_run_gets_a_new_token_at_once(simulator: Simulator) -> None:
    happened = run(simulator, token(), balance(), price(), simulate=True, simulate_fault=["expire@1"])
    assert sent(happened)[1:] == ["extension inquire-balance 500", "extension tokenP 200", "item balance 200", "item price 200"]
    assert failures(happened) == []


def test_where_no_new_token_is_to_be_had_the_refusal_stands(simulator: Simulator) -> None:
    gateway = simulator.gateways["mock"]
    gateway._oauth._issued[simulator.credentials["VTS_APPKEY"]] = gateway._clock()
    happened = run(simulator, balance(), env=DEAD)
    assert sent(happened) == ["extension tokenP 403", "item balance 500"]
    assert failures(happened) == ["EGW00121 유효하지 않은 token 입니다."]


def test_parallel_processes_ask_once(simulator: Simulator, tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    path.write_text(json.dumps({"info": {"name": "kis"}, "item": [token(), balance()]}))
    words = [word for name, value in simulator.variables.items() for word in ("--env-var", f"{name}={value}")]
    command = [sys.executable, "-m", "runner", "run", str(path), *words]
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "XDG_CACHE_HOME": str(tmp_path)}
    started = [
        subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for _ in range(3)
    ]
    outputs = [process.communicate(timeout=60)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], outputs
    assert issues(simulator) == 1
    assert sum("cached" in output for output in outputs) == 2


# ------------------------------------------------------------------------------------------------------- minute and store


def ask(appkey: str = "key-of-the-test", secret: str = "secret-of-the-test", url: str = MOCK + "/oauth2/tokenP") -> Prepared:
    body = {"grant_type": "client_credentials", "appkey": appkey, "appsecret": secret}
    return Prepared(method="POST", url=url, body=json.dumps(body).encode())


class Desk:
    """Tokens of a run with a clock of its own."""

    def __init__(self, folder: Path | None = None, **manners: Any) -> None:
        self.now = 1_000_000.0
        where = (lambda: folder) if folder else None
        self.tokens = Tokens(Hosts(), Store(where), now=lambda: self.now, **manners)

    def issue(
        self, prepared: Prepared | None = None, outcome: Response | Exception | None = None
    ) -> tuple[list[str], float, Any]:
        """What one request for a token came to: lines, seconds it waited, and its response or error."""
        asked = prepared or ask()
        found = self.tokens.asked(asked)
        assert found
        talk, lines, waited = self.tokens.issue(asked, found), [], 0.0
        answer: Response | None = None
        while True:
            try:
                said = talk.send(answer)
                if isinstance(said, str):
                    lines.append(said)
                    continue
                answer = self.tokens.answer(said)
                if answer is None:
                    waited = self.tokens.pause(said)
                    self.now += waited
                    answer = granted() if outcome is None else outcome  # type: ignore[assignment]
                    if isinstance(answer, Exception):
                        talk.throw(answer)
            except StopIteration as stop:
                return lines, waited, stop.value
            except SendError as error:
                return lines, waited, error


def granted(life: Any = 86400, **more: Any) -> Response:
    body = {"access_token": "eyJ.new", "token_type": "Bearer", "expires_in": life, **more}
    return Response(code=200, reason="OK", url=MOCK, body=json.dumps(body).encode())


def refused() -> Response:
    body = {"error_code": "EGW00105", "error_description": "유효하지 않은 AppSecret입니다."}
    return Response(code=403, reason="Forbidden", url=MOCK, body=json.dumps(body, ensure_ascii=False).encode())


@pytest.mark.parametrize("life", [EARLY + 1, 3600, 86400.5])
def test_a_token_is_reused_until_shortly_before_its_end(life: float) -> None:
    desk = Desk()
    desk.issue(outcome=granted(life))
    desk.now += life - EARLY - 0.5
    lines, waited, response = desk.issue()
    assert (lines, waited, response.note) == ([], 0.0, "cached")
    assert json.loads(response.body)["expires_in"] == int(EARLY + 0.5)
    desk.now += 1
    assert desk.issue()[2].note == ""


@pytest.mark.parametrize(
    "outcome", [refused(), granted(life="soon"), granted(life=EARLY), SendError("socket hang up", code="ECONNRESET")]
)
def test_a_second_issue_waits_for_the_minute_to_be_over(outcome: Any) -> None:
    desk = Desk()
    desk.issue(outcome=outcome)
    desk.now += 20
    lines, waited, _ = desk.issue()
    assert waited == PAUSE - 20
    assert lines == ["waiting 41 s: the broker issues one token a minute for each app key"]
    desk.now += PAUSE
    assert desk.issue(ask("another key"))[:2] == ([], 0.0)


def test_a_request_that_reached_nobody_does_not_count() -> None:
    desk = Desk()
    desk.issue(outcome=SendError("connect ECONNREFUSED", code="ECONNREFUSED"))
    assert desk.issue()[1] == 0.0


def test_a_wait_that_is_broken_off_does_not_count() -> None:
    desk = Desk()
    desk.issue(outcome=refused())
    desk.now += 10
    found = desk.tokens.asked(ask())
    assert found
    for end in (lambda talk: talk.close(), lambda talk: talk.throw(SendError("not sent", code="ETIMEDOUT"))):
        talk = desk.tokens.issue(ask(), found)
        assert [next(talk), next(talk)] == ["waiting 51 s: the broker issues one token a minute for each app key", ask()]
        assert desk.tokens.pause(ask()) == PAUSE - 10
        with contextlib.suppress(SendError):
            end(talk)
    assert desk.issue()[1] == PAUSE - 10


def test_a_clock_that_was_set_back_holds_nothing_up_for_long() -> None:
    desk = Desk()
    desk.issue(outcome=refused())
    desk.now -= 3 * 86400
    assert desk.issue()[1] == PAUSE


def test_an_impatient_run_asks_at_once() -> None:
    desk = Desk(patient=False, reuse=False)
    assert [desk.issue()[1] for _ in range(3)] == [0.0, 0.0, 0.0]


def test_a_token_belongs_to_key_secret_and_host() -> None:
    desk = Desk()
    desk.issue()
    for other in (ask(appkey="other"), ask(secret="other"), ask(url="https://openapi.koreainvestment.com:9443/oauth2/tokenP")):
        assert desk.tokens.answer(other) is None
    for same in (ask(), ask(url=MOCK.upper() + "/oauth2/tokenP/"), ask(url=MOCK + ".//oauth2/tokenp".lstrip("."))):
        assert desk.tokens.answer(same) is not None


@pytest.mark.parametrize("change", [{"grant_type": "x"}, {"appkey": ""}, {"appsecret": None}, {"appkey": 1}])
def test_what_asks_for_no_token(change: dict[str, Any]) -> None:
    tokens = Desk().tokens
    body = {**json.loads(ask().body or b""), **change}
    assert tokens.asked(Prepared(method="POST", url=MOCK + "/oauth2/tokenP", body=json.dumps(body).encode())) is None
    assert tokens.asked(Prepared(method="GET", url=MOCK + "/oauth2/tokenP", body=ask().body)) is None
    assert tokens.asked(Prepared(method="POST", url=MOCK + "/oauth2/Approval", body=ask().body)) is None
    assert tokens.pause(Prepared(method="POST", url=MOCK + "/uapi/hashkey", body=ask().body)) == 0.0


@pytest.mark.parametrize("text", ["", "{", "[]", '{"asked": "x"}', '{"asked": 0, "expires": 9e9, "secret": "", "answer": 1}'])
def test_a_broken_file_is_as_good_as_none(tmp_path: Path, text: str) -> None:
    store = Store(lambda: tmp_path)
    store.keep("host:1", "key", Entry(asked=5.0, answer={"access_token": "x"}))
    (file,) = files(tmp_path)
    file.write_text(text)
    assert store.entry("host:1", "key") == Entry()
    assert not [path for path in tmp_path.iterdir() if path != file]


def test_what_is_kept_comes_back(tmp_path: Path) -> None:
    entry = Entry(asked=1.5, expires=2.5, secret=digest("가"), answer={"access_token": "eyJ", "말": "글"})
    for store in (Store(), Store(lambda: tmp_path)):
        store.keep("host:1", "key", entry)
        assert store.entry("host:1", "key") == entry
        assert store.entry("host:2", "key") == store.entry("host:1", "other") == Entry()


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = Store(lambda: tmp_path / "file" / "tokens")
    with pytest.raises(SendError, match=r"the token cache .*file/tokens cannot be used"), store.locked("host:1", "key"):
        pass


def test_a_process_that_keeps_the_key_to_itself_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "PATIENCE", 0.05)
    first, second = Store(lambda: tmp_path), Store(lambda: tmp_path)
    with first.locked("host:1", "key"):
        with pytest.raises(SendError, match="another process"), second.locked("host:1", "key"):
            pass
        with second.locked("host:1", "other"):
            pass
    with second.locked("host:1", "key"):
        pass


def test_a_lock_is_let_go_of_when_a_run_breaks_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "PATIENCE", 0.05)
    desk = Desk(tmp_path)
    found = desk.tokens.asked(ask())
    assert found
    talk: Talk = desk.tokens.issue(ask(), found)
    next(talk)
    talk.close()
    assert Desk(tmp_path).issue()[2].code == 200
