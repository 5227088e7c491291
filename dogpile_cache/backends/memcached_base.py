"""What the backends for memcached share; see :mod:`dogpile_cache.backends.memcached`."""

from __future__ import annotations

import pickle
import re
import threading
import zlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from operator import attrgetter
from typing import Any, ClassVar

from dogpile_cache.api import (
    NO_VALUE,
    BackendArguments,
    BackendFormatted,
    BackendSetType,
    CacheMutex,
    KeyType,
)
from dogpile_cache.exception import (
    BackendUnavailable,
    LibraryNotInstalled,
    MissingSetting,
)
from dogpile_cache.forking import forget_after_fork, pin_in_children
from dogpile_cache.lease import DEFAULT_LEASE
from dogpile_cache.options import MILLISECONDS, SWITCH, WHOLE, Check, library, take
from dogpile_cache.report import warning

from .memcached_keys import safe_key
from .memcached_large import is_too_large, raise_if_too_large, set_each
from .memcached_lock import MemcachedLock
from .memcached_pickles import ReadsBytes
from .memcached_timeouts import NAMES, set_missing

_FOR_TASKS = {
    "url", "distributed_lock", "lock_timeout", "memcached_expire_time", *NAMES
}  # fmt: skip
"""The arguments that are the same for tasks."""

_ADDRESS_SEPARATORS = re.compile(r"[,\s]+")


class _HeldClient:
    """Be the client of a thread, closed when the thread ends.

    :param age: how often the server had failed when it was made.
    """

    def __init__(self, client: Any, age: int) -> None:
        self.client = client
        self.age = age

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
    errors_of_callers: ClassVar[tuple[str, ...]] = ()  # their names in the library
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
        set_missing(self)
        self.set_arguments = dict(type(self).set_arguments)
        self._imports()
        named = (attrgetter(name)(self._library) for name in self.errors_of_callers)
        self.callers_errors = (*self.callers_errors, *named)
        self.forget()
        forget_after_fork(self)

    def forget(self) -> None:
        """Leave the connections that a forked child inherits to its parent."""
        self._age = 0
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
        """The client of this thread, made after the last failure of the server."""
        try:
            held = self._clients.held
            if held.age == self._age:
                return held.client
        except AttributeError:
            pass
        self._clients.held = held = _HeldClient(self._create_client(), self._age)
        pin_in_children(held)
        return held.client

    def _ask(self, command: str, *args: Any, **kw: Any) -> Any:
        """Return what the client answers to a command.

        After an error this thread connects anew, since a late answer, or half of one,
        may be left to read; after one of the server's all threads do.
        """
        client = self.client
        try:
            return getattr(client, command)(*args, **kw)
        except BaseException as error:
            self._failed(error)
            raise

    def _failed(self, error: BaseException) -> None:
        vars(self._clients).pop("held", None)
        if not isinstance(error, UNREADABLE):
            self._age += 1

    def _add(self, key: str, value: bytes, seconds: int) -> bool:
        return bool(self._ask("add", key, value, seconds))

    def _touch(self, key: str, value: bytes, seconds: int) -> None:
        self._ask("touch", key, seconds)

    def get_mutex(self, key: KeyType) -> CacheMutex | None:
        if not self.distributed_lock:
            return None
        return MemcachedLock(self, f"_lock{key}", self.lock_timeout or DEFAULT_LEASE)

    def has_lock_timeout(self) -> bool:
        return bool(self.distributed_lock)

    def get(self, key: KeyType) -> BackendFormatted:
        try:  # as _ask() does, in less time
            value = self.client.get(key)
        except BaseException as error:
            self._failed(error)
            if not isinstance(error, UNREADABLE):
                raise
            warning("The value of %r cannot be read; it is a miss", key, exc_info=True)
            return NO_VALUE
        return NO_VALUE if value is None else value

    def get_multi(self, keys: Sequence[KeyType]) -> Sequence[BackendFormatted]:
        keys = list(keys)
        try:
            values = self._ask("get_multi", keys)
        except UNREADABLE:  # at least one; find out which
            return [self.get(key) for key in keys]
        return [NO_VALUE if v is None else v for v in map(values.get, keys)]

    def set(self, key: KeyType, value: BackendSetType) -> None:
        try:
            kept = self._ask("set", key, value, **self.set_arguments)
        except Exception as error:
            raise_if_too_large(error, key, value)
            raise
        if kept in (False, 0):
            raise BackendUnavailable(self.url, f"the value of {key!r} was not kept")

    def set_multi(self, mapping: Mapping[KeyType, BackendSetType]) -> None:
        try:
            failed = self._ask("set_multi", mapping, **self.set_arguments)
        except Exception as error:
            if not is_too_large(error):
                raise
            failed = True
        if failed:  # find out which, and why
            set_each(self.set, mapping)

    def delete(self, key: KeyType) -> None:
        self._ask("delete", key)

    def delete_multi(self, keys: Iterable[KeyType]) -> None:
        self._ask("delete_multi", list(keys))


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
