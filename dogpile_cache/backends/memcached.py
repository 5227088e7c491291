"""Memcached, through any of four client libraries.

Each thread has a client of its own, as most of the libraries ask for.

Without a serializer the client pickles the whole ``CachedValue`` by the name of its
module, as it does in dogpile.cache; such a value of that package is a miss here.  A
region with a serializer of its own shares its values with dogpile.cache.

Keys that memcached does not take (with blanks or control characters, or long) are
replaced by their SHA-1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from dogpile_cache.api import BackendArguments, KeyType
from dogpile_cache.keys import sha1_mangle_key
from dogpile_cache.options import (
    MAPPING,
    POSITIVE,
    SECONDS,
    SWITCH,
    WHOLE,
    Check,
    optional,
)

from .memcached_base import (
    LONGEST_KEY,
    GenericMemcachedBackend,
    MemcacheArgs,
    MemcachedLock,
    safe_key,
)
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

    :param dead_retry: seconds after which a server that failed is tried again.
    :param socket_timeout: seconds that a call to a server may take.
    """

    library = ("memcache", "memcached")
    options: ClassVar[Mapping[str, Any]] = {
        **MemcacheArgs.options,
        "dead_retry": 30,
        "socket_timeout": 3,
    }
    checks: ClassVar[Mapping[str, Check]] = {
        **MemcacheArgs.checks,
        "dead_retry": SECONDS,
        "socket_timeout": optional(SECONDS),
    }

    dead_retry: float
    socket_timeout: float

    def _create_client(self) -> Any:
        return self._library.Client(
            self.url,
            dead_retry=self.dead_retry,
            socket_timeout=self.socket_timeout,
            unpickler=Unpickler,
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
    checks: ClassVar[Mapping[str, Check]] = {
        **MemcacheArgs.checks,
        "binary": SWITCH,
        "behaviors": MAPPING,
    }

    binary: bool
    behaviors: Mapping[str, Any] | None

    def _create_client(self) -> Any:
        behaviors = dict(self.behaviors or {})
        client = client_class(self._library.Client)
        return client(self.url, binary=self.binary, behaviors=behaviors)


def ascii_key(key: Any) -> Any:
    """Return a key as :func:`safe_key` does, and the SHA-1 of one that is not ASCII."""
    if isinstance(key, str) and not key.isascii():
        return sha1_mangle_key(key)
    return safe_key(key)


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
        if type(self.serde).__module__.startswith("pymemcache."):
            self.serde = Serde(self.serde)
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
    flags_of_bytes = 16
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
            unpickler=Unpickler,
        )

    def _touch(self, key: str, value: bytes, seconds: int) -> None:
        self.client.replace(key, value, seconds)  # the library cannot touch

    def delete_multi(self, keys: Iterable[KeyType]) -> None:
        for key in keys:
            self.client.delete(key)
