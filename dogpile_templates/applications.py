"""What the integrations of frameworks share: the regions of one application.

Regions for fragments keep text, which nobody can make a page run code with by writing
to the cache, unless they are told otherwise; the processes that share a backend make a
fragment once among them; an invalidation of a region reaches them all; two applications
on one server have keys of their own; and the server forgets what is long expired.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from dogpile_cache import CacheRegion
from dogpile_cache.config import Regions
from dogpile_cache.exception import ValidationError
from dogpile_cache.invalidation import SharedInvalidationStrategy
from dogpile_cache.plugins import load_backend

Options = Mapping[str, Mapping[str, Any]]

_OFF, _ON = ("false", "0", "no", "off", "none", ""), ("true", "1", "yes", "on")
_SWITCHES = {**dict.fromkeys(_OFF, False), **dict.fromkeys(_ON, True)}
_STALE_FOR = 24 * 3600.0
"""Seconds that an expired value is there to be served while a new one is made."""

_NULL = {"backend": "dogpile.cache.null"}


def configure(
    regions: Regions, options: Options, prefix: str, *, application: str, enabled: bool
) -> None:
    """Configure the regions of an application.

    :param options: see :meth:`Regions.configure_each`.
    :param prefix: what the settings are called, for the errors.
    :param application: what keys begin with where others may see them.
    :param enabled: false, nothing is cached.
    :raises ValidationError: an option is unknown, missing or wrong.
    :raises PluginNotFound: a backend is unknown.
    """
    if not enabled:
        regions.configure_each(dict.fromkeys(options, _NULL), prefix)
        return
    safe = {name: _safe(given) for name, given in options.items()}
    regions.configure_each(safe, prefix)
    for name, region in regions.items():
        if is_shared(region):
            mangle = region.key_mangler = _beginning(application, region.key_mangler)
            region.region_invalidator = _strategy(region)(
                region.backend, mangle(f"invalidated:{name}")
            )


def is_shared(region: CacheRegion) -> bool:
    """Tell whether other processes see what a region keeps."""
    return not region.actual_backend.never_waits


def _strategy(region: CacheRegion) -> type[SharedInvalidationStrategy]:
    if not hasattr(region, "aclose"):
        return SharedInvalidationStrategy
    from dogpile_cache.aio import AsyncSharedInvalidationStrategy

    return AsyncSharedInvalidationStrategy


def switch(name: str, given: Any) -> bool:
    """Return what a setting switches, which may be a text from the environment.

    :param name: what the setting is called, for the error.
    """
    text = str(given).strip().lower()
    if text not in _SWITCHES:
        raise ValidationError(f"{name} is {given!r}; allowed are true and false.")
    return _SWITCHES[text]


def _beginning(
    application: str, mangle: Callable[[Any], Any] | None
) -> Callable[[Any], Any]:
    """Return a mangler that has all keys begin with the name of the application."""
    if mangle is None:
        return lambda key: f"{application}:{key}"
    return lambda key: mangle(f"{application}:{key}")


def _safe(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return options for fragments, where nothing else was said."""
    given = options.get("arguments") or {}
    if not isinstance(options.get("backend"), str) or not isinstance(given, Mapping):
        return options  # which is an error
    backend = load_backend(options["backend"])
    arguments = dict(given)
    known = getattr(backend, "options", None) or ()
    if "distributed_lock" in known:
        arguments.setdefault("distributed_lock", True)
    lifetime = options.get("expiration_time")
    for server in ("redis", "valkey"):  # memcached forgets when it is full
        forgets = f"{server}_expiration_time"
        if forgets in known and isinstance(lifetime, (int, float)) and lifetime >= 0:
            arguments.setdefault(forgets, lifetime + _STALE_FOR)
    made = {**options, "arguments": arguments}
    if not getattr(backend, "keeps_objects", False) or backend.serializer is not None:
        made.setdefault("serializer", "text")  # its values leave the process
    return made
