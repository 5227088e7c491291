"""Serializers by name."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from markupsafe import Markup

from dogpile_cache import CacheRegion, make_region
from dogpile_cache.config import make_regions
from dogpile_cache.exception import LibraryNotInstalled, ValidationError


def region_of(serializer: str) -> CacheRegion:
    return make_region(serializer=serializer).configure("dogpile.cache.memory_pickle")


def stored(region: CacheRegion) -> bytes:
    [value] = region.backend._cache.values()  # type: ignore[attr-defined]  # of memory
    assert isinstance(value, bytes)
    return value


@pytest.mark.parametrize("text", ["", "<b>é</b>", "a|b", "\udc80 \0", Markup("<i>")])
def test_text_keeps_strings_as_they_are(text: str) -> None:
    region = region_of("text")
    region.set("key", text)
    assert region.get("key") == text
    assert type(region.get("key")) is str
    assert stored(region).endswith(b"}|" + text.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("value", [1, b"bytes", None, ["text"]])
def test_text_refuses_all_else_and_what_was_kept_stays(value: Any) -> None:
    region = region_of("text")
    region.set("key", "kept")
    with pytest.raises(ValidationError, match="strings and Markup only"):
        region.set("key", value)
    with pytest.raises(ValidationError, match=type(value).__qualname__):
        region.get_or_create("other", lambda: value)
    assert region.get("key") == "kept"
    assert not region.key_is_locked("other")


def test_text_unpickles_nothing() -> None:
    region = region_of("text")
    pickled = b"cos\nsystem\n(S'exit 1'\ntR."
    region.set("key", pickled.decode())
    assert region.get("key") == pickled.decode()


@pytest.mark.parametrize("name", ["json", "pickle", "msgpack"])
def test_the_other_names(name: str) -> None:
    region = region_of(name)
    region.set("key", {"a": [1, None]})
    assert region.get("key") == {"a": [1, None]}
    region.serializer = "text"
    region.set("key", "text")
    assert region.get("key") == "text"


def test_an_unknown_name_is_an_error_that_lists_the_names() -> None:
    with pytest.raises(ValidationError, match=r"'txt'; there are .*text, msgpack,"):
        make_region(serializer="txt")


def test_msgpack_unpickles_nothing_and_keeps_bytes_and_none() -> None:
    region = region_of("msgpack")
    region.set("key", [b"cos\nsystem\n(S'exit 1'\ntR.", None, 1.5])
    assert stored(region).endswith(b"tR.\xc0\xcb?\xf8" + bytes(6))
    assert region.get("key") == [b"cos\nsystem\n(S'exit 1'\ntR.", None, 1.5]


def test_msgpack_without_its_library_is_an_error_that_names_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "msgspec", None)
    with pytest.raises(LibraryNotInstalled, match=r"dogpile-templates\[msgspec\]"):
        make_region(serializer="msgpack")


def test_settings_may_name_a_serializer() -> None:
    settings = {"regions": "a", "a.backend": "dogpile.cache.memory_pickle"}
    regions = make_regions(settings | {"a.serializer": "text"}, prefix="")
    with pytest.raises(ValidationError, match="strings and Markup only"):
        regions["a"].set("key", 1)
    with pytest.raises(ValidationError, match="there are pickle, json, text"):
        make_regions(settings | {"a.serializer": "xml"}, prefix="")
