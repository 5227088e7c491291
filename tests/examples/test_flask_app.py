"""The example application of Flask, through WebTest."""

from __future__ import annotations

from webtest import TestApp

from examples.flask_app import create_app
from examples.flask_app.storm import REQUESTS


def test_titles_are_escaped_and_unknown_years_are_the_first_one() -> None:
    app = TestApp(create_app())
    page = app.get("/?year=1")
    assert "Letters &lt;Undelivered&gt;" in page
    assert "Most borrowed in 2024" in page


def test_nobody_can_borrow_what_is_not_there() -> None:
    app = TestApp(create_app())
    for _ in range(7):
        app.post("/borrow/0")
    app.post("/borrow/99")
    assert "0 copies left" in app.get("/")


def test_without_a_cache_a_storm_is_told_as_what_it_is() -> None:
    app = TestApp(create_app(DOGPILE_ENABLED=False))
    page = app.post("/storm/2023").follow()
    assert f"ran {REQUESTS} TIMES" in page
