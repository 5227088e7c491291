"""The demo, run as a newcomer runs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


class Text(HTMLParser):
    """Collect the words of a page, and count its elements."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.elements: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.elements.append(tag)

    def handle_data(self, data: str) -> None:
        self.words += data.split()


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def printed(directory: Path) -> str:
    """Run the demo, with warnings as errors, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "examples.demo"],
        cwd=directory,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.parametrize("engine", ["Mako", "Jinja2"])
def test_it_prints_a_cold_and_a_hot_time_for_each_engine(
    printed: str, engine: str
) -> None:
    assert re.search(rf"^{engine} +[\d.]+ ms +[\d.]+ ms$", printed, re.MULTILINE)


@pytest.mark.parametrize("engine", ["Mako", "Jinja2"])
def test_a_storm_of_32_threads_rendered_once(printed: str, engine: str) -> None:
    assert re.search(
        rf"^{engine} +rendered once; 32 of 32 threads were given the same page",
        printed,
        re.MULTILINE,
    )


def test_it_leaves_two_pages_that_say_the_same_and_tells_where(
    printed: str, directory: Path
) -> None:
    paths = re.findall(r"demo-output\S+\.html", printed)
    pages = [Text((directory / path).read_text(encoding="utf-8")) for path in paths]
    assert [Path(path).name for path in paths] == ["mako.html", "jinja2.html"]
    assert pages[0].elements == pages[1].elements
    assert pages[0].elements.count("tr") == 51
    different = {*pages[0].words} ^ {*pages[1].words}
    assert different == {"Mako.", "Jinja2."}


def test_a_storm_that_rendered_more_than_once_is_a_failure() -> None:
    from examples.demo.__main__ import THREADS, Storm

    assert Storm(1, ["page"] * THREADS, 0.0).held
    assert not Storm(2, ["page"] * THREADS, 0.0).held
    assert not Storm(1, ["page"] * (THREADS - 1), 0.0).held
    assert not Storm(1, ["page"] * (THREADS - 1) + ["other"], 0.0).held
