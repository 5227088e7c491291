"""What a region promises to those who configure and use it."""

from __future__ import annotations

import datetime
from typing import Any

import pytest

from dogpile_cache import NO_VALUE, CachedValue, CacheRegion, make_region
from dogpile_cache.exception import (
    PluginNotFound,
    RegionAlreadyConfigured,
    RegionNotConfigured,
    ValidationError,
)
from dogpile_cache.testing import SettableClock

USES: dict[str, Any] = {
    "get": lambda region: region.get("key"),
    "get_multi": lambda region: region.get_multi(["key"]),
    "get_value_metadata": lambda region: region.get_value_metadata("key"),
    "get_or_create": lambda region: region.get_or_create("key", lambda: 1),
    "get_or_create_multi": lambda region: region.get_or_create_multi(["k"], list),
    "set": lambda region: region.set("key", 1),
    "set_multi": lambda region: region.set_multi({"key": 1}),
    "delete": lambda region: region.delete("key"),
    "delete_multi": lambda region: region.delete_multi(["key"]),
    "key_is_locked": lambda region: region.key_is_locked("key"),
    "backend": lambda region: region.backend,
    "actual_backend": lambda region: region.actual_backend,
    "decorated": lambda region: region.cache_on_arguments()(lambda: 1)(),
    "decorated multi": lambda region: region.cache_multi_on_arguments()(list)("a"),
}


@pytest.mark.parametrize("use", USES.values(), ids=USES)
def test_every_use_of_an_unconfigured_region_says_so(use: Any) -> None:
    region = make_region()
    assert not region.is_configured
    with pytest.raises(RegionNotConfigured):
        use(region)


def test_a_region_may_decorate_before_it_is_configured() -> None:
    region = make_region()
    calls: list[int] = []

    @region.cache_on_arguments()
    def double(number: int) -> int:
        calls.append(number)
        return 2 * number

    region.configure("dogpile.cache.memory")
    assert [double(2), double(2)] == [4, 4]
    assert calls == [2]


def test_configuring_twice_is_an_error_that_names_the_backend(
    region: CacheRegion,
) -> None:
    before = region.backend
    with pytest.raises(RegionAlreadyConfigured, match="MemoryBackend"):
        region.configure("dogpile.cache.null")
    assert region.backend is before


def test_a_backend_is_replaced_everywhere(region: CacheRegion) -> None:
    region.set("key", 1)
    assert region.actual_backend is region.backend
    region.configure("dogpile.cache.memory_pickle", replace_existing_backend=True)
    assert region.actual_backend is region.backend
    assert type(region.actual_backend).__name__ == "MemoryPickleBackend"
    assert region.get("key") is NO_VALUE
    region.set("key", 2)
    assert isinstance(region.backend.get("key"), bytes)


def test_a_replaced_backend_forgets_what_the_old_one_recommended(tmp_path: Any) -> None:
    region = make_region().configure("dogpile.cache.memory_pickle")
    region.configure("dogpile.cache.memory", replace_existing_backend=True)
    assert region.serializer is None
    marker = object()
    region.set("key", marker)
    assert region.get("key") is marker


@pytest.mark.parametrize(
    ("expiration_time", "seconds"),
    [
        (10, 10),
        (2.5, 2.5),
        (datetime.timedelta(minutes=1), 60),
        (datetime.timedelta(milliseconds=1500), 1.5),
    ],
)
def test_expiration_times_are_seconds_or_timedeltas(
    clock: SettableClock, expiration_time: Any, seconds: float
) -> None:
    region = make_region(clock=clock)
    region.configure("dogpile.cache.memory", expiration_time=expiration_time)
    region.set("key", "value")
    clock.move(seconds - 0.25)
    assert region.get("key") == "value"
    clock.move(0.5)
    assert region.get("key") is NO_VALUE
    assert region.get_or_create("key", lambda: "new") == "new"


@pytest.mark.parametrize(
    "never", [-1, None, float("inf"), datetime.timedelta(seconds=-1)]
)
def test_a_region_without_expiry_keeps_values_for_get_and_for_get_or_create(
    clock: SettableClock, never: Any
) -> None:
    region = make_region(clock=clock)
    region.configure("dogpile.cache.memory", expiration_time=never)
    region.set("key", "value")
    clock.move(1e9)
    assert region.get("key") == "value"
    assert region.get_multi(["key"]) == ["value"]
    assert region.get_or_create("key", lambda: "new") == "value"
    assert region.get_or_create_multi(["key"], lambda *k: ["new"]) == ["value"]
    metadata = region.get_value_metadata("key")
    assert metadata is not None
    assert metadata.payload == "value"


def test_minus_one_means_no_expiry_for_one_call(
    region: CacheRegion, clock: SettableClock
) -> None:
    region.set("key", "old")
    clock.move(1000)
    assert region.get("key", expiration_time=-1) == "old"
    assert region.get_multi(["key"], expiration_time=-1) == ["old"]
    assert region.get_or_create("key", lambda: "new", expiration_time=-1) == "old"
    assert region.get_or_create_multi(["key"], lambda *k: ["new"], -1) == ["old"]
    assert region.get("key") is NO_VALUE
    assert region.get_or_create("key", lambda: "new") == "new"


@pytest.mark.parametrize(
    "wrong", ["abc", "60", [], object(), -2, -0.5, float("nan"), True]
)
def test_a_wrong_expiration_time_is_an_error_that_says_what_is_allowed(
    wrong: Any,
) -> None:
    region = make_region()
    with pytest.raises(
        ValidationError, match="a number of seconds from 0, a timedelta"
    ):
        region.configure("dogpile.cache.memory", expiration_time=wrong)
    assert not region.is_configured


def test_an_unknown_backend_is_an_error_that_names_those_there_are() -> None:
    with pytest.raises(PluginNotFound, match=r"mean 'dogpile\.cache\.redis'\?"):
        make_region().configure("dogpile_cache.redis")
    with pytest.raises(PluginNotFound, match=r"'dogpile\.cache\.memroy'.*\.memory,"):
        make_region().configure("dogpile.cache.memroy")


@pytest.mark.parametrize("wrong", [0, -5, 1.5, "ten", True])
def test_a_wrong_max_entries_is_an_error_that_says_what_is_allowed(wrong: Any) -> None:
    with pytest.raises(ValidationError, match="allowed are whole numbers from 1"):
        make_region().configure(
            "dogpile.cache.memory", arguments={"max_entries": wrong}
        )


@pytest.mark.parametrize(
    ("backend", "argument"),
    [
        ("dogpile.cache.dbm", "filename"),
        ("dogpile.cache.pymemcache", "url"),
        ("dogpile.cache.redis_sentinel", "sentinels"),
    ],
)
def test_a_missing_argument_is_an_error_that_names_it(
    backend: str, argument: str
) -> None:
    with pytest.raises(ValidationError, match=f"argument '{argument}' is missing"):
        make_region().configure(backend, arguments={})


def test_should_cache_fn_decides_what_is_kept(region: CacheRegion) -> None:
    def keep(value: int) -> bool:
        return value > 1

    assert region.get_or_create("key", lambda: 1, should_cache_fn=keep) == 1
    assert region.get("key") is NO_VALUE
    assert region.get_or_create("key", lambda: 2, should_cache_fn=keep) == 2
    assert region.get("key") == 2


def test_creator_args_reach_the_creator(region: CacheRegion) -> None:
    def create(*args: int, **kwargs: int) -> Any:
        return args, kwargs

    made = region.get_or_create("key", create, creator_args=((1, 2), {"c": 3}))
    assert made == ((1, 2), {"c": 3})


def test_none_and_false_are_values_like_any_other(region: CacheRegion) -> None:
    values: list[Any] = [None, False, 0, "", [], {}]
    for value in values:
        region.set("key", value)
        assert region.get("key") == value
        assert region.get_or_create("key", lambda: "new") == value


def test_get_value_metadata_tells_the_times(
    region: CacheRegion, clock: SettableClock
) -> None:
    def slow() -> str:
        clock.move(3)
        return "value"

    start = clock.time()
    region.get_or_create("key", slow)
    value = region.get_value_metadata("key")
    assert isinstance(value, CachedValue)
    assert value.cached_time == start + 3
    assert value.metadata["ct"] == start + 3
    assert value.metadata["st"] == start
    assert value == ("value", value.metadata)
    assert region.get_value_metadata("missing") is None
    clock.move(11)
    assert region.get_value_metadata("key") is None
    assert region.get_value_metadata("key", ignore_expiration=True) == value


def test_a_lifetime_counts_from_the_end_of_a_creation(
    region: CacheRegion, clock: SettableClock
) -> None:
    region.get_or_create("key", lambda: clock.move(100) or "slow")  # type: ignore[func-returns-value]
    clock.move(9)
    assert region.get("key") == "slow"


def test_ignore_expiration_takes_expired_and_invalidated_values(
    region: CacheRegion, clock: SettableClock
) -> None:
    region.set("key", "value")
    clock.move(11)
    region.invalidate()
    assert region.get("key", ignore_expiration=True) == "value"
    assert region.get_multi(["key", "no"], ignore_expiration=True) == [
        "value",
        NO_VALUE,
    ]
    assert region.get("missing", ignore_expiration=True) is NO_VALUE


def test_key_is_locked_asks_about_the_mangled_key(clock: SettableClock) -> None:
    region = make_region(key_mangler=lambda key: f"mangled {key}", clock=clock)
    region.configure("dogpile.cache.memory")
    seen: list[bool] = []

    def create() -> int:
        seen.append(region.key_is_locked("key"))
        seen.append(region.key_is_locked("mangled key"))
        return 1

    region.get_or_create("key", create)
    assert seen == [True, False]
    assert not region.key_is_locked("key")


def test_deleting_and_reading_nothing_is_no_error(region: CacheRegion) -> None:
    region.delete("missing")
    region.delete_multi([])
    region.delete_multi(key for key in ["missing"])
    region.set_multi({})
    assert region.get_multi([]) == []


def test_a_lock_generator_is_used_in_place_of_the_backends_locks() -> None:
    asked: list[Any] = []

    class Lock:
        def __init__(self, key: Any) -> None:
            self.key = key

        def acquire(self, wait: bool = True) -> bool:
            asked.append(("acquire", self.key))
            return True

        def release(self) -> None:
            asked.append(("release", self.key))

        def locked(self) -> bool:
            return False

    region = make_region(lock_generator=Lock, key_mangler=lambda key: key.upper())
    region.configure("dogpile.cache.memory")
    region.get_or_create("key", lambda: 1)
    assert asked == [("acquire", "KEY"), ("release", "KEY")]
