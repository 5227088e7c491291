"""The dogpile algorithm for many keys, which one creator makes in one go.

It is that of ``regenerate.py``, but that nobody waits while he holds a lock.
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
from .regenerate import join, leave, may_write, regenerate
from .report import warning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .mutex import Flight, Flights
    from .protocols import Batch, Entry, EntryT


def regenerate_many(
    entries: Sequence[EntryT],
    batch: Batch[EntryT],
    flights: Flights,
    seen: dict[Any, Any],
) -> Flow[None]:
    """Bring the values of ``seen``, by key, to ones that may be served.

    All keys that nobody is at work on are made in one go.  What others make, or make in
    the background, is seen to afterwards, one key after the other and with no lock held,
    so that no two callers can wait for each other.
    """
    owned: list[tuple[EntryT, Flight]] = []
    others: list[EntryT] = []
    written: set[Any] = set()
    apart = False
    try:
        for entry in entries:
            state = entry.state(seen[entry.key])
            if entry.is_ahead(seen[entry.key]):
                others.append(entry)
            elif state is not State.FRESH and not entry.is_resting(seen[entry.key]):
                flight, leads = yield from join(entry, flights)
                if leads and (yield from _acquire(entry, flights, flight)):
                    entry.previous = seen[entry.key]
                    owned.append((entry, flight))
                elif state is State.MISSING:
                    others.append(entry)
        patience = batch.patience([entry for entry, _ in owned])
        if patience == inf:
            yield from _create_many(owned, batch, seen, written)
        else:
            yield from _hand_over(owned, batch, flights, seen)
            apart = True
    finally:
        if not apart:
            yield from _let_go(owned, flights, written)
    if apart:
        yield from _await_all(owned, batch, flights, seen, patience)
    for entry in others:
        seen[entry.key] = yield from regenerate(entry, flights, seen[entry.key])


def _hand_over(
    owned: Sequence[tuple[EntryT, Flight]],
    batch: Batch[EntryT],
    flights: Flights,
    seen: dict[Any, Any],
) -> Flow[None]:
    for _, flight in owned:
        flight.leader = None  # until another thread or task has taken over
    yield partial(batch.apart, _create_apart(owned, batch, flights, seen))


def _create_apart(
    owned: Sequence[tuple[EntryT, Flight]],
    batch: Batch[EntryT],
    flights: Flights,
    seen: dict[Any, Any],
) -> Flow[None]:
    """Make the values in place of a caller, and let go of what the caller held."""
    written: set[Any] = set()
    try:
        for _, flight in owned:
            yield partial(flights.lead, flight)
        yield from _create_many(owned, batch, seen, written)
    except Exception as error:  # noqa: BLE001  # told to whom it concerns
        for _, flight in owned:
            flight.error = error
        if not batch.awaited:
            warning("Some values were not made", exc_info=error)
    finally:
        yield from _let_go(owned, flights, written)


def _await_all(
    owned: Sequence[tuple[EntryT, Flight]],
    batch: Batch[EntryT],
    flights: Flights,
    seen: dict[Any, Any],
    patience: float,
) -> Flow[None]:
    """Wait for what is made apart, as long as there is patience for it."""
    until = monotonic() + patience
    for entry, flight in owned:
        yield partial(flights.wait, flight, max(until - monotonic(), 0))
        if flight.landed and flight.error is not None:
            raise flight.error
        if not flight.landed:
            batch.awaited = False
            if entry.state(seen[entry.key]) is State.MISSING:
                raise CreatorTimeout(entry.key, entry.hard_timeout)


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
            yield from leave(entry)


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
            seen[entry.key] = entry.previous = value
            flight.found = entry.state(value) is State.FRESH
    entries = [entry for entry, flight in owned if not flight.found]
    if entries:
        try:
            made = yield partial(batch.create, entries)
        except Exception as error:
            if not batch.excuses(entries, error):
                raise
            return
        seen.update((e.key, value) for e, value in zip(entries, made))
        kept = [e for e, value in zip(entries, made) if e.prepare(value)]
        for entry, flight in owned:
            if entry in kept and not (yield from may_write(entry, flight)):
                kept.remove(entry)
        written.update(e.key for e in kept)
        yield partial(batch.write, kept)
