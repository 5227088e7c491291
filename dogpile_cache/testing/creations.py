"""What every backend promises while values are made, by one thread and by many."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from dogpile_cache.api import NO_VALUE
from dogpile_cache.exception import CreationDeadlock

from .clock import SettableClock
from .fixture import Fixture
from .tools import DEADLINE, THREADS, Creator, in_thread, raises, threads


class CreationContract(Fixture):
    """Test the creations of a region over the backend, and the backend's mutex."""

    def test_a_value_is_created_once_and_found_again(self) -> None:
        region, key, creator = self.make_region(), self.key(), Creator()
        first = region.get_or_create(key, creator)
        second = region.get_or_create(key, creator)
        assert (first, second) == (1, 1 if self.keeps else 2)

    def test_an_expired_value_is_created_anew(self) -> None:
        clock, creator, key = SettableClock(), Creator(), self.key()
        region = self.make_region(expiration_time=10, clock=clock)
        assert region.get_or_create(key, creator) == 1
        clock.move(11)
        assert region.get_or_create(key, creator) == 2
        assert region.get(key) == self.kept(2)

    def test_a_creator_that_raises_leaves_nothing(self) -> None:
        region, key = self.make_region(), self.key()
        with raises(ZeroDivisionError):
            region.get_or_create(key, lambda: 1 // 0)
        assert region.get(key) is NO_VALUE
        assert not region.key_is_locked(key)
        assert region.get_or_create(key, lambda: 2) == 2

    def test_many_values_are_created_at_once(self) -> None:
        region = self.make_region()
        keys = [self.key() for _ in range(4)]
        region.set(keys[1], "there")
        asked: list[tuple[str, ...]] = []

        def create(*missing: str) -> list[str]:
            asked.append(missing)
            return [f"made {key}" for key in missing]

        made = [f"made {key}" for key in keys]
        if self.keeps:
            made[1] = "there"
        assert region.get_or_create_multi(keys, create) == made
        assert asked == [tuple(k for k in keys if k != keys[1] or not self.keeps)]
        assert region.get_multi(keys) == [self.kept(value) for value in made]

    def test_a_decorated_function_can_be_asked_and_told(self) -> None:
        region, calls = self.make_region(), []
        name = self.key()

        @region.cache_on_arguments(namespace=name)
        def function(number: int) -> int:
            calls.append(number)
            return number * 10

        assert [function(1), function(2), function(1)] == [10, 20, 10]
        assert calls == ([1, 2] if self.keeps else [1, 2, 1])
        function.set(5, 1)
        assert function.get(1) == self.kept(5)
        function.invalidate(1)
        assert function.get(1) is NO_VALUE
        assert function.refresh(1) == 10
        assert function.get(1) == self.kept(10)

    def test_of_many_threads_one_creates(self) -> None:
        region, key, creator = self.make_region(), self.key(), Creator(wait=True)
        with threads() as run:
            answers = run(lambda: region.get_or_create(key, creator))
            creator.may_end.set()
            assert answers() == [1] * THREADS

    def test_of_many_threads_one_creates_each_of_many_values(self) -> None:
        region, lock = self.make_region(), threading.Lock()
        made: list[str] = []
        keys = [self.key() for _ in range(4)]

        def create(*missing: str) -> list[str]:
            with lock:
                made.extend(missing)
            return list(missing)

        with threads() as run:
            answers = run(lambda: region.get_or_create_multi(keys, create))
            assert answers() == [keys] * THREADS
        assert sorted(made) == sorted(keys)

    def test_others_are_served_the_stale_value_at_once(self) -> None:
        clock, key, creator = SettableClock(), self.key(), Creator(wait=True)
        region = self.make_region(expiration_time=10, clock=clock)
        region.set(key, 0)
        clock.move(11)
        with ThreadPoolExecutor(1) as pool:
            made = pool.submit(region.get_or_create, key, creator)
            assert creator.begun.wait(DEADLINE)
            assert region.key_is_locked(key)
            assert region.get_or_create(key, creator) == 0
            creator.may_end.set()
            assert made.result(DEADLINE) == 1
        assert region.get(key) == 1

    def test_a_deletion_during_a_creation_wins(self) -> None:
        region, key, creator = self.make_region(), self.key(), Creator(wait=True)
        with ThreadPoolExecutor(1) as pool:
            made = pool.submit(region.get_or_create, key, creator)
            assert creator.begun.wait(DEADLINE)
            region.delete(key)
            creator.may_end.set()
            assert made.result(DEADLINE) == 1
        assert region.get(key) is NO_VALUE

    def test_an_invalidation_during_a_creation_wins(self) -> None:
        clock, key, creator = SettableClock(), self.key(), Creator(wait=True)
        region = self.make_region(clock=clock)
        with ThreadPoolExecutor(1) as pool:
            made = pool.submit(region.get_or_create, key, creator)
            assert creator.begun.wait(DEADLINE)
            clock.move(1)
            region.invalidate()
            creator.may_end.set()
            assert made.result(DEADLINE) == 1
        assert region.get(key) is NO_VALUE

    def test_a_creator_that_asks_for_its_own_key_is_told(self) -> None:
        region, key = self.make_region(), self.key()

        def create() -> Any:
            return region.get_or_create(key, create)

        with raises(CreationDeadlock):
            region.get_or_create(key, create)
        assert not region.key_is_locked(key)

    def test_a_creator_may_ask_for_other_keys(self) -> None:
        region, outer, inner = self.make_region(), self.key(), self.key()
        value = region.get_or_create(
            outer, lambda: [region.get_or_create(inner, lambda: 1)]
        )
        assert value == [1]
        assert region.get_multi([outer, inner]) == [self.kept([1]), self.kept(1)]

    def test_the_mutex_of_a_key_excludes_others(self) -> None:
        backend, key = self.make_region().backend, self.key()
        if not self.locks:
            assert backend.get_mutex(key) is None
            return
        one, other = backend.get_mutex(key), backend.get_mutex(key)
        apart = backend.get_mutex(self.key())
        assert one is not None
        assert other is not None
        assert apart is not None
        assert one.acquire()
        assert one.locked()
        assert in_thread(lambda: other.acquire(False)) is False
        assert in_thread(lambda: apart.acquire(False) and apart.release() is not False)
        one.release()
        assert not one.locked()
        assert other.acquire(False)
        other.release()
