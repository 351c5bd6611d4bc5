"""Script engines that several runs share: how many there are, who waits, and what no script finds of another."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from runner.sandbox import Console, Conversation, Execution, Running, Sandbox, ScriptError, ScriptResult
from runner.sandbox.pool import PATIENCE, Pool
from runner.sandbox.v8 import V8Sandbox
from tests.scripts import run


class Fake:
    """An engine without scripts that counts how often it is used, and ended."""

    def __init__(self) -> None:
        self.ran = self.closed = 0

    def run(self, execution: Execution) -> Conversation:
        yield Running()
        self.ran += 1
        return ScriptResult()

    def replace_in(self, texts: tuple[str, ...]) -> tuple[str, ...]:
        return texts

    def syntax_error(self, code: str) -> ScriptError | None:
        return None

    def warm(self) -> None: ...

    def close(self) -> None:
        self.closed += 1


def begin(sandbox: Sandbox) -> Conversation:
    conversation = sandbox.run(Execution(listen="test", code=""))
    next(conversation)
    return conversation


def finish(conversation: Conversation) -> None:
    with pytest.raises(StopIteration):
        next(conversation)


@pytest.fixture
def made() -> list[Fake]:
    return []


@pytest.fixture
def pool(made: list[Fake]) -> Pool:
    def make() -> Fake:
        made.append(Fake())
        return made[-1]

    return Pool(make, 2)


def test_engines_are_made_when_they_are_needed_and_used_again(pool: Pool, made: list[Fake]) -> None:
    first, second = pool.share(), pool.share()
    first.warm()
    for share in (first, second, first):
        finish(begin(share))
    assert [engine.ran for engine in made] == [3]
    one, other = begin(first), begin(second)
    finish(one)
    finish(other)
    assert [engine.ran for engine in made] == [4, 1]


def test_only_a_first_engine_is_started_before_it_is_needed(pool: Pool, made: list[Fake]) -> None:
    share = pool.share()
    share.warm()
    outer = begin(share)
    pool.share().warm()
    assert len(made) == 1
    finish(outer)


def test_a_short_script_is_waited_for_before_there_is_another_engine(pool: Pool, made: list[Fake]) -> None:
    finish(begin(pool.share()))
    outer = begin(pool.share())
    threading.Timer(PATIENCE / 4, lambda: finish(outer)).start()
    finish(begin(pool.share()))
    assert [engine.ran for engine in made] == [3]


def test_who_finds_none_free_waits(pool: Pool, made: list[Fake]) -> None:
    busy = [begin(pool.share()), begin(pool.share())]
    third = threading.Thread(target=lambda: finish(begin(pool.share())))
    third.start()
    third.join(0.1)
    assert third.is_alive()
    finish(busy[0])
    third.join(5)
    assert not third.is_alive() and len(made) == 2


def test_what_runs_within_a_script_does_not_wait_for_another_engine(made: list[Fake]) -> None:
    def make() -> Fake:
        made.append(Fake())
        return made[-1]

    share = Pool(make, 1).share()
    outer = begin(share)
    finish(begin(share))
    assert share.replace_in(("a",)) == ("a",)
    finish(outer)
    assert [engine.ran for engine in made] == [2]


def test_a_script_that_is_given_up_gives_its_engine_back(pool: Pool, made: list[Fake]) -> None:
    for _ in range(5):
        begin(pool.share()).close()
    assert len(made) == 1


def test_the_last_share_ends_the_engines(pool: Pool, made: list[Fake]) -> None:
    shares = [pool.share(), pool.share()]
    finish(begin(shares[0]))
    shares[0].close()
    assert made[0].closed == 0
    shares[1].close()
    assert made[0].closed == 1


@pytest.fixture(scope="module")
def tidy() -> Iterator[V8Sandbox]:
    with V8Sandbox(tidy=True) as sandbox:
        run(sandbox, "1")
        yield sandbox


GLOBAL = "Function('return this')()"


@pytest.mark.parametrize(
    "code",
    [
        "left = 5",
        f"{GLOBAL}.left = 5",
        "(function () { this.left = 5 })()",
        f"Object.defineProperty({GLOBAL}, 'left', {{value: 5}})",
    ],
)
def test_what_a_script_leaves_undeclared_is_gone(tidy: V8Sandbox, code: str) -> None:
    assert run(tidy, f"{code}; console.log(typeof left)").printed == ["number"]
    assert run(tidy, "console.log(typeof left)").printed == ["undefined"]


def test_what_a_script_took_away_or_replaced_is_back(tidy: V8Sandbox) -> None:
    before = tidy.pid
    run(tidy, f"delete {GLOBAL}.Map; setTimeout = 3; {GLOBAL}.parseInt = () => 7")
    assert run(tidy, "console.log(typeof Map, typeof setTimeout, parseInt('1'))").printed == ["function", "function", 1]
    assert tidy.pid == before


def test_libraries_work_again_and_again(tidy: V8Sandbox) -> None:
    code = """
        require('xml2js').parseString('<a>1</a>', (_, found) => console.log(found.a));
        console.log(require('cheerio').load('<b>x</b>')('b').text(), require('moment').utc(0).year(), require('lodash').last([3]));
        console.log(require('crypto-js').MD5('a').toString().length, require('ajv') !== undefined, tv4.validate(1, {}));
    """
    for _ in range(3):
        ran = run(tidy, code)
        assert ran.of(ScriptError) == []
        assert [value for each in ran.of(Console) for value in each.messages] == ["1", "x", 1970, 3, 32, True, True]


def test_without_it_scripts_of_a_run_share_what_they_leave() -> None:
    with V8Sandbox() as sandbox:
        run(sandbox, "left = 5")
        assert run(sandbox, "console.log(typeof left)").printed == ["number"]
