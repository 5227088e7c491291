"""Regions from settings, and the errors that name what there is."""

from __future__ import annotations

import configparser
from pathlib import Path
from typing import Any

import pytest

from dogpile_cache import NO_VALUE, CacheRegion
from dogpile_cache.config import Regions, make_regions
from dogpile_cache.exception import (
    PluginNotFound,
    RegionAlreadyConfigured,
    RegionNotConfigured,
    ValidationError,
)

INI = """
[app]
debug = true
dogpile_cache.regions = short, long
dogpile_cache.short.backend = dogpile.cache.memory
dogpile_cache.short.expiration_time = 60
dogpile_cache.short.arguments.max_entries = 100
dogpile_cache.long.backend = dogpile.cache.memory_pickle
dogpile_cache.long.expiration_time = None
"""


@pytest.fixture
def settings() -> dict[str, Any]:
    parser = configparser.ConfigParser()
    parser.read_string(INI)
    return dict(parser["app"])


def test_an_ini_file_makes_the_regions_it_names(settings: dict[str, Any]) -> None:
    regions = make_regions(settings)
    assert sorted(regions) == ["long", "short"]
    assert len(regions) == 2
    assert isinstance(regions["short"], CacheRegion)
    assert [regions[name].name for name in ("short", "long")] == ["short", "long"]
    assert [regions["short"].expiration_time, regions["long"].expiration_time] == [
        60,
        None,
    ]
    for number in range(200):
        regions["short"].set(str(number), number)
    kept = [n for n in range(200) if regions["short"].get(str(n)) is not NO_VALUE]
    assert len(kept) == 100


def test_another_prefix_and_a_list_of_names_will_do() -> None:
    settings = {"c.regions": ["one"], "c.one.backend": "dogpile.cache.null"}
    assert list(make_regions(settings, prefix="c.")) == ["one"]


def test_settings_that_are_not_strings_are_taken_as_they_are() -> None:
    kept: dict[str, Any] = {}
    settings = {
        "c.regions": "one",
        "c.one.backend": "dogpile.cache.memory",
        "c.one.expiration_time": 5,
        "c.one.arguments.cache_dict": kept,
    }
    regions = make_regions(settings, "c.")
    regions["one"].set("key", 1)
    assert list(kept) == ["key"]


def test_regions_can_be_used_for_decorating_before_there_are_settings(
    settings: dict[str, Any],
) -> None:
    regions = Regions()
    calls: list[int] = []

    @regions["short"].cache_on_arguments()
    def double(number: int) -> int:
        calls.append(number)
        return 2 * number

    assert regions["short"] is regions["short"]
    assert not regions["short"].is_configured
    with pytest.raises(RegionNotConfigured):
        double(2)
    assert regions.configure(settings) is regions
    assert [double(2), double(2)] == [4, 4]
    assert calls == [2]
    assert sorted(regions) == ["long", "short"]


def test_regions_are_made_by_a_function_of_ones_own(settings: dict[str, Any]) -> None:
    def make(name: str) -> CacheRegion:
        return CacheRegion(name=name, key_mangler=lambda key: f"{name}:{key}")

    for regions in (
        Regions(make).configure(settings),
        make_regions(settings, make=make),
    ):
        regions["short"].set("key", 1)
        assert regions["short"].backend.get("short:key")


def test_an_unknown_region_is_an_error_that_names_those_there_are(
    settings: dict[str, Any],
) -> None:
    regions = make_regions(settings)
    with pytest.raises(
        ValidationError, match=r"no region 'shrot'.*short, long"
    ) as caught:
        regions["shrot"]
    assert isinstance(caught.value, KeyError)
    assert regions.get("shrot") is None
    assert "shrot" not in regions
    assert "short" in regions


def test_a_region_that_was_handed_out_and_is_not_configured_is_an_error(
    settings: dict[str, Any],
) -> None:
    regions = Regions()
    regions["shrot"]
    with pytest.raises(ValidationError, match=r"shrot.*short, long"):
        regions.configure(settings)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a misspelt option": (
        {"dogpile_cache.short.expiration_tiem": "5"},
        "expiration_tiem.*backend, expiration_time, serializer, .*arguments",
    ),
    "a misspelt region": (
        {"dogpile_cache.shrot.expiration_time": "5"},
        "shrot.*short, long",
    ),
    "a misspelt argument": (
        {"dogpile_cache.short.arguments.max_entires": "5"},
        "max_entires.*cache_dict, max_entries",
    ),
    "a wrong time": ({"dogpile_cache.short.expiration_time": "soon"}, "soon"),
    "a wrong argument": (
        {"dogpile_cache.short.arguments.max_entries": "many"},
        "'many'.*whole numbers",
    ),
    "no backend": ({"dogpile_cache.regions": "short, long, third"}, "third.backend"),
    "a name with a dot": ({"dogpile_cache.regions": "a.b"}, r"a\.b.*letters, digits"),
}


@pytest.mark.parametrize(("changes", "message"), WRONG.values(), ids=WRONG)
def test_a_mistake_is_an_error_that_names_what_there_is(
    settings: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        make_regions({**settings, **changes})


def test_an_unknown_backend_is_an_error_that_names_those_there_are(
    settings: dict[str, Any],
) -> None:
    settings["dogpile_cache.short.backend"] = "dogpile.cache.memroy"
    with pytest.raises(PluginNotFound, match=r"memroy.*dogpile\.cache\.memory,"):
        make_regions(settings)


def test_missing_settings_are_an_error_that_says_which() -> None:
    with pytest.raises(ValidationError, match=r"dogpile_cache\.regions"):
        make_regions({})


def test_nothing_is_configured_when_one_setting_is_wrong(
    settings: dict[str, Any],
) -> None:
    settings["dogpile_cache.long.nonsense"] = "1"
    regions = Regions()
    short = regions["short"]
    with pytest.raises(ValidationError):
        regions.configure(settings)
    assert not short.is_configured
    del settings["dogpile_cache.long.nonsense"]
    assert regions.configure(settings)["short"] is short
    assert short.is_configured


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("expiration_time", "-7", "is not a number or timedelta.  It is -7; allowed"),
        ("arguments.max_entries", "many", "is 'many'; allowed are whole numbers"),
    ],
)
def test_a_wrong_value_is_an_error_that_names_the_setting_before_any_region_is_configured(
    settings: dict[str, Any], setting: str, value: str, message: str
) -> None:
    name = f"dogpile_cache.long.{setting}"
    regions = Regions()
    short = regions["short"]
    with pytest.raises(ValidationError) as caught:
        regions.configure({**settings, name: value})
    assert str(caught.value).startswith(f"{name} {message}")
    assert not short.is_configured
    assert regions.configure(settings)["short"] is short
    assert short.is_configured


def test_when_a_backend_cannot_be_made_no_region_is_left_configured(
    settings: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    name = "dogpile_cache.long"
    wrong = {
        **settings,
        f"{name}.backend": "dogpile.cache.dbm",
        f"{name}.arguments.filename": str(tmp_path / "file" / "cache.dbm"),
    }
    regions = Regions()
    short = regions["short"]
    with pytest.raises(OSError, match="file"):
        regions.configure(wrong)
    assert [short.is_configured, short.expiration_time] == [False, None]
    with pytest.raises(RegionNotConfigured):
        short.get("key")
    assert list(regions) == ["short"]
    assert regions.configure(settings)["short"] is short
    assert [short.is_configured, short.expiration_time] == [True, 60]
    assert short.get_or_create("key", lambda: 1) == short.get("key") == 1


def test_regions_stay_configured_when_they_are_to_be_configured_again(
    settings: dict[str, Any],
) -> None:
    regions = make_regions(settings)
    with pytest.raises(RegionAlreadyConfigured):
        regions.configure(settings)
    assert all(region.is_configured for region in regions.values())
