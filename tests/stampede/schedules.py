"""Every order in which actors can take their steps.

The search is depth-first.  A state from which all futures are known is not entered
again, so that every schedule is covered and counted, though not each walked by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from dogpile_cache.flow import Flow
from dogpile_cache.mutex import Flights

from .actors import Actor, caller, caller_of_many
from .events import event
from .world import Case, World


class Play:
    """Be a world with its actors.

    :param keys: what each caller asks for: a key, or a tuple of keys at once.
    """

    def __init__(self, case: Case, keys: Sequence[str | tuple[str, ...]]) -> None:
        self.world = world = World(case)
        world.fill(*sorted({k for asked in keys for k in asked}))
        self.callers = [
            Actor(name, world, process, self._asks(asked))
            for name, asked, process in zip("abc", keys, case.processes)
        ]
        self.actors = list(self.callers)
        self.deleted = keys[0][0] if case.event == "delete" else None
        if case.event:
            happens = event(keys[0][0], self.callers[0])
            self.actors.append(Actor("event", world, case.of_process, happens))

    def _asks(self, asked: str | tuple[str, ...]) -> Callable[[Actor], Flow[Any]]:
        return caller(asked) if isinstance(asked, str) else caller_of_many(asked)

    def ready(self) -> list[int]:
        """Return who may be next: one alone if nobody else can see its step."""
        ready = [i for i, actor in enumerate(self.actors) if actor.can_go]
        unseen = (i for i in ready if self._is_unseen(self.actors[i]))
        return [first] if (first := next(unseen, None)) is not None else ready

    def _is_unseen(self, actor: Actor) -> bool:
        owner, name, _ = actor.call
        if isinstance(owner, Flights):
            return sum(other.flights is owner for other in self.actors) == 1
        eventful = self.actors[len(self.callers) :]
        return name == "create" and all(happens.step is None for happens in eventful)

    def describe(self) -> tuple[Any, ...]:
        return self.world.describe(), tuple(a.describe() for a in self.actors)

    def story(self) -> str:
        return "\n".join(f"{a.name}: {a.history}" for a in self.actors)

    def close(self) -> None:
        for actor in self.actors:
            actor.abandon()


@dataclass
class Explored:
    """Say how much was covered."""

    schedules: int
    states: int


def explore(new_play: Callable[[], Play], check: Callable[[Play], None]) -> Explored:
    """Run every schedule; check each of their ends."""
    known: dict[Any, int] = {}

    def replay(choices: Sequence[int]) -> Play:
        play = new_play()
        for choice in choices:
            play.actors[choice].take()
        return play

    def follow(play: Play, choices: list[int]) -> int:
        """Return how many schedules begin with some choices, and use up the play."""
        with closing(play):
            state = play.describe()
            if state in known:
                return known[state]
            ready = play.ready()
            if not ready:
                _checked(play, choices, lambda: check(play))
            first, *others = ready or [-1]
            total = 0 if ready else 1
            if ready:
                _checked(play, choices, play.actors[first].take)
                total = follow(play, [*choices, first])
        for choice in others:
            again = replay(choices)
            _checked(again, choices, again.actors[choice].take)
            total += follow(again, [*choices, choice])
        known[state] = total
        return total

    return Explored(follow(new_play(), []), len(known))


def _checked(play: Play, choices: list[int], act: Callable[[], None]) -> None:
    try:
        act()
    except AssertionError as error:
        order = " ".join(play.actors[choice].name for choice in choices)
        raise AssertionError(f"{error}\n{order}\n{play.story()}") from error
