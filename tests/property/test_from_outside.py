"""Whatever comes from outside gives a value, a miss or one of our own errors."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings

from fuzz import keys, stored, templates
from fuzz import settings as ini


@pytest.fixture(autouse=True, scope="module")
def unheard() -> Iterator[None]:
    log = logging.getLogger("dogpile_cache")
    log.disabled = True  # it warns of each miss
    yield
    log.disabled = False


more = settings(max_examples=300)


@more
@given(stored.inputs)
def test_stored_bytes(data: bytes) -> None:
    stored.check(data)


@pytest.mark.parametrize("data", stored.SEEDS)
def test_bytes_of_every_form(data: bytes) -> None:
    stored.check(data)


@more
@given(ini.inputs)
def test_settings(given: dict[Any, Any]) -> None:
    ini.check(given)


@settings(max_examples=50)  # the dbm backend opens a file for each step
@given(keys.inputs)
def test_keys(key: Any) -> None:
    keys.check(key)


@more
@given(templates.tags)
def test_what_is_written_in_a_tag(text: str) -> None:
    templates.check_tag(text)


@more
@given(templates.arguments)
def test_what_a_tag_is_given(given: dict[str, Any]) -> None:
    templates.check_arguments(given)


@given(templates.mako)
def test_what_a_page_of_mako_is_given(given: Any) -> None:
    templates.check_mako(given)
