"""Threads that build pages of a hundred fragments, and judge what they are served.

A fragment says which key it is of, and carries a digest of all it says; so one that is
another's, half of one, or changed on the way is noticed.
"""

from __future__ import annotations

import threading
import time
from hashlib import blake2b
from itertools import count
from random import Random
from typing import Any, NamedTuple

KEYS = 400
FRAGMENTS = 100


class Fault(NamedTuple):
    """Say what was wrong with a page."""

    what: str
    detail: str


class Fragments:
    """Make fragments and recognize them."""

    def __init__(self) -> None:
        self._numbers = count(1)
        self.made = 0

    def make(self, key: str) -> str:
        self.made = next(self._numbers)
        text = f"{key} {self.made} " + "x" * (self.made % 500)
        return f"{text} {_digest(text)}"

    def make_all(self, *keys: str) -> list[str]:
        return [self.make(key) for key in keys]


def is_of(fragment: Any, key: str) -> bool:
    """Tell whether this is a whole fragment, of this key."""
    if not isinstance(fragment, str):
        return False
    text, _, digest = fragment.rpartition(" ")
    return text.startswith(f"{key} ") and digest == _digest(text)


def _digest(text: str) -> str:
    return blake2b(text.encode(), digest_size=8).hexdigest()


class Reader(threading.Thread):
    """Build one page after the other until told to stop."""

    def __init__(self, regions: list[Any], stop: threading.Event, seed: int) -> None:
        super().__init__(name=f"reader {seed}", daemon=True)
        self.pages = 0
        self.slowest = 0.0
        self.faults: list[Fault] = []
        self.fragments = Fragments()
        self._regions = regions
        self._stop_reading = stop
        self._random = Random(seed)

    def run(self) -> None:
        while not self._stop_reading.is_set():
            begun = time.monotonic()
            try:
                self._page()
            except Exception as error:  # the page would have failed
                self.faults.append(Fault("a failed page", repr(error)))
            self.slowest = max(self.slowest, time.monotonic() - begun)
            self.pages += 1

    def _page(self) -> None:
        random = self._random
        region = random.choice(self._regions)
        first = random.randrange(KEYS)
        keys = [f"{(first + n) % KEYS}" for n in range(FRAGMENTS)]
        shown: dict[str, Any] = {}
        for key in keys[: FRAGMENTS // 2]:
            make = lambda key=key: self.fragments.make(key)
            shown[key] = region.get_or_create(key, make)
        rest = keys[FRAGMENTS // 2 :]
        shown.update(
            zip(rest, region.get_or_create_multi(rest, self.fragments.make_all))
        )
        for key, fragment in shown.items():
            if not is_of(fragment, key):
                detail = f"{key!r} was served {str(fragment)[:80]!r}"
                self.faults.append(Fault("a wrong content", detail))
        if random.random() < 0.3:
            self._change(region, random.choice(keys))

    def _change(self, region: Any, key: str) -> None:
        if self._random.random() < 0.5:
            region.set(key, self.fragments.make(key))
            return
        try:
            region.delete(key)
        except Exception:  # which a deletion may, under faults
            pass
