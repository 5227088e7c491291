"""oslo.cache on dogpile_cache, with its import root replaced."""

from __future__ import annotations

import pytest

from tests.servers import Memcached, Redis

from .processes import run_script

PRELUDE = """
import logging, sys, time
from tests.compat.rerooted import assert_rerooted, reroot
reroot()
from dogpile_cache import NO_VALUE, CacheRegion
from oslo_config import cfg
from oslo_cache import core

def configured(backend, *arguments, **options):
    conf = cfg.ConfigOpts()
    core.configure(conf)
    conf.register_opts(
        [cfg.BoolOpt("caching", default=True), cfg.IntOpt("cache_time")], group="mine"
    )
    conf([], project="test")
    conf.set_override("enabled", True, group="cache")
    conf.set_override("backend", backend, group="cache")
    conf.set_override("backend_argument", list(arguments), group="cache")
    for name, value in options.items():
        conf.set_override(name, value, group="cache")
    region = core.create_region()
    assert core.configure_cache_region(conf, region) is region
    assert type(region) is CacheRegion and region.is_configured
    return conf, region

def use(conf, region):
    calls = []
    memoize = core.get_memoization_decorator(conf, region, group="mine")

    @memoize
    def double(number):
        calls.append(number)
        return 2 * number

    one, two = time.time_ns(), time.time_ns() + 1  # that no other test has asked about
    assert [double(one), double(one), double(two)] == [2 * one, 2 * one, 2 * two]
    assert calls == [one, two]
    double.invalidate(one)
    assert double(one) == 2 * one
    double.set(100, one)
    assert double(one) == double.get(one) == 100
    assert double.refresh(one) == 2 * one
    conf.set_override("caching", False, group="mine")
    assert double(two + 1) == 2 * two + 2
    conf.set_override("caching", True, group="mine")
    assert double.get(two + 1) is NO_VALUE
    region.set("plain", ["value"])
    assert region.get("plain") == ["value"]
    region.set_multi({"a": 1, "b": 2})
    assert region.get_multi(["a", "b", "none"]) == [1, 2, NO_VALUE]
    assert region.get_or_create("made", lambda: {"x": 1}) == {"x": 1}
    region.delete("plain")
    region.delete_multi(["a"])
    assert region.get_multi(["plain", "a", "b"]) == [NO_VALUE, NO_VALUE, 2]
"""

CLOSING = """
assert_rerooted("oslo_cache")
print("done")
"""


def done(scenario: str, *args: str) -> None:
    assert run_script(PRELUDE + scenario + CLOSING, *args) == "done\n"


@pytest.mark.parametrize("backend", ["dogpile.cache.memory", "oslo_cache.dict"])
def test_memory(backend: str) -> None:
    done("use(*configured(sys.argv[1]))", backend)


def test_caching_that_is_switched_off_keeps_nothing() -> None:
    done(
        """
conf, region = configured("dogpile.cache.memory", enabled=False)
memoize = core.get_memoization_decorator(conf, region, group="mine")
calls = []
f = memoize(lambda number: calls.append(number) or number)
assert [f(1), f(1)] == [1, 1] and calls == [1, 1]
"""
    )


def test_the_debug_proxy_logs_what_passes() -> None:
    done(
        """
logged = []
class Handler(logging.Handler):
    def emit(self, record):
        logged.append(record.getMessage())
logging.getLogger("oslo.cache.core").addHandler(Handler())
logging.getLogger("oslo.cache.core").setLevel(logging.DEBUG)
conf, region = configured("dogpile.cache.memory", debug_cache_backend=True)
use(conf, region)
assert region.backend is not region.actual_backend
text = " ".join(logged)
for word in ("CACHE_GET", "CACHE_SET", "CACHE_DEL"):
    assert word in text, logged
"""
    )


@pytest.mark.parametrize("debug", ["", "debug"])
def test_redis(redis_server: Redis, debug: str) -> None:
    done(
        """
conf, region = configured(
    "dogpile.cache.redis", redis_server=f"127.0.0.1:{sys.argv[1]}",
    debug_cache_backend=bool(sys.argv[2]), backend_expiration_time=900,
)
use(conf, region)
import redis
with redis.Redis(port=int(sys.argv[1])) as client:
    assert any(0 < client.ttl(key) <= 900 for key in client.keys())
""",
        str(redis_server.port),
        debug,
    )


@pytest.mark.parametrize(
    "backend",
    [
        "oslo_cache.memcache_pool",
        "dogpile.cache.memcached",
        "dogpile.cache.pymemcache",
        "dogpile.cache.bmemcached",
    ],
)
def test_memcached(memcached_server: Memcached, backend: str) -> None:
    done(
        """
use(*configured(
    sys.argv[1], f"url:{sys.argv[2]}", "distributed_lock:True",
    memcache_servers=[sys.argv[2]],
))
""",
        backend,
        memcached_server.url,
    )


def test_the_memcache_pool_serves_threads(memcached_server: Memcached) -> None:
    done(
        """
import threading
conf, region = configured(
    "oslo_cache.memcache_pool", memcache_servers=[sys.argv[1]], memcache_pool_maxsize=3
)
results, barrier = [], threading.Barrier(12)
def ask(number):
    barrier.wait(10)
    key = f"pooled {number % 4}"
    results.append(region.get_or_create(key, lambda: number % 4) == number % 4)
threads = [threading.Thread(target=ask, args=(n,)) for n in range(12)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join(20)
assert results == [True] * 12, results
""",
        memcached_server.url,
    )
