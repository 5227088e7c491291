"""Which entries an LMDB file holds, and what is dropped to make room.

To make room, what has expired goes first.  Then goes what SIEVE chooses.  A hit marks its
entry by a byte in memory that the processes share, and writes nothing else.  The hand walks
from where it stopped along the places, takes away the marks that it meets and drops the
first entry without one; after the last place it goes on with the first.  Two entries may
share a mark, so that one of them stays for longer; and the hand does not walk for ever
while everybody waits, so that now and then an entry goes that has a mark.

Source: Zhang et al., "SIEVE is Simpler than LRU", NSDI 2024.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import Any

from .lmdb_table import (
    END,
    ENTRY,
    FIRST,
    PLACE,
    count_others,
    drop_place,
    hand_of,
    move_hand,
    names_of_parts,
    new_place,
    place_at,
    place_here,
)

_PAGE_HEAD = 16
_LONGEST_WALK = 1000
_SOME = 8


class Entries:
    """Be the entries of an open environment; its methods are given a transaction.

    :param marks: bytes, as many as a power of two, shared by the processes.
    :param max_bytes: how many bytes of the file to use.
    :param spare: how many bytes there are besides, for what is no longer in use, and not
        free yet.
    """

    def __init__(
        self,
        env: Any,
        marks: Any,
        max_bytes: int,
        max_entries: int | None,
        spare: int,
    ) -> None:
        self._page = env.stat()["psize"]
        self.at_once = max(spare // (8 * self._page), 16)
        """How many entries to change in one transaction: each may take two pages."""

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
        for name in names_of_parts(key, parts):
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
            place = new_place(txn, deadline, key)
        number = PLACE.unpack(place)[1] & END
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
        stays = PLACE.unpack(place)[0] <= deadline
        self._displace(txn, key, old, stays)
        return place if stays else None

    def _put_rest(self, txn: Any, key: bytes, rest: bytes) -> int:
        """Keep what is behind the first part of a record; tell how many parts it takes."""
        begins = range(0, len(rest), self._whole)
        for name, begin in zip(names_of_parts(key, len(begins)), begins):
            txn.put(name, rest[begin : begin + self._whole])
        count_others(txn, len(begins))
        return len(begins)

    def _displace(self, txn: Any, key: bytes, entry: Any, stays: bool = False) -> None:
        """Drop what there is of an entry beside the entry itself; its place may stay."""
        place, _, _, parts = ENTRY.unpack_from(entry)
        if not stays:
            drop_place(txn, place)
        if parts:
            dropped = list(takewhile(txn.delete, names_of_parts(key, parts)))
            count_others(txn, -len(dropped))

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
        count_others(txn, 0)  # so that something is written
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
        return (items - hand_of(txn)[2]) // 2

    def size(self, txn: Any) -> int:
        """Tell how many bytes are in use."""
        stat = txn.stat()
        pages = stat["leaf_pages"] + stat["overflow_pages"] + stat["branch_pages"]
        return int(pages * self._page)

    def evicted(self, txn: Any) -> int:
        """Tell how many entries have had to go."""
        return hand_of(txn)[1]

    def _evict(self, txn: Any, size: int, entries: int, now: float) -> list[bytes]:
        """Drop entries of so many bytes, and so many of them; return their keys.

        Those that are too many for one transaction are left to the next ones: each of
        them takes pages of its own to drop.
        """
        hand = hand_of(txn)[0]
        dropped: list[bytes] = []
        while (size > 0 or len(dropped) < entries) and len(dropped) < self.at_once:
            found = self._expired(txn, now)
            if found is None:
                found = self._sieved(txn, hand)
                if found is None:
                    break
                hand = found[0]
            dropped.append(found[1])
            size -= self.delete(txn, found[1])
        if dropped:
            move_hand(txn, hand, len(dropped))
        return dropped

    def purge(self, txn: Any, now: float) -> tuple[int, bool]:
        """Drop what has expired; tell how many entries, and whether there may be more."""
        for purged in range(self.at_once):
            found = self._expired(txn, now)
            if found is None:
                due = place_at(txn.cursor(), FIRST)
                return purged, due is not None and PLACE.unpack(due[0])[0] <= now
            self.delete(txn, found[1])
        return self.at_once, True

    def _expired(self, txn: Any, now: float) -> tuple[bytes, bytes] | None:
        """Tell place and key of an entry that has expired, if one is soon found."""
        for _ in range(self.at_once):
            found = place_at(txn.cursor(), FIRST)
            if found is None or PLACE.unpack(found[0])[0] > now:
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
        drop_place(txn, old)
        place = new_place(txn, deadline, key)
        number = PLACE.unpack(place)[1] & END
        marked = self._unmark(old)
        self._marks[number & self._last_mark] = marked
        head = ENTRY.pack(place, deadline, number, parts)
        txn.put(key, head + entry[ENTRY.size :])

    def _sieved(self, txn: Any, hand: bytes) -> tuple[bytes, bytes] | None:
        """Tell place and key of the entry that SIEVE drops, if there is any entry."""
        cursor = txn.cursor()
        found = place_at(cursor, hand) or place_at(cursor, FIRST)
        for _ in range(_LONGEST_WALK):
            if found is None or not self._unmark(found[0]):
                break
            cursor.next()
            found = place_here(cursor) or place_at(cursor, FIRST)
        return found

    def _unmark(self, place: bytes) -> bool:
        """Take away the mark of a place; tell whether there was one."""
        mark = PLACE.unpack(place)[1] & self._last_mark
        marked, self._marks[mark] = self._marks[mark], 0
        return bool(marked)
