"""Creations among tasks: one makes, the others are served or wait, nobody hangs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dogpile_cache import NO_VALUE, make_region
from dogpile_cache.aio import (
    AsyncCacheRegion,
    make_async_region,
)
from dogpile_cache.exception import (
    CreationDeadlock,
    RegionNotConfigured,
    ValidationError,
)
from dogpile_cache.testing import SettableClock

from .conftest import Run


class Creation:
    """Be a creator that tells when it has started and waits to be told to go on."""

    def __init__(self, value: Any = "made") -> None:
        self.value = value
        self.calls = 0
        self.begun, self.may_end = asyncio.Event(), asyncio.Event()

    async def __call__(self, *keys: Any) -> Any:
        self.calls += 1
        self.begun.set()
        await self.may_end.wait()
        return self.value


def memory(clock: SettableClock, **options: Any) -> AsyncCacheRegion:
    region = make_async_region(clock=clock, **options)
    return region.configure("dogpile.cache.memory", expiration_time=10)


def test_of_a_thousand_tasks_one_creates(run: Run, clock: SettableClock) -> None:
    async def main() -> None:
        region, creation = memory(clock), Creation()
        asking = [
            asyncio.create_task(region.get_or_create("key", creation))
            for _ in range(1000)
        ]
        await creation.begun.wait()
        assert await region.key_is_locked("key")
        creation.may_end.set()
        assert await asyncio.gather(*asking) == ["made"] * 1000
        assert creation.calls == 1
        assert not await region.key_is_locked("key")

    run(main())


def test_a_creator_may_be_a_plain_function(run: Run, clock: SettableClock) -> None:
    async def main() -> None:
        region = memory(clock)
        assert await region.get_or_create("key", lambda: 1) == 1
        args = (("a",), {"b": "c"})
        made = await region.get_or_create("other", "{0}{b}".format, creator_args=args)
        assert made == "ac"
        assert await region.get_or_create_multi("ab", lambda *keys: keys) == ["a", "b"]
        assert await region.get_multi(["key", "a", "none"]) == [1, "a", NO_VALUE]

    run(main())


def test_others_are_served_the_stale_value_at_once(
    run: Run, clock: SettableClock
) -> None:
    async def main() -> None:
        region, creation = memory(clock), Creation("new")
        await region.set("key", "old")
        clock.move(11)
        renewing = asyncio.create_task(region.get_or_create("key", creation))
        await creation.begun.wait()
        assert await region.get_or_create("key", pytest.fail) == "old"
        creation.may_end.set()
        assert await renewing == "new"
        assert await region.get("key") == "new"

    run(main())


def test_a_creator_that_fails_lets_the_next_one_try(
    run: Run, clock: SettableClock
) -> None:
    async def main() -> None:
        region, creation = memory(clock), Creation()

        async def fail() -> Any:
            await creation()
            raise ZeroDivisionError

        first = asyncio.create_task(region.get_or_create("key", fail))
        await creation.begun.wait()
        second = asyncio.create_task(region.get_or_create("key", lambda: 2))
        creation.may_end.set()
        with pytest.raises(ZeroDivisionError):
            await first
        assert await second == 2

    run(main())


def test_a_deletion_during_a_creation_wins(run: Run, clock: SettableClock) -> None:
    async def main() -> None:
        region, creation = memory(clock), Creation()
        asking = asyncio.create_task(region.get_or_create("key", creation))
        await creation.begun.wait()
        await region.delete("key")
        creation.may_end.set()
        assert await asking == "made"
        assert await region.get("key") is NO_VALUE

    run(main())


def test_a_cancelled_waiter_leaves_nothing_behind(
    run: Run, clock: SettableClock
) -> None:
    async def main() -> None:
        region, creation = memory(clock), Creation()
        asking = asyncio.create_task(region.get_or_create("key", creation))
        await creation.begun.wait()
        waiting = [
            asyncio.create_task(region.get_or_create("key", pytest.fail))
            for _ in range(3)
        ]
        await asyncio.sleep(0)
        waiting[1].cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting[1]
        creation.may_end.set()
        assert await asyncio.gather(asking, waiting[0], waiting[2]) == ["made"] * 3

    run(main())


def test_a_cancelled_creator_is_followed_by_another(
    run: Run, clock: SettableClock
) -> None:
    async def main() -> None:
        region, creation = memory(clock), Creation()
        asking = asyncio.create_task(region.get_or_create("key", creation))
        await creation.begun.wait()
        waiting = asyncio.create_task(region.get_or_create("key", lambda: "second"))
        await asyncio.sleep(0)
        asking.cancel()
        assert await waiting == "second"
        with pytest.raises(asyncio.CancelledError):
            await asking

    run(main())


def test_a_task_that_would_wait_for_itself_is_told(
    run: Run, clock: SettableClock
) -> None:
    async def main() -> None:
        region = memory(clock)

        async def ask(*_: Any) -> Any:
            return await region.get_or_create("key", ask)

        with pytest.raises(CreationDeadlock, match="'key'"):
            await ask()
        first, second = Creation(), Creation()

        async def a() -> Any:
            await first()
            return await region.get_or_create("b", pytest.fail)

        async def b() -> Any:
            await second()
            return await region.get_or_create("a", pytest.fail)

        tasks = [
            asyncio.create_task(region.get_or_create("a", a)),
            asyncio.create_task(region.get_or_create("b", b)),
        ]
        await asyncio.gather(first.begun.wait(), second.begun.wait())
        first.may_end.set()
        await asyncio.sleep(0)
        second.may_end.set()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert any(isinstance(each, CreationDeadlock) for each in done), done

    run(main())


def test_decorated_functions_and_methods(run: Run, clock: SettableClock) -> None:
    async def main() -> None:
        region, calls = memory(clock), list[Any]()

        class Shop:
            @region.cache_on_arguments()
            async def price(self, article: int, tax: int = 1) -> int:
                calls.append(article)
                return article + tax

            @region.cache_multi_on_arguments(asdict=True)
            async def prices(self, *articles: int) -> dict[int, int]:
                return {article: article * 2 for article in articles if article != 3}

        shop = Shop()
        assert asyncio.iscoroutinefunction(Shop.price)
        assert [await shop.price(1), await shop.price(1, tax=1)] == [2, 2]
        assert calls == [1]
        assert await shop.price.get(shop, 1) == 2
        await shop.price.set(9, shop, 1)
        assert await shop.price(1) == 9
        assert await shop.price.refresh(shop, 1) == 2
        await shop.price.invalidate(shop, 1)
        assert await shop.price.get(shop, 1) is NO_VALUE
        assert await shop.price.original(shop, 5) == 6
        assert await shop.prices(1, 2, 3) == {1: 2, 2: 4}
        assert await Shop.prices.refresh(shop, 4) == {4: 8}

    run(main())


def test_a_plain_function_may_be_decorated(run: Run, clock: SettableClock) -> None:
    async def main() -> None:
        region = memory(clock)
        double = region.cache_on_arguments()(lambda x: x * 2)
        assert await double(2) == 4

    run(main())


def test_the_decorator_for_threads_names_the_region_for_coroutines() -> None:
    async def function() -> None: ...

    for decorator in ("cache_on_arguments", "cache_multi_on_arguments"):
        with pytest.raises(TypeError, match=r"AsyncCacheRegion of dogpile_cache\.aio"):
            getattr(make_region(), decorator)()(function)


def test_a_region_that_is_not_configured(run: Run) -> None:
    with pytest.raises(RegionNotConfigured):
        run(make_async_region().get_or_create("key", lambda: 1))


def test_a_backend_for_tasks_is_not_for_threads() -> None:
    from dogpile_cache import register_backend

    register_backend("test.tasks", "dogpile_cache.aio", "AsyncCacheBackend")
    with pytest.raises(ValidationError, match="use it with an AsyncCacheRegion"):
        make_region().configure("test.tasks")
