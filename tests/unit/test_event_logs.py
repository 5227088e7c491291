"""Events in the log: each at its level, and without keys unless they are asked for."""

from __future__ import annotations

import json
import logging
from types import SimpleNamespace
from typing import Any

import pytest

from dogpile_cache.events import Kind, tell
from dogpile_cache.exception import ValidationError
from dogpile_cache.exporters.logs import LEVELS, log_events

from .told import SECRET, tell_all


def test_each_event_is_logged_at_its_level(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    tell_all(log_events())
    assert {record.name for record in caplog.records} == {"dogpile_cache.events"}
    assert [(r.levelname, r.getMessage()) for r in caplog.records] == [
        ("DEBUG", "short: hit"),
        ("DEBUG", "short: miss"),
        ("DEBUG", "short: stale"),
        ("DEBUG", "short: created, 0.020000 s"),
        ("DEBUG", "short: waited, 0.020000 s"),
        ("WARNING", "short: creator_failed, Refused"),
        ("WARNING", "short: backend_failed, ConnectionError"),
        ("WARNING", "short: circuit_opened"),
        ("INFO", "short: circuit_closed"),
        ("DEBUG", "short: evicted"),
        ("WARNING", "short: rejected, ConnectionError"),
        ("DEBUG", "short: hit"),
    ]


def test_no_record_names_a_key_unless_it_is_asked_to(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    tell_all(log_events())
    assert len(caplog.records) == len(Kind) + 1
    for record in caplog.records:
        assert SECRET not in str(vars(record))
    caplog.clear()
    tell_all(log_events(with_keys=True))
    for record in caplog.records:
        assert repr(SECRET) in record.getMessage()
        assert vars(record)["cache_key"] == SECRET
    assert f"Refused: cannot load {SECRET}" in caplog.text


def test_a_record_has_fields_for_formatters(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    region: Any = SimpleNamespace(name="short", listeners=[log_events()])
    tell(region, Kind.CREATED, "key", 0.5)
    fields = {k: v for k, v in vars(caplog.records[0]).items() if k.startswith("cache")}
    assert json.dumps(fields) == json.dumps(
        {"cache_event": "created", "cache_region": "short", "cache_seconds": 0.5}
    )


def test_levels_and_the_logger_may_be_others(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    quiet = dict.fromkeys(Kind)
    levels = {**quiet, Kind.MISS: logging.INFO, Kind.HIT: logging.DEBUG}
    tell_all(log_events(logging.getLogger("app"), levels))
    assert [(r.name, r.levelname) for r in caplog.records] == [("app", "INFO")]


def test_nothing_is_put_together_for_a_level_that_is_off() -> None:
    class Unprintable:
        def __repr__(self) -> str:
            raise AssertionError("it was printed")

    log = logging.getLogger("quiet")
    log.setLevel(logging.INFO)
    region: Any = SimpleNamespace(name="", listeners=[])
    listener = log_events(log, with_keys=True)
    region.listeners.append(listener)
    tell(region, Kind.HIT, Unprintable())
    assert not log.isEnabledFor(LEVELS[Kind.HIT])


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        ({"hits": 10}, "There is no event 'hits'; there are hit, miss, stale"),
        ({Kind.HIT: "DEBUG"}, "The level of hit is 'DEBUG'; allowed are whole numbers"),
        ({Kind.HIT: True}, "The level of hit is True; allowed are"),
    ],
)
def test_a_level_that_is_none_is_an_error(levels: Any, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        log_events(levels=levels)
