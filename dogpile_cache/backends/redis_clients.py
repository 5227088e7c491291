"""One connection per thread, within bounds; see :mod:`dogpile_cache.backends.redis`."""

from __future__ import annotations

import threading
import weakref
from typing import Any

from dogpile_cache.forking import forget_after_fork

from .redis_bounds import QUEUE_TIMEOUT

MAX_CONNECTIONS = 64


class Listeners:
    """Bound how many waiters hold a connection while they listen for news.

    A quarter of all connections may be held so.  Whoever waits needs another one now
    and then, which would not be there if all were listening.
    """

    def __init__(self, pool: Any) -> None:
        connections = getattr(pool, "max_connections", MAX_CONNECTIONS)
        self._most = min(connections, MAX_CONNECTIONS) // 4
        self.forget()
        forget_after_fork(self)

    def forget(self) -> None:
        """Begin with nobody listening."""
        self._places = threading.Semaphore(self._most)

    def enter(self) -> bool:
        """Take a place, if there is one."""
        return self._places.acquire(blocking=False)

    def leave(self) -> None:
        """Give the place back."""
        self._places.release()


def bounded(library: Any, pool: Any) -> Any:
    """Return a pool like another one, in which those wait who find no connection."""
    most = pool.max_connections
    if most == library.ConnectionPool().max_connections:  # nobody has set it
        most = MAX_CONNECTIONS
    return library.BlockingConnectionPool(
        connection_class=pool.connection_class,
        max_connections=most,
        **{"timeout": QUEUE_TIMEOUT, **pool.connection_kwargs},
    )


class Careful:
    """Close a client's own connection after any error, whatever raised it.

    The library does so after errors of its own.  But a signal handler, for one, may
    raise between a command and its reply, which the next command would take for its own.
    """

    connection: Any

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Run a command."""
        try:
            return super().execute_command(*args, **options)  # type: ignore[misc]
        except BaseException:
            if self.connection is not None:
                self.connection.disconnect()
            raise


class ThreadClients:
    """Hand out clients that hold on to one connection each, and share one beyond that.

    A client is a thread's own for as long as the thread lives.  After ``fork()`` the
    child closes its copies of the connections and opens its own.
    """

    def __init__(self, library: Any, client: Any) -> None:
        pool = bounded(library, client.connection_pool)
        client_class = type(client)
        careful: Any = type(client_class.__name__, (Careful, client_class), {})
        self.shared = careful(connection_pool=pool)
        self._bound = pool.max_connections // 2
        self.forget()
        forget_after_fork(self)

    def forget(self) -> None:
        """Close what was inherited, without a word to the server."""
        for client in list(getattr(self, "_kept", ())):
            client.connection.disconnect()
        self._guard = threading.Lock()
        self._kept: weakref.WeakSet[Any] = weakref.WeakSet()
        self._local = threading.local()

    def get(self) -> Any:
        """Return the client of this thread, or the one that is shared."""
        try:
            return self._local.client
        except AttributeError:
            return self._settle()

    def _settle(self) -> Any:
        with self._guard:
            if len(self._kept) >= self._bound:
                return self.shared
            client = self.shared.client()
            self._kept.add(client)
        self._local.client = client
        return client
