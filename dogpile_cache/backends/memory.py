"""Backends that keep values in this process.

Without ``max_entries`` the values stay in a plain dict until they are deleted.  With
it, at most so many are kept, and the SIEVE algorithm chooses which; see
:mod:`dogpile_cache.backends.sieve`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from typing import Any, ClassVar

from dogpile_cache.api import (
    NO_VALUE,
    BackendArguments,
    BackendFormatted,
    BackendSetType,
    CacheBackend,
    DefaultSerialization,
    KeyType,
)
from dogpile_cache.exception import ValidationError
from dogpile_cache.options import POSITIVE, Check, take

from .sieve import Sieve


def _is_like_a_dict(it: Any) -> bool:
    return all(hasattr(it, name) for name in ("get", "pop", "__setitem__"))


class MemoryBackend(CacheBackend):
    """Keep values in a dict, as they are.

    Every caller is given the same object, so a value should not be changed after it
    was returned; where that cannot be had, use :class:`MemoryPickleBackend`.

    :param cache_dict: the dict to keep values in; by default one of the backend's own.
    :param max_entries: how many values to keep; by default there is no bound.
    """

    options: ClassVar[Mapping[str, Any]] = {"cache_dict": None, "max_entries": None}
    checks: ClassVar[Mapping[str, Check]] = {
        "cache_dict": Check("mappings such as a dict", _is_like_a_dict),
        "max_entries": POSITIVE,
    }
    cache_dict: MutableMapping[Any, Any] | None
    max_entries: int | None

    keeps_objects = True  # what it returns is what was set
    never_waits = True

    def __init__(self, arguments: BackendArguments) -> None:
        take(self, arguments)
        self._cache: MutableMapping[Any, Any]
        if self.max_entries is None:
            self._cache = {} if self.cache_dict is None else self.cache_dict
        elif self.cache_dict is None:
            self._cache = Sieve(self.max_entries, self._evicted)
        else:
            raise ValidationError(
                f"max_entries is {self.max_entries!r}; it is allowed without "
                "a cache_dict, which only its owner can keep in bounds."
            )

    def get(self, key: KeyType) -> BackendFormatted:
        value: BackendFormatted = self._cache.get(key, NO_VALUE)
        return value

    def reader(
        self, codec: Any, slowly: Callable[[Any], Any], circuit: Any
    ) -> Callable[[Any], Any] | None:
        as_here = type(self).get is MemoryBackend.get  # and not a subclass's own
        return self._cache.get if as_here and not codec.keeps_bytes else None

    def get_multi(self, keys: Sequence[KeyType]) -> Sequence[BackendFormatted]:
        return [self._cache.get(key, NO_VALUE) for key in keys]

    def set(self, key: KeyType, value: BackendSetType) -> None:
        self._cache[key] = value

    def set_multi(self, mapping: Mapping[KeyType, BackendSetType]) -> None:
        for key, value in mapping.items():
            self._cache[key] = value

    def delete(self, key: KeyType) -> None:
        self._cache.pop(key, None)

    def delete_multi(self, keys: Iterable[KeyType]) -> None:
        for key in keys:
            self._cache.pop(key, None)

    def _evicted(self, key: KeyType) -> None:
        if self.on_evict is not None:
            self.on_evict(key)

    def purge(self) -> int:
        """Drop the values that have expired by the region's time; tell how many."""
        if self.is_expired is None:
            return 0
        kept = list(self._cache.items())
        expired = [key for key, value in kept if self.is_expired(key, value)]
        self.delete_multi(expired)
        return len(expired)


class MemoryPickleBackend(DefaultSerialization, MemoryBackend):
    """Keep values in a dict, pickled: every caller is given a copy of its own."""
