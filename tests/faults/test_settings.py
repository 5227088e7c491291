"""Settings are checked wherever they are given, and errors say what is allowed."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any, get_type_hints

import pytest

from dogpile_cache import make_region, protocols
from dogpile_cache.config import make_regions
from dogpile_cache.exception import ValidationError
from dogpile_cache.settings import NAMES, Settings, read_settings
from dogpile_cache.testing import SettableClock

MEMORY = "dogpile.cache.memory"

WRONG = {
    "stale_if_error": (-1, "soon", True, math.nan, [1]),
    "retry_after": (-1, "soon", math.nan),
    "share_errors": ("perhaps", 2, [True]),
    "creator_timeout": (
        0, -1, "1, 2, 3", (2, 1), (1,), "soon", "1, soon", (0, 1), (math.nan, 1), [],
    ),
    "refresh_ahead": (0, 1, 1.5, -0.5, "soon", True, math.nan),
    "jitter": (-1, "much", True, math.inf, math.nan),
    "on_backend_error": ("ignore", None, 1),
    "failure_threshold": (0, -1, 1.5, "many", None),
    "recovery_time": (-1, "soon", math.nan),
    "collect_stats": ("perhaps", 2),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name in WRONG for value in WRONG[name]]
)
def test_a_wrong_value_is_an_error_that_names_it(name: str, value: Any) -> None:
    region: Any = make_region()
    with pytest.raises(ValidationError, match=f"^{name} is .*; allowed are ") as raised:
        region.configure(MEMORY, **{name: value})
    assert repr(value) in str(raised.value)
    assert not region.is_configured


def test_an_unknown_setting_is_an_error_that_lists_those_there_are() -> None:
    region: Any = make_region()
    with pytest.raises(ValidationError, match=r"'stale_on_error'.*stale_if_error"):
        region.configure(MEMORY, stale_on_error=5)


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("stale_if_error", None, 0),
        ("stale_if_error", timedelta(minutes=1), 60),
        ("stale_if_error", math.inf, math.inf),
        ("creator_timeout", 2, (2, 2)),
        ("creator_timeout", timedelta(seconds=2), (2, 2)),
        ("creator_timeout", (1, None), (1, math.inf)),
        ("creator_timeout", (None, 1), (1, 1)),
        ("creator_timeout", [0.5, 2], (0.5, 2)),
        ("creator_timeout", "0.5, 2", (0.5, 2)),
        ("creator_timeout", "0.5, none", (0.5, math.inf)),
        ("creator_timeout", None, (math.inf, math.inf)),
        ("refresh_ahead", None, None),
        ("refresh_ahead", 0.5, 0.5),
    ],
)
def test_a_value_is_brought_to_one_form(name: str, value: Any, read: Any) -> None:
    assert getattr(read_settings({name: value}), name) == read


def test_a_region_is_quiet_by_default() -> None:
    assert make_region().configure(MEMORY).settings == Settings()
    assert Settings.__annotations__.keys() == {*NAMES}
    assert get_type_hints(protocols.SettingsGiven).keys() == {*NAMES}


INI = {
    "stale_if_error": "60",
    "retry_after": "2.5",
    "share_errors": "true",
    "creator_timeout": "0.5, 10",
    "refresh_ahead": "0.8",
    "jitter": "0.1",
    "on_backend_error": "raise",
    "failure_threshold": "10",
    "recovery_time": "1.5",
    "collect_stats": "true",
}


def test_settings_come_from_ini_files() -> None:
    assert INI.keys() <= {*NAMES}
    prefixed = {f"cache.{name}": value for name, value in INI.items()}
    one = make_region().configure_from_config(
        {"cache.backend": MEMORY, **prefixed}, "cache."
    )
    ini = {f"cache.short.{name}": value for name, value in INI.items()}
    regions = make_regions(
        {"cache.regions": "short", "cache.short.backend": MEMORY, **ini}, "cache."
    )
    for settings in (one.settings, regions["short"].settings):
        assert settings.jitter is not None
        assert settings.jitter(100) == 10
        assert settings._replace(jitter=None) == Settings(
            stale_if_error=60,
            retry_after=2.5,
            share_errors=True,
            creator_timeout=(0.5, 10),
            refresh_ahead=0.8,
            on_backend_error="raise",
            failure_threshold=10,
            recovery_time=1.5,
            collect_stats=True,
        )


def test_an_error_in_an_ini_file_names_the_setting_whole() -> None:
    ini = {
        "cache.regions": "short",
        "cache.short.backend": MEMORY,
        "cache.short.refresh_ahead": "80",
    }
    with pytest.raises(ValidationError, match=r"^cache\.short\.refresh_ahead is 80;"):
        make_regions(ini, "cache.")


def test_a_region_that_is_configured_anew_has_the_new_settings(
    clock: SettableClock,
) -> None:
    region = make_region(clock=clock)
    region.configure(MEMORY, expiration_time=10, refresh_ahead=0.5)
    region.configure(MEMORY, expiration_time=10, replace_existing_backend=True)
    region.set("key", "old")
    clock.move(6)
    assert region.get_or_create("key", lambda: 1 / 0) == "old"


def test_decorated_functions_may_say_it_for_themselves(clock: SettableClock) -> None:
    region = make_region(clock=clock).configure(MEMORY, expiration_time=10)

    @region.cache_on_arguments(stale_if_error=60)
    def one(number: int) -> float:
        return 1 / number

    @region.cache_multi_on_arguments(stale_if_error=60)
    def many(*numbers: int) -> list[float]:
        return [1 / number for number in numbers]

    one.set(1.0, 0)
    many.set({0: 1.0})
    clock.move(11)
    assert one(0) == 1
    assert many(0) == [1]
    with pytest.raises(ValidationError, match="creator_timeout is 'soon'"):
        region.cache_on_arguments(creator_timeout="soon")(one)  # type: ignore[call-overload]
