"""A process for each package."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .packages import NEW, OLD
from .processes import Process

BACKENDS = {
    "redis": "redis_server",
    "valkey": "valkey_server",
    "dbm": "tmp_path",
    "pymemcache": "memcached_server",
    "memcached": "memcached_server",
    "pylibmc": "memcached_server",
    "bmemcached": "memcached_server",
}


@pytest.fixture(scope="session")
def old() -> Iterator[Process]:
    """Give a process that uses dogpile.cache, and cannot find dogpile_cache."""
    with Process(OLD, "dogpile_cache") as process:
        yield process


@pytest.fixture(scope="session")
def new() -> Iterator[Process]:
    """Give a process that uses dogpile_cache, and cannot find dogpile.cache."""
    with Process(NEW, "dogpile") as process:
        yield process


@pytest.fixture(scope="session")
def old_beside() -> Iterator[Process]:
    """Give a process that uses dogpile.cache, with dogpile_cache installed."""
    with Process(OLD) as process:
        yield process


@pytest.fixture(scope="session")
def new_beside() -> Iterator[Process]:
    """Give a process that uses dogpile_cache, with dogpile.cache installed."""
    with Process(NEW) as process:
        yield process


def arguments_of(request: pytest.FixtureRequest, backend: str) -> dict[str, Any]:
    """Return the arguments with which a backend reaches its server or file."""
    place = request.getfixturevalue(BACKENDS[backend])
    if backend in ("redis", "valkey"):
        return {"host": "127.0.0.1", "port": place.port}
    if backend == "dbm":
        return {"filename": str(place / "cache.dbm")}
    return {"url": place.url}
