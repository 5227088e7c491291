"""The keys of fragments from Python, and their removal."""

from __future__ import annotations

import subprocess
import sys
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from jinja2 import DictLoader, Environment, ModuleLoader
from mako.lookup import TemplateLookup

from dogpile_cache import CacheRegion, make_region
from dogpile_templates import (
    FragmentError,
    UnknownRegion,
    UnstableKeyPart,
    fragment_keys,
    invalidate_fragment,
)

from .engines import Regions, jinja2_environment, mako_options

ROOT = Path(__file__).parents[2]
JINJA2 = {
    "base": '{% cache "long", "nav", name="nav" %}nav{% endcache %}'
    '{% cache "short" %}{% block a %}{% endblock %}{% endcache %}',
    "page": '{% extends "base" %}{% block a %}{% include "part" %}'
    '{% cache short, k, name="one" %}{{ n() }}{% endcache %}'
    '{% cache region, k, name="two" %}two{% endcache %}'
    '{% cacheeach "short", i in items, key=(i, 1), name="each" %}{{ i }}{% endcacheeach %}'
    "{% endblock %}",
    "part": "part",
    "plain": "nothing",
    "calls": '{% macro m() %}{% cache "short" %}{{ caller() }}{% endcache %}{% endmacro %}',
}
MAKO = {
    "base": '<%def name="nav()" cached="True" cache_region="long">nav</%def>'
    '${nav()}<%block name="a" cached="True" cache_region="short">[${self.t()}]</%block>'
    "${next.body()}",
    "page": '<%inherit file="base"/><%def name="t()">title</%def>'
    '<%def name="one(k)" cached="True" cache_region="short" cache_key="${k}">${n()}</%def>'
    "${one(k)}",
    "plain": "nothing",
}


@pytest.fixture
def env(regions: Regions) -> Environment:
    return jinja2_environment(regions, loader=DictLoader(JINJA2))


def mako_lookup(regions: Regions) -> TemplateLookup:
    lookup = TemplateLookup(**mako_options(regions))
    for name, source in MAKO.items():
        lookup.put_string(name, source)
    return lookup


@pytest.fixture
def lookup(regions: Regions) -> TemplateLookup:
    return mako_lookup(regions)


def kept(region: CacheRegion) -> set[str]:
    return set(region.backend._cache)  # type: ignore[attr-defined]  # of memory


def test_the_keys_of_a_page_are_those_it_is_kept_under(
    env: Environment, regions: dict[str, CacheRegion]
) -> None:
    env.get_template("page").render(
        k="k", region=regions["long"], items="ab", n=lambda: 1
    )
    found = {
        name: set(fragment_keys(env, "page", *parts, name=name))
        for name, *parts in [
            ("nav", "nav"), ("one", "k"), ("two", "k"), ("each", ("a", 1))
        ]
    }  # fmt: skip
    assert len(found["nav"] & kept(regions["long"])) == 1
    assert len(found["one"] & kept(regions["short"])) == 1
    assert len(found["two"] & kept(regions["long"])) == 1
    assert len(found["each"] & kept(regions["short"])) == 1
    unnamed = set(fragment_keys(env, "page"))
    assert len(unnamed & kept(regions["short"])) == 1  # the one around the block


def test_an_invalidated_fragment_is_rendered_anew_and_no_other(
    env: Environment, regions: dict[str, CacheRegion]
) -> None:
    page, n = env.get_template("page"), count(1)
    context: dict[str, Any] = {"region": "long", "items": "", "n": lambda: next(n)}
    for k in "ab":
        page.render(k=k, **context)
    invalidate_fragment(env, "page")  # around the block
    before = [kept(regions[name]) for name in ("short", "long")]
    invalidate_fragment(env, "page", "a", name="one")
    gone = before[0] - kept(regions["short"])
    assert len(gone) == 1
    assert gone <= set(fragment_keys(env, "page", "a", name="one"))
    assert kept(regions["long"]) == before[1]
    invalidate_fragment(env, "page", "a", name="two")  # in whichever region it is
    assert len(before[1] - kept(regions["long"])) == 1
    invalidate_fragment(env, "page", "b", name="two", region=regions["short"])
    assert len(before[1] - kept(regions["long"])) == 1


def test_the_keys_of_a_mako_page(
    lookup: TemplateLookup, regions: dict[str, CacheRegion]
) -> None:
    lookup.get_template("page").render(k=5, n=lambda: 1)
    assert (
        len(set(fragment_keys(lookup, "page", name="nav")) & kept(regions["long"])) == 1
    )
    assert (
        len(set(fragment_keys(lookup, "page", name="a")) & kept(regions["short"])) == 1
    )
    assert fragment_keys(lookup, "page", 5, name="one")[0] in kept(regions["short"])
    assert fragment_keys(lookup, "page", "5", name="one")[0] not in kept(
        regions["short"]
    )


def test_an_invalidated_fragment_of_mako_is_rendered_anew(
    lookup: TemplateLookup, regions: dict[str, CacheRegion]
) -> None:
    n = count(1)
    page = lookup.get_template("page")
    views = []
    for _ in range(2):
        views += [page.render(k=k, n=lambda: next(n))[-1] for k in (5, 6)]
        invalidate_fragment(lookup, "page", 5, name="one")
    assert views == ["1", "2", "3", "2"]


IN_ANOTHER_PROCESS = """
from jinja2 import DictLoader
from tests.templates.engines import jinja2_environment
from tests.templates.test_access import JINJA2, mako_lookup
from dogpile_templates import fragment_keys
env = jinja2_environment({}, loader=DictLoader(JINJA2))
print(*fragment_keys(env, "page", "k"), *fragment_keys(mako_lookup({}), "page", 5))
"""


def test_it_works_in_a_process_that_has_rendered_nothing(
    env: Environment, lookup: TemplateLookup
) -> None:
    env.get_template("page").render(k="k", region="long", items="", n=str)
    lookup.get_template("page").render(k=5, n=str)
    done = subprocess.run(
        [sys.executable, "-c", IN_ANOTHER_PROCESS],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    here = [*fragment_keys(env, "page", "k"), *fragment_keys(lookup, "page", 5)]
    assert done.stdout.split() == here


@pytest.mark.parametrize(
    ("page", "name", "message"),
    [
        ("plain", None, "'plain' has no cache tag"),
        (
            "page",
            "three",
            r"no cache tag of the name 'three'; it has 'each', 'nav', 'one'",
        ),
        ("calls", None, "what the caller of its macro says"),
    ],
)
def test_what_cannot_be_told_is_an_error(
    env: Environment, page: str, name: str | None, message: str
) -> None:
    with pytest.raises(FragmentError, match=message):
        fragment_keys(env, page, name=name)


def test_what_cannot_be_told_of_mako_is_an_error(lookup: TemplateLookup) -> None:
    with pytest.raises(FragmentError, match=r"'plain' has no cached def.*has none"):
        fragment_keys(lookup, "plain")
    with pytest.raises(FragmentError, match=r"'gone'; it has 'a', 'nav', 'one'"):
        fragment_keys(lookup, "page", name="gone")
    with pytest.raises(FragmentError, match="2 were given"):
        fragment_keys(lookup, "page", 1, 2)


def test_wrong_engines_and_parts_are_errors(env: Environment) -> None:
    with pytest.raises(FragmentError, match="is no engine"):
        fragment_keys(object(), "page")
    with pytest.raises(FragmentError, match="extensions="):
        fragment_keys(Environment(), "page")
    with pytest.raises(UnstableKeyPart):
        fragment_keys(env, "page", object())


def test_a_default_region_beside_the_others_is_reached(
    env: Environment, regions: dict[str, CacheRegion]
) -> None:
    beside = make_region().configure("dogpile.cache.memory")
    env.cache_default_region = beside  # type: ignore[attr-defined]  # the extension's
    env.loader.mapping["default"] = "{% cache key=1 %}{{ x }}{% endcache %}"  # type: ignore[union-attr]
    lookup = TemplateLookup(
        cache_impl="dogpile.cache", cache_args={"regions": regions, "region": beside}
    )
    lookup.put_string("default", '<%def name="a()" cached="True">${x}</%def>${a()}')
    for engine, parts in ((env, [1]), (lookup, [])):
        page = engine.get_template("default")  # type: ignore[union-attr]
        assert [page.render(x=1), page.render(x=2)] == ["1", "1"]
        invalidate_fragment(engine, "default", *parts)
        assert page.render(x=3) == "3"


def test_templates_compiled_ahead_of_time_cannot_be_asked(
    env: Environment, tmp_path: Path
) -> None:
    env.compile_templates(str(tmp_path), zip=None, log_function=None)
    compiled = jinja2_environment({}, loader=ModuleLoader(tmp_path))
    with pytest.raises(FragmentError, match="The source of 'part' cannot be had"):
        fragment_keys(compiled, "part")


def test_the_region_may_be_given_by_its_name(
    env: Environment, lookup: TemplateLookup, regions: dict[str, CacheRegion]
) -> None:
    lookup.get_template("page").render(k=5, n=str)
    before = kept(regions["short"])
    invalidate_fragment(lookup, "page", 5, name="one", region="long")
    assert kept(regions["short"]) == before
    invalidate_fragment(lookup, "page", 5, name="one", region="short")
    assert kept(regions["short"]) != before
    for engine in (env, lookup):
        with pytest.raises(UnknownRegion, match="has 'long', 'short'"):
            invalidate_fragment(engine, "page", 5, name="one", region="shrt")
