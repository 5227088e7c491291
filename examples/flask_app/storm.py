"""A storm: many requests at once for a page whose slow fragment is gone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from time import perf_counter

from flask import Flask

from examples.demo.library import Library

REQUESTS = 32


@dataclass
class Storm:
    """Say what came of it."""

    queries: int
    alike: int
    requests: int
    milliseconds: float


def storm(app: Flask, library: Library, url: str) -> Storm:
    """Request a page from many threads at once; count the slow queries."""
    barrier, before = Barrier(REQUESTS), library.queries

    def view() -> str:
        barrier.wait()
        return app.test_client().get(url).text

    begun = perf_counter()
    with ThreadPoolExecutor(REQUESTS) as pool:
        pages = list(pool.map(lambda _: view(), range(REQUESTS)))
    elapsed = 1000 * (perf_counter() - begun)
    queries = library.queries - before
    return Storm(queries, pages.count(pages[0]), REQUESTS, elapsed)
