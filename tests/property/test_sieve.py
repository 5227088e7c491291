"""SIEVE against a slow model, and against first-in-first-out."""

from __future__ import annotations

from collections import OrderedDict
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from dogpile_cache.backends.sieve import Sieve


class Model:
    """SIEVE as the paper tells it, on a list from the oldest to the newest."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.queue: list[list[int]] = []  # key, visited
        self.hand: int | None = None  # a key

    def find(self, key: int) -> list[int] | None:
        return next((entry for entry in self.queue if entry[0] == key), None)

    def get(self, key: int) -> bool:
        entry = self.find(key)
        if entry:
            entry[1] = 1
        return entry is not None

    def set(self, key: int) -> None:
        if self.get(key):
            return
        if len(self.queue) >= self.size:
            self.evict()
        self.queue.append([key, 0])

    def evict(self) -> None:
        index = next((i for i, e in enumerate(self.queue) if e[0] == self.hand), 0)
        while self.queue[index][1]:
            self.queue[index][1] = 0
            index = (index + 1) % len(self.queue)
        del self.queue[index]
        self.hand = self.queue[index][0] if index < len(self.queue) else None

    def delete(self, key: int) -> None:
        index = next((i for i, e in enumerate(self.queue) if e[0] == key), None)
        if index is not None:
            if self.hand == key:
                later = self.queue[index + 1 :]
                self.hand = later[0][0] if later else None
            del self.queue[index]


acts = st.lists(
    st.tuples(st.sampled_from(["get", "set", "set", "delete"]), st.integers(0, 9))
)


@given(st.integers(1, 6), acts)
def test_it_keeps_what_the_model_keeps(size: int, acts: list[tuple[str, int]]) -> None:
    sieve, model = Sieve(size), Model(size)
    for act, key in acts:
        if act == "get":
            assert (sieve.get(key) is not None) == model.get(key)
        elif act == "set":
            sieve[key] = f"value {key}"
            model.set(key)
        else:
            sieve.pop(key, None)
            model.delete(key)
        assert set(sieve) == {entry[0] for entry in model.queue}
        assert len(sieve) <= size


def test_it_keeps_what_is_asked_for_often() -> None:
    """On a trace where few keys are asked for often, it beats first-in-first-out."""
    random = Random(7)
    ranks = [1 / rank for rank in range(1, 2001)]
    trace = random.choices(range(2000), ranks, k=20_000)
    sieve, fifo, hits = Sieve(100), OrderedDict[int, int](), [0, 0]
    for key in trace:
        if sieve.get(key) is None:
            sieve[key] = key
        else:
            hits[0] += 1
        if key in fifo:
            hits[1] += 1
        else:
            fifo[key] = key
            if len(fifo) > 100:
                fifo.popitem(last=False)
    assert hits[0] > hits[1] * 1.1
