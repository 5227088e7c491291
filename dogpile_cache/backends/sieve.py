"""A mapping of bounded size that evicts by SIEVE.

The entries stand in a queue, from the oldest to the newest.  A hit marks its entry and
moves nothing, so it takes no lock.  To evict, a hand walks from where it last stopped
towards the newest entry, clears the marks it meets and drops the first entry that has
none; past the newest it goes on with the oldest.

Source: Zhang et al., "SIEVE is Simpler than LRU", NSDI 2024.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Hashable, Iterator, MutableMapping
from functools import partial
from threading import get_ident
from typing import Any

from dogpile_cache.forking import forget_after_fork


class _Entry:
    __slots__ = ("key", "newer", "older", "value", "visited")

    older: _Entry
    newer: _Entry

    def __init__(self, key: Hashable, value: Any) -> None:
        self.key = key
        self.value = value
        self.visited = False


class Sieve(MutableMapping[Any, Any]):
    """Keep at most ``max_entries`` entries.

    :param on_evict: is told of each key that is dropped to make room.
    """

    def __init__(
        self, max_entries: int, on_evict: Callable[[Any], None] | None = None
    ) -> None:
        self.max_entries = max_entries
        self._on_evict = on_evict
        self._begin()
        forget_after_fork(self)

    def _begin(self) -> None:
        self._lock = threading.RLock()
        self._holder: int | None = None
        self._postponed: deque[Callable[[], None]] = deque()
        self._entries: dict[Hashable, _Entry] = {}
        self._end = end = _Entry(None, None)  # the queue is a ring through this one
        end.older = end.newer = end
        self._hand = end

    def forget(self) -> None:
        """Begin anew in a forked child if the parent was changing the queue."""
        if self._holder is not None:
            self._begin()

    def get(self, key: Hashable, default: Any = None) -> Any:
        entry = self._entries.get(key)
        if entry is None:
            return default
        entry.visited = True
        return entry.value

    def __getitem__(self, key: Hashable) -> Any:
        entry = self._entries[key]
        entry.visited = True
        return entry.value

    def __setitem__(self, key: Hashable, value: Any) -> None:
        self._change(partial(self._put, key, value))

    def __delitem__(self, key: Hashable) -> None:
        if key not in self._entries:
            raise KeyError(key)
        self.pop(key)

    def pop(self, key: Hashable, default: Any = None) -> Any:
        """Remove a key; return its value, or the default if there is none."""
        entry = self._entries.get(key)
        if entry is None:
            return default
        self._change(partial(self._remove, key))
        return entry.value

    def _change(self, change: Callable[[], None]) -> None:
        """Make a change alone.

        The finalizer of a value may ask for another change in the midst of it, in this
        very thread; that is made at its end.
        """
        if self._holder == get_ident():
            self._postponed.append(change)
            return
        with self._lock:
            self._holder = get_ident()
            try:
                change()
                while self._postponed:
                    self._postponed.popleft()()
            finally:
                self._holder = None

    def _put(self, key: Hashable, value: Any) -> None:
        entry = self._entries.get(key)
        if entry is not None:
            entry.value = value
            entry.visited = True
            return
        if len(self._entries) >= self.max_entries:
            self._evict()
        self._entries[key] = entry = _Entry(key, value)
        newest = self._end.older
        entry.older, entry.newer = newest, self._end
        newest.newer = self._end.older = entry

    def _remove(self, key: Hashable) -> None:
        entry = self._entries.get(key)
        if entry is not None:
            self._drop(entry)

    def _evict(self) -> None:
        entry = self._hand
        while entry is self._end or entry.visited:
            entry.visited = False
            entry = entry.newer
        self._hand = entry
        self._drop(entry)
        if self._on_evict is not None:
            self._on_evict(entry.key)

    def _drop(self, entry: _Entry) -> None:
        if self._hand is entry:
            self._hand = entry.newer
        entry.older.newer, entry.newer.older = entry.newer, entry.older
        del self._entries[entry.key]

    def __iter__(self) -> Iterator[Any]:
        return iter(list(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def items(self) -> Any:
        """Return keys and values without marking anything as visited."""
        return [(key, entry.value) for key, entry in list(self._entries.items())]
