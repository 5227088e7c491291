"""The tags in environments with ``enable_async=True``, over regions for tasks."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack
from itertools import count
from typing import Any

import pytest
from jinja2 import DictLoader, Environment

from dogpile_cache import make_region
from dogpile_cache.aio import make_async_region
from dogpile_cache.exception import ValidationError
from dogpile_templates import (
    FragmentError,
    FragmentInItself,
    async_invalidate_fragment,
    invalidate_fragment,
)
from tests.servers import Redis

from .engines import jinja2_environment

Run = Callable[[Callable[[], Coroutine[Any, Any, Any]]], Any]

OVER = ["memory", "memory of threads", pytest.param("redis", marks=pytest.mark.server)]


class Place:
    """Be a region of some kind, in which each test has fragments of its own."""

    def __init__(self, region: Any) -> None:
        self.region = region
        self.sources: dict[str, str] = {}
        self.env: Any = jinja2_environment(
            {"short": region}, enable_async=True, loader=DictLoader(self.sources)
        )
        self.env.globals["run"] = uuid.uuid4().hex

    async def render(self, source: str, **context: Any) -> str:
        return await self.env.from_string(source).render_async(context)

    def test(self, main: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        """Run a coroutine and close what it has opened."""

        async def run() -> None:
            async with AsyncExitStack() as stack:
                if hasattr(self.region, "aclose"):
                    await stack.enter_async_context(self.region)
                await asyncio.wait_for(main(), 30)

        asyncio.run(run())


@pytest.fixture(params=OVER)
def place(request: Any) -> Iterator[Place]:
    if request.param == "memory of threads":
        yield Place(make_region("short").configure("dogpile.cache.memory", 60))
        return
    arguments = {}
    if request.param == "redis":
        server: Redis = request.getfixturevalue("redis_server")
        arguments = {"url": server.url, "distributed_lock": True}
    region = make_async_region("short").configure(
        f"dogpile.cache.{request.param}", 60, arguments
    )
    yield Place(region)


TAG = '{% cache "short", run, key %}<{{ n() }}>{% endcache %}'
EACH = (
    '{% cacheeach "short", item in items if item != "-", key=(run, item) %}'
    "{{ loop.index }}{{ item }}{{ n() }} {% else %}none{% endcacheeach %}"
)


def numbers() -> Callable[[], Coroutine[Any, Any, int]]:
    """Return a coroutine function, which templates await by themselves."""
    made = count(1)

    async def number() -> int:
        await asyncio.sleep(0)
        return next(made)

    return number


def test_a_fragment_is_rendered_once(place: Place) -> None:
    async def main() -> None:
        n = numbers()
        views = [place.render(TAG, key=key, n=n) for key in (1, 1, "1", 1)]
        assert [await view for view in views] == ["<1>", "<1>", "<2>", "<1>"]

    place.test(main)


def test_many_tasks_render_a_fragment_once(place: Place) -> None:
    async def main() -> None:
        n = numbers()
        views = [place.render(TAG, key=1, n=n) for _ in range(50)]
        assert await asyncio.gather(*views) == ["<1>"] * 50

    place.test(main)


def test_a_collection(place: Place) -> None:
    async def main() -> None:
        n = numbers()
        assert await place.render(EACH, items="a-b", n=n) == "1a1 2b2 "
        assert await place.render(EACH, items="bca", n=n) == "2b2 2c3 1a1 "
        assert await place.render(EACH, items="-", n=n) == "none"

        async def items() -> Any:
            for item in "ad":
                yield item

        assert await place.render(EACH, items=items(), n=n) == "1a1 2d4 "

    place.test(main)


def test_what_is_not_to_be_cached(place: Place) -> None:
    async def main() -> None:
        n = numbers()
        for source in (TAG.replace("key %", "key, when=false %"), EACH):
            place.env.cache_bypass = lambda context: "items" in context
            views = [await place.render(source, key=1, items="a", n=n) for _ in "ab"]
            assert views[0] != views[1]

    place.test(main)


def test_inheritance_includes_imports_macros_and_callers(place: Place) -> None:
    place.sources |= {
        "base": "[{% block a %}base{% endblock %}]",
        "page": '{% extends "base" %}{% from "lib" import box %}{% block a %}'
        '{% cache "short", run, 1 %}{{ super() }}{% include "part" %}{% endcache %}'
        "{% call box() %}{{ x }}{% endcall %}{% endblock %}",
        "part": "part{{ x }}",
        "lib": '{% macro box() %}{% cache "short", run, "box" %}({{ caller() }})'
        "{% endcache %}{% endmacro %}",
    }

    async def main() -> None:
        page = place.env.get_template("page")
        views = [await page.render_async(x=x) for x in (1, 2)]
        assert views == ["[basepart1(1)]"] * 2

    place.test(main)


def test_what_is_escaped_once_is_escaped_once(place: Place) -> None:
    async def main() -> None:
        source = '{% cache "short", run %}{{ x }}<b>{% endcache %}'
        views = [await place.render(source, x="<") for _ in range(2)]
        assert views == ["&lt;<b>"] * 2

    place.test(main)


def test_streaming(place: Place) -> None:
    async def main() -> None:
        n = numbers()
        for _ in range(2):
            template = place.env.from_string("a" + TAG + "b")
            parts = [part async for part in template.generate_async(key=1, n=n)]
            assert "".join(parts) == "a<1>b"

    place.test(main)


def test_a_body_that_fails_stores_nothing(place: Place) -> None:
    async def fail() -> None:
        await asyncio.sleep(0)
        raise ZeroDivisionError

    async def main() -> None:
        with pytest.raises(ZeroDivisionError):
            await place.render(TAG, key=1, n=fail)
        assert await place.render(TAG, key=1, n=numbers()) == "<1>"

    place.test(main)


def test_a_rendering_that_is_cancelled_is_followed_by_another(place: Place) -> None:
    async def main() -> None:
        begun, may_end = asyncio.Event(), asyncio.Event()

        async def wait() -> str:
            begun.set()
            await may_end.wait()
            return "never"

        first = asyncio.create_task(place.render(TAG, key=1, n=wait))
        await begun.wait()
        second = asyncio.create_task(place.render(TAG, key=1, n=numbers()))
        await asyncio.sleep(0.01)
        first.cancel()
        assert await second == "<1>"
        with pytest.raises(asyncio.CancelledError):
            await first

    place.test(main)


def test_a_fragment_in_itself_and_an_item_in_another(place: Place) -> None:
    cards = (
        '{% macro cards(list) %}{% cacheeach "short", i in list, key=(run, i) %}{{ i }}'
        "{% if i == 1 %}({{ cards(inner) }}){% endif %}{% endcacheeach %}{% endmacro %}"
        "{{ cards(list) }}"
    )

    async def main() -> None:
        with pytest.raises(FragmentInItself):
            await place.render(cards, list=[1, 2], inner=[1])
        assert await place.render(cards, list=[1, 2], inner=[2]) == "1(2)2"

    place.test(main)


def test_a_fragment_is_invalidated(place: Place) -> None:
    place.sources["page"] = TAG

    async def main() -> None:
        n, page = numbers(), place.env.get_template("page")
        run = place.env.globals["run"]
        assert [await page.render_async(key=1, n=n) for _ in "ab"] == ["<1>"] * 2
        await async_invalidate_fragment(place.env, "page", run, 1)
        assert await page.render_async(key=1, n=n) == "<2>"
        if hasattr(place.region, "aclose"):
            with pytest.raises(FragmentError, match="async_invalidate_fragment"):
                invalidate_fragment(place.env, "page", run, 1)

    place.test(main)


def test_a_region_for_threads_that_waits_is_an_error(redis_server: Redis) -> None:
    region = make_region("short").configure(
        "dogpile.cache.redis", arguments={"url": redis_server.url}
    )
    place = Place(region)

    async def main() -> None:
        with pytest.raises(ValidationError, match="would block the event loop"):
            await place.render(TAG, key=1, n=numbers())

    place.test(main)


@pytest.mark.parametrize("source", [TAG, EACH])
def test_a_region_for_tasks_in_an_environment_for_threads(source: str) -> None:
    region = make_async_region("short").configure("dogpile.cache.memory")
    env: Environment = jinja2_environment({"short": region})  # type: ignore[dict-item]
    with pytest.raises(FragmentError, match="needs enable_async=True"):
        env.from_string(source).render(key=1, n=str, items="a", run=1)


def test_an_asynchronous_environment_may_render_for_threads() -> None:
    place = Place(make_async_region("short").configure("dogpile.cache.memory", 60))
    n = numbers()
    template = place.env.from_string(TAG)
    assert [template.render(key=1, n=n) for _ in range(2)] == ["<1>"] * 2
