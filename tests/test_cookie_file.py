"""Cookie jars in files: Newman's are read, Newman reads ours, and a malformed one names the place."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.cookie_file import cookies_json, load_cookies
from runner.cookies import Jar
from runner.errors import LoadError
from runner.model import Cookie
from tests.conftest import Pabal
from tests.servers import Recorder, answer
from tests.test_process import ROOT

TOUGH = ROOT / "benchmarks" / "npm" / "node_modules" / "@postman" / "tough-cookie"
TIMES = {"creation": "2026-11-26T20:06:01.316Z", "lastAccessed": "2026-11-26T20:06:01.357Z"}
# What `newman run --export-cookie-jar` 6.2.2 wrote after an answer with four Set-Cookie headers.
NEWMAN: dict[str, Any] = {
    "version": "tough-cookie@4.1.3-postman.1",
    "storeType": "MemoryCookieStore",
    "rejectPublicSuffixes": False,
    "enableLooseMode": True,
    "allowSpecialUseDomain": True,
    "prefixSecurity": "silent",
    "cookies": [
        {"key": "a", "value": "1", "domain": "127.0.0.1", "path": "/", "httpOnly": True, "hostOnly": True, **TIMES}
        | {"sameSite": "lax"},
        {"key": "b", "value": "2", "maxAge": 3600, "domain": "127.0.0.1", "path": "/", "hostOnly": False}
        | {"pathIsDefault": True, **TIMES},
        {"key": "c", "value": "3", "expires": "2037-10-21T07:28:00.000Z", "domain": "127.0.0.1", "path": "/deep"}
        | {"secure": True, "hostOnly": True, **TIMES},
        {"value": "nameless", "domain": "127.0.0.1", "path": "/", "hostOnly": True, "pathIsDefault": True, **TIMES},
    ],
}


def load(folder: Path, data: Any) -> tuple[Cookie, ...]:
    (folder / "jar.json").write_text(data if isinstance(data, str) else json.dumps(data))
    return load_cookies(folder / "jar.json")


def test_newmans_jar_is_read(tmp_path: Path) -> None:
    a, b, c, nameless = load(tmp_path, NEWMAN)
    created = datetime(2026, 11, 26, 20, 6, 1, 316000, tzinfo=UTC).timestamp()
    assert (a.name, a.value, a.http_only, a.host_only, a.same_site, a.created) == ("a", "1", True, True, "lax", created)
    assert (b.expires, b.host_only, b.path_is_default) == (created + 3600, False, True)
    assert (c.expires, c.secure, c.path) == (datetime(2037, 10, 21, 7, 28, tzinfo=UTC).timestamp(), True, "/deep")
    assert (nameless.name, nameless.value, nameless.expires) == ("", "nameless", None)


texts = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters=";="), min_size=1, max_size=8)
times = st.integers(0, 4102444800).map(float)


@given(
    st.lists(
        st.builds(
            Cookie,
            name=texts,
            value=texts,
            domain=texts,
            path=texts.map(lambda text: "/" + text),
            expires=st.none() | times,
            secure=st.booleans(),
            http_only=st.booleans(),
            host_only=st.booleans(),
            same_site=st.sampled_from([None, "lax", "strict", "none"]),
            created=times,
            accessed=times,
            path_is_default=st.booleans(),
        ),
        max_size=3,
    )
)
def test_a_jar_comes_back_as_it_was_written(tmp_path_factory: pytest.TempPathFactory, cookies: list[Cookie]) -> None:
    assert load(tmp_path_factory.getbasetemp(), cookies_json(cookies)) == tuple(cookies)


def entry(**changes: Any) -> dict[str, Any]:
    return {"cookies": [NEWMAN["cookies"][0] | changes]}


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("{", "is not valid JSON"),
        ([], "expected an object, found a list"),
        ({}, "is not a cookie jar: it has no list of cookies"),
        ({"cookies": {}}, "is not a cookie jar: it has no list of cookies"),
        ({"cookies": ["a=1"]}, "cookie 1: expected an object, found text"),
        ({"cookies": [*NEWMAN["cookies"], {"key": "x", "value": "y"}]}, "cookie 5: has no domain"),
        (entry(value=5), "cookie 1 › value: expected text, found a number"),
        (entry(secure="yes"), "cookie 1 › secure: expected true or false, found text"),
        (entry(expires="soon"), 'cookie 1 › expires: expected a time such as 2030-12-31T23:59:59.000Z, found "soon"'),
        (entry(maxAge="long"), "cookie 1 › maxAge: expected a number of seconds, found text"),
        (entry(maxAge=True), "cookie 1 › maxAge: expected a number of seconds, found true or false"),
        ('{"cookies": [{"domain": "h", "maxAge": NaN}]}', "cookie 1 › maxAge: expected a number of seconds"),
    ],
)
def test_a_malformed_jar_names_the_place(tmp_path: Path, data: Any, text: str) -> None:
    with pytest.raises(LoadError) as caught:
        load(tmp_path, data)
    assert text in str(caught.value) and "jar.json" in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "expires"),
    [
        ({"expires": None}, None),
        ({"expires": "Infinity"}, None),
        ({"maxAge": "Infinity"}, None),
        ({"maxAge": "-Infinity"}, float("-inf")),
        ({"expires": "Thu, 01 Jan 1970 00:01:00 GMT"}, 60.0),
        ({"expires": "1970-01-02"}, 86400.0),
    ],
)
def test_times_in_other_forms(tmp_path: Path, changes: Any, expires: float | None) -> None:
    assert load(tmp_path, entry(**changes))[0].expires == expires


def test_a_run_starts_with_the_file_and_leaves_another(pabal: Pabal, tmp_path: Path, recorder: Recorder) -> None:
    today = {"creation": datetime.now(UTC).isoformat()}
    (tmp_path / "in.json").write_text(json.dumps({"cookies": [cookie | today for cookie in NEWMAN["cookies"]]}))
    (tmp_path / "c.json").write_text(json.dumps({"info": {"name": "C"}, "item": [{"name": "R", "request": recorder.url()}]}))
    recorder.answers(answer(headers=[("Set-Cookie", "new=4; Path=/"), ("Set-Cookie", "a=; Max-Age=0; Path=/")]))
    done = pabal("run", "c.json", "--cookie-jar", "in.json", "--export-cookie-jar", "out.json")
    assert done.status == 0, done.err
    assert recorder.last.values("Cookie") == ["a=1; b=2; nameless"]
    left = json.loads((tmp_path / "out.json").read_text())
    assert {key: value for key, value in left.items() if key != "cookies"}.keys() == NEWMAN.keys() - {"cookies"}
    assert [(one["key"], one["value"]) for one in left["cookies"]] == [("b", "2"), ("c", "3"), ("", "nameless"), ("new", "4")]


def test_an_unreadable_jar_stops_the_command_before_anything_is_sent(pabal: Pabal, tmp_path: Path, recorder: Recorder) -> None:
    (tmp_path / "c.json").write_text(json.dumps({"info": {"name": "C"}, "item": [{"name": "R", "request": recorder.url()}]}))
    done = pabal("run", "c.json", "--cookie-jar", "none.json")
    assert (done.status, recorder.requests) == (3, [])


TOUGH_READS = """
const { CookieJar } = require(process.argv[1]);
const jar = CookieJar.fromJSON(require('fs').readFileSync(process.argv[2], 'utf8'));
console.log(jar.getCookieStringSync(process.argv[3]));
"""


@pytest.mark.skipif(not (TOUGH.exists() and shutil.which("node")), reason="Newman is not installed (make bench installs it)")
@pytest.mark.parametrize(("url", "sent"), [("http://h.example/", "s=1; p=2"), ("https://h.example/deep/x", "d=3; s=1; p=2")])
def test_newmans_library_reads_our_jar(tmp_path: Path, url: str, sent: str) -> None:
    jar = Jar()
    jar.store("https://h.example/", ["s=1", "p=2; Max-Age=600; Domain=h.example", "d=3; Secure; Path=/deep", "e=4; Max-Age=0"])
    (tmp_path / "jar.json").write_text(json.dumps(cookies_json(jar.all())))
    command = ["node", "-e", TOUGH_READS, str(TOUGH), str(tmp_path / "jar.json"), url]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() == sent
