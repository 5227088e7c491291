"""What others put into Redis under the keys of a region."""

from __future__ import annotations

import asyncio
import pickle
import uuid
from pathlib import Path
from typing import Any

import pytest

from dogpile_cache import NO_VALUE, make_region
from dogpile_cache.aio import make_async_region

from .shared import REDIS

SECRET = "0123456789abcdef"

pytestmark = pytest.mark.server


class Trap:
    """Make a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> Any:
        return open, (str(self._path), "w")


@pytest.fixture
def key() -> str:
    return uuid.uuid4().hex


@pytest.fixture(params=REDIS)
def backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    server = request.getfixturevalue(f"{request.param}_server")
    return f"dogpile.cache.{request.param}", {"port": server.port}


def test_a_pickle_of_a_stranger_is_unpickled_by_no_signed_region(
    backend: tuple[str, dict[str, Any]],
    key: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    name, arguments = backend
    region = make_region("a").configure(name, 60, arguments, signing_key=SECRET)
    region.set(key, "value")
    assert region.get(key) == "value"
    client: Any = region.actual_backend.writer_client  # type: ignore[attr-defined]
    head = client.get(key).partition(b"|")[0]
    for forged in (b'{"ct": 2e9, "v": 2}', head):
        client.set(key, forged + b"|" + pickle.dumps(Trap(tmp_path / "made")))
        assert region.get(key) is NO_VALUE
        assert region.get_multi([key]) == [NO_VALUE]
        assert caplog.text.count("Security: the value of") == 2
        caplog.clear()
    assert not [*tmp_path.iterdir()]
    assert region.get_or_create_multi([key], lambda key: ["made"]) == ["made"]

    client.set(key, head + b"|" + pickle.dumps(Trap(tmp_path / "made")))
    make_region("a").configure(name, 60, arguments).get(key).close()
    assert [*tmp_path.iterdir()]  # it is what it is said to be


def test_nor_by_one_for_tasks(
    backend: tuple[str, dict[str, Any]], key: str, tmp_path: Path
) -> None:
    name, arguments = backend
    region = make_region("a").configure(name, 60, arguments)
    client: Any = region.actual_backend.writer_client  # type: ignore[attr-defined]
    forged = b'{"ct": 2e9, "v": 2}|' + pickle.dumps(Trap(tmp_path / "made"))

    async def main() -> None:
        signed = make_async_region("a").configure(
            name, 60, arguments, signing_key=SECRET, compress_min_bytes=10
        )
        async with signed:
            await signed.set(key, "value" * 10)
            assert await signed.get_multi([key]) == ["value" * 10]
            client.set(key, forged)
            assert await signed.get(key) is NO_VALUE
            assert await signed.get_multi([key]) == [NO_VALUE]

    asyncio.run(main())
    assert not [*tmp_path.iterdir()]


def test_values_that_were_swapped_are_misses(
    backend: tuple[str, dict[str, Any]], key: str
) -> None:
    name, arguments = backend
    region = make_region().configure(name, 60, arguments)
    other = f"{key}2"
    region.set_multi({key: 1, other: 2})
    client: Any = region.actual_backend.writer_client  # type: ignore[attr-defined]
    one, two = client.mget([key, other])
    client.mset({key: two, other: one})
    assert region.get_multi([key, other]) == [NO_VALUE, NO_VALUE]
    assert region.get_or_create_multi([key, other], lambda *keys: [3, 4]) == [3, 4]
    assert region.get(key) == 3
