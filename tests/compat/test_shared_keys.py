"""Both packages make the same keys."""

from __future__ import annotations

from typing import Any

import pytest

from . import key_cases
from .conftest import arguments_of
from .processes import Process

KEYS = ["plain", "m:f|1 2", "é", "k" * 200]


@pytest.mark.parametrize("case", key_cases.CASES)
def test_default_keys_and_manglers_are_the_same(
    old: Process, new: Process, case: str
) -> None:
    keys = old.keys(case)
    assert new.keys(case) == keys
    assert len(keys) > 1


@pytest.mark.parametrize("mangler", ["sha1", "conditional", "none"])
def test_a_region_mangles_keys_the_same_way(
    old: Process, new: Process, mangler: str
) -> None:
    for process in (old, new):
        process.configure("mangled", "dogpile.cache.memory", {}, mangler=mangler)
        process.call("mangled", "set_multi", dict.fromkeys(KEYS, 1))
    assert list(new.cache_dict("mangled")) == list(old.cache_dict("mangled"))


@pytest.mark.parametrize("backend", ["redis", "valkey", "dbm"])
def test_keys_that_a_backend_takes_are_kept_as_they_are(
    old: Process, new: Process, request: pytest.FixtureRequest, backend: str
) -> None:
    arguments: dict[str, Any] = arguments_of(request, backend)
    for process in (old, new):
        process.configure("plain", f"dogpile.cache.{backend}", arguments)
    keys = [*KEYS, "a b", "k" * 400]
    for number, key in enumerate(keys):
        old.call("plain", "set", key, number)
    assert new.call("plain", "get_multi", keys) == list(range(len(keys)))
