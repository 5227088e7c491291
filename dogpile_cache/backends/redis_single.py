"""One Redis server; see :mod:`dogpile_cache.backends.redis`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from dogpile_cache.api import (
    NO_VALUE,
    BackendArguments,
    BytesBackend,
    CacheMutex,
    KeyType,
    SerializedReturnType,
)
from dogpile_cache.exception import ValidationError
from dogpile_cache.lease import DEFAULT_LEASE
from dogpile_cache.options import (
    DATABASE,
    MAPPING,
    MILLISECONDS,
    PORT,
    SECONDS,
    SOME_SECONDS,
    SWITCH,
    TEXT,
    Check,
    library,
    optional,
    take,
)

from .redis_bounds import retries, timeouts
from .redis_clients import Listeners, ThreadClients
from .redis_lease import RedisLease

_PREFIX = re.compile(r"[\w\-.:]{2,10}")
_PREFIX_WORDS = "2 to 10 letters, digits and the symbols _-.:"


class RedisBackend(BytesBackend):
    """Keep values in a Redis server, through the library ``redis``.

    :param url: such as ``redis://localhost:6379/0``, in place of host, port, username,
        password and db.
    :param host: by default ``localhost``.
    :param port: by default 6379.
    :param db: by default 0.
    :param username: by default none.
    :param password: by default none.
    :param redis_expiration_time: seconds after which Redis forgets a value; more than
        the region's expiration time, so that there is a stale value to serve.  By
        default values stay.
    :param distributed_lock: have the processes that share the server make a value once
        among them.  By default only the threads of each process do.
    :param lock_timeout: seconds that a lock lasts after its process was killed.
    :param lock_sleep: seconds between looks at a lock whose release is not published,
        such as that of a process that runs dogpile.cache.
    :param lock_blocking: false, a caller without a value makes one at once when another
        process is making it.
    :param lock_blocking_timeout: seconds after which a caller that waits for another
        process makes the value itself.
    :param lock_prefix: what the names of locks start with, in place of ``_lock``; 2 to
        10 letters, digits and ``_-.:``.
    :param thread_local_lock: accepted and not needed: any thread may release a lock.
    :param socket_timeout: seconds that an answer may take; None, by default, is 1.
    :param socket_connect_timeout: seconds that connecting may take; None, by default,
        is 0.5.
    :param socket_keepalive: have the system keep connections alive.
    :param socket_keepalive_options: a dict of how it does that.
    :param ssl: speak TLS; how, is said by ``ssl_...`` among the ``connection_kwargs``.
    :param connection_pool: a pool of the library's, in place of all that says how to
        connect.
    :param connection_kwargs: further arguments for the client of the library.
    """

    library = "redis"
    options: ClassVar[Mapping[str, Any]] = {
        "url": None,
        "host": "localhost",
        "port": 6379,
        "db": 0,
        "username": None,
        "password": None,
        "redis_expiration_time": None,
        "distributed_lock": False,
        "lock_timeout": None,
        "lock_sleep": 0.1,
        "lock_blocking": True,
        "lock_blocking_timeout": None,
        "lock_prefix": None,
        "thread_local_lock": True,
        "socket_timeout": None,
        "socket_connect_timeout": None,
        "socket_keepalive": None,
        "socket_keepalive_options": None,
        "ssl": None,
        "connection_pool": None,
        "connection_kwargs": None,
    }
    checks: ClassVar[Mapping[str, Check]] = {
        "url": TEXT,
        "host": optional(TEXT),
        "port": optional(PORT),
        "db": optional(DATABASE),
        "redis_expiration_time": MILLISECONDS,
        "distributed_lock": SWITCH,
        "lock_timeout": MILLISECONDS,
        "lock_sleep": SECONDS,
        "lock_blocking": SWITCH,
        "lock_blocking_timeout": SECONDS,
        "lock_prefix": Check(_PREFIX_WORDS, lambda it: isinstance(it, str)),
        "thread_local_lock": SWITCH,
        "socket_timeout": SOME_SECONDS,
        "socket_connect_timeout": SOME_SECONDS,
        "socket_keepalive": SWITCH,
        "socket_keepalive_options": MAPPING,
        "ssl": SWITCH,
        "connection_kwargs": MAPPING,
    }

    reader_client: Any
    writer_client: Any
    lock_template = "_lock{0}"
    _retry_module = "retry"

    url: str | None
    host: str
    port: int
    db: int
    username: str | None
    password: str | None
    distributed_lock: bool
    lock_timeout: float | None
    lock_sleep: float
    lock_blocking: bool
    lock_blocking_timeout: float | None
    lock_prefix: str | None
    thread_local_lock: bool
    socket_timeout: float | None
    socket_connect_timeout: float | None
    connection_pool: Any
    connection_kwargs: Any

    def __init__(self, arguments: BackendArguments) -> None:
        take(self, arguments)
        self.connection_kwargs = dict(self.connection_kwargs or {})
        expiration = f"{self.library}_expiration_time"
        self._expiration: float | None = getattr(self, expiration)
        self.lock_timeout = self.lock_timeout or DEFAULT_LEASE
        if self.lock_prefix:
            if not _PREFIX.fullmatch(self.lock_prefix):
                raise _InvalidPrefix(self.lock_prefix)
            self.lock_template = self.lock_prefix + "{0}"
        self._threads: ThreadClients | None = None
        self._imports()
        self._create_client()
        self._listeners = Listeners(self._pool())

    def _imports(self) -> None:
        """Import the client library; a subclass may bring another one."""
        self._library = library(self.library, self.library)
        self.callers_errors = (*self.callers_errors, self._library.DataError)

    def _create_client(self) -> None:
        """Set ``reader_client`` and ``writer_client``; a subclass may bring its own."""
        client_class = getattr(self._library, "Strict" + self.library.capitalize())
        if self.connection_pool is not None:
            self.reader_client = client_class(connection_pool=self.connection_pool)
        else:
            self._threads = ThreadClients(self._library, self._pooled(client_class))
            self.reader_client = self._threads.shared
        self.writer_client = self.reader_client

    def _pool(self) -> Any:
        """Return the pool of the connections, if there is but one."""
        return getattr(self.writer_client, "connection_pool", None)

    def _pooled(self, client_class: Any) -> Any:
        kwargs = self._connection_options()
        if self.url is not None:
            return client_class.from_url(self.url, **kwargs)
        credentials = {
            name: getattr(self, name)
            for name in ("host", "port", "db", "username", "password", "ssl")
            if getattr(self, name) is not None
        }
        return client_class(**{**credentials, **kwargs})

    def _connection_options(self) -> dict[str, Any]:
        """Return what was said about connections, over quiet defaults.

        By default a connection speaks the second protocol and does not introduce
        itself, which spares it three commands.
        """
        sockets = {
            name: getattr(self, name)
            for name in self.options
            if name.startswith("socket_") and getattr(self, name) is not None
        }
        quiet = {"driver_info": None}
        if not hasattr(self._library, "driver_info"):  # before redis 7.1
            quiet = {"lib_name": None, "lib_version": None}
        bounds = {**sockets, **timeouts(self), **self._retries()}
        return {"protocol": 2, **quiet, **bounds, **self.connection_kwargs}

    def _retries(self) -> dict[str, Any]:
        return retries(self.library, self._retry_module, self.connection_kwargs)

    def _reader(self) -> Any:
        return self._own(self.reader_client)

    def _writer(self) -> Any:
        return self._own(self.writer_client)

    def _own(self, client: Any) -> Any:
        """Return this thread's client in place of the one that threads share."""
        threads = self._threads
        return threads.get() if threads and threads.shared is client else client

    def get_mutex(self, key: KeyType) -> CacheMutex | None:
        if not self.distributed_lock:
            return None
        return RedisLease(
            self.lock_template.format(key),
            self.lock_timeout or DEFAULT_LEASE,
            self._writer,
            self._listeners,
            self.lock_sleep,
            self.lock_blocking_timeout if self.lock_blocking else 0,
        )

    def has_lock_timeout(self) -> bool:
        return bool(self.distributed_lock)

    def get_serialized(self, key: KeyType) -> SerializedReturnType:
        value = self._reader().get(key)
        return NO_VALUE if value is None else value

    def get_serialized_multi(
        self, keys: Sequence[KeyType]
    ) -> Sequence[SerializedReturnType]:
        keys = list(keys)
        if not keys:
            return []
        return self._found(keys, self._read_many(keys))

    def set_serialized(self, key: KeyType, value: bytes) -> None:
        self._writer().set(key, value, px=self._milliseconds())

    def set_serialized_multi(self, mapping: Mapping[KeyType, bytes]) -> None:
        if not mapping:
            return
        if not self._expiration:
            self._write_many(mapping)
            return
        with self._writer().pipeline(transaction=False) as pipe:
            for key, value in mapping.items():
                pipe.set(key, value, px=self._milliseconds())
            pipe.execute()

    def _found(self, keys: Sequence[KeyType], values: Any) -> list[Any]:
        """Return the values of a reply, unless it cannot be the reply to these keys."""
        if isinstance(values, list) and len(values) == len(keys):
            return [NO_VALUE if value is None else value for value in values]
        raise self._library.InvalidResponse(
            f"A read of {len(keys)} keys was answered by a {type(values).__name__} "
            "that has not one value for each; allowed are lists that have."
        )

    def _milliseconds(self) -> int | None:
        return int(self._expiration * 1000) if self._expiration else None

    def _read_many(self, keys: Sequence[KeyType]) -> Any:
        return self._reader().mget(keys)

    def _write_many(self, mapping: Mapping[KeyType, bytes]) -> Any:
        return self._writer().mset(mapping)

    def delete(self, key: KeyType) -> None:
        self._writer().delete(key)

    def delete_multi(self, keys: Iterable[KeyType]) -> None:
        keys = list(keys)
        if keys:
            self._writer().delete(*keys)


class _InvalidPrefix(ValidationError, ValueError):
    """Be the ValueError that dogpile.cache raises, too."""

    def __init__(self, prefix: str) -> None:
        super().__init__(
            f"Invalid `lock_prefix` submitted: `{prefix}`.  Allowed are {_PREFIX_WORDS}"
        )
