"""Memcached for regions for tasks, through the library emcache.

Of the asyncio clients there are, emcache is kept up and closes a connection whose
command was cancelled; aiomcache, the other one, gives its reply to the next caller.  It
takes 0.4 of what a client for threads takes when each call is made in a thread.

What the clients for threads write is read here, and the other way round, by the flags
that they agree on.
"""

# What their namesakes for threads return, these return to be awaited.
# mypy: disable-error-code="override"
# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

import asyncio
import contextlib
import pickle
import zlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dogpile_cache.api import (
    NO_VALUE,
    BackendFormatted,
    BackendSetType,
    CacheMutex,
    KeyType,
)
from dogpile_cache.lease import DEFAULT_LEASE, MARK
from dogpile_cache.options import library
from dogpile_cache.report import warning
from dogpile_cache.tasks.backend import Immediate
from dogpile_cache.tasks.lease import AsyncLease
from dogpile_cache.tasks.loops import PerLoop

from .memcached_base import UNREADABLE, GenericMemcachedBackend
from .memcached_large import raise_first, raise_if_too_large
from .memcached_lock import lifetime_of_lock
from .memcached_pickles import PICKLED, for_bytes, only_bytes, unpickled
from .memcached_timeouts import timeouts

_COMPRESSED = 8  # a flag
_CONNECTIONS = 16
_CLOSING = 0.1  # seconds


class AsyncMemcachedLock(AsyncLease):
    """Be a lease that memcached forgets."""

    def __init__(self, backend: AwaitedMemcached, name: str, seconds: float) -> None:
        super().__init__(name, seconds)
        self._backend = backend
        self._time = lifetime_of_lock(seconds)

    async def take(self) -> bool:
        return await self._backend.add(self.name, self.token, self._time)

    async def renew(self) -> bool:
        ours = await self._found() == self.token
        if ours:
            await self._backend.touch(self.name, self._time)
        return ours

    async def drop(self) -> bool:
        ours = await self._found() == self.token
        if ours:
            await self._backend.delete(self.name)
        return ours

    async def revoke(self) -> bool:
        found = await self._found()
        ours = found is not None and found.startswith(MARK)
        if ours:
            await self._backend.delete(self.name)
        return ours

    async def locked(self) -> bool:
        return await self._backend.get_serialized(self.name) is not NO_VALUE

    async def _found(self) -> bytes | None:
        value = await self._backend.get_serialized(self.name)
        return None if value is NO_VALUE else value


class AwaitedMemcached(Immediate):
    """Ask the server of a backend for threads; see :class:`GenericMemcachedBackend`."""

    backend: GenericMemcachedBackend

    def __init__(self, backend: GenericMemcachedBackend) -> None:
        super().__init__(backend)
        self._library = library("emcache", "emcache")
        self._clients = PerLoop(lambda: asyncio.ensure_future(self._connect()))
        self._expires = getattr(backend, "memcached_expire_time", None) or 0

    def reader(self, codec: Any, slowly: Any, circuit: Any) -> None:
        return None

    async def _connect(self) -> Any:
        [server] = self.backend.url
        host, _, port = server.rpartition(":")
        address = self._library.MemcachedHostAddress(host.strip("[]"), int(port))
        connect_timeout, timeout = timeouts(self.backend)
        return await self._library.create_client(
            [address],
            max_connections=_CONNECTIONS,
            connection_timeout=connect_timeout,
            timeout=timeout,
        )

    @property
    def callers_errors(self) -> Any:
        return (*self.backend.callers_errors, ValueError)  # which emcache says of keys

    async def _client(self) -> Any:
        connecting = self._clients.get()
        try:
            return await asyncio.shield(connecting)
        except Exception:
            self._clients.take()  # the next one tries again
            raise

    async def _ask(self, command: str, *args: Any, **kw: Any) -> Any:
        """Return what the client answers to a command.

        It closes by itself a connection whose answer did not come.  It has to be made
        anew where no connection is left, since it would wait ever longer to try again, and
        after an answer that makes no sense, of which there may be more to read.
        """
        client = await self._client()
        try:
            return await getattr(client, command)(*args, **kw)
        except (
            self._library.NotFoundCommandError,
            self._library.NotStoredStorageCommandError,
        ):
            raise
        except Exception as error:
            pools = client.cluster_managment().connection_pool_metrics().values()
            if isinstance(error, self._library.CommandError) or not any(
                pool.cur_connections for pool in pools
            ):
                await self._drop(client)
            raise

    async def _drop(self, client: Any) -> None:
        """Have another client made, unless one has been."""
        connecting = self._clients.peek()
        if connecting and connecting.done() and connecting.result() is client:
            self._clients.take()
        await _close(client)

    async def aclose(self) -> None:
        connecting = self._clients.take()
        if connecting is not None:
            await _close(await connecting)

    def get_mutex(self, key: KeyType) -> CacheMutex | None:
        backend = self.backend
        if not backend.distributed_lock:
            return None
        seconds = backend.lock_timeout or DEFAULT_LEASE
        return AsyncMemcachedLock(self, f"_lock{key}", seconds)

    async def get(self, key: KeyType) -> BackendFormatted:
        found: BackendFormatted = _loaded(key, await self._item(key))
        return found

    async def _item(self, key: KeyType) -> Any:
        return await self._ask("get", _bytes(key), return_flags=True)

    async def get_multi(self, keys: Sequence[KeyType]) -> Sequence[BackendFormatted]:
        keys = list(keys)
        return [*map(_loaded, keys, await self._items(keys))]

    async def _items(self, keys: Sequence[KeyType]) -> list[Any]:
        if not keys:
            return []
        asked = [*dict.fromkeys(map(_bytes, keys))]
        found = await self._ask("get_many", asked, return_flags=True)
        return [found.get(_bytes(key)) for key in keys]

    async def get_serialized(self, key: KeyType) -> Any:
        return _loaded_bytes(key, await self._item(key))

    async def get_serialized_multi(self, keys: Sequence[KeyType]) -> Any:
        keys = list(keys)
        return [*map(_loaded_bytes, keys, await self._items(keys))]

    async def set(self, key: KeyType, value: BackendSetType) -> None:
        flags, data = self.backend.flags_of_bytes, value
        if not isinstance(data, bytes):
            data, flags = pickle.dumps(value), PICKLED
        options = {"flags": flags, "exptime": self._expires}
        try:
            await self._ask("set", _bytes(key), data, **options)
        except self._library.CommandError as error:
            raise_if_too_large(error, key, data)
            raise

    async def set_multi(self, mapping: Mapping[KeyType, BackendSetType]) -> None:
        await _all(self.set(key, value) for key, value in mapping.items())

    async def set_serialized(self, key: KeyType, value: bytes) -> None:
        await self.set(key, value)

    async def set_serialized_multi(self, mapping: Mapping[KeyType, bytes]) -> None:
        await self.set_multi(mapping)

    async def delete(self, key: KeyType) -> None:
        with contextlib.suppress(self._library.NotFoundCommandError):
            await self._ask("delete", _bytes(key))

    async def delete_multi(self, keys: Iterable[KeyType]) -> None:
        await _all(map(self.delete, keys))

    async def add(self, key: str, value: bytes, seconds: int) -> bool:
        """Set a value unless there is one; tell whether it was set."""
        flags = self.backend.flags_of_bytes
        try:
            await self._ask("add", _bytes(key), value, flags=flags, exptime=seconds)
        except self._library.NotStoredStorageCommandError:
            return False
        return True

    async def touch(self, key: str, seconds: int) -> None:
        """Have a value live for so many seconds from now."""
        with contextlib.suppress(self._library.NotFoundCommandError):
            await self._ask("touch", _bytes(key), seconds)


async def _all(calls: Iterable[Any]) -> None:
    """Make all calls at once; none goes on when an error is raised."""
    errors = await asyncio.gather(*calls, return_exceptions=True)
    raise_first(error for error in errors if error is not None)


async def _close(client: Any) -> None:
    """Close a client, which may wait for a task that has missed its cancellation.

    It misses it where it has just tried to connect; a second one reaches it.
    """
    with contextlib.suppress(asyncio.TimeoutError):
        await asyncio.wait_for(client.close(), _CLOSING)


def _bytes(key: Any) -> bytes:
    return key if isinstance(key, bytes) else str(key).encode()


def _loaded(key: Any, item: Any) -> Any:
    """Return what a client for threads would make of an item: an object, or bytes."""
    if item is None:
        return NO_VALUE
    value, flags = item.value, item.flags or 0
    try:
        if flags & _COMPRESSED:
            value = zlib.decompress(value)
        return unpickled(value) if flags & PICKLED else value
    except UNREADABLE:
        warning("The value of %r cannot be read; it is a miss", key, exc_info=True)
        return NO_VALUE


def _loaded_bytes(key: Any, item: Any) -> Any:
    return only_bytes(key, for_bytes(_loaded, key, item))
