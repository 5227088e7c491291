"""Regions of either package, made the same way: the package is only a name."""

from __future__ import annotations

import importlib
from typing import Any

from benchmarks.harness import Stage

KEY = "some key"
KILOBYTE = "x" * 1024
AN_HOUR = 3600
GET_OR_CREATE = "get_or_create(key, creator)"


def make_region(package: str, backend: str, **arguments: Any) -> Any:
    """Configure a default region of ``package`` on one of its backends."""
    region = importlib.import_module(package).make_region()
    return region.configure(f"dogpile.cache.{backend}", arguments=arguments)


def redis_region(package: str, stage: Stage, **arguments: Any) -> Any:
    return make_region(package, "redis", url=stage.servers.redis_url, **arguments)


def memcached_region(package: str, backend: str, stage: Stage, **arguments: Any) -> Any:
    host, port = stage.servers.memcached_address
    return make_region(package, backend, url=[f"{host}:{port}"], **arguments)


def never() -> Any:
    """Stand in for a creator where every call has to be a hit."""
    raise AssertionError("a hit must not create")
