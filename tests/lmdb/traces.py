"""Sequences of requests, and what a cache makes of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from random import Random

Trace = Sequence[str]


def zipf(seed: int, keys: int, requests: int, alpha: float) -> Trace:
    """Return requests for keys of which the nth is asked for n ** -alpha as often."""
    weights = list(accumulate((n + 1) ** -alpha for n in range(keys)))
    chosen = Random(seed).choices(range(keys), cum_weights=weights, k=requests)
    return [f"key {n}" for n in chosen]


def computations(seed: int, requests: int) -> Trace:
    """Return requests as for results of computations in a large web application.

    It has the shape of the trace "cluster4" of https://github.com/twitter/cache-trace as
    its table of statistics of March 2020 gives it: each key is asked for 26.5 times on
    average, 29 % of them once and never again, the others by Zipf with alpha 1.1.  What is
    popular changes, one key at a time.
    """
    random = Random(seed)
    keys = int(requests / 26.5)
    once = int(keys * 0.2933)
    lasting = keys - once
    ranks = zipf(seed, lasting // 2, requests - once, 1.1004)
    names = {f"key {n}": f"key {n}" for n in range(lasting // 2)}
    changes = set(random.sample(range(len(ranks)), lasting - lasting // 2))
    trace = []
    for position, rank in enumerate(ranks):
        if position in changes:
            names[random.choice(list(names))] = f"later key {position}"
        trace.append(names[rank])
    for number in range(once):
        trace.insert(random.randrange(len(trace)), f"once {number}")
    return trace


def lru_hits(trace: Trace, entries: int) -> int:
    """Tell how often a cache that keeps what was used last has what it is asked for."""
    kept: OrderedDict[str, None] = OrderedDict()
    hits = 0
    for key in trace:
        if key in kept:
            hits += 1
            kept.move_to_end(key)
            continue
        kept[key] = None
        if len(kept) > entries:
            kept.popitem(last=False)
    return hits


def hits(trace: Trace, has: Callable[[str], bool], keep: Callable[[str], None]) -> int:
    """Tell how often a cache has what it is asked for, which it is told if not."""
    found = 0
    for key in trace:
        if has(key):
            found += 1
        else:
            keep(key)
    return found


def sizes(seed: int, largest: int) -> Iterator[int]:
    """Give sizes in bytes, without end: most are small, and some take many pages."""
    random = Random(seed)
    while True:
        yield min(int(random.paretovariate(0.8) * 200), largest)
