"""Have packages that import dogpile.cache get dogpile_cache.

It stands for ``sed s/dogpile.cache/dogpile_cache/`` over an installed package: every
module of ``dogpile_cache`` is also found under its name in dogpile.cache, and nothing of
dogpile.cache itself can be imported.  To be called in a process of its own, before
anything imports dogpile.cache.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from types import ModuleType

import dogpile_cache


def reroot() -> None:
    """Put the modules of dogpile_cache under the names of dogpile.cache."""
    assert "dogpile" not in sys.modules, "dogpile.cache has been imported already"
    namespace = ModuleType("dogpile")
    namespace.__path__ = []  # a package in which nothing else is found
    namespace.cache = dogpile_cache  # type: ignore[attr-defined]
    sys.modules["dogpile"] = namespace
    sys.modules["dogpile.cache"] = dogpile_cache
    for found in pkgutil.walk_packages(dogpile_cache.__path__, "dogpile_cache."):
        module = importlib.import_module(found.name)
        sys.modules[found.name.replace("dogpile_cache", "dogpile.cache", 1)] = module


def assert_rerooted(package: str) -> None:
    """Check that a package that was imported really uses dogpile_cache."""
    files = [
        getattr(module, "__file__", None) or ""
        for name, module in sys.modules.items()
        if name.startswith(("dogpile.", "dogpile_cache"))
    ]
    assert package in sys.modules
    assert files
    assert not [file for file in files if "/dogpile/" in file], files
