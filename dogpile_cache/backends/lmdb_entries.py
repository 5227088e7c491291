"""What an LMDB file holds, and what is dropped to make room.

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

To make room, what has expired goes first.  Then goes what SIEVE chooses.  A hit marks its
entry by a byte in memory that the processes share, and writes nothing else.  The hand walks
from where it stopped along the places, takes away the marks that it meets and drops the
first entry without one; after the last place it goes on with the first.  Two entries may
share a mark, so that one of them stays for longer; and the hand does not walk for ever
while everybody waits, so that now and then an entry goes that has a mark.

Source: Zhang et al., "SIEVE is Simpler than LRU", NSDI 2024.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from itertools import count, takewhile
from struct import Struct
from typing import Any

ENTRY = Struct("<16sdII")
"""What is in front of a record: place, deadline, the end of the number, parts."""

KEY = b"e"
_PLACED = Struct(">dQ")  # in an order that bytes keep
_PART = Struct(">I")
_PAGE_HEAD = 16
_END = 0xFFFFFFFF
_HAND, _LOCK, _PLACE, _REST = b"h", b"l", b"p", b"r"
_LOCK_ID, _COUNTS = Struct(">Q"), Struct(">QQ")
_FIRST = bytes(_PLACED.size)
_LONGEST_WALK = 1000
_MOST_DROPPED, _SOME = 16, 8

_numbers = count()


def _number() -> int:
    """Return a number above those before; its end differs from that of the last one."""
    return (time.time_ns() & ~0xFFFF) | (next(_numbers) & 0xFFFF)


class Entries:
    """Be the entries of an open environment; its methods are given a transaction.

    :param marks: bytes, as many as a power of two, shared by the processes.
    :param max_bytes: how many bytes of the file to use.
    """

    def __init__(
        self, env: Any, marks: Any, max_bytes: int, max_entries: int | None
    ) -> None:
        self._page = env.stat()["psize"]
        self._whole = self._page - _PAGE_HEAD
        self._marks = marks
        self._last_mark = len(marks) - 1
        self._max_bytes = max_bytes
        self._max_entries = max_entries
        self._puts = 0

    def get(self, txn: Any, key: bytes) -> bytes | None:
        """Return the record under a key, and mark it, or None."""
        entry = txn.get(key)
        if entry is None:
            return None
        _, _, number, parts = ENTRY.unpack_from(entry)
        self._marks[number & self._last_mark] = 1
        pieces = [entry[ENTRY.size :]]
        for name in _names(key, parts):
            part = txn.get(name)
            if part is None:  # which only damage can have taken away
                return None
            pieces.append(part)
        return b"".join(pieces) if parts else pieces[0]

    def put(
        self, txn: Any, key: bytes, record: bytes, deadline: float, now: float
    ) -> Sequence[bytes]:
        """Keep a record under a key, until a time or math.inf.

        Return the keys of what was dropped to make room.
        """
        old = txn.get(key)
        dropped = self._make_room(txn, len(record), old is None, now)
        if dropped:
            old = txn.get(key)  # which may be among them
        place = None if old is None else self._kept_place(txn, key, old, deadline)
        if place is None:
            place = _new_place(txn, deadline, key)
        number = _PLACED.unpack(place)[1] & _END
        self._marks[number & self._last_mark] = old is not None
        first = self._whole - ENTRY.size
        parts = 0
        if len(record) > first:
            parts = self._put_rest(txn, key, record[first:])
            record = record[:first]
        txn.put(key, ENTRY.pack(place, deadline, number, parts) + record)
        return dropped

    def _kept_place(
        self, txn: Any, key: bytes, old: Any, deadline: float
    ) -> bytes | None:
        """Return the place of an entry if it may stay there; else drop it.

        One that is to expire later is moved when it is looked at, and not before.
        """
        place: bytes = ENTRY.unpack_from(old)[0]
        stays = _PLACED.unpack(place)[0] <= deadline
        self._displace(txn, key, old, stays)
        return place if stays else None

    def _put_rest(self, txn: Any, key: bytes, rest: bytes) -> int:
        """Keep what is behind the first part of a record; tell how many parts it takes."""
        begins = range(0, len(rest), self._whole)
        for name, begin in zip(_names(key, len(begins)), begins):
            txn.put(name, rest[begin : begin + self._whole])
        _count_parts(txn, len(begins))
        return len(begins)

    def _displace(self, txn: Any, key: bytes, entry: Any, stays: bool = False) -> None:
        """Drop what there is of an entry beside the entry itself; its place may stay."""
        place, _, _, parts = ENTRY.unpack_from(entry)
        if not stays:
            txn.delete(_PLACE + place)
        if parts:
            dropped = list(takewhile(txn.delete, _names(key, parts)))
            _count_parts(txn, -len(dropped))

    def _make_room(
        self, txn: Any, size: int, is_new: bool, now: float
    ) -> Sequence[bytes]:
        """Drop twice as much as is to come where too much is there already.

        How much there is need not be asked each time.
        """
        entries, times = 0, 1 if size > self._whole else _SOME
        if is_new and self._max_entries is not None:
            entries = self.count(txn) + 1 - self._max_entries
        self._puts = (self._puts + 1) % times
        is_full = self._puts == 0 and self.size(txn) > self._max_bytes
        if entries <= 0 and not is_full:
            return ()
        return self._evict(txn, 2 * times * size if is_full else 0, entries, now)

    def shrink(self, txn: Any, now: float, more: int = 0) -> Sequence[bytes]:
        """Drop some entries if too much is there, or would be with so many bytes more.

        Return their keys; no keys mean that there is room.
        """
        _count_parts(txn, 0)  # so that something is written
        return self._evict(txn, self.size(txn) + more - self._max_bytes, 0, now)

    def delete(self, txn: Any, key: bytes) -> int:
        """Drop a key; tell how many bytes it took, 0 if it was not there."""
        old = txn.get(key)
        if old is None:
            return 0
        size: int = len(old) + len(key) + ENTRY.unpack_from(old)[3] * self._whole
        self._displace(txn, key, old)
        txn.delete(key)
        return size

    def count(self, txn: Any) -> int:
        """Tell how many entries there are; each has a place, and the rest hardly counts."""
        items: int = txn.stat()["entries"]
        return (items - _hand(txn)[2]) // 2

    def size(self, txn: Any) -> int:
        """Tell how many bytes are in use."""
        stat = txn.stat()
        pages = stat["leaf_pages"] + stat["overflow_pages"] + stat["branch_pages"]
        return int(pages * self._page)

    def evicted(self, txn: Any) -> int:
        """Tell how many entries have had to go."""
        return _hand(txn)[1]

    def _evict(self, txn: Any, size: int, entries: int, now: float) -> list[bytes]:
        """Drop entries of so many bytes, and so many of them; return their keys.

        Those that are too many for one transaction are left to the next ones: each of
        them takes pages of its own to drop.
        """
        hand = _hand(txn)[0]
        dropped: list[bytes] = []
        while (size > 0 or len(dropped) < entries) and len(dropped) < _MOST_DROPPED:
            found = self._expired(txn, now)
            if found is None:
                found = self._sieved(txn, hand)
                if found is None:
                    break
                hand = found[0]
            dropped.append(found[1])
            size -= self.delete(txn, found[1])
        if dropped:
            _, evicted, parts = _hand(txn)
            txn.put(_HAND, hand + _COUNTS.pack(evicted + len(dropped), parts))
        return dropped

    def purge(self, txn: Any, now: float, most: int) -> int:
        """Drop what has expired, as much as was said; tell how many entries."""
        for purged in range(most):
            found = self._expired(txn, now)
            if found is None:
                return purged
            self.delete(txn, found[1])
        return most

    def _expired(self, txn: Any, now: float) -> tuple[bytes, bytes] | None:
        """Tell place and key of an entry that has expired, if there is one."""
        for _ in range(_LONGEST_WALK):
            found = _at(txn.cursor(), _FIRST)
            if found is None or _PLACED.unpack(found[0])[0] > now:
                return None
            entry = txn.get(found[1])
            deadline = ENTRY.unpack_from(entry)[1]
            if deadline <= now:
                return found
            self._move(txn, found[1], bytes(entry), deadline)
        return None

    def _move(self, txn: Any, key: bytes, entry: bytes, deadline: float) -> None:
        """Give an entry that is to expire later than its place says another one."""
        old, _, _, parts = ENTRY.unpack_from(entry)
        txn.delete(_PLACE + old)
        place = _new_place(txn, deadline, key)
        number = _PLACED.unpack(place)[1] & _END
        marked = self._unmark(old)
        self._marks[number & self._last_mark] = marked
        head = ENTRY.pack(place, deadline, number, parts)
        txn.put(key, head + entry[ENTRY.size :])

    def _sieved(self, txn: Any, hand: bytes) -> tuple[bytes, bytes] | None:
        """Tell place and key of the entry that SIEVE drops, if there is any entry."""
        cursor = txn.cursor()
        found = _at(cursor, hand) or _at(cursor, _FIRST)
        for _ in range(_LONGEST_WALK):
            if found is None or not self._unmark(found[0]):
                break
            cursor.next()
            found = _here(cursor) or _at(cursor, _FIRST)
        return found

    def _unmark(self, place: bytes) -> bool:
        """Take away the mark of a place; tell whether there was one."""
        mark = _PLACED.unpack(place)[1] & self._last_mark
        marked, self._marks[mark] = self._marks[mark], 0
        return bool(marked)


def _new_place(txn: Any, deadline: float, key: bytes) -> bytes:
    number = _number()
    place = _PLACED.pack(max(deadline, 0.0), number)
    while not txn.put(_PLACE + place, key, overwrite=False):
        number += 1
        place = _PLACED.pack(max(deadline, 0.0), number)
    return place


def is_revoked(lock: int, txn: Any) -> bool:
    """Tell whether the holder of a lock is not to keep what it makes."""
    return txn.get(_LOCK + _LOCK_ID.pack(lock)) is not None


def note_revoked(txn: Any, lock: int, revoked: bool) -> None:
    """Note that the holder of a lock is not to keep what it makes, or is."""
    name = _LOCK + _LOCK_ID.pack(lock)
    if txn.put(name, b"", overwrite=False) if revoked else txn.delete(name):
        _count_parts(txn, 1 if revoked else -1)  # it is no entry, either


def _hand(txn: Any) -> tuple[bytes, int, int]:
    """Return where the hand is, how many entries were dropped, and how many parts are."""
    found = bytes(txn.get(_HAND, _FIRST + _COUNTS.pack(0, 0)))
    evicted, parts = _COUNTS.unpack(found[len(_FIRST) :])
    return found[: len(_FIRST)], evicted, parts


def _count_parts(txn: Any, more: int) -> None:
    hand, evicted, parts = _hand(txn)
    txn.put(_HAND, hand + _COUNTS.pack(evicted, parts + more))


def _names(key: bytes, parts: int) -> Iterator[bytes]:
    """Return the keys of so many parts of the record of a key."""
    if parts:
        name = _REST + hashlib.blake2b(key, digest_size=16).digest()
        yield from (name + _PART.pack(part) for part in range(parts))


def _at(cursor: Any, place: bytes) -> tuple[bytes, bytes] | None:
    """Return the first place from one on, and its key."""
    cursor.set_range(_PLACE + place)
    return _here(cursor)


def _here(cursor: Any) -> tuple[bytes, bytes] | None:
    place, key = cursor.item()
    return (bytes(place[1:]), bytes(key)) if place[:1] == _PLACE else None
