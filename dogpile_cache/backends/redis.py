"""Redis, by itself, behind Sentinel and as a cluster; Valkey by the same code.

**Connections.**  Each of up to 32 threads keeps one connection for itself, which saves a
third of a round trip; further threads, or greenlets, share 32 more and wait for one if
need be.  A thread that waits for another process to make a value listens for the news on
one of these, if fewer than 16 do so already; else it asks now and then.  So a process
has at most 64 connections; ``max_connections`` among the ``connection_kwargs`` sets
another bound, of which half are kept and a quarter listen.  A given ``connection_pool``,
and those of Sentinel and cluster clients, are used as they are.

**Timeouts.**  Connecting may take half a second and an answer one, unless
``socket_connect_timeout`` and ``socket_timeout`` say otherwise; looking up a host's name is
the system's and has its own.  A command whose connection turns out to be closed is given to
a new one, once; after a timeout none is, but by cluster clients, since another node may
have taken over.  ``retry`` among the ``connection_kwargs`` says otherwise.  Who waits for a
free connection gives up after five seconds.  After an error the connection is closed, so
that a late reply is not taken for that of the next command.

**Locks.**  With ``distributed_lock``, a lock is a :class:`~dogpile_cache.lease.Lease`: a
key with a token that Redis forgets after ``lock_timeout``.  Who releases one publishes
that on a channel of the lock's name, so that who waits need not ask.  dogpile.cache keeps
its locks under the same names, so that old and new processes keep each other out.
"""

from __future__ import annotations

from typing import Any

from .redis_several import RedisClusterBackend, RedisSentinelBackend
from .redis_single import RedisBackend

__all__ = ["RedisBackend", "RedisClusterBackend", "RedisSentinelBackend"]


class _RedisLockWrapper:
    """Give a lock of the library's the interface of a mutex, for subclasses' use."""

    __slots__ = ("__weakref__", "mutex")

    def __init__(self, mutex: Any) -> None:
        self.mutex = mutex

    def acquire(self, wait: bool = True) -> Any:
        return self.mutex.acquire(blocking=wait)

    def release(self) -> Any:
        return self.mutex.release()

    def locked(self) -> bool:
        return bool(self.mutex.locked())
