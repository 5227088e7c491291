"""A backend that keeps nothing: caching switched off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from dogpile_cache.api import (
    NO_VALUE,
    BackendArguments,
    BackendFormatted,
    BackendSetType,
    CacheBackend,
    CacheMutex,
    KeyType,
)
from dogpile_cache.mutex import Unguarded

__all__ = ["NullBackend"]


class NullLock(Unguarded):
    """Keep nobody out, not even the threads of this process."""

    gathers = False  # where nothing is kept, nobody gains by waiting for another


class NullBackend(CacheBackend):
    """Keep nothing; every call runs its creator, and several may run at once."""

    options: ClassVar[Mapping[str, Any]] = {}
    never_waits = True

    def __init__(self, arguments: BackendArguments) -> None:
        pass

    def get_mutex(self, key: KeyType) -> CacheMutex:
        return NullLock()

    def get(self, key: KeyType) -> BackendFormatted:
        return NO_VALUE

    def get_multi(self, keys: Sequence[KeyType]) -> Sequence[BackendFormatted]:
        return [NO_VALUE for _ in keys]

    def set(self, key: KeyType, value: BackendSetType) -> None:
        pass

    def set_multi(self, mapping: Mapping[KeyType, BackendSetType]) -> None:
        pass

    def delete(self, key: KeyType) -> None:
        pass

    def delete_multi(self, keys: Iterable[KeyType]) -> None:
        pass
