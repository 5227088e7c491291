"""A cache in a file that the processes of one machine share, without a server.

It takes the library ``lmdb``.  A read is a look into memory that the processes share: it
waits for nobody, and takes a microsecond or two.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from struct import Struct
from typing import Any, ClassVar, NamedTuple

from dogpile_cache.api import (
    NO_VALUE,
    BackendArguments,
    CacheBackend,
    CachedValue,
    CacheMutex,
    Deserializer,
    KeyType,
    Metadata,
    SerializedReturnType,
    Serializer,
)
from dogpile_cache.exception import MissingSetting, ValueTooLarge
from dogpile_cache.options import PATH, POSITIVE, Check, take

from .file_system import prepare_directory
from .lmdb_codec import TEXT, RecordCodec
from .lmdb_entries import Entries
from .lmdb_environment import Environment
from .lmdb_lock import EntryLock
from .lmdb_table import KEY

_LEAST = 2**22
_LARGE = 2**14
_ALL = Struct("<24xIIBdd")  # ENTRY and HEAD, in one go
_LONGEST_KEY = 511
_NO_TEXT = b"\xff"  # which UTF-8 never has

Record = tuple[bytes, bytes, float]
"""A key, what is kept under it, and when that expires."""


class Stat(NamedTuple):
    """Tell what the file of an LMDB backend holds, of all regions on it."""

    entries: int
    bytes: int
    """How much of ``max_bytes`` is in use."""

    evictions: int
    """How many entries have had to go since the file was begun."""

    max_bytes: int


class LmdbBackend(CacheBackend):
    """Keep values in a directory that the processes of one machine share.

    They are readable for the user who runs the processes, and nobody else.  Text and bytes
    are kept as they are, and other values pickled, unless the region has a serializer.

    Regions on one path share its bounds, and have keys of their own by their names.  What
    has expired, by the lifetime of the region or by a value's own, goes first when there
    is no room; then goes what nobody reads, chosen by SIEVE.

    :param path: the directory, which is made if it is not there; not on a network file
        system.  Nothing else should be in it.
    :param max_bytes: what the files may take together; from 4 MiB, by default 256 MiB.  A
        value may take a 32nd of it.
    :param max_entries: how many entries to keep; by default there is no bound but
        ``max_bytes``.  Where there are more already, each write drops some of them.
    """

    options: ClassVar[Mapping[str, Any]] = {
        "path": None,
        "max_bytes": 2**28,
        "max_entries": None,
    }
    checks: ClassVar[Mapping[str, Check]] = {
        "path": PATH,
        "max_bytes": Check(
            f"whole numbers from {_LEAST}", lambda it: type(it) is int and it >= _LEAST
        ),
        "max_entries": POSITIVE,
    }

    keeps_deadlines = True

    path: Any
    max_bytes: int
    max_entries: int | None

    def __init__(self, arguments: BackendArguments) -> None:
        take(self, arguments)
        if self.path is None:
            raise MissingSetting(
                "The argument 'path' is missing; it is the directory of the cache."
            )
        self.path = os.path.abspath(os.fspath(self.path))
        prepare_directory(self.path)
        self._environment = Environment.of(
            self, self.path, self.max_bytes, self.max_entries
        )
        self._prefix_of: str | None = None
        self._prefix = _prefix(None)

    def make_codec(
        self, serializer: Serializer | None, deserializer: Deserializer | None
    ) -> RecordCodec:
        """Return what a region keeps its values by."""
        return RecordCodec(serializer, deserializer)

    def reader(
        self, codec: Any, slowly: Callable[[Any], Any], circuit: Any
    ) -> Callable[[Any], Any] | None:
        if type(codec) is not RecordCodec or type(self) is not LmdbBackend:
            return None
        environment, prefix = self._environment, self._own_prefix()
        unpack, payload_part = _ALL.unpack_from, slice(_ALL.size, None)
        payload_of, make, bare = codec.payload, tuple.__new__, object.__new__

        def read(key: Any) -> Any:
            try:
                if circuit.troubled:
                    return slowly(key)
                entry = environment.begin().get(prefix + key.encode())
                if entry is None:
                    return (
                        NO_VALUE if len(key) < 100 else slowly(key)
                    )  # it may be hashed
                number, parts, kind, ended, started = unpack(entry)
                mark = number & environment.last_mark
                if not environment.marks[mark]:
                    environment.marks[mark] = 1
                if kind == TEXT and not parts:
                    payload = entry[payload_part].decode()
                elif not parts:
                    payload = payload_of(kind, entry[payload_part])
                else:
                    return slowly(key)
                metadata = bare(Metadata)
                metadata.ct, metadata.st = ended, started
                return make(CachedValue, (payload, metadata))
            except Exception:  # noqa: BLE001  # the slow way says what is wrong
                return slowly(key)

        return read

    def _own_prefix(self) -> bytes:
        if self.region_name != self._prefix_of:
            self._prefix_of, self._prefix = self.region_name, _prefix(self.region_name)
        return self._prefix

    def _key(self, key: Any) -> bytes:
        data = (
            key.encode("utf-8", "surrogatepass")
            if isinstance(key, str)
            else _typed(key)
        )
        whole = self._own_prefix() + data
        if len(whole) <= _LONGEST_KEY:
            return whole
        return self._own_prefix() + _NO_TEXT + hashlib.sha256(data).digest()

    def awaited(self) -> Any:
        from .lmdb_awaited import AwaitedLmdb  # which imports asyncio

        return AwaitedLmdb(self)

    def get_mutex(
        self, key: KeyType, kind: type[EntryLock] = EntryLock
    ) -> CacheMutex | None:
        return kind(self._environment, self._key(key))

    def get_serialized(self, key: KeyType) -> SerializedReturnType:
        return self.get_serialized_multi([key])[0]

    def get_serialized_multi(
        self, keys: Sequence[KeyType]
    ) -> Sequence[SerializedReturnType]:
        ids = [self._key(key) for key in keys]
        return self._environment.read(partial(self._found, ids))

    def _found(self, ids: Sequence[bytes], txn: Any) -> Sequence[SerializedReturnType]:
        get = self._environment.entries.get
        found = (get(txn, id) for id in ids)
        return [NO_VALUE if record is None else record for record in found]

    def set_serialized(self, key: KeyType, value: bytes) -> None:
        self.set_serialized_multi({key: value})

    def set_serialized_multi(self, mapping: Mapping[KeyType, bytes]) -> None:
        most = self._environment.files.max_bytes // 32
        deadline_of = self.deadline_of or _never
        records, sizes = [], {}
        for key, value in mapping.items():
            if len(value) > most:
                sizes[key] = len(value)
            records.append((self._key(key), value, deadline_of(key, value)))
        if sizes:
            raise ValueTooLarge(sizes)
        self._environment.open()
        at_once = self._environment.entries.at_once
        for some, size in _batches(records, most // 2, at_once):
            if size > _LARGE:
                while dropped := self._environment.write(partial(self._shrink, size)):
                    self._tell_evicted(dropped)
            self._tell_evicted(self._environment.write(partial(self._put_all, some)))

    def _put_all(
        self, records: Sequence[Record], entries: Entries, txn: Any
    ) -> Sequence[bytes]:
        dropped: list[bytes] = []
        now = self.region_clock.time()
        for record in records:
            dropped += entries.put(txn, *record, now)
        return dropped

    def _shrink(self, more: int, entries: Entries, txn: Any) -> Sequence[bytes]:
        return entries.shrink(txn, self.region_clock.time(), more)

    def _tell_evicted(self, ids: Sequence[bytes]) -> None:
        """Tell of entries of this region, if their keys are kept as they are."""
        prefix, tell = self._own_prefix(), self.on_evict
        if tell is None:
            return
        for id in ids:
            key = id.removeprefix(prefix)
            if key != id and not key.startswith(_NO_TEXT):
                tell(key.decode("utf-8", "surrogatepass"))

    def delete(self, key: KeyType) -> None:
        self.delete_multi([key])

    def delete_multi(self, keys: Iterable[KeyType]) -> None:
        ids, environment = [self._key(key) for key in keys], self._environment
        environment.open()
        at_once = environment.entries.at_once
        for begin in range(0, len(ids), at_once):
            environment.write(partial(_delete_all, ids[begin : begin + at_once]))

    def stat(self) -> Stat:
        """Tell how many entries there are, how many bytes they take, and the like."""
        return Stat(*self._environment.stat(), self._environment.files.max_bytes)

    def purge(self) -> int:
        """Drop what has expired, of all regions on the path; tell how many entries."""
        now, purged = self.region_clock.time(), 0
        more = True
        while more:
            some, more = self._environment.write(partial(_purge, now))
            purged += some
        return purged


def _prefix(name: str | None) -> bytes:
    """Return what the keys of a region of this name begin with."""
    data = repr(name).encode("utf-8", "surrogatepass")
    return KEY + hashlib.blake2b(data, digest_size=8).digest()


def _typed(key: Any) -> bytes:
    """Return the bytes of a key that is no text, which those of no text are."""
    text = "" if isinstance(key, bytes) else str(key)
    data = key if isinstance(key, bytes) else text.encode("utf-8", "surrogatepass")
    return b"%b%b:%b" % (_NO_TEXT, type(key).__qualname__.encode(), data)


def _never(key: Any, value: bytes) -> float:
    return math.inf


def _batches(
    records: Sequence[Record], most: int, entries: int
) -> Iterator[tuple[Sequence[Record], int]]:
    """Give records in batches of so many bytes, or a little more; tell their size.

    What a transaction replaces takes its room until a later one.
    """
    begin = size = 0
    for end, (_, value, _) in enumerate(records, 1):
        size += len(value)
        if size >= most or end in (begin + entries, len(records)):
            yield records[begin:end], size
            begin, size = end, 0


def _delete_all(ids: Sequence[bytes], entries: Entries, txn: Any) -> None:
    for id in ids:
        entries.delete(txn, id)


def _purge(now: float, entries: Entries, txn: Any) -> tuple[int, bool]:
    return entries.purge(txn, now)
