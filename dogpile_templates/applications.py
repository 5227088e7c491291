"""What the integrations of frameworks share: the regions of one application.

Regions for fragments keep text, which nobody can make a page run code with by writing
to the cache, unless they are told otherwise; the processes that share a backend make a
fragment once among them; and an invalidation of a region reaches them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dogpile_cache import CacheRegion
from dogpile_cache.backends.memory import MemoryBackend
from dogpile_cache.backends.null import NullBackend
from dogpile_cache.config import Regions
from dogpile_cache.exception import ValidationError
from dogpile_cache.invalidation import SharedInvalidationStrategy
from dogpile_cache.plugins import load_backend

Options = Mapping[str, Mapping[str, Any]]

_OFF, _ON = ("false", "0", "no", "off", "none", ""), ("true", "1", "yes", "on")
_SWITCHES = {**dict.fromkeys(_OFF, False), **dict.fromkeys(_ON, True)}
_NULL = {"backend": "dogpile.cache.null"}


def configure(
    regions: Regions, options: Options, prefix: str, *, enabled: bool
) -> None:
    """Configure the regions of an application.

    :param options: see :meth:`Regions.configure_each`.
    :param prefix: what the settings are called, for the errors.
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
            region.region_invalidator = SharedInvalidationStrategy(
                region.backend, _mangled(region, f"invalidated:{name}")
            )


def is_shared(region: CacheRegion) -> bool:
    """Tell whether other processes see what a region keeps."""
    return not isinstance(region.actual_backend, (MemoryBackend, NullBackend))


def switch(name: str, given: Any) -> bool:
    """Return what a setting switches, which may be a text from the environment.

    :param name: what the setting is called, for the error.
    """
    text = str(given).strip().lower()
    if text not in _SWITCHES:
        raise ValidationError(f"{name} is {given!r}; allowed are true and false.")
    return _SWITCHES[text]


def _mangled(region: CacheRegion, key: str) -> str:
    mangler = region.key_mangler
    return key if mangler is None else mangler(key)


def _safe(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return options for fragments, where nothing else was said."""
    if "backend" not in options:
        return options
    backend = load_backend(options["backend"])
    arguments = dict(options.get("arguments") or {})
    if "distributed_lock" in (getattr(backend, "options", None) or ()):
        arguments.setdefault("distributed_lock", True)
    made = {**options, "arguments": arguments}
    if not getattr(backend, "keeps_objects", False) or backend.serializer is not None:
        made.setdefault("serializer", "text")  # its values leave the process
    return made
