"""What a backend has missed while it was away, to be made up for when it is back.

For each (mangled) key the last thing counts that was to be done: a value that was to be
written, or a deletion.  Until it is done, the key is a miss, whatever the backend still
holds.  A write is not repeated if the backend has a newer value by then.

There are bounds.  Where values would take too much memory their keys are to be deleted
instead; beyond so many keys the oldest are forgotten, which the log tells.
"""

from __future__ import annotations

import threading
from typing import Any

from .api import NO_VALUE
from .report import warning

MOST_KEYS = 10_000
MOST_BYTES = 16 * 2**20


class Missed:
    """Remember what is to be done for which key."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._bytes = 0
        self._due: dict[Any, Any] = {}  # values, and NO_VALUE for deletions

    def __bool__(self) -> bool:
        return bool(self._due)

    def __contains__(self, id: Any) -> bool:
        return id in self._due

    def __len__(self) -> int:
        return len(self._due)

    def add(self, id: Any, stored: Any = NO_VALUE) -> None:
        """Remember a value that was not written, or by default a deletion."""
        with self._guard:
            self._drop(id)
            size = _size(stored)
            if size is None or self._bytes + size > MOST_BYTES:
                stored, size = NO_VALUE, 0
            self._due[id] = stored
            self._bytes += size
            if len(self._due) > MOST_KEYS:
                self._drop(next(iter(self._due)))
                warning(
                    "More than %s changes were missed; the oldest are forgotten",
                    MOST_KEYS,
                )

    def first(self) -> tuple[Any, Any] | None:
        """Return a key and what is to be written, ``NO_VALUE`` for a deletion."""
        with self._guard:
            return next(iter(self._due.items()), None)

    def done(self, id: Any, stored: Any = ...) -> None:
        """Forget a key; given what was done, only if nothing newer has come."""
        with self._guard:
            if stored is ... or self._due.get(id, ...) is stored:
                self._drop(id)

    def _drop(self, id: Any) -> None:
        stored = self._due.pop(id, NO_VALUE)
        self._bytes -= _size(stored) or 0


def _size(stored: Any) -> int | None:
    """Return how many bytes a value takes; None where that is not known."""
    if stored is NO_VALUE:
        return 0
    return len(stored) if isinstance(stored, bytes) else None
