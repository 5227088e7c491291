"""What is stored, and what a backend is.

A region stores a :class:`CachedValue`: the payload and its metadata.  A backend either
keeps that object (:class:`CacheBackend`) or keeps bytes (:class:`BytesBackend`).  The
region decides at ``configure()`` which methods it will call: with a serializer, its own
or the backend's, ``get_serialized`` and its kin; without one, ``get`` and its kin.

The metadata tell two times, both in seconds of ``time.time()``:

- ``ct``: when the creation ended.  The lifetime of a value counts from here.
- ``st``: when the creation started.  Invalidations compare with this one, so that
  a value whose making began before the invalidation is never taken for newer.

A value may bring its own lifetime, ``lt``: seconds, or None for never to expire.  ``v``
is the version of the format.  dogpile.cache writes ``ct`` and ``v`` alone and ignores
others, so both packages can share one cache.
"""

from __future__ import annotations

import enum
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from .backend import BaseBackend

value_version = 2
"""The version of the stored format, the same as in dogpile.cache 1.5."""


class NoValue(enum.Enum):
    """Stand for a value that is not there; see :data:`NO_VALUE`."""

    NO_VALUE = "NoValue"

    @property
    def payload(self) -> NoValue:
        """Be as absent as the value itself."""
        return self

    def __bool__(self) -> Literal[False]:
        return False

    def __repr__(self) -> str:
        return "NO_VALUE"


NoValueType = Literal[NoValue.NO_VALUE]
NO_VALUE: NoValueType = NoValue.NO_VALUE
"""What a region returns for a key it does not hold: false, but not ``None``."""

KeyType = str
ValuePayload = Any
MetaDataType = Mapping[str, Any]
BackendArguments = Mapping[str, Any]


_SETTABLE = ("ct", "st")


class Metadata(Mapping[str, Any]):
    """Hold the two times of a value, in a third of the memory of a dict.

    Metadata with further entries, such as ``lt``, are a dict.
    """

    __slots__ = ("ct", "st")

    ct: float
    st: float

    def __init__(self, ct: float, st: float) -> None:
        self.ct = ct
        self.st = st

    def __getitem__(self, name: str) -> Any:
        if name == "v":
            return value_version
        if name in _SETTABLE:
            return getattr(self, name)
        raise KeyError(name)

    def __setitem__(self, name: str, value: float) -> None:
        if name not in _SETTABLE:
            raise KeyError(f"{name!r} cannot be set; 'ct' and 'st' can")
        setattr(self, name, value)

    def __iter__(self) -> Iterator[str]:
        return iter(("ct", "v", "st"))

    def __len__(self) -> int:
        return 3

    def __repr__(self) -> str:
        return repr(dict(self))

    def __reduce__(self) -> tuple[type[Metadata], tuple[Any, ...]]:
        return Metadata, (self.ct, self.st)


class KeyedMetadata(Metadata):
    """Hold the digest of the key, too, where a client pickles what others can write."""

    __slots__ = ("kd",)

    kd: str

    def __init__(self, ct: float, st: float, kd: str) -> None:
        self.ct = ct
        self.st = st
        self.kd = kd

    def __getitem__(self, name: str) -> Any:
        return self.kd if name == "kd" else super().__getitem__(name)

    def __iter__(self) -> Iterator[str]:
        return iter(("ct", "v", "st", "kd"))

    def __len__(self) -> int:
        return 4

    def __reduce__(self) -> tuple[type[Metadata], tuple[Any, ...]]:
        return KeyedMetadata, (self.ct, self.st, self.kd)


class CachedValue(NamedTuple):
    """Be a value as it is stored: a tuple of the payload and its metadata."""

    payload: ValuePayload
    metadata: MetaDataType

    def __reduce__(self) -> tuple[Any, ...]:
        metadata = self.metadata
        if type(metadata) is Metadata:  # the common case, read in half the time
            return _restore, (self.payload, metadata.ct, metadata.st)
        if type(metadata) is KeyedMetadata:
            kept = metadata.ct, metadata.st, metadata.kd
            return _restore_keyed, (self.payload, *kept)
        return CachedValue, tuple(self)

    @property
    def cached_time(self) -> float:
        """Tell when the value was made, in seconds of ``time.time()``."""
        return float(self.metadata["ct"])

    @property
    def age(self) -> float:
        """Tell how many seconds ago, by ``time.time()``, the value was made."""
        return time.time() - self.cached_time


def _restore(payload: ValuePayload, ct: float, st: float) -> CachedValue:
    return CachedValue(payload, Metadata(ct, st))


def _restore_keyed(payload: ValuePayload, ct: float, st: float, kd: str) -> CachedValue:
    return CachedValue(payload, KeyedMetadata(ct, st, kd))


CacheReturnType = CachedValue | NoValueType
SerializedReturnType = bytes | NoValueType
BackendFormatted = CacheReturnType | SerializedReturnType
BackendSetType = CachedValue | bytes
Serializer = Callable[[ValuePayload], bytes]
Deserializer = Callable[[bytes], ValuePayload]
KeyManglerType = Callable[[KeyType], KeyType]


class CantDeserializeException(Exception):
    """Raise this in a deserializer to have the value made anew, without a warning."""


class CacheMutex(ABC):
    """Be a lock for one key, held while its value is made.

    Any object with ``acquire`` and ``release`` will do.  Three additions are used where
    a mutex has them: ``release()`` may return ``False`` to say that the lock had been
    lost before, upon which the value just written is taken back; ``confirm()`` tells,
    before the value is written, whether the lock is still held; and ``pause(waited)``
    returns when it is worth looking for the value again, given the seconds waited so
    far.  Without ``pause`` a waiter blocks in ``acquire()``.
    """

    gathers: bool = True
    """Whether the threads of one process wait behind one of them before they come."""

    @abstractmethod
    def acquire(self, wait: bool = True) -> bool:
        """Take the lock; without ``wait``, return at once.  True if it was taken."""

    @abstractmethod
    def release(self) -> bool | None:
        """Give the lock back."""

    @abstractmethod
    def locked(self) -> bool:
        """Tell whether anybody holds the lock."""


class CacheBackend(BaseBackend):
    """Be the base of backends that keep Python objects.

    One that keeps bytes derives from :class:`BytesBackend`.  Keys come mangled.
    """

    def get(self, key: KeyType) -> BackendFormatted:
        """Return what was set under a key, or ``NO_VALUE``."""
        raise NotImplementedError

    def reader(
        self, codec: Any, slowly: Callable[[Any], Any], circuit: Any
    ) -> Callable[[Any], Any] | None:
        """Return the quickest way to the value of a key, where there is one.

        It returns a :class:`CachedValue`, or ``NO_VALUE`` or None for none.

        :param codec: what the region would read a stored value by.
        :param slowly: the other way, for where it fails and while ``circuit.troubled``.
        """
        return None

    def get_multi(self, keys: Sequence[KeyType]) -> Sequence[BackendFormatted]:
        """Return what was set under each key, or ``NO_VALUE``, in the order given."""
        raise NotImplementedError

    def get_serialized(self, key: KeyType) -> SerializedReturnType:
        """Return the bytes set under a key, or ``NO_VALUE``."""
        return self.get(key)  # type: ignore[return-value]  # bytes were set

    def get_serialized_multi(
        self, keys: Sequence[KeyType]
    ) -> Sequence[SerializedReturnType]:
        """Return the bytes set under each key, or ``NO_VALUE``, in the order given."""
        return self.get_multi(keys)  # type: ignore[return-value]  # bytes were set

    def set(self, key: KeyType, value: BackendSetType) -> None:
        """Set a value; bytes, when a serializer is in use."""
        raise NotImplementedError

    def set_multi(self, mapping: Mapping[KeyType, BackendSetType]) -> None:
        """Set several values, without changing the mapping or what is in it."""
        raise NotImplementedError

    def set_serialized(self, key: KeyType, value: bytes) -> None:
        """Set bytes under a key."""
        self.set(key, value)

    def set_serialized_multi(self, mapping: Mapping[KeyType, bytes]) -> None:
        """Set bytes under several keys."""
        self.set_multi(mapping)

    def delete(self, key: KeyType) -> None:
        """Remove a key; one that is not there is no error."""
        raise NotImplementedError

    def delete_multi(self, keys: Iterable[KeyType]) -> None:
        """Remove several keys; those that are not there are no error."""
        raise NotImplementedError


class _FromPickle:
    """Be a function of the module ``pickle``, which is imported when it is needed."""

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = {"serializer": "dumps", "deserializer": "loads"}[name]

    def __get__(self, instance: object, owner: type) -> Any:
        import pickle

        return getattr(pickle, self._name)


class DefaultSerialization:
    """Give a backend pickle as its serializer."""

    serializer: Any = _FromPickle()
    deserializer: Any = _FromPickle()


class BytesBackend(DefaultSerialization, CacheBackend):
    """Be the base of backends that keep bytes.

    A subclass defines ``get_serialized``, ``get_serialized_multi``,
    ``set_serialized``, ``set_serialized_multi``, ``delete`` and ``delete_multi``.
    """

    def get_serialized(self, key: KeyType) -> SerializedReturnType:
        raise NotImplementedError

    def get_serialized_multi(
        self, keys: Sequence[KeyType]
    ) -> Sequence[SerializedReturnType]:
        raise NotImplementedError

    def set_serialized(self, key: KeyType, value: bytes) -> None:
        raise NotImplementedError

    def set_serialized_multi(self, mapping: Mapping[KeyType, bytes]) -> None:
        raise NotImplementedError
