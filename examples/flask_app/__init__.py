"""A page of a library in Flask, whose slow parts are cached fragments.

``create_app()`` makes the application; ``python -m examples.flask_app`` serves it.
"""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from secrets import token_bytes
from tempfile import mkdtemp
from time import perf_counter, strftime, time
from typing import Any

from flask import Flask, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from dogpile_templates import invalidate_fragment
from dogpile_templates.flask import DogpileCache
from examples.demo.library import YEARS, Library

from .shelf import Shelf
from .storm import SERVED_BY, storm, visitor

cache = DogpileCache()


@cache.bypass
def is_preview(request: Any) -> bool:
    """Show an editor how the page is now: ``/?preview=1``."""
    return "preview" in request.args


def create_app(kept: str = "", directory: str = "", **config: Any) -> Flask:
    """Make the application.

    :param kept: where fragments are: a directory that processes share, or a server such
        as ``redis://localhost/0``; by default they are in memory.
    :param directory: where the application has its files; by default a new one.
    """
    app = Flask(__name__)
    app.secret_key = token_bytes()  # one for all processes that are forked
    app.config["DOGPILE_REGIONS"] = {
        "short": backend(kept) | {"expiration_time": 60},
        "long": backend(kept) | {"expiration_time": 3600},
    }
    app.config.update(config)
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    cache.init_app(app)
    files = Path(directory or mkdtemp())
    add_views(app, Library(files / "library.sqlite"), Shelf(files / "shelf.sqlite"))
    return app


def backend(kept: str) -> dict[str, Any]:
    """Return where a region is kept."""
    if not kept:
        return {"backend": "dogpile.cache.memory"}
    if "://" in kept:
        return {"backend": "dogpile.cache.redis", "arguments": {"url": kept}}
    return {"backend": "dogpile.cache.lmdb", "arguments": {"path": kept}}


def add_views(app: Flask, library: Library, shelf: Shelf) -> None:
    """Add the page, and what its buttons do."""

    @app.after_request
    def name_process(response: Any) -> Any:
        response.headers[SERVED_BY] = str(os.getpid())
        return response

    @app.get("/")
    def page() -> str:
        year = request.args.get("year", YEARS[0], type=int)
        return render_template(
            "page.html",
            year=year if year in YEARS else YEARS[0],
            years=YEARS,
            library=library,
            shelf=shelf,
            storm=session.get("storm"),
            process=os.getpid(),
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
        done = storm(visitor(app, request), library, url_for("page", year=year))
        session["storm"] = asdict(done)
        return redirect(url_for("page", year=year, _anchor="storm"), 303)


class Stopwatch:
    """Tell when a fragment was rendered, by which process, and how long it took."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.seconds = time()
        self.at = strftime("%H:%M:%S")
        self._begun = perf_counter()

    @property
    def milliseconds(self) -> float:
        return 1000 * (perf_counter() - self._begun)
