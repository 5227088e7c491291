"""The applications of Pyramid, looked at through WebTest and started as programs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import urlopen

import pytest
from webtest import TestApp

from examples import serving
from examples.demo.library import YEARS, Library
from examples.demo.wishes import make_wishes

ROOT = Path(__file__).parents[2]
NAMES = ("pyramid_mako_app", "pyramid_jinja2_app")
VOID = {"meta", "input"}
FRAGMENTS = ("navigation", "table", "tides", "lamps", "fog", "knots", "letters")


class Running(NamedTuple):
    """Be an application, and what its page is about."""

    app: TestApp
    library: Library
    wishes: dict[str, Any]


class Page(HTMLParser):
    """Collect the words of a page, without its times; see that its elements close."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.elements: list[str] = []
        self._open: list[str] = []
        self.feed(re.sub(r"\d\d:\d\d:\d\d", "", html))
        self.close()
        assert self._open == []
        assert html.startswith('<!DOCTYPE html>\n<html lang="en">')

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.elements.append(tag)
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data.split()


def run(name: str, settings: dict[str, str], directory: Path) -> Running:
    app = import_module(f"examples.{name}.app")
    library = Library(directory / f"{name}.sqlite")
    wishes = make_wishes()
    return Running(TestApp(app.make_app(settings, library, wishes)), library, wishes)


def read_settings(name: str, **environ: str) -> dict[str, str]:
    file = ROOT / "examples" / name / "development.ini"
    return serving.read_settings(file, environ)


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture(params=["memory", "redis"])
def running(
    request: pytest.FixtureRequest,
    name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Running:
    """Make an application with nothing in its cache, whose clock ticks when asked."""
    seconds = count()
    monkeypatch.setattr(
        f"examples.{name}.app.strftime", lambda form: f"12:00:{next(seconds):02}"
    )
    environ = {}
    if request.param == "redis":
        server = request.getfixturevalue("redis_server")
        environ["CACHE_URL"] = server.url
    running = run(name, read_settings(name, **environ), tmp_path)
    for region in running.app.app.registry["dogpile_templates"].regions.values():
        region.invalidate()
    return running


def rendered(page: Any) -> list[str]:
    """Return when the fragments of a page were rendered: each at another second."""
    times: list[str] = [small.text.split()[-1] for small in page.html("small")]
    assert len(set(times)) == len(FRAGMENTS)
    return times


def renewed(before: Any, after: Any) -> list[str]:
    """Return which fragments were rendered between two views."""
    times = zip(FRAGMENTS, rendered(before), rendered(after))
    return [name for name, one, other in times if one != other]


def test_the_first_view_asks_the_library_and_the_second_the_cache(
    running: Running,
) -> None:
    first = running.app.get("/")
    assert (running.library.queries, len(first.html("tr"))) == (1, 51)
    second = running.app.get("/")
    assert (running.library.queries, second.text) == (1, first.text)


def test_another_year_shares_all_but_its_table(running: Running) -> None:
    views = [running.app.get("/", {"year": year}) for year in (*YEARS, *YEARS)]
    assert renewed(views[0], views[1]) == ["table"]
    assert [view.text for view in views[2:]] == [view.text for view in views[:2]]
    assert running.library.queries == len(YEARS)
    links = [link["href"] for link in views[0].html.nav("a")]
    assert links == [f"?year={year}" for year in YEARS]
    for year, view in zip(YEARS, views):
        assert str(year) in view.html.title.text
        assert str(year) in view.html.h2.text


def test_a_wish_renews_its_own_fragment_and_no_other(running: Running) -> None:
    before = running.app.get("/")
    before.form["wish"], before.form["reader"] = "fog", " <b>Edith & Co</b> "
    answer = before.form.submit(status=303)
    first, second = answer.follow(), running.app.get("/")
    assert renewed(before, first) == ["fog"]
    assert "wanted by Linus, &lt;b&gt;Edith &amp; Co&lt;/b&gt;\n" in first.text
    assert second.text == first.text
    assert running.library.queries == 1


@pytest.mark.parametrize(
    "form",
    [{}, {"wish": "fog"}, {"wish": "fog", "reader": " "}, {"wish": "-", "reader": "A"}],
)
def test_a_wish_without_a_book_or_a_name_is_refused(
    name: str, tmp_path: Path, form: dict[str, str]
) -> None:
    running = run(name, read_settings(name), tmp_path)
    running.app.post("/wish", form, status=400)
    assert all(len(wish.readers) == 1 for wish in running.wishes.values())


@pytest.mark.parametrize("year", ["", "1", "x"])
def test_a_year_that_the_library_does_not_know_is_not_found(
    name: str, tmp_path: Path, year: str
) -> None:
    running = run(name, read_settings(name), tmp_path)
    running.app.get("/", {"year": year}, status=404)
    assert running.library.queries == 0


def test_both_engines_show_the_same(tmp_path: Path) -> None:
    apps = [run(name, read_settings(name), tmp_path).app for name in NAMES]
    mako, jinja2 = (Page(app.get("/").text) for app in apps)
    assert mako.words == jinja2.words
    assert mako.elements == jinja2.elements


@contextmanager
def served(name: str, directory: Path) -> Iterator[str]:
    """Start an application as a newcomer does; yield its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", f"examples.{name}", "0"],
        cwd=directory,
        env=os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(directory)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        found = re.fullmatch(
            r"Look at (http://127\.0\.0\.1:\d+/)\n", process.stdout.readline()
        )
        assert found is not None
        yield found[1]
    finally:
        process.terminate()
        process.communicate(timeout=10)


def test_the_program_serves_the_page(name: str, tmp_path: Path) -> None:
    with served(name, tmp_path) as url, urlopen(url) as answer:
        assert "Most borrowed in" in answer.read().decode()
