"""The servers that benchmarks talk to, started when they are first asked for."""

from __future__ import annotations

from contextlib import ExitStack
from functools import cached_property

from typing_extensions import Self

from tests.servers import Memcached, Redis


class Servers:
    """A Redis and a memcached of our own, for the length of a ``with`` block."""

    def __init__(self) -> None:
        self._closing = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._closing.close()

    @cached_property
    def redis_url(self) -> str:
        return self._closing.enter_context(Redis()).url

    @cached_property
    def memcached_address(self) -> tuple[str, int]:
        # One thread, as Redis has, so that both run on the one core of the benchmark.
        server = self._closing.enter_context(Memcached("-t", "1"))
        return "127.0.0.1", server.port
