"""Every order in which actors can take their steps.

The search is depth-first.  A state from which all futures are known is not entered
again, so that every schedule is covered and counted, though not each walked by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
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


class Search:
    """Run every schedule, and check how each of them ends.

    :param new_play: begins anew, always in the same way.
    :param check: raises ``AssertionError`` for an end that should not be.
    """

    def __init__(
        self, new_play: Callable[[], Play], check: Callable[[Play], None]
    ) -> None:
        self._new_play = new_play
        self._check = check
        self.known: dict[Any, int] = {}
        """How many schedules begin at a state with a choice."""
        with closing(new_play()) as play:
            self.schedules = self._follow(play, [])

    def _follow(self, play: Play, choices: list[int]) -> int:
        """Return how many schedules begin with some choices, and use up the play."""
        while len(ready := play.ready()) == 1:
            self._take(play, choices, ready[0])
        if not ready:
            with _telling(play, choices):
                self._check(play)
            return 1
        state = play.describe()
        if state not in self.known:
            first, *others = ready
            total = sum(self._follow_another(choices, other) for other in others)
            self._take(play, choices, first)
            self.known[state] = total + self._follow(play, choices)
        return self.known[state]

    def _follow_another(self, choices: list[int], choice: int) -> int:
        with closing(self._new_play()) as play:
            for earlier in choices:
                play.actors[earlier].take()
            choices = list(choices)
            self._take(play, choices, choice)
            return self._follow(play, choices)

    def _take(self, play: Play, choices: list[int], choice: int) -> None:
        choices.append(choice)
        with _telling(play, choices):
            play.actors[choice].take()


@contextmanager
def _telling(play: Play, choices: Sequence[int]) -> Iterator[None]:
    try:
        yield
    except AssertionError as error:
        order = " ".join(play.actors[choice].name for choice in choices)
        raise AssertionError(f"{error}\n{order}\n{play.story()}") from error
