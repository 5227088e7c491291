"""AsyncCacheRegion: the front of a backend, for tasks.

This is ``region.py``, awaited: word for word, but for ``async`` and ``await``, and for
overloads that tell type checkers that creators may be coroutine functions or plain ones;
a test says so.
"""

# Longer than 300 lines by its overloads.

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, overload

from .api import NO_VALUE, CachedValue, NoValueType
from .away import make_away
from .events import HIT, MISS, tell
from .flow import async_drive, once
from .regenerate import regenerate, supersede
from .regenerate_many import regenerate_many
from .stamps import stamp
from .tasks.backend import AsyncBytesBackend, AsyncCacheBackend
from .tasks.background import background_work, refresh_in_background
from .tasks.base import AsyncBaseRegion
from .tasks.batch import AsyncRegionBatch
from .tasks.decorators import AsyncDecorators
from .tasks.entry import AsyncRegionEntry
from .tasks.invalidation import AsyncSharedInvalidationStrategy
from .telling import tell_all_found, tell_all_served, tell_each, tell_found

if TYPE_CHECKING:
    from .protocols import Lifetime, Timeouts

__all__ = [
    "AsyncBytesBackend",
    "AsyncCacheBackend",
    "AsyncCacheRegion",
    "AsyncSharedInvalidationStrategy",
    "background_work",
    "make_async_region",
    "refresh_in_background",
]

T = TypeVar("T")

Creator = Callable[..., Awaitable[T] | T]
CreatorOfMany = Callable[..., Awaitable[Sequence[T]] | Sequence[T]]


class AsyncCacheRegion(AsyncDecorators, AsyncBaseRegion):
    """Keep values under keys, and have each made by one caller at a time.

    A region may be made, and used to decorate functions, before it is configured.  The
    constructor's parameters are those of :class:`~dogpile_cache.base.BaseRegion`.
    """

    async def get(
        self,
        key: Any,
        expiration_time: Lifetime = None,
        ignore_expiration: bool = False,
    ) -> Any | NoValueType:
        """Return the value of a key, or ``NO_VALUE`` if it is missing or not fresh.

        :param expiration_time: seconds or a timedelta, in place of the region's for this
            call; -1 means that values do not expire.
        :param ignore_expiration: take expired and invalidated values, too.
        """
        value = await self._fetch(key)
        lifetime = self.expiration_time if expiration_time is None else expiration_time
        if self._watched:
            tell_found(self, key, value, lifetime, ignore_expiration)
        if ignore_expiration:
            return value.payload if isinstance(value, CachedValue) else NO_VALUE
        return value[0] if self._is_fresh(value, lifetime) else NO_VALUE

    async def get_value_metadata(
        self,
        key: Any,
        expiration_time: Lifetime = None,
        ignore_expiration: bool = False,
    ) -> CachedValue | None:
        """Return what :meth:`get` would as a ``CachedValue``, or None for no value."""
        value = await self._fetch(key)
        lifetime = self.expiration_time if expiration_time is None else expiration_time
        if self._watched:
            tell_found(self, key, value, lifetime, ignore_expiration)
        if self._is_fresh(value, lifetime):
            return value
        return value if ignore_expiration and isinstance(value, CachedValue) else None

    async def get_multi(
        self,
        keys: Iterable[Any],
        expiration_time: Lifetime = None,
        ignore_expiration: bool = False,
    ) -> list[Any]:
        """Return the values of several keys, as :meth:`get` would, in their order."""
        keys = list(keys)
        lifetime = self.expiration_time if expiration_time is None else expiration_time
        values = self._store.load_many(await self._store.read_keys(keys), keys)
        if self._watched:
            tell_all_found(self, keys, values, lifetime, ignore_expiration)
        return [
            value.payload
            if value and (ignore_expiration or self._is_fresh(value, lifetime))
            else NO_VALUE
            for value in values
        ]

    @overload
    async def get_or_create(
        self,
        key: Any,
        creator: Callable[..., Awaitable[T]],
        expiration_time: Lifetime = None,
        should_cache_fn: Callable[[T], bool] | None = None,
        creator_args: tuple[Any, Mapping[str, Any]] | None = None,
        stale_if_error: Lifetime = None,
        creator_timeout: Timeouts = None,
    ) -> T: ...

    @overload
    async def get_or_create(
        self,
        key: Any,
        creator: Callable[..., T],
        expiration_time: Lifetime = None,
        should_cache_fn: Callable[[T], bool] | None = None,
        creator_args: tuple[Any, Mapping[str, Any]] | None = None,
        stale_if_error: Lifetime = None,
        creator_timeout: Timeouts = None,
    ) -> T: ...

    async def get_or_create(
        self,
        key: Any,
        creator: Creator[T],
        expiration_time: Lifetime = None,
        should_cache_fn: Callable[[T], bool] | None = None,
        creator_args: tuple[Any, Mapping[str, Any]] | None = None,
        stale_if_error: Lifetime = None,
        creator_timeout: Timeouts = None,
    ) -> T:
        """Return the value of a key; have it made if it is missing or stale.

        Of all callers in all processes one calls the creator.  The others are served
        the stale value; where there is none, they wait for the new one.

        :param creator: makes the value; what it raises is raised here and not cached.
            One with a single parameter ``context`` is given a
            :class:`~dogpile_cache.context.CreationContext`.
        :param expiration_time: seconds or a timedelta, in place of the region's for this
            call; -1 means that values do not expire.
        :param should_cache_fn: is given the new value and tells whether to keep it.
        :param creator_args: positional and keyword arguments for the creator.
        :param stale_if_error: in place of the region's setting for this call.
        :param creator_timeout: likewise.
        :raises CreationDeadlock: the creator of this key waits for itself.
        :raises CreatorTimeout: it was not made in time; see ``creator_timeout``.
        """
        value = await self._fetch(key)
        lifetime = self.expiration_time if expiration_time is None else expiration_time
        if self._is_current(value, lifetime):
            return value[0]  # type: ignore[no-any-return]  # a T, by this creator
        if self._watched and self._policy.is_current(value, lifetime):
            tell(self, HIT, key)
            return value[0]  # type: ignore[no-any-return]  # likewise
        if creator_args is not None:
            creator = partial(creator, *creator_args[0], **creator_args[1])
        options = lifetime, should_cache_fn, stale_if_error, creator_timeout
        entry = AsyncRegionEntry(self, key, creator, *options)
        if self.async_creation_runner is not None:
            entry.defer = partial(self.async_creation_runner, self, key, entry.make)
        flights = self._gathering(entry.mutex)
        served = await async_drive(regenerate(entry, flights, value))
        if self._watched:
            entry.tell_served(served, value)
        return served[0]  # type: ignore[no-any-return]

    @overload
    async def get_or_create_multi(
        self,
        keys: Iterable[Any],
        creator: Callable[..., Awaitable[Sequence[T]]],
        expiration_time: Lifetime = None,
        should_cache_fn: Callable[[T], bool] | None = None,
        stale_if_error: Lifetime = None,
        creator_timeout: Timeouts = None,
    ) -> list[T]: ...

    @overload
    async def get_or_create_multi(
        self,
        keys: Iterable[Any],
        creator: Callable[..., Sequence[T]],
        expiration_time: Lifetime = None,
        should_cache_fn: Callable[[T], bool] | None = None,
        stale_if_error: Lifetime = None,
        creator_timeout: Timeouts = None,
    ) -> list[T]: ...

    async def get_or_create_multi(
        self,
        keys: Iterable[Any],
        creator: CreatorOfMany[T],
        expiration_time: Lifetime = None,
        should_cache_fn: Callable[[T], bool] | None = None,
        stale_if_error: Lifetime = None,
        creator_timeout: Timeouts = None,
    ) -> list[T]:
        """Return the values of several keys; have those made that are not fresh.

        The parameters are those of :meth:`get_or_create`, but that the creator is given
        as its arguments the keys whose values it is to make, each once and in the order
        of ``keys``, and returns a sequence of as many values.
        """
        keys = list(keys)
        lifetime = self.expiration_time if expiration_time is None else expiration_time
        stored = await self._store.read_keys(keys)
        payloads: list[T] | None = self._store.fresh_payloads(
            stored, keys, self._policy.bounds_ahead(lifetime)
        )
        if payloads is not None:
            if self._watched:
                tell_each(self, HIT, keys)
            return payloads  # by this creator, so they are of type T
        values = self._store.load_many(stored, keys)
        fresh = [v[0] for v in values if self._policy.is_current(v, lifetime)]
        if len(fresh) == len(keys):
            if self._watched:
                tell_each(self, HIT, keys)
            return fresh
        options = lifetime, should_cache_fn, stale_if_error, creator_timeout
        batch = AsyncRegionBatch(self, creator, *options)
        seen = dict(zip(keys, values))
        if batch.is_away:
            alone = await async_drive(make_away(batch, self._flights, seen))
            if self._watched:
                tell_each(self, MISS, alone)
            return [alone[key] for key in keys]
        entries = [batch.entry(key) for key in seen]
        flights = self._gathering(entries[0].mutex)
        before = seen.copy()
        await async_drive(regenerate_many(entries, batch, flights, seen))
        if self._watched:
            tell_all_served(entries, seen, before)
        made: list[Any] = [seen[key].payload for key in keys]
        return made

    async def set(self, key: Any, value: Any) -> None:
        """Keep a value under a key."""
        await self._keep(key, value, self.clock.time())

    async def set_multi(self, mapping: Mapping[Any, Any]) -> None:
        """Keep several values."""
        await self._keep_many(mapping, self.clock.time())

    async def delete(self, key: Any) -> None:
        """Remove a key; one that is not there is no error.

        A creation that started before does not bring it back.
        """
        id = self._store.mangle(key)
        await self._overtake(id)
        await self._store.delete(id)

    async def delete_multi(self, keys: Iterable[Any]) -> None:
        """Remove several keys; those that are not there are no error."""
        ids = [self._store.mangle(key) for key in keys]
        for id in ids:
            await self._overtake(id)
        await self._store.delete_many(ids)

    async def invalidate(self, hard: bool = True) -> None:
        """Have every value whose making started before now be made anew.

        The default strategy reaches this region in this process; see
        :class:`~dogpile_cache.region.RegionInvalidationStrategy`.

        :param hard: true, everybody waits for the new values; false, the old ones are
            served while the new ones are made.
        """
        await async_drive(once(partial(self.region_invalidator.invalidate, hard)))

    async def key_is_locked(self, key: Any) -> bool:
        """Tell whether the value of a key is being made, by anybody."""
        id = self._store.mangle(key)
        if self._flights.get(id) is not None:
            return True
        return bool(await async_drive(once(self._mutex(id).locked)))

    async def _overtake(self, id: Any) -> None:
        """Have the creations of a mangled key that are under way not be kept."""
        await async_drive(supersede(self._flights, self._mutex(id), id))

    async def _keep(self, key: Any, value: Any, started: float) -> None:
        """Keep a value whose making started at some time, and has ended."""
        store = self._store
        await store.write(
            store.mangle(key), store.dump(stamp(self, value, started), key)
        )

    async def _keep_many(self, mapping: Mapping[Any, Any], started: float) -> None:
        store = self._store
        await store.write_many(
            {
                store.mangle(key): store.dump(stamp(self, value, started), key)
                for key, value in mapping.items()
            }
        )


def make_async_region(*arg: Any, **kw: Any) -> AsyncCacheRegion:
    """Return a new region; the parameters are those of :class:`AsyncCacheRegion`."""
    return AsyncCacheRegion(*arg, **kw)
