"""The ready-made runner: stale values are made anew by a pool of threads."""

from __future__ import annotations

import os
from typing import Any

import pytest

from dogpile_cache import NO_VALUE, make_region
from dogpile_cache.background import ThreadPoolRunner
from dogpile_cache.exception import ValidationError
from dogpile_cache.testing import SettableClock

from .threads import Creation


@pytest.fixture
def runner() -> Any:
    runner = ThreadPoolRunner(2)
    yield runner
    runner.shutdown()


def stale_region(clock: SettableClock, runner: ThreadPoolRunner) -> Any:
    region = make_region(clock=clock, async_creation_runner=runner).configure(
        "dogpile.cache.memory", expiration_time=10
    )
    region.set("key", "old")
    clock.move(11)
    return region


def test_a_stale_value_is_served_while_a_thread_makes_it_anew(
    clock: SettableClock, runner: ThreadPoolRunner
) -> None:
    region, creation = stale_region(clock, runner), Creation("new")
    for _ in range(3):
        assert region.get_or_create("key", creation) == "old"
    creation.wait_for_start()
    assert region.key_is_locked("key")
    assert region.get_or_create("key", creation) == "old"
    creation.end()
    runner.wait()
    assert region.get("key") == "new"
    assert len(creation.calls) == 1
    assert not region.key_is_locked("key")


def test_a_deletion_or_an_invalidation_meanwhile_wins(
    clock: SettableClock, runner: ThreadPoolRunner
) -> None:
    for overtake in (lambda it: it.delete("key"), lambda it: it.invalidate()):
        region, creation = stale_region(clock, runner), Creation("new")
        assert region.get_or_create("key", creation) == "old"
        creation.wait_for_start()
        clock.move(1)
        overtake(region)
        creation.end()
        runner.wait()
        assert region.get("key") is NO_VALUE
        assert not region.key_is_locked("key")


def test_a_failure_is_told_and_the_next_one_tries(
    clock: SettableClock, runner: ThreadPoolRunner, caplog: pytest.LogCaptureFixture
) -> None:
    region = stale_region(clock, runner)
    assert region.get_or_create("key", lambda: 1 // 0) == "old"
    runner.wait()
    assert "The value of 'key' was not made anew" in caplog.text
    assert region.get_or_create("key", lambda: "new") == "old"
    runner.wait()
    assert region.get("key") == "new"


def test_after_a_shutdown_new_threads_are_started(
    clock: SettableClock, runner: ThreadPoolRunner
) -> None:
    for _ in range(2):
        region = stale_region(clock, runner)
        assert region.get_or_create("key", lambda: "new") == "old"
        runner.shutdown()
        assert region.get("key") == "new"


def test_a_forked_child_has_threads_of_its_own(
    clock: SettableClock, runner: ThreadPoolRunner
) -> None:
    region = stale_region(clock, runner)
    region.get_or_create("other", lambda: "started")
    runner.wait()
    child = os.fork()
    if child == 0:
        region.get_or_create("key", lambda: "new")
        runner.wait()
        os._exit(region.get("key") != "new")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_number_of_threads_that_is_none_is_an_error() -> None:
    with pytest.raises(ValidationError, match=r"max_workers is 0; allowed are whole"):
        ThreadPoolRunner(0)
