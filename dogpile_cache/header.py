"""The metadata of a value in bytes: ``<metadata as JSON>|<payload>``.

The format is that of dogpile.cache 1.5.  The metadata that this package writes always
look alike, to the byte: the times have ten digits before the point, until the year
2286, and seven behind it, which is all that a float has.  Behind them stand, in this
order and where they are needed:

- ``kd``, the digest of the key;
- ``cz``, how the payload is compressed;
- ``hs``, the signature.

These are about the bytes and not about the value: who reads them checks them and leaves
them out.  So all is read by slicing; ``json`` reads what anybody else wrote.
"""

from __future__ import annotations

from struct import Struct
from typing import Any, NamedTuple

from .api import NO_VALUE, Metadata, MetaDataType, NoValueType, value_version
from .freshness import is_own_lifetime

BEFORE, BETWEEN = b'{"ct": ', b', "v": 2, "st": '
_TIMES = BEFORE + b"%.7f" + BETWEEN + b"%.7f"
PARTS = Struct("7s 18s 16s 18s 28s")
"""The parts of what is written most: the times between their names, and the rest."""

_OTHERS_END = b', "v": 2}'
_OLDER = Struct("7s 18s 16s 18s 1s")
_OF_BYTES = ("kd", "cz", "hs")
_KEY, _METHOD = b', "kd": "', b', "cz": "'
_KEY_LENGTH, _METHOD_LENGTH = len(_KEY) + 18, len(_METHOD) + 6


class Header(NamedTuple):
    """Hold what the metadata tell of a value, and of its bytes."""

    metadata: MetaDataType | NoValueType
    key_digest: Any = None
    compression: Any = None


def opened(metadata: MetaDataType) -> bytes:
    """Return metadata as JSON, without the brace at the end."""
    if type(metadata) is Metadata:
        return _TIMES % (metadata.ct, metadata.st)
    import json  # for the metadata of somebody else's proxy

    kept = {name: metadata[name] for name in metadata if name not in _OF_BYTES}
    return json.dumps(kept).replace("|", r"\u007c")[:-1].encode()


def compression_mark(name: str) -> bytes:
    """Return the entry of the metadata that tells how a payload is compressed."""
    return b'%b%b"' % (_METHOD, name.encode())


def read(head: bytes) -> Header:
    """Read metadata without signature; those of another version give ``NO_VALUE``.

    Malformed ones raise whatever the reading of them raises.
    """
    rest, compression = _peeled(head, _METHOD, _METHOD_LENGTH)
    rest, digest = _peeled(rest, _KEY, _KEY_LENGTH)
    times = _times(rest)
    return _from_json(head) if times is None else Header(times, digest, compression)


def _peeled(head: bytes, mark: bytes, length: int) -> tuple[bytes, str | None]:
    """Take off the last entry, if it is this one; return what it says, too."""
    end = head[-length:]
    if not (end.startswith(mark) and end.endswith(b'"}')):
        return head, None
    return head[:-length] + b"}", end[len(mark) : -2].decode()


def _times(head: bytes) -> Metadata | None:
    """Return the times, where there is nothing else: from us, or from dogpile.cache."""
    if len(head) == _OLDER.size:
        before, ended, between, started, after = _OLDER.unpack(head)
        if before == BEFORE and between == BETWEEN and after == b"}":
            return Metadata(float(ended), float(started))
    if head.startswith(BEFORE) and head.endswith(_OTHERS_END):
        try:
            both = float(head[len(BEFORE) : -len(_OTHERS_END)])
        except ValueError:
            return None  # it only looks like theirs
        return Metadata(both, both)
    return None


def _from_json(head: bytes) -> Header:
    import json  # costly, and rarely needed

    metadata = json.loads(head)
    if metadata["v"] != value_version:
        return Header(NO_VALUE)
    if "lt" in metadata and not is_own_lifetime(metadata["lt"]):
        raise ValueError(f"the lifetime 'lt' is {metadata['lt']!r}")
    digest, compression, _ = (metadata.pop(name, None) for name in _OF_BYTES)
    times = Metadata(float(metadata["ct"]), float(metadata.get("st", metadata["ct"])))
    more = metadata.keys() - set(times)
    return Header({**metadata, **times} if more else times, digest, compression)
