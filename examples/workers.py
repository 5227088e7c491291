"""Serve by several processes that share one socket, as servers for production do."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import get_context, parent_process
from threading import Thread


def serve_by(number: int, serve: Callable[[], object]) -> None:
    """Have so many processes serve until this one is interrupted or ended.

    :param serve: is called in each of them.  What this process has opened before, such as
        the socket that it listens on, they have in common.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # by the workers, for ever
    fork = get_context("fork")
    workers = [fork.Process(target=_work, args=[serve]) for _ in range(number)]
    for worker in workers:
        worker.start()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with suppress(KeyboardInterrupt):
            for worker in workers:
                worker.join()
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.join()


def _work(serve: Callable[[], object]) -> None:
    Thread(target=_end_with_parent, daemon=True).start()
    serve()


def _end_with_parent() -> None:
    """End this process when its parent has been killed, and could not end it."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
