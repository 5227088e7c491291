"""What a backend is to a region for tasks, and how one for threads becomes one.

An async backend has the methods of :class:`~dogpile_cache.api.CacheBackend`, and those
that read and write are awaited.  Where there is none of a name, the one for threads
serves: at once if it never waits, else in a thread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from dogpile_cache.api import (
    BackendFormatted,
    BackendSetType,
    CacheBackend,
    CacheMutex,
    DefaultSerialization,
    KeyType,
    SerializedReturnType,
)
from dogpile_cache.backend import BaseBackend
from dogpile_cache.store import Store


class AsyncCacheBackend(BaseBackend):
    """Be the base of backends for tasks that keep Python objects."""

    is_awaited = True

    async def get(self, key: KeyType) -> BackendFormatted:
        raise NotImplementedError

    async def get_multi(self, keys: Sequence[KeyType]) -> Sequence[BackendFormatted]:
        raise NotImplementedError

    async def get_serialized(self, key: KeyType) -> SerializedReturnType:
        return await self.get(key)  # type: ignore[return-value]  # bytes were set

    async def get_serialized_multi(
        self, keys: Sequence[KeyType]
    ) -> Sequence[SerializedReturnType]:
        return await self.get_multi(keys)  # type: ignore[return-value]  # likewise

    async def set(self, key: KeyType, value: BackendSetType) -> None:
        raise NotImplementedError

    async def set_multi(self, mapping: Mapping[KeyType, BackendSetType]) -> None:
        raise NotImplementedError

    async def set_serialized(self, key: KeyType, value: bytes) -> None:
        await self.set(key, value)

    async def set_serialized_multi(self, mapping: Mapping[KeyType, bytes]) -> None:
        await self.set_multi(mapping)

    async def delete(self, key: KeyType) -> None:
        raise NotImplementedError

    async def delete_multi(self, keys: Iterable[KeyType]) -> None:
        raise NotImplementedError

    async def aclose(self) -> None:
        """Close what is open; it is opened again when it is used again."""


class AsyncBytesBackend(DefaultSerialization, AsyncCacheBackend):
    """Be the base of backends for tasks that keep bytes.

    A subclass defines ``get_serialized``, ``get_serialized_multi``,
    ``set_serialized``, ``set_serialized_multi``, ``delete`` and ``delete_multi``.
    """


def _of_backend(name: str) -> Any:
    return property(
        lambda self: getattr(self.backend, name),
        lambda self, value: setattr(self.backend, name, value),
    )


class Immediate(AsyncCacheBackend):
    """Be a backend for threads that never waits, as one for tasks."""

    key_mangler = _of_backend("key_mangler")
    serializer = _of_backend("serializer")
    deserializer = _of_backend("deserializer")
    callers_errors = _of_backend("callers_errors")
    options = _of_backend("options")
    is_expired = _of_backend("is_expired")
    keeps_deadlines = _of_backend("keeps_deadlines")
    deadline_of = _of_backend("deadline_of")
    region_clock = _of_backend("region_clock")
    region_name = _of_backend("region_name")
    on_evict = _of_backend("on_evict")
    never_waits = _of_backend("never_waits")

    def __init__(self, backend: CacheBackend) -> None:
        self.backend = backend

    def __getattr__(self, name: str) -> Any:
        return getattr(self.backend, name)

    def reader(
        self, codec: Any, slowly: Callable[[Any], Any], circuit: Any
    ) -> Callable[[Any], Any] | None:
        """Return what gives the value of a mangled key without waiting, if anything.

        :param slowly: is called where it would have to wait.
        """
        quick = self.backend.reader(codec, slowly, circuit)
        return Store(self.backend, None, codec).fetch if quick is None else quick

    async def _call(self, method: Callable[..., Any], *args: Any) -> Any:
        return method(*args)

    async def _change(self, method: Callable[..., Any], *args: Any) -> Any:
        return await self._call(method, *args)

    def get_mutex(self, key: KeyType) -> CacheMutex | None:
        return self.backend.get_mutex(key)

    def has_lock_timeout(self) -> bool:
        return self.backend.has_lock_timeout()

    async def get(self, key: KeyType) -> Any:
        return await self._call(self.backend.get, key)

    async def get_multi(self, keys: Sequence[KeyType]) -> Any:
        return await self._call(self.backend.get_multi, keys)

    async def get_serialized(self, key: KeyType) -> Any:
        return await self._call(self.backend.get_serialized, key)

    async def get_serialized_multi(self, keys: Sequence[KeyType]) -> Any:
        return await self._call(self.backend.get_serialized_multi, keys)

    async def set(self, key: KeyType, value: BackendSetType) -> None:
        await self._change(self.backend.set, key, value)

    async def set_multi(self, mapping: Mapping[KeyType, BackendSetType]) -> None:
        await self._change(self.backend.set_multi, mapping)

    async def set_serialized(self, key: KeyType, value: bytes) -> None:
        await self._change(self.backend.set_serialized, key, value)

    async def set_serialized_multi(self, mapping: Mapping[KeyType, bytes]) -> None:
        await self._change(self.backend.set_serialized_multi, mapping)

    async def delete(self, key: KeyType) -> None:
        await self._change(self.backend.delete, key)

    async def delete_multi(self, keys: Iterable[KeyType]) -> None:
        await self._change(self.backend.delete_multi, keys)
