"""Keys: calls that differ have keys that differ, and memcached takes them."""

from __future__ import annotations

import datetime
import enum
import uuid
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dogpile_cache.backends.memcached import LONGEST_KEY, ascii_key, safe_key
from dogpile_cache.keys import function_key_generator, typed_key_generator
from dogpile_cache.typed import encode


class Colour(enum.Enum):
    RED = 1
    BLUE = "1"


# Texts out of the letters that the encoding itself is made of.
texts = st.text(alphabet="snitfgbcdOCE:;|([{<0123456789 ,", max_size=12) | st.text(
    max_size=5
)
hashables = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False).map(lambda x: x + 0.0)  # no -0.0, which equals 0.0
    | texts
    | st.binary(max_size=6)
    | st.dates()
    | st.uuids()
    | st.sampled_from([*Colour, int, str, datetime.date(2020, 1, 1), uuid.UUID(int=1)]),
    lambda inner: (
        st.lists(inner, max_size=3).map(tuple) | st.frozensets(inner, max_size=3)
    ),
    max_leaves=6,
)
values = st.recursive(
    hashables,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(hashables, inner, max_size=3)
        | st.sets(hashables, max_size=3)
    ),
    max_leaves=6,
)


def shape(value: Any) -> Any:
    """Return something equal for values that are the same in type and content."""
    kind = type(value).__name__
    if isinstance(value, (list, tuple)):
        return kind, tuple(shape(item) for item in value)
    if isinstance(value, (set, frozenset)):
        return kind, frozenset(shape(item) for item in value)
    if isinstance(value, dict):
        return kind, frozenset((shape(k), shape(v)) for k, v in value.items())
    return kind, value


@given(values, values)
def test_different_values_have_different_encodings(one: Any, other: Any) -> None:
    assert (encode(one) == encode(other)) == (shape(one) == shape(other))


@given(st.lists(values, max_size=3), st.lists(values, max_size=3))
def test_encodings_side_by_side_are_told_apart(
    one: list[Any], other: list[Any]
) -> None:
    same = [shape(value) for value in one] == [shape(value) for value in other]
    assert ("".join(map(encode, one)) == "".join(map(encode, other))) == same


def anything(a: Any, b: Any = None, *rest: Any, c: Any = 1, **more: Any) -> None: ...


def plain(a: Any, b: Any = None) -> None: ...


names = st.sampled_from(["c", "d", "e"])
calls = st.tuples(
    st.lists(values, min_size=1, max_size=4), st.dictionaries(names, values, max_size=2)
)


@given(calls, calls)
def test_different_calls_have_different_keys(one: Any, other: Any) -> None:
    make_key = typed_key_generator(None, anything)

    def complete(call: Any) -> Any:
        args, kwargs = call
        args = [*args, None] if len(args) < 2 else args
        return shape(args), shape({"c": 1, **kwargs})

    keys = [make_key(*args, **kwargs) for args, kwargs in (one, other)]
    assert (keys[0] == keys[1]) == (complete(one) == complete(other))


@given(values, values)
def test_a_call_has_one_key_however_it_is_written(a: Any, b: Any) -> None:
    make_key = typed_key_generator("space", plain)
    assert make_key(a, b) == make_key(a, b=b) == make_key(b=b, a=a)
    assert make_key(a) == make_key(a, None) == make_key(a=a)


@given(st.lists(values, min_size=2, max_size=2), st.none() | texts)
def test_default_keys_are_what_dogpile_cache_makes(
    args: list[Any], space: str | None
) -> None:
    key = function_key_generator(space, plain)(*args)
    middle = "" if space is None else f"|{space}"
    assert key == f"{__name__}:plain{middle}|{args[0]} {args[1]}"


@given(st.text(max_size=400), st.text(max_size=400))
def test_memcached_takes_every_key_and_tells_them_apart(one: str, other: str) -> None:
    for mangle in (safe_key, ascii_key):
        keys = [
            mangle(key.encode(errors="surrogatepass").decode("utf-8", "replace"))
            for key in (one, other)
        ]
        for key in keys:
            data = key.encode()
            assert 0 < len(data) <= LONGEST_KEY
            assert not set(data) & {*range(0x21), 0x7F}
    assert ascii_key(one).isascii() if one.isascii() else True
    assert (safe_key(one) == safe_key(other)) == (one == other) or not (
        one.isprintable() and other.isprintable()
    )
