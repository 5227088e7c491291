"""Valkey, by itself, behind Sentinel and as a cluster: the code of Redis.

Each argument is that of the Redis backend of the same kind, with
``valkey_expiration_time`` in place of ``redis_expiration_time``; the client library is
``valkey``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from .redis import (
    RedisBackend,
    RedisClusterBackend,
    RedisSentinelBackend,
    _RedisLockWrapper,
)

__all__ = ["ValkeyBackend", "ValkeyClusterBackend", "ValkeySentinelBackend"]

_ValkeyLockWrapper = _RedisLockWrapper


def _ours(table: Mapping[str, Any]) -> dict[str, Any]:
    return {name.replace("redis_", "valkey_"): value for name, value in table.items()}


class ValkeyBackend(RedisBackend):
    """Keep values in a Valkey server, through the library ``valkey``."""

    library = "valkey"
    options: ClassVar[Mapping[str, Any]] = _ours(RedisBackend.options)
    checks: ClassVar[Mapping[str, Any]] = _ours(RedisBackend.checks)


class ValkeySentinelBackend(RedisSentinelBackend):
    """Keep values in the Valkey master that a set of sentinels names."""

    library = "valkey"
    options: ClassVar[Mapping[str, Any]] = _ours(RedisSentinelBackend.options)
    checks: ClassVar[Mapping[str, Any]] = _ours(RedisSentinelBackend.checks)


class ValkeyClusterBackend(RedisClusterBackend):
    """Keep values in a Valkey cluster."""

    library = "valkey"
    options: ClassVar[Mapping[str, Any]] = _ours(RedisClusterBackend.options)
    checks: ClassVar[Mapping[str, Any]] = _ours(RedisClusterBackend.checks)
