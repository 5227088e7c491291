"""The locks of the backends for memcached."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dogpile_cache.lease import MARK, Lease

from .memcached_pickles import for_bytes

if TYPE_CHECKING:
    from .memcached_base import GenericMemcachedBackend


def lifetime_of_lock(seconds: float) -> int:
    """Return what memcached is told of a lease.

    It counts in whole seconds of its own clock, and one may have almost passed; so it is
    told the next whole second and one more.
    """
    return int(-(-seconds // 1)) + 1


class MemcachedLock(Lease):
    """Be a lease that memcached forgets."""

    def __init__(
        self, backend: GenericMemcachedBackend, name: str, seconds: float
    ) -> None:
        super().__init__(name, seconds)
        self._backend = backend
        self._time = lifetime_of_lock(seconds)

    def take(self) -> bool:
        return self._backend._add(self.name, self.token, self._time)

    def renew(self) -> bool:
        ours = self._found() == self.token
        if ours:
            self._backend._touch(self.name, self.token, self._time)
        return ours

    def drop(self) -> bool:
        ours = self._found() == self.token
        if ours:
            self._backend._ask("delete", self.name)
        return ours

    def revoke(self) -> bool:
        found = self._found()
        ours = found is not None and found.startswith(MARK)
        if ours:
            self._backend._ask("delete", self.name)
        return ours

    def locked(self) -> bool:
        return for_bytes(self._backend._ask, "get", self.name) is not None

    def _found(self) -> bytes | None:
        value = for_bytes(self._backend._ask, "get", self.name)
        return value if isinstance(value, bytes) else None
