"""Collections under load: Locust in processes of its own, because importing it makes the importing one cooperative."""

from __future__ import annotations

import json
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.servers import Recorder, answer
from tests.test_process import children, environ, gone

HEAD = """
import json, os
from pathlib import Path
from locust import constant, events
from locust.runners import WorkerRunner
from runner import Options, Settings
from runner.locust_user import CollectionUser

@events.quit.add_listener
def write(**_):
    if not isinstance(ENVIRONMENT.runner, WorkerRunner):
        requests = [(method, name, entry.num_requests) for (name, method), entry in ENVIRONMENT.stats.entries.items()]
        failures = [(error.method, error.name, error.to_dict()["error"]) for error in ENVIRONMENT.stats.errors.values()]
        Path("out.json").write_text(json.dumps([requests, failures]))

@events.init.add_listener
def keep(environment, **_):
    global ENVIRONMENT
    ENVIRONMENT = environment

class Smoke(CollectionUser):
    collection = Path(__file__).parent / "c.json"
"""


@dataclass(frozen=True, slots=True)
class Done:
    """How Locust ended, and what its statistics say: requests and failures by type and name."""

    status: int
    err: str
    requests: dict[tuple[str, str], int]
    failures: dict[tuple[str, str], str]


class Load:
    """A folder with a collection and a locustfile, and Locust in it."""

    def __init__(self, folder: Path, recorder: Recorder) -> None:
        self.folder, self.recorder = folder, recorder
        self.started: list[subprocess.Popen[str]] = []

    def write(self, *items: Any, lines: str = "options = Options(iterations=1)", **more: Any) -> None:
        base = [{"key": "base", "value": self.recorder.url("").rstrip("/")}]
        more = {"info": {"name": "c"}, "variable": base, **more}
        self.folder.joinpath("c.json").write_text(json.dumps({**more, "item": list(items)}))
        self.folder.joinpath("locustfile.py").write_text(HEAD + "".join(f"    {line}\n" for line in lines.splitlines()))

    def start(self, *words: str, **more: Any) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "locust", *words]
        pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, **more}
        self.started.append(subprocess.Popen(command, cwd=self.folder, env=environ(), text=True, **pipes))
        return self.started[-1]

    def run(self, *words: str, users: int = 1, seconds: int = 80) -> Done:
        process = self.start("--headless", "-u", str(users), "-r", str(users), "-t", f"{seconds}s", "--only-summary", *words)
        err = process.communicate(timeout=100)[1]
        return self.done(process.returncode, err)

    def done(self, status: int, err: str) -> Done:
        requests, failures = json.loads(self.folder.joinpath("out.json").read_text())
        return Done(
            status, err, {(type, name): count for type, name, count in requests}, {(t, n): text for t, n, text in failures}
        )

    @property
    def paths(self) -> list[str]:
        return [request.target for request in self.recorder.requests]


@pytest.fixture
def load(tmp_path: Path, recorder: Recorder) -> Iterator[Load]:
    load = Load(tmp_path, recorder)
    yield load
    for process in load.started:  # what a test that fails left running
        process.kill()


def item(name: str, path: str, test: str = "", prerequest: str = "", **request: Any) -> dict[str, Any]:
    scripts = [("test", test), ("prerequest", prerequest)]
    events = [{"listen": listen, "script": {"exec": code}} for listen, code in scripts if code]
    url = path if "://" in path else "{{base}}" + path
    return {"name": name, "request": {"method": "GET", "url": url, **request}, "event": events}


def test_requests_and_failed_assertions_are_in_the_statistics(load: Load) -> None:
    ask = "await pm.sendRequest(pm.variables.get('base') + '/asked')"
    load.write(
        {
            "name": "Orders",
            "item": [
                item("list", "/list", "pm.test('good', () => {}); pm.test('bad', () => pm.expect(1).to.eql(2))"),
                item("make", "/make", prerequest=ask, method="POST"),
            ],
        },
        item("closed", "http://127.0.0.1:1/"),
        item("broken", "/broken", "nope()"),
        item("secret", "/secret", "pm.test('kept', () => pm.expect(pm.environment.get('api_token')).to.eql('other'))"),
        lines="options = Options(iterations=1, env_vars={'api_token': 'tok-5f2e8c9a1b77'})",
    )
    done = load.run()
    assert "tok-5f2e8c9a1b77" not in done.err
    assert done.requests == {
        ("GET", "Orders/list"): 1,
        ("TEST", "Orders/list › bad"): 1,
        ("GET", "Orders/make › script"): 1,
        ("POST", "Orders/make"): 1,
        ("GET", "closed"): 1,
        ("GET", "broken"): 1,
        ("SCRIPT", "broken › test of broken"): 1,
        ("GET", "secret"): 1,
        ("TEST", "secret › kept"): 1,
    }
    assert done.failures == {
        ("TEST", "Orders/list › bad"): "AssertionError('expected 1 to deeply equal 2')",
        ("GET", "closed"): "SendError('connect ECONNREFUSED 127.0.0.1:1')",
        ("SCRIPT", "broken › test of broken"): "RunBroken('ReferenceError: nope is not defined')",
        ("TEST", "secret › kept"): """AssertionError("expected '****' to deeply equal 'other'")""",
    }
    assert load.paths == ["/list", "/asked", "/make", "/broken", "/secret"]
    assert done.status == 1


def test_variables_and_the_order_of_requests_are_a_users_own(load: Load) -> None:
    """Though both users have their scripts run by one engine."""
    load.write(
        item("count", "/count?{{mine}}", "pm.environment.set('mine', (pm.environment.get('mine') || 0) + 1)"),
        item("skipped", "/never", prerequest="pm.execution.skipRequest()"),
        item("jump", "/jump", "pm.execution.setNextRequest('last')"),
        item("over", "/over"),
        item("last", "/last"),
        lines="options = Options(iterations=2)\nengines = 1",
    )
    done = load.run(users=2)
    assert Counter(load.paths) == {"/count?{{mine}}": 2, "/jump": 4, "/last": 4, "/count?1": 2}
    assert done.status == 0, done.err


def test_a_script_of_one_user_does_not_hold_up_another(load: Load) -> None:
    """All that the other user sends arrives before what follows the endless script, which ends after its second."""
    load.write(
        item("start", "/start", "if (pm.iterationData.get('slow')) pm.execution.setNextRequest('endless')"),
        item("quick", "/quick", "pm.execution.setNextRequest(null)"),
        item("endless", "/endless", "while (true) {}"),
        item("after", "/after"),
        lines="""\
options = Options(data=[{"slow": True}, *[{}] * 10], settings=Settings(script_timeout=1000))
at_end = "stop"
engines = 2""",
    )
    done = load.run(users=2)
    told = "RunBroken('Error: sandbox: synchronous script execution timeout')"
    assert done.failures == {("SCRIPT", "endless › test of endless"): told}
    assert load.paths.index("/after") > [n for n, path in enumerate(load.paths) if path == "/quick"][9]


@pytest.mark.parametrize(("at_end", "taken"), [("stop", ["a", "b", "c"]), ("start over", ["a", "b", "c", "a", "b"])])
def test_rows_are_taken_in_order(load: Load, at_end: str, taken: list[str]) -> None:
    load.folder.joinpath("rows.csv").write_text("id\na\nb\nc\n")
    load.write(item("row", "/{{id}}"), lines=f"options = Options(data='rows.csv', iterations=5)\nat_end = {at_end!r}")
    assert load.run().status == 0
    assert load.paths == [f"/{row}" for row in taken]


def test_no_row_is_taken_twice_by_several_users(load: Load) -> None:
    rows = [{"id": number} for number in range(20)]
    load.write(item("row", "/{{id}}"), item("again", "/again/{{id}}"), lines=f"options = Options(data={rows})\nat_end = 'stop'")
    assert load.run(users=3).status == 0
    assert sorted(load.paths) == sorted(f"/{kind}{row}" for row in range(20) for kind in ("", "again/"))


def test_a_user_stops_where_a_run_would(load: Load) -> None:
    failing = item("first", "/first", "pm.test('no', () => pm.expect(1).to.eql(2))")
    load.write(failing, item("second", "/second"), lines="options = Options(settings=Settings(bail=True))")
    done = load.run()
    assert (load.paths, "a user stops: no" in done.err) == (["/first"], True), done.err


ENDLESS = {
    "nothing": item("busy", "/"),
    "endless script": item("slow", "/slow", "while (true) {}"),
    "server": item("slow", "http://{mute}/"),
}


@pytest.mark.parametrize(("where", "how"), [*((where, signal.SIGINT) for where in ENDLESS), ("endless script", signal.SIGTERM)])
def test_it_ends_at_once_and_leaves_no_child(load: Load, where: str, how: signal.Signals) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        slow = json.loads(json.dumps(ENDLESS[where]).replace("{mute}", f"127.0.0.1:{mute.getsockname()[1]}"))
        load.write(item("quick", "/", "pm.test('ok', () => {})"), slow, lines="options = Options()\nengines = 2")
        process = load.start("--headless", "-u", "3", "-r", "3")
        while len(load.recorder.requests) < 3:
            time.sleep(0.02)
        time.sleep(0.3)
        engines = children(process.pid)
        process.send_signal(how)
        err = process.communicate(timeout=10)[1]
    assert "Traceback" not in err, err
    assert 1 <= len(engines) <= 2 and all(gone(pid) for pid in engines)


def test_the_run_time_ends_it_too(load: Load) -> None:
    load.write(ENDLESS["endless script"])
    begun = time.monotonic()
    assert load.run(seconds=1).status == 0
    assert time.monotonic() - begun < 10


def test_a_master_divides_rows_among_its_workers(load: Load) -> None:
    rows = [{"id": number} for number in range(21)]
    path = "/{{id}}"
    load.write(
        item("row", path, "pm.test('odd', () => pm.expect(pm.iterationData.get('id') % 2).to.eql(1))"),
        lines=f"options = Options(data={rows})\nat_end = 'stop'",
    )
    port = str(free_port())
    workers = [load.start("--worker", "--master-port", port) for _ in range(2)]
    try:
        done = load.run("--master", "--master-bind-port", port, "--expect-workers", "2", users=2)
        ends = [(worker.communicate(timeout=10)[1], worker.returncode) for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
    assert sorted(int(path[1:]) for path in load.paths) == list(range(21))
    assert done.requests == {("GET", "row"): 21, ("TEST", "row › odd"): 11}
    assert all("Traceback" not in err for err, _ in ends), ends


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def test_no_order_and_nothing_for_the_broker_leaves(load: Load) -> None:
    order = {"method": "POST", "header": [{"key": "tr_id", "value": "TTTC0802U"}]}
    load.write(
        item("real order", "https://openapi.koreainvestment.com:9443/uapi/domestic-stock/v1/trading/order-cash", **order),
        item("price", "https://openapivts.koreainvestment.com:29443/uapi/domestic-stock/v1/quotations/inquire-price"),
        item("order", "/uapi/domestic-stock/v1/trading/order-cash", **order),
        item("else", "/else"),
        lines="options = Options(iterations=1, environ={'HTTPS_PROXY': 'http://127.0.0.1:9', 'NO_PROXY': '127.0.0.1'})",
    )
    done = load.run()
    assert load.paths == ["/else"]
    assert {name: text.partition(": refused: ")[2].partition("\\n")[0] for (_, name), text in done.failures.items()} == {
        "real order": "a load test sends nothing to the broker",
        "price": "a load test sends nothing to the broker",
        "order": "a load test sends no orders, not even to a stand-in for the broker')",
    }


def test_locusts_host_goes_into_a_variable(load: Load) -> None:
    load.write(item("one", "/one"), lines="options = Options(iterations=1)\nhost_variable = 'base'", variable=[])
    assert load.run("--host", load.recorder.url("").rstrip("/")).status == 0
    assert load.paths == ["/one"]


def test_a_body_larger_than_the_pipe_comes_over_tls_and_reaches_the_script(load: Load, tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with Recorder(tls=context, routes={"/": answer(body=b"x" * 5_000_000)}) as recorder:
        whole = "pm.test('all', () => pm.expect(pm.response.text().length).to.eql(5_000_000))"
        large = item("large", f"https://localhost:{recorder.port}/", whole)
        load.write(large, lines="options = Options(iterations=2, ssl_extra_ca_certs='ca.pem')")
        assert (load.run(users=2).failures, len(recorder.requests)) == ({}, 4)


@pytest.mark.parametrize(
    ("lines", "status", "told"),
    [
        ("options = Options(environment='none.json')", 3, "none.json: cannot be read"),
        ("options = Options(exclude=('one',))", 2, "there is no request to run"),
        ("options = Options(extras={'allow_real_orders': True})", 2, "a load test sends no orders"),
        ("del collection", 2, "Smoke: no collection is given"),
    ],
)
def test_what_is_wrong_with_the_files_is_told_before_it_starts(load: Load, lines: str, status: int, told: str) -> None:
    load.write(item("one", "/one"), lines=lines)
    process = load.start("--headless", "-u", "1", "-t", "5s")
    err = process.communicate(timeout=30)[1]
    assert (process.returncode, told in err, "Traceback" in err) == (status, True, False), err


def test_a_variable_without_a_value_ends_it_if_so_wished(load: Load) -> None:
    load.write(item("one", "/{{missing}}"), lines="options = Options(settings=Settings(fail_on_unresolved=True))")
    path = load.folder / "locustfile.py"
    path.write_text(f"from runner.plan import Settings\n{path.read_text()}")
    process = load.start("--headless", "-u", "1", "-t", "20s")
    err = process.communicate(timeout=30)[1]
    told = "a user stops: these variables have no value: missing"
    assert (process.returncode, told in err, "Traceback" in err) == (2, True, False), err
    assert load.paths == []


def test_without_locust_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['locust'] = None; import runner.locust_user"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environ())
    assert done.stderr.endswith("ImportError: runner.locust_user needs Locust: pip install 'pabal[locust]'\n")


def test_nothing_else_imports_locust() -> None:
    code = """
import sys, runner.cli.run, runner.cli.locust, runner.pytest_plugin, runner.testing.collect, runner.client, runner.sandbox.pool
print([name for name in sys.modules if name.partition(".")[0] in ("locust", "gevent")])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environ(), check=True)
    assert done.stdout == "[]\n"
