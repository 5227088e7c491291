"""Functions whose results are cached, and their companions."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from dogpile_cache import NO_VALUE, CacheRegion
from dogpile_cache.keys import function_key_generator, typed_key_generator
from dogpile_cache.testing import SettableClock


class Service:
    """Hold a decorated method, classmethod and staticmethod; made by a fixture."""

    method: Any
    build: Any
    helper: Any


@pytest.fixture
def calls() -> list[Any]:
    return []


@pytest.fixture
def add(region: CacheRegion, calls: list[Any]) -> Any:
    @region.cache_on_arguments()
    def add(a: int, b: int = 2) -> int:
        """Add two numbers."""
        calls.append((a, b))
        return a + b

    return add


def test_a_call_is_made_once_however_it_is_written(add: Any, calls: list[Any]) -> None:
    assert add(1) == add(1, 2) == add(a=1) == add(b=2, a=1) == 3
    assert calls == [(1, 2)]


@pytest.mark.parametrize("generator", [function_key_generator, typed_key_generator])
def test_a_call_by_position_does_not_bind_the_signature(
    region: CacheRegion, generator: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Adder:
        @region.cache_on_arguments(function_key_generator=generator)
        def plus(self, a: int, b: int = 2) -> int:
            return a + b

    @region.cache_on_arguments(function_key_generator=generator)
    def add(a: int, b: int = 2) -> int:
        return a + b

    @region.cache_multi_on_arguments()
    def double(*numbers: int) -> list[int]:
        return [2 * number for number in numbers]

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("this call looks at the signature")

    adder = Adder()
    monkeypatch.setattr(inspect, "signature", refuse)
    for name in ("bind", "bind_partial", "_bind"):
        monkeypatch.setattr(inspect.Signature, name, refuse)
    for _miss_or_hit in range(2):
        assert [add(1), add(1, 2), adder.plus(1), adder.plus(1, 2)] == [3] * 4
        assert double(1, 2) == [2, 4]
        assert add.get(1) == add.get(1, 2) == 3


def test_the_decorated_function_looks_like_the_original(add: Any) -> None:
    assert add.__name__ == "add"
    assert add.__doc__ == "Add two numbers."
    assert add.__wrapped__ is add.original
    assert str(inspect.signature(add)) == "(a: 'int', b: 'int' = 2) -> 'int'"


def test_a_call_with_wrong_arguments_raises_type_error(add: Any) -> None:
    for wrong in (lambda: add(), lambda: add(1, 2, 3), lambda: add(1, c=3)):
        with pytest.raises(TypeError):
            wrong()


def test_set_get_invalidate_refresh_and_original(add: Any, calls: list[Any]) -> None:
    assert add.get(1) is NO_VALUE
    add.set(100, 1)
    assert [add.get(1), add(1), add.get(a=1, b=2)] == [100, 100, 100]
    assert calls == []
    assert add.refresh(1) == 3
    assert add.get(1) == 3
    add.invalidate(1, b=2)
    assert add.get(1) is NO_VALUE
    assert add.original(1) == 3
    assert add.get(1) is NO_VALUE
    assert calls == [(1, 2), (1, 2)]


@pytest.mark.parametrize("many", [False, True])
def test_the_parentheses_may_be_left_out(region: CacheRegion, many: bool) -> None:
    decorate: Any = region.cache_on_arguments
    if many:
        decorate = region.cache_multi_on_arguments
    calls: list[Any] = []

    @decorate
    def f(*args: int) -> list[int]:
        calls.append(args)
        return [2 * arg for arg in args]

    assert f(1, 2) == f(1, 2) == [2, 4]
    assert calls == [(1, 2)]


def test_methods_share_results_among_instances(region: CacheRegion) -> None:
    calls: list[Any] = []

    class Service:
        @region.cache_on_arguments()
        def method(self, a: int) -> int:
            calls.append(a)
            return a

        @classmethod
        @region.cache_on_arguments()
        def build(cls, a: int) -> str:
            calls.append(cls)
            return f"{cls.__name__} {a}"

        @staticmethod
        @region.cache_on_arguments()
        def helper(a: int) -> int:
            calls.append("static")
            return a

    one, other = Service(), Service()
    assert [one.method(3), other.method(3), one.method(a=3)] == [3, 3, 3]
    assert [Service.build(3), one.build(3)] == ["Service 3"] * 2
    assert [Service.helper(3), one.helper(3)] == [3, 3]
    assert calls == [3, Service, "static"]
    assert one.method.get(one, 3) == 3
    one.method.invalidate(one, 3)
    assert Service.method.get(one, 3) is NO_VALUE


@pytest.mark.parametrize("kind", [classmethod, staticmethod])
def test_decorating_a_classmethod_object_says_how_to_do_it(
    region: CacheRegion, kind: Any
) -> None:
    with pytest.raises(TypeError, match=f"put @{kind.__name__} above"):
        region.cache_on_arguments()(kind(lambda cls: 1))


def test_decorating_a_coroutine_function_is_an_error(region: CacheRegion) -> None:
    async def fetch() -> None: ...

    with pytest.raises(TypeError, match="fetch is a coroutine function"):
        region.cache_on_arguments()(fetch)


def test_builtins_partials_and_callable_objects_can_be_decorated(
    region: CacheRegion,
) -> None:
    class Doubler:
        def __call__(self, number: int) -> int:
            return 2 * number

    doubler = Doubler()
    doubler.__module__ = __name__
    assert region.cache_on_arguments()(doubler)(2) == 4
    assert region.cache_on_arguments()(len)("abc") == 3
    partial: Any = functools.partial(pow, 2)
    partial.__module__ = partial.__name__ = "partial"
    assert region.cache_on_arguments()(partial)(3) == 8


def test_a_namespace_tells_functions_of_one_name_apart(region: CacheRegion) -> None:
    def make(namespace: str, result: int) -> Callable[[], int]:
        @region.cache_on_arguments(namespace=namespace)
        def f() -> int:
            return result

        return f

    assert [make("a", 1)(), make("b", 2)(), make("a", 3)()] == [1, 2, 1]


def test_the_expiration_time_may_be_a_function(
    region: CacheRegion, clock: SettableClock, calls: list[Any]
) -> None:
    lifetime = 5.0

    @region.cache_on_arguments(expiration_time=lambda: lifetime)
    def f() -> int:
        calls.append(1)
        return len(calls)

    assert f() == 1
    clock.move(6)
    assert f.get() is NO_VALUE
    assert f() == 2
    clock.move(6)
    lifetime = -1
    assert f() == f.get() == 2


def test_should_cache_fn_rules_calls_and_refreshes(region: CacheRegion) -> None:
    @region.cache_on_arguments(should_cache_fn=lambda value: value is not None)
    def f(a: Any) -> Any:
        return a

    assert f(None) is None
    assert f.get(None) is NO_VALUE
    assert f.refresh(None) is None
    assert f.get(None) is NO_VALUE
    assert f(1) == f.get(1) == 1


def test_to_str_shows_arguments_in_keys(region: CacheRegion) -> None:
    @region.cache_on_arguments(to_str=repr)
    def f(a: Any) -> str:
        return repr(a)

    assert [f(1), f("1")] == ["1", "'1'"]


def test_custom_generators_are_given_the_namespace_and_the_function(
    clock: SettableClock,
) -> None:
    asked: list[Any] = []

    def generator(namespace: Any, fn: Any, **kw: Any) -> Callable[..., str]:
        asked.append((namespace, fn.__name__, kw))
        return lambda *args, **kwargs: f"{args} {kwargs}"

    region = CacheRegion(function_key_generator=generator, clock=clock)
    region.configure("dogpile.cache.memory")

    @region.cache_on_arguments(namespace=("x", "y"), to_str=repr)
    def f(a: int, b: int = 2, *, c: int = 3) -> int:
        return a + b + c

    assert f(1) == 6
    assert asked == [(("x", "y"), "f", {"to_str": repr})]
    assert region.get("(1, 2) {'c': 3}") == 6


def test_keyword_arguments_reach_the_function_as_they_were_given(
    region: CacheRegion,
) -> None:
    @region.cache_on_arguments()
    def f(a: int, /, b: int, c: int = 3) -> tuple[int, int, int]:
        return a, b, c

    assert f(1, c=4, b=2) == (1, 2, 4)
    assert f(1, 2, 4) == (1, 2, 4)


def test_what_can_be_used_but_once_is_not_cached(region: CacheRegion) -> None:
    def numbers() -> Iterator[int]:
        yield 1

    async def later() -> AsyncIterator[int]:
        yield 1

    async def fetch() -> None: ...

    for function, kind in [
        (numbers, "generator"),
        (later, "async generator"),
        (functools.partial(fetch), "coroutine"),
    ]:
        with pytest.raises(TypeError, match=f"is a {kind} function"):
            region.cache_on_arguments()(function)


def test_a_bound_method_is_refused_since_its_object_would_be_no_part_of_the_key(
    region: CacheRegion,
) -> None:
    class Service:
        def method(self, number: int) -> int:
            return number

    with pytest.raises(TypeError, match="decorate the function in its class"):
        region.cache_on_arguments()(Service().method)
