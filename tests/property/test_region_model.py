"""A region over memory against a plain dict that says what it should do."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from dogpile_cache import NO_VALUE, make_region
from dogpile_cache.testing import SettableClock

LIFETIME = 10.0
keys = st.sampled_from("abcd")
lifetimes = st.sampled_from([None, -1, 0, 3.0, 30.0])


class Region(RuleBasedStateMachine):
    """What is kept is (value, time made); what is forbidden is said by times."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = SettableClock()
        self.region = make_region(clock=self.clock).configure(
            "dogpile.cache.memory", expiration_time=LIFETIME
        )
        self.kept: dict[str, tuple[Any, float]] = {}
        self.hard = self.soft = float("-inf")
        self.made = 0

    def state(self, key: str, lifetime: float | None) -> str:
        if key not in self.kept:
            return "missing"
        _, made = self.kept[key]
        if made < self.hard:
            return "missing"
        lifetime = LIFETIME if lifetime is None else lifetime
        expired = lifetime != -1 and self.clock.now - made >= lifetime
        return "stale" if expired or made < self.soft else "fresh"

    def create(self) -> int:
        self.made += 1
        return self.made

    @rule(key=keys, value=st.integers() | st.none())
    def set(self, key: str, value: Any) -> None:
        self.region.set(key, value)
        self.kept[key] = value, self.clock.now

    @rule(values=st.dictionaries(keys, st.integers()))
    def set_multi(self, values: dict[str, int]) -> None:
        self.region.set_multi(values)
        self.kept.update({k: (v, self.clock.now) for k, v in values.items()})

    @rule(key=keys, lifetime=lifetimes)
    def get(self, key: str, lifetime: float | None) -> None:
        expected = NO_VALUE
        if self.state(key, lifetime) == "fresh":
            expected = self.kept[key][0]
        assert self.region.get(key, lifetime) == expected
        assert self.region.get_multi([key], lifetime) == [expected]
        metadata = self.region.get_value_metadata(key, lifetime)
        assert (metadata is None) == (self.state(key, lifetime) != "fresh")

    @rule(key=keys)
    def get_whatever_is_there(self, key: str) -> None:
        expected = self.kept[key][0] if key in self.kept else NO_VALUE
        assert self.region.get(key, ignore_expiration=True) == expected

    @rule(key=keys, lifetime=lifetimes, keep=st.booleans())
    def get_or_create(self, key: str, lifetime: float | None, keep: bool) -> None:
        fresh, before = self.state(key, lifetime) == "fresh", self.made
        value = self.region.get_or_create(key, self.create, lifetime, lambda _: keep)
        if fresh:
            assert (value, self.made) == (self.kept[key][0], before)
        else:
            assert value == self.made == before + 1
            if keep:
                self.kept[key] = value, self.clock.now

    @rule(wanted=st.lists(keys, max_size=4), lifetime=lifetimes)
    def get_or_create_multi(self, wanted: list[str], lifetime: float | None) -> None:
        missing = [
            k for k in dict.fromkeys(wanted) if self.state(k, lifetime) != "fresh"
        ]
        asked: list[tuple[str, ...]] = []

        def create(*some: str) -> list[int]:
            asked.append(some)
            return [self.create() for _ in some]

        values = self.region.get_or_create_multi(wanted, create, lifetime)
        assert asked == ([tuple(missing)] if missing else [])
        found = dict(zip(wanted, values, strict=True))
        self.kept.update({key: (found[key], self.clock.now) for key in missing})
        assert found == {key: self.kept[key][0] for key in wanted}

    @rule(some=st.lists(keys, max_size=3))
    def delete(self, some: list[str]) -> None:
        if len(some) == 1:
            self.region.delete(some[0])
        else:
            self.region.delete_multi(some)
        for key in some:
            self.kept.pop(key, None)

    @rule(hard=st.booleans())
    def invalidate(self, hard: bool) -> None:
        self.clock.move(0.5)
        self.region.invalidate(hard)
        if hard:
            self.hard, self.soft = self.clock.now, float("-inf")
        else:
            self.soft = self.clock.now

    @rule(seconds=st.floats(min_value=0, max_value=20))
    def time_passes(self, seconds: float) -> None:
        self.clock.move(seconds)

    @invariant()
    def nothing_is_locked(self) -> None:
        assert not any(self.region.key_is_locked(key) for key in "abcd")


TestRegion = Region.TestCase
TestRegion.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
