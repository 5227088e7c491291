"""Applications of Starlette and FastAPI, on memory and on Redis, through ASGI."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import jinja2
import pytest
from fastapi import FastAPI, Request
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

from dogpile_cache.exception import ValidationError
from dogpile_templates import UnknownRegion
from dogpile_templates.starlette import DogpileCache, Templates

PAGE = (
    '{% cache "short", request.query_params.get("k"), name="part" %}{{ n() }}'
    "{% endcache %}"
    '{% cacheeach "long", x in "ab", key=x %}{{ x }}{% endcacheeach %}'
    '{% from "lib.html" import show %}{{ show(n) }}<{{ url_for("page") }}>'
)
LIB = '{% macro show(n) %}{% cache "short" %}({{ n() }}){% endcache %}{% endmacro %}'
Main = Callable[[], Coroutine[Any, Any, None]]


@pytest.fixture(params=["memory", "redis"])
def options(request: Any) -> dict[str, Any]:
    found: dict[str, Any] = {
        "backend": f"dogpile.cache.{request.param}",
        "expiration_time": 60,
    }
    if request.param == "redis":
        server = request.getfixturevalue("redis_server")
        found["arguments"] = {"url": server.url}
    return {"short": found, "long": found}


def templates_of(cache: DogpileCache, directory: Path, page: str = PAGE) -> Templates:
    (directory / "page.html").write_text(page)
    (directory / "lib.html").write_text(LIB)
    return Templates(directory, cache=cache)


@asynccontextmanager
async def client_of(app: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Start an application, as a server does, and give a client of it."""
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as it:
            yield it


def starlette_app(cache: DogpileCache, templates: Templates) -> Starlette:
    numbers = count(1)

    async def number() -> int:
        await asyncio.sleep(0)
        return next(numbers)

    async def page(request: Request) -> Any:
        context = {"n": number}
        return await templates.TemplateResponse(request, "page.html", context)

    async def renew(request: Request) -> Any:
        await templates.invalidate_fragment("page.html", "x", tag="part")
        return JSONResponse("renewed")

    routes = [Route("/", page, name="page"), Route("/renew", renew)]
    return Starlette(routes=routes, lifespan=cache.lifespan)


def test_a_page_of_starlette_is_served_from_its_fragments(
    options: dict[str, Any], tmp_path: Path
) -> None:
    cache = DogpileCache(options, key_prefix=uuid.uuid4().hex)
    app = starlette_app(cache, templates_of(cache, tmp_path))

    async def main() -> None:
        async with client_of(app) as client:
            views = await asyncio.gather(*(client.get("/?k=x") for _ in range(5)))
            assert {view.text for view in views} == {"1ab(2)<http://test/>"}
            assert views[0].headers["content-type"] == "text/html; charset=utf-8"
            assert (await client.get("/?k=y")).text.startswith("3ab(2)")
            await client.get("/renew")
            assert (await client.get("/?k=x")).text.startswith("4ab(2)")

    asyncio.run(main())
    asyncio.run(main_again(app, "4ab(2)"))


async def main_again(app: Any, start: str) -> None:
    """Look at the page after a restart of the loop."""
    async with client_of(app) as client:
        assert (await client.get("/?k=x")).text.startswith(start)


def test_an_application_of_fastapi_and_a_decorated_function(
    options: dict[str, Any], tmp_path: Path
) -> None:
    regions = options | {"json": options["short"] | {"serializer": "json"}}
    cache = DogpileCache(regions, key_prefix=uuid.uuid4().hex)
    templates = templates_of(cache, tmp_path)
    app, calls = FastAPI(lifespan=cache.lifespan), list[int]()

    @cache.region("json").cache_on_arguments()
    async def double(number: int) -> dict[str, int]:
        calls.append(number)
        return {"double": 2 * number}

    @app.get("/double/{number}")
    async def view(number: int) -> dict[str, int]:
        return await double(number)

    @app.get("/", name="page")
    async def page(request: Request) -> Any:
        return await templates.TemplateResponse(request, "page.html", {"n": str})

    async def main() -> None:
        async with client_of(app) as client:
            for _ in range(2):
                assert (await client.get("/double/4")).json() == {"double": 8}
                assert (await client.get("/")).text == "ab()<http://test/>"

    asyncio.run(main())
    assert calls == [4]


@pytest.mark.parametrize("awaited", [False, True])
def test_a_bypassed_request_neither_reads_nor_writes(
    options: dict[str, Any], tmp_path: Path, awaited: bool
) -> None:
    asked: list[Any] = []

    def plain(request: Request) -> bool:
        asked.append(request)
        return "editor" in request.query_params

    async def coroutine(request: Request) -> bool:
        await asyncio.sleep(0)
        return plain(request)

    cache = DogpileCache(
        options, key_prefix=uuid.uuid4().hex, bypass=coroutine if awaited else plain
    )
    app = starlette_app(cache, templates_of(cache, tmp_path))

    async def main() -> None:
        async with client_of(app) as client:
            queries = ("", "?editor=1", "", "?editor=1")
            views = [(await client.get(f"/{q}")).text[:6] for q in queries]
            assert views == ["1ab(2)", "3ab(4)", "1ab(2)", "5ab(6)"]

    asyncio.run(main())
    assert len(asked) == 4


def test_a_switch_turns_all_caching_off(
    options: dict[str, Any], tmp_path: Path
) -> None:
    cache = DogpileCache(options, enabled=False)
    app = starlette_app(cache, templates_of(cache, tmp_path))

    async def main() -> None:
        async with client_of(app) as client:
            views = [(await client.get("/")).text[:6] for _ in range(2)]
            assert views == ["1ab(2)", "3ab(4)"]

    asyncio.run(main())


def test_an_invalidation_reaches_other_processes(redis_server: Any) -> None:
    options = {
        "backend": "dogpile.cache.redis",
        "arguments": {"url": redis_server.url},
    }
    prefix = uuid.uuid4().hex

    async def main() -> None:
        one, other = (
            DogpileCache({"short": options}, key_prefix=prefix) for _ in range(2)
        )
        async with one.lifespan(None), other.lifespan(None):
            region = other.region("short")
            assert await region.get_or_create("key", lambda: "old") == "old"
            await one.region("short").invalidate()
            region.region_invalidator._looked = 0  # type: ignore[attr-defined]
            await region.get("key")  # has it looked for, as if a second had passed
            for _ in range(1000):
                if await region.get_or_create("key", lambda: "new") == "new":
                    break
                await asyncio.sleep(0.01)
            assert await region.get("key") == "new"

    asyncio.run(main())


@pytest.mark.parametrize(
    ("options", "more", "message"),
    [
        ({"short": {}}, {}, "'short.backend' is missing"),
        ({"short": {"backend": "dogpile.cache.memory", "x": 1}}, {}, "'short.x'"),
        ({}, {"default_region": "short"}, "No region 'short'; DogpileCache is empty"),
    ],
)
def test_a_mistake_is_an_error_at_the_start(
    options: Any, more: Any, message: str
) -> None:
    with pytest.raises((ValidationError, UnknownRegion), match=message):
        DogpileCache(options, **more)


def test_templates_take_a_directory_or_an_environment() -> None:
    cache = DogpileCache({"short": {"backend": "dogpile.cache.memory"}})
    with pytest.raises(TypeError, match="a directory or an env"):
        Templates(cache=cache)
    with pytest.raises(TypeError, match="enable_async=True"):
        Templates(env=jinja2.Environment(), cache=cache)
    env = jinja2.Environment(enable_async=True)
    assert Templates(env=env, cache=cache).env is env


def test_context_processors_give_more(tmp_path: Path) -> None:
    cache = DogpileCache({"short": {"backend": "dogpile.cache.memory"}})
    (tmp_path / "page.html").write_text("{{ path }}{{ x }}")
    templates = Templates(
        tmp_path,
        cache=cache,
        context_processors=[lambda request: {"path": request.url.path, "x": 1}],
    )

    async def page(request: Request) -> Any:
        return await templates.TemplateResponse(
            request, "page.html", {"x": 2}, status_code=201, headers={"x-a": "b"}
        )

    app = Starlette(routes=[Route("/a", page)], lifespan=cache.lifespan)

    async def main() -> None:
        async with client_of(app) as client:
            answer = await client.get("/a")
            assert (answer.text, answer.status_code) == ("/a2", 201)
            assert answer.headers["x-a"] == "b"

    asyncio.run(main())
