"""Where a region keeps bytes, nothing that others put into memcached is unpickled."""

from __future__ import annotations

import asyncio
import io
import pickle
import uuid
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from dogpile_cache import NO_VALUE, make_region
from dogpile_cache.aio import make_async_region
from dogpile_cache.backends.memcached_pickles import Unpickler, for_bytes

from .shared import MEMCACHED, threads_leave_clients

pytestmark = [pytest.mark.server, threads_leave_clients]

SECRET = "0123456789abcdef"
MODES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "json": ({"serializer": "json"}, {}),
    "signed": ({}, {"signing_key": SECRET}),
}


class Trap:
    """Make a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> Any:
        return open, (str(self._path), "w")


@pytest.fixture
def keys() -> list[str]:
    return [uuid.uuid4().hex for _ in range(3)]


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> Any:
    return MODES[request.param]


@pytest.mark.parametrize("backend", MEMCACHED)
def test_a_pickle_of_a_stranger_is_a_miss_and_is_not_unpickled(
    backend: str,
    mode: Any,
    memcached_server: Any,
    keys: list[str],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    arguments = {"url": memcached_server.url, "distributed_lock": True}
    made, configured = mode
    region = make_region(**made).configure(
        f"dogpile.cache.{backend}", 60, arguments, **configured
    )
    client: Any = region.actual_backend.client  # type: ignore[attr-defined]
    bad, lock, good = keys
    region.set(good, "good")
    client.set(bad, Trap(tmp_path / "value"))
    client.set(f"_lock{lock}", Trap(tmp_path / "lock"))
    assert region.get(bad) is NO_VALUE
    assert region.get_multi([bad, good]) == [NO_VALUE, "good"]
    assert region.key_is_locked(lock)
    region.delete(lock)
    assert not [*tmp_path.iterdir()]
    assert f"Security: the value of {bad!r} is not bytes" in caplog.text
    assert region.get_or_create(bad, lambda: "made") == "made"
    assert region.get(bad) == "made"

    client.set(bad, Trap(tmp_path / "value"))
    client.get(bad).close()  # it is what it is said to be
    assert (tmp_path / "value").exists()


@pytest.mark.parametrize("backend", MEMCACHED)
def test_nor_is_it_for_tasks(
    backend: str, mode: Any, memcached_server: Any, keys: list[str], tmp_path: Path
) -> None:
    arguments = {"url": memcached_server.url, "distributed_lock": True}
    made, configured = mode
    name = f"dogpile.cache.{backend}"
    for_threads = make_region().configure(name, 60, arguments)
    client: Any = for_threads.actual_backend.client  # type: ignore[attr-defined]
    bad, lock, good = keys
    client.set(bad, Trap(tmp_path / "value"))
    client.set(f"_lock{lock}", Trap(tmp_path / "lock"))

    async def main() -> None:
        region = make_async_region(**made).configure(name, 60, arguments, **configured)
        async with region:
            await region.set(good, "good")
            assert await region.get(bad) is NO_VALUE
            assert await region.get_multi([bad, good]) == [NO_VALUE, "good"]
            await region.key_is_locked(lock)
            await region.delete(lock)

    asyncio.run(main())
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("backend", MEMCACHED)
def test_without_a_serializer_values_are_unpickled_as_ever(
    backend: str, memcached_server: Any, keys: list[str]
) -> None:
    arguments = {"url": memcached_server.url}
    region = make_region().configure(f"dogpile.cache.{backend}", 60, arguments)
    region.set_multi(dict.fromkeys(keys, ("a", 1)))
    assert region.get(keys[0]) == ("a", 1)
    assert region.get_multi(keys) == [("a", 1)] * 3


@pytest.mark.parametrize("backend", MEMCACHED)
def test_a_value_that_stands_under_another_key_is_a_miss(
    backend: str,
    memcached_server: Any,
    keys: list[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    arguments = {"url": memcached_server.url}
    region = make_region().configure(f"dogpile.cache.{backend}", 60, arguments)
    client: Any = region.actual_backend.client  # type: ignore[attr-defined]
    one, other, _ = keys
    region.set_multi({one: "one", other: "other"})
    value = client.get(one)
    assert set(value.metadata) == {"ct", "v", "st", "kd"}
    client.set(other, value)
    assert region.get(other) is NO_VALUE
    assert region.get_multi(keys) == ["one", NO_VALUE, NO_VALUE]
    assert f"The value of {other!r} was stored for another key" in caplog.text
    assert region.get_or_create(other, lambda: "made") == "made"


def test_a_compressing_serde_of_the_library_keeps_bytes_and_is_as_safe(
    memcached_server: Any, keys: list[str], tmp_path: Path
) -> None:
    serde = import_module("pymemcache.serde").compressed_serde
    arguments = {"url": memcached_server.url, "serde": serde}
    region = make_region(serializer="text").configure(
        "dogpile.cache.pymemcache", 60, arguments
    )
    long = "long" * 1000
    region.set(keys[0], long)
    assert region.get(keys[0]) == long
    client: Any = region.actual_backend.client  # type: ignore[attr-defined]
    client.set(keys[1], [Trap(tmp_path / "value"), long])
    assert region.get(keys[1]) is NO_VALUE
    assert not [*tmp_path.iterdir()]


def test_what_was_asked_for_is_forgotten_after_an_error() -> None:
    file = io.BytesIO(pickle.dumps(1))
    with pytest.raises(ZeroDivisionError):
        for_bytes(lambda: 1 / 0)
    assert Unpickler(file).load() == 1
