"""Which templates a fragment depends on: its own, and all that it refers to."""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path

import pytest
from jinja2 import DictLoader, FileSystemBytecodeCache, FileSystemLoader, ModuleLoader

from .engines import Regions, jinja2_environment

CACHED = '{{% cache "short", "k" %}}{}{{% endcache %}}'


def render(
    regions: Regions, sources: dict[str, str], page: str = "page", **context: object
) -> str:
    """Render a page as a process does that has just been started."""
    env = jinja2_environment(regions, loader=DictLoader(sources))
    return env.get_template(page).render(context)


@pytest.mark.parametrize(
    "reference",
    [
        '{% include "part" %}',
        '{% include ["gone", "part"] %}',
        '{% include "part" if true else "other" %}',
        '{% import "part" as part %}{{ part.text() }}',
        '{% from "part" import text %}{{ text() }}',
        '{% extends "part" %}',
        '{% include "between" %}',
        '{% include "cycle" %}',
    ],
)
def test_a_change_of_a_template_that_it_refers_to_changes_a_fragment(
    regions: Regions, reference: str
) -> None:
    extends = "extends" in reference
    inner = "{% block a %}{{ super() }}{% endblock %}" if extends else reference
    part = "{{% macro text() %}}{0}{{% endmacro %}}{{% block a %}}{0}{{% endblock %}}"
    for version in ("old", "new", "old"):
        sources = {
            "page": (reference if extends else "") + CACHED.format(inner),
            "between": '{% include "part" %}',
            "cycle": '{% if false %}{% include "page" %}{% endif %}{% include "part" %}',
            "part": part.format(version),
        }
        if extends:
            sources["page"] = reference + (
                "{% block a %}" + CACHED.format("{{ super() }}") + "{% endblock %}"
            )
        assert render(regions, sources) == version


def test_a_reference_that_is_missing_or_broken_counts_as_absent(
    regions: Regions,
) -> None:
    page = CACHED.format(
        '{% include "gone" ignore missing %}{% if false %}{% include "broken" %}'
        "{% endif %}{% include name %}"
    )
    sources = {"page": page, "broken": "{% if %}", "other": "x"}
    assert render(regions, sources, name="other") == "x"
    assert render(regions, sources | {"broken": "{% for %}"}, name="other") == "x"


def test_a_template_of_no_concern_changes_nothing(regions: Regions) -> None:
    for number in (1, 2):
        sources = {"page": CACHED.format("{{ number }}"), "other": str(number)}
        assert render(regions, sources, number=number) == "1"


def test_a_part_that_is_reloaded_is_seen_by_the_page_that_is_not(
    regions: Regions, tmp_path: Path
) -> None:
    part = tmp_path / "part"
    (tmp_path / "page").write_text(CACHED.format('{% include "part" %}'))
    env = jinja2_environment(regions, loader=FileSystemLoader(tmp_path))
    page = env.get_template("page")
    for number in range(3):
        part.write_text(str(number))
        os.utime(part, (number, number))
        assert [page.render(), page.render()] == [str(number)] * 2


def test_a_process_that_keeps_its_old_templates_does_not_pass_them_off_as_new_ones(
    regions: Regions, tmp_path: Path
) -> None:
    """The files are replaced under a process that does not reload."""
    part = tmp_path / "part"
    part.write_text("old")
    (tmp_path / "page").write_text(CACHED.format('{% include "part" %}'))
    loader = FileSystemLoader(tmp_path)
    old = jinja2_environment(regions, loader=loader, auto_reload=False)
    old.get_template("part")
    part.write_text("new")
    os.utime(part, (1, 1))
    assert old.get_template("page").render() == "old"
    assert jinja2_environment(regions, loader=loader).get_template("page").render() == (
        "new"
    )


def test_templates_compiled_ahead_of_time_are_told_apart_by_their_code(
    regions: Regions, tmp_path: Path
) -> None:
    for version in ("old", "new"):
        sources = {"page": CACHED.format('{% include "part" %}'), "part": version}
        target = tmp_path / version
        compiler = jinja2_environment(regions, loader=DictLoader(sources))
        compiler.compile_templates(str(target), zip=None, log_function=None)
        env = jinja2_environment(regions, loader=ModuleLoader(target))
        assert env.get_template("page").render() == version


def test_a_bytecode_cache_changes_no_key(regions: Regions, tmp_path: Path) -> None:
    numbers = count(1)
    for version in ("a", "a", "b"):
        env = jinja2_environment(
            regions,
            loader=DictLoader({"page": CACHED.format('{% include "part" %}{{ n() }}'),
                               "part": version}),
            bytecode_cache=FileSystemBytecodeCache(str(tmp_path)),
        )  # fmt: skip
        expected = {"a": "a1", "b": "b2"}[version]
        assert env.get_template("page").render(n=lambda: next(numbers)) == expected


BASE = "[" + CACHED.format("{% block a %}of base{% endblock %}") + "]"


def test_the_block_of_one_child_is_not_served_to_another(regions: Regions) -> None:
    child = '{% extends "base" %}{% block a %}of NAME{% endblock %}'
    sources = {"base": BASE, "plain": '{% extends "base" %}'}
    sources |= {name: child.replace("NAME", name) for name in ("one", "two")}
    for _ in range(2):
        views = [render(regions, sources, page) for page in ("one", "two", "base")]
        assert views == ["[of one]", "[of two]", "[of base]"]


def test_pages_that_show_the_same_blocks_share_a_fragment(regions: Regions) -> None:
    base = "[" + CACHED.format("{% block a %}{{ n() }}{% endblock %}") + "]"
    sources = {
        "base": base,
        "one": '{% extends "base" %}',
        "two": '{% extends "base" %}',
    }
    numbers = count(1)
    views = [
        render(regions, sources, page, n=lambda: next(numbers))
        for page in ("one", "two", "base")
    ]
    assert views == ["[1]"] * 3


def test_a_layout_chosen_at_run_time_counts(regions: Regions) -> None:
    page = "{% extends layout %}{% block a %}" + CACHED.format("{{ super() }}")
    sources = {
        "page": page + "{% endblock %}",
        "full": "<{% block a %}full{% endblock %}>",
        "bare": "{% block a %}bare{% endblock %}",
    }
    for _ in range(2):
        assert render(regions, sources, layout="full") == "<full>"
        assert render(regions, sources, layout="bare") == "bare"


def test_templates_without_a_name_are_told_apart_by_what_they_override(
    regions: Regions,
) -> None:
    env = jinja2_environment(regions, loader=DictLoader({"base": BASE}))
    child = '{% extends "base" %}{% block a %}NAME{% endblock %}'
    for _ in range(2):
        for name in ("one", "two"):
            page = env.from_string(child.replace("NAME", name))
            assert page.render() == f"[{name}]"


def test_what_callers_say_in_a_cached_body_is_theirs(regions: Regions) -> None:
    macro = "{% macro box() %}" + CACHED.format("<{{ caller() }}>") + "{% endmacro %}"
    call = '{% from "lib" import box %}{% call box() %}NAME{{ x }}{% endcall %}'
    sources = {"lib": macro, "one": call.replace("NAME", "one")}
    sources["two"] = call.replace("NAME", "two") + call.replace("NAME", "2")
    for x in (1, 2):
        assert render(regions, sources, "one", x=x) == "<one1>"
        assert render(regions, sources, "two", x=x) == "<two1><21>"


@pytest.mark.parametrize(
    "reference",
    [
        '{% include "part" ignore missing %}',
        '{% include ["part", "other"] %}',
        '{% include "between" %}',
    ],
)
def test_a_part_that_was_missing_is_noticed_when_it_is_there(
    regions: Regions, reference: str
) -> None:
    sources = {
        "page": CACHED.format(reference),
        "other": "other",
        "between": '{% include "part" ignore missing %}',
    }
    env = jinja2_environment(regions, loader=DictLoader(sources))
    page = env.get_template("page")
    assert page.render() == ("other" if "other" in reference else "")
    sources["part"] = "part"
    assert page.render() == "part"


def test_an_overlay_may_load_other_parts(regions: Regions) -> None:
    page = CACHED.format('{% include "part" %}')
    env = jinja2_environment(regions, loader=DictLoader({"page": page, "part": "one"}))
    overlay = env.overlay(loader=DictLoader({"page": page, "part": "two"}))
    for _ in range(2):
        assert env.get_template("page").render() == "one"
        assert overlay.get_template("page").render() == "two"
