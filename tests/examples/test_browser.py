"""The page of the demo, in a browser: it loads, is cached, and its buttons work."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.servers import Redis

ROOT = Path(__file__).parents[2]
BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
pytestmark = pytest.mark.server


@pytest.fixture(params=["lmdb", "redis"])
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Serve the page as a newcomer does, on a free port."""
    cache_url = ""
    if request.param == "redis":
        server: Redis = request.getfixturevalue("redis_server")
        cache_url = f"redis://127.0.0.1:{server.port}/1"
    process = subprocess.Popen(
        [sys.executable, "-m", "examples.flask_app"],
        env=os.environ | {"PORT": "0", "CACHE_URL": cache_url, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        told = (re.search(r"http://\S+", line) for line in process.stdout)
        yield next(found.group() for found in told if found)
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


@pytest.fixture
def page() -> Iterator[Page]:
    """Give a page of a browser; what its console says of errors fails the test."""
    paths = [path for path in map(shutil.which, BROWSERS) if path]
    assert paths, f"there is no browser, none of {BROWSERS}; 'make test' installs one"
    errors: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=paths[0], args=["--no-sandbox"]
        )
        page = browser.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "console",
            lambda said: errors.append(said.text) if said.type == "error" else None,
        )
        page.on("requestfailed", lambda request: errors.append(request.url))
        yield page
        browser.close()
    assert errors == []


def made(page: Page, fragment: str) -> str:
    """Return when a fragment was rendered."""
    text = page.locator(f"{fragment} .age").first.get_attribute("data-made")
    assert text is not None
    return text


def test_the_page_and_its_buttons(url: str, page: Page) -> None:
    page.goto(url)
    assert page.title() == "Most borrowed in 2024 \N{EN DASH} Quayside Library"
    assert page.locator("#table tbody tr").count() == 50
    assert re.search(r"just now|\d s ago", page.locator("#table .age").inner_text())
    fragments = ["nav", "#table", "#book-1", "#book-2"]
    first = [made(page, fragment) for fragment in fragments]

    page.reload()
    assert [made(page, fragment) for fragment in fragments] == first

    page.get_by_role("button", name="Render anew").click()
    second = [made(page, fragment) for fragment in fragments]
    assert second[1] > first[1]
    assert [second[0], *second[2:]] == [first[0], *first[2:]]

    page.locator("#book-1").get_by_role("button", name="Borrow").click()
    assert "4 copies left" in page.locator("#book-1").inner_text()
    third = [made(page, fragment) for fragment in fragments]
    assert third[2] > second[2]
    assert [*third[:2], third[3]] == [*second[:2], second[3]]

    page.get_by_role("button", name="Set off a storm").click()
    told = page.locator("#storm .result").inner_text()
    assert "the slow query ran once; 32 of 32 were given the same page" in told
    assert made(page, "#table") > third[1]

    page.goto(f"{url}?preview=1")
    assert made(page, "nav") > third[0]
    page.goto(url)
    assert made(page, "nav") == third[0]
