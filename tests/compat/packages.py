"""The two packages, each with its public names in one place."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import Any

OLD, NEW = "dogpile.cache", "dogpile_cache"

_MODULES = ["", ".region", ".api", ".proxy", ".exception", ".util", ".lock"]
_OLD_ONLY = ["dogpile.util", "dogpile.lock", "dogpile.util.langhelpers"]


class Package:
    """Be dogpile.cache or dogpile_cache: its public names are attributes."""

    def __init__(self, root: str) -> None:
        self.root = root
        names = [root + name for name in _MODULES]
        names += _OLD_ONLY if root == OLD else []
        self._modules = [module for module in map(_imported, names) if module]

    def __getattr__(self, name: str) -> Any:
        for module in self._modules:
            if hasattr(module, name):
                return getattr(module, name)
        raise AttributeError(f"{self.root} has no {name}")

    def __repr__(self) -> str:
        return self.root

    def memory(self, expiration_time: Any = None, **options: Any) -> Any:
        """Return a region in memory."""
        region = self.make_region(**options)
        return region.configure("dogpile.cache.memory", expiration_time=expiration_time)

    def put(self, region: Any, key: str, value: Any, created: float) -> None:
        """Put a value into a region's backend as if it were of some time."""
        region.backend.set(key, self.CachedValue(value, {"ct": created, "v": 2}))


def _imported(name: str) -> ModuleType | None:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        return None


def outcome(scenario: Callable[..., Any], *args: Any) -> Any:
    """Return what a scenario returns, or the name of the error that it raises."""
    try:
        return scenario(*args)
    except Exception as error:
        return f"raises {_caught_as(error).__name__}"


def _caught_as(error: Exception) -> type:
    """Return the class of an error; of ours that is also one of Python's, the latter."""
    if type(error).__module__.startswith("dogpile_cache."):
        for cls in type(error).__mro__:
            if cls.__module__ == "builtins" and cls not in (Exception, BaseException):
                return type(error) if cls is object else cls
    return type(error)
