"""What others may have put into memcached, left unpickled where bytes are asked for.

The client libraries unpickle whatever the flags of a value say is pickled.  Whoever can
write to the server would so have a program run what he likes, though its region may keep
JSON, or what is signed.  So each library is given a way to unpickle that looks first at
what was asked for.
"""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from dogpile_cache.api import NO_VALUE, CacheBackend, KeyType, SerializedReturnType
from dogpile_cache.report import warning

PICKLED = 1
"""The flag by which the libraries know a pickle."""


class _Asked(threading.local):
    for_bytes = False


_asked = _Asked()


def for_bytes(read: Callable[..., Any], *args: Any) -> Any:
    """Return what a function reads in this thread; what is pickled, as it is."""
    before, _asked.for_bytes = _asked.for_bytes, True
    try:
        return read(*args)
    finally:
        _asked.for_bytes = before


class StillPickled:
    """Stand for a value that was not unpickled."""


def unpickled(data: bytes) -> Any:
    """Return what was pickled, unless bytes are asked for."""
    return StillPickled() if _asked.for_bytes else pickle.loads(data)  # noqa: S301  # as all do


class Unpickler:
    """Be an ``unpickler`` for python-memcached and for bmemcached."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def load(self) -> Any:
        """Return what the file holds."""
        return unpickled(self._file.read())


class Serde:
    """Be the ``serde`` of pymemcache around another one of the library."""

    def __init__(self, serde: Any) -> None:
        self._serde = serde
        self.serialize = serde.serialize

    def deserialize(self, key: Any, value: bytes, flags: int) -> Any:
        """Return what a value and its flags stand for."""
        if flags & PICKLED and _asked.for_bytes:
            return StillPickled()
        return self._serde.deserialize(key, value, flags)


@cache
def client_class(base: Any) -> Any:
    """Return the ``Client`` of pylibmc, unpickling nothing where bytes are asked for."""
    deserialize, loads = base.deserialize, pickle.loads

    class Client(base):  # type: ignore[misc]  # the library is imported when it is used
        def deserialize(self, value: bytes, flags: int) -> Any:
            if flags & PICKLED:
                return StillPickled() if _asked.for_bytes else loads(value)
            return deserialize(self, value, flags)

    return Client


def only_bytes(key: Any, value: Any) -> SerializedReturnType:
    """Return a value that is bytes; anything else is a miss, and the log tells."""
    if value is NO_VALUE or isinstance(value, bytes):
        return value
    warning(
        "Security: the value of %r is not bytes, which alone are kept by a region with a "
        "serializer; it was not unpickled and is a miss",
        key,
    )
    return NO_VALUE


class ReadsBytes(CacheBackend):
    """Read bytes through ``get`` and ``get_multi``, with nothing unpickled."""

    of_bytes = False
    """Whether clients are to look what is asked for before they unpickle anything."""

    def keep_bytes(self) -> None:
        """Be told that bytes are asked for, before anything is read."""
        if not self.of_bytes:
            self.of_bytes = True
            self.forget()

    def forget(self) -> None:
        """Have all clients made anew."""
        raise NotImplementedError

    def get_serialized(self, key: KeyType) -> SerializedReturnType:
        self.keep_bytes()
        return only_bytes(key, for_bytes(self.get, key))

    def get_serialized_multi(
        self, keys: Sequence[KeyType]
    ) -> Sequence[SerializedReturnType]:
        self.keep_bytes()
        keys = list(keys)
        return [*map(only_bytes, keys, for_bytes(self.get_multi, keys))]
