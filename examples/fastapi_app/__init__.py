"""A page of a library in FastAPI, whose slow parts are cached fragments.

``create_app()`` makes the application; ``python -m examples.fastapi_app`` serves it.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from tempfile import mkdtemp
from time import strftime
from typing import Annotated, Any

from fastapi import FastAPI, Form, HTTPException, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from dogpile_templates.starlette import DogpileCache, Templates
from examples.demo.library import YEARS, Library
from examples.demo.wishes import make_wishes


def create_app(cache_url: str = "") -> FastAPI:
    """Make the application.

    :param cache_url: such as ``redis://localhost/0``; by default the cache is in memory.
    """
    cache = DogpileCache(
        {
            "short": backend(cache_url) | {"expiration_time": 60},
            "long": backend(cache_url) | {"expiration_time": 3600},
        },
        key_prefix="library",
        bypass=is_preview,
    )
    templates = Templates(Path(__file__).parent / "templates", cache=cache)
    app = FastAPI(lifespan=cache.lifespan)
    add_views(app, templates)
    return app


def backend(cache_url: str) -> dict[str, Any]:
    """Return where a region is kept."""
    if not cache_url:
        return {"backend": "dogpile.cache.memory"}
    return {"backend": "dogpile.cache.redis", "arguments": {"url": cache_url}}


async def is_preview(request: Request) -> bool:
    """Show an editor how the page is now: ``/?preview=1``."""
    return "preview" in request.query_params


def add_views(app: FastAPI, templates: Templates) -> None:
    """Add the page, and what its form does."""
    library = Library(Path(mkdtemp(), "library.sqlite"))
    wishes = make_wishes()

    async def most_borrowed(year: int) -> list[Any]:
        return await asyncio.to_thread(lambda: list(library.most_borrowed(year)))

    @app.get("/", response_class=HTMLResponse)
    async def page(request: Request, year: int = YEARS[0]) -> HTMLResponse:
        if year not in YEARS:  # each would be a fragment
            raise HTTPException(404, "The library has no loans of that year.")
        context = {
            "year": year,
            "years": YEARS,
            "most_borrowed": most_borrowed,
            "wishes": list(wishes.values()),
            "now": lambda: strftime("%H:%M:%S"),
        }
        return await templates.TemplateResponse(request, "page.html", context)

    @app.post("/wish")
    async def add_wish(
        wish: Annotated[str, Form()], reader: Annotated[str, Form()]
    ) -> RedirectResponse:
        if wish not in wishes or not reader.strip():
            raise HTTPException(400, "A wish needs a book and a name.")
        wishes[wish].readers.append(reader.strip())
        await templates.invalidate_fragment("page.html", wish, tag="wish")
        return RedirectResponse("/#wishes", 303)
