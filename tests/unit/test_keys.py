"""Default keys, typed keys and manglers."""

from __future__ import annotations

import datetime
import enum
import itertools
import uuid
from collections.abc import Callable
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any

import pytest

from dogpile_cache import CacheRegion, make_region
from dogpile_cache.backends.memcached import safe_key
from dogpile_cache.exception import UnstableArgument
from dogpile_cache.keys import (
    function_key_generator,
    sha1_mangle_key,
    typed_key_generator,
    typed_multi_key_generator,
)


class Colour(enum.Enum):
    RED = 1


class First:
    def method(self, value: Any) -> Any:
        return value

    @classmethod
    def build(cls, value: Any) -> Any:
        return value


class Child(First):
    pass


class Second:
    def method(self, value: Any) -> Any:
        return value


class Row:
    def __init__(self, id: int) -> None:
        self.id = id

    def __cache_key__(self) -> int:
        return self.id


def plain(*args: Any, **kwargs: Any) -> Any:
    return args, kwargs


def with_default(a: Any, b: Any = 2, *, c: Any = 3) -> Any:
    return a, b, c


DISTINCT: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    (args, {})
    for args in [
        (),
        (1,),
        ("1",),
        (b"1",),
        (1.0,),
        (True,),
        (None,),
        ("None",),
        ("",),
        ("a b", "c"),
        ("a", "b c"),
        ("a", "b", "c"),
        (("a", "b"), "c"),
        ("a", ("b", "c")),
        (["a", "b"],),
        (("a", "b"),),
        ({"a", "b"},),
        (frozenset("ab"),),
        ({"a": "b"},),
        ({"a": 1, "b": 2},),
        ([],),
        ((),),
        (0.0,),
        (-0.0,),
        (Colour.RED,),
        (First,),
        (Second,),
        (Decimal(1),),
        (Decimal("1.0"),),
        (datetime.date(2026, 1, 1),),
        (datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc),),
        (uuid.UUID(int=1),),
        (PurePosixPath("a"),),
        (Row(1),),
        (Row(2),),
    ]
] + [((), {"a": 1}), ((), {"b": 1}), ((1,), {"a": 1}), ((), {"a": "1"})]


def test_typed_keys_of_calls_that_differ_differ() -> None:
    make_key = typed_key_generator(None, plain)
    keys = [make_key(*args, **kwargs) for args, kwargs in DISTINCT]
    for (one, key), (other, second) in itertools.combinations(zip(DISTINCT, keys), 2):
        assert key != second, f"{one} and {other} share {key!r}"


def test_typed_keys_of_equal_calls_are_equal_however_they_are_written() -> None:
    make_key = typed_key_generator(None, with_default)
    same = [
        make_key(1),
        make_key(1, 2),
        make_key(a=1),
        make_key(b=2, a=1),
        make_key(1, c=3),
    ]
    assert len(set(same)) == 1
    assert len({make_key(1), make_key(1, 3), make_key(1, c=4)}) == 3


def test_typed_keys_do_not_depend_on_the_order_of_sets_and_dicts() -> None:
    make_key = typed_key_generator(None, plain)
    assert make_key({"a": 1, "b": 2}) == make_key({"b": 2, "a": 1})
    assert make_key(x=1, y=2) == make_key(y=2, x=1)
    names = {f"name {number}" for number in range(50)}
    backwards = sorted(names, reverse=True)
    assert make_key(names) == make_key({*backwards})


def test_typed_keys_tell_methods_of_two_classes_apart() -> None:
    first = typed_key_generator(None, First.method)
    second = typed_key_generator(None, Second.method)
    assert first(First(), 1) != second(Second(), 1)
    assert first(First(), 1) == first(First(), 1)


def test_typed_keys_tell_subclasses_and_namespaces_apart() -> None:
    build = typed_key_generator(None, First.build.__func__)  # type: ignore[attr-defined]
    assert build(First, 1) != build(Child, 1)
    assert typed_key_generator("a", plain)(1) != typed_key_generator("b", plain)(1)
    assert typed_key_generator("a", plain)(1) != typed_key_generator(None, plain)(1)
    assert typed_key_generator(1, plain)(1) != typed_key_generator("1", plain)(1)


def test_an_instance_may_say_what_it_is() -> None:
    class User:
        def __init__(self, id: int) -> None:
            self.id = id

        def __cache_key__(self) -> int:
            return self.id

        def name(self) -> str:
            return "name"

    make_key = typed_key_generator(None, User.name)
    assert make_key(User(1)) == make_key(User(1))
    assert make_key(User(1)) != make_key(User(2))


@pytest.mark.parametrize(
    "unstable", [object(), lambda: None, iter([]), [object()], {"a": object()}]
)
def test_an_argument_without_a_stable_repr_is_an_error_that_says_what_to_do(
    unstable: Any,
) -> None:
    make_key = typed_key_generator(None, plain)
    with pytest.raises(UnstableArgument, match="ignore=") as caught:
        make_key(unstable)
    assert "__cache_key__" in str(caught.value)


def test_ignored_arguments_are_not_part_of_the_key() -> None:
    def load(session: Any, id: int, *, request: Any = None) -> int:
        return id

    generator = typed_key_generator(ignore=("session", "request"))
    make_key = generator(None, load)
    assert make_key(object(), 1) == make_key(object(), 1, request=object())
    assert make_key(session=object(), id=1) == make_key(object(), 1)
    assert make_key(object(), 1) != make_key(object(), 2)


def test_ignoring_is_for_a_whole_region_of_functions_that_may_not_have_the_name() -> (
    None
):
    def without(a: int) -> int:
        return a

    make_key = typed_key_generator(ignore=("session",))(None, without)
    assert make_key(1) != make_key(2)


def test_typed_keys_serve_decorated_functions_with_keyword_arguments(
    region: CacheRegion,
) -> None:
    calls: list[Any] = []

    @region.cache_on_arguments(function_key_generator=typed_key_generator)
    def f(a: Any, b: Any = 2, *rest: Any, c: Any = 3, **more: Any) -> Any:
        calls.append((a, b, rest, c, more))
        return len(calls)

    assert f(1) == f(a=1) == f(1, 2) == f(1, c=3) == 1
    assert [f("1"), f(1, 2, 4), f(1, d=5), f(1, c=4)] == [2, 3, 4, 5]
    assert f.get(1, b=2) == 1
    f.invalidate(b=2, a=1)
    assert f(1) == 6


def test_typed_multi_keys_tell_types_apart(region: CacheRegion) -> None:
    @region.cache_multi_on_arguments(
        function_multi_key_generator=typed_multi_key_generator
    )
    def show(*values: Any) -> list[str]:
        return [repr(value) for value in values]

    assert show(1, "1", None, "None") == ["1", "'1'", "None", "'None'"]
    assert show("1", 1) == ["'1'", "1"]


def test_the_default_keys_keep_the_collisions_they_always_had() -> None:
    make_key = function_key_generator(None, plain)
    assert make_key("a b", "c") == make_key("a", "b c")
    assert make_key(1) == make_key("1")
    with pytest.raises(ValueError, match="typed_key_generator"):
        make_key(a=1)


HOSTILE = [
    "a b",
    "a\tb",
    "a\r\nflush_all",
    "a\x00",
    "\x7f",
    "é" * 200,
    "k" * 251,
    "",
    "key\u2028",
]


@pytest.mark.parametrize("key", HOSTILE)
def test_keys_that_memcached_does_not_take_are_mangled(key: str) -> None:
    safe = safe_key(key)
    data = safe.encode() if isinstance(safe, str) else safe
    assert 0 < len(b"_lock" + data) <= 250
    assert not any(byte <= 0x20 or byte == 0x7F for byte in data)


@pytest.mark.parametrize("key", ["plain", "m:f|1", "k" * 200])
def test_keys_that_memcached_takes_are_left_alone(key: str) -> None:
    assert safe_key(key) == key


def test_hostile_keys_stay_apart() -> None:
    assert len({safe_key(key) for key in HOSTILE}) == len(HOSTILE)


@pytest.mark.parametrize("mangler", [sha1_mangle_key, str.upper])
def test_a_key_mangler_of_the_region_is_used_for_every_operation(
    mangler: Callable[[str], str],
) -> None:
    kept: dict[str, Any] = {}
    region = make_region(key_mangler=mangler)
    region.configure("dogpile.cache.memory", arguments={"cache_dict": kept})
    region.set("a", 1)
    region.set_multi({"b": 2})
    region.get_or_create("c", lambda: 3)
    region.get_or_create_multi(["d"], lambda *keys: [4])
    assert kept.keys() == {mangler(key) for key in "abcd"}
    assert region.get_multi("abcd") == [1, 2, 3, 4]
    region.delete("a")
    region.delete_multi("bcd")
    assert not kept


def test_a_key_mangler_may_be_set_after_configuring() -> None:
    region = make_region().configure("dogpile.cache.memory")
    region.key_mangler = str.upper
    region.set("key", 1)
    assert region.backend.get("KEY")


def test_false_switches_the_mangler_of_the_backend_off() -> None:
    for key_mangler, expected in ((None, safe_key), (False, None)):
        region = make_region(key_mangler=key_mangler)
        region.configure("dogpile.cache.memcached", arguments={"url": "127.0.0.1:1"})
        assert region.key_mangler is expected
