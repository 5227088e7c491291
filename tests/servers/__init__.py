"""Real servers for tests and benchmarks, on free ports of the loopback interface.

Each is a context manager that starts its processes and stops them by their pid::

    with Redis() as redis:
        connect(redis.url)
"""

from .memcached import Memcached
from .process import Server, ServerMissing
from .redis import Redis, Valkey
from .redis_cluster import RedisCluster
from .sentinel import SentinelSet

__all__ = [
    "Memcached",
    "Redis",
    "RedisCluster",
    "SentinelSet",
    "Server",
    "ServerMissing",
    "Valkey",
]
