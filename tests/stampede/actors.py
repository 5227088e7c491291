"""Those who take the steps in a world; above all, callers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from dogpile_cache.api import NO_VALUE, CachedValue
from dogpile_cache.flow import Flow, Step
from dogpile_cache.freshness import State
from dogpile_cache.mutex import Flight, Flights
from dogpile_cache.regenerate import regenerate
from dogpile_cache.regenerate_many import regenerate_many

from .world import (
    LIFETIME,
    Made,
    Phase,
    SplitBatch,
    SplitEntry,
    Turn,
    World,
)


class CreationFailed(Exception):
    """Be what a creator raises."""


class _Abandoned(BaseException):
    """Leave a flow, whatever it does to clean up."""


class Actor:
    """Be one who takes steps.

    :param flow: makes the steps, given the actor.
    """

    def __init__(
        self,
        name: str,
        world: World,
        process: int,
        flow: Callable[[Actor], Flow[Any]],
    ) -> None:
        self.name = name
        self.world = world
        self.region = world.regions[process]
        self.flights: Any = self.region._flights
        self.history: list[Any] = []
        self.came_late = False  # after the event was over
        self.creations = 0
        self.made_after: list[str] = []  # keys, when the event was over
        self.lost: set[Any] = set()  # keys whose lock was taken away
        self.took_back: set[Any] = set()  # keys
        self.led: list[Flight] = []
        self.was_handed = False  # a value by the leader of a flight
        self.killed = False
        self.result: Any = None
        self.error: CreationFailed | None = None
        self._creating = False
        self._after = Phase.BEFORE
        self._seen: Any = NO_VALUE
        self._changes = 0
        self._told: tuple[Any, ...] | None = None  # what only its own steps change
        self._flow = flow(self)
        self.step: Step | None = next(self._flow)

    def make(self, *keys: str) -> list[Made]:
        """Be the creator of this actor's values."""
        if self.name in self.world.case.failing:
            raise CreationFailed
        self.creations += len(keys)
        self.made_after += keys if self._after is Phase.OVER else ()
        return [Made(key, self.name, self.creations, self._after) for key in keys]

    @property
    def call(self) -> tuple[Any, str, tuple[Any, ...]]:
        """What the next step is a method of, its name and its arguments."""
        step: Any = self.step
        args = step.args if isinstance(step, partial) else ()
        function = step.func if isinstance(step, partial) else step
        return getattr(function, "__self__", None), function.__name__, args

    @property
    def waits(self) -> bool:
        owner, name, args = self.call
        if name == "acquire":
            return args == (True,)
        return name == "pause" or (name == "wait" and isinstance(owner, Flights))

    @property
    def can_go(self) -> bool:
        """Tell whether the next step would not block."""
        if self.step is None:
            return False
        if not self.waits:
            return True
        owner, name, args = self.call
        if name == "wait":
            return bool(args[0].landed)
        if name == "pause":
            return self._changes != self.world.changes
        return not owner.locked()

    def take(self) -> None:
        """Take the next step."""
        owner, name, args = self.call
        Turn.of = self.name
        self._told = None
        if not self.history:
            self.came_late = self.world.phase is Phase.OVER
        if name == "create" and not self._creating:
            self._creating, self._after = True, self.world.phase
            owner.begin(*args)
            self.history.append(("begin", self._after))
            return
        self._creating = False
        step: Any = self.step
        try:
            answer = step()
        except CreationFailed as error:
            self.history.append((name, "failed"))
            self._resume(partial(self._flow.throw, error))
        else:
            self._note(answer)
            self._resume(partial(self._flow.send, answer))

    def _note(self, answer: Any) -> None:
        owner, name, _ = self.call
        self.history.append((name, answer))
        if name == "acquire":
            self._changes = self.world.changes
        if name == "release" and answer is False:
            self.lost.add(owner.id)
        if name == "join" and answer[1]:
            self.led.append(answer[0])
        if name == "wait":
            self.was_handed = answer is not NO_VALUE
        if name == "take_back":
            self.took_back.add(owner.id)
        if answer is NO_VALUE or isinstance(answer, CachedValue):
            self._seen = answer

    def _resume(self, resume: Callable[[], Step]) -> None:
        self.step = None
        try:
            self.step = resume()
        except StopIteration as end:
            self.result = end.value
        except CreationFailed as error:
            self.error = error
        if self.step is not None and self.waits:
            policy = self.world.regions[0]._policy
            assert policy.state(self._seen, LIFETIME) is not State.STALE, (
                f"{self.name} waits, with a stale value in hand"
            )

    @property
    def was_overtaken(self) -> bool:
        """Tell whether a deletion, or a lost lock, made its value one not to keep."""
        return bool(self.lost) or any(flight.superseded for flight in self.led)

    def kill(self) -> None:
        """Take no step any more."""
        self.killed, self.step, self._told = True, None, None

    def abandon(self) -> None:
        """Leave the flow where it is; it must not go on when it is collected."""
        with suppress(_Abandoned, StopIteration):
            while True:
                self._flow.throw(_Abandoned)

    def describe(self) -> tuple[Any, ...]:
        """Return all that the future of this actor, or its judgement, depends on."""
        if self._told is None:
            name = self.world.name
            self._told = (
                (self.killed, self.came_late, self.creations, name(self.made_after)),
                (
                    self._creating,
                    self._after,
                    name(self._seen),
                    name(self.lost),
                    name(self.took_back),
                ),
                (name(self.result), self.error is None, self.was_handed),
                *self._frames(),
            )
        return self.can_go, self._told

    def _frames(self) -> Iterator[tuple[Any, ...]]:
        """Tell where the flow stands: its lines and its variables."""
        flow: Any = self._flow
        while flow is not None and flow.gi_frame is not None:
            frame = flow.gi_frame
            yield frame.f_lasti, self.world.name(dict(frame.f_locals))
            flow = flow.gi_yieldfrom


def caller(key: str) -> Callable[[Actor], Flow[Any]]:
    """Do what ``get_or_create`` does, step by step; give its answer by key."""

    def call(me: Actor) -> Flow[Any]:
        region = me.region
        fetch = lambda: region._store.fetch(key) or NO_VALUE
        seen = yield fetch
        if region._is_fresh(seen, LIFETIME):
            return {key: seen}
        entry = SplitEntry(region, key, lambda: me.make(key)[0], LIFETIME, None)
        flights = region._gathering(entry.mutex)
        return {key: (yield from regenerate(entry, flights, seen))}

    return call


def caller_of_many(keys: Sequence[str]) -> Callable[[Actor], Flow[Any]]:
    """Do what ``get_or_create_multi`` does, step by step."""

    def call(me: Actor) -> Flow[Any]:
        region = me.region
        values = yield lambda: region._store.load_many(
            region._store.read_keys(keys), keys
        )
        if all(region._is_fresh(value, LIFETIME) for value in values):
            return dict(zip(keys, values))
        batch = SplitBatch(region, me.make, LIFETIME, None)
        seen = dict(zip(keys, values))
        entries = [batch.entry(key) for key in seen]
        flights = region._gathering(entries[0].mutex)
        yield from regenerate_many(entries, batch, flights, seen)
        return seen

    return call
