"""A CachedValue to bytes and back: ``<metadata as JSON>|<payload>``.

The format is that of dogpile.cache 1.5.  The metadata that this package writes always
look alike, to the byte: the times have ten digits before the point, until the year
2286, and seven behind it, which is all that a float has.  So they are read by slicing;
``json`` reads those that anybody else wrote.
"""

from __future__ import annotations

from collections.abc import Iterable
from struct import Struct
from typing import Any

from .api import (
    NO_VALUE,
    CachedValue,
    CacheReturnType,
    DefaultSerialization,
    Deserializer,
    Metadata,
    MetaDataType,
    NoValueType,
    Serializer,
    value_version,
)
from .exception import ValidationError

_FORM = b'{"ct": %.7f, "v": 2, "st": %.7f}|'
_BEFORE, _BETWEEN, _AFTER = b'{"ct": ', b', "v": 2, "st": ', b"}|"
_OTHERS_END = b', "v": 2}'
_PARTS = Struct("7s 18s 16s 18s 2s")
_LENGTH = _PARTS.size
_TEN_DIGITS = 1e9, 1e10


def encode(value: CachedValue, serializer: Serializer) -> bytes:
    """Return the bytes that stand for a value."""
    payload, metadata = value
    if type(metadata) is Metadata:
        return _FORM % (metadata.ct, metadata.st) + serializer(payload)
    import json  # for the metadata of somebody else's proxy

    head = json.dumps(dict(metadata)).replace("|", r"\u007c")
    return head.encode() + b"|" + serializer(payload)


def decode(data: bytes, deserializer: Deserializer) -> CacheReturnType:
    """Return the value that bytes stand for.

    Another format version gives ``NO_VALUE``.  Malformed bytes raise whatever the
    reading of them raises.
    """
    if len(data) >= _LENGTH:
        before, ended, between, started, after = _PARTS.unpack_from(data)
        if before == _BEFORE and between == _BETWEEN and after == _AFTER:
            metadata = Metadata(float(ended), float(started))
            return CachedValue(deserializer(data[_LENGTH:]), metadata)
    bar = data.index(b"|")
    foreign = _foreign(data[:bar])
    if foreign is NO_VALUE:
        return NO_VALUE
    return CachedValue(deserializer(data[bar + 1 :]), foreign)


def fresh_payloads(
    stored: Iterable[Any],
    ended_after: float,
    started_from: float,
    deserializer: Deserializer,
) -> list[Any] | None:
    """Return the payloads of several values if all are ours and fresh, else None.

    It compares the times as they are written, without reading them.  Malformed payloads
    raise whatever the reading of them raises.
    """
    least, bound = _TEN_DIGITS
    if not (ended_after < bound and started_from < bound):
        return None
    after = b"%.7f" % max(ended_after, least)
    start = b"%.7f" % max(started_from, least)
    payloads = []
    for data in stored:
        if data is NO_VALUE or len(data) < _LENGTH:
            return None
        head, ended, between, started, tail = _PARTS.unpack_from(data)
        if not (
            ended > after
            and started >= start
            and between == _BETWEEN
            and head == _BEFORE
            and tail == _AFTER
        ):
            return None
        payloads.append(deserializer(data[_LENGTH:]))
    return payloads


def _foreign(head: bytes) -> MetaDataType | NoValueType:
    """Read metadata that have not our form, such as those of dogpile.cache."""
    if head.startswith(_BEFORE) and head.endswith(_OTHERS_END):
        try:
            ended = float(head[len(_BEFORE) : -len(_OTHERS_END)])
        except ValueError:
            pass  # it only looks like theirs
        else:
            return Metadata(ended, ended)
    import json  # costly, and rarely needed

    metadata = json.loads(head)
    if metadata["v"] != value_version:
        return NO_VALUE
    times = Metadata(float(metadata["ct"]), float(metadata.get("st", metadata["ct"])))
    return {**metadata, **times} if metadata.keys() - set(times) else times


class _Text:
    @staticmethod
    def serializer(payload: Any) -> bytes:
        if not isinstance(payload, str):
            raise ValidationError(
                f"A value of type {type(payload).__qualname__!r} cannot be kept by "
                "serializer='text', which allows strings and Markup only; set "
                "serializer='pickle' or 'json' on a region of other values."
            )
        return payload.encode("utf-8", "surrogatepass")

    @staticmethod
    def deserializer(data: bytes) -> str:
        return data.decode("utf-8", "surrogatepass")


class _Json:
    @staticmethod
    def serializer(payload: Any) -> bytes:
        import json  # costly, and rarely needed

        return json.dumps(payload).encode()

    @staticmethod
    def deserializer(data: bytes) -> Any:
        import json

        return json.loads(data)


NAMED: dict[str, Any] = {"pickle": DefaultSerialization, "json": _Json, "text": _Text}
"""The serializers that have a name."""


def pair(
    serializer: Serializer | str | None, deserializer: Deserializer | None
) -> tuple[Serializer | None, Deserializer | None]:
    """Return a serializer and its deserializer, given them or the name of both.

    :raises ValidationError: no serializer has that name.
    """
    if serializer is None or callable(serializer):
        return serializer, deserializer
    if serializer not in NAMED:
        raise ValidationError(
            f"There is no serializer {serializer!r}; there are {', '.join(NAMED)}, and "
            "functions."
        )
    named = NAMED[serializer]
    return named.serializer, named.deserializer
