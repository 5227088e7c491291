"""Where the fragments of a Mako template are kept, from Python."""

from __future__ import annotations

from typing import Any

from mako.lookup import TemplateLookup

from .fragments import Found, FragmentError, all_regions
from .mako import DogpileCacheImpl
from .mako_sources import ancestry


def find_fragments(
    lookup: TemplateLookup, page: str, parts: tuple[Any, ...], name: str | None
) -> Found:
    """Return where the fragments of a page are kept; see ``fragment_keys``."""
    if len(parts) > 1:
        raise FragmentError(
            f"A fragment of Mako has one key, that of cache_key; {len(parts)} were given."
        )
    shown = lookup.get_template(page)
    found = [
        (template.cache.impl, place)
        for template in ancestry(shown)
        if isinstance(template.cache.impl, DogpileCacheImpl)
        for place in template.cache.impl.places
    ]
    chosen = [(impl, place) for impl, place in found if name in (None, place.name)]
    if not chosen:
        names = ", ".join(sorted({repr(place.name) for _, place in found})) or "none"
        what = "cached def, block or body" + (f" {name!r}" if name else "")
        raise FragmentError(f"The template {page!r} has no {what}; it has {names}.")
    arguments = lookup.template_args.get("cache_args") or {}
    keys = [
        impl.key(place, parts[0] if parts else place.default_key, shown)
        for impl, place in chosen
    ]
    named = arguments.get("regions") or {}
    regions = all_regions(named, arguments.get("region"))
    return Found(named, regions, [(None, key) for key in keys])
