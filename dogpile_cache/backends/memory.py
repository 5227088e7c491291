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

from .sieve import Sieve


class MemoryBackend(CacheBackend):
    """Keep values in a dict, as they are.

    Every caller is given the same object, so a value should not be changed after it
    was returned; where that cannot be had, use :class:`MemoryPickleBackend`.

    :param cache_dict: the dict to keep values in; by default one of the backend's own.
    :param max_entries: how many values to keep; by default there is no bound.
    """

    options: ClassVar[Mapping[str, Any]] = {"cache_dict": None, "max_entries": None}
    keeps_objects = True  # what it returns is what was set

    def __init__(self, arguments: BackendArguments) -> None:
        entries = arguments.get("cache_dict")
        bound = arguments.get("max_entries")
        if bound is not None:
            if type(bound) is not int or bound < 1 or entries is not None:
                raise ValidationError(
                    f"max_entries is {bound!r}; allowed are None and whole numbers from "
                    "1, without a cache_dict, which only its owner can keep in bounds."
                )
            entries = Sieve(bound)
        self._cache: MutableMapping[Any, Any] = {} if entries is None else entries

    def get(self, key: KeyType) -> BackendFormatted:
        value: BackendFormatted = self._cache.get(key, NO_VALUE)
        return value

    def reader(self) -> Callable[[Any], Any]:
        as_here = type(self).get is MemoryBackend.get  # and not a subclass's own
        return self._cache.get if as_here else self.get

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
