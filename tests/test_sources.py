"""Where files come from: stdin, URLs and Postman's API, with a server on this machine in its place."""

from __future__ import annotations

import json
from typing import Any

import pytest

from runner.errors import LoadError
from runner.options import Options
from runner.outside import open_sources
from tests.conftest import Pabal
from tests.servers import Recorder, answer

UID = "1234567-0a1b2c3d-0a1b-4c3d-8e4f-0a1b2c3d4e5f"
KEY = "PMAK-not-a-real-key-0123456789"


def collection(url: str) -> dict[str, Any]:
    return {"info": {"name": "c"}, "item": [{"name": "{{who}}", "request": f"{url}?who={{{{who}}}}"}]}


def serve(recorder: Recorder, path: str, value: Any, **more: Any) -> str:
    recorder.routes[path] = answer(body=json.dumps(value).encode(), **more)
    return recorder.url(path)


def asked(recorder: Recorder) -> list[str]:
    return [request.target for request in recorder.requests]


def environment(who: str) -> dict[str, Any]:
    return {"name": "e", "values": [{"key": "who", "value": who}]}


def test_a_collection_from_stdin(pabal: Pabal, recorder: Recorder) -> None:
    done = pabal("run", "-", "--env-var", "who=me", stdin=json.dumps(collection(recorder.url("/"))).encode())
    assert (done.status, asked(recorder)) == (0, ["/?who=me"]), done.err


@pytest.mark.parametrize("option", ["-e", "-g", "-d"])
def test_every_other_input_from_stdin(pabal: Pabal, recorder: Recorder, option: str) -> None:
    path = serve(recorder, "/c.json", collection(recorder.url("/")))
    content: Any = [{"who": "you"}] if option == "-d" else environment("you")
    done = pabal("run", path, option, "-", stdin=json.dumps(content).encode())
    assert (done.status, asked(recorder)[1:]) == (0, ["/?who=you"]), done.err


def test_stdin_is_read_once(pabal: Pabal, recorder: Recorder) -> None:
    done = pabal("run", "-", "-e", "-", stdin=json.dumps(collection(recorder.url("/"))).encode())
    assert (done.status, recorder.requests) == (2, [])
    assert "stdin can be read only once" in done.err


def test_a_header_that_the_key_cannot_be(pabal: Pabal, recorder: Recorder) -> None:
    done = pabal("run", UID, "--postman-api-url", recorder.url("/"), "--postman-api-key", "k\r\nX: y")
    assert (done.status, recorder.requests) == (3, [])


def test_nothing_on_stdin(pabal: Pabal) -> None:
    done = pabal("run", "-")
    assert done.status == 3 and done.err.startswith("error: -: is not valid JSON"), done.err


def test_everything_from_urls(pabal: Pabal, recorder: Recorder) -> None:
    words = ["run", serve(recorder, "/c", {"collection": collection(recorder.url("/"))})]
    words += ["-e", serve(recorder, "/e", {"environment": environment("env")})]
    words += ["-g", serve(recorder, "/g", {"globals": environment("glob")})]
    words += ["-d", serve(recorder, "/d", [{"who": "one"}, {"who": "two"}])]
    done = pabal(*words)
    assert done.status == 0, done.err
    assert sorted(asked(recorder)[:4]) == ["/c", "/d", "/e", "/g"]
    assert asked(recorder)[4:] == ["/?who=one", "/?who=two"]
    for fetched in recorder.requests[:4]:
        assert fetched.method == "GET" and fetched.values("user-agent")[0].startswith("pabal/")
        assert fetched.values("x-api-key") == []


def test_a_redirect_is_followed_and_cookies_stay_out_of_the_run(pabal: Pabal, recorder: Recorder) -> None:
    moved = [("Location", serve(recorder, "/new", collection(recorder.url("/")), headers=[("Set-Cookie", "a=1")]))]
    recorder.routes["/old"] = answer(302, moved, reason="Found")
    done = pabal("run", recorder.url("/old"), "--ignore-redirects", "--env-var", "who=me")
    assert (done.status, asked(recorder)) == (0, ["/old", "/new", "/?who=me"]), done.err
    assert recorder.last.values("cookie") == []


def test_a_uid_is_looked_up_with_the_key(pabal: Pabal, recorder: Recorder, monkeypatch: pytest.MonkeyPatch) -> None:
    serve(recorder, f"/collections/{UID}", {"collection": collection(recorder.url("/"))})
    serve(recorder, f"/environments/{UID}", {"environment": environment("api")})
    monkeypatch.setenv("PABAL_POSTMAN_API_KEY", KEY)
    done = pabal("run", UID, "-e", UID, "--postman-api-url", recorder.url("/"))
    assert done.status == 0, done.err
    assert asked(recorder) == [f"/collections/{UID}", f"/environments/{UID}", "/?who=api"]
    assert [request.values("x-api-key") for request in recorder.requests] == [[KEY], [KEY], []]


def test_the_key_of_an_api_url_moves_into_the_header(pabal: Pabal, recorder: Recorder) -> None:
    path = serve(recorder, "/collections/x", {"collection": collection(recorder.url("/"))})
    done = pabal("run", f"{path}?a=1&apikey={KEY}&b=", "--postman-api-url", recorder.url("/"), "--postman-api-key", "PMAK-other")
    assert done.status == 0, done.err
    assert recorder.requests[0].target == "/collections/x?a=1&b="
    assert recorder.requests[0].values("x-api-key") == [KEY]


def test_a_strangers_apikey_is_left_alone(pabal: Pabal, recorder: Recorder) -> None:
    path = serve(recorder, "/c.json", collection(recorder.url("/")))
    assert pabal("run", f"{path}?apikey=theirs", "--postman-api-key", KEY).status == 0
    assert recorder.requests[0].target == "/c.json?apikey=theirs"
    assert recorder.requests[0].values("x-api-key") == []


def test_the_key_follows_no_redirect(pabal: Pabal, recorder: Recorder) -> None:
    with Recorder() as stranger:
        recorder.routes[f"/collections/{UID}"] = answer(302, [("Location", stranger.url("/"))], reason="Found")
        done = pabal("run", UID, "--postman-api-key", KEY, "--postman-api-url", recorder.url("/"))
        assert (done.status, stranger.requests) == (3, [])
    assert "the server answered 302 Found, not 200" in done.err and KEY not in done.err


@pytest.mark.parametrize(("code", "hint"), [(401, "--postman-api-key"), (404, "check the address or the UID"), (500, "500")])
@pytest.mark.parametrize("option", ["-e", "-g", "-d", None])
def test_an_answer_other_than_200(pabal: Pabal, recorder: Recorder, code: int, hint: str, option: str | None) -> None:
    recorder.routes["/x"] = answer(code, reason="Nope")
    words = ["run", recorder.url("/x")]
    if option:
        words = ["run", serve(recorder, "/c", collection(recorder.url("/"))), option, recorder.url("/x")]
    done = pabal(*words)
    assert (done.status, done.out) == (3, "")
    assert done.err.startswith(f"error: {recorder.url('/x')}: the server answered {code} Nope, not 200") and hint in done.err


@pytest.mark.parametrize(
    "url", ["http://", "http://[::1/x", "https://127.0.0.1:99999/", "http://a b/", "http://127.0.0.1:1/\ud800"]
)
def test_addresses_that_are_none(pabal: Pabal, url: str) -> None:
    done = pabal("run", url)
    assert done.status == 3 and "cannot be fetched" in done.err


def test_nobody_answers(pabal: Pabal) -> None:
    done = pabal("run", f"http://127.0.0.1:1/c.json?apikey={KEY}")
    assert done.status == 3 and "cannot be fetched: connect ECONNREFUSED" in done.err
    assert KEY not in done.err


def test_a_page_instead_of_a_collection(pabal: Pabal, recorder: Recorder) -> None:
    recorder.routes["/x"] = answer(body=b"<html>")
    done = pabal("run", f"{recorder.url('/x')}?apikey={KEY}")
    assert done.status == 3 and "is not valid JSON" in done.err and KEY not in done.err


def test_a_uid_without_a_key(pabal: Pabal) -> None:
    done = pabal("run", UID)
    assert (done.status, done.err) == (
        3,
        f"error: {UID}: is no file, and as a UID it needs an API key\n  give it with --postman-api-key\n",
    )


def test_a_file_with_the_name_of_a_uid_wins(pabal: Pabal, recorder: Recorder, tmp_path: Any) -> None:
    (tmp_path / UID).write_text(json.dumps(collection(recorder.url("/"))))
    assert pabal("run", UID, "--postman-api-key", KEY).status == 0
    assert asked(recorder) == ["/?who={{who}}"]


def test_the_key_is_in_no_report(pabal: Pabal, recorder: Recorder) -> None:
    echo = {"name": KEY, "request": recorder.url("/"), "event": [{"listen": "test", "script": {"exec": f"console.log('{KEY}')"}}]}
    path = serve(recorder, "/c.json", {"info": {"name": "c"}, "item": [echo]})
    done = pabal("run", path, "--postman-api-key", KEY, "-r", "cli,json", "--reporter-json-export", "-", "--verbose")
    assert done.status == 0 and "PMAK****6789" in done.out
    assert KEY not in done.out + done.err
    assert KEY not in pabal("run", "--show-config", "--postman-api-key", KEY).out
    assert KEY not in repr(Options(postman_api_key=KEY))


def test_globals_and_data_have_no_uid(recorder: Recorder) -> None:
    sources = open_sources(Options(postman_api_key=KEY, postman_api=recorder.url("/")))
    for read in (sources.globals, sources.rows):
        with pytest.raises(LoadError, match="cannot be read"):
            read(UID)
    assert recorder.requests == []
