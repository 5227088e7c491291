"""Fragments from Python: their keys, and their removal by a view or a job."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any

from dogpile_cache import CacheRegion

from .fragments import Found, FragmentError, find_region

if TYPE_CHECKING:
    from dogpile_cache.aio import AsyncCacheRegion

_ENGINES = {"jinja2": "jinja2", "mako": "mako_access"}
"""Where the fragments of each engine are found."""


def fragment_keys(
    engine: Any, template: str, *parts: Any, name: str | None = None
) -> list[str]:
    """Return the keys of the fragments of a template, for some key parts.

    It loads the template if need be, and renders nothing.

    :param engine: an ``Environment`` of Jinja2 or a ``TemplateLookup`` of Mako.
    :param template: the name of the page that shows them: the tags, defs and blocks of
        the templates that it extends or inherits from count as its own.
    :param parts: those of the tag; for Mako, the one that ``cache_key`` gives, or none.
    :param name: the ``name=`` of a tag, the name of a def or block, or ``body``; by
        default all that are cached.
    :raises FragmentError: the template has none, or none of that name; or its key
        depends on who calls the macro or def that it is in.
    :raises UnstableKeyPart: a part has no stable representation.
    """
    return [key for _, key in _find(engine, template, parts, name).keys]


def invalidate_fragment(
    engine: Any,
    template: str,
    *parts: Any,
    name: str | None = None,
    region: CacheRegion | str | None = None,
) -> None:
    """Remove the fragments of a template, for some key parts.

    The parameters are those of :func:`fragment_keys`.

    :param region: where they are, or its name; by default the region that the tag
        names, or all regions of the engine where it does not name one.
    :raises UnknownRegion: the engine has no region of that name.
    """
    for each, key in _places(engine, template, parts, name, region):
        if hasattr(each, "aclose"):
            raise FragmentError(
                f"The region {each.name!r} is one for tasks; await "
                "async_invalidate_fragment() instead."
            )
        each.delete(key)


async def async_invalidate_fragment(
    engine: Any,
    template: str,
    *parts: Any,
    name: str | None = None,
    region: CacheRegion | AsyncCacheRegion | str | None = None,
) -> None:
    """Do what :func:`invalidate_fragment` does where there are regions for tasks."""
    for each, key in _places(engine, template, parts, name, region):
        answer = each.delete(key)
        if hasattr(answer, "__await__"):
            await answer


def _places(
    engine: Any, template: str, parts: tuple[Any, ...], name: str | None, region: Any
) -> Iterator[tuple[Any, str]]:
    """Yield the regions and the keys of some fragments."""
    found = _find(engine, template, parts, name)
    given = None if region is None else find_region(found.named, region, "the engine")
    for known, key in found.keys:
        only = known if given is None else given
        for each in found.regions if only is None else [only]:
            yield each, key


def _find(
    engine: Any, template: str, parts: tuple[Any, ...], name: str | None
) -> Found:
    packages = [cls.__module__.partition(".")[0] for cls in type(engine).__mro__]
    known = next((package for package in _ENGINES if package in packages), None)
    if known is None:
        raise FragmentError(
            f"{engine!r} is no engine; allowed are an Environment of Jinja2 and a "
            "TemplateLookup of Mako."
        )
    module = import_module(f".{_ENGINES[known]}", __package__)
    found: Found = module.find_fragments(engine, template, parts, name)
    return found
