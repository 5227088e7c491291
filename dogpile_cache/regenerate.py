"""The dogpile algorithm, once: one key and many keys.

Two rules make that there is exactly one creation per key and expiry, however threads,
tasks and processes interleave:

- **One goes, the others gather.**  The callers of a process that find nothing to serve
  board one flight; its leader alone goes to the mutex that processes share.  Whoever
  has a stale value in hand never waits: if another is at it, the stale value is served.
- **After the lock, look again.**  Whoever gets the mutex reads the value once more
  before it creates, with a stale value in hand too.

Whoever waits looks for the value while waiting, not for the lock.

A deletion wins over a creation that had started before: it marks the flight and takes
away the lease, so that the creation's end does not keep its value, or takes it back.

The flows below yield steps and never wait; see :mod:`dogpile_cache.flow`.
"""

from __future__ import annotations

from functools import partial
from time import monotonic
from typing import TYPE_CHECKING, Any

from .api import NO_VALUE
from .flow import Flow, surely
from .freshness import State
from .mutex import Flight, Flights

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .mutex import Handover
    from .protocols import Batch, Entry, EntryT, Mutex


def regenerate(entry: Entry, flights: Flights, seen: Any) -> Flow[Any]:
    """Return a value that may be served, given the one that was seen in the cache."""
    while (state := entry.state(seen)) is not State.FRESH:
        flight, leads = yield from _join(entry, flights)
        if leads:
            return (yield from _lead(entry, flights, flight, seen))
        if state is State.STALE:
            return seen
        reads = flight.reads
        seen = entry.receive((yield partial(flights.wait, flight)))
        if flight.found and flight.reads == reads:
            seen = NO_VALUE  # found before we came, and perhaps deleted in between
    return seen


def _join(entry: Entry, flights: Flights) -> Flow[tuple[Flight, bool]]:
    """Board the flight of a key; tell whether this caller leads it."""
    try:
        boarded: tuple[Flight, bool] = yield partial(flights.join, entry.id, entry.key)
        return boarded
    except BaseException:  # from a signal, just when it had been boarded
        flights.leave(entry.id)
        raise


def _lead(entry: Entry, flights: Flights, flight: Flight, seen: Any) -> Flow[Any]:
    stored: Any = NO_VALUE
    try:
        value = yield from elect(entry, seen, flight, partial(flights.land, flight))
        stored = entry.stored()
        return value
    finally:
        if not flight.handed_over:
            yield from surely(partial(flights.land, flight, stored))


def elect(
    entry: Entry,
    seen: Any,
    flight: Flight,
    land: Callable[[], None] = lambda: None,
) -> Flow[Any]:
    """Return what another process makes, or hold the mutex and make it."""
    begun = monotonic()
    while not (yield partial(entry.mutex.acquire, False)):
        if entry.state(seen) is State.STALE:
            return seen
        if (yield from _pause(entry.mutex, begun)):
            break
        seen = yield from _look(entry, flight)
        if flight.found:
            return seen
    return (yield from _create(entry, flight, land))


def _look(entry: Entry, flight: Flight) -> Flow[Any]:
    """Read the value, and note whether it may be served."""
    flight.reads += 1
    seen = yield entry.read
    flight.found = entry.state(seen) is State.FRESH
    return seen


def _pause(mutex: Mutex, begun: float) -> Flow[bool]:
    """Wait for a change; True if the mutex was acquired meanwhile."""
    pause: Callable[[float], None] | None = getattr(mutex, "pause", None)
    if pause is None:
        return (yield partial(mutex.acquire, True)) is not False
    yield partial(pause, monotonic() - begun)
    return False


def _create(entry: Entry, flight: Flight, land: Callable[[], None]) -> Flow[Any]:
    """Look again and make the value; the mutex is held."""
    written = False
    try:
        seen = yield from _look(entry, flight)
        if flight.found:
            return seen
        if entry.defer is not None and entry.state(seen) is State.STALE:
            yield from _hand_over(entry.defer, entry.handover(flight, land))
            return seen
        made = yield entry.create
        if entry.prepare(made) and (yield from _may_write(entry, flight)):
            written = True
            yield entry.write
        return made
    finally:
        if not flight.handed_over:
            released = yield from surely(entry.release)
            kept = released and not flight.superseded
            if written and not kept:
                yield entry.take_back


def _hand_over(defer: Callable[[Handover], None], handover: Handover) -> Flow[None]:
    flight = handover.flight
    flight.handed_over, flight.leader = True, None
    try:
        yield partial(defer, handover)
    except BaseException:
        flight.handed_over = handover.released  # else what was held is released here
        raise


def refresh(entry: Entry, handover: Handover) -> Flow[None]:
    """Do what the algorithm had handed over: make the value, write it, release."""
    written = False
    try:
        made = yield entry.create
        if entry.prepare(made) and (yield from _may_write(entry, handover.flight)):
            written = True
            yield entry.write
    finally:
        kept = (yield from surely(handover.release)) is not False
        if written and (handover.flight.superseded or not kept):
            yield entry.take_back


def _may_write(entry: Entry, flight: Flight) -> Flow[bool]:
    """Tell whether a creation has not been overtaken, as far as is known."""
    if flight.superseded:
        return False
    confirm = getattr(entry.mutex, "confirm", None)
    return confirm is None or bool((yield confirm))


def regenerate_many(
    entries: Sequence[EntryT],
    batch: Batch[EntryT],
    flights: Flights,
    seen: dict[Any, Any],
) -> Flow[None]:
    """Bring the values of ``seen``, by key, to ones that may be served.

    All keys that nobody is at work on are made in one go.  What others make is waited
    for afterwards, one key after the other and with no lock held, so that no two
    callers can wait for each other.
    """
    owned: list[tuple[EntryT, Flight]] = []
    awaited: list[EntryT] = []
    written: set[Any] = set()
    try:
        for entry in entries:
            state = entry.state(seen[entry.key])
            if state is State.FRESH:
                continue
            flight, leads = yield from _join(entry, flights)
            if leads and (yield from _acquire(entry, flights, flight)):
                owned.append((entry, flight))
            elif state is State.MISSING:
                awaited.append(entry)
        yield from _create_many(owned, batch, seen, written)
    finally:
        yield from _let_go(owned, flights, written)
    for entry in awaited:
        seen[entry.key] = yield from regenerate(entry, flights, NO_VALUE)


def _let_go(
    owned: Sequence[tuple[EntryT, Flight]], flights: Flights, written: set[Any]
) -> Flow[None]:
    """Release every mutex and land every flight, whatever happens."""
    failed: BaseException | None = None
    for entry, flight in owned:
        try:
            yield from _end(entry, flights, flight, entry.key in written)
        except BaseException as error:  # noqa: BLE001  # the others come first
            failed = error
    if failed is not None:
        raise failed


def _end(entry: Entry, flights: Flights, flight: Flight, written: bool) -> Flow[None]:
    kept = False
    try:
        released = yield from surely(entry.release)
        kept = released and not flight.superseded
        if written and not kept:
            yield entry.take_back
    finally:
        stored = entry.stored() if kept else NO_VALUE
        yield from surely(partial(flights.land, flight, stored))


def _acquire(entry: Entry, flights: Flights, flight: Flight) -> Flow[bool]:
    """Take the mutex of a key if it is free; land the flight if not."""
    acquired = False
    try:
        acquired = bool((yield partial(entry.mutex.acquire, False)))
        return acquired
    finally:
        if not acquired:
            flights.land(flight)


def _create_many(
    owned: Sequence[tuple[EntryT, Flight]],
    batch: Batch[EntryT],
    seen: dict[Any, Any],
    written: set[Any],
) -> Flow[None]:
    for _, flight in owned:
        flight.reads += 1
    if owned:
        found = yield partial(batch.read, [entry for entry, _ in owned])
        for (entry, flight), value in zip(owned, found):
            seen[entry.key] = value
            flight.found = entry.state(value) is State.FRESH
    entries = [entry for entry, flight in owned if not flight.found]
    if entries:
        made = yield partial(batch.create, entries)
        seen.update((e.key, value) for e, value in zip(entries, made))
        kept = [e for e, value in zip(entries, made) if e.prepare(value)]
        for entry, flight in owned:
            if entry in kept and not (yield from _may_write(entry, flight)):
                kept.remove(entry)
        written.update(e.key for e in kept)
        yield partial(batch.write, kept)


def supersede(flights: Flights, mutex: Mutex, id: Any) -> Flow[None]:
    """Have the creations of a mangled key that are under way not be kept."""
    flights.supersede(id)
    revoke: Callable[[], Any] | None = getattr(mutex, "revoke", None)
    if revoke is not None:
        yield revoke
