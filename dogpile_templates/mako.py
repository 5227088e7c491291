"""Mako: ``cache_impl="dogpile.cache"``.

::

    TemplateLookup(
        directories=["templates"],
        cache_impl="dogpile.cache",
        cache_args={"regions": {"short": region}},
    )

    <%def name="sidebar()" cached="True" cache_region="short" cache_timeout="60"
          cache_key="${user.id}">

Mako asks with the key alone, so two defs of one template that were given one
``cache_key`` would share their text.  Here the def belongs to the fragment's identity:
Mako's generated code passes a lambda that stands in the def's own function, and its
qualified name tells which.  What Mako's ``Cache`` says about a key from Python (``get``,
``set``, ``invalidate``) is said about that key in every cached def of the template.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any

from mako.cache import CacheImpl, register_plugin

from dogpile_cache import NO_VALUE, CacheRegion
from dogpile_cache.exception import ValidationError
from dogpile_cache.freshness import seconds
from dogpile_cache.typed import encode

from .fragments import digest, find_region, fragment_key, identity

__all__ = ["DogpileCacheImpl", "register"]

_SETTING = 'cache_args["regions"]'
_ELSEWHERE = ""  # the place of a fragment that is made by no def of the template
_LAMBDA = ".<locals>.<lambda>"


def register() -> None:
    """Make ``cache_impl="dogpile.cache"`` mean this, whatever else is installed.

    An installed distribution needs this only where dogpile.cache is installed beside
    it; ``"dogpile.templates"`` is a second name that is ours alone.
    """
    for name in ("dogpile.cache", "dogpile.templates"):
        register_plugin(name, __name__, DogpileCacheImpl.__name__)


class DogpileCacheImpl(CacheImpl):  # type: ignore[misc]  # Mako comes without types
    """Keep the fragments of one template in regions.

    The arguments, from ``cache_args`` or as ``cache_...`` of a tag:

    - ``regions``: a mapping of names to regions;
    - ``region``: a name, or a region;
    - ``timeout``: the lifetime in seconds, in place of the region's.
    """

    def __init__(self, cache: Any) -> None:
        super().__init__(cache)
        cache._def_regions = _Unfrozen()
        template = cache.template
        uri, source = template.uri, _digest_of_source(template)
        name = None if uri.startswith("memory:0x") else uri  # an address, used again
        self._globals = vars(template.module)
        self._places = (_ELSEWHERE, *sorted(set(_cached_defs(template.module))))
        self._identities = {
            place: identity(name, source, ("mako", place)) for place in self._places
        }

    def get_or_create(
        self, key: Any, creation_function: Callable[[], Any], **kw: Any
    ) -> Any:
        """Return a fragment; have it rendered by one caller if it is missing or stale.

        :raises UnknownRegion: there is no such region, or none was named.
        :raises UnstableKeyPart: the key has no stable representation.
        """
        region, timeout = self._options(**kw)
        own = self._identities[self._place(creation_function)]
        return region.get_or_create(
            fragment_key(own, (key,)), creation_function, timeout
        )

    def get(self, key: Any, **kw: Any) -> Any:
        """Return what is kept under a key, or None."""
        region, timeout = self._options(**kw)
        found = region.get_multi(self._keys(key), timeout)
        return next((value for value in found if value is not NO_VALUE), None)

    def set(self, key: Any, value: Any, **kw: Any) -> None:
        """Keep a value under a key."""
        region, _ = self._options(**kw)
        region.set_multi(dict.fromkeys(self._keys(key), value))

    put = set  # noqa: A003  # the method, and not the builtin

    def invalidate(self, key: Any, **kw: Any) -> None:
        """Remove what is kept under a key; where no region is named, in all of them."""
        regions = kw.get("regions") or {}
        if kw.get("region") is None and regions:
            affected = [regions[name] for name in regions]
        else:
            affected = [self._options(**kw)[0]]
        for region in affected:
            region.delete_multi(self._keys(key))

    def _keys(self, key: Any) -> list[str]:
        return [fragment_key(self._identities[place], (key,)) for place in self._places]

    def _place(self, creation_function: Any) -> str:
        if getattr(creation_function, "__globals__", None) is not self._globals:
            return _ELSEWHERE
        place: str = creation_function.__qualname__.removesuffix(_LAMBDA)
        return place if place in self._identities else _ELSEWHERE

    @staticmethod
    def _options(
        regions: Any = None, region: Any = None, timeout: Any = None, **unknown: Any
    ) -> tuple[CacheRegion, float | None]:
        if unknown:
            names = ", ".join(f"cache_{name}" for name in sorted(unknown))
            raise ValidationError(
                f"A fragment has no {names}; allowed are cache_region, cache_timeout "
                "and cache_key, and in cache_args 'regions', 'region' and 'timeout'."
            )
        lifetime = None if timeout is None else seconds(timeout)
        return find_region(regions, region, _SETTING), lifetime


class _Unfrozen(dict[str, Any]):
    """Have Mako take a def's arguments from every call, and not keep the first ones.

    The first call may be an ``invalidate_def``, which knows no region: all later
    renderings would be without one, too.
    """

    def __contains__(self, name: object) -> bool:
        return False


def _digest_of_source(template: Any) -> str:
    """Return a digest of what the template's output depends on.

    Mako reads the source again when asked for it.  Should the file have changed since
    the template was loaded, its code is of another source, which is gone: then the time
    of loading stands for it, lest old output be kept as that of the new source.
    """
    source, loaded = None, template.last_modified
    try:
        # Template.source is that of the latest template of this uri, in any lookup
        source = getattr(template, "_mmarker", template).source
        if template.filename and os.path.getmtime(template.filename) > loaded:
            source = None
    except OSError:  # the file is gone
        pass
    version = loaded if source is None else source
    filters = [*(template.default_filters or ())], [*(template.buffer_filters or ())]
    return digest(encode((version, filters)))


def _cached_defs(module: Any) -> Iterator[str]:
    """Yield the qualified names of the functions of a template's cached defs."""
    for value in vars(module).values():
        if isinstance(value, FunctionType) and value.__module__ == module.__name__:
            yield from _caching(value.__code__, value.__code__.co_name)


def _caching(code: CodeType, path: str) -> Iterator[str]:
    for inner in code.co_consts:
        if not isinstance(inner, CodeType):
            continue
        if inner.co_name != "<lambda>":
            yield from _caching(inner, f"{path}.<locals>.{inner.co_name}")
        elif f"__M_{code.co_name}" in inner.co_names + inner.co_freevars:
            yield path
