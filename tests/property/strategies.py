"""Values of built-in types, with strings out of the alphabet of the key encoder."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from dogpile_cache.typed import encode

ALPHABET = "sigbBcntd([{<CEOr:;0123456789-.'|"

plain_scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.complex_numbers(allow_nan=False)
    | st.binary(max_size=8)
    | st.text(max_size=8)
)
forged_text = (
    st.text(ALPHABET, max_size=12)
    | plain_scalars.map(encode)
    | st.lists(plain_scalars, max_size=3).map(encode)
)
"""Strings that look like what the encoder makes of other values."""

scalars = plain_scalars | forged_text | forged_text.map(str.encode)


def _hashable(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(children, max_size=3).map(tuple) | st.frozensets(
        children, max_size=3
    )


hashables = st.recursive(scalars, _hashable, max_leaves=5)


def _nested(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    few = st.lists(children, max_size=3)
    return (
        few
        | few.map(tuple)
        | st.sets(hashables, max_size=3)
        | st.dictionaries(hashables, children, max_size=3)
    )


values = st.recursive(
    hashables | st.binary(max_size=8).map(bytearray), _nested, max_leaves=8
)


def are_one(one: Any, other: Any) -> bool:
    """Tell whether two values are equal and of the same types, all the way down."""
    if type(one) is not type(other):
        return False
    if isinstance(one, float | complex):
        return repr(one) == repr(other)  # 0.0 and -0.0 are two
    if isinstance(one, tuple | list):
        return len(one) == len(other) and all(map(are_one, one, other))
    if isinstance(one, set | frozenset):
        return len(one) == len(other) and all(
            any(are_one(item, found) for found in other) for item in one
        )
    if isinstance(one, dict):
        pairs = [list(one.items()), list(other.items())]
        return len(one) == len(other) and all(
            any(are_one(pair, found) for found in pairs[1]) for pair in pairs[0]
        )
    return bool(one == other)
