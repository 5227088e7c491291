"""The arguments of backends: what is wrong is said at configure, with what is allowed."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pytest

from dogpile_cache import make_region, plugins, register_backend
from dogpile_cache.backends.memory import MemoryBackend
from dogpile_cache.exception import ValidationError
from dogpile_cache.plugins import load_backend

SECONDS = "numbers of seconds"
SWITCH = "True and False"
REDIS: list[tuple[str, list[Any], str]] = [
    ("url", [5, "", ["redis://localhost"]], "texts"),
    ("host", ["", 5], "texts"),
    ("port", ["abc", 0, 65536, -1, 6379.5, True], "whole numbers from 1 to 65535"),
    ("db", [-1, "x", 1.5], "whole numbers from 0"),
    ("redis_expiration_time", [-5, "x", 0.0001, datetime.timedelta(1)], SECONDS),
    ("distributed_lock", ["no", "true", 2, 0.5, []], SWITCH),
    ("lock_timeout", [-1, "30s", float("nan"), float("inf"), True, 1e-9], SECONDS),
    ("lock_sleep", [-1, "x", None], SECONDS),
    ("lock_blocking", ["no"], SWITCH),
    ("lock_blocking_timeout", [-1, "x"], SECONDS),
    ("lock_prefix", [12], "letters, digits"),
    ("thread_local_lock", ["no"], SWITCH),
    ("socket_timeout", [-1, 0, "x"], SECONDS),
    ("socket_connect_timeout", [-1, 0, "x"], SECONDS),
    ("socket_keepalive", ["no"], SWITCH),
    ("socket_keepalive_options", [5], "mappings"),
    ("ssl", ["no"], SWITCH),
    ("connection_kwargs", [5, "x"], "mappings"),
]
MEMCACHED: list[tuple[str, list[Any], str]] = [
    ("url", ["", [], " , ", 5, [""], ("localhost", 11211), b"x"], "servers"),
    ("distributed_lock", ["no"], SWITCH),
    ("lock_timeout", [-3, "x"], SECONDS),
]
EXPIRY: list[tuple[str, list[Any], str]] = [
    ("memcached_expire_time", ["x", -1, 1.5, True], "whole numbers from 0")
]
TIMEOUTS: list[tuple[str, list[Any], str]] = [
    ("connect_timeout", [-1, 0, "x"], SECONDS),
    ("timeout", [-1, 0, "x"], SECONDS),
]
ARGS = [*MEMCACHED, *EXPIRY, ("min_compress_len", [-1, "x"], "whole numbers")]
WRONG: dict[str, list[tuple[str, list[Any], str]]] = {
    "memory": [
        ("cache_dict", [5, "x", []], "dict"),
        ("max_entries", [0, -1, "x", 1.5, True], "whole numbers from 1"),
    ],
    "dbm": [
        ("filename", ["", 5], "paths"),
        ("rw_lockfile", [True, 5, ""], "paths and False"),
        ("dogpile_lockfile", [True, 5, ""], "paths and False"),
        ("lock_factory", [5], "functions"),
    ],
    "redis": REDIS,
    "redis_sentinel": [
        ("sentinels", ["localhost", [5], [("a", 1, 2)]], "pairs"),
        ("service_name", ["", 5, None], "texts"),
        ("sentinel_kwargs", [5], "mappings"),
        ("lock_timeout", [-1], SECONDS),
    ],
    "redis_cluster": [("startup_nodes", [5, "x"], "lists"), ("url", [5], "texts")],
    "valkey": [("valkey_expiration_time", [-5, "x"], SECONDS), ("port", [0], "whole")],
    "valkey_sentinel": [("valkey_expiration_time", [-5], SECONDS)],
    "valkey_cluster": [("valkey_expiration_time", [-5], SECONDS)],
    "memcached": [
        *ARGS,
        ("dead_retry", [-1, "x", None], SECONDS),
        ("socket_timeout", [-1, 0, "x"], SECONDS),
    ],
    "pylibmc": [
        *ARGS,
        *TIMEOUTS,
        ("binary", ["no"], SWITCH),
        ("behaviors", [5], "mappings"),
    ],
    "pymemcache": [
        *MEMCACHED,
        *EXPIRY,
        *TIMEOUTS,
        ("default_noreply", ["no"], SWITCH),
        ("enable_retry_client", ["no"], SWITCH),
        ("retry_attempts", [0, "x", 1.5], "whole numbers from 1"),
        ("retry_delay", [-1, "x"], SECONDS),
        ("hashclient_retry_attempts", [-1, "x"], "whole numbers from 0"),
        ("hashclient_retry_timeout", [-1, "x"], SECONDS),
        ("dead_timeout", [-1, "x"], SECONDS),
    ],
    "bmemcached": [*MEMCACHED, ("socket_timeout", [-1, 0, "x"], SECONDS)],
}
NEEDED: dict[str, dict[str, Any]] = {
    "redis_sentinel": {"sentinels": [("127.0.0.1", 26379)]},
    **{
        name: {"url": "127.0.0.1:11211"}
        for name in ("memcached", "pylibmc", "pymemcache", "bmemcached")
    },
}
CASES = [
    (backend, name, value, allowed)
    for backend, table in WRONG.items()
    for name, values, allowed in table
    for value in values
]


@pytest.mark.parametrize(("backend", "name", "value", "allowed"), CASES)
def test_a_wrong_argument_is_an_error_that_says_what_is_allowed(
    backend: str, name: str, value: Any, allowed: str
) -> None:
    arguments = {**NEEDED.get(backend, {}), name: value}
    with pytest.raises(ValidationError) as caught:
        make_region().configure(f"dogpile.cache.{backend}", arguments=arguments)
    start, _, rest = str(caught.value).partition("; allowed are ")
    assert start == f"{name} is {value!r}"
    assert allowed in rest


RIGHT: list[tuple[str, dict[str, Any]]] = [
    ("redis", {"lock_timeout": timeout}) for timeout in (None, 0, 1, 2.5)
]
RIGHT += [("redis", {"redis_expiration_time": time}) for time in (None, 0, 1, 0.5)]
RIGHT += [
    ("redis", {"distributed_lock": switch}) for switch in (True, False, None, 1, 0)
]
RIGHT += [
    ("redis", {"host": None, "port": None, "db": None}),
    ("redis", {"port": "6379", "db": "1", "lock_sleep": 0, "lock_prefix": ""}),
    ("redis", {"password": 123456, "connection_kwargs": {}}),
    ("pymemcache", {"url": ["a:1", "b:2"], "memcached_expire_time": 0}),
    ("pymemcache", {"url": [("a", 1)], "lock_timeout": 0}),
    ("pymemcache", {"url": "a:1, b:2", "distributed_lock": 1}),
    ("memcached", {"url": "a:1", "socket_timeout": None}),
]


@pytest.mark.parametrize(("backend", "arguments"), RIGHT)
def test_what_dogpile_cache_takes_is_taken(
    backend: str, arguments: dict[str, Any]
) -> None:
    region = make_region().configure(f"dogpile.cache.{backend}", arguments=arguments)
    assert region.is_configured


def test_a_file_may_be_named_by_a_path(tmp_path: Path) -> None:
    arguments = {"filename": tmp_path / "f", "rw_lockfile": tmp_path / "l"}
    region = make_region().configure("dogpile.cache.dbm", arguments=arguments)
    assert region.get_or_create("key", lambda: 1) == region.get("key") == 1


@pytest.mark.parametrize("backend", ["memory", "dbm", "redis", "pymemcache"])
def test_arguments_that_are_no_mapping_are_an_error(backend: str) -> None:
    wrong: Any = 5
    with pytest.raises(ValidationError, match=r"are 5; allowed are mappings with"):
        make_region().configure(f"dogpile.cache.{backend}", arguments=wrong)


@pytest.mark.parametrize("backend", WRONG)
def test_every_check_is_of_an_option(backend: str) -> None:
    cls = load_backend(f"dogpile.cache.{backend}")
    assert cls.checks.keys() <= cls.options.keys()


@pytest.mark.parametrize(
    ("backend", "argument", "known"),
    [("redis", "urll", "url, host, port"), ("memory", "max_entrys", "max_entries")],
)
def test_the_log_tells_of_an_unknown_argument_and_names_those_there_are(
    caplog: pytest.LogCaptureFixture, backend: str, argument: str, known: str
) -> None:
    make_region().configure(f"dogpile.cache.{backend}", arguments={argument: 3})
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert f"has no argument '{argument}'; it has " in record.getMessage()
    assert known in record.getMessage()


class Further(MemoryBackend):
    """Read an argument that is not among the options."""

    def __init__(self, arguments: Any) -> None:
        super().__init__(arguments)
        self.colour = arguments["colour"]


def test_a_subclass_may_have_further_arguments(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = dict(plugins._backend_loader.impls)
    monkeypatch.setattr(plugins._backend_loader, "impls", known)
    register_backend("test.further", __name__, "Further")
    region = make_region().configure("test.further", arguments={"colour": "green"})
    assert region.actual_backend.colour == "green"  # type: ignore[attr-defined]
    assert not caplog.records
