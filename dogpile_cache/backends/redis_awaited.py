"""Redis for regions for tasks, through ``redis.asyncio``.

The backends have the names, the arguments and the meaning of those in
:mod:`dogpile_cache.backends.redis`.  A connection whose command was cancelled is closed:
its reply would be taken for that of the next one.
"""

# What their namesakes for threads return, these return to be awaited.
# mypy: disable-error-code="override, misc"
# pyright: reportIncompatibleMethodOverride=false, reportIncompatibleVariableOverride=false

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dogpile_cache.api import NO_VALUE, CacheMutex, KeyType, SerializedReturnType
from dogpile_cache.lease import DEFAULT_LEASE, MARK
from dogpile_cache.mutex import backoff
from dogpile_cache.options import library
from dogpile_cache.tasks.backend import AsyncBytesBackend
from dogpile_cache.tasks.lease import AsyncLease
from dogpile_cache.tasks.loops import PerLoop

from .redis_lease import DROP, LONGEST_WAIT, RENEW, REVOKE
from .redis_several import RedisClusterBackend, RedisSentinelBackend
from .redis_single import RedisBackend
from .redis_tasks import SharedClient, TaskClients

__all__ = [
    "AsyncRedisBackend",
    "AsyncRedisClusterBackend",
    "AsyncRedisSentinelBackend",
]


class AsyncRedisLease(AsyncLease):
    """Be a key with a token, which the server forgets."""

    def __init__(self, name: str, backend: AsyncRedisBackend) -> None:
        patience = backend.lock_blocking_timeout if backend.lock_blocking else 0
        super().__init__(name, backend.lock_timeout or DEFAULT_LEASE, patience)
        self._backend = backend
        self._call = backend._call
        self._listeners = backend._listeners
        self._sleep = backend.lock_sleep
        self._milliseconds = max(int(self.seconds * 1000), 1)

    async def take(self) -> bool:
        how = {"nx": True, "px": self._milliseconds}
        return bool(await self._call("set", self.name, self.token, **how))

    async def renew(self) -> bool:
        args = (self.name, self.token, self._milliseconds)
        return bool(await self._call("eval", RENEW, 1, *args))

    async def drop(self) -> bool:
        return bool(await self._call("eval", DROP, 1, self.name, self.token))

    async def revoke(self) -> bool:
        return bool(await self._call("eval", REVOKE, 1, self.name, MARK))

    async def locked(self) -> bool:
        return bool(await self._call("exists", self.name))

    async def wait(self, waited: float, most: float) -> None:
        """Wait for the news of the release; look for it where there is no news."""
        if not self._listeners.enter():
            await asyncio.sleep(min(backoff(waited), self._sleep, most))
            return
        try:
            async with self._backend.writer_client.pubsub() as news:
                await news.subscribe(self.name)
                await news.get_message(timeout=LONGEST_WAIT)  # that we are subscribed
                left = await self._time_left()
                if left is None:
                    await asyncio.sleep(min(self._sleep, most))
                elif left > 0:
                    await news.get_message(timeout=min(left, most, LONGEST_WAIT))
        except Exception:  # noqa: BLE001  # such as no right to subscribe; look instead
            await asyncio.sleep(min(self._sleep, most))
        finally:
            self._listeners.leave()

    async def _time_left(self) -> float | None:
        """Return how long the lease lasts; None if its release is not published."""
        async with self._backend.writer_client.pipeline(transaction=False) as pipe:
            pipe.get(self.name)
            pipe.pttl(self.name)
            token, milliseconds = await pipe.execute()
        if token is None:
            return 0
        if isinstance(token, str):  # from a client that decodes
            token = token.encode()
        return max(milliseconds, 1) / 1000 if token.startswith(MARK) else None


class AsyncRedisBackend(AsyncBytesBackend, RedisBackend):
    """Keep values in a Redis server; the parameters are those of ``RedisBackend``.

    A ``connection_pool`` is one of ``redis.asyncio``; whoever made it closes it.
    """

    _retry_module = "asyncio.retry"

    def _create_client(self) -> None:
        self._asyncio = library(f"{self.library}.asyncio", self.library)
        self._clients = PerLoop(self._connect)

    @property
    def writer_client(self) -> Any:
        """The client of the running event loop."""
        return self._clients.get().shared

    reader_client = writer_client

    def _connect(self) -> Any:
        client_class = getattr(self._asyncio, self.library.capitalize())
        if self.connection_pool is not None:
            return SharedClient(client_class(connection_pool=self.connection_pool))
        return TaskClients(self._asyncio, self._pooled(client_class))

    def _pool(self) -> Any:
        return self.connection_pool

    async def aclose(self) -> None:
        clients = self._clients.take()
        if clients is not None:
            await clients.aclose()

    def get_mutex(self, key: KeyType) -> CacheMutex | None:
        if not self.distributed_lock:
            return None
        return AsyncRedisLease(self.lock_template.format(key), self)

    async def get_serialized(self, key: KeyType) -> SerializedReturnType:
        value = await self._call("get", key)
        return NO_VALUE if value is None else value

    async def get_serialized_multi(
        self, keys: Sequence[KeyType]
    ) -> Sequence[SerializedReturnType]:
        keys = list(keys)
        if not keys:
            return []
        return self._found(keys, await self._read_many(keys))

    async def set_serialized(self, key: KeyType, value: bytes) -> None:
        await self._call("set", key, value, px=self._milliseconds())

    async def set_serialized_multi(self, mapping: Mapping[KeyType, bytes]) -> None:
        if not mapping:
            return
        if not self._expiration:
            await self._write_many(mapping)
            return
        async with self.writer_client.pipeline(transaction=False) as pipe:
            for key, value in mapping.items():
                pipe.set(key, value, px=self._milliseconds())
            await pipe.execute()

    async def delete(self, key: KeyType) -> None:
        await self._call("delete", key)

    async def delete_multi(self, keys: Iterable[KeyType]) -> None:
        keys = list(keys)
        if keys:
            await self._call("delete", *keys)

    def _call(self, command: str, *args: Any, **kw: Any) -> Any:
        return self._clients.get().call(command, *args, **kw)

    def _read_many(self, keys: Sequence[KeyType]) -> Any:
        return self._call("mget", keys)

    def _write_many(self, mapping: Mapping[KeyType, bytes]) -> Any:
        return self._call("mset", mapping)


class AsyncRedisSentinelBackend(AsyncRedisBackend, RedisSentinelBackend):
    """Keep values in the master that a set of sentinels names.

    The parameters are those of ``RedisSentinelBackend``.
    """

    def _create_client(self) -> None:
        super()._create_client()
        self._check_sentinels()

    def _connect(self) -> Any:
        self._sentinels = self._sentinel(f"{self.library}.asyncio.sentinel")
        return SharedClient(self._sentinels.master_for(self.service_name))

    async def aclose(self) -> None:
        clients = self._clients.take()
        if clients is not None:
            for sentinel in self._sentinels.sentinels:
                await sentinel.aclose()
            await clients.aclose()


class AsyncRedisClusterBackend(AsyncRedisBackend, RedisClusterBackend):
    """Keep values in a cluster; the parameters are those of ``RedisClusterBackend``.

    The nodes may be those of the library for threads.
    """

    def _connect(self) -> Any:
        module = library(f"{self.library}.asyncio.cluster", self.library)
        nodes = [
            module.ClusterNode(node.host, node.port)
            for node in self.startup_nodes or ()
        ]
        return SharedClient(self._cluster(module, nodes or None))

    def _read_many(self, keys: Sequence[KeyType]) -> Any:
        return self._call("mget_nonatomic", keys)

    def _write_many(self, mapping: Mapping[KeyType, bytes]) -> Any:
        return self._call("mset_nonatomic", mapping)
