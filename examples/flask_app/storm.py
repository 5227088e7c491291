"""A storm: many requests at once for a page whose slow fragment is gone."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from threading import Barrier
from time import perf_counter

from flask import Flask, Request

from examples.demo.library import Library

REQUESTS = 32
SERVED_BY = "Served-By"
"""The header that names the process which has answered."""

Visit = Callable[[str], tuple[str, str]]
"""A function from the path of a page to the page, and the process that served it."""


@dataclass
class Storm:
    """Say what came of it."""

    queries: int
    alike: int
    requests: int
    processes: int
    milliseconds: float


def storm(visit: Visit, library: Library, path: str) -> Storm:
    """Request a page from many threads at once; count the slow queries."""
    barrier, before = Barrier(REQUESTS), library.queries

    def view() -> tuple[str, str]:
        barrier.wait()
        return visit(path)

    begun = perf_counter()
    with ThreadPoolExecutor(REQUESTS) as pool:
        answers = list(pool.map(lambda _: view(), range(REQUESTS)))
    elapsed = 1000 * (perf_counter() - begun)
    queries = library.queries - before
    pages = [page.partition("<footer>")[0] for page, _ in answers]
    processes = {process for _, process in answers}
    return Storm(queries, pages.count(pages[0]), REQUESTS, len(processes), elapsed)


def visitor(app: Flask, request: Request) -> Visit:
    """Return what visits pages: of all processes that serve with this one, if there are."""
    place = request.environ["SERVER_NAME"], int(request.environ["SERVER_PORT"])

    def visit_any(path: str) -> tuple[str, str]:
        with closing(HTTPConnection(*place)) as connection:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.read().decode(), answer.headers[SERVED_BY]

    def visit_this(path: str) -> tuple[str, str]:
        answer = app.test_client().get(path)
        return answer.text, answer.headers[SERVED_BY]

    return visit_any if request.is_multiprocess else visit_this
