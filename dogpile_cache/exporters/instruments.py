"""What is measured, whichever system the measurements go to.

Each kind of event is counted, or its duration recorded, in exactly one instrument.  The
attributes have few values: the region, and one of those below.  A key is never one, since
each value of an attribute is a time series of its own, and is kept forever.
"""

from __future__ import annotations

from typing import NamedTuple

from dogpile_cache.events import Kind


class Counter(NamedTuple):
    """Count events, by an attribute that tells them apart if there is one."""

    name: str
    unit: str
    description: str
    attribute: str | None = None


class Timer(NamedTuple):
    """Record durations in seconds."""

    name: str
    description: str


REQUESTS = Counter("requests", "{request}", "Requests for a key.", "outcome")
FAILURES = Counter("failures", "{failure}", "Errors that were raised.", "source")
CIRCUIT = Counter(
    "circuit_transitions",
    "{transition}",
    "How often the backend was given up and asked again.",
    "state",
)
EVICTIONS = Counter("evictions", "{value}", "Values dropped to make room.")
REJECTIONS = Counter("rejections", "{value}", "Stored values that were not accepted.")

COUNTED = {
    Kind.HIT: (REQUESTS, "hit"),
    Kind.MISS: (REQUESTS, "miss"),
    Kind.STALE: (REQUESTS, "stale"),
    Kind.CREATOR_FAILED: (FAILURES, "creator"),
    Kind.BACKEND_FAILED: (FAILURES, "backend"),
    Kind.CIRCUIT_OPENED: (CIRCUIT, "open"),
    Kind.CIRCUIT_CLOSED: (CIRCUIT, "closed"),
    Kind.EVICTED: (EVICTIONS, ""),
    Kind.REJECTED: (REJECTIONS, ""),
}
"""By kind, the counter and the value of its attribute."""

TIMED = {
    Kind.CREATED: Timer("creation", "How long creators took."),
    Kind.WAITED: Timer("wait", "How long requests waited for another's creation."),
}

COUNTERS = dict.fromkeys(counter for counter, _ in COUNTED.values())

BOUNDARIES = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
    60.0,
)  # fmt: skip
"""The upper bounds of the buckets of durations, in seconds."""
