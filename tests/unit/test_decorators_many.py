"""Functions of many keys whose results are cached, one for each key."""

from __future__ import annotations

from typing import Any

import pytest

from dogpile_cache import NO_VALUE, CacheRegion


@pytest.fixture
def calls() -> list[tuple[Any, ...]]:
    return []


@pytest.fixture
def squares(region: CacheRegion, calls: list[tuple[Any, ...]]) -> Any:
    @region.cache_multi_on_arguments()
    def squares(*numbers: int) -> list[int]:
        calls.append(numbers)
        return [number**2 for number in numbers]

    return squares


@pytest.fixture
def by_name(region: CacheRegion) -> Any:
    @region.cache_multi_on_arguments(asdict=True)
    def by_name(*numbers: int) -> dict[int, int]:
        return {number: number**2 for number in numbers if number >= 0}

    return by_name


def test_the_function_is_asked_for_what_is_missing(
    squares: Any, calls: list[tuple[Any, ...]]
) -> None:
    assert squares(1, 2) == [1, 4]
    assert squares(3, 2, 1) == [9, 4, 1]
    assert squares(2, 2) == [4, 4]
    assert squares() == []
    assert calls == [(1, 2), (3,)]


def test_its_companions_take_many_keys(squares: Any) -> None:
    squares.set({1: 100, 2: 200})
    assert squares.get(1, 2, 3) == [100, 200, NO_VALUE]
    assert squares.refresh(1, 3) == [1, 9]
    assert squares(1, 2, 3) == [1, 200, 9]
    squares.invalidate(1, 2)
    assert squares.get(1, 2, 3) == [NO_VALUE, NO_VALUE, 9]
    assert squares.original(2) == [4]


def test_keys_that_a_dict_leaves_out_are_not_kept(by_name: Any) -> None:
    assert by_name(1, -1, 2) == {1: 1, 2: 4}
    assert by_name.get(1, -1) == [1, NO_VALUE]
    assert by_name.refresh(3, -1) == {3: 9}
    by_name.set({-1: 1})
    assert by_name(-1, 3) == {-1: 1, 3: 9}


def test_methods_are_given_their_instance(region: CacheRegion) -> None:
    class Table:
        def __init__(self, factor: int) -> None:
            self.factor = factor

        @region.cache_multi_on_arguments(namespace="table")
        def rows(self, *ids: int) -> list[int]:
            return [self.factor * id for id in ids]

    table = Table(10)
    assert table.rows(1, 2) == [10, 20]
    assert table.rows.get(table, 1, 3) == [10, NO_VALUE]
    table.rows.set({3: 33}, table)
    assert table.rows(1, 3) == [10, 33]


def test_should_cache_fn_is_asked_about_each_result(region: CacheRegion) -> None:
    @region.cache_multi_on_arguments(should_cache_fn=lambda value: value % 2 == 0)
    def f(*numbers: int) -> list[int]:
        return list(numbers)

    assert f(1, 2) == f.refresh(1, 2) == [1, 2]
    assert f.get(1, 2) == [NO_VALUE, 2]


def test_a_custom_generator_makes_the_keys(region: CacheRegion) -> None:
    def generator(namespace: Any, fn: Any, **kw: Any) -> Any:
        return lambda *args: [f"{namespace}:{arg}" for arg in args]

    @region.cache_multi_on_arguments(
        namespace="ns", function_multi_key_generator=generator
    )
    def f(*names: str) -> list[str]:
        return [name.upper() for name in names]

    assert f("a", "b") == ["A", "B"]
    assert region.get_multi(["ns:a", "ns:b"]) == ["A", "B"]
