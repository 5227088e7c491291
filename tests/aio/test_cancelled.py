"""Cancel at every point where a task awaits: nothing is locked, no reply is mixed up."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Generator
from pathlib import Path
from types import coroutine
from typing import Any

import pytest

from dogpile_cache import make_region
from dogpile_cache.aio import AsyncCacheRegion, make_async_region
from tests.servers import Memcached, Redis

from .conftest import Run


class Cancelled:
    """Await something and cancel the task where it waits for the n-th time."""

    def __init__(self, work: Any, point: int) -> None:
        self._work = work
        self.left = point

    def __await__(self) -> Generator[Any, Any, Any]:
        steps = self._work.__await__()
        resume: Callable[[], Any] = lambda: steps.send(None)
        while True:
            try:
                waited_for = resume()
            except StopIteration as end:
                return end.value
            self.left -= 1
            if self.left == 0:
                task = asyncio.current_task()
                assert task is not None
                asyncio.get_running_loop().call_soon(task.cancel)
            try:
                sent = yield waited_for
                resume = lambda sent=sent: steps.send(sent)  # type: ignore[misc]
            except BaseException as error:
                resume = lambda error=error: steps.throw(error)  # type: ignore[misc]


@coroutine
def pause() -> Generator[None, None, None]:
    yield


async def cancel_everywhere(
    work: Callable[[], Awaitable[Any]], after: Callable[[], Awaitable[None]]
) -> int:
    """Do work again and again, cancelled one point later each time; tell the points."""
    point, cancelled = 0, True
    while cancelled:
        point += 1
        at = Cancelled(work(), point)

        async def attempt(at: Cancelled = at) -> Any:
            return await at

        task = asyncio.create_task(attempt())
        await asyncio.wait([task], timeout=20)
        assert task.done(), f"it hangs after point {point}"
        cancelled = at.left <= 0
        if not task.cancelled():
            task.exception()  # which may be the cancellation, in other words
        await after()
    return point


@pytest.fixture(params=["memory", "dbm", "redis", "valkey", "pymemcache"])
def make(request: Any, tmp_path: Path) -> Callable[[], AsyncCacheRegion]:
    name, arguments = request.param, dict[str, Any]()
    if name == "dbm":
        arguments = {"filename": str(tmp_path / "file.dbm")}
    elif name == "pymemcache":
        memcached: Memcached = request.getfixturevalue("memcached_server")
        arguments = {"url": memcached.url, "distributed_lock": True}
    elif name != "memory":
        server: Redis = request.getfixturevalue(f"{name}_server")
        arguments = {
            "url": server.url,
            "distributed_lock": True,
            "lock_prefix": f"_l{uuid.uuid4().hex[:7]}",
        }
    return lambda: make_async_region().configure(
        f"dogpile.cache.{name}", arguments=arguments
    )


def test_a_creation_that_is_cancelled_anywhere(
    run: Run, make: Callable[[], AsyncCacheRegion]
) -> None:
    async def main() -> None:
        async with make() as region:
            key = uuid.uuid4().hex

            async def create() -> str:
                await pause()
                return "made"

            async def check() -> None:
                for _ in range(200):  # a lease is dropped in the background
                    if not await region.key_is_locked(key):
                        break
                    await asyncio.sleep(0.01)
                assert not await region.key_is_locked(key)
                assert await asyncio.wait_for(
                    region.get_or_create(key, create), 20
                ) == ("made")
                await region.delete(key)

            work = lambda: region.get_or_create(key, create)
            assert await cancel_everywhere(work, check) > 2

    run(main())


def test_many_creations_that_are_cancelled_anywhere(
    run: Run, make: Callable[[], AsyncCacheRegion]
) -> None:
    async def main() -> None:
        async with make() as region:
            keys = [uuid.uuid4().hex for _ in range(3)]

            async def create(*missing: str) -> list[str]:
                await pause()
                return [f"made {key}" for key in missing]

            async def check() -> None:
                for key in keys:
                    for _ in range(200):
                        if not await region.key_is_locked(key):
                            break
                        await asyncio.sleep(0.01)
                    assert not await region.key_is_locked(key)
                work = region.get_or_create_multi(keys, create)
                made = await asyncio.wait_for(work, 20)
                assert made == [f"made {key}" for key in keys]
                await region.delete_multi(keys)

            work = lambda: region.get_or_create_multi(keys, create)
            assert await cancel_everywhere(work, check) > 2

    run(main())


@pytest.mark.server
@pytest.mark.parametrize("library", ["redis", "valkey", "pymemcache"])
@pytest.mark.parametrize("lanes", [1, 8])
def test_a_read_that_is_cancelled_leaves_its_reply_to_nobody(
    run: Run, request: Any, library: str, lanes: int
) -> None:
    """The next one on the connection would be given it."""
    if library == "pymemcache":
        arguments = {"url": request.getfixturevalue("memcached_server").url}
    else:
        arguments = {
            "url": request.getfixturevalue(f"{library}_server").url,
            "connection_kwargs": {"max_connections": 2 * lanes},
        }

    async def main() -> None:
        region = make_async_region().configure(
            f"dogpile.cache.{library}", arguments=arguments
        )
        async with region:
            names = [uuid.uuid4().hex for _ in range(2 * lanes)]
            await region.set_multi({name: name for name in names})

            async def check() -> None:
                answers = await asyncio.gather(*map(region.get, names))
                assert answers == names
                assert await region.get_multi(names) == names

            for work in (
                lambda: region.get(names[0]),
                lambda: region.get_multi(names),
                lambda: region.set(names[0], names[0]),
                lambda: region.delete("nothing"),
            ):
                await cancel_everywhere(work, check)

    run(main())


def test_a_waiter_of_another_process_that_is_cancelled_anywhere(
    run: Run, request: Any
) -> None:
    """It listens for the news of a release; who comes after it is told, too."""
    server: Redis = request.getfixturevalue("redis_server")
    arguments = {"url": server.url, "distributed_lock": True}
    other = make_region().configure("dogpile.cache.redis", arguments=arguments)
    key = uuid.uuid4().hex

    async def main() -> None:
        region = make_async_region().configure(
            "dogpile.cache.redis", arguments=arguments
        )
        async with region:
            for point in range(1, 25):
                held = other.backend.get_mutex(key)
                assert held is not None
                assert held.acquire(False)
                at = Cancelled(region.get_or_create(key, lambda: 1), point)

                async def attempt(at: Cancelled = at) -> Any:
                    return await at

                task = asyncio.create_task(attempt())
                await asyncio.wait([task], timeout=0.3)
                assert held.release() is not False
                await asyncio.wait([task], timeout=20)
                assert task.done()
                assert await region.get_or_create(key, lambda: 1) == 1
                await region.delete(key)
                if at.left > 0:
                    break

    run(main())
