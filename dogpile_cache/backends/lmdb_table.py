"""What an LMDB file holds.

It is one table, of which the first letter of a key tells what is there:

- ``e``, entries: under its key a record, behind its place, which is a time before which it
  does not expire and a number, by which newer entries come later; when it does expire; the
  end of the number; and how many further parts there are;
- ``h``, the hand: a place, how many entries have been dropped to make room, and how many
  keys there are that are of neither an entry nor its place;
- ``l``, the locks whose holder is not to keep what it makes; see ``lmdb_lock.py``;
- ``p``, places: for each the key of its entry; so those that expire first stand first, and
  among those that never expire the oldest;
- ``r``, the rest of long records, in parts, by a digest of the key.  Each takes one page,
  since pages in a row, as LMDB would want for a whole one, are soon not to be found in a
  full file.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from itertools import count
from struct import Struct
from typing import Any

KEY = b"e"
ENTRY = Struct("<16sdII")
"""What is in front of a record: place, deadline, the end of the number, parts."""

PLACE = Struct(">dQ")  # in an order that bytes keep
FIRST = bytes(PLACE.size)
END = 0xFFFFFFFF
_HAND, _LOCK, _PLACE, _REST = b"h", b"l", b"p", b"r"
_LOCK_ID, _COUNTS, _PART = Struct(">Q"), Struct(">QQ"), Struct(">I")

_numbers = count()


def _number() -> int:
    """Return a number above those before; its end differs from that of the last one."""
    return (time.time_ns() & ~0xFFFF) | (next(_numbers) & 0xFFFF)


def new_place(txn: Any, deadline: float, key: bytes) -> bytes:
    """Give a key a place, and return it."""
    number = _number()
    place = PLACE.pack(max(deadline, 0.0), number)
    while not txn.put(_PLACE + place, key, overwrite=False):
        number += 1
        place = PLACE.pack(max(deadline, 0.0), number)
    return place


def is_revoked(lock: int, txn: Any) -> bool:
    """Tell whether the holder of a lock is not to keep what it makes."""
    return txn.get(_LOCK + _LOCK_ID.pack(lock)) is not None


def note_revoked(txn: Any, lock: int, revoked: bool) -> None:
    """Note that the holder of a lock is not to keep what it makes, or is."""
    name = _LOCK + _LOCK_ID.pack(lock)
    if txn.put(name, b"", overwrite=False) if revoked else txn.delete(name):
        count_others(txn, 1 if revoked else -1)  # it is no entry, either


def hand_of(txn: Any) -> tuple[bytes, int, int]:
    """Return where the hand is, and how many dropped entries and other keys there are."""
    found = bytes(txn.get(_HAND, FIRST + _COUNTS.pack(0, 0)))
    evicted, others = _COUNTS.unpack(found[len(FIRST) :])
    return found[: len(FIRST)], evicted, others


def drop_place(txn: Any, place: bytes) -> None:
    """Drop a place."""
    txn.delete(_PLACE + place)


def move_hand(txn: Any, hand: bytes, dropped: int) -> None:
    """Leave the hand at a place, when so many more entries have been dropped."""
    _, evicted, others = hand_of(txn)
    txn.put(_HAND, hand + _COUNTS.pack(evicted + dropped, others))


def count_others(txn: Any, more: int) -> None:
    """Count more keys, or less, that are of neither an entry nor its place."""
    hand, evicted, others = hand_of(txn)
    txn.put(_HAND, hand + _COUNTS.pack(evicted, others + more))


def names_of_parts(key: bytes, parts: int) -> Iterator[bytes]:
    """Return the keys of so many parts of the record of a key."""
    if parts:
        name = _REST + hashlib.blake2b(key, digest_size=16).digest()
        yield from (name + _PART.pack(part) for part in range(parts))


def place_at(cursor: Any, place: bytes) -> tuple[bytes, bytes] | None:
    """Return the first place from one on, and its key."""
    cursor.set_range(_PLACE + place)
    return place_here(cursor)


def place_here(cursor: Any) -> tuple[bytes, bytes] | None:
    """Return the place where a cursor is, and its key."""
    place, key = cursor.item()
    return (bytes(place[1:]), bytes(key)) if place[:1] == _PLACE else None
