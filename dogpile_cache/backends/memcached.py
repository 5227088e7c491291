"""Memcached, through any of four client libraries.

Each thread has a client of its own, as most of the libraries ask for.

Without a serializer the client pickles the whole ``CachedValue`` by the name of its
module, as it does in dogpile.cache; such a value of that package is a miss here.  A
region with a serializer of its own shares its values with dogpile.cache.

Keys that memcached does not take (with blanks or control characters, or long) are
replaced by their SHA-1.

A server that does not answer within the timeouts, or not in full, is an error, also where
the library takes it for an empty one, and the connection is not used again.  How long it
is left alone is for the region to say, by ``recovery_time``: after an error the client is
made anew, so what a library itself would do about it has no effect.  A value larger than
the server takes raises ``ValueTooLarge``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from dogpile_cache.api import BackendArguments, KeyType
from dogpile_cache.options import (
    MAPPING,
    POSITIVE,
    SECONDS,
    SWITCH,
    WHOLE,
    Check,
    library,
)

from . import memcached_honest as honest
from . import memcached_timeouts as timeouts
from .memcached_base import (
    GenericMemcachedBackend,
    MemcacheArgs,
)
from .memcached_keys import LONGEST_KEY, ascii_key, safe_key
from .memcached_lock import MemcachedLock
from .memcached_pickles import Serde, Unpickler, client_class

__all__ = [
    "LONGEST_KEY",
    "BMemcachedBackend",
    "GenericMemcachedBackend",
    "MemcacheArgs",
    "MemcachedBackend",
    "MemcachedLock",
    "PyMemcacheBackend",
    "PylibmcBackend",
    "ascii_key",
    "safe_key",
]


class MemcachedBackend(MemcacheArgs):
    """Use the library python-memcached.

    :param dead_retry: accepted, and without effect.
    :param socket_timeout: seconds that a connection may take to be made, and an answer to
        come.
    """

    library = ("memcache", "memcached")
    errors_of_callers = ("Client.MemcachedKeyError",)
    options: ClassVar[Mapping[str, Any]] = {
        **MemcacheArgs.options,
        **timeouts.ONE,
        "dead_retry": 0,
    }
    checks: ClassVar[Mapping[str, Check]] = {
        **MemcacheArgs.checks,
        **timeouts.ONE_CHECKED,
        "dead_retry": SECONDS,
    }

    dead_retry: float
    socket_timeout: float

    def _create_client(self) -> Any:
        return honest.python_memcached(self._library)(
            self.url,
            dead_retry=self.dead_retry,
            socket_timeout=self.socket_timeout,
            unpickler=Unpickler,
            server_max_value_length=0,  # the server knows
        )


class PylibmcBackend(MemcacheArgs):
    """Use the library pylibmc.

    :param binary: speak the binary protocol.
    :param behaviors: a dict of what libmemcached calls behaviors, which go first.
    :param connect_timeout: seconds that a connection may take to be made.
    :param timeout: seconds that the server may take to take a command, and to answer.
    """

    library = ("pylibmc", "pylibmc")
    errors_of_callers = ("BadKeyProvided",)
    options: ClassVar[Mapping[str, Any]] = {
        **MemcacheArgs.options,
        "binary": False,
        "behaviors": None,
        **timeouts.TWO,
    }
    checks: ClassVar[Mapping[str, Check]] = {
        **MemcacheArgs.checks,
        "binary": SWITCH,
        "behaviors": MAPPING,
        **timeouts.TWO_CHECKED,
    }

    binary: bool
    behaviors: Mapping[str, Any] | None
    connect_timeout: float
    timeout: float

    def _create_client(self) -> Any:
        behaviors = {**timeouts.behaviors(self), **(self.behaviors or {})}
        client = self._library.Client
        if self.of_bytes:
            client = client_class(client)
        return honest.pylibmc(client)(self.url, binary=self.binary, behaviors=behaviors)


class PyMemcacheBackend(GenericMemcachedBackend):
    """Use the ``HashClient`` of the library pymemcache.

    :param memcached_expire_time: seconds after which memcached forgets a value; see
        :class:`MemcacheArgs`.
    :param serde: turns values into bytes; by default the library's that pickles.  One
        that is not of the library has to see by itself that it unpickles nothing where
        only bytes are kept.
    :param default_noreply: do not wait for the server's answer to a write.
    :param tls_context: an ``ssl.SSLContext``.
    :param socket_keepalive: the library's ``KeepaliveOpts``.
    :param enable_retry_client: have failed calls tried again, by the next four.
    :param retry_attempts: how often; from 1.
    :param retry_delay: seconds between attempts.
    :param retry_for: the classes of errors to try again for; by default all.
    :param do_not_retry_for: the classes of errors not to try again for.
    :param hashclient_retry_attempts: within these attempts, those after which a server
        counts as dead.
    :param hashclient_retry_timeout: seconds between them.
    :param dead_timeout: seconds after which a dead server is tried again.
    :param connect_timeout: seconds that a connection may take to be made.
    :param timeout: seconds that an answer may take.
    """

    library = ("pymemcache", "memcached")
    errors_of_callers = ("MemcacheIllegalInputError",)
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
        "hashclient_retry_attempts": 0,
        "hashclient_retry_timeout": 0,
        "dead_timeout": 0,
        **timeouts.TWO,
    }
    checks: ClassVar[Mapping[str, Check]] = {
        **GenericMemcachedBackend.checks,
        "memcached_expire_time": WHOLE,
        "default_noreply": SWITCH,
        "enable_retry_client": SWITCH,
        "retry_attempts": POSITIVE,
        "retry_delay": SECONDS,
        "hashclient_retry_attempts": WHOLE,
        "hashclient_retry_timeout": SECONDS,
        "dead_timeout": SECONDS,
        **timeouts.TWO_CHECKED,
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
    connect_timeout: float
    timeout: float

    def __init__(self, arguments: BackendArguments) -> None:
        super().__init__(arguments)
        if self.serde is None:
            self.serde = self._library.serde.pickle_serde
        if self.memcached_expire_time:
            self.set_arguments["expire"] = self.memcached_expire_time

    def _create_client(self) -> Any:
        extra = {"tls_context": self.tls_context} if self.tls_context else {}
        if self.socket_keepalive is not None:
            extra["socket_keepalive"] = self.socket_keepalive
        serde = self.serde
        if self.of_bytes and type(serde).__module__.startswith("pymemcache."):
            serde = Serde(serde)
        make = self._library.HashClient  # of which one that failed is used no more
        if self.enable_retry_client:
            make = honest.hash_client(self._library)
        client = make(
            self.url,
            serde=serde,
            default_noreply=self.default_noreply,
            retry_attempts=self.hashclient_retry_attempts,
            retry_timeout=self.hashclient_retry_timeout,
            dead_timeout=self.dead_timeout,
            connect_timeout=self.connect_timeout,
            timeout=self.timeout,
            **extra,
        )
        if not self.enable_retry_client:
            return client
        retrying = library("pymemcache.client.retrying", "memcached")
        return retrying.RetryingClient(
            client,
            attempts=self.retry_attempts or 2,
            retry_delay=self.retry_delay or 0,
            retry_for=self.retry_for,
            do_not_retry_for=self.do_not_retry_for,
        )

    def _add(self, key: str, value: bytes, seconds: int) -> bool:
        return bool(self._ask("add", key, value, expire=seconds, noreply=False))


class BMemcachedBackend(GenericMemcachedBackend):
    """Use the library python-binary-memcached.

    :param username: for SASL.
    :param password: for SASL.
    :param tls_context: an ``ssl.SSLContext``.
    :param socket_timeout: seconds that a connection may take to be made, and an answer to
        come.
    """

    library = ("bmemcached", "bmemcached")
    flags_of_bytes = 16
    options: ClassVar[Mapping[str, Any]] = {
        **GenericMemcachedBackend.options,
        "username": None,
        "password": None,
        "tls_context": None,
        **timeouts.ONE,
    }
    checks: ClassVar[Mapping[str, Check]] = {
        **GenericMemcachedBackend.checks,
        **timeouts.ONE_CHECKED,
    }

    username: str | None
    password: str | None
    tls_context: Any
    socket_timeout: float

    def _create_client(self) -> Any:
        return honest.bmemcached(self._library)(
            self.url,
            username=self.username,
            password=self.password,
            tls_context=self.tls_context,
            unpickler=Unpickler,
            socket_timeout=self.socket_timeout,
        )

    def _touch(self, key: str, value: bytes, seconds: int) -> None:
        self._ask("replace", key, value, seconds)  # the library cannot touch

    def delete_multi(self, keys: Iterable[KeyType]) -> None:
        for key in keys:
            self.delete(key)
