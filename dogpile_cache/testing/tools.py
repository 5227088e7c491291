"""What the contract's tests have in common."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

THREADS = 8
DEADLINE = 30.0
"""Seconds after which a test that waits for a thread gives up."""


class Creator:
    """Count the creations; with ``wait``, end when it is told to."""

    def __init__(self, wait: bool = False) -> None:
        self.begun, self.may_end = threading.Event(), threading.Event()
        self.count = 0
        if not wait:
            self.may_end.set()

    def __call__(self) -> int:
        self.count += 1
        self.begun.set()
        assert self.may_end.wait(DEADLINE)
        return self.count


@contextmanager
def raises(kind: type[BaseException]) -> Iterator[None]:
    """Fail unless the block raises an error of a kind."""
    try:
        yield
    except kind:
        return
    raise AssertionError(f"{kind.__name__} was not raised")


@contextmanager
def threads() -> Iterator[Callable[[Callable[[], Any]], Callable[[], list[Any]]]]:
    """Give a function that runs another in threads at once and returns the answers."""
    barrier = threading.Barrier(THREADS)

    def at_once(function: Callable[[], Any]) -> Any:
        barrier.wait(DEADLINE)
        return function()

    with ThreadPoolExecutor(THREADS) as pool:

        def run(function: Callable[[], Any]) -> Callable[[], list[Any]]:
            futures = [pool.submit(at_once, function) for _ in range(THREADS)]
            return lambda: [future.result(DEADLINE) for future in futures]

        yield run


def in_thread(function: Callable[[], Any]) -> Any:
    """Call a function in another thread and return its result."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function).result(DEADLINE)
