"""Keys of the typed generator: one call, one key; two calls, two keys."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dogpile_cache.keys import typed_key_generator
from dogpile_cache.typed import encode

from .reader import read, read_all
from .strategies import ALPHABET, are_one, forged_text, hashables, values


@given(values)
def test_a_value_can_be_read_back_from_its_string(value: Any) -> None:
    """What can be read back is the string of no other value."""
    assert are_one(read(encode(value)), value)


@given(st.lists(values, max_size=4))
def test_values_side_by_side_can_be_read_back(them: list[Any]) -> None:
    assert are_one(read_all("".join(map(encode, them))), them)


@given(values, values)
def test_two_values_of_one_string_are_one(one: Any, other: Any) -> None:
    assert (encode(one) == encode(other)) == are_one(one, other)


@given(st.dictionaries(hashables, values, max_size=4), st.randoms())
def test_the_order_of_a_dict_and_of_a_set_does_not_matter(
    mapping: dict[Any, Any], random: Any
) -> None:
    pairs = list(mapping.items())
    random.shuffle(pairs)
    assert encode(dict(pairs)) == encode(mapping)
    keys = [key for key, _ in pairs]
    assert encode(set(keys)) == encode(set(mapping))


names = st.text("abcdefs_", min_size=1, max_size=3).filter(str.isidentifier)
few = st.integers(0, 2) | st.sampled_from(["", "0", "i0;", "s1:0"]) | forged_text
calls = st.tuples(
    st.lists(few, min_size=1, max_size=4), st.dictionaries(names, few, max_size=2)
)


def plain(a: Any, b: Any = 1) -> None: ...
def defaults(a: Any = 0, b: Any = "0", c: Any = 1) -> None: ...
def variadic(a: Any, *args: Any, b: Any = 1, **kw: Any) -> None: ...
def by_name(a: Any, *, b: Any = 1, c: Any = 2) -> None: ...
def by_position(a: Any, b: Any = 1, /, **kw: Any) -> None: ...


class One:
    def method(self, a: Any, b: Any = 1) -> None: ...


class Two:
    def method(self, a: Any, b: Any = 1) -> None: ...


class Three(One):
    pass


def bound(fn: Callable[..., Any], call: tuple[list[Any], dict[str, Any]]) -> Any:
    """Return the arguments as the function would see them; None if it refuses them."""
    args, kwargs = call
    try:
        arguments = inspect.signature(fn).bind(*args, **kwargs)
    except TypeError:
        return None
    arguments.apply_defaults()
    return dict(arguments.arguments)


@given(st.sampled_from([plain, defaults, variadic, by_name, by_position]), calls, calls)
def test_two_calls_have_one_key_just_if_the_function_sees_the_same(
    fn: Callable[..., Any], one: Any, other: Any
) -> None:
    seen = bound(fn, one), bound(fn, other)
    if None not in seen:
        key = typed_key_generator(None, fn)
        assert (key(*one[0], **one[1]) == key(*other[0], **other[1])) == are_one(*seen)


@given(st.sampled_from([plain, defaults, variadic]), calls)
def test_ignored_arguments_do_not_enter_the_key(
    fn: Callable[..., Any], call: Any
) -> None:
    seen = bound(fn, call)
    if seen is not None:
        args, kwargs = call
        key = typed_key_generator(ignore="a")(None, fn)
        other = ([object(), *args[1:]], kwargs) if args else (args, kwargs)
        assert are_one({**bound(fn, other), "a": 0}, {**seen, "a": 0})
        assert key(*args, **kwargs) == key(*other[0], **other[1])


@given(st.lists(few, min_size=1, max_size=2))
def test_methods_of_one_name_in_two_classes_share_no_key(args: list[Any]) -> None:
    one = typed_key_generator(None, One.method)
    two = typed_key_generator(None, Two.method)
    keys = {one(One(), *args), two(Two(), *args), one(Three(), *args)}
    assert len(keys) == 3
    assert one(One(), *args) == one(One(), *args)


@given(st.text(ALPHABET, max_size=6) | st.none(), st.text(ALPHABET, max_size=6), few)
def test_two_namespaces_share_no_key(one: str | None, other: str, arg: Any) -> None:
    keys = [typed_key_generator(space, plain)(arg) for space in (one, other)]
    assert (keys[0] == keys[1]) == (one == other)
