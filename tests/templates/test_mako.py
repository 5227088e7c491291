"""``cache_impl="dogpile.cache"`` of Mako, by what Mako documents of caching."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.metadata import entry_points
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from mako.lookup import TemplateLookup
from mako.template import Template

import dogpile_templates.mako
from dogpile_cache import CacheRegion
from dogpile_cache.exception import ValidationError
from dogpile_cache.testing import SettableClock
from dogpile_templates import UnknownRegion, UnstableKeyPart
from dogpile_templates.mako import Lexer

from .engines import Regions, mako_options

Make = Callable[..., Any]


@pytest.fixture
def make(regions: Regions) -> Make:
    """Return a function that makes a template from a string."""
    return lambda source, **kw: Template(source, **mako_options(regions) | kw)


def numbers() -> Callable[[], int]:
    return count(1).__next__


def test_two_defs_of_one_template_with_one_key_are_two_fragments(make: Make) -> None:
    options = 'cached="True" cache_region="short" cache_key="k"'
    template = make(
        f'<%def name="a()" {options}>A</%def><%def name="b()" {options}>B</%def>'
        "${a()}${b()}"
    )
    assert [template.render() for _ in range(2)] == ["AB", "AB"]


def test_two_templates_with_a_def_of_one_name_are_two_fragments(
    regions: Regions,
) -> None:
    lookup = TemplateLookup(**mako_options(regions))
    for name in "ab":
        lookup.put_string(
            name, f'<%def name="x()" cached="True" cache_region="short">{name}</%def>'
        )
    lookup.put_string(
        "page",
        '<%namespace name="a" file="a"/><%namespace name="b" file="b"/>${a.x()}${b.x()}',
    )
    assert [lookup.get_template("page").render() for _ in range(2)] == ["ab", "ab"]


def test_nested_defs_of_one_name_are_two_fragments(make: Make) -> None:
    options = 'cached="True" cache_region="short" cache_key="k"'
    nested = '<%def name="{0}()"><%def name="in_()" {1}>{0}</%def>${{in_()}}</%def>'
    source = nested.format("a", options) + nested.format("b", options) + "${a()}${b()}"
    template = make(source)
    assert [template.render() for _ in range(2)] == ["ab", "ab"]


def test_a_page_and_its_blocks_are_cached(make: Make) -> None:
    page = make('<%page cached="True" cache_region="short"/>${next()}')
    block = make(
        '<%block name="b" cached="True" cache_region="short">${next()}</%block>'
        '<%block cached="True" cache_region="short">-${next()}</%block>${next()}'
    )
    following = numbers()
    assert [page.render(next=following) for _ in range(2)] == ["1", "1"]
    following = numbers()
    assert [block.render(next=following) for _ in range(2)] == ["1-23", "1-24"]


def test_buffered_and_filtered_defs_are_kept_as_they_were_rendered(make: Make) -> None:
    template = make(
        '<%def name="x()" cached="True" buffered="True" filter="h,trim" '
        'cache_region="short"> <${next()}> </%def>[${x()}]'
    )
    following = numbers()
    assert [template.render(next=following) for _ in range(2)] == ["[&lt;1&gt;]"] * 2


def test_a_template_with_other_filters_is_another_template(make: Make) -> None:
    source = '<%def name="x()" cached="True" cache_region="short">${t}</%def>${x()}'
    assert make(source).render(t="<") == "<"
    assert make(source, default_filters=["h"]).render(t="<") == "&lt;"


def test_a_template_with_caching_disabled_neither_reads_nor_writes(
    make: Make, regions: dict[str, CacheRegion]
) -> None:
    source = '<%page cached="True" cache_region="short"/>${next()}'
    following = numbers()
    template = make(source, cache_enabled=False)
    assert [template.render(next=following) for _ in range(2)] == ["1", "2"]
    assert regions["short"].backend._cache == {}  # type: ignore[attr-defined]


X = '<%def name="x()" cached="True" cache_region="short">${next()}</%def>${x()}'


def test_invalidate_def_body_and_closure_have_just_that_rendered_anew(
    make: Make,
) -> None:
    template = make(
        '<%page cached="True" cache_region="short"/>${next()}'
        '<%def name="x()" cached="True" cache_region="short">x${next()}</%def>'
        '<%def name="c()" cached="True" cache_region="short">c${next()}</%def>'
        '<%def name="y()"><%def name="c()" cached="True" cache_region="short">'
        "c${next()}</%def>${c()}</%def> ${x()} ${y()}"
    )
    following = numbers()
    assert template.render(next=following) == "1 x2 c3"
    template.cache.invalidate_def("x")
    assert template.render(next=following) == "1 x2 c3"  # the body is cached as well
    template.cache.invalidate_body()
    assert template.render(next=following) == "4 x5 c3"
    template.cache.invalidate_closure("c")
    template.cache.invalidate_body()
    assert template.render(next=following) == "6 x5 c7"


def test_an_invalidation_before_the_first_rendering_reaches_what_others_rendered(
    make: Make,
) -> None:
    following = numbers()
    assert make(X).render(next=following) == "1"
    fresh = make(X)
    fresh.cache.invalidate_def("x")
    assert [fresh.render(next=following) for _ in range(2)] == ["2", "2"]


def test_what_is_set_under_a_key_is_what_the_def_of_that_key_shows(make: Make) -> None:
    template = make(
        '<%def name="x()" cached="True" cache_region="short" cache_key="${7}">'
        "rendered</%def>${x()}"
    )
    cache = template.cache
    assert cache.get(7, region="short") is None
    cache.set(7, "set", region="short")
    assert (template.render(), cache.get(7, region="short")) == ("set", "set")
    cache.put(7, "put", region="short")
    assert template.render() == "put"
    cache.invalidate(7, region="short")
    assert cache.get(7, region="short") is None
    assert template.render() == "rendered"
    assert cache.get(7, region="short") == "rendered"
    assert cache.get("7", region="short") is None


def test_get_or_create_from_python_keeps_what_the_function_returns(make: Make) -> None:
    cache = make("x").cache
    values = [cache.get_or_create("k", numbers(), region="short") for _ in range(2)]
    assert values == [1, 1]
    assert cache.get("k", region="short") == 1
    assert make("y").cache.get("k", region="short") is None


def test_a_value_that_has_expired_is_not_there(
    make: Make, clock: SettableClock
) -> None:
    cache = make("x").cache
    cache.set("k", "value", region="short")
    clock.move(6)
    assert cache.get("k", region="short", timeout=5) is None
    assert cache.get("k", region="short") == "value"


def test_arguments_that_differ_from_call_to_call_count_at_each_call(
    make: Make, clock: SettableClock
) -> None:
    template = make(
        '<%def name="x()" cached="True" cache_region="${where}">${t}</%def>${x()}'
    )
    assert template.render(where="short", t=1) == "1"
    assert template.render(where="long", t=2) == "2"
    assert template.render(where="short", t=3) == "1"


def test_a_region_for_all_may_be_named_in_cache_args(regions: Regions) -> None:
    args = {"regions": regions, "region": "long"}
    source = '<%page cached="True"/>${next()}'
    template = Template(source, cache_impl="dogpile.templates", cache_args=args)
    following = numbers()
    assert [template.render(next=following) for _ in range(2)] == ["1", "1"]


def test_no_region_is_an_error_that_lists_those_there_are(make: Make) -> None:
    template = make('<%page cached="True"/>x')
    with pytest.raises(
        UnknownRegion, match=r"no region, and .*regions.* 'long', 'short'"
    ):
        template.render()
    template = make('<%page cached="True" cache_region="short"/>x', cache_args={})
    with pytest.raises(UnknownRegion, match=r'cache_args\["regions"\] is empty'):
        template.render()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ('cache_type="memory" cache_dir="/x"', "no cache_dir, cache_type; allowed are"),
        ('cache_timeout="-5"', "It is -5; allowed are"),
    ],
)
def test_a_wrong_argument_is_an_error_that_names_what_is_allowed(
    make: Make, arguments: str, message: str
) -> None:
    template = make(f'<%page cached="True" cache_region="short" {arguments}/>x')
    with pytest.raises(ValidationError, match=message):
        template.render()


def test_one_uri_in_two_lookups_with_different_sources_is_two_templates(
    regions: Regions,
) -> None:
    lookups = [TemplateLookup(**mako_options(regions)) for _ in range(2)]
    for lookup, text in zip(lookups, "ab", strict=True):
        source = f'<%page cached="True" cache_region="short"/>{text}'
        lookup.put_string("page.html", source)
    for _ in range(2):
        views = [lookup.get_template("page.html").render() for lookup in lookups]
        assert views == ["a", "b"]


def file_template(path: Path, regions: Regions, text: str, mtime: float) -> Any:
    """Write a template to a file, say when, and load it as a new process would."""
    path.write_text(f'<%page cached="True" cache_region="short"/>{text}')
    os.utime(path, (mtime, mtime))
    options = mako_options(regions)
    return Template(filename=str(path), uri="page.html", **options)


def test_a_template_whose_file_changed_after_it_was_loaded_is_not_taken_for_the_new_one(
    regions: Regions, tmp_path: Path
) -> None:
    path = tmp_path / "page.html"
    old = file_template(path, regions, "old", mtime=1000)
    new = file_template(path, regions, "new", mtime=old.last_modified + 100)
    assert old.render() == "old"
    assert new.render() == "new"


def test_a_file_loaded_twice_or_gone_since_is_no_trouble(
    regions: Regions, tmp_path: Path
) -> None:
    path = tmp_path / "page.html"
    one, other = (file_template(path, regions, "${t}", mtime=1000) for _ in range(2))
    assert (one.render(t=1), other.render(t=2)) == ("1", "1")
    gone = file_template(path, regions, "${t}", mtime=1000)
    path.unlink()
    assert (gone.render(t=3), gone.render(t=4)) == ("3", "3")


def test_both_names_are_entry_points_of_mako() -> None:
    for name in ("dogpile.cache", "dogpile.templates"):
        points = [
            point.value
            for point in entry_points(group="mako.cache")
            if point.name == name
        ]
        assert "dogpile_templates.mako:DogpileCacheImpl" in points


def test_the_second_name_is_registered_too(regions: Regions) -> None:
    dogpile_templates.mako.register()
    options = {**mako_options(regions), "cache_impl": "dogpile.templates"}
    source = '<%def name="x()" cached="True" cache_region="short">x</%def>${x()}'
    template = Template(source, **options)
    assert template.render() == "x"
    assert isinstance(template.cache.impl, dogpile_templates.mako.DogpileCacheImpl)


def test_a_key_of_an_undefined_name_is_an_error_that_says_what_to_write(
    make: Make,
) -> None:
    template = make(
        '<%def name="x()" cached="True" cache_region="short" cache_key="${user}">x'
        "</%def>${x()}"
    )
    with pytest.raises(UnstableKeyPart, match=r"context\.get\('user', None\)"):
        template.render()


def test_a_lifetime_that_changes_from_call_to_call(
    make: Make, clock: SettableClock
) -> None:
    template = make(
        '<%def name="x()" cached="True" cache_region="short" '
        'cache_expiration_time="${lifetime}">${n()}</%def>${x()}'
    )
    n = numbers()
    assert template.render(lifetime=3, n=n) == "1"
    clock.move(2)
    assert template.render(lifetime=3, n=n) == "1"
    assert template.render(lifetime=1, n=n) == "2"
    clock.move(2)
    assert template.render(lifetime=3, n=n) == "2"
    with pytest.raises(ValidationError, match="'soon'"):
        template.render(lifetime="soon", n=n)


def with_lexer(make: Make, source: str) -> Any:
    return make(source, lexer_cls=Lexer)


def test_with_our_lexer_cache_timeout_counts_at_each_call(
    make: Make, clock: SettableClock
) -> None:
    template = with_lexer(
        make,
        '<%def name="x()" cached="True" cache_region="long" '
        'cache_timeout="${lifetime}">${n()}</%def>${x()}',
    )
    n = numbers()
    assert template.render(lifetime=5, n=n) == "1"
    clock.move(6)
    assert template.render(lifetime=60, n=n) == "1"
    assert template.render(lifetime=5, n=n) == "2"


def test_with_our_lexer_a_def_goes_before_the_page(
    make: Make, clock: SettableClock
) -> None:
    for page, own in (("${long}", "5"), ("3600", "${short}"), ("3600", "5")):
        template = with_lexer(
            make,
            f'<%page cache_timeout="{page}"/><%def name="x()" cached="True" '
            f'cache_region="long" cache_timeout="{own}">${{n()}}</%def>'
            f"${{x()}} {page} {own}",
        )
        given = {"n": numbers(), "long": 3600, "short": 5}
        assert template.render(**given).startswith("1")
        clock.move(6)
        assert template.render(**given).startswith("2")


def test_with_our_lexer_a_wrong_constant_is_an_error(make: Make) -> None:
    template = with_lexer(
        make,
        '<%def name="x()" cached="True" cache_region="long" cache_timeout="-5">x</%def>'
        "${x()}",
    )
    with pytest.raises(ValidationError, match="It is -5; allowed are"):
        template.render()
