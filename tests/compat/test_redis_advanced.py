"""dogpile_backend_redis_advanced on dogpile_cache, with its import root replaced."""

from __future__ import annotations

import pytest

from tests.servers import Redis

from .processes import run_script

PRELUDE = """
import sys, threading
from tests.compat.rerooted import assert_rerooted, reroot
reroot()
from dogpile_cache import NO_VALUE, make_region
import dogpile_backend_redis_advanced
from dogpile_backend_redis_advanced.cache.backends import redis_advanced
import redis
port = int(sys.argv[1])
server = redis.Redis(port=port)
server.flushdb()

def region(backend, **arguments):
    arguments = {"port": port, "distributed_lock": True, **arguments}
    return make_region().configure(backend, expiration_time=60, arguments=arguments)
"""

SCENARIOS = {
    "the advanced backend": """
cache = region("dogpile_backend_redis_advanced", redis_expiration_time=500)
seen = []
def create():
    seen.append(server.keys("_lo*"))
    return {"made": "once"}
for _ in range(2):
    assert cache.get_or_create("key", create) == {"made": "once"}
assert seen == [[b"_lok.key"]], seen  # the prefix that it has by default
assert server.keys("_lo*") == []
assert 400 < server.ttl("key") <= 500
assert cache.get_or_create_multi(["a", "b"], lambda *keys: [1, 2]) == [1, 2]
assert cache.get_multi(["key", "a", "none"]) == [{"made": "once"}, 1, NO_VALUE]
cache.delete("key"); cache.delete_multi(["a"])
assert cache.get_multi(["key", "a", "b"]) == [NO_VALUE, NO_VALUE, 2]
""",
    "a lock class of one's own": """
taken = []
class Lock:
    def __init__(self, mutex):
        self.mutex = mutex
    def acquire(self, *args, **kwargs):
        taken.append("acquire")
        return self.mutex.acquire(*args, **kwargs)
    def release(self):
        taken.append("release")
        self.mutex.release()
cache = region("dogpile_backend_redis_advanced", lock_class=Lock, lock_prefix="_lk.")
assert cache.get_or_create("key", lambda: server.keys("_lk.*")) == [b"_lk.key"]
assert taken == ["acquire", "release"], taken
assert server.keys("_lk.*") == []
""",
    "two regions make a value once": """
one, other = (region("dogpile_backend_redis_advanced") for _ in range(2))
started, may_end, made, results = threading.Event(), threading.Event(), [], []
def create():
    made.append(1)
    started.set()
    assert may_end.wait(10)
    return "value"
ask = lambda cache: results.append(cache.get_or_create("key", create))
threads = [threading.Thread(target=ask, args=(cache,)) for cache in (one, other)]
for thread in threads:
    thread.start()
assert started.wait(10)
may_end.set()
for thread in threads:
    thread.join(10)
assert (results, made) == (["value", "value"], [1]), (results, made)
""",
    "the hstore backend": """
cache = region(
    "dogpile_backend_redis_advanced.hstore", redis_expiration_time=500,
    redis_expiration_time_hash=True,
)
key, other = ("hash", "field"), ("hash", "other")
assert cache.get(key) is NO_VALUE
assert cache.get_or_create(key, lambda: "in a hash") == "in a hash"
assert cache.get_or_create(key, lambda: "never") == "in a hash"
cache.set_multi({other: 2, "plain": 3})
assert sorted(server.hkeys("hash")) == [b"field", b"other"]
assert 400 < server.ttl("hash") <= 500
assert cache.get_multi([key, "plain", other, ("hash", "no")]) == [
    "in a hash", 3, 2, NO_VALUE
]
made = cache.get_or_create_multi([key, ("hash", "new"), "fresh"], lambda *k: [4, 5])
assert made == ["in a hash", 4, 5], made
cache.delete(key)
cache.delete_multi([other, "plain"])
assert cache.get_multi([key, other, "plain"]) == [NO_VALUE] * 3
assert server.keys("_lo*") == []
""",
    "values that a proxy serializes": """
from dogpile_backend_redis_advanced.cache import serializers
proxy = serializers.Serializer_PickleIntTime_ProxyBackend
cache = make_region().configure(
    "dogpile_backend_redis_advanced.already_serialized", expiration_time=60,
    arguments={"port": port, "distributed_lock": True}, wrap=[proxy],
)
assert cache.get("key") is NO_VALUE
cache.set("key", {"a": 1})
assert cache.get("key") == {"a": 1}
assert cache.get_or_create("other", lambda: [1]) == [1]
assert cache.get_or_create("other", lambda: "never") == [1]
assert cache.get_multi(["key", "other", "none"]) == [{"a": 1}, [1], NO_VALUE]
""",
    "its lock is still a wrapper of ours": """
from dogpile_cache.backends.redis import _RedisLockWrapper
backend = region("dogpile_backend_redis_advanced").backend
mutex = backend.get_mutex("key")
assert isinstance(mutex, _RedisLockWrapper), type(mutex)
assert mutex.acquire(False) and mutex.locked()
assert not backend.get_mutex("key").acquire(False)
mutex.release()
assert not mutex.locked()
""",
}

CLOSING = """
server.close()
assert_rerooted("dogpile_backend_redis_advanced")
print("done")
"""


@pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)
def test_it_works(redis_server: Redis, scenario: str) -> None:
    code = PRELUDE + scenario + CLOSING
    assert run_script(code, str(redis_server.port)) == "done\n"
