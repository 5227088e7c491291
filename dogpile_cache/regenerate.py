"""The dogpile algorithm, once; for many keys in ``regenerate_many.py``.

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

A creator that fails, or is slow, may be put up with: the entry says what to serve in its
place, and who is to make the value apart from the caller; see
:mod:`dogpile_cache.entry`.

The flows below yield steps and never wait; see :mod:`dogpile_cache.flow`.
"""

from __future__ import annotations

from functools import partial
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any

from .api import NO_VALUE
from .exception import CreatorTimeout
from .flow import Flow, surely
from .freshness import State
from .mutex import LONE_FLIGHTS, Flight, Flights
from .report import warning

if TYPE_CHECKING:
    from collections.abc import Callable

    from .mutex import Handover
    from .protocols import Entry, Mutex


def regenerate(entry: Entry, flights: Flights, seen: Any) -> Flow[Any]:
    """Return a value that may be served, given the one that was seen in the cache."""
    while (state := entry.state(seen)) is not State.FRESH:
        if state is State.STALE and entry.is_resting(seen):
            return seen
        flight, leads = yield from join(entry, flights)
        if leads and entry.is_away:
            return (yield from _make_away(entry, flights, flight))
        if leads:
            return (yield from _lead(entry, flights, flight, seen))
        if state is State.STALE:
            return seen
        reads = flight.reads
        begun = monotonic()
        result = yield partial(flights.wait, flight, entry.time_left)
        entry.waited(begun)
        if not flight.landed:
            raise CreatorTimeout(entry.key, entry.hard_timeout)
        if flight.error is not None and entry.shares_errors:
            raise flight.error
        if flight.made is not None and entry.is_away:
            return flight.made
        seen = entry.receive(result)
        if flight.found and flight.reads == reads:
            seen = NO_VALUE  # found before we came, and perhaps deleted in between
    return seen


def join(entry: Entry, flights: Flights) -> Flow[tuple[Flight, bool]]:
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
        value = yield from elect(entry, seen, flight, flights)
        stored = entry.stored()
        return value
    except Exception as error:
        if entry.shares_errors:
            flight.error = error
        raise
    finally:
        if not flight.handed_over:
            yield from surely(partial(flights.land, flight, stored))


def _make_away(entry: Entry, flights: Flights, flight: Flight) -> Flow[Any]:
    """Make a value for the callers of this process; the backend is left alone."""
    try:
        flight.made = yield entry.create
        return flight.made
    except Exception as error:
        if entry.shares_errors:
            flight.error = error
        raise
    finally:
        yield from surely(partial(flights.land, flight))


def elect(
    entry: Entry, seen: Any, flight: Flight, flights: Flights = LONE_FLIGHTS
) -> Flow[Any]:
    """Return what another process makes, or hold the mutex and make it."""
    begun, acquired = monotonic(), False
    try:
        while not (acquired := (yield partial(entry.mutex.acquire, False))):
            if entry.state(seen) is State.STALE:
                return seen
            if entry.time_left <= 0:
                raise CreatorTimeout(entry.key, entry.hard_timeout)
            if acquired := (yield from _pause(entry, monotonic() - begun)):
                break
            seen = yield from _look(entry, flight)
            if flight.found:
                entry.waited(begun)
                return seen
    finally:
        if not acquired:
            yield from leave(entry)
    return (yield from _create(entry, flight, flights))


def leave(entry: Entry) -> Flow[None]:
    """Tell a mutex that was not acquired that nobody waits for it any more."""
    step: Callable[[], Any] | None = getattr(entry.mutex, "leave", None)
    if step is not None:
        yield from surely(step)


def _look(entry: Entry, flight: Flight) -> Flow[Any]:
    """Read the value, and note whether it may be served."""
    flight.reads += 1
    seen = yield entry.read
    flight.found = entry.state(seen) is State.FRESH
    return seen


def _pause(entry: Entry, waited: float) -> Flow[bool]:
    """Wait for a change; True if the mutex was acquired meanwhile."""
    pause: Callable[[float], None] | None = getattr(entry.mutex, "pause", None)
    if pause is None and entry.hard_timeout == inf:
        return (yield partial(entry.mutex.acquire, True)) is not False
    yield partial(pause or entry.pause, waited)
    return False


def _create(entry: Entry, flight: Flight, flights: Flights) -> Flow[Any]:
    """Look again and make the value, or have it made; the mutex is held."""
    written = False
    try:
        seen = yield from _look(entry, flight)
        if flight.found:
            return seen
        entry.previous = seen
        defer, patience = entry.deferral(seen)
        if defer is not None:
            handover = entry.handover(flight, flights)
            handover.awaited = patience > 0
            yield from _hand_over(defer, handover)
            return (yield from _outcome(handover, flights, patience))
        try:
            made = yield entry.create
        except Exception as error:
            if not entry.excuses(error):
                raise
            return seen
        if entry.prepare(made) and (yield from may_write(entry, flight)):
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


def _outcome(handover: Handover, flights: Flights, patience: float) -> Flow[Any]:
    """Wait for what was handed over, as long as there is patience for it."""
    entry, flight = handover.entry, handover.flight
    if handover.awaited:
        yield partial(flights.wait, flight, patience)
        if flight.landed and flight.error is not None:
            raise flight.error
        if flight.landed and flight.made is not None:
            return flight.made
    handover.awaited = False
    if entry.state(entry.previous) is State.STALE:
        return entry.previous
    raise CreatorTimeout(entry.key, entry.hard_timeout)


def refresh(handover: Handover) -> Flow[None]:
    """Do what the algorithm had handed over: make the value, write it, release.

    An error of the creator is kept for the caller, or told by the log if none waits.
    """
    entry, flight = handover.entry, handover.flight
    written = False
    try:
        yield handover.lead
        flight.made = yield entry.create
        if entry.prepare(flight.made) and (yield from may_write(entry, flight)):
            written = True
            yield entry.write
        handover.stored = entry.stored()
    except Exception as error:  # noqa: BLE001  # told to whom it concerns
        _fail(handover, error)
    finally:
        kept = (yield from surely(handover.release)) is not False
        if written and (flight.superseded or not kept):
            yield entry.take_back


def _fail(handover: Handover, error: Exception) -> None:
    entry, flight = handover.entry, handover.flight
    if entry.excuses(error):
        flight.made = entry.previous
    elif handover.awaited:
        flight.error = error
    else:
        warning("The value of %r was not made anew", entry.key, exc_info=error)


def may_write(entry: Entry, flight: Flight) -> Flow[bool]:
    """Tell whether a creation has not been overtaken, as far as is known."""
    if flight.superseded:
        return False
    confirm = getattr(entry.mutex, "confirm", None)
    return confirm is None or bool((yield confirm))


def supersede(flights: Flights, mutex: Mutex, id: Any) -> Flow[None]:
    """Have the creations of a mangled key that are under way not be kept."""
    flights.supersede(id)
    revoke: Callable[[], Any] | None = getattr(mutex, "revoke", None)
    if revoke is not None:
        yield revoke
