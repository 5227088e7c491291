"""The public names, and what importing them costs: nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

import dogpile_cache
from dogpile_cache import exception

NAMES = [
    "NO_VALUE",
    "BytesBackend",
    "CacheBackend",
    "CacheRegion",
    "CachedValue",
    "Lock",
    "NeedRegenerationException",
    "__version__",
    "make_region",
    "register_backend",
]

CLIENT_LIBRARIES = (
    "redis valkey memcache pylibmc pymemcache bmemcached mako jinja2 dogpile".split()
)

IMPORT_ALONE = """
import os, sys, threading, warnings
handlers = [__import__("signal").getsignal(n) for n in (2, 15)]
files = sorted(os.listdir("."))
import dogpile_cache
assert threading.active_count() == 1, threading.enumerate()
assert [__import__("signal").getsignal(n) for n in (2, 15)] == handlers
assert sorted(os.listdir(".")) == files
print(*sorted(sys.modules))
"""


def run(code: str, cwd: str) -> str:
    command = [sys.executable, "-W", "error", "-c", code]
    return subprocess.run(
        command, check=True, capture_output=True, text=True, cwd=cwd, timeout=60
    ).stdout


def test_the_names_of_the_package_are_pinned() -> None:
    assert dogpile_cache.__all__ == NAMES
    assert all(hasattr(dogpile_cache, name) for name in NAMES)


def test_importing_has_no_side_effects(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", PACKAGE_PARENT)
    modules = run(IMPORT_ALONE, str(tmp_path)).split()
    for library in CLIENT_LIBRARIES:
        assert library not in modules
    assert "logging" not in modules  # costly to import, and rarely needed
    assert not any(name.startswith("dogpile_cache.backends.") for name in modules)


PACKAGE_PARENT = str(dogpile_cache.__path__[0]).removesuffix("/dogpile_cache")


def test_a_memory_region_imports_no_client_library(
    tmp_path: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", PACKAGE_PARENT)
    code = (
        "import sys; from dogpile_cache import make_region\n"
        "region = make_region().configure('dogpile.cache.memory')\n"
        "assert region.get_or_create('key', lambda: 1) == 1\n"
        "print(*sorted(sys.modules))"
    )
    assert not {*CLIENT_LIBRARIES} & {*run(code, str(tmp_path)).split()}


@pytest.mark.parametrize(
    "name",
    [
        "RegionAlreadyConfigured",
        "RegionNotConfigured",
        "ValidationError",
        "MissingSetting",
        "PluginNotFound",
        "LibraryNotInstalled",
        "CreationDeadlock",
        "UnstableArgument",
    ],
)
def test_every_error_of_the_package_is_of_one_tree(name: str) -> None:
    assert issubclass(getattr(exception, name), exception.DogpileCacheException)


@pytest.mark.parametrize(
    ("backend", "library", "extra"),
    [
        ("dogpile.cache.redis", "redis", "redis"),
        ("dogpile.cache.redis_sentinel", "redis", "redis"),
        ("dogpile.cache.redis_cluster", "redis", "redis"),
        ("dogpile.cache.valkey", "valkey", "valkey"),
        ("dogpile.cache.memcached", "memcache", "memcached"),
        ("dogpile.cache.pymemcache", "pymemcache", "memcached"),
        ("dogpile.cache.pylibmc", "pylibmc", "pylibmc"),
        ("dogpile.cache.bmemcached", "bmemcached", "bmemcached"),
    ],
)
def test_a_missing_library_is_an_error_that_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, backend: str, library: str, extra: str
) -> None:
    for name in [n for n in sys.modules if n.split(".")[0] == library]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Missing(library), *sys.meta_path])
    with pytest.raises(ImportError) as caught:
        dogpile_cache.make_region().configure(backend, arguments={"url": "127.0.0.1"})
    assert isinstance(caught.value, exception.LibraryNotInstalled)
    assert f"pip install dogpile-templates[{extra}]" in str(caught.value)
    assert (caught.value.library, caught.value.extra) == (library, extra)


class Missing:
    """Make a library look as if it were not installed."""

    def __init__(self, library: str) -> None:
        self.library = library

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.split(".")[0] == self.library:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
