"""The tag ``cache`` of Jinja2."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest
from jinja2 import DictLoader, Environment, FileSystemBytecodeCache, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup

from dogpile_cache import CacheRegion, make_region
from dogpile_cache.testing import SettableClock

from .engines import Regions, jinja2_environment

EXTENSION = "dogpile_templates.jinja2.CacheExtension"


@pytest.fixture
def env(regions: Regions) -> Environment:
    return jinja2_environment(regions)


def twice(env: Environment, source: str, **context: object) -> list[str]:
    template = env.from_string(source)
    return [template.render(**context) for _ in range(2)]


def test_tags_of_one_key_that_say_different_things_are_two_fragments(
    env: Environment,
) -> None:
    source = (
        '{% cache "short", "k" %}{{ a }}{% endcache %}'
        '{% cache "short", "k" %}{{ b }}{% endcache %}'
    )
    assert twice(env, source, a="A", b="B") == ["AB", "AB"]


def test_tags_of_one_key_that_say_the_same_are_one_wherever_they_stand(
    env: Environment,
) -> None:
    tag = '{% cache "short", "k" %}{{ next() }}{% endcache %}'
    source = f"{tag}\n\n{{% if true %}}{tag}{{% endif %}}"
    assert env.from_string(source).render(next=count(1).__next__) == "1\n\n1"


def test_a_tag_without_key_is_one_fragment_for_everyone(env: Environment) -> None:
    template = env.from_string('{% cache "short" %}{{ x }}{% endcache %}')
    assert [template.render(x=x) for x in "ab"] == ["a", "a"]


def test_a_change_elsewhere_in_a_template_is_a_change_of_its_fragments(
    regions: Regions,
) -> None:
    source = (
        "{%% macro m() %%}%s{%% endmacro %%}"
        '{%% cache "short" %%}{{ m() }}{%% endcache %%}'
    )
    for text in ("old", "new"):
        loader = DictLoader({"page.html": source % text})
        env = jinja2_environment(regions, loader=loader)
        assert env.get_template("page.html").render() == text


def test_a_bare_name_that_is_not_defined_is_the_name_of_a_region(
    env: Environment, regions: Regions, clock: SettableClock
) -> None:
    template = env.from_string('{% cache long, "k" %}{{ x }}{% endcache %}')
    assert template.render(x=1) == "1"
    clock.move(3000)
    assert template.render(x=2) == "1"


def test_a_bare_name_that_is_defined_is_a_variable(
    env: Environment, regions: dict[str, CacheRegion]
) -> None:
    template = env.from_string('{% cache long, "k" %}{{ x }}{% endcache %}')
    assert template.render(x=1, long="short") == "1"
    assert template.render(x=2, long=regions["short"]) == "1"
    assert template.render(x=3) == "3"


def test_a_bare_name_is_a_region_under_strict_undefined_too(regions: Regions) -> None:
    env = jinja2_environment(regions, undefined=StrictUndefined)
    assert twice(env, '{% cache short, "k" %}x{% endcache %}') == ["x", "x"]


def test_a_hit_is_escaped_as_often_as_a_miss_once(env: Environment) -> None:
    source = (
        '{% cache "short", "k" %}<b>{{ x }}</b>{% endcache %}'
        '{% set held %}{% cache "short", "k" %}<b>{{ x }}</b>{% endcache %}{% endset %}'
        "{{ held }}"
    )
    assert twice(env, source, x="<&>") == ["<b>&lt;&amp;&gt;</b>" * 2] * 2


def test_without_autoescape_nothing_is_escaped(regions: Regions) -> None:
    env = jinja2_environment(regions, autoescape=False)
    source = '{% cache "short", "k" %}<b>{{ x }}</b>{% endcache %}'
    assert twice(env, source, x="<&>") == ["<b><&></b>"] * 2


def test_a_fragment_is_not_served_where_autoescape_is_set_otherwise(
    env: Environment,
) -> None:
    tag = '{% cache "short", "k" %}{{ x }}{% endcache %}'
    source = f"{tag} {{% autoescape false %}}{tag}{{% endautoescape %}} {tag}"
    assert twice(env, source, x="<") == ["&lt; < &lt;"] * 2


def test_what_is_stored_is_plain_text(
    env: Environment, regions: dict[str, CacheRegion]
) -> None:
    env.from_string('{% cache "short", "k" %}{{ x }}{% endcache %}').render(x="<")
    [stored] = regions["short"].backend._cache.values()  # type: ignore[attr-defined]
    assert (type(stored.payload), stored.payload) == (str, "&lt;")


def test_markup_and_text_are_two_keys(env: Environment) -> None:
    template = env.from_string('{% cache "short", k %}{{ k }}{% endcache %}')
    assert template.render(k="<") == "&lt;"
    assert template.render(k=Markup("<")) == "<"


def test_other_delimiters(regions: Regions) -> None:
    env = jinja2_environment(regions, block_start_string="<%", block_end_string="%>")
    source = '<% cache short, "k" %>[{{ next() }}]<% endcache %>'
    assert twice(env, source, next=count(1).__next__) == ["[1]", "[1]"]


def test_loops_set_macros_and_nested_tags(env: Environment) -> None:
    source = (
        "{% macro shout(x) %}{{ x }}!{% endmacro %}"
        "{% for item in items %}"
        '{% cache "short", item %}{% set y = item %}{{ loop.index }}{{ shout(y) }}'
        '{% cache "long", item, "inner" %}({{ item }}){% endcache %}'
        "{% endcache %}{% endfor %}{{ y is defined }}"
    )
    assert twice(env, source, items=["a", "b"]) == ["1a!(a)2b!(b)False"] * 2


def test_the_blocks_of_two_children_are_two_fragments(regions: Regions) -> None:
    child = (
        '{% extends "base" %}{% block body %}{% cache "short", "k" %}'
        "{{ name }}{{ super() }}{% endcache %}{% endblock %}"
    )
    base = "[{% block body %} of base{% endblock %}]"
    sources = {"base": base, "a": child, "b": child}
    env = jinja2_environment(regions, loader=DictLoader(sources))
    for _ in range(2):
        views = [env.get_template(name).render(name=name) for name in "ab"]
        assert views == ["[a of base]", "[b of base]"]


def test_a_sandbox(regions: Regions) -> None:
    env = SandboxedEnvironment(extensions=[EXTENSION])
    env.cache_regions = regions  # type: ignore[attr-defined]  # the extension's
    source = '{% cache "short", "k" %}{{ next() }}{% endcache %}'
    assert twice(env, source, next=count(1).__next__) == ["1", "1"]


def test_regions_may_be_set_after_the_template_was_compiled(regions: Regions) -> None:
    env = Environment(extensions=[EXTENSION])
    template = env.from_string('{% cache "short", "k" %}x{% endcache %}')
    env.cache_regions = regions  # type: ignore[attr-defined]  # the extension's
    assert template.render() == "x"


def test_an_overlay_takes_the_regions_of_its_environment_even_if_set_later(
    regions: Regions,
) -> None:
    env = Environment(extensions=[EXTENSION])
    overlay = env.overlay(block_start_string="<%", block_end_string="%>")
    env.cache_regions = regions  # type: ignore[attr-defined]  # the extension's
    source = '<% cache "short", "k" %>{{ next() }}<% endcache %>'
    assert twice(overlay, source, next=count(1).__next__) == ["1", "1"]


def test_an_overlay_may_have_regions_of_its_own(env: Environment) -> None:
    overlay = env.overlay()
    own = make_region().configure("dogpile.cache.memory")
    overlay.cache_regions = {"own": own}  # type: ignore[attr-defined]
    source = '{% cache "own", "k" %}x{% endcache %}'
    assert twice(overlay, source) == ["x", "x"]
    with pytest.raises(LookupError, match="has 'long', 'short'"):
        env.from_string(source).render()


def test_a_template_from_a_bytecode_cache_has_the_same_fragments(
    regions: Regions, tmp_path: Path
) -> None:
    source = '{% cache "short", "k" %}{{ next() }}{% endcache %}'
    for next_number in (lambda: 1), (lambda: 2):
        env = jinja2_environment(
            regions,
            loader=DictLoader({"page.html": source}),
            bytecode_cache=FileSystemBytecodeCache(str(tmp_path)),
        )
        assert env.get_template("page.html").render(next=next_number) == "1"
    assert len(list(tmp_path.iterdir())) == 1


def test_an_overlay_takes_regions_that_are_set_a_second_time(env: Environment) -> None:
    overlay = env.overlay()
    source = '{% cache "new" %}x{% endcache %}'
    region = make_region().configure("dogpile.cache.memory")
    env.cache_regions = {"new": region}  # type: ignore[attr-defined]
    assert twice(overlay, source) == ["x", "x"]
    assert twice(overlay.overlay(), source) == ["x", "x"]


def test_environments_share_no_regions_that_nobody_gave_them() -> None:
    one, other = (
        Environment(extensions=["dogpile_templates.jinja2.CacheExtension"])
        for _ in range(2)
    )
    region = make_region().configure("dogpile.cache.memory")
    one.cache_regions["short"] = region  # type: ignore[attr-defined]
    assert twice(one, '{% cache "short" %}x{% endcache %}') == ["x", "x"]
    assert other.cache_regions == {}  # type: ignore[attr-defined]


@pytest.mark.parametrize("head", ["", '{% extends "base" %}', "{% extends base %}"])
def test_what_a_tag_shows_is_finalized_once(regions: Regions, head: str) -> None:
    sources = {"base": "{% block x %}{% endblock %}"}
    env = jinja2_environment(
        regions, loader=DictLoader(sources), finalize="<{}>".format, autoescape=False
    )
    source = head + (
        '{% block x %}{% cache "short", 1 %}{{ x }}{% endcache %}{% endblock %}'
        '{% cache "short", 2 %}{{ x }}{% endcache %}'
    )
    views = [env.from_string(source).render(x=1, base="base") for _ in range(2)]
    assert views == (["<1>"] if head else ["<1><1>"]) * 2


def test_a_tag_after_a_parent_that_may_be_none(regions: Regions) -> None:
    sources = {"base": "base"}
    env = jinja2_environment(regions, loader=DictLoader(sources))
    source = (
        '{% if base %}{% extends "base" %}{% endif %}{% for i in [1] %}'
        '{% cache "short" %}own{% endcache %}{% endfor %}'
        '{% set x %}{% cache "short", 2 %}set{% endcache %}{% endset %}{{ x }}'
    )
    for base, shown in ((True, "base"), (False, "ownset")):
        for _ in range(2):
            assert env.from_string(source).render(base=base) == shown
