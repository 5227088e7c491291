"""One backend as its region uses it: keys mangled, values encoded by a codec.

A :class:`Store` is made when a region is configured, and again when its key mangler or
its backend is replaced.  All that can be decided once is decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from .api import (
    CachedValue,
    CacheMutex,
    CacheReturnType,
)
from .codec import Codec, Objects
from .exception import DogpileCacheException, RegionNotConfigured


class Store:
    """Read and write the values of one backend.

    Methods that end in the name of a key take it mangled; ``stored`` is a value in the
    form that the backend keeps.
    """

    troubled = False  # where there is no circuit that tells

    def __init__(
        self,
        backend: Any,
        mangler: Callable[[Any], Any] | None,
        codec: Codec | Objects,
    ) -> None:
        self.backend: Any = backend  # whether for threads or for tasks
        self._mangler = mangler
        self.codec = codec
        self.load: Callable[[Any, Any], CacheReturnType] = codec.load
        self.dump: Callable[[CachedValue, Any], Any] = codec.dump
        self.peek: Callable[[Any, Any], CacheReturnType] = codec.peek
        self.fresh_payloads = codec.fresh_payloads
        self.read: Callable[[Any], Any]
        self.write: Callable[[Any, Any], Any]
        if codec.keeps_bytes:
            self.read, self.write = backend.get_serialized, backend.set_serialized
            self.read_many = backend.get_serialized_multi
            self._write_many: Callable[..., Any] = backend.set_serialized_multi
        else:
            self.read, self.write = backend.get, backend.set
            self.read_many = backend.get_multi
            self._write_many = backend.set_multi
        self.delete: Callable[[Any], Any] = backend.delete
        self.take_back: Callable[[Any], Any] = getattr(
            backend, "take_back", backend.delete
        )
        self._delete_many: Callable[[Any], Any] = backend.delete_multi
        self.mutex: Callable[[Any], CacheMutex | None] = backend.get_mutex
        self.lifetimes: dict[Any, Any] = {}
        """Those of calls whose values are being written, by mangled key."""
        self._keeps_deadlines: bool = getattr(backend, "keeps_deadlines", False)
        self.fetch = self._fetch()

    @property
    def is_away(self) -> bool:
        """Whether the backend is left alone for now."""
        return getattr(self.backend, "is_away", False)

    def _fetch(self) -> Callable[[Any], CacheReturnType]:
        """Choose the way from a key to its value: the only part that a hit runs."""
        read, load, mangle = self.read, self.load, self._mangler
        quick = self._quickly(lambda it: load(read(it), it))
        if quick is not None:
            return quick if mangle is None else lambda key: quick(mangle(key))
        if mangle is None:
            return lambda key: load(read(key), key)
        return lambda key: load(read(mangle(key)), key)

    def _quickly(self, slowly: Callable[[Any], Any]) -> Callable[[Any], Any] | None:
        """Return a quicker way to the value of a mangled key, if the backend has one."""
        reader = getattr(self.backend, "reader", None)
        circuit = getattr(self.backend, "circuit", self)
        return None if reader is None else reader(self.codec, slowly, circuit)

    @contextmanager
    def lasting(self, lifetimes: Mapping[Any, Any]) -> Iterator[None]:
        """Have values last for as long as is said here, by mangled key."""
        if self._keeps_deadlines:
            self.lifetimes.update(lifetimes)
        try:
            yield
        finally:
            for id in lifetimes if self._keeps_deadlines else ():
                self.lifetimes.pop(id, None)

    def mangle(self, key: Any) -> Any:
        """Return the key under which the backend knows a key."""
        return key if self._mangler is None else self._mangler(key)

    def read_keys(self, keys: Sequence[Any]) -> Sequence[Any]:
        """Return what is stored under several keys, in one call of the backend."""
        ids = self.mangle_all(keys)
        return all_found(ids, self.read_many(ids) if ids else ())

    def mangle_all(self, keys: Sequence[Any]) -> Sequence[Any]:
        """Return the keys under which the backend knows several keys."""
        mangle = self._mangler
        return keys if mangle is None else [mangle(key) for key in keys]

    def load_many(
        self, stored: Sequence[Any], keys: Sequence[Any]
    ) -> list[CacheReturnType]:
        """Return the values of several keys, as :meth:`load` does."""
        return [self.load(item, key) for item, key in zip(stored, keys, strict=True)]

    def write_many(self, values: Mapping[Any, Any]) -> None:
        """Write what was dumped, by mangled key, in one call of the backend."""
        if values:
            self._write_many(values)

    def delete_many(self, keys: Iterable[Any]) -> None:
        """Delete several mangled keys, in one call of the backend."""
        keys = list(keys)
        if keys:
            self._delete_many(keys)


def all_found(ids: Sequence[Any], found: Iterable[Any]) -> list[Any]:
    """Return what a backend found as a list: one for each key, or it is an error."""
    found = [*found]
    if len(found) != len(ids):
        raise DogpileCacheException(
            f"The backend returned {len(found)} values for {len(ids)} keys; "
            "get_multi returns one for each key, NO_VALUE where there is none."
        )
    return found


class NoStore:
    """Be the store of a region that has not been configured yet."""

    def __getattr__(self, name: str) -> Any:
        raise RegionNotConfigured("No backend is configured on this region.")
