"""Typed keys of methods, of variadic and of unusual functions."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

from dogpile_cache import CacheRegion
from dogpile_cache.exception import UnstableArgument, ValidationError
from dogpile_cache.keys import typed_key_generator, typed_multi_key_generator


class Plain:
    def method(self, *values: Any) -> Any:
        return values

    @classmethod
    def build(cls, value: Any) -> Any:
        return value


class Child(Plain):
    pass


class Named(Plain):
    def __init__(self, name: str) -> None:
        self.name = name

    def __cache_key__(self) -> str:
        return self.name


class Doubler:
    def __init__(self, factor: int) -> None:
        self.factor = factor

    def __call__(self, value: int) -> int:
        return value * self.factor


def add(a: int, b: int) -> int:
    return a + b


def multiply(a: int, b: int) -> int:
    return a * b


def local_class(base: type = object) -> type:
    class Local(base):  # type: ignore[misc]
        def own(self, value: Any) -> Any:
            return value

    return Local


def local_with_key() -> type:
    class Local(Plain):
        def __cache_key__(self) -> int:
            return 1

    return Local


def test_a_method_is_refused_for_a_subclass_made_in_a_function() -> None:
    make_key = typed_key_generator(None, Plain.method)
    make_keys = typed_multi_key_generator(None, Plain.method)
    for refused in (make_key, make_keys):
        with pytest.raises(UnstableArgument, match="__cache_key__"):
            refused(local_class(Plain)(), 1)
    with pytest.raises(UnstableArgument):
        typed_key_generator(None, Plain.build.__func__)(local_class(Plain), 1)  # type: ignore[attr-defined]
    assert make_key(local_with_key()(), 1) != make_key(Plain(), 1)
    assert make_keys(local_with_key()(), 1) != make_keys(Plain(), 1)


def test_a_method_of_a_class_made_in_a_function_is_one_by_its_name() -> None:
    one, other = local_class(), local_class()
    keys = {typed_key_generator(None, cls.own)(cls(), 1) for cls in (one, other)}
    assert len(keys) == 1


@pytest.mark.parametrize("generator", [typed_key_generator, typed_multi_key_generator])
@pytest.mark.parametrize(
    "unnamed",
    [
        functools.partial(add, 1),
        functools.update_wrapper(functools.partial(add, 1), add),
        Doubler(2),
    ],
    ids=["partial", "partial with a name", "callable object"],
)
def test_a_callable_without_a_name_of_its_own_wants_a_namespace(
    generator: Callable[..., Any], unnamed: Callable[..., Any]
) -> None:
    with pytest.raises(ValidationError, match="namespace="):
        generator(None, unnamed)
    generator("any", unnamed)


def test_a_namespace_makes_a_partial_a_function_like_any_other(
    region: CacheRegion,
) -> None:
    def cached(name: str, fn: Callable[..., Any]) -> Callable[..., Any]:
        decorate = region.cache_on_arguments(
            name, function_key_generator=typed_key_generator
        )
        return decorate(fn)

    plus = cached("plus", functools.partial(add, 3))
    times = cached("times", functools.partial(multiply, 3))
    assert [plus(4), times(4), plus(4), plus(b=4)] == [7, 12, 7, 7]
    assert [cached("2", Doubler(2))(4), cached("3", Doubler(3))(4)] == [8, 12]


@pytest.mark.parametrize("bound", [Plain().method, Plain.build])
def test_a_bound_method_is_refused(bound: Callable[..., Any]) -> None:
    for generator in (typed_key_generator, typed_multi_key_generator):
        with pytest.raises(ValidationError, match=r"bound.*in its class"):
            generator("any", bound)


def test_keys_of_many_tell_the_objects_of_a_method_apart() -> None:
    make_keys = typed_multi_key_generator(None, Plain.method)
    objects = [Plain(), Child(), Named("a"), Named("b")]
    assert len({make_keys(it, 1)[0] for it in objects}) == 4
    assert make_keys(Plain(), 1, "1") == make_keys(Plain(), 1, "1")
    assert make_keys(Plain()) == []
    assert make_keys() == []


def test_a_method_of_many_keys_serves_each_class_its_own(region: CacheRegion) -> None:
    class Names(Plain):
        @region.cache_multi_on_arguments(
            function_multi_key_generator=typed_multi_key_generator
        )
        def names(self, *numbers: int) -> list[str]:
            return [f"{type(self).__name__} {number}" for number in numbers]

    class MoreNames(Names):
        pass

    assert Names().names(1, 2) == ["Names 1", "Names 2"]
    assert MoreNames().names(1, 3) == ["MoreNames 1", "MoreNames 3"]
    Names.names.set({1: "set"}, Names())
    assert [Names().names(1), MoreNames().names(1)] == [["set"], ["MoreNames 1"]]


def test_ignored_variadic_parameters_stay_out_of_the_key() -> None:
    def load(a: Any, *args: Any, b: Any = 1, **kw: Any) -> None: ...

    no_args = typed_key_generator(ignore=("args",))(None, load)
    assert no_args(1, 2, object()) == no_args(1)
    assert len({no_args(1), no_args(2), no_args(1, b=2), no_args(1, c=1)}) == 4

    no_kw = typed_key_generator(ignore="kw")(None, load)
    assert no_kw(1, c=1, d=object()) == no_kw(1)
    assert len({no_kw(1), no_kw(2), no_kw(1, 1), no_kw(1, b=2)}) == 4

    neither = typed_key_generator(ignore=("args", "kw", "b"))(None, load)
    assert neither(1, 2, b=3, c=4) == neither(1) != neither(2)


def test_an_ignored_self_stays_out_of_the_key() -> None:
    make_key = typed_key_generator(ignore=("self",))(None, Plain.method)
    assert make_key(Plain(), 1) == make_key(Child(), 1) != make_key(Plain(), 2)


def test_names_are_those_of_the_function_that_a_decorator_passes_calls_to() -> None:
    def logged(fn: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(fn)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return fn(*args, **kwargs)

        return wrapper

    @logged
    def load(session: Any, id: int, flag: bool = False) -> int:
        return id

    make_key = typed_key_generator(ignore=("session",))(None, load)
    assert make_key(object(), 1) == make_key(object(), id=1, flag=False)
    assert make_key(object(), 1) != make_key(object(), 2)
    method = typed_key_generator(None, logged(Plain.method))
    assert method(Plain(), 1) == method(Plain(), 1) != method(Child(), 1)
