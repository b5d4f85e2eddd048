"""The page in a real browser: opens offline without errors, plays, seeks, bears hostile names."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from fvx import load_model
from fvx.detector import DEFAULT_RUN

CORPUS = Path(__file__).parents[1] / "fvx" / "demo_corpus"
HOSTILE = "<img src=x onerror=\"document.title='taken'\"> ' & ${7*7} {{ 7*7 }} \u202e $x$.flac"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

pytestmark = [
    pytest.mark.xdist_group("browser"),
    # What the browser's own driver leaves open is not fvx's to close.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of ten seconds of speech whose file has a hostile name."""
    folder = tmp_path_factory.mktemp("page")
    samples, rate_hz = soundfile.read(CORPUS / "44.flac", dtype="float32")
    soundfile.write(folder / HOSTILE, np.resize(samples, 10 * rate_hz), rate_hz, format="FLAC")
    explanation = load_model(DEFAULT_RUN).predict(folder / HOSTILE).explain("gradients")
    explanation.checked().save_html(folder / "why.html")
    return folder / "why.html"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser here: none of {', '.join(BROWSERS)}")
    with playwright.sync_playwright() as driver:
        # As root, in a container, a browser has no sandbox of its own.
        flags = ["--autoplay-policy=no-user-gesture-required", "--mute-audio"]
        if os.geteuid() == 0:
            flags.append("--no-sandbox")
        running = driver.chromium.launch(executable_path=found, args=flags)
        yield running
        running.close()


@pytest.fixture
def page(browser: Any, page_file: Path) -> Iterator[Any]:
    """The page, opened from its file with no network; any error or message fails the test."""
    context = browser.new_context(offline=True, viewport={"width": 1100, "height": 900})
    opened = context.new_page()
    said: list[str] = []
    opened.on("console", lambda message: said.append(message.text))
    opened.on("pageerror", lambda error: said.append(str(error)))
    opened.on("requestfailed", lambda request: said.append(f"wanted {request.url[:80]}"))
    opened.goto(page_file.as_uri())
    wait_until(opened, "document.querySelector('audio').readyState >= 2")
    yield opened
    context.close()
    assert not said


def wait_until(page: Any, condition: str, at_most_s: float = 20.0) -> None:
    """Wait for a condition; the page's own policy forbids Playwright's way of asking for it."""
    for _ in range(round(at_most_s / 0.02)):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(20)
    pytest.fail(f"never came true: {condition}")


def now_s(page: Any) -> float:
    return float(page.evaluate("document.querySelector('audio').currentTime"))


def test_ten_seconds_make_less_than_three_megabytes(page_file: Path) -> None:
    assert page_file.stat().st_size < 3_000_000


def test_nothing_in_the_page_points_elsewhere(page_file: Path) -> None:
    text = page_file.read_text()
    assert not re.findall(r"https?://|src=\"(?!data:)|url\(", text)


def test_a_hostile_name_is_shown_and_does_nothing(page: Any) -> None:
    assert page.locator("h1").inner_text() == HOSTILE
    assert page.title().startswith("<img src=x")
    assert page.locator("img[src=x]").count() == 0


def test_a_click_seeks_and_plays_from_there(page: Any) -> None:
    time = page.locator(".time")
    box = time.bounding_box()
    time.click(position={"x": 0.6 * box["width"], "y": 0.5 * box["height"]})
    wait_until(page, "document.querySelector('audio').currentTime > 6.1")
    assert 6.1 < now_s(page) < 8
    assert not page.evaluate("document.querySelector('audio').paused")
    left = float(page.locator(".time .head").evaluate("e => parseFloat(e.style.left)"))
    assert left == pytest.approx(10 * now_s(page), abs=5)


def test_only_what_mattered_is_played_and_then_it_stops(page: Any) -> None:
    button = page.get_by_role("button", name="Play only what spoke for this verdict")
    spans = page.evaluate("e => JSON.parse(e.dataset.play)", button.element_handle())
    page.evaluate("document.querySelector('audio').playbackRate = 8")
    seen = "window.seen = []; document.querySelector('audio').addEventListener('timeupdate', "
    page.evaluate(seen + "e => seen.push(e.target.currentTime))")
    button.click()
    wait_until(page, "document.querySelector('audio').paused")
    for time_s in page.evaluate("seen"):
        assert any(start - 0.1 <= time_s <= end + 1.5 for start, end in spans), time_s


def test_a_moment_is_played_by_its_button(page: Any) -> None:
    button = page.locator(".moments button").first
    ((start, _),) = page.evaluate("e => JSON.parse(e.dataset.play)", button.element_handle())
    button.click()
    wait_until(page, f"document.querySelector('audio').currentTime > {start}")
    assert start < now_s(page) < start + 1.5


def test_the_keyboard_moves_and_plays(page: Any) -> None:
    page.locator(".time").focus()
    page.keyboard.press("End")
    wait_until(page, "document.querySelector('audio').currentTime > 9.9")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    wait_until(page, "Math.abs(document.querySelector('audio').currentTime - 0.5) < 0.01")
    wait_until(page, "document.querySelector('.time').ariaValueNow === '0.5'")
    page.keyboard.press("Space")
    wait_until(page, "document.querySelector('audio').currentTime > 0.6")
    page.keyboard.press("Space")
    assert page.evaluate("document.querySelector('audio').paused")


def test_everything_that_acts_is_reached_by_tab_and_has_a_name(page: Any) -> None:
    names = page.evaluate(
        "[...document.querySelectorAll('button, [tabindex], audio, summary')]"
        ".map(e => e.getAttribute('aria-label') || e.innerText.trim())"
    )
    assert len(names) > 10
    hidden = "details.more:not([open]) summary"  # folded away, so without text yet
    folded = page.evaluate(f"document.querySelectorAll('{hidden}').length")
    assert names.count("") <= folded


def test_a_feature_opens_to_its_course_beside_what_is_usual(page: Any) -> None:
    row = page.locator("details.feature:visible").filter(has=page.locator(".course")).first
    row.locator("summary").click()
    assert row.locator(".course .usual").count() == 1
    assert row.locator(".course .average").count() >= 1
    assert row.locator("table tbody tr").count() >= 1


@pytest.mark.parametrize("width", [320, 390, 1100])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_every_screen_in_light_and_dark(page: Any, width: int, scheme: str) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach(e => { e.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    colours = page.evaluate(
        "[getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    ink, paper = ([int(n) for n in re.findall(r"\d+", colour)][:3] for colour in colours)
    assert (sum(ink) > sum(paper)) == (scheme == "dark")


def test_it_prints_with_the_details_another_examiner_needs(page: Any) -> None:
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    assert page.get_by_text("SHA-256").first.is_visible()
    assert not page.locator("audio").is_visible()
    assert page.pdf(format="A4").startswith(b"%PDF")
