"""Values to what a backend keeps, and back.

There are three codecs, used in the same way: :class:`Codec` for bytes, and for objects
:class:`KeyedObjects` where others can write to as well, else :class:`Objects`.

What is read may come from anybody.  It is a value or a miss; nothing is decompressed or
deserialized whose signature, where the region has a key, is not right, and whose key
digest, where there is one, is not that of the key it was read for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from .api import (
    NO_VALUE,
    CachedValue,
    CacheReturnType,
    CantDeserializeException,
    DefaultSerialization,
    Deserializer,
    KeyedMetadata,
    Metadata,
    Serializer,
)
from .compression import compress, decompress
from .freshness import is_own_lifetime
from .header import BEFORE, BETWEEN, PARTS, compression_mark, opened, read
from .report import warning
from .signing import Signer, WrongSignature, key_digest, key_end, key_ends, unsigned

if TYPE_CHECKING:
    from .settings import Settings

_TEN_DIGITS = 1e9, 1e10
_LENGTH = PARTS.size


class _OtherKey(Exception):  # it says what is wrong
    """Say that a value was read for another key than it was written for."""


class _Judge:
    """Be one who may reject what is stored."""

    on_reject: Callable[[Any, Exception | None], None] | None = None
    """Is told of the key of each value that is rejected, and why."""

    def _rejected(self, key: Any, error: Exception | None = None) -> None:
        if self.on_reject is not None:
            self.on_reject(key, error)


class Objects(_Judge):
    """Keep values as they are, where nobody else can write."""

    keeps_bytes = False

    def dump(self, value: CachedValue, key: Any) -> Any:
        """Return what a backend is to keep of the value of a key."""
        return value

    def load(self, stored: Any, key: Any) -> CacheReturnType:
        """Return the value that was stored; one that cannot be read is a miss."""
        if stored is NO_VALUE or stored is None:
            return NO_VALUE
        if isinstance(stored, CachedValue):
            return stored
        warning("The value of %r is not a CachedValue; it is a miss", key)
        self._rejected(key)
        return NO_VALUE

    def peek(self, stored: Any, id: Any) -> CacheReturnType:
        """Return a value by its metadata alone, given its key mangled."""
        return Objects.load(self, stored, id)

    def fresh_payloads(
        self, stored: Sequence[Any], keys: Sequence[Any], bounds: tuple[float, float]
    ) -> list[Any] | None:
        """Return the payloads if all values are fresh; None if that is not certain.

        :param bounds: when a value must have ended after, and started from.
        """
        return None


class KeyedObjects(Objects):
    """Keep values as they are, with the digest of their key among the metadata."""

    def dump(self, value: CachedValue, key: Any) -> Any:
        payload, metadata = value
        digest = key_digest(key)
        if digest is None:
            return value
        if type(metadata) is Metadata:
            kept = KeyedMetadata(metadata.ct, metadata.st, digest)
            return CachedValue(payload, kept)
        return CachedValue(payload, {**metadata, "kd": digest})

    def load(self, stored: Any, key: Any) -> CacheReturnType:
        kept: Any = stored[1] if type(stored) is CachedValue else None
        if type(kept) is KeyedMetadata and kept.kd == key_digest(key):
            return stored  # type: ignore[no-any-return]  # a CachedValue
        value = super().load(stored, key)
        if not value:
            return NO_VALUE
        try:
            metadata = value.metadata
            told = metadata.get("kd")
            if not is_own_lifetime(metadata.get("lt")):
                raise ValueError(f"the lifetime 'lt' is {metadata['lt']!r}")
        except Exception as error:  # noqa: BLE001  # anything may have been unpickled
            _warn_of_malformed(key)
            self._rejected(key, error)
            return NO_VALUE
        if told is None or told == key_digest(key):
            return value
        _warn_of_another_key(key)
        self._rejected(key)
        return NO_VALUE


class Codec(_Judge):
    """Keep values as bytes.

    :param signer: signs and verifies them, if anything does.
    :param compress_from: bytes from which a payload is compressed; None for never.
    """

    keeps_bytes = True

    def __init__(
        self,
        serializer: Serializer | None,
        deserializer: Deserializer | None,
        signer: Signer | None = None,
        compress_from: int | None = None,
    ) -> None:
        self._serializer = serializer
        self._read = deserializer or _unreadable
        self._signer = signer
        self._compress_from = compress_from

    def dump(self, value: CachedValue, key: Any) -> Any:
        """Return what a backend is to keep of the value of a key."""
        if self._serializer is None:
            return value
        head, payload = opened(value[1]) + key_end(key), self._serializer(value[0])
        if self._compress_from is not None and len(payload) >= self._compress_from:
            head, payload = _compressed(head, payload)
        if self._signer is not None:
            head = self._signer.signed(key, head[:-1], payload) + b"|"
        return head + payload

    def load(self, stored: Any, key: Any) -> CacheReturnType:
        """Return the value that was stored; one that cannot be read is a miss."""
        if stored is NO_VALUE or stored is None:
            return NO_VALUE
        try:
            return self._load(stored, key)
        except CantDeserializeException:
            return NO_VALUE
        except WrongSignature as error:
            warning("Security: the value of %r %s; it is a miss", key, error)
            self._rejected(key, error)
        except _OtherKey:
            _warn_of_another_key(key)
            self._rejected(key)
        except Exception as error:  # noqa: BLE001  # a deserializer may raise anything
            _warn_of_malformed(key)
            self._rejected(key, error)
        return NO_VALUE

    def _load(self, stored: bytes, key: Any) -> CacheReturnType:
        """Read what is written most at once."""
        if self._signer is None and len(stored) >= _LENGTH:
            before, ended, between, started, end = PARTS.unpack_from(stored)
            if before == BEFORE and between == BETWEEN and end == key_end(key):
                metadata = Metadata(float(ended), float(started))
                return CachedValue(self._read(stored[_LENGTH:]), metadata)
        return self._load_any(stored, key)

    def _load_any(self, stored: bytes, key: Any) -> CacheReturnType:
        """Read any form there is."""
        signer = self._signer
        if signer and not (isinstance(stored, bytes) and b"|" in stored):
            raise WrongSignature("is not signed")
        bar = stored.index(b"|")
        head, payload = stored[:bar], stored[bar + 1 :]
        head = unsigned(head) if signer is None else signer.verified(key, head, payload)
        metadata, digest, compression = read(head)
        if metadata is NO_VALUE:
            return NO_VALUE
        if digest is not None and digest != key_digest(key):
            raise _OtherKey
        if compression is not None:
            payload = decompress(compression, payload)
        return CachedValue(self._read(payload), metadata)

    def peek(self, stored: Any, id: Any) -> CacheReturnType:
        """Return a value by its metadata alone, given its key mangled."""
        try:
            metadata = read(unsigned(stored[: stored.index(b"|")])).metadata
        except Exception:  # noqa: BLE001  # anything may have been stored
            _warn_of_malformed(id)
            return NO_VALUE
        return NO_VALUE if metadata is NO_VALUE else CachedValue(None, metadata)

    def fresh_payloads(
        self, stored: Sequence[Any], keys: Sequence[Any], bounds: tuple[float, float]
    ) -> list[Any] | None:
        """Return the payloads if all values are fresh; None if that is not certain.

        It compares the times as they are written, without reading them.

        :param bounds: when a value must have ended after, and started from.
        """
        least, bound = _TEN_DIGITS
        if self._signer is not None or not max(bounds) < bound:
            return None
        after, start = (b"%.7f" % max(time, least) for time in bounds)
        try:
            return self._fresh_payloads(zip(stored, key_ends(keys)), after, start)
        except Exception:  # noqa: BLE001  # load() says which one is missing or malformed
            return None

    def _fresh_payloads(
        self, stored: Iterable[tuple[Any, bytes]], after: bytes, start: bytes
    ) -> list[Any] | None:
        parts, read, payloads = PARTS.unpack_from, self._read, []
        for data, right_end in stored:
            head, ended, between, started, end = parts(data)  # NO_VALUE raises, too
            if not (
                ended > after
                and started >= start
                and end == right_end
                and between == BETWEEN
                and head == BEFORE
            ):
                return None
            payloads.append(read(data[_LENGTH:]))
        return payloads


def _unreadable(payload: bytes) -> Any:
    raise TypeError("the region has no deserializer")


def _compressed(head: bytes, payload: bytes) -> tuple[bytes, bytes]:
    """Compress a payload and note it in the metadata, if they are shorter together."""
    found = compress(payload)
    if found is None:
        return head, payload
    mark = compression_mark(found[0])
    if len(mark) + len(found[1]) >= len(payload):
        return head, payload
    return head[:-2] + mark + b"}|", found[1]


def _warn_of_malformed(key: Any) -> None:
    warning("The value of %r is malformed; it is a miss", key, exc_info=True)


def _warn_of_another_key(key: Any) -> None:
    warning(
        "The value of %r was stored for another key, which a key mangler may have "
        "made the same; it is a miss",
        key,
    )


def codec_for(
    backend: Any,
    serializer: Callable[[Any], bytes] | None,
    deserializer: Callable[[bytes], Any] | None,
    name: str | None,
    settings: Settings,
) -> Objects | Codec:
    """Return the codec of a region, of this name and settings, over a backend.

    A backend may have its own for what is neither signed nor compressed.  Else objects are
    kept where there is no serializer; what is signed is then pickled.
    """
    signer = Signer(name, settings.signing_key) if settings.signing_key else None
    least = settings.compress_min_bytes
    own = getattr(backend, "make_codec", None)
    if own is not None and signer is None and least is None:
        codec: Codec = own(serializer, deserializer)
        return codec
    if own is not None or signer is not None:
        serializer = serializer or DefaultSerialization.serializer
        deserializer = deserializer or DefaultSerialization.deserializer
    if serializer is not None or deserializer is not None:
        return Codec(serializer, deserializer, signer, least)
    return Objects() if getattr(backend, "keeps_objects", False) else KeyedObjects()
