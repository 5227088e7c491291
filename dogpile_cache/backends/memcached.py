"""Memcached, through any of four client libraries.

Each thread has a client of its own, as most of the libraries ask for.

Without a serializer the client pickles the whole ``CachedValue`` by the name of its
module, as it does in dogpile.cache; such a value of the other package is a miss.  A
region with a serializer of its own shares its values with dogpile.cache.

Keys that memcached does not take (with blanks or control characters, or long) are
replaced by their SHA-1.
"""

from __future__ import annotations

import pickle
import re
import threading
import zlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, ClassVar

from dogpile_cache.api import (
    NO_VALUE,
    BackendArguments,
    BackendFormatted,
    BackendSetType,
    CacheBackend,
    CacheMutex,
    KeyType,
)
from dogpile_cache.exception import ValidationError
from dogpile_cache.forking import forget_after_fork, pin_in_children
from dogpile_cache.keys import sha1_mangle_key
from dogpile_cache.lease import DEFAULT_LEASE, MARK, Lease
from dogpile_cache.options import library, take
from dogpile_cache.report import warning

__all__ = [
    "BMemcachedBackend",
    "GenericMemcachedBackend",
    "MemcachedBackend",
    "MemcachedLock",
    "PyMemcacheBackend",
    "PylibmcBackend",
]

LONGEST_KEY = 250 - len("_lock")
"""Bytes that a key may have, so that its lock has a name, too."""

_PRINTABLE = re.compile(rb"[^\x00-\x20\x7f]{1,%d}" % LONGEST_KEY)
_ADDRESS_SEPARATORS = re.compile(r"[,\s]+")


def safe_key(key: Any) -> Any:
    """Return a key that memcached takes: the same one where possible, else its SHA-1."""
    if (
        isinstance(key, str)
        and 0 < len(key) <= LONGEST_KEY
        and key.isascii()
        and key.isprintable()
        and " " not in key
    ):
        return key  # nearly all of them
    data = key.encode() if isinstance(key, str) else key
    if isinstance(data, bytes) and not _PRINTABLE.fullmatch(data):
        return sha1_mangle_key(data)
    return key


class MemcachedLock(Lease):
    """Be a lease that memcached forgets.

    Memcached counts in whole seconds of its own clock, and one may have almost passed;
    so it is told the next whole second and one more.
    """

    def __init__(
        self, backend: GenericMemcachedBackend, name: str, seconds: float
    ) -> None:
        super().__init__(name, seconds)
        self._backend = backend
        self._time = int(-(-seconds // 1)) + 1

    def take(self) -> bool:
        return self._backend._add(self.name, self.token, self._time)

    def renew(self) -> bool:
        ours = self._found() == self.token
        if ours:
            self._backend._touch(self.name, self.token, self._time)
        return ours

    def drop(self) -> bool:
        ours = self._found() == self.token
        if ours:
            self._backend.client.delete(self.name)
        return ours

    def revoke(self) -> bool:
        found = self._found()
        ours = found is not None and found.startswith(MARK)
        if ours:
            self._backend.client.delete(self.name)
        return ours

    def locked(self) -> bool:
        return self._backend.client.get(self.name) is not None

    def _found(self) -> bytes | None:
        value = self._backend.client.get(self.name)
        return value if isinstance(value, bytes) else None


class _HeldClient:
    """Be the client of a thread, closed when the thread ends."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def __del__(self) -> None:
        names = ("close", "disconnect_all")  # the libraries do not agree
        with suppress(Exception):  # the interpreter may be ending, too
            next(getattr(self.client, n) for n in names if hasattr(self.client, n))()


class GenericMemcachedBackend(CacheBackend):
    """Be the base of backends for memcached.

    :param url: the servers: a list of ``host:port``, or a string of them, with commas
        between.
    :param distributed_lock: have the processes that share the servers make a value once
        among them.  By default only the threads of each process do.
    :param lock_timeout: seconds that a lock lasts after its process was killed.
    """

    options: ClassVar[Mapping[str, Any]] = {
        "url": None,
        "distributed_lock": False,
        "lock_timeout": None,
    }
    key_mangler = staticmethod(safe_key)
    library: tuple[str, str]

    url: list[Any]
    distributed_lock: bool
    lock_timeout: float | None

    set_arguments: dict[str, Any] = {}  # noqa: RUF012  # each instance has its own
    """What each value is set with."""

    def __init__(self, arguments: BackendArguments) -> None:
        take(self, arguments)
        self.url = _servers(self.url)
        self.lock_timeout = self.lock_timeout or DEFAULT_LEASE
        self.set_arguments = dict(type(self).set_arguments)
        self._imports()
        self.forget()
        forget_after_fork(self)

    def forget(self) -> None:
        """Leave the connections that a forked child inherits to its parent."""
        self._clients = threading.local()

    def _imports(self) -> None:
        """Import the client library; a subclass may bring another one."""
        self._library = library(*self.library)

    def _create_client(self) -> Any:
        """Return a new client for one thread; a subclass may bring its own."""
        raise NotImplementedError

    @property
    def client(self) -> Any:
        """The client of this thread."""
        try:
            return self._clients.held.client
        except AttributeError:
            self._clients.held = held = _HeldClient(self._create_client())
            pin_in_children(held)
            return held.client

    def _drop_client(self) -> None:
        """Have this thread connect anew: half an answer may be left to read."""
        vars(self._clients).pop("held", None)

    def _add(self, key: str, value: bytes, seconds: int) -> bool:
        return bool(self.client.add(key, value, seconds))

    def _touch(self, key: str, value: bytes, seconds: int) -> None:
        self.client.touch(key, seconds)

    def get_mutex(self, key: KeyType) -> CacheMutex | None:
        if not self.distributed_lock:
            return None
        return MemcachedLock(self, f"_lock{key}", self.lock_timeout or DEFAULT_LEASE)

    def has_lock_timeout(self) -> bool:
        return bool(self.distributed_lock)

    def get(self, key: KeyType) -> BackendFormatted:
        try:
            value = self.client.get(key)
        except _UNREADABLE:
            self._drop_client()
            warning("The value of %r cannot be read; it is a miss", key, exc_info=True)
            return NO_VALUE
        return NO_VALUE if value is None else value

    def get_multi(self, keys: Sequence[KeyType]) -> Sequence[BackendFormatted]:
        keys = list(keys)
        try:
            values = self.client.get_multi(keys)
        except _UNREADABLE:  # at least one; find out which
            self._drop_client()
            return [self.get(key) for key in keys]
        return [NO_VALUE if v is None else v for v in map(values.get, keys)]

    def set(self, key: KeyType, value: BackendSetType) -> None:
        self.client.set(key, value, **self.set_arguments)

    def set_multi(self, mapping: Mapping[KeyType, BackendSetType]) -> None:
        self.client.set_multi(mapping, **self.set_arguments)

    def delete(self, key: KeyType) -> None:
        self.client.delete(key)

    def delete_multi(self, keys: Iterable[KeyType]) -> None:
        self.client.delete_multi(list(keys))


# What unpickling raises, in the client, on a class that is not there or on bad bytes.
_UNREADABLE = (
    ImportError,
    AttributeError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    ValueError,
    pickle.UnpicklingError,
    zlib.error,
)


class MemcacheArgs(GenericMemcachedBackend):
    """Add what memcached is told with each value.

    :param memcached_expire_time: seconds after which memcached forgets a value; more
        than the region's expiration time, so that there is a stale value to serve.  By
        default values stay.
    :param min_compress_len: bytes from which a value is compressed; 0 for never.
    """

    options: ClassVar[Mapping[str, Any]] = {
        **GenericMemcachedBackend.options,
        "memcached_expire_time": None,
        "min_compress_len": 0,
    }

    memcached_expire_time: int | None
    min_compress_len: int

    def __init__(self, arguments: BackendArguments) -> None:
        super().__init__(arguments)
        if self.min_compress_len:
            self.set_arguments["min_compress_len"] = self.min_compress_len
        if self.memcached_expire_time:
            self.set_arguments["time"] = self.memcached_expire_time


class MemcachedBackend(MemcacheArgs):
    """Use the library python-memcached.

    :param dead_retry: seconds after which a server that failed is tried again.
    :param socket_timeout: seconds that a call to a server may take.
    """

    library = ("memcache", "memcached")
    options: ClassVar[Mapping[str, Any]] = {
        **MemcacheArgs.options,
        "dead_retry": 30,
        "socket_timeout": 3,
    }

    dead_retry: float
    socket_timeout: float

    def _create_client(self) -> Any:
        return self._library.Client(
            self.url, dead_retry=self.dead_retry, socket_timeout=self.socket_timeout
        )


class PylibmcBackend(MemcacheArgs):
    """Use the library pylibmc.

    :param binary: speak the binary protocol.
    :param behaviors: a dict of what libmemcached calls behaviors.
    """

    library = ("pylibmc", "pylibmc")
    options: ClassVar[Mapping[str, Any]] = {
        **MemcacheArgs.options,
        "binary": False,
        "behaviors": None,
    }

    binary: bool
    behaviors: Mapping[str, Any] | None

    def _create_client(self) -> Any:
        behaviors = dict(self.behaviors or {})
        return self._library.Client(self.url, binary=self.binary, behaviors=behaviors)


def ascii_key(key: Any) -> Any:
    """Return a key as :func:`safe_key` does, and the SHA-1 of one that is not ASCII."""
    if isinstance(key, str) and not key.isascii():
        return sha1_mangle_key(key)
    return safe_key(key)


class PyMemcacheBackend(GenericMemcachedBackend):
    """Use the ``HashClient`` of the library pymemcache.

    :param memcached_expire_time: seconds after which memcached forgets a value; see
        :class:`MemcacheArgs`.
    :param serde: turns values into bytes; by default the library's that pickles.
    :param default_noreply: do not wait for the server's answer to a write.
    :param tls_context: an ``ssl.SSLContext``.
    :param socket_keepalive: the library's ``KeepaliveOpts``.
    :param enable_retry_client: have failed calls tried again, by the next four.
    :param retry_attempts: how often; from 1.
    :param retry_delay: seconds between attempts.
    :param retry_for: the classes of errors to try again for; by default all.
    :param do_not_retry_for: the classes of errors not to try again for.
    :param hashclient_retry_attempts: calls after which a server counts as dead.
    :param hashclient_retry_timeout: seconds between these calls.
    :param dead_timeout: seconds after which a dead server is tried again.
    """

    library = ("pymemcache", "memcached")
    key_mangler = staticmethod(ascii_key)
    options: ClassVar[Mapping[str, Any]] = {
        **GenericMemcachedBackend.options,
        "memcached_expire_time": None,
        "serde": None,
        "default_noreply": False,
        "tls_context": None,
        "socket_keepalive": None,
        "enable_retry_client": False,
        "retry_attempts": None,
        "retry_delay": None,
        "retry_for": None,
        "do_not_retry_for": None,
        "hashclient_retry_attempts": 2,
        "hashclient_retry_timeout": 1,
        "dead_timeout": 60,
    }

    memcached_expire_time: int | None
    serde: Any
    default_noreply: bool
    tls_context: Any
    socket_keepalive: Any
    enable_retry_client: bool
    retry_attempts: int | None
    retry_delay: float | None
    retry_for: Any
    do_not_retry_for: Any
    hashclient_retry_attempts: int
    hashclient_retry_timeout: float
    dead_timeout: float

    def __init__(self, arguments: BackendArguments) -> None:
        super().__init__(arguments)
        if self.serde is None:
            self.serde = self._library.serde.pickle_serde
        if self.memcached_expire_time:
            self.set_arguments["expire"] = self.memcached_expire_time

    def _create_client(self) -> Any:
        optional = {"tls_context": self.tls_context} if self.tls_context else {}
        if self.socket_keepalive is not None:
            optional["socket_keepalive"] = self.socket_keepalive
        client = self._library.HashClient(
            self.url,
            serde=self.serde,
            default_noreply=self.default_noreply,
            retry_attempts=self.hashclient_retry_attempts,
            retry_timeout=self.hashclient_retry_timeout,
            dead_timeout=self.dead_timeout,
            **optional,
        )
        if not self.enable_retry_client:
            return client
        return self._library.RetryingClient(
            client,
            attempts=self.retry_attempts,
            retry_delay=self.retry_delay,
            retry_for=self.retry_for,
            do_not_retry_for=self.do_not_retry_for,
        )

    def _add(self, key: str, value: bytes, seconds: int) -> bool:
        return bool(self.client.add(key, value, expire=seconds, noreply=False))


class BMemcachedBackend(GenericMemcachedBackend):
    """Use the library python-binary-memcached.

    :param username: for SASL.
    :param password: for SASL.
    :param tls_context: an ``ssl.SSLContext``.
    """

    library = ("bmemcached", "bmemcached")
    options: ClassVar[Mapping[str, Any]] = {
        **GenericMemcachedBackend.options,
        "username": None,
        "password": None,
        "tls_context": None,
    }

    username: str | None
    password: str | None
    tls_context: Any

    def _create_client(self) -> Any:
        return self._library.Client(
            self.url,
            username=self.username,
            password=self.password,
            tls_context=self.tls_context,
        )

    def _touch(self, key: str, value: bytes, seconds: int) -> None:
        self.client.replace(key, value, seconds)  # the library cannot touch

    def delete_multi(self, keys: Iterable[KeyType]) -> None:
        for key in keys:
            self.client.delete(key)


def _servers(url: Any) -> list[Any]:
    if url is None:
        raise ValidationError(
            "The argument 'url' is missing; it is a server such as '127.0.0.1:11211', "
            "or a list of servers."
        )
    if isinstance(url, str):
        return [server for server in _ADDRESS_SEPARATORS.split(url) if server]
    return list(url)
