"""Redis behind Sentinel and as a cluster; see :mod:`dogpile_cache.backends.redis`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from dogpile_cache.api import KeyType
from dogpile_cache.exception import ValidationError
from dogpile_cache.options import LIST, MAPPING, TEXT, Check, library

from .redis_bounds import cluster_retries
from .redis_single import RedisBackend


def _are_pairs(it: Any) -> bool:
    pair = (list, tuple)
    return isinstance(it, pair) and all(isinstance(x, pair) and len(x) == 2 for x in it)


class RedisSentinelBackend(RedisBackend):
    """Keep values in the master that a set of sentinels names.

    Values are read from the master, too: from a replica that lags, a value that has
    just been made would seem missing, and be made again.

    :param sentinels: pairs of host and port.
    :param service_name: what the sentinels call the master.
    :param sentinel_kwargs: arguments for the connections to the sentinels, which have
        the timeouts and other ``socket_`` arguments of those to the master.
    :param distributed_lock: here it is true by default.

    The other parameters are those of :class:`RedisBackend`, less ``url``, ``host``,
    ``port`` and ``connection_pool``.
    """

    options: ClassVar[Mapping[str, Any]] = {
        **RedisBackend.options,
        "sentinels": None,
        "service_name": "mymaster",
        "sentinel_kwargs": None,
        "distributed_lock": True,
    }
    checks: ClassVar[Mapping[str, Check]] = {
        **RedisBackend.checks,
        "sentinels": Check("lists of pairs of host and port", _are_pairs),
        "service_name": TEXT,
        "sentinel_kwargs": MAPPING,
    }

    sentinels: Any
    service_name: str
    sentinel_kwargs: Any

    def _create_client(self) -> None:
        self._check_sentinels()
        self.sentinel = self._sentinel(f"{self.library}.sentinel")
        self.writer_client = self.sentinel.master_for(self.service_name)
        self.reader_client = self.writer_client

    def _check_sentinels(self) -> None:
        if not self.sentinels:
            raise ValidationError(
                "The argument 'sentinels' is missing; it is a list of pairs of host "
                "and port, such as [('localhost', 26379)]."
            )

    def _sentinel(self, module: str) -> Any:
        kwargs = self._connection_options()
        for name in ("db", "username", "password", "ssl"):
            if getattr(self, name) is not None:
                kwargs.setdefault(name, getattr(self, name))
        to_sentinels = {
            name: kwargs[name]
            for name in kwargs
            if name.startswith(("socket_", "retry"))
        }
        return library(module, self.library).Sentinel(
            [tuple(pair) for pair in self.sentinels],
            sentinel_kwargs={**to_sentinels, **(self.sentinel_kwargs or {})},
            **kwargs,
        )


class RedisClusterBackend(RedisBackend):
    """Keep values in a cluster.

    :param startup_nodes: a list of the library's ``ClusterNode``, of which one must
        answer.
    :param url: of one node, in place of a list.

    The other parameters are those of :class:`RedisBackend`, less ``host``, ``port``,
    ``db`` and ``connection_pool``.
    """

    options: ClassVar[Mapping[str, Any]] = {
        **RedisBackend.options,
        "startup_nodes": None,
    }
    checks: ClassVar[Mapping[str, Check]] = {
        **RedisBackend.checks,
        "startup_nodes": LIST,
    }

    startup_nodes: Any

    def _create_client(self) -> None:
        module = library(f"{self.library}.cluster", self.library)
        self.writer_client = self._cluster(module, self.startup_nodes)
        self.reader_client = self.writer_client

    def _cluster(self, module: Any, nodes: Any) -> Any:
        cluster_class = getattr(module, f"{self.library.capitalize()}Cluster")
        kwargs = self._connection_options()
        for name in ("username", "password", "ssl"):
            if getattr(self, name) is not None:
                kwargs.setdefault(name, getattr(self, name))
        if self.url is not None:
            return cluster_class.from_url(self.url, **kwargs)
        return cluster_class(startup_nodes=nodes, **kwargs)

    def _retries(self) -> dict[str, Any]:
        return cluster_retries(self.library, self._retry_module, self.connection_kwargs)

    def _read_many(self, keys: Sequence[KeyType]) -> Any:
        return self.reader_client.mget_nonatomic(keys)

    def _write_many(self, mapping: Mapping[KeyType, bytes]) -> Any:
        return self.writer_client.mset_nonatomic(mapping)
