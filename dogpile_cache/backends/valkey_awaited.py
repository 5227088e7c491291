"""Valkey for regions for tasks; see :mod:`dogpile_cache.backends.redis_awaited`."""

# What their namesakes for threads return, these return to be awaited.
# mypy: disable-error-code="misc"
# pyright: reportIncompatibleMethodOverride=false, reportIncompatibleVariableOverride=false

from __future__ import annotations

from .redis_awaited import (
    AsyncRedisBackend,
    AsyncRedisClusterBackend,
    AsyncRedisSentinelBackend,
)
from .valkey import ValkeyBackend, ValkeyClusterBackend, ValkeySentinelBackend

__all__ = [
    "AsyncValkeyBackend",
    "AsyncValkeyClusterBackend",
    "AsyncValkeySentinelBackend",
]


class AsyncValkeyBackend(AsyncRedisBackend, ValkeyBackend):
    """Keep values in a Valkey server; the parameters are those of ``ValkeyBackend``."""


class AsyncValkeySentinelBackend(AsyncRedisSentinelBackend, ValkeySentinelBackend):
    """Keep values in the master that a set of sentinels names."""


class AsyncValkeyClusterBackend(AsyncRedisClusterBackend, ValkeyClusterBackend):
    """Keep values in a cluster."""
