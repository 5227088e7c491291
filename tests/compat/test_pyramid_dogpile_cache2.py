"""pyramid_dogpile_cache2 on dogpile_cache, with its import root replaced."""

from __future__ import annotations

from pathlib import Path

from tests.servers import Redis

from .processes import run_script

PRELUDE = """
import sys, warnings
from tests.compat.rerooted import assert_rerooted, reroot
reroot()
warnings.filterwarnings("ignore", ".*pkg_resources.*")
warnings.filterwarnings("ignore", ".*is a dbm.dumb file", RuntimeWarning)
import pyramid_dogpile_cache2 as plugin
from dogpile_cache import NO_VALUE
"""

CLOSING = """
assert_rerooted("pyramid_dogpile_cache2")
print("done")
"""

CONFIGURE_TWICE = """
CACHE = plugin.get_region("short")
calls = []

class Views:
    @CACHE.cache_on_arguments()
    def row(self, name, number=2):
        calls.append((name, number))
        return f"{name} {number}"

settings = {
    "dogpile_cache.regions": "short, long",
    "dogpile_cache.backend": "dogpile.cache.memory",
    "dogpile_cache.short.expiration_time": "60",
    "dogpile_cache.long.backend": "dogpile.cache.dbm",
    "dogpile_cache.long.arguments.filename": sys.argv[1],
}
for _ in range(2):  # as a test suite does, or two applications of a process
    plugin.configure_dogpile_cache(settings)
    assert plugin.get_region("short") is CACHE
    assert CACHE.expiration_time == 60
    long = plugin.get_region("long")
    assert long.get_or_create("key", lambda: 1) == 1
    plugin.clear()
    calls.clear()
    views = Views()
    assert [views.row("é"), views.row("é", 2), views.row("b")] == ["é 2", "é 2", "b 2"]
    assert calls == [("é", 2), ("b", 2)], calls
plugin.clear()
assert views.row.get(views, "b") is NO_VALUE
"""

REDIS = """
plugin.configure_dogpile_cache({
    "dogpile_cache.regions": "shared",
    "dogpile_cache.backend": "dogpile.cache.redis",
    "dogpile_cache.expiration_time": "60",
    "dogpile_cache.arguments.port": sys.argv[1],
    "dogpile_cache.arguments.distributed_lock": "true",
})
region = plugin.get_region("shared")
assert region.get_or_create("key", lambda: [1]) == [1]
assert region.get_or_create("key", lambda: "never") == [1]
"""


def test_configuring_twice_and_clearing(tmp_path: Path) -> None:
    code = PRELUDE + CONFIGURE_TWICE + CLOSING
    assert run_script(code, str(tmp_path / "cache.dbm")) == "done\n"


def test_redis(redis_server: Redis) -> None:
    code = PRELUDE + REDIS + CLOSING
    assert run_script(code, str(redis_server.port)) == "done\n"
