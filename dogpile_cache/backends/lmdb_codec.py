"""Values to the records of an LMDB file, and back.

A record is a head of 17 bytes (what kind of payload follows, and the two times of the
value) and the payload: text as UTF-8, bytes as they are, what the region has serialized,
or a pickle.  So text is neither pickled nor unpickled, and a region with a serializer of
its own never unpickles.

Metadata that are more than the two times stand before the payload as JSON, their length
before them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from struct import Struct
from typing import Any

from dogpile_cache.api import (
    NO_VALUE,
    CachedValue,
    CacheReturnType,
    CantDeserializeException,
    DefaultSerialization,
    Deserializer,
    Metadata,
    MetaDataType,
    NoValueType,
    Serializer,
)
from dogpile_cache.codec import Codec
from dogpile_cache.header import opened, read

HEAD = Struct("<Bdd")
TEXT, BYTES, SERIALIZED, PICKLED = range(4)
_MORE = 0x80
_LENGTH = Struct("<I")


def as_text(payload: bytes) -> str:
    """Return the text of a payload."""
    return payload.decode("utf-8", "surrogatepass")


class RecordCodec(Codec):
    """Keep values as records; see above for what they are."""

    def __init__(
        self, serializer: Serializer | None, deserializer: Deserializer | None
    ) -> None:
        super().__init__(serializer, deserializer)
        self._readers: dict[int, Callable[[bytes], Any]] = {TEXT: as_text, BYTES: bytes}
        if deserializer is not None:
            self._readers[SERIALIZED] = deserializer
        elif serializer is None:
            self._readers[PICKLED] = DefaultSerialization.deserializer

    def dump(self, value: CachedValue, key: Any) -> bytes:
        """Return the record of a value."""
        payload, metadata = value
        kind, data = self._serialized(payload)
        if type(metadata) is Metadata:
            return HEAD.pack(kind, metadata.ct, metadata.st) + data
        more = opened(metadata) + b"}"
        return HEAD.pack(kind | _MORE, 0, 0) + _LENGTH.pack(len(more)) + more + data

    def _serialized(self, payload: Any) -> tuple[int, bytes]:
        if self._serializer is not None:
            return SERIALIZED, self._serializer(payload)
        if type(payload) is str:
            return TEXT, payload.encode("utf-8", "surrogatepass")
        if type(payload) is bytes:
            return BYTES, payload
        return PICKLED, DefaultSerialization.serializer(payload)

    def payload(self, kind: int, data: bytes) -> Any:
        """Return a payload; a kind that this region does not read is a miss.

        :raises CantDeserializeException: it is none that this region reads.
        """
        reader = self._readers.get(kind)
        if reader is None:
            raise CantDeserializeException
        return reader(data)

    def _load(self, stored: bytes, key: Any) -> CacheReturnType:
        kind, metadata, data = _parts(stored)
        if not metadata:
            return NO_VALUE
        return CachedValue(self.payload(kind, data), metadata)

    def peek(self, stored: Any, id: Any) -> CacheReturnType:
        """Return a value by its metadata alone, given its key mangled."""
        try:
            kind, ended, started = HEAD.unpack_from(stored)
            if not kind & _MORE:
                return CachedValue(None, Metadata(ended, started))
            metadata = _parts(stored)[1]
        except Exception:  # noqa: BLE001  # anything may have been stored
            return NO_VALUE
        return CachedValue(None, metadata) if metadata else NO_VALUE

    def fresh_payloads(
        self, stored: Sequence[Any], keys: Sequence[Any], bounds: tuple[float, float]
    ) -> list[Any] | None:
        """Return the payloads if all values are fresh; None if that is not certain."""
        (after, start), payloads = bounds, []
        unpack, size, readers = HEAD.unpack_from, HEAD.size, self._readers
        try:
            for data in stored:
                kind, ended, started = unpack(data)  # NO_VALUE raises, too
                if not (ended > after and started >= start):
                    return None
                payloads.append(readers[kind](data[size:]))
        except Exception:  # noqa: BLE001  # load() says which one is missing or malformed
            return None
        return payloads


def _parts(stored: bytes) -> tuple[int, MetaDataType | NoValueType, bytes]:
    """Return the kind of a record, its metadata and its payload."""
    kind, ended, started = HEAD.unpack_from(stored)
    rest = stored[HEAD.size :]
    if not kind & _MORE:
        return kind, Metadata(ended, started), rest
    (length,) = _LENGTH.unpack_from(rest)
    more, data = rest[_LENGTH.size :][:length], rest[_LENGTH.size + length :]
    return kind & ~_MORE, read(more).metadata, data
