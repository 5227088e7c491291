"""Event loops one after the other, and stale values made anew in the background."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from dogpile_cache import NO_VALUE
from dogpile_cache.aio import (
    background_work,
    refresh_in_background,
)
from dogpile_cache.exception import (
    TwoEventLoops,
)
from dogpile_cache.testing import SettableClock

from .conftest import Run
from .test_creations import Creation, memory


def test_a_region_serves_one_loop_after_the_other(clock: SettableClock) -> None:
    region = memory(clock)

    async def abandon() -> None:
        creation = Creation()
        asyncio.create_task(region.get_or_create("key", creation))  # noqa: RUF006
        await creation.begun.wait()

    asyncio.run(abandon())  # which cancels the task
    assert asyncio.run(region.get_or_create("key", lambda: 2)) == 2


def test_a_flight_of_a_loop_that_was_just_stopped_is_forgotten(
    clock: SettableClock,
) -> None:
    region, loop = memory(clock), asyncio.new_event_loop()

    async def begin() -> Any:
        creation = Creation()
        task = asyncio.create_task(region.get_or_create("key", creation))
        await creation.begun.wait()
        return task

    task = loop.run_until_complete(begin())
    assert asyncio.run(region.get_or_create("key", lambda: 2)) == 2
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(task)
    loop.close()


def test_two_loops_at_once_are_told(clock: SettableClock) -> None:
    region, other = memory(clock), asyncio.new_event_loop()

    async def main() -> None:
        creation = Creation()
        asking = asyncio.create_task(region.get_or_create("key", creation))
        await creation.begun.wait()

        def ask() -> Any:
            return other.run_until_complete(region.get_or_create("key", pytest.fail))

        with pytest.raises(TwoEventLoops, match="Make a region for each loop"):
            await asyncio.to_thread(ask)
        creation.may_end.set()
        assert await asking == "made"

    asyncio.run(main())
    other.close()


def test_a_stale_value_is_made_anew_in_the_background(
    run: Run, clock: SettableClock
) -> None:
    async def main() -> None:
        region = memory(clock, async_creation_runner=refresh_in_background)
        creation = Creation("new")
        await region.set("key", "old")
        clock.move(11)
        for _ in range(3):
            assert await region.get_or_create("key", creation) == "old"
        await creation.begun.wait()
        assert await region.get_or_create("key", creation) == "old"
        creation.may_end.set()
        await background_work()
        assert await region.get("key") == "new"
        assert creation.calls == 1
        assert not await region.key_is_locked("key")

    run(main())


def test_closing_waits_for_the_background_and_a_deletion_wins_over_it(
    run: Run, clock: SettableClock
) -> None:
    async def main() -> None:
        region = memory(clock, async_creation_runner=refresh_in_background)
        creation = Creation("new")
        for key in ("kept", "deleted"):
            await region.set(key, "old")
        clock.move(11)
        async with region:
            for key in ("kept", "deleted"):
                await region.get_or_create(key, creation)
            await creation.begun.wait()
            await region.delete("deleted")
            creation.may_end.set()
        assert await region.get_multi(["kept", "deleted"]) == ["new", NO_VALUE]

    run(main())


def test_a_background_creation_that_fails_is_told_and_tried_again(
    run: Run, clock: SettableClock, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail() -> Any:
        raise ZeroDivisionError

    async def main() -> None:
        region = memory(clock, async_creation_runner=refresh_in_background)
        await region.set("key", "old")
        clock.move(11)
        assert await region.get_or_create("key", fail) == "old"
        await background_work()
        assert await region.get_or_create("key", lambda: "new") == "old"
        await background_work()
        assert await region.get("key") == "new"

    run(main())
    assert "The value of 'key' was not made anew" in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_a_runner_may_be_a_plain_function(run: Run, clock: SettableClock) -> None:
    handed: list[Any] = []

    async def main() -> None:
        region = memory(clock, async_creation_runner=lambda *args: handed.append(args))
        await region.set("key", "old")
        clock.move(11)
        assert await region.get_or_create("key", lambda: "new") == "old"
        ((given, key, creator, mutex),) = handed
        assert (given, key) == (region, "key")
        await region.set(key, creator())
        await mutex.release()
        assert await region.get("key") == "new"

    run(main())
