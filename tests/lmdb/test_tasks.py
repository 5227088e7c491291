"""The embedded cache for tasks: reads on the event loop, writes beside it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from dogpile_cache import NO_VALUE, make_region
from dogpile_cache.aio import AsyncCacheRegion, make_async_region
from dogpile_cache.proxy import ProxyBackend
from dogpile_cache.testing import SettableClock


def cache(path: Path, **options: Any) -> AsyncCacheRegion:
    return make_async_region().configure(
        "dogpile.cache.lmdb", arguments={"path": path}, **options
    )


@pytest.fixture
def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any) -> None:
        raise AssertionError("a thread was asked for")

    monkeypatch.setattr(asyncio, "to_thread", refuse)
    monkeypatch.setattr(threading.Thread, "start", refuse)


def test_a_read_takes_no_thread(tmp_path: Path, no_threads: None) -> None:
    region = make_region().configure("dogpile.cache.lmdb", arguments={"path": tmp_path})
    region.set_multi({"key": "value", "long": "x" * 10_000, "list": [1]})

    async def main() -> None:
        tasks = cache(tmp_path)
        for _ in range(3):
            assert await tasks.get("key") == "value"
            assert await tasks.get("long") == "x" * 10_000
            assert await tasks.get_or_create("list", lambda: 1) == [1]
            assert await tasks.get_multi(["key", "none"]) == ["value", NO_VALUE]

    asyncio.run(main())


def test_a_write_that_waits_for_another_process_lets_the_others_go_on(
    tmp_path: Path,
) -> None:
    writer = """
import sys
from dogpile_cache import make_region
region = make_region().configure("dogpile.cache.lmdb", arguments={"path": sys.argv[1]})
def write(entries, txn):
    print("writing", flush=True)
    sys.stdin.readline()
region.backend._environment.write(write)
"""

    async def main() -> None:
        region = cache(tmp_path)
        await region.set("key", "value")
        command = [sys.executable, "-c", writer, str(tmp_path)]
        with subprocess.Popen(  # noqa: ASYNC220  # it takes a moment
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as other:
            assert other.stdout
            assert await asyncio.to_thread(other.stdout.readline) == "writing\n"
            waiting = asyncio.create_task(region.set("key", "new"))
            for _ in range(50):
                await asyncio.sleep(0.001)
                assert await region.get("key") == "value"
            assert not waiting.done()
            other.communicate("go on\n")
            await waiting
        assert await region.get("key") == "new"

    asyncio.run(asyncio.wait_for(main(), 30))


def test_tasks_that_wait_for_another_process_pause_without_their_thread(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        region = cache(tmp_path)
        lock = make_region().configure(
            "dogpile.cache.lmdb", arguments={"path": tmp_path}
        )
        mutexes = [lock.backend.get_mutex(f"key {n}") for n in range(20)]
        for mutex in mutexes:
            assert mutex.acquire(False)
        made = [
            asyncio.create_task(region.get_or_create(f"key {n}", lambda: "made here"))
            for n in range(20)
        ]
        for _ in range(20):
            await asyncio.sleep(0.001)
        assert not any(task.done() for task in made)
        for mutex in mutexes[10:]:
            mutex.release()
        assert await asyncio.gather(*made[10:]) == ["made here"] * 10
        lock.set_multi({f"key {n}": "made there" for n in range(10)})
        assert await asyncio.gather(*made[:10]) == ["made there"] * 10
        for mutex in mutexes[:10]:
            mutex.release()

    asyncio.run(asyncio.wait_for(main(), 30))


def test_what_is_told_of_deadlines_reaches_it_through_proxies(tmp_path: Path) -> None:
    clock = SettableClock()

    async def main() -> None:
        region = make_async_region(clock=clock).configure(
            "dogpile.cache.lmdb", arguments={"path": tmp_path}, wrap=[ProxyBackend]
        )
        await region.get_or_create("key", lambda: 1, expiration_time=10)
        clock.move(11)
        assert region.actual_backend.purge() == 1

    asyncio.run(main())


def test_a_cancelled_write_leaves_the_region_whole(tmp_path: Path) -> None:
    async def main() -> None:
        region = cache(tmp_path)
        for number in range(50):
            task = asyncio.create_task(
                region.get_or_create(f"key {number}", lambda: "x" * 50_000)
            )
            for _ in range(number % 7):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            value = await region.get_or_create(f"key {number}", lambda: "x" * 50_000)
            assert value == "x" * 50_000
            assert not await region.key_is_locked(f"key {number}")

    asyncio.run(asyncio.wait_for(main(), 30))
