"""Scripts that misbehave fail alone, with one clear error, and leave no process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from runner.errors import SandboxError
from runner.sandbox import Assertion, Console, Execution, RequestCall, Running, ScriptError
from runner.sandbox.v8 import MEGABYTE, V8Sandbox
from tests.scripts import REQUEST, run


@pytest.fixture(scope="module")
def sandbox() -> Iterator[V8Sandbox]:
    with V8Sandbox(memory_limit=150 * MEGABYTE, sync_limit=1000) as made:
        yield made


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z" if Path("/proc").exists() else True


def gone_within(pid: int, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.02)
    return not alive(pid)


ENDLESS = {
    "loop": "while (true) {}",
    "microtasks": "(async () => { while (true) await null })()",
    "blocked": "Atomics.wait(new Int32Array(new SharedArrayBuffer(8)), 0, 0)",
    "backtracking": "/(a+)+$/.test('a'.repeat(60) + 'b')",
    "finally": "(function f() { try { f() } finally { f() } })()",
}


@pytest.mark.parametrize("kind", ENDLESS)
def test_a_script_that_never_yields(sandbox: V8Sandbox, kind: str) -> None:
    start = time.monotonic()
    ran = run(sandbox, f"console.log('before'); {ENDLESS[kind]}", timeout=200)
    assert time.monotonic() - start < 4
    assert ran.printed == ["before"]
    assert [error.message for error in ran.of(ScriptError)] == ["sandbox: synchronous script execution timeout"]
    assert run(sandbox, "console.log('next')").printed == ["next"]


def test_the_limit_without_a_timeout(sandbox: V8Sandbox) -> None:
    assert "timeout" in run(sandbox, "for (;;);").result.error.message


@pytest.mark.parametrize("code", ["setTimeout(() => {}, 60000)", "setInterval(() => {}, 5)"])
def test_a_script_that_yields_and_does_not_end(sandbox: V8Sandbox, code: str) -> None:
    ran = run(sandbox, code, timeout=100)
    assert [error.message for error in ran.of(ScriptError)] == ["sandbox: asynchronous script execution timeout"]


def test_a_script_that_waits_for_nothing(sandbox: V8Sandbox) -> None:
    message = run(sandbox, "await new Promise(() => {})").result.error.message
    assert message == "sandbox: the script waits for something that never happens"


@pytest.mark.parametrize(
    "code",
    ["const a = []; for (;;) a.push(new Array(1e5).fill(1))", "const a = []; for (;;) a.push(new Uint8Array(1e7).fill(1))"],
)
def test_a_script_that_eats_memory(sandbox: V8Sandbox, code: str) -> None:
    ran = run(sandbox, code, timeout=20_000)
    (error,) = ran.of(ScriptError)
    assert "150 MB of memory" in error.message
    assert run(sandbox, "console.log('next')").printed == ["next"]


def test_a_script_that_prints_100_megabytes(sandbox: V8Sandbox) -> None:
    ran = run(sandbox, "for (let i = 0; i < 1000; i++) console.log('x'.repeat(100000)); pm.test('still', () => {})")
    (error,) = ran.of(ScriptError)
    assert "console output" in error.message
    assert sum(len(each.messages[0]) for each in ran.of(Console)) <= MEGABYTE
    assert [each.name for each in ran.of(Assertion)] == ["still"]


BREAKING = [
    "Array.prototype.push = () => { throw new Error('no') }; JSON.stringify = null; Map.prototype.get = null",
    "Promise.prototype.then = null",
    "Object.prototype.toJSON = () => 1",
    "Object.defineProperty = null; Function.prototype.call = null",
]


@pytest.mark.parametrize("code", BREAKING)
def test_a_script_that_breaks_the_language_breaks_it_for_itself(sandbox: V8Sandbox, code: str) -> None:
    run(sandbox, code, timeout=1000)
    after = run(sandbox, "pm.test('next', () => {}); pm.environment.set('a', 1)")
    assert [each.passed for each in after.of(Assertion)] == [True]
    assert after.result.error is None


def test_what_cannot_be_written_as_json_takes_nothing_with_it(sandbox: V8Sandbox) -> None:
    code = "pm.environment.set('a', 1); pm.visualizer.set('x', { toJSON() { throw new Error('no') } }); pm.test('t', () => { throw { get message() { throw 1 } } })"
    ran = run(sandbox, code)
    assert [each.key for each in ran.result.environment] == ["a"]
    assert ran.of(Assertion)[0].error is not None


REACHING = """
const root = Function('return this')();
const seen = new Set(), found = [];
(function walk(value, path, depth) {
    if (depth > 4 || (typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value)) return;
    seen.add(value);
    for (const key of Reflect.ownKeys(value)) {
        if (/^(bridge|dispatch|memory|questions|turn|say|answer|escapeName|seed|__uvm.*)$/.test(String(key))) found.push(path + '.' + String(key));
        let next; try { next = value[key] } catch (e) { continue }
        walk(next, path + '.' + String(key), depth + 1);
    }
})(root, 'root', 0);
console.log(found);
console.log(typeof root.bridge, typeof root.setTimeout, typeof root.process, typeof require('fs').readFileSync, typeof root.fetch);
let caller; try { caller = (function f() { return f.caller && f.caller.caller })() } catch (e) { caller = null }
console.log(caller);
"""


def test_scripts_cannot_reach_the_host(sandbox: V8Sandbox) -> None:
    reached, kinds, *_ = (each.messages for each in run(sandbox, REACHING).of(Console))
    assert reached == ([],)
    assert kinds == ("undefined",) * 5


def test_a_script_given_up_half_way_leaves_a_fresh_engine(sandbox: V8Sandbox) -> None:
    conversation = sandbox.run(Execution(listen="test", code="pm.sendRequest('http://localhost/', () => {})", request=REQUEST))
    assert isinstance(next(conversation), Running)
    assert isinstance(next(conversation), RequestCall)
    conversation.close()
    assert run(sandbox, "console.log('next')").printed == ["next"]


def test_a_killed_worker_is_one_error_and_is_replaced(sandbox: V8Sandbox) -> None:
    conversation = sandbox.run(Execution(listen="test", code="pm.sendRequest('http://localhost/', () => {})", request=REQUEST))
    next(conversation)
    next(conversation)
    os.kill(sandbox.pid, signal.SIGKILL)
    with pytest.raises(StopIteration) as end:
        while True:
            conversation.send(None)
    assert "ended the engine" in end.value.value.error.message
    assert run(sandbox, "console.log('next')").printed == ["next"]


def test_closing_leaves_no_process() -> None:
    made = V8Sandbox()
    made.warm()
    pid = made.pid
    made.close()
    assert not alive(pid)
    made.close()


PARENT = """
    import sys, time
    from runner.sandbox import Execution
    from runner.sandbox.v8 import V8Sandbox
    box = V8Sandbox()
    script = box.run(Execution(listen="test", code=sys.argv[1], request={"url": "http://localhost"}))
    next(script)
    print(box.pid, flush=True)
    next(script)
    time.sleep(60)
"""


@pytest.mark.parametrize(
    "code", ["console.log(1); setTimeout(() => {}, 60000)", "console.log(1); setTimeout(() => { for (;;); }, 30)"]
)
def test_the_worker_ends_with_a_parent_that_was_killed(code: str) -> None:
    command = [sys.executable, "-c", textwrap.dedent(PARENT), code]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(Path.cwd())})
    with parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        time.sleep(0.1)
        parent.kill()
    assert gone_within(pid, 3)


def test_an_interrupt_is_not_for_the_worker(sandbox: V8Sandbox) -> None:
    sandbox.warm()
    run(sandbox, "1")
    os.kill(sandbox.pid, signal.SIGINT)
    assert run(sandbox, "console.log('on')").printed == ["on"]


def test_a_missing_bootcode_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SandboxError, match="install pabal again"):
        V8Sandbox(bootcode=tmp_path / "none.js").warm()


def test_a_broken_bootcode_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "bootcode.js").write_text("throw new Error('no')")
    box = V8Sandbox(bootcode=tmp_path / "bootcode.js")
    with pytest.raises(SandboxError, match="did not start"):
        run(box, "1")
    box.close()
