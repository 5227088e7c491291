"""Regions for threads in the service of tasks, where they never wait."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from .aio import AsyncCacheRegion
from .exception import ValidationError
from .region import CacheRegion
from .tasks.backend import Immediate
from .tasks.store import AsyncStore

_twins: WeakKeyDictionary[CacheRegion, AsyncCacheRegion] = WeakKeyDictionary()


def awaited(region: CacheRegion | AsyncCacheRegion) -> AsyncCacheRegion:
    """Return a region for tasks: the one given, or one over the same values.

    The latter makes a value once among the tasks; a thread may make it a second time.

    :raises ValidationError: the backend of a region for threads waits, as for a server,
        and all tasks would wait with it.
    """
    if isinstance(region, AsyncCacheRegion):
        return region
    if not region.actual_backend.never_waits:
        backend = type(region.actual_backend).__qualname__
        raise ValidationError(
            f"The region {region.name!r} is one for threads, and its {backend} would "
            "block the event loop; make it by make_async_region of dogpile_cache.aio."
        )
    twin = _twins.get(region)
    if twin is None:
        _twins[region] = twin = AsyncCacheRegion(region.name, clock=region.clock)
    twin.expiration_time = region.expiration_time
    twin._policy, twin._is_fresh = region._policy, region._is_fresh
    if twin.__dict__.get("_of") is not region._store:  # it has been configured anew
        of = twin.__dict__["_of"] = region._store
        twin._store = AsyncStore(Immediate(region.backend), of._mangler, of.codec)
        twin._fetch = twin._store.fetch
    return twin
