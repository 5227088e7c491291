"""Regions from the entries of a mapping that start with a prefix."""

from __future__ import annotations

from typing import Any

import pytest

from dogpile_cache import make_region
from dogpile_cache.exception import MissingSetting, PluginNotFound, ValidationError
from dogpile_cache.proxy import ProxyBackend


def test_strings_of_an_ini_file_are_turned_into_what_they_mean() -> None:
    region = make_region().configure_from_config(
        {
            "cache.backend": "dogpile.cache.memory",
            "cache.expiration_time": " 60 ",
            "cache.arguments.max_entries": "3",
            "other.backend": "dogpile.cache.null",
        },
        "cache.",
    )
    assert region.expiration_time == 60
    for number in range(5):
        region.set(str(number), number)
    assert sum(1 for n in range(5) if region.get(str(n))) <= 3


@pytest.mark.parametrize("text", ["None", "none", "-1"])
def test_no_expiry_can_be_written(text: str) -> None:
    settings = {"c.backend": "dogpile.cache.memory", "c.expiration_time": text}
    region = make_region().configure_from_config(settings, "c.")
    assert region.expiration_time in (None, -1)


def test_a_wrap_reaches_the_region() -> None:
    settings: dict[str, Any] = {
        "backend": "dogpile.cache.memory",
        "wrap": [ProxyBackend],
    }
    region = make_region().configure_from_config(settings, "")
    assert isinstance(region.backend, ProxyBackend)


def test_a_missing_backend_is_an_error_that_names_the_setting() -> None:
    with pytest.raises(MissingSetting, match=r"^There is no 'cache\.backend'"):
        make_region().configure_from_config({"cache.expiration_time": "1"}, "cache.")


@pytest.mark.parametrize(
    ("backend", "argument"), [("dbm", "filename"), ("pymemcache", "url")]
)
def test_a_missing_argument_is_the_error_that_dogpile_cache_raises_too(
    backend: str, argument: str
) -> None:
    with pytest.raises(MissingSetting, match=f"^The argument '{argument}'") as caught:
        make_region().configure(f"dogpile.cache.{backend}")
    assert isinstance(caught.value, KeyError)
    assert isinstance(caught.value, ValidationError)


def test_a_wrong_time_or_backend_is_an_error() -> None:
    wrong = {"c.backend": "dogpile.cache.memory", "c.expiration_time": "soon"}
    with pytest.raises(ValidationError, match=r"^c\.expiration_time is .* 'soon'"):
        make_region().configure_from_config(wrong, "c.")
    with pytest.raises(PluginNotFound, match="there are"):
        make_region().configure_from_config({"backend": "nope"}, "")
