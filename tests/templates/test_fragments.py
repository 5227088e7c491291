"""Keys and regions, without an engine."""

from __future__ import annotations

import re
from itertools import combinations

import pytest

from dogpile_cache import CacheRegion
from dogpile_templates import UnknownRegion, UnstableKeyPart
from dogpile_templates.fragments import digest, find_region, fragment_key, identity

OWN = identity("page.html", digest("source"), ("place",))

PARTS = [
    (),
    (None,),
    (1,),
    ("1",),
    (True,),
    (1.0,),
    (b"1",),
    ((1,),),
    ([1],),
    (1, 1),
    ("b_c",),
    ("b", "c"),
    ("c", "b"),
    (["b", "c"],),
    ("ab", "c"),
    ("a", "bc"),
    ("\ud800",),
    ("?",),
]


def test_parts_that_differ_in_value_type_order_or_grouping_have_keys_of_their_own() -> (
    None
):
    for one, other in combinations(PARTS, 2):
        assert fragment_key(OWN, one) != fragment_key(OWN, other), (one, other)


def test_a_key_is_short_printable_and_the_same_again() -> None:
    for parts in [("a b",), ("\n",), ("\0",), ("ü",), ("x" * 60,), ("ü" * 1000, "a b")]:
        key = fragment_key(OWN, parts)
        assert re.fullmatch(f"fragment:{OWN}#[0-9a-f]{{40}}", key)
        assert key == fragment_key(OWN, parts)


def test_parts_that_are_short_and_printable_can_be_read_in_the_key() -> None:
    assert fragment_key(OWN, ("side|bar", 5, (1, "a"))) == (
        f"fragment:{OWN}:s8:side|bari5;(2:i1;s1:a"
    )
    assert fragment_key(OWN, ()) == f"fragment:{OWN}:"


def test_the_identity_depends_on_name_source_and_place() -> None:
    others = [
        identity("other.html", digest("source"), ("place",)),
        identity(None, digest("source"), ("place",)),
        identity("page.html", digest("source, changed"), ("place",)),
        identity("page.html", digest("source"), ("another",)),
        identity("page.html", digest("source"), ("pla", "ce")),
    ]
    assert len({OWN, *others}) == 6


def test_a_part_without_a_stable_representation_is_refused_and_told_what_to_pass() -> (
    None
):
    with pytest.raises(UnstableKeyPart, match=r"'object'.*Pass an id.*__cache_key__"):
        fragment_key(OWN, ("fine", [object()]))


def test_a_part_that_contains_itself_is_refused() -> None:
    part: list[object] = []
    part.append(part)
    with pytest.raises(UnstableKeyPart, match=r"'list'.*contains itself"):
        fragment_key(OWN, (part,))


def test_an_object_may_say_what_stands_for_it() -> None:
    class User:
        def __init__(self, id: int) -> None:
            self.id = id

        def __cache_key__(self) -> int:
            return self.id

    assert fragment_key(OWN, (User(1),)) == fragment_key(OWN, (User(1),))
    assert fragment_key(OWN, (User(1),)) != fragment_key(OWN, (User(2),))


def test_a_region_is_found_by_its_name_or_taken_as_it_is(
    regions: dict[str, CacheRegion],
) -> None:
    assert find_region(regions, "long", "settings") is regions["long"]
    assert find_region(None, regions["long"], "settings") is regions["long"]


@pytest.mark.parametrize("given", ["shrt", 42, ["short"]])
def test_an_unknown_region_is_an_error_that_lists_those_there_are(
    regions: dict[str, CacheRegion], given: object
) -> None:
    with pytest.raises(UnknownRegion) as caught:
        find_region(regions, given, "settings")
    told = f"No region {given!r}; settings has 'long', 'short'."
    assert str(caught.value).startswith(told)
    assert (caught.value.name, caught.value.known) == (given, ["long", "short"])


def test_no_region_at_all_is_an_error_that_says_so() -> None:
    with pytest.raises(UnknownRegion, match=r"No region 'short'; settings is empty\."):
        find_region({}, "short", "settings")
    with pytest.raises(UnknownRegion, match="names no region"):
        find_region(None, None, "settings")
