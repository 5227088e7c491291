"""Every snippet of the README and the documentation runs."""

from __future__ import annotations

import configparser
import re
import sys
import textwrap
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pyramid.config import Configurator

from dogpile_cache import CacheRegion
from dogpile_cache.config import make_regions

ROOT = Path(__file__).parent.parent.parent
PAGES = [ROOT / "README.rst", *sorted((ROOT / "docs").rglob("*.rst"))]
BLOCK = re.compile(r"^\.\. code-block:: (\S+)\n\n((?:    .*\n|\n)+)", re.MULTILINE)
REDIS = "redis://localhost:6379/0"
DIRECTORY = "/var/cache/shop"


def snippets(page: Path, language: str) -> Iterator[str]:
    for found in BLOCK.finditer(page.read_text()):
        if found[1] == language:
            yield textwrap.dedent(found[2])


def languages(page: Path) -> set[str]:
    return {found[1] for found in BLOCK.finditer(page.read_text())}


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def pages(language: str, with_redis: bool = False) -> list[Path]:
    return [
        page
        for page in PAGES
        if any(snippets(page, language)) and (REDIS in page.read_text()) == with_redis
    ]


def run(page: Path, redis_url: str = REDIS, directory: str = DIRECTORY) -> None:
    """Run the Python snippets of a page one after the other, as one module."""
    places = {REDIS: redis_url, DIRECTORY: directory}
    module = types.ModuleType("snippets_of_a_page")
    sys.modules[module.__name__] = module
    for snippet in snippets(page, "python"):
        code = compile(replaced(snippet, places), name(page), "exec")
        exec(code, module.__dict__)


def replaced(snippet: str, places: Mapping[str, str]) -> str:
    for told, place in places.items():
        snippet = snippet.replace(told, place)
    return snippet


@pytest.mark.parametrize("page", pages("python"), ids=name)
def test_the_snippets_of_a_page_run(page: Path, tmp_path: Path) -> None:
    run(page, directory=str(tmp_path))


@pytest.mark.parametrize("page", pages("python", with_redis=True), ids=name)
def test_the_snippets_of_a_page_run_on_redis(
    page: Path, redis_server: Any, tmp_path: Path
) -> None:
    run(page, redis_server.url, str(tmp_path))


@pytest.mark.parametrize("page", pages("ini"), ids=name)
def test_the_settings_of_a_page_are_taken(page: Path, tmp_path: Path) -> None:
    for snippet in snippets(page, "ini"):
        parser = configparser.ConfigParser()
        parser.read_string(replaced(snippet, {DIRECTORY: str(tmp_path)}))
        regions = regions_of(dict(parser["app:main"]))
        assert regions
        assert all(region.is_configured for region in regions.values())


def regions_of(settings: dict[str, str]) -> Mapping[str, CacheRegion]:
    """Return what some settings configure, or the application of Pyramid they are of."""
    if "pyramid.includes" not in settings:
        return make_regions(settings)
    with Configurator(settings=settings) as config:
        pass  # the end of the block commits what the settings include
    regions: Mapping[str, CacheRegion] = config.registry["dogpile_templates"].regions
    return regions


def test_the_contract_that_a_page_shows_holds() -> None:
    """The documentation's backend passes the contract, as it says."""
    run(ROOT / "docs" / "explanation" / "writing-a-backend.rst")
    shelf = sys.modules["snippets_of_a_page"].TestShelf()
    tests = [t for t in dir(shelf) if t.startswith("test_") and getattr(shelf, t)]
    assert len(tests) > 20
    for test in tests:
        getattr(shelf, test)()


def test_the_readme_and_the_tutorial_are_among_the_pages() -> None:
    names = {name(page) for page in (*pages("python"), *pages("python", True))}
    assert {"README.rst", "docs/tutorial.rst"} <= names


def options_of_backends() -> list[tuple[type, str]]:
    from dogpile_cache.backends import file, lmdb, memcached, memory, redis

    classes = [
        memory.MemoryBackend,
        file.DBMBackend,
        lmdb.LmdbBackend,
        memcached.MemcachedBackend,
        memcached.PylibmcBackend,
        memcached.PyMemcacheBackend,
        memcached.BMemcachedBackend,
        redis.RedisBackend,
        redis.RedisSentinelBackend,
        redis.RedisClusterBackend,
    ]
    return [(cls, option) for cls in classes for option in cls.options]


@pytest.mark.parametrize(("cls", "option"), options_of_backends())
def test_every_argument_of_a_backend_is_documented(cls: type, option: str) -> None:
    text = "".join(c.__doc__ or "" for c in cls.__mro__ if c.__module__ != "builtins")
    assert f":param {option}:" in text
