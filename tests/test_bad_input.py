"""Whatever is given to the command: no traceback, a message that names the place, and the documented exit status."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner import auth
from runner.behavior import BEHAVIORS
from runner.cli import main
from runner.errors import ExitCode
from runner.reporters import BUILT_IN
from tests.fakes import FakeSandbox
from tests.malformed import Bad, everything

BAD = everything()
ROOT = Path(__file__).parent.parent
Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def pabal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs the command in this process, in a folder of its own; every request meets a proxy that refuses it."""
    monkeypatch.chdir(tmp_path)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setattr("sys.stdin", TextIOWrapper(BytesIO(b'{"values": []}')))

    def run(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["pabal", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run


def lay_out(bad: Bad, folder: Path) -> None:
    for name, text in bad.files.items():
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())


def check(bad: Bad, status: int, err: str) -> None:
    said = re.sub(r"[\s│╭╰╮╯─]+", " ", err)
    assert (status, "Traceback" in err) == (bad.status, False), err
    for what in bad.says:
        assert " ".join(what.split()) in said, err


def test_there_is_enough_of_it() -> None:
    assert len(BAD) > 250
    assert len({(bad.words, tuple(bad.files.items()), tuple(bad.environ.items())) for _, bad in BAD}) == len(BAD)
    assert {bad.status for _, bad in BAD} == {ExitCode.USAGE, ExitCode.UNREADABLE, ExitCode.NOTHING_RAN}


@pytest.mark.parametrize("bad", [bad for _, bad in BAD], ids=[name for name, _ in BAD])
def test_bad_input(bad: Bad, pabal: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_out(bad, tmp_path)
    for name, value in bad.environ.items():
        monkeypatch.setenv(name, value)
    status, _, err = pabal(*bad.words)
    check(bad, status, err)


@pytest.mark.parametrize("name", ["shape-0", "collection-3", "globals-7", "data-4", "number-2", "option-0", "config-0"])
def test_the_same_in_a_process_of_its_own(name: str, tmp_path: Path) -> None:
    bad = dict(BAD)[name]
    lay_out(bad, tmp_path)
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "COLUMNS": "300", **bad.environ}
    environ |= {name: value for name, value in os.environ.items() if name.startswith("COV")}
    command = [sys.executable, "-m", "runner", *bad.words]
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60)
    check(bad, done.returncode, done.stderr)


# ----------------------------------------------------------------------------------- collections that are nearly right

TEXT = st.sampled_from(
    ["", "a", "{{x}}", "<<y>>", "{{", "가", "\ud800", "\0", "\r\n", "%zz", "a b", ":", "//", "http://[::", "$guid"]
)
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 10**20) | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(TEXT | st.sampled_from(["key", "value", "type", "src"]), inner, max_size=2),
    max_leaves=4,
)  # fmt: skip


def either(fine: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mostly what it should be, now and then anything."""
    return st.integers(0, 60).flatmap(lambda chance: ANYTHING if chance == 0 else fine)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object with any of these fields."""
    return st.fixed_dictionaries({}, optional={name: either(field) for name, field in fields.items()})


OF_OTHER_KINDS = {"maxRedirects", "disabledSystemHeaders", "protocolVersion", "tlsDisabledProtocols", "tlsCipherSelection"}
PARAMS = st.lists(either(some(key=TEXT, value=TEXT | st.none(), disabled=st.booleans(), type=TEXT)), max_size=3)
FORM = st.lists(either(some(key=TEXT, value=TEXT, type=st.sampled_from(["text", "file"]), src=TEXT | st.lists(TEXT))), max_size=2)
AUTH = st.sampled_from(sorted(auth.registry())).flatmap(lambda kind: some(type=st.just(kind), **{kind: PARAMS}))
BEHAVIOR = some(maxRedirects=st.integers(0, 3), **dict.fromkeys(BEHAVIORS - OF_OTHER_KINDS, st.booleans()))
BODY = some(
    mode=st.sampled_from(["raw", "urlencoded", "formdata", "file", "graphql"]),
    raw=TEXT,
    urlencoded=PARAMS,
    formdata=FORM,
    file=some(src=TEXT, content=TEXT),
    graphql=some(query=TEXT, variables=TEXT),
    options=some(raw=some(language=st.just("json"))),
)
URL = TEXT | some(
    raw=TEXT,
    protocol=st.sampled_from(["http", "https", "ftp"]),
    host=TEXT | st.lists(TEXT, max_size=2),
    port=st.sampled_from(["1", "0", "99999", "x"]),
    path=TEXT | st.lists(TEXT, max_size=2),
    query=PARAMS,
    variable=PARAMS,
)
REQUEST = URL | some(
    method=st.sampled_from(["GET", "POST", "get", "M Y", ""]), url=URL, header=PARAMS | TEXT, body=BODY, auth=AUTH
)
EVENTS = st.lists(some(listen=st.sampled_from(["test", "prerequest"]), script=some(exec=TEXT | st.lists(TEXT))), max_size=2)
EXAMPLES = st.lists(some(name=TEXT, code=st.integers(0, 999), header=PARAMS, body=TEXT, originalRequest=REQUEST), max_size=1)
OWN: dict[str, st.SearchStrategy[Any]] = {"name": TEXT, "event": EVENTS, "protocolProfileBehavior": BEHAVIOR}
ITEM = some(request=REQUEST, response=EXAMPLES, **OWN)
TREE = st.recursive(ITEM, lambda inner: some(item=st.lists(inner, max_size=2), auth=AUTH, **OWN), max_leaves=3)
COLLECTION = st.builds(
    dict.__or__,
    some(info=some(name=TEXT), auth=AUTH, variable=PARAMS, event=EVENTS),
    st.fixed_dictionaries({"item": either(st.lists(TREE, min_size=1, max_size=3))}),
)
ENVIRONMENT = some(name=TEXT, values=PARAMS)
ROWS = st.lists(st.dictionaries(TEXT, ANYTHING, max_size=2), max_size=2)
EXPORTS = [word for name in ("json", "junit", "html", "markdown") for word in (f"--reporter-{name}-export", f"report.{name}")]
RUN = ("run", "c.json", "-r", ",".join(BUILT_IN), *EXPORTS, "--verbose")
NEARLY = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def written(name: str, data: Any) -> str:
    Path(name).write_text(json.dumps(data))
    return name


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Scripts do nothing: what is looked at is what comes before and after them."""
    monkeypatch.setattr("runner.sandbox.v8.V8Sandbox", lambda: FakeSandbox({}))
    yield


@NEARLY
@given(collection=COLLECTION, environment=either(ENVIRONMENT), data=either(ROWS))
def test_nearly_right_runs_or_is_refused_with_its_place(
    pabal: Command, no_engine: None, collection: Any, environment: Any, data: Any
) -> None:
    words = (*RUN, "-e", written("e.json", environment), "-d", written("d.json", data), "-n", "2")
    written("c.json", collection)
    status, _, err = pabal(*words)
    assert "Traceback" not in err
    if status == ExitCode.UNREADABLE:
        assert re.match(r"error: [ced]\.json: ", err)
    else:
        assert status in (ExitCode.OK, ExitCode.BROKEN, ExitCode.NOTHING_RAN), err


@NEARLY
@given(collection=COLLECTION, environment=either(ENVIRONMENT))
def test_nearly_right_is_looked_at_without_sending_anything(
    pabal: Command, no_engine: None, collection: Any, environment: Any
) -> None:
    files = (written("c.json", collection), written("e.json", environment))
    for words in (("lint", *files), ("vars", "c.json"), ("codegen", "c.json", "-o", "out"), ("run", "c.json", "--dry-run")):
        status, _, err = pabal(*words, "-e", "e.json")
        assert "Traceback" not in err
        assert status in set(ExitCode) - {ExitCode.USAGE, ExitCode.REFUSED, ExitCode.INTERRUPTED}, err
