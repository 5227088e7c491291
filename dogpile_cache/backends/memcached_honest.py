"""The client libraries of memcached, with what they keep to themselves.

Some of them take an unreachable server for an empty one: what is asked for is not there,
and what is set or deleted is lost without a word.  Here each of them tells.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from dogpile_cache.exception import BackendUnavailable

_REPLIES = {
    b"DELETED", b"END", b"EXISTS", b"NOT_FOUND", b"NOT_STORED", b"OK", b"STORED",
    b"TOUCHED", b"VALUE",
}  # fmt: skip

_MISSING = object()


@cache
def hash_client(library: Any) -> Any:
    """Return the ``HashClient`` of pymemcache, telling when it leaves a server alone."""
    run = library.HashClient._safely_run_func  # super() takes longer

    class HashClient(library.HashClient):  # type: ignore[misc]  # as all of them here
        def _safely_run_func(
            self, client: Any, func: Any, default_val: Any, *args: Any, **kw: Any
        ) -> Any:
            found = run(self, client, func, _MISSING, *args, **kw)
            if found is _MISSING:
                reason = "it failed a short time ago, and retry_timeout is not over"
                raise BackendUnavailable(client.server, reason)
            return found

    return HashClient


@cache
def python_memcached(library: Any) -> Any:
    """Return the ``Client`` of python-memcached, raising BackendUnavailable."""

    class Host(library._Host):  # type: ignore[misc]
        def mark_dead(self, reason: Any) -> None:
            super().mark_dead(reason)
            raise BackendUnavailable(f"{self.address}", reason)

        def readline(self, raise_exception: bool = False) -> Any:
            line = super().readline(raise_exception)
            if line.partition(b" ")[0] not in _REPLIES:
                self.mark_dead(f"it replied {line[:80]!r}")
            return line

    class Client(library.Client):  # type: ignore[misc]
        def set_servers(self, servers: Any) -> None:
            super().set_servers(servers)
            for server in self.servers:
                server.__class__ = Host  # the library makes its own

        def _get_server(self, key: Any) -> Any:
            server, key = super()._get_server(key)
            if server is None:
                servers = [str(server) for server in self.servers]
                raise BackendUnavailable(
                    servers, "they failed, and dead_retry is not over"
                )
            return server, key

    return Client


def _telling(name: str, fails: Callable[[Any], bool]) -> Any:
    def call(self: Any, *args: Any, **kw: Any) -> Any:
        for server in self._servers:
            server.failure = None
        found = getattr(super(type(self), self), name)(*args, **kw)
        if fails(server.failure for server in self._servers):
            failed = [server for server in self._servers if server.failure]
            names = [server.server for server in failed]
            raise BackendUnavailable(names, failed[0].failure)
        return found

    return call


@cache
def bmemcached(library: Any) -> Any:
    """Return the ``Client`` of bmemcached, raising BackendUnavailable.

    It keeps each value on all its servers, so one of them is enough for reading.
    """

    class Server(library.protocol.Protocol):  # type: ignore[misc]
        failure: str | None = None

        def _open_connection(self) -> None:
            if self.failure:
                raise OSError(self.failure)  # there is nothing to wait for
            super()._open_connection()
            if self.connection and self.server_uses_unix_socket:
                self.connection.settimeout(self.socket_timeout)

        def _connection_error(self, exception: Exception) -> None:
            super()._connection_error(exception)
            self.failure = self.failure or str(exception) or "the connection was closed"

    class Client(library.Client):  # type: ignore[misc]
        def set_servers(self, servers: Any) -> None:
            super().set_servers(servers)
            for server in self._servers:
                server.__class__ = Server  # the library makes its own

    for name in ("get", "get_multi", "add", "replace"):
        setattr(Client, name, _telling(name, all))
    for name in ("set", "set_multi", "delete"):
        setattr(Client, name, _telling(name, any))
    return Client


@cache
def pylibmc(base: Any) -> Any:
    """Return a ``Client`` of pylibmc that takes no failed server for an empty one.

    libmemcached notes a failure, so that a second look raises.

    :param base: its ``Client``, or a subclass.
    """
    get = base.get

    class Client(base):  # type: ignore[misc]
        def get(self, key: Any, default: Any = None) -> Any:
            found = get(self, key, _MISSING)
            return get(self, key, default) if found is _MISSING else found

        def get_multi(self, keys: Any, *args: Any, **kw: Any) -> Any:
            found = super().get_multi(keys, *args, **kw)
            missing = {self.hash(key): key for key in keys if key not in found}
            for key in missing.values():  # one of each server
                super().get(key)
            return found

    return Client
