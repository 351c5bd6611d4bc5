"""The HTML report as people meet it: opened in Chromium, filtered, unfolded, printed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from runner.sandbox import ScriptError
from tests.reporting import asserted, console, demo, place, response, sent, show, turn, whole_run
from tests.test_reporters_html import HOSTILE, ONE, long_run

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on the PATH to open the report in")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def said() -> list[str]:
    """What the page said on its console, errors of its own among it."""
    return []


@pytest.fixture
def opened(browser: Any, said: list[str], tmp_path: Path) -> Iterator[Any]:
    """Opens the report of a run; no console message, no request and no dialog may come of it."""
    page = browser.new_page()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: said.append(request.url) if not request.url.startswith("file:") else None)

    def open_(stream: Any, **options: Any) -> Any:
        path = tmp_path / "report.html"
        show(stream, "html", export=str(path), **options)
        page.goto(path.as_uri())
        return page

    yield open_
    page.close()
    assert said == []


def visible(page: Any) -> list[str]:
    return [text.strip() for text in page.locator(".entry:visible .name").all_text_contents()]


def test_all_is_listed_and_can_be_filtered_by_outcome_and_text(opened: Any) -> None:
    page = opened(demo())
    assert len(visible(page)) == 6
    page.get_by_role("button", name="broken 2").click()
    assert visible(page) == ["A / Inner", "A / Closed"]
    assert page.locator("#shown").inner_text() == "2 of 6"
    page.get_by_role("button", name="all").click()
    page.locator("#search").fill("ECONNREFUSED")
    assert visible(page) == ["A / Closed"]
    page.locator("#search").fill("BAD ONE")
    assert visible(page) == ["One"]
    page.locator("#search").fill("nothing has this")
    assert visible(page) == []


def test_a_failure_leads_to_its_request_whatever_was_filtered(opened: Any) -> None:
    page = opened(demo())
    page.locator("#search").fill("nothing has this")
    page.locator(".failures li", has_text="ECONNREFUSED").get_by_role("link").click()
    assert len(visible(page)) == 6
    (unfolded,) = page.locator(".entry:has(.detail) .name").all_text_contents()
    assert unfolded == "A / Closed"
    assert page.locator(".detail").get_by_text("ECONNREFUSED").is_visible()


def test_an_entry_unfolds_to_its_request_and_response(opened: Any) -> None:
    page = opened(whole_run(*turn(ONE, sent(ONE, "POST", response=response(body=b'{"n":12345678901234567890,"n":[]}')))))
    page.locator(".entry summary").first.click()
    detail = page.locator(".detail")
    assert "POST http://h/One" in detail.inner_text()
    assert detail.locator("pre.json").last.inner_text() == '{\n  "n": 12345678901234567890,\n  "n": []\n}'
    assert detail.locator("svg.timing rect").count() == 4
    detail.get_by_text("Request headers (2)").click()
    assert detail.locator(".headers").first.is_visible()
    assert page.locator("svg.waterfall rect.wait").count() == 1


def test_a_failed_comparison_is_shown_as_a_diff(opened: Any) -> None:
    failed = asserted(ONE, "same", passed=False, message="expected …")
    error = ScriptError(name="AssertionError", message="expected …", actual='{"a":2}', expected='{"a":1}')
    page = opened(whole_run(*turn(ONE, sent(ONE), replace(failed, assertion=replace(failed.assertion, error=error)))))
    page.locator(".entry summary").first.click()
    assert page.locator(".diff .expected").inner_text() == '-   "a": 1\n'
    assert page.locator(".diff .actual").inner_text() == '+   "a": 2\n'


def test_hostile_texts_stay_texts(opened: Any) -> None:
    text = HOSTILE.decode()
    page = opened(
        whole_run(
            *turn(
                ONE,
                sent(ONE, response=response(body=HOSTILE)),
                asserted(ONE, text, passed=False, message=text),
                console(ONE, text),
            )
        ),
        title=text,
    )
    page.locator(".entry summary").first.click()
    assert page.locator(".detail pre").first.inner_text() == text
    assert page.title().startswith("</script>")
    assert page.locator("img").count() == 0


def test_iterations_can_be_chosen(opened: Any) -> None:
    first, second = place("One", cycles=2), place("One", iteration=1, cycles=2, ref=2)
    page = opened(whole_run(*turn(first, sent(first)), *turn(second, sent(second)), iterations=2))
    page.locator("#iteration").select_option("1")
    assert page.locator(".entry:visible").count() == 1
    assert page.locator(".entry:visible .iteration").inner_text() == "2"


def test_light_and_dark(opened: Any) -> None:
    page = opened(demo())
    page.emulate_media(color_scheme="dark")
    colour = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(colour)
    page.locator("#theme").click()
    assert page.evaluate(colour) == "rgb(255, 255, 255)" != dark
    page.locator("#theme").click()
    assert page.evaluate(colour) == dark


def test_printed_it_unfolds_what_failed(opened: Any) -> None:
    page = opened(demo())
    assert page.pdf()[:5] == b"%PDF-"
    assert page.locator(".entry.failed > details[open]").count() == 1
    assert page.locator(".entry.passed > details[open]").count() == 0


def test_a_narrow_window_needs_no_sideways_scrolling(opened: Any) -> None:
    page = opened(demo())
    page.set_viewport_size({"width": 360, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_five_thousand_requests_open_in_less_than_two_seconds(opened: Any) -> None:
    page = opened(long_run(5_000, b'{"rows":[' + b"1," * 900 + b"1]}", failing=100))
    took = "performance.getEntriesByType('navigation')[0].loadEventEnd"
    times = [page.evaluate(took)]
    while min(times) >= 2_000 and len(times) < 4:  # the machine may be busy with something else
        page.reload()
        times.append(page.evaluate(took))
    assert page.locator(".entry").count() == 5_000
    assert min(times) < 2_000, times
