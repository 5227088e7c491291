"""A world without threads, in which callers take one step at a time.

Each process is a region of its own; they share a dict of values and a lock per key.  A
caller is a flow, which a region would drive from start to end and which here is
suspended at each step.  A creation takes two steps, so that anything may happen in its
middle.  A step that waits can be taken once there is what it waits for.

A world describes itself: two worlds of one description have the same futures.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

from dogpile_cache import CacheRegion, make_region
from dogpile_cache.api import CachedValue, CacheMutex, Metadata
from dogpile_cache.batch import RegionBatch
from dogpile_cache.entry import RegionEntry
from dogpile_cache.freshness import State
from dogpile_cache.invalidation import DefaultInvalidationStrategy
from dogpile_cache.mutex import Flight, Flights
from dogpile_cache.testing import SettableClock

LIFETIME = 10.0


class Phase(enum.IntEnum):
    """Say whether what happens to the world has happened."""

    BEFORE = 0
    DURING = 1
    OVER = 2


class Made(NamedTuple):
    """Be a payload that tells which key it is of and how it came about."""

    key: str
    by: str
    again: int
    after: Phase
    """The phase of the event in which its creation began."""


_TELLING = {str, int, bool}
"""Types of what is named by itself; a float is a time that nobody decides by."""


@dataclass(frozen=True)
class Case:
    """Say what a world is made of."""

    processes: tuple[int, ...]
    """The process of each caller."""
    start: str = "cold"
    lock: str = "lease"
    failing: frozenset[str] = frozenset()
    event: str = ""
    of_process: int = 0
    """Where the event is set off."""

    def __str__(self) -> str:
        fails = "".join(f" {name}-fails" for name in sorted(self.failing))
        event = f" {self.event}-by-{self.of_process}" if self.event else ""
        return f"{self.processes} {self.start} {self.lock}{event}{fails}"


class Lock:
    """Be what processes share for one key, in place of a server."""

    def __init__(self) -> None:
        self.owner: BlockingMutex | None = None
        self.holder = ""
        self.changes = 0

    def give(self, owner: BlockingMutex | None, holder: str = "") -> None:
        self.owner, self.holder = owner, holder
        self.changes += 1


class Turn:
    """Know whose step is being taken."""

    of = ""


class Values(dict[Any, CachedValue]):
    """Be what is in the cache, and count its changes."""

    changes = 0

    def __setitem__(self, key: Any, value: CachedValue) -> None:
        super().__setitem__(key, value)
        self.changes += 1

    def pop(self, *args: Any) -> Any:
        self.changes += args[0] in self
        return super().pop(*args)


class BlockingMutex(CacheMutex):
    """Be the hold that one caller has of a lock; who waits for it blocks."""

    def __init__(self, world: World, id: Any) -> None:
        self.id = id
        self.lock = world.locks.setdefault(id, Lock())

    def acquire(self, wait: bool = True) -> bool:
        if self.lock.owner is not None:
            assert not wait, "a step that blocks was taken"
            return False
        self.lock.give(self, Turn.of)
        return True

    def release(self) -> bool:
        kept = self.lock.owner is self
        if kept:
            self.lock.give(None)
        return kept

    def locked(self) -> bool:
        return self.lock.owner is not None

    def revoke(self) -> None:
        self.lock.give(None)


class LeaseMutex(BlockingMutex):
    """Be the same, but who waits for it looks for the value meanwhile."""

    def pause(self, waited: float) -> None:
        """Return: this step is taken when there is something new to see."""


class WatchedFlights(Flights):
    """Be the flights of one process, with a name for each."""

    def __init__(self) -> None:
        super().__init__()
        self.named: dict[str, Flight] = {}

    def join(self, id: Any, key: Any) -> tuple[Flight, bool]:
        flight, leads = super().join(id, key)
        if leads:
            name = f"{id} of {flight.leader}"
            self.named[f"{name}, {sum(map(name.__eq__, self.named))}"] = flight
        return flight, leads


class SplitEntry(RegionEntry):
    """Be an entry whose creation has a beginning and an end."""

    began = 0.0

    def begin(self) -> None:
        self.began = self.policy.clock.time()

    def create(self) -> CachedValue:
        payload, metadata = super().create()
        return CachedValue(payload, Metadata(metadata["ct"], self.began))


class SplitBatch(RegionBatch):
    """Be a batch whose creation has a beginning and an end."""

    began = 0.0

    def entry(self, key: Any) -> SplitEntry:
        create = partial(self._make_one, key)
        return SplitEntry(self._region, key, create, *self._options)

    def begin(self, entries: Sequence[RegionEntry]) -> None:
        self.began = self._region.clock.time()

    def create(self, entries: Sequence[RegionEntry]) -> list[CachedValue]:
        made = super().create(entries)
        return [CachedValue(p, Metadata(m["ct"], self.began)) for p, m in made]


class World:
    """Be some processes and what they share."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.clock = SettableClock()
        self.strategy = DefaultInvalidationStrategy(self.clock)
        self.values = Values()
        self.locks: dict[Any, Lock] = {}
        self._naming: dict[type, Callable[[Any], Any]] = {
            Made: lambda it: (it.key, it.by, it.again, int(it.after)),
            State: lambda it: it.value,
            CachedValue: lambda it: (
                (self.name(it.payload), it.metadata["st"], it.metadata["ct"])
            ),
            Flight: lambda it: next(name for name, f in self.flights() if f is it),
            SplitEntry: lambda it: (it.key, it.began, self.name(it.stored())),
            SplitBatch: lambda it: it.began,
            dict: lambda it: self._names(it.items()),
            set: lambda it: tuple(sorted(it)),
            list: self._names,
            tuple: self._names,
        }
        self.phase = Phase.BEFORE
        count = max(*case.processes, case.of_process) + 1
        self.regions = [self._process() for _ in range(count)]

    def _process(self) -> CacheRegion:
        make = {"lease": LeaseMutex, "blocking": BlockingMutex}.get(self.case.lock)
        region = make_region(
            clock=self.clock, lock_generator=make and partial(make, self)
        )
        region._flights = WatchedFlights()
        return region.configure(
            "dogpile.cache.memory",
            expiration_time=LIFETIME,
            arguments={"cache_dict": self.values},
            region_invalidator=self.strategy,
        )

    def fill(self, *keys: str) -> None:
        """Begin with values, which are stale or fresh, or with none."""
        if self.case.start != "cold":
            for key in keys:
                self.regions[0].set(key, Made(key, "the start", 0, Phase.BEFORE))
        if self.case.start == "stale":
            self.clock.move(LIFETIME + 1)

    def flights(self) -> Iterator[tuple[str, Flight]]:
        for region in self.regions:
            flights: Any = region._flights
            yield from flights.named.items()

    def name(self, it: Any) -> Any:
        """Return what is equal for answers of one meaning.

        It is made of plain objects alone, which cost the garbage collector nothing.
        """
        if type(it) in _TELLING:
            return it
        naming = self._naming.get(type(it))
        return None if naming is None else naming(it)

    def _names(self, them: Iterable[Any]) -> tuple[Any, ...]:
        return tuple(map(self.name, them))

    def in_cache(self) -> tuple[Any, ...]:
        return tuple(sorted((k, self.name(v)) for k, v in self.values.items()))

    @property
    def changes(self) -> int:
        """How often there was something new to see for one who pauses."""
        return self.values.changes + sum(lock.changes for lock in self.locks.values())

    def describe(self) -> tuple[Any, ...]:
        """Return all that the future depends on, but for those who take the steps."""
        of_flight = Flight.__slots__
        return (
            self.in_cache(),
            tuple(sorted((k, lock.holder) for k, lock in self.locks.items())),
            tuple(
                (
                    name,
                    f.landed,
                    self._names(getattr(f, s) for s in of_flight),
                )
                for name, f in sorted(self.flights(), key=lambda pair: pair[0])
            ),
            (self.clock.now, self.strategy.latest, int(self.phase)),
        )
