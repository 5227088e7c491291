"""Stored values whose metadata nobody of ours has written: a value or a miss."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dogpile_cache import NO_VALUE, CacheRegion, make_region

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner),
    max_leaves=3,
)
times = st.floats() | st.floats(0, 1e10).map(str) | anything
metadata = st.fixed_dictionaries(
    {"ct": times, "v": st.just(2) | anything},
    optional={"st": times, "other": anything},
)


@pytest.fixture(scope="module", params=[None, -1, 10])
def region(request: pytest.FixtureRequest) -> Iterator[CacheRegion]:
    log = logging.getLogger("dogpile_cache")
    log.disabled = True  # it warns of each miss
    yield make_region(serializer=str.encode, deserializer=bytes.decode).configure(
        "dogpile.cache.memory", expiration_time=request.param
    )
    log.disabled = False


@given(metadata)
@example({"ct": -math.inf, "v": 2, "st": 0.0, "other": None})
def test_metadata_of_others_make_a_value_or_a_miss_and_never_an_error(
    region: CacheRegion, metadata: dict[str, Any]
) -> None:
    stored = json.dumps(metadata).encode() + b"|kept"
    region.backend.set("key", stored)
    assert region.get("key") in ("kept", NO_VALUE)
    assert region.get_multi(["key"])[0] in ("kept", NO_VALUE)
    assert region.get("key", ignore_expiration=True) in ("kept", NO_VALUE)
    assert region.get_or_create_multi(["key"], lambda key: ["made"])[0] in (
        "kept",
        "made",
    )
    region.backend.set("key", stored)
    assert region.get_or_create("key", lambda: "made") in ("kept", "made")
    assert region.get("key") in ("kept", "made")
