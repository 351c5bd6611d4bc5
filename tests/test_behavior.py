"""What of protocolProfileBehavior is read, merged and told to the user."""

from __future__ import annotations

from typing import Any

import pytest

from runner.assemble import run
from runner.behavior import BEHAVIORS, behavior_from_json, unmet
from runner.errors import LoadError
from runner.events import Noted, RequestSent
from runner.load import collection_from_json
from runner.options import Options
from runner.place import Where
from tests.servers import Recorder, answer


@pytest.mark.parametrize(
    ("behavior", "url", "texts"),
    [
        ({}, "https://h/", []),
        ({"protocolVersion": "http2"}, "http://h/", ["protocolVersion: the request goes out as HTTP/1.1 and not as http2"]),
        ({"protocolVersion": "auto"}, "http://h/", []),
        ({"tlsDisabledProtocols": ["TLSv1", "SSLv3"], "tlsCipherSelection": ["AES256-SHA"]}, "https://h/", []),
        ({"tlsDisabledProtocols": ["TLS9"], "tlsCipherSelection": ["TLS_AES_128_GCM_SHA256"]}, "http://h/", []),
        (
            {"tlsDisabledProtocols": ["TLS9"]},
            "HTTPS://h/",
            [
                "tlsDisabledProtocols: TLS9 is none of SSLv2, SSLv3, TLSv1, TLSv1_1, TLSv1_2, TLSv1_3, so nothing is disabled by it"
            ],
        ),
        (
            {"tlsCipherSelection": ["TLS_AES_128_GCM_SHA256", "AES256-SHA"]},
            "https://h/",
            ["tlsCipherSelection: TLS 1.3 goes out with all its suites, Python cannot choose TLS_AES_128_GCM_SHA256 among them"],
        ),
    ],
)
def test_what_cannot_be_done_is_told(behavior: Any, url: str, texts: list[str]) -> None:
    assert list(unmet(behavior_from_json(behavior, Where()), url)) == texts


@pytest.mark.parametrize(
    ("behavior", "text"),
    [
        ({"tlsDisabledProtocols": "TLSv1"}, "tlsDisabledProtocols: expected a list, found text"),
        ({"tlsCipherSelection": [1]}, "tlsCipherSelection: expected text, found a number"),
        ({"protocolVersion": 2}, "protocolVersion: expected text, found a number"),
    ],
)
def test_a_value_of_another_type_is_an_error(behavior: Any, text: str) -> None:
    with pytest.raises(LoadError) as caught:
        behavior_from_json(behavior, Where())
    assert str(caught.value) == text


def test_every_key_takes_null_for_absent() -> None:
    assert behavior_from_json(dict.fromkeys(BEHAVIORS), Where()) == {}


def responses(recorder: Recorder, behaviors: list[Any], **options: Any) -> list[RequestSent | Noted]:
    """A run of one request in two folders, with the behaviors of collection, outer folder, inner folder and item."""
    node: dict[str, Any] = {"name": "R", "request": recorder.url("/start"), "protocolProfileBehavior": behaviors.pop()}
    for name in ("inner", "outer"):
        node = {"name": name, "item": [node], "protocolProfileBehavior": behaviors.pop()}
    collection = collection_from_json({"info": {"name": "C"}, "item": [node], "protocolProfileBehavior": behaviors.pop()})
    return [event for event in run(collection, Options(**options)) if isinstance(event, RequestSent | Noted)]


FOLLOW, STAY = {"followRedirects": True}, {"followRedirects": False}


@pytest.mark.parametrize(
    ("behaviors", "ignore", "code"),
    [
        ([{}, {}, {}, {}], False, 200),
        ([{}, {}, {}, {}], True, 302),
        ([FOLLOW, {}, {}, {}], True, 200),
        ([FOLLOW, STAY, {}, {}], False, 302),
        ([STAY, STAY, FOLLOW, {}], True, 200),
        ([FOLLOW, FOLLOW, FOLLOW, STAY], False, 302),
        ([STAY, {"maxRedirects": 5}, {}, {"disableCookies": True}], False, 302),
    ],
)
def test_the_nearest_wins_and_all_win_over_the_command_line(
    recorder: Recorder, behaviors: list[Any], ignore: bool, code: int
) -> None:
    recorder.routes["/start"] = answer(302, [("Location", "/next")])
    (sent,) = responses(recorder, list(behaviors), ignore_redirects=ignore)
    assert isinstance(sent, RequestSent) and sent.response
    assert sent.response.code == code


def test_what_cannot_be_done_is_a_warning_in_the_report(recorder: Recorder) -> None:
    noted, sent = responses(recorder, [{"protocolVersion": "http2"}, {}, {}, {}])
    assert isinstance(noted, Noted) and isinstance(sent, RequestSent)
    assert (noted.level, noted.text) == ("warning", "protocolVersion: the request goes out as HTTP/1.1 and not as http2")
    assert sent.response and sent.response.code == 200


def test_what_to_do_about_a_failure_is_in_the_report() -> None:
    collection = collection_from_json({"info": {"name": "C"}, "item": [{"name": "R", "request": "http://127.0.0.1:1/"}]})
    sent, noted = [event for event in run(collection, Options()) if isinstance(event, RequestSent | Noted)]
    assert isinstance(sent, RequestSent) and isinstance(noted, Noted)
    assert (sent.error, noted.level) == ("connect ECONNREFUSED 127.0.0.1:1", "info")
    assert noted.text == "is the server running, and is this its port?"
