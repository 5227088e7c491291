"""What the backends for memcached share; see :mod:`dogpile_cache.backends.memcached`."""

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
    CacheMutex,
    KeyType,
)
from dogpile_cache.exception import LibraryNotInstalled, MissingSetting
from dogpile_cache.forking import forget_after_fork, pin_in_children
from dogpile_cache.keys import sha1_mangle_key
from dogpile_cache.lease import DEFAULT_LEASE, MARK, Lease
from dogpile_cache.options import MILLISECONDS, SWITCH, WHOLE, Check, library, take
from dogpile_cache.report import warning

from .memcached_pickles import ReadsBytes, for_bytes

LONGEST_KEY = 250 - len("_lock")
"""Bytes that a key may have, so that its lock has a name, too."""

_FOR_TASKS = {"url", "distributed_lock", "lock_timeout", "memcached_expire_time"}
"""The arguments that are the same for tasks."""

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
    try:
        data = key.encode() if isinstance(key, str) else key
    except UnicodeEncodeError:  # clients cannot encode half a surrogate pair, either
        return sha1_mangle_key(key)
    if isinstance(data, bytes) and not _PRINTABLE.fullmatch(data):
        return sha1_mangle_key(key)
    return key


def lifetime_of_lock(seconds: float) -> int:
    """Return what memcached is told of a lease.

    It counts in whole seconds of its own clock, and one may have almost passed; so it is
    told the next whole second and one more.
    """
    return int(-(-seconds // 1)) + 1


class MemcachedLock(Lease):
    """Be a lease that memcached forgets."""

    def __init__(
        self, backend: GenericMemcachedBackend, name: str, seconds: float
    ) -> None:
        super().__init__(name, seconds)
        self._backend = backend
        self._time = lifetime_of_lock(seconds)

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
        return for_bytes(self._backend.client.get, self.name) is not None

    def _found(self) -> bytes | None:
        value = for_bytes(self._backend.client.get, self.name)
        return value if isinstance(value, bytes) else None


class _HeldClient:
    """Be the client of a thread, closed when the thread ends."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def __del__(self) -> None:
        names = ("close", "disconnect_all")  # the libraries do not agree
        with suppress(Exception):  # the interpreter may be ending, too
            next(getattr(self.client, n) for n in names if hasattr(self.client, n))()


def _are_servers(it: Any) -> bool:
    if isinstance(it, str):
        return bool(_ADDRESS_SEPARATORS.sub("", it))
    if not isinstance(it, (list, tuple)) or not it:
        return False
    return all(isinstance(x, (str, tuple, list)) and x for x in it)  # some take pairs


class GenericMemcachedBackend(ReadsBytes):
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
    checks: ClassVar[Mapping[str, Check]] = {
        "url": Check(
            "servers such as '127.0.0.1:11211' and lists of them", _are_servers
        ),
        "distributed_lock": SWITCH,
        "lock_timeout": MILLISECONDS,
    }
    key_mangler = staticmethod(safe_key)
    library: tuple[str, str]
    flags_of_bytes: ClassVar[int] = 0  # by which its client tells them from others

    url: list[Any]
    distributed_lock: bool
    lock_timeout: float | None

    set_arguments: dict[str, Any] = {}  # noqa: RUF012  # each instance has its own
    """What each value is set with."""

    def __init__(self, arguments: BackendArguments) -> None:
        take(self, arguments)
        self._given = {*arguments}
        self.url = _servers(self.url)
        self.lock_timeout = self.lock_timeout or DEFAULT_LEASE
        self.set_arguments = dict(type(self).set_arguments)
        self._imports()
        self.forget()
        forget_after_fork(self)

    def forget(self) -> None:
        """Leave the connections that a forked child inherits to its parent."""
        self._clients = threading.local()

    def awaited(self) -> Any:
        """Return this backend for tasks, where emcache can do what it was told."""
        ours = type(self).__module__.startswith("dogpile_cache.")
        simple = self._given <= _FOR_TASKS and len(self.url) == 1
        if not (
            ours and simple and isinstance(self.url[0], str) and ":" in self.url[0]
        ):
            return None
        from .memcached_awaited import AwaitedMemcached

        with suppress(LibraryNotInstalled):
            return AwaitedMemcached(self)
        return None

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
        except UNREADABLE:
            self._drop_client()
            warning("The value of %r cannot be read; it is a miss", key, exc_info=True)
            return NO_VALUE
        return NO_VALUE if value is None else value

    def get_multi(self, keys: Sequence[KeyType]) -> Sequence[BackendFormatted]:
        keys = list(keys)
        try:
            values = self.client.get_multi(keys)
        except UNREADABLE:  # at least one; find out which
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
UNREADABLE = (
    ImportError, AttributeError, EOFError, IndexError, KeyError, TypeError, ValueError,
    pickle.UnpicklingError, zlib.error,
)  # fmt: skip


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
    checks: ClassVar[Mapping[str, Check]] = {
        **GenericMemcachedBackend.checks,
        "memcached_expire_time": WHOLE,
        "min_compress_len": WHOLE,
    }

    memcached_expire_time: int | None
    min_compress_len: int

    def __init__(self, arguments: BackendArguments) -> None:
        super().__init__(arguments)
        if self.min_compress_len:
            self.set_arguments["min_compress_len"] = self.min_compress_len
        if self.memcached_expire_time:
            self.set_arguments["time"] = self.memcached_expire_time


def _servers(url: Any) -> list[Any]:
    if url is None:
        raise MissingSetting(
            "The argument 'url' is missing; it is a server such as '127.0.0.1:11211', "
            "or a list of servers."
        )
    if isinstance(url, str):
        return [server for server in _ADDRESS_SEPARATORS.split(url) if server]
    return list(url)
