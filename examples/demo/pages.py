"""The same page from two engines: a function from a year to HTML for each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from mako.lookup import TemplateLookup

import dogpile_templates.mako
from dogpile_cache import CacheRegion, make_region

from .library import YEARS, Library

Page = Callable[[int], str]

_TEMPLATES = str(Path(__file__).with_name("templates"))


def make_regions() -> dict[str, CacheRegion]:
    """Return a region for what changes often, and one for what seldom does."""
    return {
        "short": make_region().configure("dogpile.cache.memory", expiration_time=60),
        "long": make_region().configure("dogpile.cache.memory", expiration_time=3600),
    }


def mako_page(library: Library, regions: Mapping[str, CacheRegion]) -> Page:
    """Return the page as Mako renders it."""
    dogpile_templates.mako.register()
    lookup = TemplateLookup(
        directories=[_TEMPLATES],
        default_filters=["h"],
        cache_impl="dogpile.cache",
        cache_args={"regions": regions},
    )
    return _page(lookup.get_template("page.mako").render, library)


def jinja2_page(library: Library, regions: Mapping[str, CacheRegion]) -> Page:
    """Return the page as Jinja2 renders it."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["dogpile_templates.jinja2.CacheExtension"],
    )
    environment.cache_regions = regions  # type: ignore[attr-defined]  # the extension's
    return _page(environment.get_template("page.jinja2").render, library)


def _page(render: Any, library: Library) -> Page:
    return lambda year: str(render(library=library, year=year, years=YEARS))
