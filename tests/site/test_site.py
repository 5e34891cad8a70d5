"""The pages of the built site, in Chromium and from files: everybody can use them, and the search finds what is asked.

The nox session `docs` builds the site and runs these tests; elsewhere they are skipped.
"""

from __future__ import annotations

import os
import re
import shutil
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import anchor_webtask
from anchor_webtask import emulator, testing
from tests.site.questions import QUESTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

SITE = Path(os.environ.get("SITE", "there is no site"))
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")
NOT_PAGES = {"genindex.html", "py-modindex.html", "search.html"}
PAGES = sorted(
    path.relative_to(SITE).as_posix()
    for path in SITE.rglob("*.html")
    if path.name not in NOT_PAGES and "_modules" not in path.parts
)
SCREENS = {"phone, dark": (360, "dark"), "desktop, light": (1280, "light")}

# The element that has the focus, and whether it is seen: its middle is on the screen, and nothing makes it invisible.
# The theme scrolls its menu a frame after the page was scrolled, so each focus is looked at two frames later.
FOCUS = """async () => {
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
    const focused = document.activeElement, {left, right, top, bottom} = focused.getBoundingClientRect();
    const middle = (left + right) / 2;
    const opaque = focused.checkVisibility({opacityProperty: true, visibilityProperty: true});
    return {
        name: focused === document.body ? "BODY" : focused.outerHTML.slice(0, 200),
        seen: opaque && 0 <= middle && middle <= innerWidth && top < innerHeight && bottom > 0,
    };
}"""
# What is searched for, and links that must be among the first five.
FOUND = {
    "429": {"errors.html"},
    "402": {"errors.html"},
    "502": {"testing.html"},
    "cancel": {"faq.html#can-i-cancel-or-stop-a-task"},
    "docker": {"faq.html#where-is-the-ledger-in-docker-in-ci-or-in-a-serverless-function"},
    "upload": {"faq.html#can-i-upload-a-file"},
    "opentelemetry": {"faq.html#are-there-metrics-or-is-there-an-integration-with-opentelemetry"},
    "budget limit": {"faq.html#how-do-i-limit-what-a-program-spends-or-set-a-budget"},
    "cookies login": {"faq.html#how-do-i-stay-logged-in-between-tasks-or-keep-cookies-and-a-login"},
    "structured output": {"answers.html"},
    "geolocation country": {"sessions.html"},
    "corporate proxy certificate": {"client.html"},
    "pickle": {"faq.html#can-i-pickle-a-handle-or-send-it-through-a-queue"},
}

if not PAGES:
    pytest.skip("`make docs` builds the site, and runs these tests", allow_module_level=True)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Chromium, as playwright drives it."""
    if CHROMIUM is None:
        pytest.skip("there is no Chromium: install Debian's package chromium, or Google Chrome")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def loaded(chromium: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """A tab with the screen of the test's parameter, in which a page must load nothing from a server."""
    width, scheme = SCREENS[getattr(request, "param", "desktop, light")]
    context = chromium.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme)
    tab = context.new_page()
    requests: list[str] = []
    tab.on("request", lambda each: requests.append(each.url))
    yield tab
    context.close()
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []


def address(page: str) -> str:
    return (SITE / page).as_uri()


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("loaded", SCREENS, indirect=True)
def test_everybody_can_use_the_page(loaded: Any, page: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    mistakes: list[str] = []
    loaded.on("pageerror", lambda error: mistakes.append(str(error)))
    loaded.goto(address(page))
    found = axe.Axe().run(loaded).response["violations"]
    assert [(each["id"], each["help"], [node["html"][:200] for node in each["nodes"]]) for each in found] == []
    assert loaded.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert mistakes == []


@pytest.mark.parametrize("page", PAGES)
def test_each_block_of_code_can_be_copied_and_no_example_is_cut(loaded: Any, page: str) -> None:
    loaded.goto(address(page))
    blocks, buttons = (loaded.locator(each).count() for each in ("div.highlight > pre", "div.highlight > .copybtn"))
    assert buttons == blocks
    cut = "all => all.filter(each => each.scrollWidth > each.clientWidth).map(each => each.textContent)"
    assert loaded.eval_on_selector_all(".highlight-python pre", cut) == []


def test_keyboard_leads_to_the_content_and_to_the_search(loaded: Any) -> None:
    loaded.goto(address("index.html"))
    loaded.keyboard.press("Tab")
    assert loaded.evaluate("document.activeElement.getAttribute('href')") == "#furo-main-content"
    loaded.keyboard.press("/")
    loaded.keyboard.type("cancel")
    loaded.keyboard.press("Enter")
    loaded.get_by_text("Search finished").wait_for()
    assert "q=cancel" in loaded.url


@pytest.mark.parametrize("page", ["index.html", "faq.html"])
@pytest.mark.parametrize("loaded", SCREENS, indirect=True)
def test_what_has_the_focus_is_seen(loaded: Any, page: str) -> None:
    loaded.goto(address(page))
    loaded.add_style_tag(content="* { transition: none !important; scroll-behavior: auto !important; }")
    loaded.keyboard.press("Tab")
    stops = []
    while (stop := loaded.evaluate(FOCUS))["name"] != "BODY":
        stops.append(stop)
        loaded.keyboard.press("Tab")
    assert len(stops) > 40
    assert [stop["name"] for stop in stops if not stop["seen"]] == []


@pytest.mark.parametrize(("words", "links"), FOUND.items(), ids=FOUND)
def test_search_finds_numbers_and_headings(loaded: Any, words: str, links: set[str]) -> None:
    assert links <= set(search(loaded, words)[:5])


@pytest.mark.parametrize("question", QUESTIONS, ids=[each.words for each in QUESTIONS])
def test_search_without_a_server_finds_the_answer(loaded: Any, question: Any) -> None:
    links = search(loaded, question.words)
    first = [re.split(r"[?#]", link)[0] for link in links][:3]
    assert question.page in first, links


def search(tab: Any, words: str) -> list[str]:
    """Return the addresses that the search finds, the best first."""
    tab.goto(f"{address('search.html')}?q={words.replace(' ', '+')}")
    tab.get_by_text("Search finished").wait_for()
    found: list[str] = tab.eval_on_selector_all("ul.search li a", "all => all.map(each => each.getAttribute('href'))")
    return found


@pytest.mark.parametrize("question", QUESTIONS, ids=[each.words for each in QUESTIONS])
def test_page_that_the_search_finds_has_the_answer(question: Any) -> None:
    text = re.sub(r"<[^>]+>", "", (SITE / question.page).read_text(encoding="utf-8"))
    assert question.answer in re.sub(r"\s+", " ", text)


def test_reference_has_all_public_names() -> None:
    header, _, packed = (SITE / "objects.inv").read_bytes().partition(b"zlib.\n")
    assert header.startswith(b"# Sphinx inventory version 2")
    described = {line.split(" ", 1)[0] for line in zlib.decompress(packed).decode().splitlines()}
    public = {
        f"{module.__name__}.{name}"
        for module in (anchor_webtask, emulator, testing)
        for name in module.__all__
        if name != "__version__"
    }
    assert public | {"anchor_webtask.notebook.watch"} <= described
