"""Regions that share a server and no memory, as those of two processes do."""

from __future__ import annotations

import gc
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from dogpile_cache import CacheRegion, make_region
from dogpile_cache.testing import SettableClock

REDIS = ["redis", "valkey"]
MEMCACHED = ["pymemcache", "memcached", "pylibmc", "bmemcached"]


class Fleet:
    """Make regions of one backend on one server, under keys of their own."""

    def __init__(self, backend: str, server: Any, clock: SettableClock) -> None:
        self.name = backend
        self.clock = clock
        on_redis = backend in REDIS
        self._arguments = {"port": server.port} if on_redis else {"url": server.url}
        self._run = uuid.uuid4().hex[:8]

    def region(self, strategy: Any = None, **arguments: Any) -> CacheRegion:
        """Return a region whose values live for ten seconds."""
        run = self._run
        region = make_region(clock=self.clock, key_mangler=lambda key: f"{run}{key}")
        return region.configure(
            f"dogpile.cache.{self.name}",
            expiration_time=10,
            arguments={**self._arguments, "distributed_lock": True, **arguments},
            region_invalidator=strategy,
        )

    def mutex(self, key: str, **arguments: Any) -> Any:
        """Return the lock of a key, as a region of another process has it."""
        region = self.region(**arguments)
        return region.backend.get_mutex(f"{self._run}{key}")

    def client(self) -> Any:
        """Return a client of the library's that shows locks as they are kept."""
        if self.name in REDIS:
            import redis

            return redis.Redis(port=self._arguments["port"])
        import pymemcache

        return pymemcache.Client(self._arguments["url"], default_noreply=False)

    def lock_name(self, key: str) -> str:
        return f"_lock{self._run}{key}"


def fleet(request: pytest.FixtureRequest, clock: SettableClock) -> Iterator[Fleet]:
    """Give the fleet of a test's parameter, a name without ``dogpile.cache.``."""
    name: str = request.param
    fixture = "redis_server" if name in REDIS else "memcached_server"
    yield Fleet(name, request.getfixturevalue(fixture), clock)
    gc.collect()  # what is in cycles goes now, while its warning is expected


threads_leave_clients = pytest.mark.filterwarnings(
    # most memcached libraries leave the closing of a thread's client to the collector
    "ignore:unclosed <socket:ResourceWarning"
)
