"""A backend that fails when it is told to, for threads and for tasks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dogpile_cache import NO_VALUE, BytesBackend, register_backend
from dogpile_cache.aio import AsyncBytesBackend
from dogpile_cache.api import CacheMutex


class Away(ConnectionError):
    """Be what the client of an unreachable server raises."""


class Server:
    """Be what is on the other side."""

    def __init__(self) -> None:
        self.values: dict[str, bytes] = {}
        self.locks: set[str] = set()
        self.away = False
        self.calls: list[str] = []
        self.revoked: list[str] = []
        self.error: Exception = Away("nobody there")

    def call(self, name: str) -> None:
        self.calls.append(name)
        if self.away:
            raise self.error


class Mutex(CacheMutex):
    def __init__(self, server: Server, key: str) -> None:
        self._server = server
        self._key = key

    def acquire(self, wait: bool = True) -> bool:
        self._server.call("acquire")
        if self._key in self._server.locks:
            return False
        self._server.locks.add(self._key)
        return True

    def pause(self, waited: float) -> None:
        self._server.call("pause")

    def release(self) -> bool:
        self._server.call("release")
        self._server.locks.discard(self._key)
        return True

    def revoke(self) -> None:
        self._server.call("revoke")
        self._server.revoked.append(self._key)

    def locked(self) -> bool:
        return self._key in self._server.locks


class FlakyBackend(BytesBackend):
    """Keep bytes in a server that may be away.

    :param server: a :class:`Server`.
    :param distributed_lock: have a lock for each key.
    """

    def __init__(self, arguments: Mapping[str, Any]) -> None:
        self.server: Server = arguments["server"]
        self._locks = arguments.get("distributed_lock", False)

    def awaited(self) -> Any:
        return AsyncFlakyBackend(self)

    def get_mutex(self, key: str) -> CacheMutex | None:
        return Mutex(self.server, key) if self._locks else None

    def get_serialized(self, key: str) -> Any:
        self.server.call("get")
        return self.server.values.get(key, NO_VALUE)

    def get_serialized_multi(self, keys: Sequence[str]) -> Sequence[Any]:
        self.server.call("get_multi")
        return [self.server.values.get(key, NO_VALUE) for key in keys]

    def set_serialized(self, key: str, value: bytes) -> None:
        self.server.call("set")
        self.server.values[key] = value

    def set_serialized_multi(self, mapping: Mapping[str, bytes]) -> None:
        self.server.call("set_multi")
        self.server.values.update(mapping)

    def delete(self, key: str) -> None:
        self.server.call("delete")
        self.server.values.pop(key, None)

    def delete_multi(self, keys: Iterable[str]) -> None:
        self.server.call("delete_multi")
        for key in keys:
            self.server.values.pop(key, None)


class AsyncFlakyBackend(AsyncBytesBackend):
    """Do the same, awaited."""

    def __init__(self, backend: FlakyBackend) -> None:
        self._backend = backend

    def get_mutex(self, key: str) -> CacheMutex | None:
        return self._backend.get_mutex(key)

    async def get_serialized(self, key: str) -> Any:
        return self._backend.get_serialized(key)

    async def get_serialized_multi(self, keys: Sequence[str]) -> Sequence[Any]:
        return self._backend.get_serialized_multi(keys)

    async def set_serialized(self, key: str, value: bytes) -> None:
        self._backend.set_serialized(key, value)

    async def set_serialized_multi(self, mapping: Mapping[str, bytes]) -> None:
        self._backend.set_serialized_multi(mapping)

    async def delete(self, key: str) -> None:
        self._backend.delete(key)

    async def delete_multi(self, keys: Iterable[str]) -> None:
        self._backend.delete_multi(keys)


register_backend("tests.flaky", __name__, "FlakyBackend")
