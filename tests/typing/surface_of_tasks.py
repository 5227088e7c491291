"""The public surface for tasks, for type checkers: each line is what a user may write."""

from __future__ import annotations

from typing import Any

from typing_extensions import assert_type

from dogpile_cache.aio import (
    AsyncBytesBackend,
    AsyncCacheRegion,
    make_async_region,
    refresh_in_background,
)
from dogpile_cache.api import NoValueType

region = make_async_region(async_creation_runner=refresh_in_background)
assert_type(region, AsyncCacheRegion)
assert_type(region.configure("dogpile.cache.memory"), AsyncCacheRegion)


async def load() -> int:
    return 1


def load_at_once() -> int:
    return 1


@region.cache_on_arguments()
async def price(article: int, tax: float = 0.2) -> str:
    return f"{article} {tax}"


@region.cache_on_arguments
async def bare(article: int) -> list[int]:
    return [article]


@region.cache_multi_on_arguments()
async def prices(*articles: int) -> list[str]:
    return [str(article) for article in articles]


class Shop:
    @region.cache_on_arguments()
    async def price(self, article: int) -> str:
        return str(article)


class Backend(AsyncBytesBackend):
    async def get_serialized(self, key: str) -> Any:
        return b""


async def use() -> None:
    assert_type(await region.get_or_create("key", load), int)
    assert_type(await region.get_or_create("key", load_at_once), int)
    assert_type(await price(1, tax=0.1), str)
    assert_type(await price.get(1), str | NoValueType)
    assert_type(await price.set("x", 1), None)
    assert_type(await price.refresh(1), str)
    assert_type(await price.invalidate(1), None)
    assert_type(await bare(1), list[int])
    assert_type(await prices(1, 2), list[str])
    assert_type(await Shop().price(1), str)
    assert_type(await Shop().price.get(Shop(), 1), str | NoValueType)
    async with region as same:
        assert_type(same, AsyncCacheRegion)
    await price("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await price.set(5, 1)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
