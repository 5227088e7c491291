"""Odd settings, keys and key parts: each is refused in words, or is as good as any."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dogpile_cache import make_region
from dogpile_cache.backends.memcached import ascii_key, safe_key
from dogpile_cache.backends.null import NullBackend
from dogpile_cache.config import make_regions
from dogpile_cache.exception import PluginNotFound, ValidationError
from dogpile_cache.keys import sha1_mangle_key
from dogpile_cache.proxy import ProxyBackend
from dogpile_cache.typed import encode
from dogpile_templates.fragments import fragment_key

MEMORY = "dogpile.cache.memory"
HALF = "half a pair \ud800"  # as json.loads() makes of a request that has it
HUGE = 10**5000


def configured(settings: dict[Any, Any]) -> Any:
    return make_region().configure_from_config({"backend": MEMORY, **settings}, "")


def test_a_number_that_python_does_not_read_is_refused_as_a_text() -> None:
    digits = "9" * 5000
    with pytest.raises(ValidationError, match="expiration_time is not a number"):
        configured({"expiration_time": digits})
    with pytest.raises(ValidationError, match=r"^max_entries is '9+'; allowed are"):
        configured({"arguments.max_entries": digits})


def test_a_lifetime_that_fits_no_float_never_ends() -> None:
    long = 10**400
    seconds = ("stale_if_error", "retry_after", "recovery_time", "creator_timeout")
    region = configured({"expiration_time": long, **dict.fromkeys(seconds, long)})
    assert region.get_or_create("key", lambda: 1) == 1
    for lifetime in (None, long):
        assert region.get_or_create("key", lambda: 2, lifetime) == 1
        assert region.get_or_create_multi(["key"], lambda key: [2], lifetime) == [1]
        assert region.get("key", expiration_time=lifetime) == 1
        assert region.get_multi(["key"], expiration_time=lifetime) == [1]


def test_names_that_are_no_texts_are_of_nobody() -> None:
    assert configured({1: 2, None: 3}).is_configured
    settings = {"c.regions": "r", "c.r.backend": MEMORY, 5: 6}
    assert [*make_regions(settings, "c.")] == ["r"]
    bare = {"regions": "r", "r.backend": MEMORY, 5: 6}
    assert [*make_regions(bare, "")] == ["r"]
    assert not NullBackend.from_config_dict({5: 6}, "").__dict__


@pytest.mark.parametrize("names", [1, True, 1.5, object()])
def test_what_lists_no_names_is_refused(names: Any) -> None:
    with pytest.raises(
        ValidationError, match=r"^The setting 'c.regions' is .* lists of"
    ):
        make_regions({"c.regions": names}, "c.")


def test_a_list_of_what_are_no_names_is_refused() -> None:
    with pytest.raises(
        ValidationError, match=r"^1, None cannot be the name of a region"
    ):
        make_regions({"c.regions": [1, None]}, "c.")


@pytest.mark.parametrize("wrap", [5, True, "a", "some.module.Proxy", None, [1]])
def test_what_is_no_proxy_is_refused(wrap: Any) -> None:
    region = make_region()
    with pytest.raises(ValidationError, match="ProxyBackend") as raised:
        region.configure_from_config({"backend": MEMORY, "wrap": wrap}, "")
    assert isinstance(raised.value, TypeError)
    assert not region.is_configured
    assert configured({"wrap": [ProxyBackend]}).is_configured


@pytest.mark.parametrize("name", [["text"], {}, 5, b"text"])
def test_what_is_no_name_of_a_serializer_or_backend_is_refused(name: Any) -> None:
    with pytest.raises(ValidationError, match="There is no serializer"):
        configured({"serializer": name})
    with pytest.raises(PluginNotFound, match="it is a text"):
        configured({"backend": name})


def test_half_a_surrogate_pair_is_a_key_as_any(tmp_path: Path) -> None:
    manglers = (sha1_mangle_key, safe_key, ascii_key)
    assert {mangle(HALF) for mangle in manglers} == {sha1_mangle_key(HALF)}
    assert sha1_mangle_key(HALF) != sha1_mangle_key(HALF + "1")
    region = make_region().configure(
        "dogpile.cache.dbm", arguments={"filename": tmp_path / "cache.dbm"}
    )
    assert region.get_or_create(HALF, lambda: 1) == 1
    assert region.get(HALF) == 1


def test_a_number_that_python_does_not_show_is_a_key_part_as_any() -> None:
    parts = [HUGE, HUGE + 1, -HUGE, (HUGE,), str(HUGE.bit_length())]
    assert len({encode(part) for part in parts}) == len(parts)
    assert len({fragment_key("own", [part]) for part in parts}) == len(parts)
