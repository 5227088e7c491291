"""Keys: every text, bytes and number is a key, wherever it goes."""

from __future__ import annotations

import tempfile
import warnings
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from dogpile_cache import NO_VALUE, CacheRegion, make_region
from dogpile_cache.backends.memcached import LONGEST_KEY, ascii_key, safe_key
from dogpile_cache.keys import (
    function_key_generator,
    kwarg_function_key_generator,
    length_conditional_mangler,
    sha1_mangle_key,
    typed_key_generator,
)
from dogpile_templates.fragments import digest, fragment_key, fragment_keys, identity

_any_text = st.text(st.characters(), max_size=300) | st.text(
    " |:%\0\n\ud800é", max_size=5
)
inputs: st.SearchStrategy[str | bytes | int] = (
    _any_text | st.binary(max_size=300) | st.integers()
)

_GENERATORS = (
    function_key_generator, kwarg_function_key_generator, typed_key_generator,
)  # fmt: skip


@cache
def regions() -> list[CacheRegion]:
    """Return the regions, one for each backend that needs no server."""
    directory = tempfile.TemporaryDirectory()
    regions = [
        make_region().configure(f"dogpile.cache.{name}")
        for name in ("memory", "memory_pickle", "null")
    ]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*is a dbm.dumb file", RuntimeWarning)
        regions.append(
            make_region().configure(
                "dogpile.cache.dbm",
                arguments={"filename": Path(directory.name, "cache.dbm")},
            )
        )
    vars(regions[-1])["directory"] = directory  # which goes when the region does
    return regions


def check(key: str | bytes | int) -> None:
    """Use a key in each place that takes one."""
    if not isinstance(key, int):
        _check_manglers(key)
    _check_generators(key)
    _check_fragments(key)
    for region in regions():
        _check_region(region, key)


def _check_manglers(key: str | bytes) -> None:
    short: Any = length_conditional_mangler(10, sha1_mangle_key)  # type: ignore[arg-type]
    assert len(sha1_mangle_key(key)) == 40
    assert short(key) == (key if len(key) < 10 else sha1_mangle_key(key))
    for mangle in (safe_key, ascii_key):
        mangled = mangle(key)
        data = mangled.encode("utf-8") if isinstance(mangled, str) else mangled
        assert 0 < len(data) <= LONGEST_KEY
        assert not set(data) & {*range(0x21), 0x7F}
        assert mangle(key) == mangled


def _check_generators(key: Any) -> None:
    for generator in _GENERATORS:
        assert isinstance(generator("namespace", lambda it: it)(key), str)


def _check_fragments(key: Any) -> None:
    own = identity(None, digest(repr(key)), ("place",))
    made = fragment_key(own, (key,))
    assert [made] == fragment_keys(own, [key])
    assert len(made) <= 200
    assert made.isascii()
    assert made.isprintable()
    assert " " not in made
    assert made != fragment_key(own, (key, key))
    assert made != fragment_key(own, (repr(key),))


def _check_region(region: CacheRegion, key: Any) -> None:
    keeps = region is not regions()[2]
    assert region.get_or_create(key, lambda: "value") == "value"
    assert region.get(key) == ("value" if keeps else NO_VALUE)
    region.set_multi({key: "other"})
    assert region.get_multi([key]) == ["other" if keeps else NO_VALUE]
    assert region.get_or_create_multi([key], lambda *keys: ["other"]) == ["other"]
    region.delete_multi([key])
    region.delete(key)
    assert region.get(key) is NO_VALUE
