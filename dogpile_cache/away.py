"""Many values for the callers of one process, while their backend is left alone.

Nothing is read or written, and no lock is taken; still each key has one creation at a
time.  This is kept short, for a page is to cost hardly more than without a cache.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from .api import NO_VALUE
from .flow import Flow, surely
from .regenerate import regenerate

if TYPE_CHECKING:
    from .mutex import Flight, Flights
    from .protocols import Batch


def make_away(
    batch: Batch[Any], flights: Flights, keys: Iterable[Any]
) -> Flow[dict[Any, Any]]:
    """Return the payloads of some keys, of which none is there twice."""
    owned: list[Flight] = []
    made: dict[Any, Any] = {}
    try:
        boarded = [
            (key, _board(flights, batch.mangle(key), key, owned)) for key in keys
        ]
        if owned:
            payloads = yield partial(batch.make, [flight.key for flight in owned])
            for flight, payload in zip(owned, payloads):
                made[flight.key] = payload
                flight.made = (payload,)
    finally:
        yield from surely(partial(_land_all, flights, owned))
    for key, flight in boarded:
        if key not in made:
            yield partial(flights.wait, flight)
            value = flight.made
            if value is None:  # who made it has failed
                value = yield from regenerate(batch.entry(key), flights, NO_VALUE)
            made[key] = value[0]
    return made


def _board(flights: Flights, id: Any, key: Any, owned: list[Flight]) -> Flight:
    """Board the flight of a key, which this caller may own."""
    try:
        flight, leads = flights.join(id, key)
        if leads:
            owned.append(flight)
    except BaseException:  # from a signal, just when it had been boarded
        flights.leave(id)
        raise
    return flight


def _land_all(flights: Flights, owned: Iterable[Flight]) -> None:
    for flight in owned:
        flights.land(flight)
