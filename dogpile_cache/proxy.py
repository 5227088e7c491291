"""Proxies: backends that change what another backend does.

A proxy overrides what it wants to change and calls ``self.proxied`` for the rest::

    class LoggingProxy(ProxyBackend):
        def get_serialized(self, key):
            log.debug("get %s", key)
            return self.proxied.get_serialized(key)

    region.configure("dogpile.cache.redis", wrap=[LoggingProxy])

Proxies stack: ``proxied`` is the next proxy, or in the end the backend.  A proxy before a
backend for tasks defines its methods by ``async def`` and awaits.
"""

# What a backend for tasks returns is to be awaited by whoever called the proxy.
# mypy: disable-error-code="func-returns-value"

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .api import (
    BackendFormatted,
    BackendSetType,
    CacheBackend,
    CacheMutex,
    KeyType,
    SerializedReturnType,
)
from .exception import ValidationError

if TYPE_CHECKING:
    from typing_extensions import Self


def _passed_on(name: str) -> Any:
    return property(lambda proxy: getattr(proxy.proxied, name))


class ProxyBackend(CacheBackend):
    """Pass everything on to another backend."""

    proxied: CacheBackend

    key_mangler = _passed_on("key_mangler")
    serializer = _passed_on("serializer")
    deserializer = _passed_on("deserializer")
    callers_errors = _passed_on("callers_errors")
    options = _passed_on("options")
    is_expired = _passed_on("is_expired")
    keeps_deadlines = _passed_on("keeps_deadlines")
    deadline_of = _passed_on("deadline_of")
    region_clock = _passed_on("region_clock")
    region_name = _passed_on("region_name")
    on_evict = _passed_on("on_evict")

    def __init__(self, *arg: Any, **kw: Any) -> None:
        pass

    def wrap(self, backend: CacheBackend) -> Self:
        """Stand before a backend; return self."""
        self.proxied = backend
        return self

    def __getattr__(self, name: str) -> Any:
        if name == "proxied":
            raise AttributeError(
                "This proxy has not been wrapped around a backend yet."
            )
        return getattr(self.proxied, name)

    def get(self, key: KeyType) -> BackendFormatted:
        return self.proxied.get(key)

    def get_multi(self, keys: Sequence[KeyType]) -> Sequence[BackendFormatted]:
        return self.proxied.get_multi(keys)

    def get_serialized(self, key: KeyType) -> SerializedReturnType:
        return self.proxied.get_serialized(key)

    def get_serialized_multi(
        self, keys: Sequence[KeyType]
    ) -> Sequence[SerializedReturnType]:
        return self.proxied.get_serialized_multi(keys)

    def set(self, key: KeyType, value: BackendSetType) -> Any:
        return self.proxied.set(key, value)

    def set_multi(self, mapping: Mapping[KeyType, BackendSetType]) -> Any:
        return self.proxied.set_multi(mapping)

    def set_serialized(self, key: KeyType, value: bytes) -> Any:
        return self.proxied.set_serialized(key, value)

    def set_serialized_multi(self, mapping: Mapping[KeyType, bytes]) -> Any:
        return self.proxied.set_serialized_multi(mapping)

    def delete(self, key: KeyType) -> Any:
        return self.proxied.delete(key)

    def delete_multi(self, keys: Iterable[KeyType]) -> Any:
        return self.proxied.delete_multi(keys)

    def get_mutex(self, key: KeyType) -> CacheMutex | None:
        return self.proxied.get_mutex(key)

    def has_lock_timeout(self) -> bool:
        return self.proxied.has_lock_timeout()


class NotAProxy(ValidationError, TypeError):
    """Say that what is to be put around a backend is no proxy."""


def wrapped(proxy: Any, backend: CacheBackend) -> ProxyBackend:
    """Return a proxy, given it or its class, that stands before a backend."""
    if isinstance(proxy, type) and issubclass(proxy, ProxyBackend):
        proxy = proxy()
    if not isinstance(proxy, ProxyBackend):
        raise NotAProxy(
            f"{proxy!r} is not a valid ProxyBackend; allowed are its subclasses and "
            "instances of them."
        )
    return proxy.wrap(backend)


def all_wrapped(proxies: Any, backend: CacheBackend) -> CacheBackend:
    """Return a backend behind several proxies, the first one outermost."""
    is_list = isinstance(proxies, Iterable) and not isinstance(proxies, str)
    for proxy in [*proxies][::-1] if is_list else [proxies]:
        backend = wrapped(proxy, backend)
    return backend
