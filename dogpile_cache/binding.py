"""What a region is bound to: a backend, serializers, a mangler, an invalidator.

Each may be replaced, and is then bound anew: all that need not be decided at each call is
decided here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .api import (
    CacheBackend,
    CachedValue,
    CacheMutex,
    CacheReturnType,
    Deserializer,
    Serializer,
)
from .background import apart, refresh_ahead, refresh_apart
from .codec import codec_for
from .events import Kind, tell
from .exception import RegionNotConfigured
from .freshness import Policy
from .guard import Guarded
from .invalidation import RegionInvalidationStrategy
from .mutex import LONE_FLIGHTS, UNGUARDED, Flights
from .proxy import ProxyBackend, wrapped
from .serializers import pair
from .settings import Settings
from .store import NoStore, Store

if TYPE_CHECKING:
    from typing import TypeGuard

    from .events import Listener
    from .protocols import Clock, Lifetime


def _not_configured(key: Any) -> CacheReturnType:
    raise RegionNotConfigured("No backend is configured on this region.")


def _never(value: CacheReturnType, lifetime: Lifetime) -> TypeGuard[CachedValue]:
    """Have every request looked at more closely."""
    return False


class Binding:
    """Hold what a region works with."""

    clock: Clock
    lock_generator: Callable[[Any], CacheMutex] | None
    expiration_time: float | None = None
    settings = Settings()
    _flights: Flights
    _serializer: Serializer | None
    _deserializer: Deserializer | None
    _key_mangler: Callable[[Any], Any] | None
    _store: Any = NoStore()  # any use of it raises
    _fetch: Callable[[Any], Any] = staticmethod(_not_configured)
    _make_store: type[Store] = Store
    _make_guard: type[Guarded] = Guarded

    name: str | None
    _listeners: list[Listener]
    _watched = False

    # Who takes work off a caller, and goes on with it.
    _apart: Callable[[Any], Any] = staticmethod(apart)
    _refresh_apart: Callable[[Any], Any] = staticmethod(refresh_apart)
    _refresh_ahead: Callable[[Any], Any] = staticmethod(refresh_ahead)

    @property
    def is_configured(self) -> bool:
        """Tell whether the region has a backend."""
        return "backend" in self.__dict__

    @property
    def backend(self) -> CacheBackend:
        """The backend, or the outermost of the proxies around it."""
        try:
            backend: CacheBackend = self.__dict__["backend"]
        except KeyError:
            raise RegionNotConfigured(
                "No backend is configured on this region."
            ) from None
        return backend

    @backend.setter
    def backend(self, backend: CacheBackend) -> None:
        self._bind(backend)
        self.__dict__["backend"] = backend

    @property
    def actual_backend(self) -> CacheBackend:
        """The backend beneath all proxies."""
        backend = self.backend
        while isinstance(backend, ProxyBackend):
            backend = backend.proxied
        return backend

    @property
    def key_mangler(self) -> Callable[[Any], Any] | None:
        """What turns each key into the one that the backend sees, if anything does."""
        return self._key_mangler

    @key_mangler.setter
    def key_mangler(self, mangler: Callable[[Any], Any] | None) -> None:
        self._key_mangler = mangler or None
        self._rebind()

    @property
    def serializer(self) -> Serializer | None:
        """What turns payloads into bytes, if anything does."""
        return self._serializer

    @serializer.setter
    def serializer(self, serializer: Serializer | str | None) -> None:
        self._serializer, self._deserializer = pair(serializer, self._deserializer)
        self._rebind()

    @property
    def deserializer(self) -> Deserializer | None:
        """What turns bytes back into payloads, if anything does."""
        return self._deserializer

    @deserializer.setter
    def deserializer(self, deserializer: Deserializer | None) -> None:
        self._deserializer = deserializer
        self._rebind()

    @property
    def region_invalidator(self) -> RegionInvalidationStrategy:
        """What ``invalidate()`` uses."""
        return self._policy.strategy  # type: ignore[return-value]  # or one alike

    @region_invalidator.setter
    def region_invalidator(self, strategy: Any) -> None:
        ours = isinstance(strategy, RegionInvalidationStrategy)
        if not ours and not hasattr(strategy, "latest"):  # it only looks like ours
            strategy.latest = math.inf
        self._policy = Policy(self.clock, strategy, self.settings.refresh_ahead)
        self._judge()

    @property
    def listeners(self) -> list[Listener]:
        """Who is told of each event; see :mod:`dogpile_cache.events`."""
        if not self._watched:  # from now on; before, a hit does not even ask
            self._watched = True
            self._judge()
        return self._listeners

    def _judge(self) -> None:
        """Decide by what a value is served at once."""
        self._is_fresh = self._policy.is_fresh
        self._is_current = _never if self._watched else self._policy.is_current

    def wrap(self, proxy: ProxyBackend | type[ProxyBackend]) -> None:
        """Put a proxy, a class or an instance, around the backend."""
        self.backend = wrapped(proxy, self.backend)

    def _bind(self, backend: CacheBackend) -> None:
        """Decide all that need not be decided at each call."""
        guarded: Any = backend
        fails_open = self.settings.on_backend_error == "miss"
        if fails_open and not getattr(backend, "never_waits", False):
            guarded = self._make_guard(self, backend, self._apart)
        codec = codec_for(
            backend, self._serializer, self._deserializer, self.name, self.settings
        )
        codec.on_reject = self._on_reject
        keep_bytes = getattr(backend, "keep_bytes", None)
        if codec.keeps_bytes and keep_bytes is not None:
            keep_bytes()
        self._store = self._make_store(guarded, self._key_mangler, codec)
        self._fetch = self._store.fetch

    def _rebind(self) -> None:
        if self.is_configured:
            self._bind(self.backend)

    def _mutex(self, id: Any) -> CacheMutex:
        """Return what the creators of a mangled key share with other processes."""
        make = self.lock_generator or self._store.mutex
        mutex = make(id)
        return UNGUARDED if mutex is None else mutex

    def _gathering(self, mutex: CacheMutex) -> Flights:
        """Return where the callers of this process wait for one of them."""
        return self._flights if getattr(mutex, "gathers", True) else LONE_FLIGHTS

    def _is_expired(self, key: Any, stored: Any) -> bool:
        found = self._store.peek(stored, key)
        return not self._is_fresh(found, self.expiration_time)

    def _deadline_of(self, key: Any, stored: Any) -> float:
        found = self._store.peek(stored, key)
        lifetime = self._store.lifetimes.get(key, self.expiration_time)
        return self._policy.deadline(found, lifetime)

    def _on_reject(self, key: Any, error: Exception | None) -> None:
        if self._watched:
            tell(self, Kind.REJECTED, key, error=error)

    def _on_evict(self, key: Any) -> None:
        if self._watched:
            tell(self, Kind.EVICTED, key)
