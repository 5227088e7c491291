"""A master that dies under load, and the replica that takes its place."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest
import redis

from dogpile_cache import make_region
from tests.servers import SentinelSet

DEADLINE = 30.0


@pytest.mark.server
def test_load_goes_on_after_a_failover_with_the_right_values() -> None:
    with SentinelSet() as servers:
        region = make_region().configure(
            "dogpile.cache.redis_sentinel",
            arguments={"sentinels": servers.addresses, "socket_timeout": 1},
        )
        stop, wrong, served = threading.Event(), list[object](), Counter[int]()
        phase = 0

        def load(number: int) -> None:
            i = 0
            while not stop.is_set():
                key = f"{number} {i % 10}"
                i += 1
                try:
                    value = region.get_or_create(key, lambda key=key: key)
                except (redis.ConnectionError, redis.TimeoutError, redis.ResponseError):
                    time.sleep(0.01)  # the master is gone; there will be another
                    continue
                served[phase] += 1
                if value != key:
                    wrong.append((key, value))

        threads = [threading.Thread(target=load, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        try:
            until(lambda: served[0] > 100)
            servers.fail_over()
            phase = 1
            until(lambda: served[1] > 1000)
        finally:
            stop.set()
            for thread in threads:
                thread.join(DEADLINE)
        assert wrong == []
        with redis.Redis(port=servers.replica.port) as master:
            assert not master.keys("_lock*")


def until(condition: object) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)
