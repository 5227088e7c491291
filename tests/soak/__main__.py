"""Serve pages through faulty connections for some seconds, and report.

``python -m tests.soak --seconds 300`` is what ``make soak`` runs; ``make test`` runs
thirty seconds of it.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from random import Random
from typing import Any, NamedTuple

from dogpile_cache import make_region
from tests.servers import Memcached, Redis
from tests.servers.faults import FaultyProxy

from .pages import Fault, Reader

READERS = 8
STUCK = 60.0
"""Seconds after which a reader that has not ended is stuck."""

LOCK_TIMEOUT = 2
_FAULTS = ("refuse", "hang", "cut", "delay", "garble", "restart", "kill")


class Report(NamedTuple):
    """Say what has happened."""

    pages: int
    created: int
    slowest: float
    injected: dict[str, int]
    faults: list[Fault]
    """What went wrong, and should not."""

    def __str__(self) -> str:
        counts = Counter(fault.what for fault in self.faults)
        wrong = ", ".join(f"{n} of {what}" for what, n in counts.items()) or "none"
        injected = ", ".join(f"{name} {n}" for name, n in sorted(self.injected.items()))
        return (
            f"{self.pages} pages, {self.created} fragments rendered, "
            f"slowest page {self.slowest:.1f} s\ninjected: {injected}\nfaults: {wrong}"
        )


class Place(NamedTuple):
    """Be a server, the way to it, and the region on it."""

    server: Any
    proxy: FaultyProxy
    region: Any
    faults: tuple[str, ...]


@contextmanager
def places() -> Iterator[list[Place]]:
    """Start the servers; a signed region alone can stand bytes that were flipped."""
    with ExitStack() as stack:
        made = []
        for kind, signing_key in (
            ("redis", None),
            ("redis", "s" * 20),
            ("memcached", None),
        ):
            server = stack.enter_context(Redis() if kind == "redis" else Memcached())
            proxy = stack.enter_context(FaultyProxy(server.port, seed=len(made)))
            faults = _FAULTS if signing_key is None else (*_FAULTS, "flip")
            region = _region(kind, proxy.port, signing_key)
            made.append(Place(server, proxy, region, faults))
        yield made


def _region(kind: str, port: int, signing_key: str | None) -> Any:
    shared = {"distributed_lock": True, "lock_timeout": LOCK_TIMEOUT}
    backend, url = {
        "redis": ("dogpile.cache.redis", f"redis://127.0.0.1:{port}/0"),
        "memcached": ("dogpile.cache.pymemcache", f"127.0.0.1:{port}"),
    }[kind]
    return make_region(name=kind).configure(
        backend,
        expiration_time=0.3,
        arguments={"url": url, **shared},
        recovery_time=0.5,
        signing_key=signing_key,
    )


def soak(seconds: float, seed: int = 0) -> Report:
    """Serve pages for some seconds, injecting one fault after the other."""
    random, stop = Random(seed), threading.Event()
    injected: Counter[str] = Counter()
    with places() as made:
        regions = [place.region for place in made]
        descriptors = _descriptors()
        readers = [Reader(regions, stop, seed * 100 + n) for n in range(READERS)]
        for reader in readers:
            reader.start()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            place = random.choice(made)
            fault = random.choice(place.faults)
            injected[fault] += 1
            _inject(place, fault, random.uniform(0.1, 2))
            time.sleep(random.uniform(0.1, 0.6))
        stop.set()
        faults = _ended(readers)
        faults += [fault for place in made for fault in _left_behind(place)]
        if _descriptors() > descriptors + 40 * len(made):
            faults.append(Fault("a leak of connections", f"{_descriptors()} are open"))
    return Report(
        pages=sum(reader.pages for reader in readers),
        created=sum(reader.fragments.made for reader in readers),
        slowest=max(reader.slowest for reader in readers),
        injected=dict(injected),
        faults=[*faults, *(fault for reader in readers for fault in reader.faults)],
    )


def _inject(place: Place, fault: str, seconds: float) -> None:
    if fault in ("restart", "kill"):
        place.server.stop() if fault == "restart" else place.server.kill()
        time.sleep(seconds / 2)
        place.server.start()
        return
    place.proxy.fault = fault
    time.sleep(seconds)
    place.proxy.fault = None


def _ended(readers: list[Reader]) -> list[Fault]:
    for reader in readers:
        reader.join(STUCK)
    stuck = [reader.name for reader in readers if reader.is_alive()]
    return [Fault("a stuck thread", name) for name in stuck]


def _left_behind(place: Place) -> list[Fault]:
    """Tell of locks that are held though nobody is at work."""
    region, until = place.region, time.monotonic() + STUCK
    keys = [str(number) for number in range(400)]
    while time.monotonic() < until:
        if not any(map(region.key_is_locked, keys)):
            return []
        time.sleep(0.1)
    return [Fault("a leaked lock", key) for key in keys if region.key_is_locked(key)]


def _descriptors() -> int:
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    chosen = parser.parse_args()
    logging.disable(logging.WARNING)  # of which there are many
    print(f"seed {chosen.seed}")  # noqa: T201
    report = soak(chosen.seconds, chosen.seed)
    print(report)  # noqa: T201
    for fault in report.faults[:20]:
        print(f"  {fault.what}: {fault.detail}")  # noqa: T201
    return bool(report.faults)


if __name__ == "__main__":
    sys.exit(main())
