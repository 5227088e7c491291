"""A page of a library in Flask, whose slow parts are cached fragments.

``create_app()`` makes the application; ``python -m examples.flask_app`` serves it.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import mkdtemp
from time import perf_counter, strftime, time
from typing import Any

from flask import Flask, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from dogpile_templates import invalidate_fragment
from dogpile_templates.flask import DogpileCache
from examples.demo.library import YEARS, Library

from .shelf import Shelf
from .storm import Storm, storm

cache = DogpileCache()


@cache.bypass
def is_preview(request: Any) -> bool:
    """Show an editor how the page is now: ``/?preview=1``."""
    return "preview" in request.args


def create_app(cache_url: str = "", **config: Any) -> Flask:
    """Make the application.

    :param cache_url: such as ``redis://localhost/0``; by default the cache is in memory.
    """
    app = Flask(__name__)
    app.config["DOGPILE_REGIONS"] = {
        "short": backend(cache_url) | {"expiration_time": 60},
        "long": backend(cache_url) | {"expiration_time": 3600},
    }
    app.config.update(config)
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    cache.init_app(app)
    add_views(app, Library(Path(mkdtemp(), "library.sqlite")), Shelf())
    return app


def backend(cache_url: str) -> dict[str, Any]:
    """Return where a region is kept."""
    if not cache_url:
        return {"backend": "dogpile.cache.memory"}
    return {"backend": "dogpile.cache.redis", "arguments": {"url": cache_url}}


def add_views(app: Flask, library: Library, shelf: Shelf) -> None:
    """Add the page, and what its buttons do."""
    last: list[Storm] = []

    @app.get("/")
    def page() -> str:
        year = request.args.get("year", YEARS[0], type=int)
        return render_template(
            "page.html",
            year=year if year in YEARS else YEARS[0],
            years=YEARS,
            library=library,
            shelf=shelf,
            storm=last[-1] if last else None,
            Stopwatch=Stopwatch,
        )

    @app.post("/renew/<int:year>")
    def renew(year: int) -> Response:
        invalidate_fragment(app.jinja_env, "page.html", year, name="table")
        return redirect(url_for("page", year=year), 303)

    @app.post("/borrow/<int:book>")
    def borrow(book: int) -> Response:
        shelf.borrow(book)
        invalidate_fragment(app.jinja_env, "page.html", book, name="book")
        return redirect(url_for("page", _anchor=f"book-{book}"), 303)

    @app.post("/storm/<int:year>")
    def set_off(year: int) -> Response:
        invalidate_fragment(app.jinja_env, "page.html", year, name="table")
        last[:] = [storm(app, library, url_for("page", year=year))]
        return redirect(url_for("page", year=year, _anchor="storm"), 303)


class Stopwatch:
    """Tell when a fragment was rendered, and how long it took."""

    def __init__(self) -> None:
        self.seconds = time()
        self.at = strftime("%H:%M:%S")
        self._begun = perf_counter()

    @property
    def milliseconds(self) -> float:
        return 1000 * (perf_counter() - self._begun)
