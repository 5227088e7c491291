"""Every schedule of two and three callers; see ``world.py`` and ``schedules.py``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dogpile_cache import mutex
from dogpile_cache.api import CachedValue

from .actors import Actor
from .schedules import Play, Search
from .world import Case, Phase, Turn

Asked = str | tuple[str, ...]

APART, ALL_APART = (0, 1), (0, 1, 2)
TOGETHER, ALL_TOGETHER = (0, 0), (0, 0, 0)
MIXED, KILLED_AND_TWO = (0, 0, 1), (0, 1, 1)
STARTS = "cold", "stale"


covered: list[int] = []


@pytest.fixture(autouse=True)
def callers_are_threads(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[None]:
    """Have each caller be, to the flights, a thread; tell how much was covered."""
    monkeypatch.setattr(mutex, "get_ident", lambda: Turn.of)
    covered.clear()
    yield
    request.node.user_properties.append(("schedules", sum(covered)))


def run(case: Case, *keys: Asked) -> None:
    keys = keys or ("k",) * len(case.processes)
    search = Search(lambda: Play(case, keys), check)
    covered.append(search.schedules)
    assert search.schedules > 1, "nothing was tried"


def check(play: Play) -> None:
    """Judge how a schedule ended."""
    check_nothing_is_held(play)
    for caller in play.callers:
        if not caller.killed:
            check_answer(play, caller)
    check_cache(play)
    check_creations(play)


def check_nothing_is_held(play: Play) -> None:
    world = play.world
    assert not any(actor.step for actor in play.actors), "somebody waits for ever"
    assert not any(lock.owner for lock in world.locks.values()), "a lock is held"
    for caller in play.callers:
        if not caller.killed:
            assert not caller.flights._flights, "a flight is under way"
            landed = caller.flights.named.values()
            assert not any(flight.landing.locked() for flight in landed)


def check_answer(play: Play, caller: Actor) -> None:
    world = play.world
    if caller.error is not None:
        assert caller.name in world.case.failing, "somebody else's error"
        return
    for key, value in caller.result.items():
        assert value.payload.key == key, "another key's value"
        if caller.came_late and key == play.deleted:
            old = value.payload.after is Phase.BEFORE
            assert not old or is_settling(play, caller, key, value), "a deleted value"
        if caller.came_late and world.case.event == "invalidate hard":
            assert value.metadata["st"] >= world.strategy.latest, "an invalidated value"


def is_settling(play: Play, caller: Actor, key: str, value: CachedValue) -> bool:
    """Tell whether a deletion met a creation that was just ending.

    Its value can be seen for the moment between its being written and taken back, and
    by those whom the creation's process hands it to, unaware of another's deletion.
    """
    makers = [maker for maker in play.callers if maker.name == value.payload.by]
    taken_back = any(key in maker.took_back for maker in makers)
    by_another = play.world.case.of_process != play.world.regions.index(caller.region)
    return taken_back or (by_another and caller.was_handed)


def check_cache(play: Play) -> None:
    world = play.world
    lost = {(caller.name, key) for caller in play.callers for key in caller.lost}
    for key, value in world.values.items():
        assert value.payload.key == key
        assert (value.payload.by, key) not in lost, "a value outlives its lost lease"
        if key == play.deleted:
            assert value.payload.after, "a deleted value came back"


def check_creations(play: Play) -> None:
    case, callers = play.world.case, play.callers
    values = play.world.values
    if not case.event:
        made = sum(caller.creations for caller in callers)
        kept = [v for v in values.values() if v.payload.by != "the start"]
        assert made == len(kept), "a value was made twice"
        if not case.failing:
            old = 0 if case.start != "fresh" else len(values)
            assert len(values) == len(kept) + old, "a value was not made"
    late = [c.made_after for c in callers if not c.was_overtaken]
    for key in {key for made in late for key in made}:
        times = sum(made.count(key) for made in late)
        assert times == 1, "a value was made twice after the event"


@pytest.mark.parametrize("lock", ["lease", "blocking"])
@pytest.mark.parametrize("start", ["cold", "stale", "fresh"])
@pytest.mark.parametrize("processes", [APART, MIXED, ALL_APART], ids=str)
def test_processes_make_a_value_once(
    processes: tuple[int, ...], start: str, lock: str
) -> None:
    run(Case(processes, start, lock))


@pytest.mark.parametrize("start", ["cold", "stale", "fresh"])
@pytest.mark.parametrize("lock", ["none", "lease"])
@pytest.mark.parametrize("processes", [TOGETHER, ALL_TOGETHER], ids=str)
def test_the_callers_of_one_process_make_a_value_once(
    processes: tuple[int, ...], start: str, lock: str
) -> None:
    run(Case(processes, start, lock))


@pytest.mark.parametrize("failing", ["a", "ab", "abc"])
@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("processes", [ALL_TOGETHER, MIXED, ALL_APART], ids=str)
def test_a_creator_that_raises_leaves_the_others_one_creation(
    processes: tuple[int, ...], start: str, failing: str
) -> None:
    run(Case(processes, start, failing=frozenset(failing)))


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize(
    "processes, lock, of_process",
    [
        (TOGETHER, "none", 0),
        (TOGETHER, "lease", 0),
        (TOGETHER, "lease", 1),
        (APART, "lease", 0),
        (APART, "lease", 2),
        (APART, "blocking", 0),
    ],
    ids=str,
)
def test_a_deletion_in_the_middle_of_two_callers_wins(
    processes: tuple[int, ...], lock: str, of_process: int, start: str
) -> None:
    run(Case(processes, start, lock, event="delete", of_process=of_process))


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("event", ["invalidate hard", "invalidate softly", "expire"])
@pytest.mark.parametrize(
    "processes, lock",
    [(TOGETHER, "none"), (APART, "lease"), (APART, "blocking")],
    ids=str,
)
def test_values_that_cease_to_be_fresh_in_the_middle_of_two_callers_are_made_anew(
    processes: tuple[int, ...], lock: str, event: str, start: str
) -> None:
    run(Case(processes, start, lock, event=event))


def test_a_deletion_in_the_middle_of_three_callers_wins() -> None:
    run(Case(ALL_TOGETHER, lock="none", event="delete"))


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("lock", ["lease", "blocking"])
@pytest.mark.parametrize("processes", [TOGETHER, APART], ids=str)
def test_a_lost_lease_costs_no_caller_its_value(
    processes: tuple[int, ...], lock: str, start: str
) -> None:
    run(Case(processes, start, lock, event="lose the lease"))


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("lock", ["lease", "blocking"])
def test_a_killed_process_holds_nobody_up(lock: str, start: str) -> None:
    run(Case(APART, start, lock, event="kill"))


@pytest.mark.parametrize("start", STARTS)
def test_one_killed_process_holds_up_no_two(start: str) -> None:
    run(Case(KILLED_AND_TWO, start, event="kill"))


@pytest.mark.parametrize("failing", ["", "a"])
@pytest.mark.parametrize("start", ["cold", "stale", "fresh"])
@pytest.mark.parametrize("processes", [TOGETHER, APART], ids=str)
@pytest.mark.parametrize(
    "one, other",
    [(("k", "l"), ("l", "k")), (("k", "l"), ("l", "m")), (("k", "l"), "l")],
)
def test_callers_of_many_keys_make_each_once(
    one: Asked, other: Asked, processes: tuple[int, ...], start: str, failing: str
) -> None:
    run(Case(processes, start, failing=frozenset(failing)), one, other)


@pytest.mark.parametrize("event", ["delete", "expire", "invalidate hard"])
@pytest.mark.parametrize("processes", [TOGETHER, APART], ids=str)
def test_what_comes_in_the_middle_of_callers_of_many_keys(
    processes: tuple[int, ...], event: str
) -> None:
    run(Case(processes, event=event), ("k", "l"), "k")
